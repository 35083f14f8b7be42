# SPDX-License-Identifier: GPL-2.0-only
"""The second pass of tar, rsync, git status and make over a kernel tree: how much of
it is answered in the kernel, and what it costs over native, by icount. Both passes do
the same: what rsync copies is there before the second, make builds before the first."""

from devlib.proc import say

from extbench import demo, host
from extbench.workloads import METADATA_BOUND, SECOND

DIRECTORIES = ("fs", "kernel", "lib", "mm", "security")
DIRECTORIES_QUICK = ("kernel", "mm")
LIMIT = 3000  # seconds for the VM


def share(row):
    """Of all requests the second pass would have made, those answered in the kernel."""
    sent = sum(n for op, n in row["requests_extfuse"].items() if not op.startswith("forget"))
    answered = row["answered"]
    return answered / (answered + sent) if answered + sent else 0.0


def most(row):
    """What still went up, the most frequent first."""
    left = sorted(((n, op) for op, n in row["requests_extfuse"].items()
                   if not op.startswith("forget")), reverse=True)
    return ", ".join(f"{op} {n}" for n, op in left[:4]) or "nothing"


def judge(result):
    rows = {r["name"]: r for r in result["phases"] if r["pass"] == 2}
    differ = [n for n, r in rows.items() if not r["identical"]]
    shares = {n: share(rows[n]) for n in (p.name for p in SECOND)}
    ratios = {n: rows[n]["exact_extfuse"] / rows[n]["exact_native"] for n in shares}
    where = f"over {result['files']} files of a kernel tree ({' '.join(result['directories'])})"
    wrong = f"; OUTPUTS DIFFER: {', '.join(differ)}" if differ else ""
    return {
        "second-pass-share": {
            "value": None if differ else min(shares.values()), "shares": shares, "how": (
                f"requests of every kind but FORGET answered in the kernel, second pass {where}, "
                "lowest of: " + "; ".join(f"{n} {s:.4f} (up: {most(rows[n])})"
                                          for n, s in shares.items()) + wrong)},
        "second-pass/native": {
            "value": None if differ else max(ratios[p] for p in METADATA_BOUND),
            "ratios": ratios, "how": (
                f"instructions of the second pass {where} over native, highest of: " +
                "; ".join(f"{n} {ratios[n]:.3f}" for n in METADATA_BOUND) +
                "; not bounded: " + "; ".join(f"{n} {r:.3f}" for n, r in ratios.items()
                                              if n not in METADATA_BOUND) + wrong)},
    }


def steps(quick, refused):
    say("-- bench: second passes of " + ", ".join(p.name for p in SECOND))
    dirs = DIRECTORIES_QUICK if quick else DIRECTORIES
    status, result = host.run_guest("demo", ["--second", *dirs],
                                    ("--icount", "--disk", demo.tree_disk()), LIMIT)
    if status != 0 or result is None:
        why = f"the guest ended with status {status}"
        refused["second-pass"] = why
        return {"second-pass-share": {"how": why}, "second-pass/native": {"how": why}}
    return judge(result)
