# SPDX-License-Identifier: GPL-2.0-only
"""A whole kernel build (tinyconfig), from its configuration on, on each side of the suite.

On this machine itself (--native) by the wall clock with all CPUs; in the VM by
instructions. Each build starts without objects, through a mount of its own, and all of
them at the same place: then what they build is the same, and is compared.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess

from devlib import data, proc, qemu, rootfs
from devlib.proc import Failure, say

from extbench import (
    analyse, demo, host, kbuild, machine, mounts, published, report, sides, suite, tree, whole,
)
from extbench.progress import Progress

JOB = "kbuild-whole"
VIEW = pathlib.Path("/run/bench-kbuild/tree")
SOURCE = "kbuild"  # below a lower file system's place
NEED_MIB = 2800  # of 6.12: 1.6 GiB of source, and what a tinyconfig builds
PROGRAMS = {"make": "make", "gcc": "gcc", "ld": "binutils", "bison": "bison", "flex": "flex",
            "bc": "bc", "tar": "tar", "xz": "xz-utils"}
# The bound is of these; the VM, where a build takes half an hour, has no time for all.
SIDES_IN_VM = ("native", "extfuse-data")
ROUNDS = {"icount": 1, "wall": 5}
LIMIT = 3600  # seconds of the VM for each build
UNIT = {"icount": "10^9 instructions", "wall": "seconds"}


# ---------------------------------------------------------------------------
# Where it is built

def options(side, clock):
    """The side's own. Those that answer have room for a kernel tree, and know names of a
    directory all at once."""
    room = tree.ROOM_SECOND if side.ours and side.answers else ()
    return (*sides.DAEMON[clock], *side.options, *room)


def mounted(side, clock, source):
    if side.options is None:
        return tree.Native(source, VIEW)
    return mounts.Daemon(source, VIEW, options(side, clock))


def need_programs():
    missing = sorted({package for program, package in PROGRAMS.items()
                      if not shutil.which(program)})
    if missing:
        raise Failure("a kernel cannot be built here: programs are missing",
                      "apt-get install " + " ".join(missing), 2)


def room_for(source):
    """What a build of it needs, in MiB."""
    if source.is_dir():
        used = proc.check_output(["du", "-sm", "--exclude=.git", str(source)], "the source's size")
        return int(used.split()[0]) + 64
    if source.exists():
        return NEED_MIB
    raise Failure(f"{source}: no kernel source there", "it is in Debian's linux-source-6.12")


def check_room(place, need):
    """In MiB. A tmpfs has as much as there is memory, whatever it says."""
    free = shutil.disk_usage(place).free >> 20
    if mounts.file_system(place) == "tmpfs":
        free = min(free, qemu.available_memory())
    if free < need:
        raise Failure(f"{place}: {free:,} MiB free, the kernel build needs {need:,}",
                      "make room, or build on the other file system alone (--lower)")


def unpack(packed, source):
    """packed: a tarball, or a tree (then without what git keeps of it)."""
    say(f"-- bench: kernel build: unpacking {packed} to {source}")
    source.mkdir()
    if packed.is_dir():
        words = 'tar -C "$1" --exclude=./.git -cf - . | tar -C "$2" --no-same-owner -xf -'
    else:
        words = 'tar -xJf "$1" -C "$2" --strip-components=1 --no-same-owner'
    r = subprocess.run(["bash", "-o", "pipefail", "-c", words, "unpack", str(packed), str(source)],
                       stderr=subprocess.PIPE, text=True, check=False)
    if r.returncode != 0:
        raise Failure(f"unpacking {packed}: {r.stderr.strip()[-500:]}",
                      "is it the .tar.xz of a kernel's source?")


@contextlib.contextmanager
def lower(place, packed):
    """The tree on a lower file system; gone afterwards, like what a killed run left."""
    source = place / SOURCE
    shutil.rmtree(source, ignore_errors=True)
    try:
        unpack(packed, source)
        yield source
    finally:
        shutil.rmtree(source, ignore_errors=True)


# ---------------------------------------------------------------------------
# A build

def built(output, targets):
    """What came of it: a checksum of the kernel, or of a part's objects."""
    objects = sorted(output.glob("**/*.o"))
    files = objects if targets else [output / "vmlinux"]
    if not objects or not all(f.exists() for f in files):
        raise Failure("make ended well, but it built nothing", f"{output} has no {files}")
    return {"sha256": tree.digest(*files), "objects": len(objects)}


def build_once(side, clock, source, targets):
    """What there is to say of one build. What it built stays until the next."""
    output = source / kbuild.OUTPUT
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    jobs = 1 if clock == "icount" else len(os.sched_getaffinity(0))
    with mounted(side, clock, source) as mount:
        if side.options is not None:
            mounts.page_in(mount.pid)
        os.sync()  # what others have written is not to be written back in our time
        before = mounts.counters(mount)
        configured, in_kernel = kbuild.make("tinyconfig", place=VIEW, jobs=jobs)
        passed, more = kbuild.make(*targets, place=VIEW, jobs=jobs)
        moved = suite.moved(before, mounts.counters(mount))
    return {"nanoseconds": configured + passed, "system": (in_kernel + more) * 1e9,
            **built(output, targets), **moved}


def why_refused(side, sample, samples):
    """A kernel that is not the one of the first build, or counters that deny the side."""
    first = next((s for s in samples if s["sha256"]), None)
    if first and sample["sha256"] != first["sha256"]:
        return f"what it built differs from {first['side']}'s on {first['lower']}"
    if side.ours and bool(sample["answered"]) != bool(side.answers):
        return f"the driver answered {sample['answered'] or 'nothing'}"
    if sides.DATA in side.answers and not sample["backing_opens"]:
        return "no file was opened at the driver's registration"
    reads, opens = (sample.get("requests", {}).get(op, 0) for op in ("read", "open"))
    if side.answers & {sides.DATA, sides.PASSTHROUGH} and reads > opens:
        return f"{reads} reads went up, and {opens} opens: data of files did not pass the daemon by"
    return ""


def sample_of(side, clock, source, targets, samples):
    """As the suite's are; one that failed is refused, for there may be hours before it."""
    out = {"workload": JOB, "side": side.name, "operations": 1}
    try:
        out |= build_once(side, clock, source, targets)
        return {**out, "refused": why_refused(side, out, samples)}
    except Failure as e:
        why = f"{e}: {e.hint}" if e.hint else f"{e}"
    except (OSError, subprocess.SubprocessError) as e:
        why = f"{e}"
    return {**out, "nanoseconds": 0, "sha256": "", "refused": why}


def warm_up(clock, source):
    """The compiler into memory; the source is there since it was unpacked."""
    build_once(sides.BY_NAME["native"], clock, source, kbuild.targets(kbuild.DIRECTORIES_QUICK))


def run_here(a, save):
    """On the machine that this runs on. a.source: tarball or tree. Samples so far are saved
    after each build."""
    need_programs()
    wanted = [s for s in sides.SIDES if not a.side or s.name in a.side]
    targets = kbuild.targets(kbuild.DIRECTORIES_QUICK) if a.quick else []
    result = {"clock": a.clock, "targets": targets, "machine": machine.here(), "samples": [],
              "options": {s.name: " ".join(options(s, a.clock)) for s in wanted if s.options}}
    samples, total = result["samples"], len(a.lower) * len(wanted) * a.rounds
    VIEW.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(proc.lock(str(VIEW.parent / "lock"), wait=False,
                                      busy="another kernel build is being measured"))
        if a.source == tree.SOURCE:
            stack.enter_context(tree.tree_mounted())
        places = {name: mounts.lower_place(name) for name in a.lower}
        need = room_for(a.source)
        for place in places.values():
            check_room(place, need)
        for name, place in places.items():
            with lower(place, a.source) as source:
                warm_up(a.clock, source)
                for i in range(a.rounds):
                    for side in wanted if i % 2 == 0 else reversed(wanted):
                        samples.append({"round": i, "lower": name, **sample_of(
                            side, a.clock, source, targets, samples)})
                        suite.progress(len(samples), total, f"{side.name}, {name}")
                        save(result)
    return result


def add_options(p):
    suite.add_round_options(p)
    p.add_argument("--source", required=True, type=pathlib.Path,
                   help="a kernel's source: .tar.xz, or a directory")


# ---------------------------------------------------------------------------
# On the host

def words_of(a, clock, source):
    """For run_here()."""
    rounds = a.rounds or (1 if a.quick else ROUNDS[clock])
    wanted = a.side or ([] if a.native else SIDES_IN_VM)
    lowers = a.lower or (sides.LOWERS if a.native else ["tmpfs"])
    return ["--source", str(source), "--clock", clock, "--rounds", str(rounds),
            *(["--quick"] if a.quick else []),
            *(w for name in wanted for w in ("--side", name)),
            *(w for name in lowers for w in ("--lower", name))]


def builds(words):
    """How many they make, the warm-up as one."""
    wanted = words.count("--side") or len(sides.SIDES)
    return words.count("--lower") * (1 + wanted * int(words[words.index("--rounds") + 1]))


def measure(a):
    """(status, what was measured or None)"""
    clock, progress = "wall" if a.native else a.clock or "icount", Progress("kernel build")
    if a.native:
        whole.need_native()
        words = words_of(a, clock, data.tarball(rootfs.current()))
        return host.run_here(JOB, words, progress.watch())
    if clock == "icount" and "ext4" in a.lower:
        raise Failure("--whole counts instructions on tmpfs only: the guest's ext4 is on a disk, "
                      "and waiting for it would count", "--clock wall, or --lower tmpfs", 2)
    words = words_of(a, clock, tree.SOURCE)
    vm = ("--icount",) if clock == "icount" else ("--smp", "2")
    return host.run_guest(JOB, words, (*vm, "--mem", "8G", "--disk", demo.tree_disk()),
                          LIMIT * builds(words), watch=progress.watch())


def table(result):
    samples, clock = result["samples"], result["clock"]
    lines = []
    for name in analyse.names(samples, "lower"):
        for side in (s.name for s in sides.SIDES):
            found = analyse.select(samples, lower=name, side=side)
            if not found:
                continue
            cell = analyse.cell(found)
            ratios = [analyse.text_of(analyse.ratio(samples, JOB, name, side, base), clock, 3)
                      for base in ("native", "stock")]
            operations = analyse.requests_by_operation(found)
            lines.append([name, side, "refused" if cell.refused else f"{cell.cost / 1e9:.2f}",
                          *ratios, report.number(cell.requests),
                          ", ".join(f"{op} {n:,.0f}" for op, n in list(operations.items())[:4])])
    return report.table(["lower", "side", UNIT[clock], "/ native", "/ stock", "requests",
                         "most of them"], lines, right=(2, 3, 4, 5))


def print_result(result):
    samples = result["samples"]
    print(table(result))
    rounds = 1 + max(s["round"] for s in samples)
    what = f"make of {' '.join(result['targets'])}" if result["targets"] else "the whole build"
    objects = max(s.get("objects", 0) for s in samples)
    print(f"\nmake tinyconfig, then {what}: {objects} objects, each time from none, through a "
          f"new mount. Medians of {rounds}; {analyse.MARK}: they vary.")
    for side, words in result["options"].items():
        print(f"{side}: stackfs {words}")
    if not result["targets"]:
        print(*(f"Published on other hardware: {p.system}, {p.workload}: {p.figure}."
                for p in published.FIGURES if "kernel build" in p.workload), sep="\n")
    for s in samples:
        if s["refused"]:
            print(f"REFUSED {s['side']} on {s['lower']}, round {s['round'] + 1}: {s['refused']}")


def main(a):
    status, result = measure(a)
    if not result or not result["samples"]:
        raise Failure(f"no kernel was built (status {status})", "the reason is above", status or 1)
    result["host"] = machine.host()
    print_result(result)
    host.write_json(a.json, result)
    if status:
        say(f"bench: it ended with status {status}: what was measured is above")
    return 1 if status or any(s["refused"] for s in result["samples"]) else 0
