# SPDX-License-Identifier: GPL-2.0-only
"""SVG plots of the report. Needs matplotlib, so only bench/render imports it."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "extfuse", "font.size": 8, "axes.axisbelow": True,
                            "axes.spines.top": False, "axes.spines.right": False})

from matplotlib import pyplot  # noqa: E402

COLOURS = {"native": "#4d4d4d", "stock": "#d95f02", "stock-inf": "#e6ab02",
           "stock-passthrough": "#a6761d", "extfuse-meta": "#1b9e77", "extfuse-data": "#1f78b4",
           "extfuse-miss": "#b3b3b3"}
METADATA = {"Date": None}  # the same figures, the same file


def save(figure, path):
    figure.savefig(path, format="svg", metadata=METADATA, bbox_inches="tight")
    pyplot.close(figure)


def grouped(path, title, label, rows, sides):
    """rows: {workload: {side: (ratio, spread) or None}}; horizontal bars, logarithmic."""
    height = 0.8 / len(sides)
    figure, axes = pyplot.subplots(figsize=(7.5, 1.2 + 0.42 * max(3, len(rows))))
    for i, side in enumerate(sides):
        at, values, errors = [], [], []
        for j, cells in enumerate(rows.values()):
            if cells.get(side):
                at.append(j + (i - len(sides) / 2 + 0.5) * height)
                values.append(cells[side][0])
                errors.append(cells[side][0] * cells[side][1] / 2)
        axes.barh(at, values, height, xerr=errors, label=side, color=COLOURS.get(side),
                  error_kw={"linewidth": 0.6})
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.invert_yaxis()
    axes.grid(axis="x", linewidth=0.3)
    axes.set_xlabel(label)
    axes.set_title(title)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, frameon=False)
    save(figure, path)


def lines(path, title, labels, series):
    """series: {name: [(x, y)]}; x logarithmic."""
    figure, axes = pyplot.subplots(figsize=(7.5, 3.2))
    for name, points in series.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.set_ylim(bottom=0)
    axes.grid(linewidth=0.3)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.set_title(title)
    axes.legend(frameon=False)
    save(figure, path)


def stacked(path, title, label, bars):
    """bars: {name: {part: value}}."""
    parts = list(dict.fromkeys(p for values in bars.values() for p in values))
    colours = pyplot.get_cmap("tab20").colors
    figure, axes = pyplot.subplots(figsize=(7.5, 1.4 + 0.36 * len(bars)))
    left = [0.0] * len(bars)
    for i, part in enumerate(parts):
        values = [v.get(part, 0) for v in bars.values()]
        axes.barh(list(bars), values, left=left, label=part, color=colours[i % len(colours)])
        left = [a + b for a, b in zip(left, values, strict=True)]
    axes.invert_yaxis()
    axes.grid(axis="x", linewidth=0.3)
    axes.set_xlabel(label)
    axes.set_title(title)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=5, frameon=False)
    save(figure, path)
