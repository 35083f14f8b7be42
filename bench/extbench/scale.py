# SPDX-License-Identifier: GPL-2.0-only
"""Bounds of size: creates and deletes, where a cache gains nothing; a hit among many
entries; a working set that the maps do not hold. By icount, in the guest."""

import functools
import json
import pathlib
import subprocess

from devlib.proc import Failure, say

from extbench import analyse, catalog, mounts, rows, sides, steps, suite

ROUNDS, ROUNDS_QUICK = 5, 2
FEW, MANY, MANY_QUICK, MANY_BIG = 1000, 1_000_000, 50_000, 10_000_000
SMALL_MAPS = 1024  # for names, and for attributes
OVER = 10  # names for each that has room


# ---------------------------------------------------------------------------
# Creates and deletes

CHANGES = ("files-cr-1th", "files-del-1th")
OURS = ("extfuse-meta", "extfuse-data")
ALWAYS_MISSES = "extfuse-miss"  # by construction: shown beside, its bound is miss/stock
CHANGES_SCALE = 5


def create_delete(_work, quick):
    say("-- bench: creates and deletes beside stock")
    wanted = [sides.BY_NAME[n] for n in ("stock", *OURS, ALWAYS_MISSES)]
    samples = []
    with suite.Lower("tmpfs", "icount", wanted) as lower:
        # The first round is not counted: memory is touched for the first time.
        for i in range(1 + (ROUNDS_QUICK if quick else ROUNDS)):
            for key in CHANGES:
                for side in wanted if i % 2 == 0 else reversed(wanted):
                    sample = suite.run_once(catalog.BY_KEY[key], side, lower, CHANGES_SCALE,
                                            f"{side.name}-{i}")
                    if i:
                        samples.append({"round": i, **sample})
    ratios = {(key, side): analyse.ratio(samples, key, "tmpfs", side, "stock")[0]
              for key in CHANGES for side in (*OURS, ALWAYS_MISSES)}
    each = "; ".join(f"{key} {side} {r:.4f}" for (key, side), r in ratios.items())
    return {"value": max(r for (_, side), r in ratios.items() if side in OURS), "samples": samples, "how": (
        "instructions to create and write, and to delete, a file of 4 KiB, over stock with "
        f"timeouts 0, one after the other, median of rounds; the highest of {' and '.join(OURS)}: "
        f"{each}")}


# ---------------------------------------------------------------------------
# Many names

def names_load(name, files, operations):
    return catalog.Load(name, catalog.SMALL, 1, operations, files)


def names_run(lower, mountpoint, options, load, commands=(), then=(), meanwhile=None):
    """(instructions of a stat, counters meanwhile). Mounted is the tree itself, when it is
    there: directories below a root are found one by one, and so each of them prefetched
    where that is asked for. commands: before the names are looked up, then: after it;
    meanwhile(program, daemon): while it is measured."""
    lower.mkdir(parents=True)
    tree = lower / "names"
    with suite.Program(load, 1, tree, mountpoint) as program:
        program.line("prepared")
        with mounts.Daemon(tree, mountpoint, (*rows.DAEMON, *options)) as daemon:
            for command in commands:
                daemon.command(command)
            program.go_on()
            program.line("ready")
            for command in then:
                daemon.command(command)
            before = mounts.flat_counters(daemon.stats())
            program.go_on()
            if meanwhile:
                meanwhile(program, daemon)
            result = suite.result(program)
            moved = mounts.delta(mounts.flat_counters(daemon.stats()), before)
        program.go_on()
    return result["nanoseconds"] / result["operations"], moved


class Synthetic:
    """bench-names: so many names that are only in the maps. A context manager."""

    def __init__(self, count, mountpoint):
        self.argv = [str(mounts.BUILD / "bench" / "bench-names"), str(count), str(mountpoint)]
        mountpoint.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        if self.process.stdout.readline() != "populated\n":
            raise Failure(f"{' '.join(self.argv)} ended with {self.process.wait()}",
                          "its message is above")
        return self

    def __exit__(self, *_exc):
        self.process.stdin.close()
        self.process.wait()

    def counters(self):
        print(file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def hit_of(work, count, operations):
    """Instructions of a stat answered from maps that hold `count` names."""
    point = pathlib.Path(work) / "mnt" / f"many-{count}"
    load = names_load("names-some", count, operations)
    with Synthetic(count, point) as daemon, suite.Program(load, 1, None, point) as program:
        program.line("prepared")
        program.go_on()
        program.line("ready")
        before = daemon.counters()
        program.go_on()
        result = suite.result(program)
        moved = mounts.delta(daemon.counters(), before)
        held = steps.slots()[0]["names"]
        program.go_on()
    if held["used"] < 0.95 * count:
        raise Failure(f"the map has {held['used']} of {count} names")
    # Sets are small: now and then one is full, and its names evict each other.
    if moved["lookup.hit"] < 1.98 * operations or moved["requests"] > operations // 50:
        raise Failure(f"{operations} stats: {moved['lookup.hit']} lookups were hits, "
                      f"{moved['requests']} requests went up",
                      "this was not answered from the map")
    return result["nanoseconds"] / result["operations"], held


def hit_flat(work, size):
    many = {"quick": MANY_QUICK, "big": MANY_BIG}.get(size, MANY)
    operations = 4000
    costs = {}
    for count in (FEW, many):
        say(f"-- bench: hits among {count} names")
        costs[count], held = hit_of(work, count, operations)
    return {"value": costs[many] / costs[FEW], "costs": costs, "held": held, "how": (
        f"instructions of a stat of 2 components, each answered by the handler from a map, any "
        f"of 1,000 names: {costs[many]:,.0f} where the map holds {held['used']:,} names, "
        f"{costs[FEW]:,.0f} where it holds {FEW:,}; the daemon's tree is made up, all of it "
        "put into the maps by itself; no cache misses on this clock"
        + ("; --quick: fewer names than the bound asks for" if size == "quick" else ""))}


SMALL = ("--require", "--scope=all", "--max-names", str(SMALL_MAPS), "--max-attrs",
         str(SMALL_MAPS))
# name: options, commands. The words are what dentries and inodes remember.
VARIANTS = {"stock": (("--stock",), ()),
            "maps alone": (SMALL, ("remember 0",)),
            "maps and words": (SMALL, ())}


def working_set(work, count, operations):
    """{variant: instructions of a stat of any of so many names}, and requests a stat."""
    costs, shares = {}, {}
    for name, (options, commands) in VARIANTS.items():
        place = f"set-{count}-{name.replace(' ', '-')}"
        costs[name], moved = names_run(
            pathlib.Path(work) / f"lower-{place}", pathlib.Path(work) / "mnt" / place, options,
            names_load("names-any", count, operations), commands)
        shares[name] = moved["requests"] / operations
    return costs, shares


# Working sets over what the maps have room for.
SWEEP = (0.1, 0.25, 0.5, 1, 2, 4, 10)


def sweep(work):
    """Of ./dev bench: a stat and its requests while the working set grows."""
    out = []
    for factor in SWEEP:
        count = round(SMALL_MAPS * factor)
        say(f"-- bench: {count} names, maps for {SMALL_MAPS}")
        costs, shares = working_set(work, count, 2000)
        out.append({"factor": factor, "names": count, "costs": costs, "requests": shares})
    return out


def thrash(work, quick):
    count = SMALL_MAPS * OVER
    say(f"-- bench: {count} names, maps for {SMALL_MAPS}")
    costs, shares = working_set(work, count, 1000 if quick else 3000)
    ratios = {n: c / costs["stock"] for n, c in costs.items() if n != "stock"}
    each = "; ".join(f"{n} {r:.4f} ({shares[n]:.2f} requests)" for n, r in ratios.items())
    return {"value": max(ratios.values()), "costs": costs, "how": (
        f"instructions of a stat of 2 components, any of {count:,} names, maps for "
        f"{SMALL_MAPS:,} names and attributes, over stock with timeouts 0 "
        f"({shares['stock']:.2f} requests a stat); the higher of: {each}. Words: what dentries "
        "and inodes remember, as long as the kernel keeps them")}


def all_steps(quick, big=False):
    return {**{name: functools.partial(step, quick=quick) for name, step in (
        ("create-delete/stock", create_delete), ("thrash/stock", thrash))},
        "hit-flat": functools.partial(
            hit_flat, size="big" if big else "quick" if quick else "")}
