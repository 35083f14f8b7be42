# SPDX-License-Identifier: GPL-2.0-only
"""The life of a cached entry: what a stat costs by what became of its entry, and while
entries are invalidated. By icount, in the guest."""

import pathlib
import select
from dataclasses import dataclass

from devlib.proc import say

from extbench import catalog, mounts, rows, scale, suite

NAMES = 2000
OURS = ("--require", "--scope=all")


@dataclass(frozen=True)
class Cause:
    """commands: before the names are looked up the first time; then: when they are known,
    so before what is measured."""

    text: str
    options: tuple
    commands: tuple = ()
    then: tuple = ()
    names: int = NAMES


CAUSES = (
    Cause("no miss: remembered in dentry and inode", OURS),
    Cause("no miss: in the maps", OURS, ("remember 0",)),
    Cause("outdated: all were invalidated, and populated anew", OURS, (), ("invalidate-all",)),
    Cause("evicted: ten names for each that has room", scale.SMALL, ("remember 0",),
          names=scale.OVER * scale.SMALL_MAPS),
    Cause("never there: a handler that populates nothing", ("--require", "--cache=none")),
    Cause("switched off: the handler answers nothing, replies populate", OURS,
          ("enable all 0",)),
    Cause("no handler attached", OURS, ("detach",)),
    Cause("stock FUSE, timeouts 0", ("--stock",)),
)


def measure(work, cause, number):
    """(instructions of a stat, requests of a stat): each of the names once, in order."""
    lower = pathlib.Path(work) / f"lower-life-{number}"
    lower.mkdir(parents=True)
    load = catalog.Load("names-each", catalog.SMALL, 1, cause.names, cause.names)
    cost, moved, _ = scale.names_run(lower, pathlib.Path(work) / "mnt" / f"life-{number}",
                                     cause.options, load, cause.commands, then=cause.then)
    return cost, moved["requests"] / cause.names


def causes(work):
    out = []
    for number, cause in enumerate(CAUSES):
        say(f"-- bench: a stat whose entry is: {cause.text}")
        cost, requests = measure(work, cause, number)
        out.append({"cause": cause.text, "cost": cost, "requests": requests})
    return out


# ---------------------------------------------------------------------------
# Under load

OPERATIONS = 30000
WAIT = 0.005  # seconds of the guest's time, so 5 million instructions, from one to the next


def invalidating(program, daemon, command):
    """Until the load is over; how often."""
    times = 0
    while True:
        readable, _, _ = select.select([program.process.stdout], [], [], WAIT)
        if readable:
            return times
        if command:
            daemon.command(command(times))
            times += 1


COMMANDS = {"nothing": None,
            "one file": lambda i: f"invalidate-node 0/{i % (NAMES // 2)}",
            "all": lambda _: "invalidate-all"}


def under_load(work):
    out = []
    for number, (what, command) in enumerate(COMMANDS.items()):
        say(f"-- bench: stats while is invalidated: {what}")
        lower = pathlib.Path(work) / f"lower-load-{number}"
        lower.mkdir(parents=True)
        load = catalog.Load("names-any", catalog.SMALL, 1, OPERATIONS, NAMES // 2)
        with suite.Program(load, 1, lower / "names", work + f"/mnt/load-{number}") as program:
            program.line("prepared")
            with mounts.Daemon(lower / "names", work + f"/mnt/load-{number}",
                               (*rows.DAEMON, *OURS)) as daemon:
                program.go_on()
                program.line("ready")
                before = daemon.stats()["requests_total"]
                program.go_on()
                times = invalidating(program, daemon, command)
                result = suite.result(program)
                requests = daemon.stats()["requests_total"] - before
            program.go_on()
        out.append({"what": what, "times": times, "operations": result["operations"],
                    "cost": result["nanoseconds"] / result["operations"],
                    "requests": requests / result["operations"]})
    return out


def run(work):
    return {"causes": causes(work), "invalidations": under_load(work)}
