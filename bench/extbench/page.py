# SPDX-License-Identifier: GPL-2.0-only
"""The report: Markdown, the same as HTML, and plots."""

import collections

import markdown

from extbench import analyse, catalog, plots, profile, published, sides

UNIT = {"icount": "instructions", "wall": "ns"}
TITLE = {"icount": "Instructions per operation (icount, 1 CPU)",
         "wall": "Wall clock"}
STYLE = """<!doctype html><!-- SPDX-License-Identifier: GPL-2.0-only --><meta charset="utf-8"><title>extfuse: benchmarks</title><style>
body{font:15px/1.45 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;font-size:13px}td,th{padding:.2em .7em;border-bottom:1px solid #ddd}
th{text-align:left}td{font-variant-numeric:tabular-nums}img{max-width:100%}
code{background:#f4f4f4}</style>
"""


def md_table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, r)) + " |" for r in rows)]) + "\n"


def head(raw):
    m = raw["machine"]
    lines = [f"- Command: `{m['command']}`, {m['date']}, {raw['seconds']} s, commit {m['commit']}",
             f"- Machine: {m['cpu']}, {m['cpus']} CPUs, {m['memory_gib']} GiB; load average "
             f"{m['load_average'][0]:.1f} before, {m['load_average_after'][0]:.1f} after"
             + ("" if raw["native"] else f"; {m['qemu']}, emulation (TCG)")]
    for clock, result in raw["clocks"].items():
        k = result["machine"]
        lines.append(f"- {TITLE[clock]}: kernel {k['kernel']}, {k['cpus']} CPUs, "
                     f"{k['memory_gib']} GiB, {k['libfuse']}, {k['fio']}; "
                     f"{rounds_of(result)}{guests_of(result)}; daemon `{' '.join(sides.DAEMON[clock])}`")
    return "# Benchmarks\n\n" + "\n".join(lines) + "\n"


def guests_of(result):
    guests = result.get("guests", 1)
    text = f" in {guests} VMs side by side, each workload in one" if guests > 1 else ""
    status = result.get("status")
    return text + (f"; **not all: a VM ended with status {status}**" if status else "")


def rounds_of(result):
    """As many as there are: a guest may have been stopped in the middle."""
    each = collections.Counter((s["workload"], s["lower"], s["side"])
                               for s in result["samples"])
    least, most = min(each.values(), default=0), max(each.values(), default=0)
    text = f"{least} rounds" if least == most else f"{least} to {most} rounds"
    return text if least == result["rounds"] else f"{text} of {result['rounds']}"


def legend():
    rows = [[f"**{s.name}**", s.text, f"`{' '.join(s.options)}`" if s.options else "-"]
            for s in sides.SIDES]
    return "\n## Sides\n\n" + md_table(["side", "", "options of stackfs"], rows).replace(
        "---:", "---")


def caveats(raw):
    if raw["native"]:
        return "\nOn the machine itself, no emulation.\n"
    return f"""
## What emulation distorts, and what it does not

Both clocks run in an emulated machine. **Instructions** are exact however busy the host
is, and count all that a request costs on its one CPU: system call, driver, switches,
daemon. They know no cache misses, no branch misses, no bus; copies without `erms` count
eight bytes at a time. The disk of ext4 is a part of memory: it costs the copying, and no
waiting. The **wall clock** has two CPUs and real locks and wake-ups between them, but each
instruction costs ten to thirty times as much as in hardware, evenly: ratios between sides
that run different code hold roughly, absolute times do not hold at all. `./dev bench
--native` is the same suite without emulation.

`{analyse.MARK}` marks a figure whose middle half is wider than
{100 * analyse.NOISY['icount']:.0f} % (instructions) or {100 * analyse.NOISY['wall']:.0f} %
(wall clock) of its median: noise, do not rely on it. `{analyse.REFUSED}`: the counters of
driver and daemon did not bear out what the side claims; no figure is shown.
"""


def sides_of(samples):
    present = analyse.names(samples, "side")
    return [s.name for s in sides.SIDES if s.name in present]


def group_of(workload):
    load = catalog.BY_KEY.get(workload)
    return load.group if load else catalog.DATAS


def cells_table(clock, samples, lower, workloads):
    present = sides_of(samples)
    rows = []
    for w in workloads:
        found = {s: analyse.select(samples, workload=w, lower=lower, side=s) for s in present}
        cells = {s: analyse.cell(v) for s, v in found.items() if v}
        operation = next(iter(v for v in found.values() if v))[0]["operation"]
        native = cells.get("native")
        line = [w, operation, f"{native.cost:,.0f}" if native and native.cost else "-"]
        for s in present:
            if s == "native":
                continue
            refused = s in cells and cells[s].refused
            value = analyse.ratio(samples, w, lower, s, "native")
            line.append(analyse.REFUSED if refused else analyse.text_of(value, clock))
        rows.append(line)
    return md_table(["workload", "operation", f"native, {UNIT[clock]}",
                     *(s for s in present if s != "native")], rows)


def requests_table(samples, lower, workloads):
    present = [s for s in sides_of(samples) if s != "native"]
    rows = []
    for w in workloads:
        line = [w]
        for s in present:
            found = analyse.select(samples, workload=w, lower=lower, side=s)
            n = analyse.requests_of(found)
            line.append("-" if n is None else f"{n:.2f}")
        rows.append(line)
    return md_table(["requests an operation", *present], rows)


# Where it is not plain what is asked for.
BY_OPERATION = (catalog.ARCHIVES, catalog.SERVERS)


def operations_table(samples, lower, workloads):
    """What reached the daemon, by operation; the least ones together."""
    present = [s for s in sides_of(samples) if s != "native"]
    found = {(w, s): analyse.requests_by_operation(
        analyse.select(samples, workload=w, lower=lower, side=s))
        for w in workloads for s in present}
    sums = collections.Counter()
    for by_op in found.values():
        sums.update(by_op)
    ops = [op for op, _ in sums.most_common(10)]
    rows = [[w, s, *(f"{by_op.get(op, 0):.2f}" for op in ops),
             f"{sum(n for op, n in by_op.items() if op not in ops):.2f}"]
            for (w, s), by_op in found.items()]
    return md_table(["requests an operation", "side", *ops, "others"], rows)


def plot(target, clock, samples, lower, group, workloads):
    present = [s for s in sides_of(samples) if s != "stock"]
    rows = {w: {s: analyse.ratio(samples, w, lower, s, "stock") for s in present}
            for w in workloads}
    if not any(v for cells in rows.values() for v in cells.values()):
        return ""
    name = f"{clock}-{lower}-{group.replace(' ', '-')}.svg"
    plots.grouped(target / name, f"{group} on {lower}: {TITLE[clock]}",
                  "cost over stock FUSE, timeouts 0 (less is better)", rows, present)
    return f"![{group} on {lower}]({name})\n"


def overview(target, raw):
    """A plot and a table of the few workloads that say it all, by the first clock."""
    clock, result = next(iter(raw["clocks"].items()), (None, None))
    if not result:
        return ""
    samples = result["samples"]
    lower = analyse.names(samples, "lower")[0]
    present = sides_of(samples)
    measured = analyse.names(samples, "workload")
    rows = {text: {s: analyse.ratio(samples, w, lower, s, "stock") for s in present}
            for w, text in catalog.OVERVIEW.items() if w in measured}
    if len(rows) < 2 or "stock" not in present:
        return ""
    shown = [s for s in present if s != "stock"]
    plots.grouped(target / "overview.svg", f"On {lower}: {TITLE[clock]}",
                  "cost over stock FUSE, timeouts 0 (less is better)", rows, shown)
    table = [[w, *(analyse.text_of(cells[s], clock) for s in shown)] for w, cells in rows.items()]
    return ("\n## At a glance\n\nCost of an operation over that of stock FUSE with timeouts 0. "
            "With infinite timeouts (stock-inf) it may answer what is no longer so; the other "
            "sides may not.\n\n"
            f"![overview](overview.svg)\n\n{md_table(['workload', *shown], table)}")


def section(target, clock, result):
    samples = result["samples"]
    parts = [f"\n## {TITLE[clock]}\n\nCost of an operation over native's, median of ratios by "
             "round.\n"]
    for lower in analyse.names(samples, "lower"):
        every = analyse.names(analyse.select(samples, lower=lower), "workload")
        for group in dict.fromkeys(map(group_of, every)):
            workloads = [w for w in every if group_of(w) == group]
            parts += [f"\n### {group}, on {lower}\n\n",
                      cells_table(clock, samples, lower, workloads), "\n",
                      plot(target, clock, samples, lower, group, workloads)]
            if clock == "icount" or "icount" not in TITLE:
                parts += ["\n", requests_table(samples, lower, workloads)]
                if group in BY_OPERATION:
                    parts += ["\n", operations_table(samples, lower, workloads)]
    return "".join(parts)


def breakdown(target, figures):
    """Stacked bars, and what is ours and dear in each."""
    parts = ["\n## Where the instructions go\n"]
    for number, (title, names) in enumerate(profile.BREAKDOWN.items()):
        found = {f["name"]: f for f in figures if f["name"] in names and not f["refused"]}
        if not found:
            continue
        used = [p for p, _ in profile.PARTS if any(f["parts"][p] >= 1 for f in found.values())]
        svg = f"breakdown-{number}.svg"
        plots.stacked(target / svg, f"One operation, {title}", "instructions",
                      {n: {p: found[n]["parts"][p] for p in used}
                       for n in names if n in found})
        rows = [[n, *(f"{found[n]['parts'][p]:,.0f}" for p in used), f"{found[n]['total']:,.0f}"]
                for n in names if n in found]
        parts += [f"\n### {title.capitalize()}\n\n![{title}]({svg})\n\n",
                  md_table(["instructions", *used, "all"], rows)]
    parts += ["\nThe dearest of what is ours (driver, handler, trampoline, map look-up):\n\n",
              md_table(["figure", "function", "instructions"],
                       [[f["name"], f"`{name}`", f"{n:,.0f}"] for f in figures
                        if not f["refused"] for name, n in ours(f)[:3]])]
    return "".join(parts)


def sweep(target, result):
    points = result["sweep"]
    variants = list(points[0]["costs"])
    plots.lines(target / "sweep.svg", "stat of any name of a working set",
                ("working set over what the maps have room for", "instructions"),
                {v: [(p["factor"], p["costs"][v]) for p in points] for v in variants})
    rows = [[p["factor"], f"{p['names']:,}",
             *(f"{p['costs'][v]:,.0f} ({p['requests'][v]:.2f})" for v in variants)]
            for p in points]
    return ("\n## Working sets and maps\n\nInstructions of a stat of two components, and "
            f"requests, maps with room for {result['maps']:,} names and attributes. Words: what "
            "dentries and inodes remember beside the maps.\n\n![working sets](sweep.svg)\n\n"
            + md_table(["working set / maps", "names", *variants], rows)
            + life(result))


def life(result):
    """Tables: a stat by what became of its entry, and under invalidations."""
    found = {c["cause"].split(":")[0]: c for c in result["causes"]}
    stock, off, never = found["stock FUSE, timeouts 0"], found["switched off"], found["never there"]
    populated = (off["cost"] - never["cost"]) / off["requests"]
    rows = [[c["cause"], f"{c['cost']:,.0f}", f"{c['cost'] / stock['cost']:.3f}",
             f"{c['requests']:.2f}"] for c in result["causes"]]
    loads = [[i["what"], i["times"], f"{i['cost']:,.0f}", f"{i['requests']:.3f}",
              f"{1 - i['requests'] / stock['requests']:.1%}"] for i in result["invalidations"]]
    return ("\n## Life of an entry\n\nA stat of a file in a directory, each file once, by what "
            "became of its entry. `Switched off` populates the maps with each reply and `never "
            f"there` with none: {populated:,.0f} instructions a reply, and no system call.\n\n"
            + md_table(["its entry", "instructions", "over stock", "requests"], rows)
            + f"\nStats of any of 1,000 files, {result['invalidations'][0]['operations']:,} of "
            "them, while every 5 million instructions something is invalidated. The "
            "instructions of who does that are in those of a stat; hits: of the "
            f"{stock['requests']:.0f} requests that a stat is on stock.\n\n"
            + md_table(["invalidated", "times", "instructions", "requests", "hits"], loads))


OURS = ("driver", "handler", "trampoline", "map lookup")


def ours(figure):
    return [(name, n) for name, n in figure["functions"].items()
            if profile.part_of(name) in OURS and n >= 1]


def refusals(raw):
    lines = sorted({f"- {s['workload']}, {s['side']}, {s['lower']} ({clock}): {s['refused']}"
                    for clock, r in raw["clocks"].items() for s in r["samples"] if s["refused"]})
    return "\n## Refused\n\n" + "\n".join(lines) + "\n" if lines else ""


def scaled(raw):
    """What of the papers' sizes was run, said of each workload."""
    ran = {s["workload"]: s for r in raw["clocks"].values() for s in r["samples"]}
    if not ran:
        return ""
    rows = [[w, f"{ran[w]['operations']:,}", f"{ran[w]['files']:,}" if ran[w]["files"] else "-",
             catalog.BY_KEY[w].paper] for w in ran if w in catalog.BY_KEY]
    return "\n## Sizes\n\n" + md_table(["workload", "operations here", "files here",
                                       "where it comes from"], rows)


def write(raw, target):
    text = "".join([head(raw), overview(target, raw), legend(), caveats(raw),
                    *(section(target, c, r) for c, r in raw["clocks"].items()),
                    breakdown(target, raw["breakdown"]) if raw.get("breakdown") else "",
                    sweep(target, raw["sweep"]) if raw.get("sweep") else "",
                    refusals(raw), scaled(raw), published.section()])
    (target / "report.md").write_text(text, encoding="utf-8")
    html = STYLE + markdown.markdown(text, extensions=["tables"])
    (target / "report.html").write_text(html + "\n", encoding="utf-8")
