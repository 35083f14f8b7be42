# SPDX-License-Identifier: GPL-2.0-only
"""The initial RAM disk: busybox, the modules the root needs, vm/initrd-init.

Uncompressed modules in an uncompressed archive: under emulation, unpacking
costs more than reading.
"""

import lzma
import os
import stat

from devlib import config

# In the order they are to be loaded; their dependencies are put before them.
# ext4 asks for crc32c by a soft dependency, which modules.dep does not show.
MODULES = ("virtio_blk", "crc32c_generic", "ext4", "9pnet_virtio", "9p")

FILE, DIR, CHR = stat.S_IFREG, stat.S_IFDIR, stat.S_IFCHR


class Archive:
    """A cpio archive in the `newc` format the kernel reads."""

    def __init__(self):
        self.data = bytearray()
        self.ino = 0

    def add(self, name, mode, body=b"", rdev=(0, 0)):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = (self.ino, mode, 0, 0, 1, 0, len(body), 0, 0, *rdev, len(raw), 0)
        self.data += b"070701" + b"".join(b"%08x" % f for f in fields) + raw
        self._pad()
        self.data += body
        self._pad()

    def _pad(self):
        self.data += b"\0" * (-len(self.data) % 4)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def load_order(tree, release):
    """Paths of the wanted modules below /lib/modules/RELEASE, dependencies first."""
    deps = {}
    table = tree / "lib" / "modules" / release / "modules.dep"
    for line in table.read_text(encoding="utf-8").splitlines():
        path, _, rest = line.partition(":")
        deps[module_name(path)] = (path, rest.split())
    order = []
    for wanted in MODULES:
        path, needs = deps[wanted]
        order += [p for p in [*reversed(needs), path] if p not in order]
    return order


def read_module(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def write(tree, release, target):
    """release: of the modules; None for a kernel that needs none."""
    a = Archive()
    for d in ("bin", "dev", "modules", "proc", "root", "sys"):
        a.add(d, DIR | 0o755)
    a.add("dev/console", CHR | 0o600, rdev=(5, 1))
    a.add("init", FILE | 0o755, (config.VM / "initrd-init").read_bytes())
    a.add("bin/busybox", FILE | 0o755, (tree / "usr/bin/busybox").read_bytes())
    names = []
    for path in load_order(tree, release) if release else ():
        name = module_name(path) + ".ko"
        body = read_module(tree / "lib" / "modules" / release / path)
        a.add(f"modules/{name}", FILE | 0o644, body)
        names.append(name)
    a.add("modules/order", FILE | 0o644, "".join(f"{n}\n" for n in names).encode())
    tmp = target.with_name(target.name + ".partial")
    tmp.write_bytes(a.finish())
    os.rename(tmp, target)
