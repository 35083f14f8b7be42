# SPDX-License-Identifier: GPL-2.0-only
"""Data of registered files beside native, by fio and the wall clock, in one boot.

What training jobs do: unaligned reads of several KiB to several MiB at random, in
batches; and several writers of one file. Rounds over all, one after the other,
the two sides of a pair in turn; medians count.
"""

import functools
import json
import pathlib
import statistics
import subprocess

from devlib.proc import Failure, say

from extbench import mounts, report

FILE_SIZE = "64m"
LOWERS = {"tmpfs": "/tmp/bench-data", "ext4": "/var/tmp/bench-data"}
MOUNT = ("--require", "--scope=all", "--cache=data", "--backing=1024")

UNALIGNED = ("--rw=randread", "--bsrange=4k-4m", "--bs_unaligned", "--blockalign=1", "--norandommap")
# name: fio's options, and on which lower file systems
JOBS = {
    "seq-read": (("--rw=read", "--bs=128k"), ("tmpfs", "ext4")),
    "seq-write": (("--rw=write", "--bs=128k", "--overwrite=1"), ("tmpfs", "ext4")),
    "rnd-read": (("--rw=randread", "--bs=4k", "--norandommap"), ("tmpfs", "ext4")),
    "rnd-write": (("--rw=randwrite", "--bs=4k", "--norandommap"), ("tmpfs", "ext4")),
    "rnd-read, O_DIRECT": (("--rw=randread", "--bs=4k", "--direct=1"), ("ext4",)),
    "rnd-write, O_DIRECT": (("--rw=randwrite", "--bs=4k", "--direct=1"), ("ext4",)),
    "unaligned 4k-4m, read": ((*UNALIGNED, "--ioengine=sync"), ("tmpfs", "ext4")),
    "unaligned 4k-4m, preadv2": ((*UNALIGNED, "--ioengine=pvsync2"), ("tmpfs", "ext4")),
    "unaligned 4k-4m, io_uring by 16": (
        (*UNALIGNED, "--ioengine=io_uring", "--iodepth=16", "--iodepth_batch=16",
         "--iodepth_batch_complete_max=16"), ("tmpfs", "ext4")),
    "4 writers of one file, O_DIRECT": (
        ("--rw=randwrite", "--bs=64k", "--direct=1", "--numjobs=4", "--group_reporting"),
        ("ext4",)),
    "4 writers of one file": (
        ("--rw=randwrite", "--bs=64k", "--numjobs=4", "--group_reporting"), ("tmpfs", "ext4")),
}


def fio(directory, options, end):
    """MiB/s; the file is there and written in full. end: options that say when."""
    argv = ["fio", "--name=data", f"--filename={directory}/data", f"--size={FILE_SIZE}",
            "--ioengine=psync", *end, "--invalidate=0",
            "--randrepeat=1", "--output-format=json", *options]
    r = subprocess.run(argv, capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise Failure(f"{' '.join(argv)}: {r.stderr.strip()}")
    job = json.loads(r.stdout[r.stdout.index("{"):])["jobs"][0]
    return (job["read"]["bw_bytes"] + job["write"]["bw_bytes"]) / 2**20


def sides(lower):
    return {"native": pathlib.Path(LOWERS[lower]),
            "registered": pathlib.Path("/tmp/bench/mnt") / f"data-{lower}"}


def timed(seconds):
    return ("--time_based", f"--runtime={seconds}")


def measure(lower, rounds, ends):
    """{job: {side: [MiB/s]}} of the jobs in ends; no request may reach the daemon meanwhile."""
    where = sides(lower)
    where["native"].mkdir(parents=True, exist_ok=True)
    path = where["native"] / "data"
    subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={FILE_SIZE[:-1]}",
                    "conv=fsync", "status=none"], check=True)
    samples = {name: {side: [] for side in where} for name, (_, on) in JOBS.items()
               if lower in on and name in ends}
    with mounts.Daemon(where["native"], where["registered"], MOUNT) as daemon:
        # Is registered from now on.
        fio(where["registered"], JOBS["seq-read"][0], ("--io_size=16m",))
        before = mounts.flat_counters(daemon.stats())
        for i in range(rounds):
            say(f"-- bench: data on {lower}, round {i + 1} of {rounds}")
            for name, by_side in samples.items():
                # The second of two has the warmer caches: take turns.
                for side in sorted(by_side, reverse=i % 2 == 1):
                    by_side[side].append(fio(where[side], JOBS[name][0], ends[name]))
        moved = mounts.delta(mounts.flat_counters(daemon.stats()), before)
    if not moved["backing_opens"] or moved["read.sent"] or moved.get("write.sent"):
        raise Failure("data of the registered file went to the daemon", json.dumps(moved))
    return samples


# By the clock of instructions, in ./dev bench bounds: so much of each that fio's
# milliseconds are a third of a percent.
COUNTED = {"seq-read": ("--io_size=1g",), "seq-write": ("--io_size=1g",),
           "rnd-read": ("--io_size=320m",), "rnd-write": ("--io_size=256m",)}


@functools.cache
def counted(rounds):
    return {lower: measure(lower, rounds, COUNTED) for lower in LOWERS}


def step(job):
    """A bound's step: the throughput of the registered file over the lower file's."""
    def value(_work):
        lowest, each = None, []
        for lower, jobs in counted(1).items():
            side = {name: statistics.median(v) for name, v in jobs[job].items()}
            ratio = side["registered"] / side["native"]
            lowest = ratio if lowest is None else min(lowest, ratio)
            each.append(f"{lower} {ratio:.3f} ({side['registered']:.0f} of "
                        f"{side['native']:.0f} MiB per 10^9 instructions)")
        return {"value": lowest, "how": (
            f"fio --ioengine=psync {' '.join(JOBS[job][0])}, data in the page cache, the "
            "registered file's throughput over the lower file's by the clock of instructions "
            f"(./dev bench data has the wall clock's); the lowest of: {'; '.join(each)}")}
    return value


def run(quick, rounds):
    out = []
    for lower in LOWERS:
        ends = dict.fromkeys(JOBS, timed(1 if quick else 3))
        for name, by_side in measure(lower, rounds, ends).items():
            ratios = [a / b for a, b in zip(by_side["registered"], by_side["native"], strict=True)]
            out.append({"job": name, "lower": lower, "samples": by_side,
                        **{side: statistics.median(v) for side, v in by_side.items()},
                        "ratio": statistics.median(ratios), "lowest": min(ratios),
                        "highest": max(ratios)})
    return {"throughput": out}


def table(result):
    lines = [[r["job"], r["lower"], report.number(r["native"]), report.number(r["registered"]),
              f"{r['ratio']:.3f}", f"{r['lowest']:.2f} to {r['highest']:.2f}"]
             for r in result["throughput"]]
    return report.table(["MiB/s", "lower", "native", "registered", "ratio", "range"], lines,
                        right=(2, 3, 4))
