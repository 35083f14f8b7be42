# SPDX-License-Identifier: GPL-2.0-only
"""Bounds that are no ratio of two figures: each step gives a number and says how."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

from devlib.proc import Failure, say

from extbench import mounts, rows, throughput, wrapped

BENCH_SLOTS = mounts.BUILD / "bench" / "bench-slots"
REPLIES = 400
SMALL_MAP = 4096
OVERFILL = 4  # names looked up for each that has room
HOOK_OPTIONS = {"stock": ("--stock",),
                "extfuse": ("--require", "--scope=all", "--reply-hooks")}
MOUNT_OPTIONS = {"stock": ("--stock",), "extfuse": ("--require", "--scope=all")}


# ---------------------------------------------------------------------------
# System calls per annotated reply

@contextlib.contextmanager
def counted_syscalls(pid, counts):
    """Fills counts with what the process called while the body ran."""
    out = f"/tmp/bench-strace.{pid}"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-c", "-o", out, "-p", str(pid)],
                              stdin=subprocess.DEVNULL)
    try:
        wait_traced(pid, tracer)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    counts.update(parse_strace(pathlib.Path(out).read_text(encoding="utf-8")))
    os.unlink(out)


def wait_traced(pid, tracer):
    end = time.monotonic() + mounts.PATIENCE
    while not all(tracer_of(t) for t in pathlib.Path(f"/proc/{pid}/task").iterdir()):
        if tracer.poll() is not None or time.monotonic() > end:
            raise Failure(f"strace does not attach to {pid}", "its message is above")
        time.sleep(0.05)
    time.sleep(0.2)


def tracer_of(task):
    for line in (task / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("TracerPid:"):
            return int(line.split()[1])
    return 0


def parse_strace(text):
    """{call: count} of the table of strace -c."""
    counts = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5 and words[-1] != "total" and words[3].isdigit():
            counts[words[-1]] = int(words[3])
    return counts


def touch_path(path):
    """LOOKUP and nothing else."""
    with contextlib.suppress(FileNotFoundError):
        os.close(os.open(path, os.O_PATH))


def reply_kinds(directory):
    """(name of the request, its replies one after the other)."""
    def lookups():
        for i in range(REPLIES):
            touch_path(directory / f"name-{i}")

    def negatives():
        for i in range(REPLIES):
            touch_path(directory / f"absent-{i}")

    def getattrs(daemon):
        fd = os.open(directory / "name-0", os.O_PATH)
        for _ in range(REPLIES):
            if daemon.attached and "--stock" not in daemon.argv:
                daemon.command("invalidate-all")
            os.stat(fd)
        os.close(fd)

    def creates():
        for i in range(REPLIES):
            os.close(os.open(directory / f"new-{i}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))

    return {"lookup": lookups, "negative lookup": negatives, "create": creates,
            "getattr": getattrs}


CONTROL_CALLS = {"poll", "recvfrom", "sendto", "recvmsg", "futex"}


def daemon_calls(lower, mnt, options):
    """{request: {system call: times per reply}} of one daemon."""
    out = {}
    with mounts.Daemon(lower, mnt, (*rows.DAEMON, *options)) as daemon:
        for name, act in reply_kinds(daemon.mountpoint).items():
            counts = {}
            shown = replies_shown(daemon)
            with counted_syscalls(daemon.pid, counts):
                act(*([daemon] if name == "getattr" else []))
            shown = replies_shown(daemon) - shown
            if "--reply-hooks" in options and shown < REPLIES:
                raise Failure(f"{shown} of {REPLIES} replies to {name} were populated by hooks",
                              "something keeps them out: look at reply_stale and reply_invalid "
                              "of the driver's counters")
            out[name] = {k: v / REPLIES for k, v in counts.items() if k not in CONTROL_CALLS}
    for i in range(REPLIES):
        os.unlink(lower / f"new-{i}")
    return out


def replies_shown(daemon):
    if "--reply-hooks" not in daemon.argv:
        return 0
    return sum(v for k, v in mounts.flat_counters(daemon.stats()).items()
               if k in ("lookup.reply", "getattr.reply"))


def difference(stock, extfuse):
    """{system call: more of it per reply with extfuse}; rounding takes a call in flight off."""
    calls = sorted(set(stock) | set(extfuse))
    diff = {c: round(extfuse.get(c, 0) - stock.get(c, 0), 1) for c in calls}
    return {c: d for c, d in diff.items() if d}


def populate_syscalls(work, hooks=False):
    what = "replies by hooks" if hooks else "replies"
    say(f"-- bench: system calls of {REPLIES} {what} of each kind")
    lower = pathlib.Path(work) / ("lower-hooks" if hooks else "lower-replies")
    lower.mkdir(parents=True)
    for i in range(REPLIES):
        (lower / f"name-{i}").touch()
    calls = {name: daemon_calls(lower, pathlib.Path(work) / "mnt" / f"calls-{name}", options)
             for name, options in (HOOK_OPTIONS if hooks else MOUNT_OPTIONS).items()}
    more = {kind: difference(calls["stock"][kind], calls["extfuse"][kind])
            for kind in calls["stock"]}
    value = max(sum(d.values()) for d in more.values())
    each = "; ".join(f"{kind} {sum(d.values()):+.1f}" + (f" ({words(d)})" if d else "")
                     for kind, d in more.items())
    return {"value": max(0, value), "how": (
        "system calls of the daemon per reply, counted by strace, extfuse minus stock, "
        f"{REPLIES} replies of each kind; the highest of: {each}"),
        "stock": calls["stock"], "extfuse": calls["extfuse"]}


def reply_hook_syscalls(work):
    return populate_syscalls(work, hooks=True)


def words(counts):
    return ", ".join(f"{call} {n:+g}" for call, n in counts.items())


# ---------------------------------------------------------------------------
# Bytes of map memory per name

def name_of(i):
    """20 to 31 bytes, all lengths equally often."""
    return f"{i:06d}-".ljust(20 + i % 12, "x")


def slots(names=False):
    r = subprocess.run([str(BENCH_SLOTS), *(["--names"] if names else [])],
                       capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise Failure(f"bench-slots: {r.stderr.strip()}")
    return json.loads(r.stdout), r.stderr.splitlines()


def answered_from_maps(daemon, act):
    before = mounts.flat_counters(daemon.stats())
    act()
    return mounts.delta(mounts.flat_counters(daemon.stats()), before)


def bytes_per_name(work):
    count = SMALL_MAP * OVERFILL
    say(f"-- bench: {count} names into maps for {SMALL_MAP}")
    lower = pathlib.Path(work) / "lower-names"
    lower.mkdir(parents=True)
    for i in range(count):
        os.close(os.open(lower / name_of(i), os.O_CREAT | os.O_WRONLY))
    options = (*rows.DAEMON, "--require", "--scope=all", "--max-names", str(SMALL_MAP),
               "--max-attrs", str(SMALL_MAP))
    with mounts.Daemon(lower, pathlib.Path(work) / "mnt" / "names", options) as daemon:
        daemon.command("remember 0")
        for i in range(count):
            touch_path(daemon.mountpoint / name_of(i))
        held, names = slots(names=True)
        moved = answered_from_maps(
            daemon, lambda: [touch_path(daemon.mountpoint / n) for n in names])
        both = answered_from_maps(
            daemon, lambda: [os.stat(daemon.mountpoint / n) for n in names])
    return judge_names(count, held, len(names), moved, both)


def judge_names(count, held, names, moved, both):
    resident = moved["lookup.hit"]
    if resident != names or moved["lookup.sent"]:
        raise Failure(f"{names} names lie in the map, but the handler answered {resident} "
                      f"and {moved['lookup.sent']} went to the daemon",
                      "something evicts or refuses them: look at the driver's counters")
    per_name = held["names"]["bytes"] / resident
    per_attr = held["attrs"]["bytes"] / held["attrs"]["used"]
    return {"value": per_name + per_attr, "how": (
        f"after {count} lookups of names of 20 to 31 bytes into maps for {SMALL_MAP}: the name "
        f"map's bytes over the {resident} names then answered from it ({per_name:.1f}), plus the "
        f"attribute map's bytes over its {held['attrs']['used']} live slots ({per_attr:.1f}); "
        f"of these names {both['getattr.hit']} had their attributes there too; not counted: "
        "the words (1.5 MiB a mount), and the kernel's head of each map"),
        "held": held}


# ---------------------------------------------------------------------------
# Requests per small write

SMALL_WRITES = 400
SMALL_SIZE = 64  # of which pages hold a whole number


def small_write_requests(work, name, options):
    """{request: times per write} to a file without capabilities, open all the time."""
    lower = pathlib.Path(work) / f"lower-{name}"
    lower.mkdir(parents=True)
    (lower / "file").write_bytes(b"x")
    with mounts.Daemon(lower, pathlib.Path(work) / "mnt" / name,
                       (*rows.DAEMON, *options)) as daemon:
        path = daemon.mountpoint / "file"
        path.read_bytes()  # it is opened, and so registered
        fd = os.open(path, os.O_WRONLY)
        for _ in range(10):
            os.pwrite(fd, bytes(SMALL_SIZE), 0)
        time.sleep(0.5)  # RELEASE of the reader
        before = daemon.stats()["requests"]
        for i in range(SMALL_WRITES):
            os.pwrite(fd, bytes(SMALL_SIZE), i * SMALL_SIZE)
        after = daemon.stats()["requests"]
        os.close(fd)
    size = (lower / "file").stat().st_size
    if size != SMALL_WRITES * SMALL_SIZE:
        raise Failure(f"{name}: the file has {size} bytes after {SMALL_WRITES} writes")
    return {k: v / SMALL_WRITES for k, v in mounts.delta(after, before).items() if v}


def small_writes(work, name, options):
    say(f"-- bench: requests of {SMALL_WRITES} small writes, {name}")
    calls = {"stock": small_write_requests(work, f"{name}-stock", ("--stock",)),
             "extfuse": small_write_requests(work, name, options)}
    each = "; ".join(f"{which} {sum(c.values()):.2f}" + (f" ({words(c)})" if c else "")
                     for which, c in calls.items())
    return {"value": sum(calls["extfuse"].values()), "how": (
        f"requests per pwrite of {SMALL_SIZE} bytes to an open file without capabilities, "
        f"counted by the daemon over {SMALL_WRITES} of them: {each}"), **calls}


def small_write_upcalls(work):
    return small_writes(work, "small-write", ("--require", "--scope=all"))


def small_write_upcalls_registered(work):
    return small_writes(work, "small-write-registered", rows.MOUNTS["backing"])


STEPS = {"populate-syscalls": populate_syscalls, "reply-hook-syscalls": reply_hook_syscalls,
         "bytes-per-name": bytes_per_name,
         "small-write-upcalls": small_write_upcalls,
         "small-write-upcalls-registered": small_write_upcalls_registered,
         "wrap-lines": wrapped.wrap_lines,
         **{f"{job}/native": throughput.step(job) for job in throughput.COUNTED}}
