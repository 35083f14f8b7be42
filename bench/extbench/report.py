# SPDX-License-Identifier: GPL-2.0-only
"""Tables for the terminal, and the bounds as they go into the JSON."""

from extbench import rows


def table(head, lines, right=()):
    """Columns as wide as their widest cell; those in `right` flush right."""
    widths = [max(len(str(row[i])) for row in [head, *lines]) for i in range(len(head))]

    def one(row):
        cells = (str(c).rjust(w) if i in right else str(c).ljust(w)
                 for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        return "  ".join(cells).rstrip()

    return "\n".join([one(head), one(["-" * w for w in widths]), *map(one, lines)])


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def median(figures, name):
    return figures[name]["median"] if name in figures else None


def quotient(figures, top, bottom):
    a, b = median(figures, top), median(figures, bottom)
    return a / b if a is not None and b else None


def worst_pair(bound, figures):
    """(value, (top, bottom)) of the pair that counts; None where one is missing."""
    values = [(quotient(figures, *p), p) for p in bound.pairs]
    if any(v is None for v, _ in values):
        return None, next(p for v, p in values if v is None)
    return (min if bound.at_least else max)(values)


def judge(bound, figures, steps):
    """One entry of the JSON's `bounds`."""
    pair, how = None, bound.how
    if bound.step:
        step = steps.get(bound.step, {})
        value, how = step.get("value"), step.get("how", "not measured")
    else:
        value, pair = worst_pair(bound, figures)
        if value is None:
            how = f"no figure for {pair[0]} / {pair[1]}: see `refused`; " + how
        elif len(bound.pairs) > 1:
            how = f"{pair[0]} / {pair[1]}; " + how
    out = {"id": bound.id, "value": None if value is None else round(value, bound.digits),
           "limit": bound.limit, "reached": bound.reached(value), "how": how,
           "issue": bound.issue}
    if pair:
        out["figures"] = {n: median(figures, n) for n in pair}
    return out


def judge_all(figures, steps):
    return [judge(b, figures, steps) for b in rows.BOUNDS]


def op_of(name):
    return name.split("@", maxsplit=1)[0]


# In the bounds' table: native and stock beside what the bound is about.
STOCK_OF = {"pread4k": "pread4k@stock-direct"}


def behind(bound, judged, figures):
    """(native, stock, extfuse) instructions behind a ratio."""
    if "figures" not in judged:
        return None, None, None
    top, bottom = tuple(judged["figures"])
    if bound.at_least:  # throughput: what is ours is below
        top, bottom = bottom, top
    op = op_of(top)
    dp = "-dp" if "meta-dp" in top else ""
    stock = STOCK_OF.get(op, f"{op}@stock{dp}")
    if ":" in bottom or "stock-inf" in bottom:
        stock = bottom
    return (median(figures, rows.native(op)), median(figures, stock), median(figures, top))


def limit_text(bound):
    sign = ">=" if bound.at_least else "<="
    text = f"{sign} {bound.limit:g}" if bound.limit else "0"
    return text


def verdict(bound, judged):
    if judged["value"] is None:
        return "NOT MEASURED"
    word = "reached" if judged["reached"] else "MISSED"
    later = rows.STRICTER.get(bound.id)
    if later:
        issue, limit = later
        word += f"; issue {issue}: <= {limit:g} " + (
            "reached" if judged["value"] <= limit else "missed")
    return word


def bounds_table(judged_all, figures):
    lines = []
    for bound, judged in zip(rows.BOUNDS, judged_all, strict=True):
        n, s, x = behind(bound, judged, figures)
        lines.append([bound.issue, bound.id, number(n), number(s), number(x),
                      number(judged["value"], bound.digits), limit_text(bound),
                      verdict(bound, judged)])
    head = ["issue", "bound", "native", "stock", "extfuse", "value", "limit", ""]
    return table(head, lines, right=(2, 3, 4, 5))


def reported_rows(figures):
    out = []
    for r in rows.REPORTED:
        out.append({"what": r.what, "value": quotient(figures, r.top, r.bottom),
                    "figures": {r.top: median(figures, r.top),
                                r.bottom: median(figures, r.bottom)}})
    return out


def reported_table(figures):
    lines = [[r["what"], *(number(v) for v in r["figures"].values()),
              number(r["value"], 4)] for r in reported_rows(figures)]
    return table(["not bounded", "over", "under", "ratio"], lines, right=(1, 2, 3))


def figures_table(figures):
    lines = [[name, number(f["median"]), f"{f['spread'] * 100:.2f} %",
              f"{f['range'] * 100:.2f} %", f["samples"]] for name, f in figures.items()]
    return table(["figure", "instructions", "middle half", "range", "samples"], lines,
                 right=(1, 2, 3, 4))
