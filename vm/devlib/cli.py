# SPDX-License-Identifier: GPL-2.0-only
"""The subcommands of ./dev."""

import argparse
import difflib
import os
import shutil
import signal
import subprocess
import sys

from devlib import build, checks, config, data, host, proc, provision, rootfs, runcli, tests
from devlib.proc import Failure, say

BENCH_GRACE = 60  # seconds to clean up when stopped, a kernel's source among others

DESCRIPTION = """\
extfuse: build, test and run everything in a Debian 13 root and a VM.
Every command sets up what it needs first (packages, root, build); what is
ready is kept in ~/.cache/extfuse (EXTFUSE_CACHE overrides it).
"""


def prepared(built=True):
    """Host, root and, if asked, an up-to-date build."""
    host.ensure()
    root = rootfs.ensure()
    if built:
        build.build(root)
    return root


def cmd_setup(_a):
    root = prepared(built=False)
    say(f"-- ready: {root.dir}")


def cmd_build(a):
    root = prepared(built=False)
    options = [f"-D{d}" for d in a.define]
    build.build(root, options, a.target, a.verbose)
    say(f"-- built in {config.build_dir()}")


def cmd_test(a):
    return tests.run(prepared(built=False), a)


def cmd_vm(a):
    prepared(built=a.with_build)
    return runcli.execute(a)


def cmd_shell(a):
    prepared(built=False)
    return runcli.execute(a, interactive=True)


def cmd_chroot(a):
    root = prepared(built=False)
    argv = [w for i, w in enumerate(a.command) if i or w != "--"] or ["bash"]
    if not sys.stdin.isatty():
        return build.run_in_root(root, argv)
    # A shell wants the terminal, and Ctrl-C for itself: same session, so no child().
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.run(proc.bound_to_us(build.in_root(root, argv)),
                          check=False).returncode


def cmd_bench(a):
    return delegate("bench/run", a.args)


def cmd_demo(a):
    return delegate("bench/demo", a.args)


def delegate(script, args):
    """Runs a script of bench/ on the host, everything it needs being ready."""
    path = config.SRC / script
    if not path.exists():
        raise Failure(f"{script} is not there yet", "git pull, perhaps")
    root = prepared()
    env = dict(os.environ, EXTFUSE_ROOT=str(root.tree), EXTFUSE_RELEASE=root.release,
               EXTFUSE_BUILD=str(config.build_dir()), EXTFUSE_OUT=str(config.out_dir()))
    with proc.child([str(path), *args], grace=BENCH_GRACE, env=env, cwd=os.getcwd()) as c:
        return c.wait()


def cmd_format(a):
    return checks.format_sources(prepared(built=False), a.check)


def cmd_lint(a):
    wanted = a.only or list(checks.LINTERS)
    return checks.lint(prepared(built=bool(checks.NEED_BUILD & set(wanted))), wanted)


def cmd_provision(a):
    return provision.run(a)


def cmd_mkdata(_a):
    prepared(built=False)
    print(data.ensure())


def cmd_clean(a):
    if not config.cache().exists():
        return
    with proc.lock(str(config.cache() / "use.lock"), wait=False,
                   busy="a VM of another ./dev is running"):
        target = config.cache() if a.all else config.work_dir()
        if target.exists():
            say(f"-- removing {target}")
            remove_cache(target, a.all)


def remove_cache(target, everything):
    if everything and not looks_like_cache(target):
        raise Failure(f"{target} does not look like a cache of ours",
                      "remove it by hand if you mean it")
    shutil.rmtree(target)


def looks_like_cache(path):
    known = ("root-", "kernel-", "work", "ccache", "log", "make.lock", "use.lock", "lint")
    return all(p.name.startswith(known) for p in path.iterdir())


def parser():
    def wide(prog):
        return argparse.RawDescriptionHelpFormatter(prog, max_help_position=16)

    p = argparse.ArgumentParser(prog="./dev", description=DESCRIPTION, formatter_class=wide)
    sub = p.add_subparsers(dest="word", metavar="COMMAND [...]", required=True)

    def add(name, function, text, **kw):
        q = sub.add_parser(name, help=text, description=text, **kw)
        q.set_defaults(function=function)
        return q

    add("setup", cmd_setup, "install what is missing, make the root")
    q = add("build", cmd_build, "build everything, incrementally")
    q.add_argument("-v", "--verbose", action="store_true", help="show the commands' output")
    q.add_argument("-D", dest="define", action="append", default=[], metavar="VAR=VALUE",
                   help="a CMake option, remembered")
    q.add_argument("target", nargs="*", help="targets (default: all)")
    tests.add_options(add("test", cmd_test, "build, then run all tests on host and in the VM"))
    q = vm_words(add("vm", cmd_vm, "run a command in the VM: ./dev vm -- COMMAND",
                     epilog=runcli.EPILOG,
                     formatter_class=argparse.RawDescriptionHelpFormatter))
    q.add_argument("--with-build", action="store_true", help="bring the build up to date first")
    vm_words(add("shell", cmd_shell, "an interactive shell in the VM"))
    q = add("chroot", cmd_chroot, "run a command in the build root, without a VM")
    q.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    for name, function, text in (
            ("bench", cmd_bench, "run a benchmark: ./dev bench NAME [--json FILE]"),
            ("demo", cmd_demo, "the demonstration on a kernel tree [--json FILE]")):
        q = add(name, function, text, add_help=False)
        q.add_argument("args", nargs=argparse.REMAINDER)
    q = add("format", cmd_format, "format C and C++ sources")
    q.add_argument("--check", action="store_true", help="change nothing, fail if needed")
    q = add("lint", cmd_lint, "shellcheck, clang-tidy, checkpatch, sparse")
    q.add_argument("--only", action="append", default=[], choices=sorted(checks.LINTERS),
                   help="these checks only")
    provision.add_options(add("provision", cmd_provision,
                              "make this Debian 13 machine itself ready (Vagrant, bare metal)"))
    add("mkdata", cmd_mkdata, "make the disk image with the kernel's source tree")
    q = add("clean", cmd_clean, "remove this clone's build")
    q.add_argument("--all", action="store_true", help="the whole cache, roots included")
    return p


def vm_words(q):
    runcli.add_options(q)
    q.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return q


def known_words(p):
    return next(a for a in p._actions if isinstance(a, argparse._SubParsersAction)).choices


def check_word(p, argv):
    """A clear error for an unknown command, before argparse's."""
    if not argv:
        p.print_help()
        return False
    word, words = argv[0], known_words(p)
    if word.startswith("-") or word in words:
        return True
    near = difflib.get_close_matches(word, words, 1)
    hint = f"did you mean ./dev {near[0]}?" if near else "./dev --help lists them"
    raise Failure(f"no such command: {word}", hint, 2)


def main(argv):
    def body():
        p = parser()
        if not check_word(p, argv):
            return 2
        if argv[0] in ("bench", "demo"):  # theirs are all the words that follow
            a = argparse.Namespace(args=argv[1:])
            return {"bench": cmd_bench, "demo": cmd_demo}[argv[0]](a)
        a = p.parse_args(argv)
        return a.function(a)

    return proc.run_main("dev", body)
