# SPDX-License-Identifier: GPL-2.0-only
"""The suite in the guest, or on the machine itself: workloads on all sides, in rounds.

In a round each workload is run once on every side, one after the other, in turns
forwards and backwards, so that what the machine does meanwhile falls on all of them.
"""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import time

from devlib.proc import Failure, say

from extbench import catalog, machine, mounts, sides

PROGRESS = "@progress"  # a line for progress.py on the host, which has a clock


def bench_load():
    return mounts.BUILD / "bench" / "bench-load"


class Program:
    """A bench-load that waits between its steps. lower None: the tree is there."""

    def __init__(self, load, scale, lower, through):
        argv = [str(bench_load()), load.name, "--dir", str(through),
                "--threads", str(load.threads), "--operations", str(load.scaled(scale))]
        argv += ["--lower", str(lower)] if lower else []
        argv += ["--files", str(load.files)] if load.files else []
        argv += ["--block", str(load.block)] if load.block else []
        self.process = subprocess.Popen(argv, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def line(self, wanted=None):
        line = self.process.stdout.readline().strip()
        if not line or (wanted and line != wanted):
            self.process.wait()
            raise Failure(f"{' '.join(self.process.args)} ended with "
                          f"{self.process.returncode}", "its message is above")
        return line

    def go_on(self):
        print(file=self.process.stdin, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


class Lower:
    """A lower file system with the mounts of all sides on it."""

    def __init__(self, name, clock, wanted):
        self.name = name
        self.tree = mounts.lower_place(name) / "lower"
        self.clock = clock
        self.wanted = wanted
        self.daemons = {}
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.tree.mkdir(parents=True, exist_ok=True)
        for side in self.wanted:
            if side.options is None:
                continue
            d = mounts.Daemon(self.tree, f"/run/bench-suite/{self.name}-{side.name}",
                              (*sides.DAEMON[self.clock], *side.options))
            self.daemons[side.name] = self.stack.enter_context(d)
            mounts.page_in(d.pid)
        return self

    def __exit__(self, *_exc):
        self.stack.close()

    def place(self, side):
        daemon = self.daemons.get(side.name)
        return daemon.mountpoint if daemon else self.tree

    def changed_behind(self, side):
        """The tree was made in the lower file system: no mount knew of it."""
        if side.ours:
            self.daemons[side.name].command("invalidate-all")

    def counters(self, side):
        daemon = self.daemons.get(side.name)
        return mounts.counters(daemon) if daemon else None


def moved(before, after):
    """What the daemon got and what the driver answered meanwhile."""
    if before is None:
        return {}
    requests = {k: v for k, v in mounts.delta(after["requests"], before["requests"]).items() if v}
    driver = mounts.delta(after["flat"], before["flat"])
    return {"requests": requests, "answered": mounts.answered(driver),
            "backing_opens": driver.get("backing_opens", 0)}


def asked(requests):
    """Requests that somebody waited for."""
    return sum(n for op, n in requests.items()
               if not op.startswith("forget") and op not in ("release", "releasedir"))


def why_refused(load, side, sample):
    """Counters that do not bear out what the side is said to do; empty if they do."""
    if side.name == "native":
        return ""
    if side.name == "extfuse-miss" and sample["answered"]:
        return f"the driver answered: {sample['answered']}"
    claimed = load.claims & side.answers
    if not claimed:
        return ""
    requests = sample["requests"]
    if sides.META in claimed:
        n = asked(requests)
        if not sample["answered"]:
            return "the driver answered nothing"
    else:
        n = requests.get("read", 0) + requests.get("write", 0)
    if n > load.slack * sample["operations"]:
        return f"{n} requests for {sample['operations']} operations: {requests}"
    return ""


def result(program):
    return json.loads(program.line())


def run_once(load, side, lower, scale, number):
    name = f"{load.key}-{number}"
    with Program(load, scale, lower.tree / name, lower.place(side) / name) as program:
        program.line("prepared")
        if number == 0:
            mounts.page_in(program.process.pid)
        lower.changed_behind(side)
        program.go_on()
        program.line("ready")
        os.sync()  # what others have written is not to be written back in our time
        before = lower.counters(side)
        program.go_on()
        measured = result(program)
        sample = {"lower": lower.name, "workload": load.key, "side": side.name,
                  **{k: measured[k] for k in ("operations", "operation", "nanoseconds", "files")},
                  **moved(before, lower.counters(side))}
        program.go_on()
    if load.group in catalog.BULKY:
        # Its files went behind the mounts' backs, which keep their pages until memory is
        # short; that is in somebody else's time.
        os.sync()
        mounts.drop_caches(3)
    sample["refused"] = why_refused(load, side, sample)
    return sample


def progress(done, total, what):
    print(PROGRESS, done, total, what, flush=True)


def run(a, save):
    """Samples so far are saved after each round: a guest may not live to the end."""
    loads = catalog.part(catalog.chosen(a.name, a.quick), a.clock, a.lower, a.native, *a.part)
    wanted = [s for s in sides.SIDES if not a.side or s.name in a.side]
    pairs = [(load, name) for load in loads for name in a.lower
             if load.runs(a.clock, name, a.native)]
    total = len(pairs) * len(wanted) * a.rounds
    samples, numbers = [], itertools.count()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mounts.kept_in_memory(bench_load()))
        lowers = {name: stack.enter_context(Lower(name, a.clock, wanted)) for name in a.lower}
        for i in range(a.rounds):
            for load, lower in ((load, lowers[name]) for load, name in pairs):
                for side in wanted if i % 2 == 0 else reversed(wanted):
                    began = time.monotonic()
                    sample = run_once(load, side, lower, a.scale, next(numbers))
                    samples.append({"round": i, "took": round(time.monotonic() - began, 3), **sample})
                    progress(len(samples), total, f"{load.key} on {side.name}, {lower.name}")
            save(result_of(a, samples))
    for sample in samples:
        if sample["refused"]:
            say(f"bench: REFUSED {sample['workload']} on {sample['side']}, "
                f"{sample['lower']}: {sample['refused']}")
    return result_of(a, samples)


def result_of(a, samples):
    return {"clock": a.clock, "rounds": a.rounds, "scale": a.scale, "samples": samples,
            "machine": machine.here()}


def add_round_options(p):
    """Of whatever is done on all sides in rounds."""
    p.add_argument("--out", required=True)
    p.add_argument("--clock", choices=sorted(sides.DAEMON), required=True)
    p.add_argument("--rounds", type=int, required=True)
    p.add_argument("--quick", action="store_true", help="a part of it")
    p.add_argument("--side", action="append", default=[], choices=sorted(sides.BY_NAME))
    p.add_argument("--lower", action="append", default=[], choices=sorted(sides.LOWERS))


def add_options(p):
    add_round_options(p)
    p.add_argument("--part", nargs=2, type=int, default=(0, 1), metavar=("I", "N"),
                   help="every n-th workload from the i-th on")
    p.add_argument("--scale", type=float, default=1)
    p.add_argument("--native", action="store_true", help="on file systems that are there")
    p.add_argument("--name", default="")


def main_in_guest(a, save):
    sys.stdout.reconfigure(line_buffering=True)
    a.lower = a.lower or list(sides.LOWERS)
    return run(a, save)
