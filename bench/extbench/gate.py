# SPDX-License-Identifier: GPL-2.0-only
"""./dev bench gate: instructions of a few operations against bench/base.json.

A figure that has grown by more than LIMIT fails, and so does one that is missing on
either side. --renew writes the base anew, after a change that is meant to cost.
"""

import json
import pathlib

from devlib.proc import Failure, say

from extbench import host, report, rows

BASE = pathlib.Path(__file__).resolve().parents[1] / "base.json"
LIMIT = 0.02
ROUNDS = 2
VM_LIMIT = 600  # seconds
ICOUNT = ("--icount", "--mem", "2G")

# One for each path that must not become dearer: by a word, by a map, by default
# permissions, opened, read, written, missed, switched off, without a handler.
FIGURES = (
    "fstat@meta:warm", "fstat@meta:hit", "fstat@none:absent", "fstat@none:unhandled",
    "stat8@meta:warm", "stat8@meta:hit", "stat8@meta-dp:warm", "stat8@none:absent",
    "stat8@none:off", "pread4k@direct:map", "open-pread-close@data:warm",
    "open-pread-close@backing:warm", "open-pread-close@none:absent",
    "first-touch@stable:map", "rnd-read@backing:warm", "rnd-write@backing:warm",
)


def figures():
    """Of rows.py, in this order."""
    by_name = {f.name: f for f in rows.figures()}
    return [by_name[name] for name in FIGURES]


def compare(base, now):
    """[(name, instructions of the base, of now, growth, complaint)], complaint "" if all
    is well. base, now: {name: instructions}."""
    out = []
    for name in dict.fromkeys([*base, *now]):
        was, is_ = base.get(name), now.get(name)
        if was is None:
            out.append((name, was, is_, None, "not in the base"))
        elif is_ is None:
            out.append((name, was, is_, None, "not measured"))
        else:
            growth = is_ / was - 1
            out.append((name, was, is_, growth, "GREW" if growth > LIMIT else ""))
    return out


def table(compared):
    lines = [[name, report.number(was), report.number(is_),
              "-" if growth is None else f"{100 * growth:+.2f} %", complaint]
             for name, was, is_, growth, complaint in compared]
    return report.table(["instructions", "base", "now", "", ""], lines, right=(1, 2, 3))


def read_base(path=BASE):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise Failure(f"{path}: {e.strerror}", "./dev bench gate --renew makes it") from e


def judge(base, measured):
    """Prints the comparison; the exit status."""
    now = {name: round(f["median"], 1) for name, f in measured["figures"].items()}
    compared = compare(base["figures"], now)
    print(table(compared), flush=True)
    for name, why in measured["refused"].items():
        say(f"bench gate: {name}: {why}")
    bad = [c for c in compared if c[-1]]
    if not bad:
        return 0
    if base["kernel"] != measured["kernel"]:
        say(f"bench gate: the base was made on kernel {base['kernel']}, "
            f"this is {measured['kernel']}")
    say(f"bench gate: {len(bad)} of {len(compared)} figures fail (limit + {100 * LIMIT:.0f} %). "
        "If that is meant: ./dev bench gate --renew")
    return 1


def renew(measured, path=BASE):
    if measured["refused"]:
        raise Failure("the base stays as it is: " + "; ".join(
            f"{n}: {why}" for n, why in measured["refused"].items()))
    base = {"kernel": measured["kernel"], "unit": "instructions of one operation",
            "figures": {n: round(f["median"], 1) for n, f in measured["figures"].items()}}
    path.write_text(json.dumps(base, indent=1) + "\n", encoding="utf-8")
    say(f"bench gate: {path} renewed, {len(base['figures'])} figures")
    return 0


def main(a):
    base = None if a.renew else read_base()
    status, measured = host.run_guest("gate", ["--rounds", str(a.rounds or ROUNDS)], ICOUNT,
                                      VM_LIMIT)
    host.need(status, measured, "bench gate")
    host.write_json(a.json, measured)
    return renew(measured) if a.renew else judge(base, measured)
