# SPDX-License-Identifier: GPL-2.0-only
"""Command line of vm/run; ./dev vm and ./dev shell take the same options."""

import argparse
import pathlib
import shlex

from devlib import debugkernel, qemu, rootfs
from devlib.proc import Failure

EPILOG = """\
The guest starts fresh each time: what it writes is forgotten, except in /out.
Its directories: /src (the clone, read-only), /build (the build tree,
read-only), /out (results, writable), /tmp (in memory).

Exit status: the command's own, or one of these, with a message on stderr:
  120  the command ended, but the kernel logged an oops, BUG, WARNING, lockup,
       hung task, stall or a sanitizer's report
  121  the guest's kernel panicked     122  the guest ended without a status
  123  the guest could not be started  124  the time limit ran out
"""


def add_options(p):
    p.add_argument("--accel", choices=("tcg", "kvm"), default="tcg",
                   help="tcg: emulation (default); kvm: opt-in, probed first")
    p.add_argument("--icount", action="store_true",
                   help="one CPU, one instruction is one nanosecond of guest time")
    p.add_argument("--cpu", default="", metavar="MODEL",
                   help="QEMU's CPU model (default max; max,-erms,-fsrm with --icount)")
    p.add_argument("--smp", type=int, default=2, metavar="N", help="CPUs (default 2)")
    p.add_argument("--mem", default="4G", metavar="SIZE", help="memory (default 4G)")
    p.add_argument("--timeout", type=float, default=qemu.DEFAULT_TIMEOUT,
                   metavar="SECONDS",
                   help=f"wall-clock limit (default {qemu.DEFAULT_TIMEOUT})")
    p.add_argument("--console", default="", metavar="FILE",
                   help="keep the captured console in FILE")
    p.add_argument("--append", default="", metavar="WORDS",
                   help="more words for the kernel's command line")
    p.add_argument("--kernel", default="", metavar="FILE",
                   help="another kernel image (default: the root's own)")
    p.add_argument("--sanitize", action="store_true",
                   help="the debug kernel of ./dev test --sanitize, built if there is none, "
                        "and $EXTFUSE_MODULE, the driver for it")
    p.add_argument("--disk", action="append", default=[], metavar="FILE[:rw]",
                   help="a further disk, /dev/vdb and on; changes are kept with :rw only")
    p.add_argument("--share", action="append", default=[], metavar="TAG=DIR[:rw]",
                   help="a directory of the host at /mnt/TAG")
    p.add_argument("--build", metavar="DIR", help="another directory for /build")
    p.add_argument("--out", metavar="DIR", help="another directory for /out")
    p.add_argument("--chdir", default="/src", metavar="DIR",
                   help="where the command starts (default /src)")
    p.add_argument("--print-qemu", action="store_true",
                   help="print the QEMU command instead of running it")


def parse_share(text):
    tag, eq, path = text.partition("=")
    writable = path.endswith(":rw")
    path = path[:-3] if writable else path
    if not eq or not tag.isalnum():
        raise Failure(f"--share {text}: not TAG=DIR", "TAG is letters and digits",
                      qemu.STATUS_SETUP)
    if not pathlib.Path(path).is_dir():
        raise Failure(f"--share {text}: {path} is not a directory",
                      status=qemu.STATUS_SETUP)
    return qemu.Share(tag, pathlib.Path(path).absolute(), f"/mnt/{tag}", writable)


def options(a, interactive=False):
    return qemu.Options(
        root=rootfs.current(), accel=a.accel, icount=a.icount, cpu=a.cpu, smp=a.smp,
        mem=a.mem, timeout=a.timeout, console=a.console, append=a.append,
        kernel=a.kernel, disks=a.disk, directory=a.chdir, interactive=interactive,
        shares=[*qemu.default_shares(a.build, a.out),
                *(parse_share(s) for s in a.share)])


def command_line(words):
    """One word is a shell command; several are quoted as they are."""
    return words[0] if len(words) == 1 else shlex.join(words)


def execute(a, interactive=False):
    words = [w for i, w in enumerate(a.command) if not (i == 0 and w == "--")]
    if not words and not interactive:
        raise Failure("no command given", "write it after --, as in: -- uname -a",
                      qemu.STATUS_SETUP)
    o = options(a, interactive)
    if a.sanitize:
        debugkernel.prepare(o)
    if a.print_qemu:
        o.console = o.console or "console.log"
        print(shlex.join(qemu.qemu_argv(o, "RUNDIR")))
        return 0
    return qemu.run(o, command_line(words) if words else "exec bash -l")


def main(argv):
    p = argparse.ArgumentParser(
        prog="vm/run", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Boots the cached Debian 13 root in QEMU and runs a command in it.")
    add_options(p)
    p.add_argument("--interactive", action="store_true", help="a terminal in the guest")
    p.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    a = p.parse_args(argv)
    return execute(a, a.interactive)
