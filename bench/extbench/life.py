# SPDX-License-Identifier: GPL-2.0-only
"""The life of a cached entry: what a stat costs by what became of its entry, and while
entries are invalidated. By icount, in the guest."""

import pathlib
import select
from dataclasses import dataclass

from devlib.proc import say

from extbench import rows, scale

NAMES = 2000
OURS = rows.MOUNTS["meta"]


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
    Cause("never there: a handler that populates nothing", rows.MOUNTS["none"]),
    Cause("switched off: the handler answers nothing, replies populate", OURS,
          ("enable all 0",)),
    Cause("no handler attached", OURS, ("detach",)),
    Cause("stock FUSE, timeouts 0", rows.MOUNTS["stock"]),
)


def measure(work, cause, number):
    """(instructions of a stat, requests of a stat): each of the names once, in order."""
    cost, moved = scale.names_run(
        pathlib.Path(work) / f"lower-life-{number}", pathlib.Path(work) / "mnt" / f"life-{number}",
        cause.options, scale.names_load("names-each", cause.names, cause.names),
        cause.commands, cause.then)
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
        times = 0

        def meanwhile(program, daemon, command=command):
            nonlocal times
            times = invalidating(program, daemon, command)

        cost, moved = scale.names_run(
            pathlib.Path(work) / f"lower-load-{number}",
            pathlib.Path(work) / "mnt" / f"load-{number}", OURS,
            scale.names_load("names-any", NAMES // 2, OPERATIONS), meanwhile=meanwhile)
        out.append({"what": what, "times": times, "operations": OPERATIONS, "cost": cost,
                    "requests": moved["requests"] / OPERATIONS})
    return out


def run(work):
    return {"causes": causes(work), "invalidations": under_load(work)}
