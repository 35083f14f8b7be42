# SPDX-License-Identifier: GPL-2.0-only
"""Medians, ratios and their spread, out of the samples of suite.py."""

import statistics
from dataclasses import dataclass

# Spread (middle half over median) above which a figure is marked as noisy.
NOISY = {"icount": 0.03, "wall": 0.20}
MARK = "~"
REFUSED = "refused"


@dataclass(frozen=True)
class Cell:
    """One workload on one side: cost of an operation in ns (under icount instructions),
    and requests that reached the daemon by operation."""

    cost: float | None
    spread: float
    samples: int
    requests: float | None
    refused: str = ""


def spread_of(values):
    middle = statistics.median(values)
    if len(values) < 2 or not middle:
        return 0.0
    q = statistics.quantiles(values, n=4, method="inclusive")
    return (q[2] - q[0]) / middle


def cost(sample):
    return sample["nanoseconds"] / sample["operations"]


def requests_of(samples):
    each = [sum(s["requests"].values()) / s["operations"] for s in samples if "requests" in s]
    return statistics.median(each) if each else None


def cell(samples):
    refused = next((s["refused"] for s in samples if s["refused"]), "")
    costs = [cost(s) for s in samples]
    return Cell(None if refused else statistics.median(costs), spread_of(costs), len(costs),
                requests_of(samples), refused)


def requests_by_operation(samples):
    """{operation: requests of it for one of the workload's}, the dearest first."""
    with_requests = [s for s in samples if "requests" in s]
    ops = {op for s in with_requests for op in s["requests"]}
    each = {op: statistics.median(s["requests"].get(op, 0) / s["operations"]
                                  for s in with_requests) for op in ops}
    return dict(sorted(((op, n) for op, n in each.items() if n), key=lambda i: -i[1]))


def select(samples, **wanted):
    return [s for s in samples if all(s[k] == v for k, v in wanted.items())]


def ratio(samples, workload, lower, side, base):
    """(median, spread) of the ratios by round, so of runs that were next to each other;
    None where a side is missing or refused."""
    by_round = []
    for which in (side, base):
        found = select(samples, workload=workload, lower=lower, side=which)
        if not found or any(s["refused"] for s in found):
            return None
        by_round.append({s["round"]: cost(s) for s in found})
    values = [c / by_round[1][i] for i, c in by_round[0].items() if i in by_round[1]]
    return (statistics.median(values), spread_of(values)) if values else None


def names(samples, key):
    """In order of appearance."""
    return list(dict.fromkeys(s[key] for s in samples))


def text_of(value, clock, digits=2):
    """A ratio as it stands in a table, marked where it is noisy."""
    if value is None:
        return "-"
    mark = MARK if value[1] > NOISY[clock] else ""
    return f"{value[0]:.{digits}f}{mark}"
