# SPDX-License-Identifier: GPL-2.0-only
"""The disk image with a kernel source tree, for demonstrations.

/linux in it is the distribution's linux-source package, unpacked, and a git
repository with one commit of all of it. git is told to compare size and time
of modification only: inode numbers differ between the file systems that will
show this tree, and contents must not be read again for that.
"""

import os
import shutil

from devlib import config, proc, rootfs
from devlib.proc import Failure

NEED_DISK_GIB = 6
IMAGE_SIZE = "8G"  # sparse; room to build in it

UNPACK = r"""
set -eu
mkdir -p "$2/linux"
tar -xJf "$1" -C "$2/linux" --strip-components=1 --no-same-owner
"""

IMPORT = r"""
set -eu
cd "$1/linux"
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=extfuse GIT_AUTHOR_EMAIL=extfuse@localhost
export GIT_COMMITTER_NAME=extfuse GIT_COMMITTER_EMAIL=extfuse@localhost
export GIT_AUTHOR_DATE='2024-11-17T22:15:08Z' GIT_COMMITTER_DATE='2024-11-17T22:15:08Z'
git init -q -b main .
git config core.trustctime false
git config core.checkStat minimal
git config core.compression 1
git config core.looseCompression 1
git config gc.auto 0
git add -A -f
git commit -q -m 'the distribution kernel source'
git -c pack.window=0 repack -q -a -d
git update-index -q --refresh
"""


def ensure():
    """The image's path; made now if it is not in the cache."""
    root = rootfs.ensure()
    if root.data.exists():
        return root.data
    with proc.lock(config.cache() / "make.lock"):
        rootfs.remove_leftovers()
        if not root.data.exists():
            make(root)
    return root.data


def tarball(root):
    found = sorted((root.tree / "usr/src").glob("linux-source-*.tar.xz"))
    if not found:
        raise Failure(f"no linux-source tarball in {root.tree}/usr/src",
                      "vm/packages must name linux-source-6.12")
    return found[-1]


def make(root):
    rootfs.check_disk(NEED_DISK_GIB)
    log = str(config.cache() / "log" / "mkdata.log")
    tree = root.dir / "tree.partial"
    try:
        proc.step("unpacking the kernel source",
                  ["sh", "-c", UNPACK, "unpack", str(tarball(root)), str(tree)], log)
        proc.step("importing it into git", ["sh", "-c", IMPORT, "import", str(tree)], log)
        with rootfs.partial(root.data) as tmp:
            proc.step("writing the tree's disk image",
                      ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "extfuse-tree",
                       "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1",
                       "-d", str(tree), str(tmp), IMAGE_SIZE], log)
    finally:
        if os.path.exists(tree):
            shutil.rmtree(tree)
