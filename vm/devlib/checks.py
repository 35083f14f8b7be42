# SPDX-License-Identifier: GPL-2.0-only
"""./dev format and ./dev lint: the checkers of the root over the clone's files."""

import os
import pathlib
import subprocess

from devlib import build, config, proc
from devlib.proc import Failure, say

C_SUFFIXES = (".c", ".h", ".cpp", ".hpp", ".cc")
# The driver follows the kernel's own style, which checkpatch judges.
KERNEL_DIRS = ("kpatch/",)


def tracked():
    """Files of the clone that git knows or would add."""
    out = proc.check_output(["git", "-c", f"safe.directory={config.SRC}", "-C",
                             str(config.SRC), "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], "listing the sources")
    names = [n for n in out.split("\0") if n]
    return sorted({n for n in names if (config.SRC / n).is_file()})


def sources(suffixes, without=()):
    return [n for n in tracked() if n.endswith(suffixes) and not n.startswith(without)]


def scripts():
    """Shell scripts, found by their first line."""
    found = []
    for name in tracked():
        with open(config.SRC / name, "rb") as f:
            first = f.readline(80)
        if first.startswith(b"#!") and (b"bash" in first or first.rstrip().endswith(b"sh")):
            found.append(name)
    return found


def format_sources(root, check):
    files = sources(C_SUFFIXES, KERNEL_DIRS)
    if not files:
        return 0
    if check:
        status = build.run_in_root(root, ["clang-format-19", "--dry-run", "-Werror", *files])
        if status:
            say("dev: run ./dev format")
        return status
    return rewrite(root, files)


def rewrite(root, files):
    """The clone is read-only in the root, so each result is written from here."""
    for name in files:
        path = config.SRC / name
        with proc.child(build.in_root(root, ["clang-format-19", name]),
                        stdout=subprocess.PIPE) as c:
            text = c.stdout.read()
            if c.wait() != 0:
                raise Failure(f"clang-format-19 failed on {name}")
        if text != path.read_bytes():
            say(f"-- formatted {name}")
            path.write_bytes(text)
    return 0


def lint_shell(root):
    # SC3043: `local` is in every shell we start, busybox's and dash included.
    return run(root, ["shellcheck", "-e", "SC3043", *scripts()])


def lint_tidy(root):
    files = [n for n in sources((".cpp", ".cc")) if compiled(n)]
    if not files:
        return 0
    jobs = str(os.cpu_count() or 1)
    return run(root, ["xargs", "-0", "-n1", "-P", jobs, "clang-tidy-19", "-p", "/build",
                      "--quiet"], "\0".join(files))


def compiled(name):
    table = config.build_dir() / "compile_commands.json"
    return table.exists() and f"/src/{name}\"" in table.read_text(encoding="utf-8")


# What checkpatch says of these is not so, or is meant.
CHECKPATCH_EXCEPTED = {
    # Macros that exist to do nothing.
    ("kpatch/src/ext_identity.h", "MACRO_ARG_UNUSED"),
    ("kpatch/src/ext_identity.h", "EXPORT_SYMBOL"),
    ("kpatch/src/ext_mistake.h", "MACRO_ARG_UNUSED"),
    # Both sides are constants.
    ("kpatch/src/op_change.c", "CONSTANT_COMPARISON"),
    # The protocol's "no such operation".
    ("kpatch/src/op_open.c", "ENOSYS"),
    # As the lines of fs/fuse around it.
    ("kpatch/linux-6.12/0002-hooks.patch", "SPACING"),
}


def complaints(root, argv, name="", text=None):
    """Prints those of checkpatch that are not excepted; 1 if there are any. name: of the
    patch in text."""
    with proc.child(build.in_root(root, argv), stdout=subprocess.PIPE, text=True,
                    stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL) as c:
        said, _ = c.communicate(text)
    left = int(c.returncode != 0 and not said)
    for line in said.splitlines():
        place, _, rest = line.partition(": ")
        kind = rest.split(":")[1] if rest.count(":") else ""
        if line.startswith("total:") or (name or place.split(":")[0], kind) in CHECKPATCH_EXCEPTED:
            continue
        print(line)
        left = 1
    return left


def lint_checkpatch(root):
    """The kernel's own checker, from the source package, over driver and patches."""
    files = [n for n in sources((".c", ".h")) if n.startswith(KERNEL_DIRS)]
    patches = sources((".patch",))
    tool = checkpatch(root)
    status = 0
    common = ["perl", tool, "--no-tree", "--quiet", "--terse", "--show-types",
              "--ignore", "FILE_PATH_CHANGES,COMMIT_MESSAGE,MISSING_SIGN_OFF,"
              "GIT_COMMIT_ID,EMBEDDED_FILENAME,NO_AUTHOR_SIGN_OFF"]
    if files:
        status |= complaints(root, [*common, "-f", *files])
    for name in patches:
        # On stdin: a name that git tracks would be judged as a source file.
        status |= complaints(root, [*common, "-"], name,
                             (config.SRC / name).read_text(encoding="utf-8"))
    return status


def checkpatch(root):
    """checkpatch.pl with its word lists, unpacked once from the source package."""
    out = config.out_dir() / "checkpatch"
    if not (out / "checkpatch.pl").exists():
        out.mkdir(parents=True, exist_ok=True)
        tar = next((root.tree / "usr/src").glob("linux-source-*.tar.xz"))
        proc.check_output(["tar", "-xJf", str(tar), "-C", str(out), "--strip-components=2",
                           "--wildcards", "*/scripts/checkpatch.pl", "*/scripts/spelling.txt",
                           "*/scripts/const_structs.checkpatch"], "unpacking checkpatch")
    return "/out/checkpatch/checkpatch.pl"


def lint_sparse(root):
    """kpatch's own target, where there is one."""
    with proc.child(build.in_root(root, ["ninja", "-C", "/build", "-t", "targets", "all"]),
                    stdout=subprocess.PIPE) as c:
        targets = c.stdout.read().decode()
        c.wait()
    if "\nsparse:" not in "\n" + targets:
        say("-- sparse: kpatch has no target of that name")
        return 0
    return run(root, ["cmake", "--build", "/build", "--target", "sparse"])


def lint_spdx(_root):
    """Every file says its licence; data without comments is excepted."""
    bare = []
    for name in tracked():
        if name.startswith("LICENSES/") or pathlib.Path(name).suffix in (
                ".md", ".json", ".csv", ".svg", ".png", ".txt", ".patch"):
            continue
        if name in ("COPYING", ".gitignore", ".editorconfig", ".clang-format", ".clang-tidy"):
            continue
        head = (config.SRC / name).read_bytes()[:4096]
        if b"SPDX-License-Identifier:" not in head:
            bare.append(name)
    for name in bare:
        print(f"{name}: no SPDX-License-Identifier")
    return 1 if bare else 0


def run(root, argv, stdin=None):
    """In the root; output is ours. Text for stdin, if any, through a pipe."""
    kw = {"stdin": subprocess.PIPE} if stdin is not None else {}
    with proc.child(build.in_root(root, argv), **kw) as c:
        if stdin is not None:
            c.stdin.write(stdin.encode())
            c.stdin.close()
        return c.wait()


LINTERS = {"shell": lint_shell, "tidy": lint_tidy, "checkpatch": lint_checkpatch,
           "sparse": lint_sparse, "spdx": lint_spdx}
NEED_BUILD = {"tidy", "sparse"}


def lint(root, wanted):
    bad = []
    for name in wanted:
        say(f"-- lint: {name}")
        if LINTERS[name](root) != 0:
            bad.append(name)
    if bad:
        say("dev: complaints by " + ", ".join(bad))
    return 1 if bad else 0
