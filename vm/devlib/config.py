# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the clone, the cache, and the keys of what is cached."""

import hashlib
import os
import pathlib

SUITE = "trixie"

SRC = pathlib.Path(__file__).resolve().parents[2]
VM = SRC / "vm"
PACKAGES = VM / "packages"
SOURCES = VM / "sources"
# Where the source packages are, in the root and on a provisioned machine.
SOURCES_DIR = "/usr/src/extfuse-sources"


def cache():
    """The cache directory; EXTFUSE_CACHE overrides the XDG default."""
    own = os.environ.get("EXTFUSE_CACHE")
    if own:
        return pathlib.Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base).absolute() / "extfuse"


def digest(*parts):
    """A short key over strings, bytes and the contents of files."""
    h = hashlib.sha256()
    for p in parts:
        data = p.read_bytes() if isinstance(p, pathlib.Path) else p
        h.update(data.encode() if isinstance(data, str) else data)
        h.update(b"\0")
    return h.hexdigest()[:12]


def package_list(path=PACKAGES):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [w for w in (line.split("#")[0].strip() for line in lines) if w]


def root_key(version):
    """What a root depends on: the packages' names and how it is made."""
    return digest(SUITE, version, "\n".join(sorted(package_list())),
                  "\n".join(sorted(package_list(SOURCES))))


def work_dir():
    """Build tree, results and logs of this clone, outside it."""
    return cache() / "work" / f"{SRC.name}-{digest(str(SRC))}"


def build_dir():
    return work_dir() / "build"


def out_dir():
    return work_dir() / "out"


def log_dir():
    return work_dir() / "log"
