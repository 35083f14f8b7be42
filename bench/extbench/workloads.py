# SPDX-License-Identifier: GPL-2.0-only
"""What the demo runs. {dirs}: the directories of the tree; the tree is the current one."""

from dataclasses import dataclass

BUILD_OUTPUT = ".demo-build"


@dataclass(frozen=True)
class Phase:
    name: str
    command: str
    statuses: tuple = (0,)


# make: a library of the tree's own tools, with the helpers its build compiles
# first; sources are read and objects written through the mount. Its proof is the
# objects' checksums.
MAKE = (f"mkdir -p {BUILD_OUTPUT} && "
        f"make -s -j2 -C tools/lib/symbol OUTPUT=$PWD/{BUILD_OUTPUT}/ >&2 && "
        f"cd {BUILD_OUTPUT} && find . -name '*.[oa]' -print0 | sort -z | xargs -0 sha256sum")

PHASES = (
    Phase("find", "find {dirs} -printf '%M %n %u %g %s %b %T@ %p\\n'"),
    Phase("ls -lR", "ls -lR {dirs}"),
    Phase("git status", "git status --porcelain=v2 -- {dirs}"),
    Phase("grep -r", "grep -rF -c kmalloc_array {dirs} | grep -v ':0$'"),
    Phase("tar", "tar cf - {dirs} | md5sum"),
    Phase("sha256sum", "find {dirs} -type f -print0 | xargs -0 sha256sum"),
    Phase("make", MAKE),
)

# rsync compares sizes and times with a copy; what it copies it lists.
COPY = "/tmp/demo-copy"
RSYNC = Phase("rsync", f"mkdir -p {COPY} && rsync -ai --delete {{dirs}} {COPY}/")

# Done twice by the bench; the second pass counts.
SECOND = (*(p for p in PHASES if p.name == "tar"), RSYNC,
          *(p for p in PHASES if p.name in ("git status", "make")))
METADATA_BOUND = ("rsync", "git status", "make")

# Metadata only; done twice, and the second pass counts for the share.
WALKS = ("find", "ls -lR", "git status")
