# SPDX-License-Identifier: GPL-2.0-only
"""The debug kernel of ./dev test --sanitize, and the driver built for it.

Built in the root from the distribution's source package with vm/kernel/debug.config;
cached like the root.
"""

import pathlib
from dataclasses import dataclass

from devlib import build, config, data, initrd, proc, rootfs
from devlib.proc import Failure

HERE = config.VM / "kernel"
FRAGMENT = HERE / "debug.config"
SCRIPT = "/src/vm/kernel/build"
# Part of the key: raise it when unpacking or trimming changes.
VERSION = "1"
NEED_DISK_GIB = 6

# How much slower than the distribution's kernel it is in emulation: time limits
# are multiplied by it.
SLOWER = 5
# For the limits of the kernel itself, after those of qemu.CMDLINE. One report of
# KASAN is not all that may be wrong. Object debugging doubles the time of a mount:
# --append debug_objects has it.
CMDLINE = ("watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=180 kasan_multi_shot "
           "kmemleak=on no_debug_objects")

# What no kernel without modules needs and is large.
LEFT_OUT = ("*/Documentation/*/*", "*/tools/testing/*", "*/drivers/gpu/drm/amd/include/*",
            "*/arch/*/boot/dts/*")


@dataclass(frozen=True)
class Kernel:
    """Paths of one debug kernel in the cache."""

    dir: pathlib.Path

    @property
    def image(self):
        return self.dir / "build/arch/x86/boot/bzImage"

    @property
    def release(self):
        path = self.dir / "build/include/config/kernel.release"
        return path.read_text(encoding="ascii").strip()

    @property
    def initrd(self):
        return self.dir / rootfs.current().initrd.name

    def complete(self):
        return self.image.exists() and self.initrd.exists()


def key(root):
    """What a debug kernel depends on: configuration, source, compiler."""
    versions = rootfs.package_versions(root.tree)
    names = ("linux-source-6.12", "gcc-14", "pahole")
    return config.digest(VERSION, FRAGMENT, root.dir.name,
                         *(f"{n} {versions.get(n, '')}" for n in names))


def current(root):
    """The kernel this checkout asks for; it may not exist yet."""
    return Kernel(config.cache() / f"kernel-{key(root)}")


def ensure(root):
    """The kernel, built now if it is not in the cache."""
    kernel = current(root)
    if kernel.complete():
        return kernel
    with proc.lock(config.cache() / "make.lock"):
        rootfs.remove_leftovers()
        if not kernel.dir.is_dir():
            make(root, kernel)
        if not kernel.initrd.exists():
            initrd.write(root.tree, None, kernel.initrd)
    return kernel


def make(root, kernel):
    rootfs.check_disk(NEED_DISK_GIB)
    log = config.cache() / "log" / "mkkernel.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    with rootfs.partial(kernel.dir) as tmp:
        (tmp / "src").mkdir(parents=True)
        proc.step("unpacking the kernel source", unpack_argv(data.tarball(root), tmp / "src"),
                  str(log))
        for word, label in (("configure", "configuring the debug kernel"),
                            ("kernel", "building the debug kernel (10 to 40 minutes)"),
                            ("trim", "removing what building left")):
            proc.step(label, build.in_root(root, [SCRIPT, word], srv=tmp), str(log))
        check_release(root, Kernel(tmp))


def unpack_argv(tarball, target):
    return ["tar", "-xJf", str(tarball), "-C", str(target), "--strip-components=1",
            "--no-same-owner", *(f"--exclude={p}" for p in LEFT_OUT)]


def check_release(root, kernel):
    """The same version as the kernel that the other tests run on."""
    ours, theirs = kernel.release.split("-")[0], root.release.split("+")[0].split("-")[0]
    if ours != theirs:
        raise Failure(f"linux-source is {ours}, the root's kernel is {theirs}",
                      "make the root again: ./dev clean --all")


def build_driver(root, kernel):
    """extfuse.ko for this kernel; its name inside root and guest."""
    place = f"/build/debug/{kernel.dir.name}"
    log = str(config.log_dir() / "debug-driver.log")
    with build.lock():
        proc.step("building the driver for the debug kernel",
                  build.in_root(root, [SCRIPT, "driver", place], srv=kernel.dir), log)
    return f"{place}/extfuse.ko"


def prepare(o):
    """Makes kernel and driver, and has the options boot them."""
    kernel = ensure(o.root)
    o.env["EXTFUSE_MODULE"] = build_driver(o.root, kernel)
    o.env["EXTFUSE_SLOWER"] = str(SLOWER)
    o.kernel, o.initrd = kernel.image, kernel.initrd
    o.append = f"{CMDLINE} {o.append}".strip()
    return o
