# SPDX-License-Identifier: GPL-2.0-only
"""A part of a kernel build (tinyconfig) through the mount, over native, by icount.

Configuration, host tools, headers and a first build are made on this machine, in the root,
at the path that the guest's mounts will have (bench/prepare-kbuild), and unpacked on the
lower file system of the guest. There, on each side and at the same place: the objects of the
directories are removed and made again, twice by one mount, cold and warm.

Whole is everything the one CPU did. Of the kernel alone: what user space executes
is the same on both sides, so all that is more is the kernel's (the daemon's own is
counted there, too, against us); the kernel's part of native is what the scheduler
accounts to it, by samples.
"""

import resource
import subprocess
import time

from devlib import build, config, rootfs
from devlib.proc import Failure, say

from extbench import demo, host, mounts, tree

DIRECTORIES = ("init", "lib/math")
DIRECTORIES_QUICK = ("lib/math",)
OUTPUT = ".bench-kbuild"  # in the tree, so that objects go through the mount
TIMES, TIMES_QUICK = 2, 1  # fresh mounts of each side
LIMIT = 3000  # seconds for the VM
SIDES = ("native", "extfuse")
# And nothing else: no compiler cache, no flags of whoever runs this.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C",
               "CCACHE_DISABLE": "1", "KBUILD_BUILD_TIMESTAMP": "now",
               "KBUILD_BUILD_USER": "bench", "KBUILD_BUILD_HOST": "bench"}
STATES = ("cold", "warm")


def make(*words, place=tree.VIEW, jobs=1):
    """(nanoseconds that passed, seconds the scheduler gave to the kernel)"""
    argv = ["make", "-s", f"-j{jobs}", f"O={place}/{OUTPUT}", "LOCALVERSION=", *words]
    sys_before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime
    began = time.monotonic_ns()
    r = subprocess.run(argv, cwd=place, capture_output=True, text=True, check=False,
                       env=ENVIRONMENT)
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


def unpack(archive, directories):
    """The first make finds what is new to it here, the second must find nothing; then a
    build brings compiler and sources into memory."""
    say("-- bench: kernel build: unpacking what was built outside")
    subprocess.run(["tar", "-xf", archive, "-C", str(tree.SOURCE)], check=True)
    with tree.Native():
        make(*targets(directories))
        built = times(directories)
        make(*targets(directories))
        if times(directories) != built:
            raise Failure("make builds again what is built", "is the clock right?")
        for path in built:
            path.unlink()
        make(*targets(directories))


def times(directories):
    return {p: p.stat().st_mtime_ns for p in objects(directories)}


def build_again(side, directories):
    """{state: sample} of one fresh mount."""
    samples = {}
    with tree.variant(side, tree.VARIANTS_SECOND) as mount:
        for state in STATES:
            gone = objects(directories)
            for path in gone:
                path.unlink()
            before = mount.stats()
            passed, system = make(*targets(directories))
            requests = tree.moved_requests(before, mount.stats())
            if len(objects(directories)) != len(gone):
                raise Failure(f"{side}: {len(gone)} objects before, "
                              f"{len(objects(directories))} after")
            say(f"-- bench: kernel build, {side}, {state}: {passed / 1e9:.3f} * 10^9 "
                f"instructions, {sum(requests.values())} requests")
            samples[state] = {"instructions": passed, "system": system * 1e9,
                              "requests": requests,
                              "objects": sum(p.suffix == ".o" for p in gone)}
    return samples


def run_in_guest(archive, quick):
    mounts.load_driver()
    directories = DIRECTORIES_QUICK if quick else DIRECTORIES
    samples = {side: [] for side in SIDES}
    with tree.tree_mounted():
        unpack(archive, directories)
        for i in range(TIMES_QUICK if quick else TIMES):
            for side in SIDES if i % 2 == 0 else reversed(SIDES):
                samples[side].append(build_again(side, directories))
    return {"directories": list(directories), "samples": samples}


# ---------------------------------------------------------------------------
# On the host

ARCHIVE = "bench/kbuild.tar"  # below /out


def prepared():
    """The archive as the guest sees it; made anew in another root, or of something else."""
    root = rootfs.current()
    args = [str(tree.VIEW), OUTPUT, f"/out/{ARCHIVE}", *targets(DIRECTORIES)]
    path = config.out_dir() / ARCHIVE
    mark, what = path.with_suffix(".of"), " ".join([root.dir.name, *args])
    if not (path.exists() and mark.exists() and mark.read_text(encoding="utf-8") == what):
        say("-- bench: kernel build: configuration, host tools, headers, first objects")
        path.parent.mkdir(parents=True, exist_ok=True)
        status = build.script_in_root(root, "/src/bench/prepare-kbuild", args)
        if status != 0:
            raise Failure(f"preparing the kernel build failed (status {status})",
                          "its messages are above", status)
        mark.write_text(what, encoding="utf-8")
    return f"/out/{ARCHIVE}"


def least(samples, state, key):
    return min(s[state][key] for s in samples)


def whole(native, ours, state):
    """Instructions of both, and their ratio."""
    a, b = (least(s, state, "instructions") for s in (ours, native))
    return a, b, a / b


def in_kernel(native, ours, state):
    """What is more than native's, the kernel's part of native, and the ratio."""
    a, b, _ = whole(native, ours, state)
    kernel = least(native, state, "system")
    return a - b, kernel, 1 + (a - b) / kernel


def judge(result):
    """The warm mount's: make looks at the whole tree first, which a part of a build does
    not outweigh; a whole one has its headers cold but once."""
    native, ours = (result["samples"][s] for s in SIDES)
    sent = {state: sum(ours[-1][state]["requests"].values()) for state in STATES}
    what = (f"make of {' '.join(result['directories'])} of a kernel tree (tinyconfig), "
            f"{native[0]['cold']['objects']} objects, the best of {len(ours)}, on a warm mount, "
            "built through it once before; beside it a new mount: ")
    wholes = {state: whole(native, ours, state) for state in STATES}
    kernels = {state: in_kernel(native, ours, state) for state in STATES}
    return {
        "kbuild/native": {"value": wholes["warm"][-1], **result, "how": (
            f"instructions of everything over native's: {what}" + ", ".join(
                f"{state} {r:.4f} ({a / 1e6:,.0f} over {b / 1e6:,.0f} million, "
                f"{sent[state]} requests)" for state, (a, b, r) in wholes.items()))},
        "kbuild-sys/native": {"value": kernels["warm"][-1], "how": (
            "the same in the kernel alone, the daemon's own included: " +
            ", ".join(f"{state} {r:.3f} ({more / 1e6:,.1f} million more than native's "
                         f"{kernel / 1e6:,.0f})" for state, (more, kernel, r) in kernels.items()))},
    }


def steps(quick, refused):
    say("-- bench: kernel build")
    status, result = host.run_guest(
        "kbuild", [prepared(), *(["--quick"] if quick else [])],
        ("--icount", "--mem", "3G", "--disk", demo.tree_disk()), LIMIT)
    if status != 0 or result is None:
        why = f"the guest ended with status {status}"
        refused["kbuild"] = why
        return {"kbuild/native": {"how": why}, "kbuild-sys/native": {"how": why}}
    return judge(result)
