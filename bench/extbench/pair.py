# SPDX-License-Identifier: GPL-2.0-only
"""The warm walk on two CPUs over one, by the wall clock, and native as a control.

Emulation shows no cache line that moves between CPUs, and a busy host takes CPUs
away: what is seen is locks, and that only in the best of many rounds."""

import json
import pathlib
import subprocess

from devlib.proc import Failure, say

from extbench import host, mounts, rows

BENCH_PAIR = mounts.BUILD / "bench" / "bench-pair"
BENCH_OPS = mounts.BUILD / "bench" / "bench-ops"
ROUNDS, ROUNDS_QUICK = 40, 20
WALKS = 150  # about a millisecond or two, so that some are not disturbed
TIMES = 60  # in a row, of which the best counts
LIMIT = 600  # seconds for the VM
CONTROL = 1.8  # native below that: the host had no two CPUs for us
PLACES = ("native", "extfuse")


def run_in_guest(work, rounds):
    """{place: [{"first", "second", "both"}: seconds]}, and counters of the walks."""
    lower = pathlib.Path(work) / "lower-pair"
    lower.mkdir(parents=True)
    subprocess.run([str(BENCH_OPS), "--make", str(lower)], check=True)
    mnt = pathlib.Path(work) / "mnt" / "pair"
    out = {p: [] for p in PLACES}
    with mounts.Daemon(lower, mnt, (*rows.DAEMON, *rows.MOUNTS["meta"])) as daemon:
        program = subprocess.Popen([str(BENCH_PAIR), str(lower), str(mnt)], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with program:
            before = None
            for i in range(rounds + 1):
                for which, place in enumerate(PLACES):
                    print(which, WALKS, TIMES, file=program.stdin, flush=True)
                    line = program.stdout.readline()
                    if not line:
                        raise Failure("bench-pair ended", "its message is above")
                    if i:  # the first one warms
                        out[place].append(json.loads(line))
                if not i:
                    before = mounts.flat_counters(daemon.stats())
            moved = mounts.delta(mounts.flat_counters(daemon.stats()), before)
            program.stdin.close()
    return {"rounds": out, "walks": WALKS, "times": TIMES,
            "counters": {k: v for k, v in moved.items() if v and "handler" not in k}}


def speedup(rounds):
    """Throughput of two over that of one, each at its best."""
    one = min(min(r["first"], r["second"]) for r in rounds)
    return 2 * one / min(r["both"] for r in rounds)


def judge(result):
    values = {p: speedup(r) for p, r in result["rounds"].items()}
    n = len(result["rounds"]["extfuse"])
    sent = sum(v for k, v in result["counters"].items() if k.endswith(".sent"))
    if sent:
        return {"how": f"{sent} requests went to the daemon: this was no warm walk"}
    noise = "" if values["native"] >= CONTROL else (
        "; NOISE: native does not scale either, the host had no two CPUs for the guest")
    return {"value": values["extfuse"], "native": values["native"], "how": (
        f"warm walks of 8 components, to a file each, {result['walks']} on each of 2 CPUs at "
        f"once over one CPU alone, wall clock, best of {n} times {result['times']}, in turn with native "
        f"(control: {values['native']:.3f}){noise}; TCG shows locks, not cache lines")}


def step(quick, refused):
    say("-- bench: the warm walk on two CPUs")
    rounds = ROUNDS_QUICK if quick else ROUNDS
    status, result = host.run_guest("pair", ["--rounds", str(rounds)], ("--smp", "2"), LIMIT)
    if status != 0 or result is None:
        refused["walk8-2cpu"] = f"the guest ended with status {status}"
        return {"how": refused["walk8-2cpu"]}
    return judge(result)
