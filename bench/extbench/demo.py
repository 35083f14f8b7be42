# SPDX-License-Identifier: GPL-2.0-only
"""The demo on the host: boots the VM with the tree's disk, prints the table."""

import os

from devlib import data

from extbench import host, report
from extbench.workloads import WALKS

LIMIT = {"quick": 900, "demo": 3600, "full": 10800}  # seconds
OTHERS = "others"
# Columns of the table; what else reached a daemon is in the last one.
SHOWN = ("lookup", "getattr", "opendir", "readdirplus", "open", "read", "getxattr")


def image():
    return os.environ.get("EXTFUSE_TREE_IMAGE") or ""


def tree_disk():
    path = image()
    return path if path and os.path.exists(path) else str(data.ensure())


def run_in_vm(args, icount=False):
    """Requests are the same on any clock; icount makes times instructions, on one CPU."""
    path = tree_disk()
    kind = "quick" if "--quick" in args else "full" if "--full" in args else "demo"
    clock = ("--icount",) if icount else ("--smp", "2")
    return host.run_guest("demo", args, (*clock, "--disk", path), LIMIT[kind])


def by_operation(requests):
    shown = [requests.get(op, 0) for op in SHOWN]
    return [*shown, sum(requests.values()) - sum(shown)]


def kernel_share(phase):
    """Lookups, getattrs and reads of one phase, answered by the driver."""
    kernel = sum(v for k, v in phase["driver"].items() if k.split(".")[1] in ("warm", "hit"))
    sent = sum(v for k, v in phase["driver"].items() if k.endswith(".sent"))
    return f"{100 * kernel / (kernel + sent):.1f} %" if kernel + sent else "-"


def requests_table(result):
    lines = []
    for phase in result["phases"]:
        name = f"{phase['name']} {phase['pass']}"
        for v in ("stock", "extfuse"):
            if f"requests_{v}" not in phase:
                continue
            counts = by_operation(phase[f"requests_{v}"])
            lines.append([name, v, f"{phase[f'total_{v}']:,}", *(f"{c:,}" for c in counts),
                          kernel_share(phase) if v == "extfuse" else ""])
            name = ""
    head = ["phase, pass", "", "requests", *SHOWN, OTHERS, "in kernel"]
    return report.table(head, lines, right=range(2, len(head)))


def times_table(result):
    lines = []
    for p in result["phases"]:
        lines.append([f"{p['name']} {p['pass']}", seconds(p["time_native"]),
                      seconds(p.get("time_stock")), seconds(p["time_extfuse"]),
                      f"{p['ratio']:.2f}" if "ratio" in p else "-",
                      f"{p['ratio_native']:.2f}",
                      "identical" if p["identical"] else "DIFFER"])
    head = ["phase, pass", "native s", "stock s", "extfuse s", "stock / extfuse",
            "extfuse / native", "outputs"]
    return report.table(head, lines, right=range(1, 6))


def seconds(value):
    return "-" if value is None else f"{value:.2f}"


def print_result(result):
    print("Requests that reached the daemon, by operation (timeouts 0):\n")
    print(requests_table(result), end="\n\n")
    print(times_table(result), end="\n\n")
    print(f"{result['files']:,} files. Lookups and getattrs of the second passes of "
          f"{', '.join(WALKS)}: {100 * result['kernel_share']:.2f} % answered in the kernel.")
    print("Outputs of native, stock and extfuse are " +
          ("identical." if result["identical"] else "NOT identical."), flush=True)
