# SPDX-License-Identifier: GPL-2.0-only
"""Daemons and their mounts, in the guest."""

import contextlib
import json
import mmap
import os
import pathlib
import signal
import socket
import stat
import subprocess
import time

from devlib.proc import Failure

from extbench import sides

BUILD = pathlib.Path(os.environ.get("EXTFUSE_BUILD", "/build"))  # set with --native
STACKFS = BUILD / "daemon" / "stackfs"
PATIENCE = 60  # seconds for a mount to come up or go away


def load_driver():
    if os.path.isdir("/sys/module/extfuse"):
        return
    found = sorted(BUILD.glob("extfuse.ko")) or sorted(BUILD.glob("kpatch/**/extfuse.ko"))
    if not found:
        raise Failure(f"no extfuse.ko in {BUILD}", "run ./dev build")
    r = subprocess.run(["insmod", str(found[0])], capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise Failure(f"insmod {found[0]}: {r.stderr.strip()}", "dmesg says more")


def ext4_in_memory(path, megabytes):
    """A disk that never waits: with instructions for a clock, an idle CPU's time is none."""
    if mounted(path):
        return
    pathlib.Path(path).mkdir(parents=True, exist_ok=True)
    for argv in (["modprobe", "brd", "rd_nr=1", f"rd_size={megabytes << 10}"],
                 ["mkfs.ext4", "-q", "/dev/ram0"], ["mount", "/dev/ram0", str(path)]):
        r = subprocess.run(argv, capture_output=True, text=True, check=False)
        if r.returncode != 0:
            raise Failure(f"{' '.join(argv)}: {r.stderr.strip()}")


def drop_caches(what):
    """1: pages, 2: dentries and inodes, 3: both. Those that are dirty stay."""
    pathlib.Path("/proc/sys/vm/drop_caches").write_text(f"{what}\n", encoding="ascii")


@contextlib.contextmanager
def kept_in_memory(path):
    """Whatever caches are dropped: mapped pages stay."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as image:
        for at in range(0, len(image), mmap.PAGESIZE):
            image[at]
        yield


def file_system(path):
    """Its type, of what is on top there."""
    dev = os.stat(path).st_dev
    number = f"{os.major(dev)}:{os.minor(dev)}"
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[2] == number:
            return words[words.index("-") + 1]
    return "no known file system"


def lower_place(name):
    """The directory of a lower file system, made now. A machine may have anything there:
    what is measured must be what it is called, and nobody else may have a hand in it."""
    path = pathlib.Path(sides.LOWERS[name])
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    s = os.lstat(path)
    if not stat.S_ISDIR(s.st_mode) or s.st_uid != os.geteuid() or s.st_mode & 0o022:
        raise Failure(f"{path} is not a directory of ours that others cannot write",
                      "remove it, it is made anew", 2)
    found = file_system(path)
    if found != name:
        raise Failure(f"{path} is on {found}, not on {name}",
                      f"mount {name} there, or name the others: "
                      + ", ".join(f"--lower {n}" for n in sides.LOWERS if n != name), 2)
    return path


def mounted(path):
    with open("/proc/mounts", encoding="utf-8") as f:
        return any(line.split()[1] == str(path) for line in f)


class Daemon:
    """stackfs on a mount point, with its control socket. A context manager."""

    def __init__(self, source, mountpoint, options, before=()):
        self.mountpoint = pathlib.Path(mountpoint)
        self.socket_path = f"/run/bench-{os.getpid()}-{self.mountpoint.name}.sock"
        self.argv = [*before, str(STACKFS), "-f", "--control", self.socket_path, *options,
                     str(source), str(mountpoint)]
        self.process = self.channel = None
        self.attached = True

    def __enter__(self):
        self.mountpoint.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL)
        try:
            self._wait(lambda: mounted(self.mountpoint) and self._connect())
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_exc):
        self.stop()

    def _wait(self, ready):
        end = time.monotonic() + PATIENCE
        while not ready():
            if self.process.poll() is not None:
                raise Failure(f"{' '.join(self.argv)} ended with {self.process.returncode}",
                              "its message is above")
            if time.monotonic() > end:
                raise Failure(f"no mount at {self.mountpoint} after {PATIENCE} s")
            time.sleep(0.01)

    def _connect(self):
        """False: it does not listen yet."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            try:
                s.connect(self.socket_path)
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            self.channel = s.makefile("rw", encoding="utf-8")
        return True

    def command(self, line):
        print(line, file=self.channel, flush=True)
        answer = self.channel.readline().rstrip("\n")
        if not answer or answer.startswith("error"):
            raise Failure(f"{self.mountpoint}: '{line}': {answer or 'no answer'}")
        return answer

    def enter_mode(self, words):
        for word in words:
            if word not in ("attached", "detached"):
                self.command(word)
            elif self.attached != (word == "attached"):
                self.attached = word == "attached"
                self.command("attach" if self.attached else "detach")

    def stats(self):
        return json.loads(self.command("stats"))

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        if self.channel:
            with contextlib.suppress(OSError):
                self.channel.close()
            self.channel = None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if mounted(self.mountpoint):
            subprocess.run(["umount", "-l", str(self.mountpoint)], check=False)


def page_in(pid):
    """Reads the code of a process into memory. Where it waits for a disk or for the host,
    the clock of instructions jumps to the next timer."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="ascii").splitlines():
        words = line.split()
        if "x" in words[1] and words[-1].startswith("/"):
            with contextlib.suppress(OSError):
                pathlib.Path(words[-1]).read_bytes()


def flat_counters(stats):
    """One flat dictionary of what rows.COUNTED names, and what the handler counts."""
    out = {"requests": stats["requests_total"]}
    out["backing_opens"] = stats["extfuse"]["driver"]["backing_opens"]
    for op, values in stats["extfuse"]["driver"].items():
        if isinstance(values, dict):
            out.update({f"{op}.{k}": v for k, v in values.items()})
    for op, values in stats["extfuse"]["handler"].items():
        out[f"{op}.handler-hit"] = values["hit"]
        out.update({f"{op}.handler-miss-{why}": n for why, n in values["miss"].items()})
    return out


def counters(mount):
    """Of the driver, and requests that reached the daemon; None where there is none."""
    stats = mount.stats()
    return stats and {"flat": flat_counters(stats), "requests": stats["requests"]}


def answered(moved):
    """Of the counters that moved, those of what the driver answered itself."""
    return {k: v for k, v in moved.items()
            if v and k.split(".")[-1] in ("warm", "hit", "error")}


def delta(after, before):
    return {k: v - before.get(k, 0) for k, v in after.items()}
