# SPDX-License-Identifier: GPL-2.0-only
"""The workloads of ./dev bench, with the size each is run in. A new one is a line."""

from dataclasses import dataclass

from extbench.sides import DAEMON, DATA, LOWERS, META, PASSTHROUGH

CLOCKS = tuple(DAEMON)


@dataclass(frozen=True)
class Load:
    """A workload of bench-load. claims: what sides whose `answers` has the same must not
    have asked the daemon for, but for `slack` requests an operation: with META anything,
    else data."""

    name: str
    group: str
    threads: int
    operations: int
    files: int = 0
    claims: frozenset = frozenset()
    slack: float = 0.0
    paper: str = ""  # the size it has there
    block: int = 0  # bytes, where that is not part of the definition
    clocks: tuple = CLOCKS
    lowers: tuple = tuple(LOWERS)

    @property
    def key(self):
        if not self.block:
            return f"{self.name}-{self.threads}th"
        size = f"{self.block >> 10}k" if self.block < 1 << 20 else f"{self.block >> 20}m"
        return f"{self.name}-{size}-{self.threads}th-{self.files}f"

    def runs(self, clock, lower, native=False):
        """Beside the clock of instructions, the wall clock is for what several CPUs do: one
        thread runs there on one lower file system only."""
        if native:
            return lower in self.lowers
        return (clock in self.clocks and lower in self.lowers
                and (clock != "wall" or self.threads > 1 or lower == self.lowers[0]))

    def scaled(self, scale):
        """scale 1: as here."""
        return max(self.threads, round(self.operations * scale))


FXMARK, SMALL, ARCHIVES, SERVERS, BLOCKED, DATAS = (
    "FxMark", "small files", "archives", "servers", "blocks", "samples")
BULKY = (SERVERS, BLOCKED, DATAS)  # megabytes of data
ICOUNT, WALL = ("icount",), ("wall",)
WALK = frozenset({META})
IN_KERNEL = frozenset({DATA, PASSTHROUGH})


def metadata(name, operations, files=0, claims=frozenset(), slack=0.0):
    return tuple(Load(name, FXMARK, threads, operations, files, claims, slack,
                      "seconds in place of operations", clocks=CLOCKS if threads == 1 else WALL)
                 for threads in (1, 4))


# Operations by the size of a block.
BLOCKS = {4 << 10: 512, 32 << 10: 192, 128 << 10: 96, 1 << 20: 32}
TWO_SIZES = (4 << 10, 128 << 10)


def blocks(name, threads, files):
    """On ext4, and one thread by the wall clock, only two of the sizes; several threads only
    by the wall clock: there is but one CPU on the other."""
    # Only files that were opened once are registered with the driver, not new ones.
    claims = frozenset({PASSTHROUGH}) if name == "seq-wr" else IN_KERNEL
    return tuple(Load(name, BLOCKED, threads, n, files, claims, 0.0, "60 GB in no cache", size,
                      WALL if threads > 1 else CLOCKS if size in TWO_SIZES else ICOUNT,
                      tuple(LOWERS) if size in TWO_SIZES else ("tmpfs",))
                 for size, n in BLOCKS.items())


LOADS = (
    *metadata("MRPL", 400, claims=WALK),
    *metadata("MRPM", 400, 243, claims=WALK),
    *metadata("MRPH", 400, 1, claims=WALK),
    *metadata("MRDL", 6000, 400),
    *metadata("MRDM", 6000, 400),
    *metadata("MWCL", 200),
    *metadata("MWCM", 200),
    *metadata("MWUL", 200),
    *metadata("MWUM", 200),
    *(Load("files-cr", SMALL, t, 200, paper="4,000,000 files") for t in (1, 32)),
    *(Load("files-rd", SMALL, t, 200, 400, paper="1,000,000 files") for t in (1, 32)),
    *(Load("files-rd-warm", SMALL, t, 400, 200, frozenset({DATA}), 0.0,
           "not in the paper") for t in (1, 32)),
    *(Load("files-del", SMALL, t, 200, paper="4,000,000 files") for t in (1, 32)),
    Load("create-root", SMALL, 1, 200, paper="a file system that answers at once"),
    *(Load(name, ARCHIVES, 1, 120, paper="a kernel's source, 60,000 files", clocks=ICOUNT)
      for name in ("untar", "tar", "tar-warm")),
    Load("mail-server", SERVERS, 16, 400, 160, paper="1,500,000 files, 7,000,000 operations"),
    Load("file-server", SERVERS, 50, 500, 150, paper="200,000 files, 3,000,000 operations"),
    Load("web-server", SERVERS, 100, 3100, 200, paper="1,250,000 files, 8,000,000 operations"),
    *blocks("seq-rd", 1, 1), *blocks("seq-rd", 32, 1), *blocks("seq-rd", 32, 32),
    *blocks("seq-wr", 1, 1), *blocks("seq-wr", 32, 32),
    *blocks("rnd-rd", 1, 1), *blocks("rnd-rd", 32, 1),
    *blocks("rnd-wr", 1, 1), *blocks("rnd-wr", 32, 1),
    Load("ai-samples", DATAS, 8, 256, 1, IN_KERNEL, 0.0,
         "thousands of samples"),
    Load("shared-write", DATAS, 4, 400, 0, IN_KERNEL),
)
BY_KEY = {w.key: w for w in LOADS}

# --quick: one of each kind.
QUICK = ("MRPL-1th", "files-cr-1th", "files-del-1th", "files-rd-warm-1th", "web-server-100th",
         "rnd-rd-4k-1th-1f", "ai-samples-8th")

# The report's first plot: from where a cache gains most to where it gains nothing.
OVERVIEW = {
    "MRPL-1th": "stat, own file (MRPL)",
    "MRPM-1th": "stat, any file (MRPM)",
    "MRDM-1th": "list a directory (MRDM)",
    "files-rd-warm-1th": "open, read, close, again",
    "tar-warm-1th": "tar, second time",
    "untar-1th": "untar",
    "web-server-100th": "web server, 100 threads",
    "mail-server-16th": "mail server, 16 threads",
    "file-server-50th": "file server, 50 threads",
    "rnd-rd-4k-1th-1f": "read 4 KiB, random",
    "rnd-wr-4k-1th-1f": "write 4 KiB, random",
    "seq-rd-128k-1th-1f": "read 128 KiB, in order",
    "ai-samples-8th": "samples, 8 workers",
    "files-cr-1th": "create files",
    "files-del-1th": "delete files",
}


def part(loads, clock, lowers, native, first=0, every=1):
    """Those that are run so; all, or the share of one of several guests."""
    runs = [w for w in loads if any(w.runs(clock, lower, native) for lower in lowers)]
    return runs[first::every]


def chosen(name, quick):
    """All, those of --quick, or those that a name, a key or a group says."""
    if not name:
        return [w for w in LOADS if not quick or w.key in QUICK]
    return [w for w in LOADS if name in (w.name, w.key, w.group)]
