# SPDX-License-Identifier: GPL-2.0-only
"""Measures the figures of rows.py, in the guest: interleaved, counters checked."""

import contextlib
import json
import pathlib
import statistics
import subprocess
import time

from devlib.proc import Failure, say

from extbench import mounts, rows

BENCH_OPS = mounts.BUILD / "bench" / "bench-ops"
REPEATS = 3  # in a row, by round


class Program:
    """A bench-ops that waits for commands in a directory."""

    def __init__(self, op, directory):
        self.process = subprocess.Popen([str(BENCH_OPS), op, str(directory)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, line):
        try:
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failure(f"{' '.join(self.process.args)} ended at '{line}'",
                          "its message is above")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    """Lower trees, mounts and programs; made when first needed, gone at the end."""

    def __init__(self, work, quick):
        self.work = pathlib.Path(work)
        self.quick = quick
        self.stack = contextlib.ExitStack()
        self.daemons, self.programs = {}, {}
        self.failures = {}
        self.samples = {}

    def __enter__(self):
        self.lower = {"native-tmpfs": self.work / "lower",
                      "native-ext4": pathlib.Path("/var/tmp/bench-lower")}
        for d in self.lower.values():
            d.mkdir(parents=True, exist_ok=True)
            subprocess.run([str(BENCH_OPS), "--make", str(d)], check=True)
        return self

    def __exit__(self, *exc):
        self.stack.close()

    def daemon(self, mount):
        if mount not in self.daemons:
            d = mounts.Daemon(self.lower["native-" + rows.LOWER], self.work / "mnt" / mount,
                              (*rows.DAEMON, *rows.MOUNTS[mount]))
            self.daemons[mount] = self.stack.enter_context(d)
        return self.daemons[mount]

    def directory(self, figure):
        if figure.native:
            return self.lower[figure.mount]
        return self.daemon(figure.mount).mountpoint

    def program(self, figure):
        key = (figure.op, figure.mount)
        if key not in self.programs:
            p = Program(figure.op, self.directory(figure))
            self.stack.callback(p.close)
            self.programs[key] = p
        return self.programs[key]

    def counters(self, figure):
        if figure.native:
            return {}
        return mounts.flat_counters(self.daemon(figure.mount).stats())

    def sample(self, figure):
        """One round of one figure. A wrong counter spoils the figure, not the run."""
        program = self.program(figure)
        if not figure.native:
            self.daemon(figure.mount).enter_mode(rows.MODES[figure.mode])
        n = rows.iterations(figure, self.quick)
        if figure.op in rows.DROPPED:
            self.sample_dropped(figure, program, n)
            return
        program.ask(f"warm {max(20, n // 20)}")
        time.sleep(0.05)  # RELEASE, which nobody waits for, is counted before
        before = self.counters(figure)
        result = json.loads(program.ask(f"measure {n} {REPEATS}"))
        moved = mounts.delta(self.counters(figure), before)
        wrong = disagreement(figure, moved, n * REPEATS)
        if wrong:
            self.failures.setdefault(figure.name, wrong)
        self.samples.setdefault(figure.name, []).extend(result["ns"])

    def sample_dropped(self, figure, program, n):
        for _ in range(REPEATS):
            program.ask(f"warm {n}")  # the program's and the daemon's code
            drop_names()
            before = self.counters(figure)
            result = json.loads(program.ask(f"measure {n} 1"))
            wrong = disagreement(figure, mounts.delta(self.counters(figure), before), n)
            if wrong:
                self.failures.setdefault(figure.name, wrong)
            self.samples.setdefault(figure.name, []).extend(result["ns"])

    def rounds(self, figures, count):
        began = time.monotonic()
        for i in range(count):
            say(f"-- bench: round {i + 1} of {count}, {len(figures)} figures, "
                f"{time.monotonic() - began:.0f} s of guest time so far")
            for figure in figures:
                self.sample(figure)


def drop_names():
    """Dentries and inodes; those that were used lately go at the second time."""
    for _ in range(3):
        mounts.drop_caches(2)
    time.sleep(0.3)  # for FORGETs, which nobody waits for


def disagreement(figure, moved, n):
    """Why the counters do not bear the figure out; empty if they do."""
    if figure.native:
        return ""
    wrong = []
    # The counters that say why a handler's answer was not taken.
    refusals = {k: round(v / n, 3) for k, v in moved.items() if v and "handler" not in k
                and k.split(".")[-1] in ("upcall", "stale", "dead", "scope", "invalid")}
    for key in rows.COUNTED:
        wanted, got = figure.per.get(key, 0), moved.get(key, 0)
        if figure.mode == "" and key != "requests":
            continue  # stock: no driver of ours to ask
        if wanted is None:
            if not got:
                wrong.append(f"{key} did not move")
        elif got != wanted * n:
            wrong.append(f"{key} {got / n:.3f} an iteration instead of {wanted}")
    if wrong and refusals:
        wrong.append(f"beside them, an iteration: {refusals}")
    return "; ".join(wrong)


def summary(values):
    """Median and spread: the middle half's width, and the whole range, of the median."""
    middle = statistics.median(values)
    quarters = statistics.quantiles(values, n=4) if len(values) > 1 else [middle] * 3
    return {"median": middle, "spread": (quarters[2] - quarters[0]) / middle,
            "range": (max(values) - min(values)) / middle, "samples": len(values)}


def run(work, quick, count, figures=None):
    """{figure name: summary}, {figure name: why it is not shown}."""
    with Bench(work, quick) as bench:
        bench.rounds(rows.figures() if figures is None else figures, count)
    good = {name: summary(v) for name, v in bench.samples.items()
            if name not in bench.failures}
    return good, bench.failures
