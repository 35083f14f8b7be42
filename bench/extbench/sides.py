# SPDX-License-Identifier: GPL-2.0-only
"""Who does the work in ./dev bench: the lower file system itself, and the same daemon
on it in six ways. One table, for all workloads."""

from dataclasses import dataclass

from extbench.rows import INFINITE


@dataclass(frozen=True)
class Side:
    """options: the daemon's; None: no daemon. answers: what the driver must have
    answered itself where a workload claims so: nothing, metadata, or data too."""

    name: str
    text: str
    options: tuple | None
    answers: frozenset = frozenset()

    @property
    def ours(self):
        return self.name.startswith("extfuse")


META, DATA, PASSTHROUGH = "meta", "data", "passthrough"

SIDES = (
    Side("native", "the lower file system itself", None),
    Side("stock", "the daemon on /dev/fuse, timeouts 0", ("--stock",)),
    Side("stock-inf", "the same, names and attributes believed for ever",
         ("--stock", *INFINITE)),
    Side("stock-passthrough", "the kernel's own FUSE passthrough of data, timeouts 0",
         ("--stock", "--passthrough"), frozenset({PASSTHROUGH})),
    Side("extfuse-meta", "names and attributes answered by the driver, timeouts 0",
         ("--require", "--scope=all"), frozenset({META})),
    Side("extfuse-data", "opens and content too, files registered with the driver",
         ("--require", "--scope=all", "--cache=data", "--backing=1024"),
         frozenset({META, DATA})),
    Side("extfuse-miss", "handler attached, always misses", ("--require", "--cache=none")),
)
BY_NAME = {s.name: s for s in SIDES}

# Lower file systems, and where they are in the guest.
LOWERS = {"tmpfs": "/tmp/bench-suite", "ext4": "/var/tmp/bench-suite"}

# The daemon in both of its forms: with one CPU and instructions for a clock, the
# cheapest one; on the wall clock, with threads.
DAEMON = {"icount": ("--threads", "1", "--no-splice"), "wall": ("--threads", "4", "--no-splice")}
