# SPDX-License-Identifier: GPL-2.0-only
"""The Debian 13 root: directory, disk image and initial RAM disk, all cached."""

import contextlib
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass

from devlib import config, initrd, proc
from devlib.proc import Failure

# Part of the root's key: raise it when make_tree() or make_image() changes.
VERSION = "1"

NEED_DISK_GIB = 6
IMAGE_SIZE = "16G"  # sparse; room for what tests write to the root
MOUNT_POINTS = ("src", "build", "out", "var/cache/ccache", "mnt/tree")
UNWANTED = ("man/*", "locale/*", "info/*", "doc/*")


@dataclass(frozen=True)
class Root:
    """Paths of one root in the cache."""

    dir: pathlib.Path

    @property
    def tree(self):
        return self.dir / "root"

    @property
    def image(self):
        return self.dir / "root.ext4"

    @property
    def release(self):
        """The kernel's release, as uname -r prints it."""
        return newest_kernel(self.tree)

    @property
    def kernel(self):
        return self.tree / "boot" / f"vmlinuz-{self.release}"

    @property
    def initrd(self):
        key = config.digest(config.VM / "initrd-init",
                            config.VM / "devlib" / "initrd.py")
        return self.dir / f"initrd-{key}.img"

    @property
    def data(self):
        return self.dir / "tree.img"

    def complete(self):
        return self.tree.is_dir() and self.image.exists() and self.initrd.exists()


def newest_kernel(tree):
    modules = tree / "lib" / "modules"
    releases = sorted(p.name for p in modules.iterdir()) if modules.is_dir() else []
    for r in reversed(releases):
        if (tree / "boot" / f"vmlinuz-{r}").exists():
            return r
    raise Failure(f"no kernel in {tree}/boot", "make the root again: ./dev clean --all")


def current():
    """The root this checkout asks for; it may not exist yet."""
    return Root(config.cache() / f"root-{config.root_key(VERSION)}")


def ensure():
    """The root, made now if it is not in the cache."""
    root = current()
    if root.complete():
        return root
    with proc.lock(config.cache() / "make.lock"):
        remove_leftovers()
        if not root.tree.is_dir():
            make_tree(root)
        if not root.image.exists():
            make_image(root)
        if not root.initrd.exists():
            initrd.write(root.tree, root.release, root.initrd)
    return root


def remove_leftovers():
    """Half-made things of a run that was killed; call with the make lock held."""
    for p in config.cache().glob("**/*.partial"):
        remove(p)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def partial(final):
    """A name beside `final` to make it under; renamed only on success."""
    tmp = final.with_name(final.name + ".partial")
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield tmp
        os.rename(tmp, final)
    finally:
        if tmp.exists():
            remove(tmp)


def check_disk(gib=NEED_DISK_GIB):
    where = config.cache()
    where.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(where).free / 2**30
    if free < gib:
        raise Failure(f"{where}: {free:.1f} GiB free, {gib} GiB needed",
                      "free some space, or set EXTFUSE_CACHE to a larger file system")


def mmdebstrap_argv(target):
    # No mirror is named: mmdebstrap takes the distribution's default ones.
    argv = ["mmdebstrap", "--mode=root", "--format=directory", "--variant=apt",
            "--aptopt=Acquire::Retries \"3\"",
            "--dpkgopt=force-unsafe-io",
            "--include=" + ",".join(config.package_list())]
    argv += [f"--dpkgopt=path-exclude=/usr/share/{p}" for p in UNWANTED]
    argv += [f"--customize-hook=mkdir -p \"$1/{p}\"" for p in MOUNT_POINTS]
    argv += [f"--customize-hook={source_hook()}",
             "--customize-hook=echo extfuse >\"$1/etc/hostname\"",
             "--customize-hook=echo 127.0.0.1 localhost extfuse >\"$1/etc/hosts\"",
             # ours is smaller and is made by initrd.py
             "--customize-hook=rm -f \"$1\"/boot/initrd.img-*"]
    return [*argv, config.SUITE, str(target)]


def source_hook():
    """Fetches the packages of vm/sources, from where the others came from."""
    return ("set -e; export APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\"; "
            "sed -n 's/^deb /deb-src /p' \"$1/etc/apt/sources.list\" "
            ">\"$1/etc/apt/sources.list.d/source.list\"; "
            f"mkdir -p \"$1{config.SOURCES_DIR}\"; cd \"$1{config.SOURCES_DIR}\"; "
            "apt-get update; apt-get source --download-only "
            + " ".join(config.package_list(config.SOURCES)))


def make_tree(root):
    check_disk()
    log = config.cache() / "log" / "mkroot.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    env = dict(os.environ, TMPDIR="/tmp", LC_ALL="C.UTF-8")
    with partial(root.tree) as tmp:
        proc.step("making the Debian 13 root (mmdebstrap, some 700 MB of packages)",
                  proc.in_namespaces(mmdebstrap_argv(tmp)), str(log), env=env,
                  hint="if packages could not be fetched: the network or apt's proxy "
                       "settings; if mount was refused: run outside an unprivileged "
                       "container")


def make_image(root):
    """An ext4 image of the root, for QEMU; sparse."""
    check_disk(3)
    log = config.cache() / "log" / "mkimage.log"
    with partial(root.image) as tmp:
        proc.step("writing the root's disk image",
                  ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "extfuse-root", "-m", "0",
                   "-E", "lazy_itable_init=1,lazy_journal_init=1",
                   "-d", str(root.tree), str(tmp), IMAGE_SIZE], str(log))


def package_versions(tree):
    """name -> version of what is installed in the root."""
    out = subprocess.run(["dpkg-query", f"--admindir={tree}/var/lib/dpkg", "-W"],
                         capture_output=True, text=True, check=True).stdout
    return dict(line.split("\t", 1) for line in out.splitlines() if "\t" in line)
