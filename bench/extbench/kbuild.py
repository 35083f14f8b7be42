# SPDX-License-Identifier: GPL-2.0-only
"""A part of a kernel build (tinyconfig) through the mount, over native, by icount.

Configuration, host tools and generated headers are made once, on the lower file
system. Then on each side, at the same place: make finds nothing to do, and after the
objects of the directories are gone, it makes them again, which is what counts.

Whole is everything the one CPU did. Of the kernel alone: what user space executes
is the same on both sides, so all that is more is the kernel's (the daemon's own is
counted there, too, against us); the kernel's part of native is what the scheduler
accounts to it, by samples.
"""

import os
import resource
import subprocess
import time

from devlib.proc import Failure, say

from extbench import demo, host, mounts, tree

DIRECTORIES = ("init", "lib/math")
DIRECTORIES_QUICK = ("lib/math",)
OUTPUT = ".bench-kbuild"  # in the tree, so that objects go through the mount
TIMES, TIMES_QUICK = 3, 1
LIMIT = 3000  # seconds for the VM
SIDES = ("native", "extfuse")


def make(*words):
    """(nanoseconds that passed, seconds the scheduler gave to the kernel)"""
    argv = ["make", "-s", "-j1", f"O={tree.VIEW}/{OUTPUT}", *words]
    sys_before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime
    began = time.monotonic_ns()
    r = subprocess.run(argv, cwd=tree.VIEW, capture_output=True, text=True, check=False,
                       env=dict(os.environ, KBUILD_BUILD_TIMESTAMP="now", LC_ALL="C",
                                KBUILD_BUILD_USER="bench", KBUILD_BUILD_HOST="bench"))
    passed = time.monotonic_ns() - began
    if r.returncode != 0:
        raise Failure(f"{' '.join(argv)} ended with {r.returncode}", r.stderr[-2000:])
    return passed, resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime - sys_before


def targets(directories):
    return [f"{d}/" for d in directories]


def objects(directories):
    """Through the mount, as make itself would see them."""
    found = [p for d in directories
             for pattern in ("*.o", ".*.cmd", "*.a")
             for p in (tree.VIEW / OUTPUT / d).glob(pattern)]
    if not found:
        raise Failure(f"no objects in {', '.join(directories)}: nothing was built")
    return found


def prepare(directories):
    say("-- bench: kernel build: configuration, host tools, headers")
    with tree.Native():
        (tree.VIEW / OUTPUT).mkdir(exist_ok=True)
        make("tinyconfig")
        make(*targets(directories))


def build_again(side, directories):
    """One sample, by a fresh mount."""
    with tree.variant(side, tree.VARIANTS_SECOND) as mount:
        make(*targets(directories))  # nothing to do; names and opens are known then
        gone = objects(directories)
        for path in gone:
            path.unlink()
        before = mount.stats()
        passed, system = make(*targets(directories))
        after = mount.stats()
        if len(objects(directories)) != len(gone):
            raise Failure(f"{side}: {len(gone)} objects before, "
                          f"{len(objects(directories))} after")
        requests = tree.moved_requests(before, after)
    say(f"-- bench: kernel build, {side}: {passed / 1e9:.3f} * 10^9 instructions, "
        f"{sum(requests.values())} requests")
    return {"instructions": passed, "system": system * 1e9, "requests": requests,
            "objects": sum(p.suffix == ".o" for p in gone)}


def run_in_guest(quick):
    mounts.load_driver()
    directories = DIRECTORIES_QUICK if quick else DIRECTORIES
    samples = {side: [] for side in SIDES}
    with tree.tree_mounted():
        prepare(directories)
        for i in range(TIMES_QUICK if quick else TIMES):
            for side in SIDES if i % 2 == 0 else reversed(SIDES):
                samples[side].append(build_again(side, directories))
    return {"directories": list(directories), "samples": samples}


# ---------------------------------------------------------------------------
# On the host

def least(samples, key):
    return min(s[key] for s in samples)


def judge(result):
    native, ours = (result["samples"][s] for s in SIDES)
    whole = least(ours, "instructions") / least(native, "instructions")
    more = least(ours, "instructions") - least(native, "instructions")
    kernel = least(native, "system")
    sent = sum(ours[-1]["requests"].values())
    what = (f"make of {' '.join(result['directories'])} of a kernel tree (tinyconfig), "
            f"{native[0]['objects']} objects, with the mount warm, the best of {len(ours)}; "
            f"{sent} requests went up")
    return {
        "kbuild/native": {"value": whole, **result, "how": (
            f"instructions of everything over native's: {what}")},
        "kbuild-sys/native": {"value": 1 + more / kernel, "how": (
            f"the same in the kernel alone: {more / 1e6:,.1f} million more than native's "
            f"{kernel / 1e6:,.0f} million, the daemon's own included")},
    }


def steps(quick, refused):
    say("-- bench: kernel build")
    status, result = host.run_guest("kbuild", ["--quick"] if quick else [],
                                    ("--icount", "--mem", "3G", "--disk", demo.tree_disk()),
                                    LIMIT)
    if status != 0 or result is None:
        why = f"the guest ended with status {status}"
        refused["kbuild"] = why
        return {"kbuild/native": {"how": why}, "kbuild-sys/native": {"how": why}}
    return judge(result)
