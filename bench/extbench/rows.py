# SPDX-License-Identifier: GPL-2.0-only
"""What ./dev bench measures: mounts, figures, bounds. A new row is a new line here.

A figure is the cost of one operation on one mount in one mode. What the daemon
and the driver count per iteration belongs to it: a figure whose counters say
otherwise is not shown (a "hit" that went to the daemon is none).
A bound is a ratio of figures and its limit, by issue.
"""

from dataclasses import dataclass, field

LOWER = "tmpfs"  # what the daemons stack on, and what native means in a ratio

# ---------------------------------------------------------------------------
# Mounts: a name and the daemon's options. The cheapest form of the daemon, on
# both drivers: one thread, no splice; timeouts are 0 unless said.

DAEMON = ("--threads", "1", "--no-splice")
INFINITE = ("--entry-timeout", "inf", "--attr-timeout", "inf")
CHECKED = ("-o", "default_permissions")

MOUNTS = {
    "stock": ("--stock",),
    "stock-dp": ("--stock", *CHECKED),
    "stock-inf": ("--stock", *INFINITE),
    "stock-direct": ("--stock", "--direct-io"),
    "meta": ("--require", "--scope=all"),
    "meta-dp": ("--require", *CHECKED),
    "none": ("--require", "--cache=none"),
    "direct": ("--require", "--scope=all", "--cache=data", "--direct-io"),
    "data": ("--require", "--scope=all", "--cache=data"),
    "stable": ("--require", "--scope=all", "--stable=100000", "--prefetch"),
    "backing": ("--require", "--scope=all", "--cache=data", "--backing=1024"),
}

# Not mounts of ours: the lower file systems themselves.
NATIVE = ("native-tmpfs", "native-ext4")

# ---------------------------------------------------------------------------
# Modes: commands that bring a mount from any mode into this one. "attached" and
# "detached" are given only where the mount is not so already.

MODES = {
    "": (),
    # Every answer comes from the handler, out of a map.
    "hit": ("attached", "enable all 1", "remember 0", "invalidate-all"),
    # The same for data, which were put there when the file was opened. (Dropped
    # and read again they would not do: READ may move the lower file's access time,
    # and unless the kernel knows that it did not, that counts as a change.)
    "map": ("attached", "enable all 1"),
    # Answers are remembered in dentries and inodes.
    "warm": ("attached", "enable all 1", "remember 1", "invalidate-all"),
    # Attached, but it finds nothing in the maps / is switched off.
    "absent": ("attached", "enable all 1", "remember 0", "invalidate-all"),
    "off": ("attached", "enable all 0", "remember 0", "invalidate-all"),
    "unhandled": ("detached",),
}

# ---------------------------------------------------------------------------
# Figures

# Counters that must be given where they are not 0: driver's per operation, and
# requests that the daemon got. `None` for a value: any number but 0.
COUNTED = tuple(f"{op}.{what}" for op in ("lookup", "getattr", "read", "open", "flush", "release")
                for what in ("warm", "hit", "error", "sent")) + ("backing_opens", "requests")


@dataclass(frozen=True)
class Figure:
    op: str
    mount: str
    mode: str = ""
    per: dict = field(default_factory=dict)  # counters of one iteration

    @property
    def name(self):
        return f"{self.op}@{self.mount}" + (f":{self.mode}" if self.mode else "")

    @property
    def native(self):
        return self.mount in NATIVE


# Components of the path of each operation, and whether it ends in GETATTR.
WALKS = {"stat1": 1, "stat8": 8}


def answered(op, mount, how):
    """Counters of one iteration that is answered in the kernel."""
    if op == "fstat":
        return {f"getattr.{how}": 1}
    if op == "pread4k":
        return {f"read.{how}": 1}
    # With default_permissions the mode of each directory on the way is asked for, too.
    searched = WALKS[op] if mount == "meta-dp" else 0
    return {f"lookup.{how}": WALKS[op], f"getattr.{how}": searched + 1}


def sent(op):
    """Counters of one iteration that goes to the daemon."""
    if op == "fstat":
        return {"getattr.sent": 1, "requests": 1}
    if op in WALKS:
        return {"lookup.sent": WALKS[op], "getattr.sent": 1, "requests": WALKS[op] + 1}
    if op == "pread4k":
        return {"read.sent": 1, "requests": 1}
    if op in CHANGES:
        # Whether a new name is there is asked first.
        return {f"{name}.sent": None for name in ("lookup", "flush", "release")} | {
            "requests": None}
    # A read from the page cache asks for the size first; OPEN, FLUSH, RELEASE come along.
    return {f"{name}.sent": None for name in
            ("lookup", "getattr", "read", "open", "flush", "release")} | {"requests": None}


def opened(mount, how):
    """Counters of open, pread, close in the kernel: of a known file, its data at hand."""
    per = {f"lookup.{how}": 1, f"open.{how}": 1}
    # The page cache asks for size and time before it is read.
    return per | ({"backing_opens": 1} if mount == "backing" else {f"getattr.{how}": 1})


META = ("fstat", "stat1", "stat8")
DATA = ("seq-read", "seq-write", "rnd-read", "rnd-write")
MISSES = (*META, "open-pread-close")
CHANGES = ("create", "create-unlink")


def requests_only(per):
    """On stock only the daemon counts."""
    return {k: v for k, v in per.items() if k == "requests"}


def figures():
    out = [Figure(op, n) for op in (*META, "pread4k", "open-pread-close", *CHANGES)
           for n in NATIVE]
    out += [Figure(op, "stock", per=requests_only(sent(op))) for op in (*MISSES, *CHANGES)]
    out += [Figure(op, "stock-dp", per={"requests": None}) for op in META]
    out += [Figure(op, "stock-inf") for op in META]
    out += [Figure(op, m, mode, answered(op, m, mode))
            for m in ("meta", "meta-dp") for mode in ("hit", "warm") for op in META
            if m == "meta" or op != "stat1"]
    out += [Figure(op, "none", mode, sent(op))
            for op in (*MISSES, *CHANGES) for mode in ("unhandled", "absent", "off")]
    out += [Figure(op, "meta", "off", sent(op)) for op in META]
    out.append(Figure("pread4k", "stock-direct", per=requests_only(sent("pread4k"))))
    out += [Figure("open-pread-close", m, mode, opened(m, mode))
            for m in ("data", "backing") for mode in ("warm", "hit")]
    out += [Figure("first-touch", "stock-inf", per={"requests": 1}),
            Figure("first-touch", "stable", "map",
                   {"lookup.hit": 1, "getattr.hit": 1, "getattr.warm": 1})]
    out += [Figure(op, n) for op in DATA for n in NATIVE]
    out += [Figure(op, "backing", "warm") for op in DATA]
    out.append(Figure("pread4k", "direct", "map", answered("pread4k", "direct", "hit")))
    return out


# ---------------------------------------------------------------------------
# Bounds

INSTRUCTIONS = ("instructions (icount, 1 CPU, max,-erms,-fsrm), median of repeats, "
                "stack on " + LOWER)


@dataclass(frozen=True)
class Bound:
    """top and bottom: a name of a figure, or of a number that a step made."""

    id: str
    limit: float
    how: str
    pairs: tuple = ()  # (top, bottom); the worst one counts
    step: str = ""  # or the number of a step
    at_least: bool = False
    issue: int = 8
    digits: int = 3

    def reached(self, value):
        if value is None:
            return False
        return value >= self.limit if self.at_least else value <= self.limit


def native(op):
    return f"{op}@native-{LOWER}"


def ratio(ident, limit, top, bottom, how, **kw):
    return Bound(ident, limit, f"{how}; {INSTRUCTIONS}", ((top, bottom),), **kw)


BOUNDS = [
    ratio("fstat-hit/native", 1.45, "fstat@meta:hit", native("fstat"),
          "fstat of an open file, answered by the handler from a map"),
    ratio("fstat-hit/stock", 0.10, "fstat@meta:hit", "fstat@stock", "the same against stock"),
    ratio("walk8-hit/native", 2.5, "stat8@meta:hit", native("stat8"),
          "stat of 8 components, each answered by the handler from maps"),
    ratio("walk8-hit/stock", 0.08, "stat8@meta:hit", "stat8@stock", "the same against stock"),
    ratio("pread4k-map/stock", 0.20, "pread4k@direct:map", "pread4k@stock-direct",
          "pread of 4 KiB with direct I/O, answered by the handler from a map"),
    Bound("miss/stock", 1.02,
          "handler attached that misses (nothing in its maps, or switched off) over no handler, "
          "same mount, switched to and fro; highest of fstat, stat1, stat8, open-pread-close; "
          + INSTRUCTIONS,
          tuple((f"{op}@none:{mode}", f"{op}@none:unhandled")
                for op in MISSES for mode in ("absent", "off")), digits=4),
    Bound("populate-syscalls", 0, "", step="populate-syscalls", digits=2),
    Bound("reply-hook-syscalls", 0, "", step="reply-hook-syscalls", digits=2, issue=9),
    Bound("demo-kernel-share", 0.99, "", step="demo-kernel-share", at_least=True, digits=4),
    Bound("bytes-per-name", 256, "", step="bytes-per-name", digits=1),

    ratio("fstat-warm/native", 1.08, "fstat@meta:warm", native("fstat"),
          "fstat answered by the word remembered in the inode", issue=9),
    ratio("walk8-warm/native", 1.15, "stat8@meta:warm", native("stat8"),
          "stat of 8 components, answered by words remembered in dentries", issue=9),
    ratio("walk8-warm-dp/native", 1.18, "stat8@meta-dp:warm", native("stat8"),
          "the same with default_permissions", issue=9),
    ratio("walk8/stock-inf", 1.03, "stat8@meta:warm", "stat8@stock-inf",
          "the warm walk against stock with infinite timeouts", issue=9),
    ratio("first-touch/stock-inf", 0.40, "first-touch@stable:map", "first-touch@stock-inf",
          "stat of prefetched names of which the kernel has no dentry, no inode and no lookup "
          "(never seen, or dropped from its caches), against stock with infinite timeouts", issue=9),
    Bound("walk8-2cpu", 1.8, "", step="walk8-2cpu", at_least=True, issue=9),
    Bound("second-pass-share", 0.99, "", step="second-pass-share", at_least=True, issue=9,
          digits=4),
    Bound("second-pass/native", 1.1, "", step="second-pass/native", issue=9),
    ratio("open-pread-close/native", 1.25, "open-pread-close@data:warm",
          native("open-pread-close"),
          "open, pread of 4 KiB, close of a known file without a request, data in the page cache",
          issue=9),
    ratio("open-pread-close-backing/native", 1.5, "open-pread-close@backing:warm",
          native("open-pread-close"), "the same on a registered backing file", issue=9),
    Bound("open-pread-close/stock", 0.10,
          "the dearer of the two against stock; " + INSTRUCTIONS,
          tuple((f"open-pread-close@{m}:warm", "open-pread-close@stock")
                for m in ("data", "backing")), issue=9),
    Bound("small-write-upcalls", 1, "", step="small-write-upcalls", issue=9, digits=2),
    Bound("small-write-upcalls-registered", 0, "", step="small-write-upcalls-registered",
          issue=9, digits=2),
    Bound("wrap-lines", 10, "", step="wrap-lines", issue=10, digits=0),
]

BOUNDS += [Bound(f"{job}/native", limit, "", step=f"{job}/native", at_least=True, issue=9)
           for job, limit in (("seq-read", 0.97), ("seq-write", 0.97), ("rnd-read", 0.95),
                              ("rnd-write", 0.95))]

BOUNDS += [
    Bound("existing-identical", 6, "", step="existing-identical", at_least=True, digits=0,
          issue=10),
    Bound("existing-upcalls", 0.10, "", step="existing-upcalls", issue=10),
]
BOUNDS += [Bound("create-delete/stock", 1.02, "", step="create-delete/stock", issue=11, digits=4),
           Bound("hit-flat", 1.10, "", step="hit-flat", issue=11),
           Bound("thrash/stock", 1.05, "", step="thrash/stock", issue=11),
           Bound("kbuild/native", 1.01, "", step="kbuild/native", issue=11, digits=4),
           Bound("kbuild-sys/native", 1.10, "", step="kbuild-sys/native", issue=11)]

# ids that two issues bound: the later, stricter limit beside the first
STRICTER = {"walk8-hit/native": (9, 1.9)}


@dataclass(frozen=True)
class Reported:
    """Shown beside the bounds, no limit."""

    what: str
    top: str
    bottom: str


REPORTED = [
    Reported("stat1, hit / native", "stat1@meta:hit", native("stat1")),
    Reported("stat1, warm / native", "stat1@meta:warm", native("stat1")),
    Reported("fstat, default_permissions, hit / native", "fstat@meta-dp:hit", native("fstat")),
    Reported("fstat, default_permissions, warm / native", "fstat@meta-dp:warm", native("fstat")),
    Reported("stat8, default_permissions, hit / native", "stat8@meta-dp:hit", native("stat8")),
    Reported("stat8, default_permissions, hit / stock", "stat8@meta-dp:hit", "stat8@stock-dp"),
    Reported("fstat, stock with infinite timeouts / native", "fstat@stock-inf", native("fstat")),
    Reported("stat8, stock with infinite timeouts / native", "stat8@stock-inf", native("stat8")),
    Reported("fstat, miss that populates / stock", "fstat@meta:off", "fstat@stock"),
    Reported("stat8, miss that populates / stock", "stat8@meta:off", "stat8@stock"),
    Reported("fstat, driver without handler / stock", "fstat@none:unhandled", "fstat@stock"),
    Reported("stat8, driver without handler / stock", "stat8@none:unhandled", "stat8@stock"),
    *(Reported(f"{op}, miss ({mode}) / no handler", f"{op}@none:{mode}", f"{op}@none:unhandled")
      for op in MISSES for mode in ("absent", "off")),
    *(Reported(f"{op}, miss ({mode}) / stock", f"{op}@none:{mode}", f"{op}@stock")
      for op in CHANGES for mode in ("unhandled", "absent", "off")),
    Reported("pread4k, direct I/O, map / native", "pread4k@direct:map", native("pread4k")),
    *(Reported(f"open-pread-close, {m}, handler / native", f"open-pread-close@{m}:hit",
               native("open-pread-close")) for m in ("data", "backing")),
    # The system call alone; what fio makes of them is a bound.
    *(Reported(f"{op}, registered file / native", f"{op}@backing:warm", native(op))
      for op in DATA),
    Reported("native ext4 / native tmpfs, stat8", "stat8@native-ext4", native("stat8")),
    Reported("native ext4 / native tmpfs, fstat", "fstat@native-ext4", native("fstat")),
]

# Iterations of one repeat by operation: so many that a timer tick (one in four
# million instructions) falls into each about as often; fewer where one is dear.
ITERATIONS = {"fstat": 6000, "stat1": 3000, "stat8": 1500, "pread4k": 3000,
              "open-pread-close": 1000, "create": 500, "create-unlink": 1000, "first-touch": 500, "seq-read": 400, "seq-write": 400,
              "rnd-read": 3000, "rnd-write": 3000}
ITERATIONS_UPCALL = {"fstat": 400, "stat1": 200, "stat8": 60, "pread4k": 400,
                     "open-pread-close": 80, "create": 80, "create-unlink": 80}


# Measured right after the kernel's caches of names and inodes were dropped: every
# name once, and never all of them twice.
DROPPED = ("first-touch",)


def iterations(figure, quick):
    if figure.op in DROPPED:
        return ITERATIONS[figure.op]
    upcall = not figure.native and figure.mode not in ("hit", "warm", "map") \
        and figure.mount != "stock-inf"
    n = (ITERATIONS_UPCALL if upcall else ITERATIONS)[figure.op]
    return max(40, n // 3) if quick else n
