# SPDX-License-Identifier: GPL-2.0-only
"""./dev bench without a name, or with a workload's: both clocks, then the report."""

import json
import os
import pathlib
import shutil
import time

from devlib import build, config, qemu, rootfs
from devlib.proc import Failure, say

from extbench import catalog, host, machine, profile, sides
from extbench.progress import Progress

RESULTS = pathlib.Path(__file__).resolve().parents[1] / "results"
MEMORY = "3G"
VM = {"icount": ("--icount", "--mem", MEMORY), "wall": ("--smp", "2", "--mem", MEMORY)}
LIMIT, LIMIT_QUICK = 3600, 600  # seconds for one VM, on a busy machine
ROUNDS, ROUNDS_QUICK = 5, 1
GUESTS = 2  # side by side at most
SCALE_NATIVE = 20  # of the operations: no emulation


def lowers(a):
    return a.lower or (["tmpfs"] if a.quick else list(sides.LOWERS))


def guest_args(a, clock):
    args = ["--clock", clock, "--rounds", str(a.rounds or (ROUNDS_QUICK if a.quick else ROUNDS)),
            "--scale", str(a.scale or (SCALE_NATIVE if a.native else 1))]
    args += ["--quick"] if a.quick else []
    args += ["--native"] if a.native else []
    args += ["--name", a.name] if a.name else []
    for lower in lowers(a):
        args += ["--lower", lower]
    for side in a.side:
        args += ["--side", side]
    return args


def need_native():
    if os.geteuid() != 0:
        raise Failure("--native mounts file systems: it needs root", status=2)
    if not os.path.isdir("/sys/module/extfuse") or not os.path.exists("/dev/extfuse"):
        raise Failure("--native: the extfuse driver is not loaded in this kernel "
                      f"({os.uname().release})",
                      "on a Debian 13 machine: ./dev provision, then modprobe extfuse", 2)


def measure(a, clock):
    args = guest_args(a, clock)
    guests = guests_for(a, clock)
    watches = Progress(f"bench, {clock}", guests)
    if a.native:
        ended = [host.run_here("suite", args, watches.watch())]
    else:
        limit = LIMIT_QUICK if a.quick else LIMIT
        ended = host.run_jobs([
            host.guest_job("suite", [*args, "--part", str(i), str(guests)], VM[clock], limit,
                           watches.watch(i), f"suite-{i}") for i in range(guests)])
    failed = [status or 1 for status, result in ended if status or result is None]
    results = [result for _, result in ended if result is not None]
    if not results:
        raise Failure(f"the suite failed on the clock {clock} (status {failed[0]})",
                      "its messages are above", failed[0])
    if failed:
        say(f"bench: a guest ended with status {failed[0]}: what was measured is reported")
    return {**merged(results), "guests": guests, "status": failed[0] if failed else 0}


def guests_for(a, clock):
    """An emulated CPU takes one of ours, and is not slower by its own clock if we have
    other work: a VM for each, with its share of the workloads, all sides of each."""
    if a.native or clock != "icount":
        return 1
    loads = catalog.part(catalog.chosen(a.name, a.quick), clock, lowers(a), a.native)
    room = qemu.available_memory() // qemu.mebibytes(MEMORY)
    return max(1, min(GUESTS, len(os.sched_getaffinity(0)), room, len(loads)))


def merged(results):
    """As if they were one guest's."""
    order = {w.key: i for i, w in enumerate(catalog.LOADS)}
    samples = sorted((s for r in results for s in r["samples"]),
                     key=lambda s: (s["round"], order[s["workload"]]))
    return {**results[0], "samples": samples}


def breakdown():
    """Of the operations in profile.BREAKDOWN, by part and by function."""
    say("-- bench: where the instructions go")
    names = [n for group in profile.BREAKDOWN.values() for n in group]
    return profile.profile(names)["figures"]


def sweep():
    """What a stat costs while the working set outgrows the maps, by what became of its
    entry, and while entries are invalidated."""
    say("-- bench: working sets of 1/10 to 10 times the maps, and the life of an entry")
    status, result = host.run_guest("sweep", [], VM["icount"], LIMIT)
    return host.need(status, result, "bench sweep")


def wants(a, part):
    """A part that is no workload: by its name, or in a whole run."""
    return a.name == part or not (a.native or a.quick or a.name or a.side or a.clock)


PARTS = {"breakdown": breakdown, "sweep": sweep}


def clocks(a):
    if a.name in PARTS:
        return ()
    if a.native:
        return ("wall",)
    return (a.clock,) if a.clock else ("icount", "wall")


def results_dir(a, complete):
    if a.results:
        return pathlib.Path(a.results).absolute()
    # The report of a full run is in the repository: nothing less may replace it.
    whole = not (a.quick or a.name or a.side or a.lower or a.clock or a.scale)
    return RESULTS if whole and complete and not a.native else config.out_dir() / "bench" / "report"


def render(raw, target):
    """In the root, which has the plotting library. Returns where the report is."""
    inside = config.out_dir() / "bench" / "render"
    shutil.rmtree(inside, ignore_errors=True)
    inside.mkdir(parents=True)
    # A sample a line: half as large as indented, and still to be read.
    text = json.dumps(raw).replace('}, {"round"', '},\n {"round"')
    (inside / "raw.json").write_text(text + "\n", encoding="utf-8")
    status = build.run_in_root(rootfs.current(), [
        "env", "MPLCONFIGDIR=/out/bench/matplotlib", "python3", "-B", "/src/bench/render", "/out/bench/render"])
    if status != 0:
        raise Failure(f"making the report failed (status {status})",
                      f"the figures are in {inside}/raw.json", status)
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.svg"):
        old.unlink()
    for path in sorted(inside.iterdir()):
        shutil.copy(path, target / path.name)
    return target


def main(a):
    if a.name not in ("", *PARTS) and not catalog.chosen(a.name, False):
        known = sorted(set(PARTS) | {w.name for w in catalog.LOADS} | {w.group for w in catalog.LOADS})
        raise Failure(f"no benchmark or workload '{a.name}'", "workloads: " + ", ".join(known), 2)
    if a.native:
        need_native()
    began = time.monotonic()
    raw = {"machine": machine.host(), "native": a.native, "clocks": {}}
    for clock in clocks(a):
        raw["clocks"][clock] = measure(a, clock)
    for part, make in PARTS.items():
        if wants(a, part):
            raw[part] = make()
    raw["seconds"] = round(time.monotonic() - began)
    raw["machine"]["load_average_after"] = os.getloadavg()
    complete = not any(r["status"] for r in raw["clocks"].values())
    target = render(raw, results_dir(a, complete))
    print((target / "report.md").read_text(encoding="utf-8"), flush=True)
    say(f"-- bench: {target}/report.html and report.md, after {raw['seconds']} s")
    refused = sum(bool(s["refused"]) for r in raw["clocks"].values() for s in r["samples"])
    return 0 if complete and not refused else 1


def add_options(p):
    p.add_argument("--native", action="store_true",
                   help="on this machine itself: needs root and the driver; wall clock")
    p.add_argument("--clock", choices=sorted(VM), help="one of the two clocks")
    p.add_argument("--side", action="append", default=[], choices=sorted(sides.BY_NAME))
    p.add_argument("--lower", action="append", default=[], choices=sorted(sides.LOWERS))
    p.add_argument("--scale", type=float, default=0, metavar="X",
                   help="so many times the operations (default 1; with --native "
                        f"{SCALE_NATIVE})")
    p.add_argument("--results", metavar="DIR",
                   help="where the report goes (default: a full run's to bench/results)")
