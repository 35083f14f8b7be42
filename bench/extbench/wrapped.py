# SPDX-License-Identifier: GPL-2.0-only
"""wrap-lines: what it takes to put a file system of Debian's archive on the driver."""

import collections
import contextlib
import os
import pathlib
import re
import subprocess
import time

from devlib.proc import Failure, say

from extbench import mounts

PATCH = pathlib.Path(__file__).resolve().parents[2] / "tests/existing/wrapped/erofsfuse.patch"
PROGRAMS = mounts.BUILD / "tests" / "vm" / "wrapped" / "programs"
FILES = 40
# Stock FUSE asks for these each time; the others it keeps by this program's timeouts.
ASKED = ("READLINK", "GETXATTR")
KEPT = (*ASKED, "LOOKUP", "GETATTR", "READ")


def changed_lines(patch):
    """Lines that a patch takes away or adds."""
    return sum(1 for line in patch.splitlines()
               if line[:1] in "+-" and line[:4] not in ("--- ", "+++ "))


def make_image(work):
    tree, image = work / "tree", work / "image"
    tree.mkdir(parents=True)
    for i in range(FILES):
        (tree / f"file{i}").write_bytes(b"x" * 100 * i)
        (tree / f"link{i}").symlink_to(f"file{i}")
    subprocess.run([PROGRAMS / "mkfs.erofs", image, tree], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return image


@contextlib.contextmanager
def mounted(image, where, driver):
    """The mount point and the log of a patched erofsfuse."""
    where.mkdir(parents=True)
    log = where.with_suffix(".log")
    with open(log, "ab") as out, subprocess.Popen(
            [PROGRAMS / "erofsfuse_wrapped", "-d", "-o", f"extfuse={driver}", image, where],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out) as p:
        try:
            wait_mounted(where, p, log)
            yield where, log
        finally:
            subprocess.run(["umount", where], check=False, stderr=subprocess.DEVNULL)
            try:
                p.wait(timeout=mounts.PATIENCE)
            except subprocess.TimeoutExpired:
                p.kill()


def wait_mounted(where, process, log):
    end = time.monotonic() + mounts.PATIENCE
    while not os.path.ismount(where):
        if process.poll() is not None or time.monotonic() > end:
            raise Failure("the patched erofsfuse does not mount: "
                          + log.read_text(errors="replace")[-500:])
        time.sleep(0.05)


def read_file(path):
    """As cat does; Python's own open() asks by ioctl whether it is a terminal."""
    fd = os.open(path, os.O_RDONLY)
    try:
        while os.read(fd, 1 << 16):
            pass
    finally:
        os.close(fd)


def walk(where):
    for name in sorted(os.listdir(where)):
        path = where / name
        os.lstat(path)
        with contextlib.suppress(OSError):
            os.getxattr(path, "user.absent", follow_symlinks=False)
        if path.is_symlink():
            os.readlink(path)
        else:
            read_file(path)


def requests_of_pass(where, log):
    before = log.stat().st_size
    walk(where)
    time.sleep(0.5)  # RELEASE
    with open(log, errors="replace") as f:
        f.seek(before)
        return collections.Counter(re.findall(r"opcode: (\w+)", f.read()))


def second_pass(image, where, driver):
    with mounted(image, where, driver) as (mountpoint, log):
        # The first pass moves access times: what depends on them is asked for once more.
        for _ in range(2):
            walk(mountpoint)
        return requests_of_pass(mountpoint, log)


def wrap_lines(work):
    say("-- bench: erofsfuse of Debian's archive, patched")
    work = pathlib.Path(work) / "wrapped"
    image = make_image(work)
    stock = second_pass(image, work / "stock", "stock")
    ours = second_pass(image, work / "extfuse", "require")
    if any(stock[r] < FILES for r in ASKED):
        raise Failure(f"stock FUSE does not ask as it is known to: {dict(stock)}")
    if any(ours[r] for r in KEPT):
        raise Failure(f"the patched erofsfuse is asked for what is kept: {dict(ours)}")
    return {"value": changed_lines(PATCH.read_text(encoding="utf-8")), "how": (
        f"lines that {PATCH.name} takes away or adds, Makefile.am's among them; the patched "
        f"program was built from Debian's source package, and of a third pass of lstat, "
        f"getxattr, readlink and read over {2 * FILES} names it got "
        f"{sum(ours.values())} requests ({dict(ours)}), on stock FUSE {sum(stock.values())} "
        f"({dict(stock)})"), "stock": dict(stock), "extfuse": dict(ours)}
