# SPDX-License-Identifier: GPL-2.0-only
"""Existing programs on the host: the VM, the table as Markdown, the two bounds."""

import pathlib

from devlib.proc import Failure, say

from extbench import existing, host

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "existing-programs.md"
BEGIN, END = "<!-- table: ./dev bench existing --docs -->\n", "<!-- end of table -->\n"
LIMIT, LIMIT_QUICK = 1800, 900  # seconds for the VM of one program
FOURTH = 3  # of the programs, the best first
HEADS = {"stock": "stock", "longest": "stock, its longest timeouts", "run": "extfuse-run",
         "private": "extfuse-run --private"}


def names(only):
    """Those asked for, all if none are, in the file's order."""
    known = [p["name"] for p in existing.programs()]
    unknown = [n for n in only if n not in known]
    if unknown:
        raise Failure(f"no program '{unknown[0]}'", "programs: " + ", ".join(known), 2)
    return [n for n in known if not only or n in only]


def run_in_vms(quick, only=(), save=lambda result: None):
    """Each program in a VM of its own, so that one that hangs takes nothing with it. What
    there is goes to save() after each."""
    result = {"files": existing.DIRECTORIES * existing.FILES, "workloads": existing.WORKLOADS,
              "programs": [], "failed": {}, "identical": [], "different": []}
    for name in names(only):
        say(f"-- existing: {name}")
        status, row = host.run_guest("existing", [*(["--quick"] if quick else []), name],
                                     ("--smp", "2", "--mem", "2G"),
                                     LIMIT_QUICK if quick else LIMIT)
        why = f"the guest ended with status {status}" if status or row is None else ""
        if row is not None:
            why = row["failed"] or why
            result["programs"].append(row)
            if row["identical"] is not None:
                result["identical" if row["identical"] else "different"].append(name)
        if why:
            result["failed"][name] = why
        save(result)
    return result


def outputs_same(row):
    outputs = [v["outputs"] for v in row["variants"].values()]
    return all(o == outputs[0] for o in outputs)


def ratio(row):
    """Requests with --private over those with the program's own longest timeouts."""
    longest, private = (row["variants"][v]["total"] for v in existing.QUICK)
    return private / longest if longest else float(private)


def markdown(result):
    variants = [v for v in HEADS if any(v in r["variants"] for r in result["programs"])]
    lines = ["| program | library | workload | " + " | ".join(HEADS[v] for v in variants) + " |",
             "|---|---|---|" + "---:|" * len(variants)]
    for row in result["programs"]:
        for i, workload in enumerate(result["workloads"]):
            first = (row["name"], row["library"]) if i == 0 else ("", "")
            counts = (f"{row['variants'][v]['requests'][workload]:,}"
                      if v in row["variants"] else "not measured" for v in variants)
            lines.append("| " + " | ".join((*first, workload, *counts)) + " |")
    return "\n".join(lines)


def write_docs(result):
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(f"{before}{BEGIN}\n{markdown(result)}\n\n{END}{after}", encoding="utf-8")


def steps_of(result):
    """Of `./dev bench bounds`."""
    ratios = sorted((ratio(r), r["name"]) for r in result["programs"]
                    if set(existing.QUICK) <= set(r["variants"]))
    differ = [r["name"] for r in result["programs"] if not outputs_same(r)]
    failed = "".join(f"; {n}: {why}" for n, why in result["failed"].items())
    different = result["different"]
    enough = len(ratios) > FOURTH
    return {
        "existing-identical": {"value": len(result["identical"]), "how": (
            "programs of Debian's archive whose contents, attributes, errors and changes are by "
            "extfuse-run, with and without --private, what they are on stock FUSE: " +
            ", ".join(result["identical"]) +
            (f"; NOT: {', '.join(different)}" if different else ""))},
        "existing-upcalls": {"value": ratios[FOURTH][0] if enough and not differ else None, "how": (
            f"requests to the program with --private over stock with its own longest timeouts, "
            f"second pass of {', '.join(result['workloads'])} over {result['files']:,} files, "
            "fourth best of: " + "; ".join(f"{n} {r:.3f}" for r, n in ratios) +
            (f"; OUTPUTS DIFFER: {', '.join(differ)}" if differ else "") + failed)},
    }


def steps(quick, refused):
    say("-- bench: existing programs")
    result = run_in_vms(True)
    if not result["programs"]:
        why = f"no program could be measured: {result['failed']}"
        refused["existing"] = why
        return {"existing-identical": {"how": why}, "existing-upcalls": {"how": why}}
    return steps_of(result)


def print_result(result):
    print(f"Requests that reached the program, second pass over {result['files']:,} files:\n")
    print(markdown(result), end="\n\n")
    for name, step in steps_of(result).items():
        print(f"{name}: {step['value']} ({step['how']})")
