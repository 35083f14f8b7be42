# SPDX-License-Identifier: GPL-2.0-only
"""The demo in the guest: the same commands over a kernel tree, native, stock, extfuse.

All three show the tree at the same place, one after the other, so that nothing
in the outputs has to be made equal afterwards. Each run is timed, the daemon's
requests are counted, and a checksum of the output is taken.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import time

from devlib.proc import Failure, check_output, say

from extbench import mounts
from extbench.workloads import BUILD_OUTPUT, COPY, PHASES, SECOND, WALKS, Phase

DISK = "/dev/vdb"
TREE = pathlib.Path("/mnt/tree")
SOURCE = TREE / "linux"
VIEW = pathlib.Path("/mnt/demo")
OUTPUT = pathlib.Path("/tmp/demo-output")

# Directories of the tree: at least 20,000 files, and without the 1 GB of
# register lists in drivers/, which emulation would read for many minutes.
DIRECTORIES = ("Documentation", "include", "fs", "net", "kernel", "lib", "mm", "scripts",
               "security", "crypto", "block", "io_uring", "init", "ipc", "samples")
DIRECTORIES_QUICK = ("fs", "net", "kernel", "lib", "mm", "security")
DIRECTORIES_FULL = (".",)

DAEMON = ("--threads", "1", "--no-splice")
# In maps: for all of the tree; then for what is to be known for long, too.
ROOM = ("--max-names", "524288", "--max-long-names", "131072", "--max-attrs", "524288",
        "--max-blocks", "131072")
ROOM_SECOND = (*ROOM, "--max-opens", "131072", "--max-objects", "131072", "--max-dirs", "8192",
               "--stable=1000000", "--prefetch")
EXTFUSE = ("--require", "--cache=data")
VARIANTS = {"native": None, "stock": ("--stock",), "extfuse": (*EXTFUSE, *ROOM)}
# One user: answers may be remembered.
VARIANTS_SECOND = {"native": None, "extfuse": (*EXTFUSE, "--scope=all", *ROOM_SECOND)}


@contextlib.contextmanager
def tree_mounted():
    TREE.mkdir(parents=True, exist_ok=True)
    r = subprocess.run(["mount", DISK, str(TREE)], capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise Failure(f"mounting the tree's disk: {r.stderr.strip()}", "./dev mkdata makes it")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(TREE)], check=False)


class Native:
    """The tree itself, at the place of the others: no daemon, no counters."""

    def __init__(self, source=SOURCE, view=VIEW):
        self.source, self.view = source, view

    def __enter__(self):
        self.view.mkdir(parents=True, exist_ok=True)
        check_output(["mount", "--bind", str(self.source), str(self.view)], "the tree itself")
        return self

    def __exit__(self, *_exc):
        check_output(["umount", "-l", str(self.view)], "the tree itself")

    def stats(self):
        return None


def variant(name, variants=None):
    options = (variants or VARIANTS)[name]
    return Native() if options is None else mounts.Daemon(SOURCE, VIEW, (*DAEMON, *options))


def environment():
    """git trusts a directory of another owner, and no configuration but the tree's."""
    return dict(os.environ, GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null",
                GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory",
                GIT_CONFIG_VALUE_0="*", GIT_OPTIONAL_LOCKS="0", LC_ALL="C", TZ="UTC")


def digest(*paths):
    h = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            for chunk in iter(lambda: f.read(1 << 20), b""):
                h.update(chunk)
    return h.hexdigest()


def run_phase(phase: Phase, directories):
    """(seconds, checksum of the output, exit status)"""
    command = phase.command.format(dirs=" ".join(directories))
    with open(OUTPUT, "wb") as out:
        began = time.monotonic()
        r = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=VIEW, stdout=out,
                           stdin=subprocess.DEVNULL, env=environment(), check=False)
        seconds = time.monotonic() - began
    if r.returncode not in phase.statuses:
        raise Failure(f"{phase.name} ended with {r.returncode}: {command}", "see above")
    return seconds, digest(OUTPUT), OUTPUT.stat().st_size


def moved_requests(before, after):
    if before is None:
        return {}
    moved = mounts.delta(after["requests"], before["requests"])
    return {k: v for k, v in moved.items() if v}


def moved_kernel(before, after):
    """What the driver answered itself, and what it sent, of lookups and getattrs."""
    if before is None:
        return {}
    moved = mounts.delta(mounts.flat_counters(after), mounts.flat_counters(before))
    return {k: v for k, v in moved.items()
            if v and k.split(".")[0] in ("lookup", "getattr", "read")}


def moved_answers(before, after):
    """Requests of any kind that the driver answered itself."""
    if before is None:
        return 0
    moved = mounts.delta(mounts.flat_counters(after), mounts.flat_counters(before))
    return sum(mounts.answered(moved).values())


def run_variant(name, phases, directories, variants):
    """{(phase, pass): what happened} of one fresh mount."""
    out = {}
    with variant(name, variants) as mount:
        for phase, number in phases:
            before = mount.stats()
            seconds, checksum, size = run_phase(phase, directories)
            after = mount.stats()
            say(f"-- demo: {name}: {phase.name}, pass {number}: {seconds:.1f} s")
            out[(phase.name, number)] = {
                "seconds": seconds, "sha256": checksum, "bytes": size,
                "requests": moved_requests(before, after),
                "answered": moved_answers(before, after),
                "driver": moved_kernel(before, after) if name == "extfuse" else {}}
        forget_build()
    return out


def forget_build():
    """What make and rsync wrote, so that the next variant finds the tree as this one did."""
    shutil.rmtree(VIEW / BUILD_OUTPUT, ignore_errors=True)
    shutil.rmtree(COPY, ignore_errors=True)


def plan(quick, second=False):
    """All first passes, then all second ones, then the data."""
    if second:
        # What make finds built is its work both times.
        return [*((p, 0) for p in SECOND if p.name == "make"),
                *((p, n) for n in (1, 2) for p in SECOND)]
    walks = [p for p in PHASES if p.name in WALKS]
    rest = [] if quick else [p for p in PHASES if p.name not in WALKS]
    return [*((p, 1) for p in walks), *((p, 2) for p in walks), *((p, 1) for p in rest)]


def share(runs):
    """Of lookups and getattrs in the second passes, answered in the kernel."""
    kernel = sent = 0
    for (_, number), run in runs.items():
        if number == 2:
            for op in ("lookup", "getattr"):
                kernel += sum(run["driver"].get(f"{op}.{w}", 0) for w in ("warm", "hit"))
                sent += run["driver"].get(f"{op}.sent", 0)
    return kernel / (kernel + sent) if kernel + sent else 0.0


def warm_page_cache(directories):
    """Everybody shall find the tree's pages in memory, and those of the programs."""
    say("-- demo: reading the tree and the programs once")
    subprocess.run(["bash", "-c", "tar cf - " + " ".join(directories) + " | cat >/dev/null"],
                   cwd=SOURCE, check=True)
    with variant("native"):
        for phase in PHASES:
            if phase.name in ("git status", "make"):
                run_phase(phase, directories[-1:])
        forget_build()


def count_files(directories):
    out = subprocess.run(["find", *directories, "-type", "f", "-printf", "."], cwd=SOURCE,
                         capture_output=True, check=True).stdout
    return len(out)


def phase_row(key, runs):
    name, number = key
    row = {"name": name, "pass": number}
    for v, results in runs.items():
        r = results[key]
        row[f"time_{v}"] = round(r["seconds"], 2)
        row[f"exact_{v}"] = r["seconds"]
        if v != "native":
            row[f"requests_{v}"] = r["requests"]
            row[f"total_{v}"] = sum(r["requests"].values())
    row["driver"] = runs["extfuse"][key]["driver"]
    row["answered"] = runs["extfuse"][key]["answered"]
    if "stock" in runs:
        row["ratio"] = round(row["time_stock"] / max(0.01, row["time_extfuse"]), 2)
    row["ratio_native"] = round(row["time_extfuse"] / max(0.01, row["time_native"]), 2)
    row["sha256"] = {v: results[key]["sha256"] for v, results in runs.items()}
    row["output_bytes"] = runs["native"][key]["bytes"]
    row["identical"] = len(set(row["sha256"].values())) == 1
    return row


def run(a):
    directories = a.directories or (
        DIRECTORIES_QUICK if a.quick else DIRECTORIES_FULL if a.full else DIRECTORIES)
    variants = VARIANTS_SECOND if a.second else VARIANTS
    names = [n for n in variants if n != "stock" or not a.quick]
    phases = plan(a.quick, a.second)
    with tree_mounted():
        files = count_files(directories)
        warm_page_cache(directories)
        runs = {n: run_variant(n, phases, directories, variants) for n in names}
    rows = [phase_row((p.name, number), runs) for p, number in phases]
    return {"files": files, "identical": all(r["identical"] for r in rows),
            "kernel_share": share(runs["extfuse"]), "directories": list(directories),
            "phases": rows,
            "options": {n: " ".join((*DAEMON, *variants[n])) for n in names if variants[n]}}


def add_options(p):
    p.add_argument("--out", required=True)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--full", action="store_true")
    p.add_argument("--second", action="store_true",
                   help="the workloads whose second pass is bounded, twice")
    p.add_argument("directories", nargs="*")
