# SPDX-License-Identifier: GPL-2.0-only
"""The benchmarks' own reckoning, with made-up figures: what fails, what is marked."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

from devlib import config
from devlib.proc import Failure

sys.path.insert(0, str(config.SRC / "bench"))

from extbench import analyse, catalog, gate, sides, suite  # noqa: E402

BASE = {"kernel": "6.12.0", "figures": {"fstat@meta:warm": 1000.0, "stat8@meta:hit": 20000.0}}


def measured(refused=None, **changes):
    figures = {**BASE["figures"], **changes}
    return {"kernel": "6.12.0", "refused": refused or {},
            "figures": {n: {"median": v} for n, v in figures.items() if v is not None}}


def judge(now, base=None):
    """(exit status, what was said)"""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = gate.judge(base or BASE, now)
    return status, out.getvalue() + err.getvalue()


class Gate(unittest.TestCase):
    def test_the_same_passes(self):
        self.assertEqual(judge(measured())[0], 0)

    def test_growth_within_the_limit_passes(self):
        self.assertEqual(judge(measured(**{"fstat@meta:warm": 1019.0}))[0], 0)

    def test_growth_beyond_the_limit_fails_and_is_named(self):
        status, said = judge(measured(**{"fstat@meta:warm": 1021.0}))
        self.assertEqual(status, 1)
        line = next(x for x in said.splitlines() if x.startswith("fstat@meta:warm"))
        self.assertIn("+2.10 %", line)
        self.assertIn("GREW", line)
        self.assertIn("--renew", said)

    def test_less_passes(self):
        self.assertEqual(judge(measured(**{"stat8@meta:hit": 10000.0}))[0], 0)

    def test_one_gets_better_another_worse_fails(self):
        self.assertEqual(judge(measured(**{"stat8@meta:hit": 100.0,
                                           "fstat@meta:warm": 1100.0}))[0], 1)

    def test_a_missing_figure_fails(self):
        status, said = judge(measured({"fstat@meta:warm": "counters disagree"},
                                      **{"fstat@meta:warm": None}))
        self.assertEqual(status, 1)
        self.assertIn("not measured", said)
        self.assertIn("counters disagree", said)

    def test_a_figure_without_a_base_fails(self):
        status, said = judge(measured(**{"new@meta:warm": 5.0}))
        self.assertEqual(status, 1)
        self.assertIn("not in the base", said)

    def test_another_kernel_is_named(self):
        said = judge({**measured(**{"fstat@meta:warm": 2000.0}), "kernel": "7.2.0"})[1]
        self.assertIn("7.2.0", said)

    def test_renewed_base_is_the_next_one(self):
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d) / "base.json"
            now = measured(**{"fstat@meta:warm": 2000.0})
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(gate.renew(now, path), 0)
            self.assertEqual(judge(now, gate.read_base(path))[0], 0)

    def test_refused_figures_do_not_become_a_base(self):
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d) / "base.json"
            path.write_text(json.dumps(BASE), encoding="utf-8")
            with self.assertRaises(Failure):
                gate.renew(measured({"fstat@meta:warm": "no"}), path)
            self.assertEqual(gate.read_base(path), BASE)

    def test_no_base_is_a_clear_error(self):
        with self.assertRaisesRegex(Failure, "base.json"):
            gate.read_base(pathlib.Path("/nowhere/base.json"))

    def test_every_figure_exists(self):
        self.assertEqual([f.name for f in gate.figures()], list(gate.FIGURES))


def sample(side, ns, number=0, **more):
    return {"workload": "MRPL-1th", "lower": "tmpfs", "side": side, "round": number,
            "operations": 10, "nanoseconds": ns * 10, "requests": {}, "answered": {},
            "refused": "", **more}


class Ratios(unittest.TestCase):
    def ratio(self, samples):
        return analyse.ratio(samples, "MRPL-1th", "tmpfs", "stock", "native")

    def test_rounds_are_paired(self):
        # The machine was twice as slow in the second round, for both.
        samples = [sample("native", 100), sample("stock", 300),
                   sample("native", 200, 1), sample("stock", 600, 1)]
        self.assertEqual(self.ratio(samples), (3, 0))

    def test_a_refused_run_gives_no_ratio(self):
        samples = [sample("native", 100), sample("stock", 300, refused="why")]
        self.assertIsNone(self.ratio(samples))
        self.assertIsNone(analyse.cell(samples[1:]).cost)

    def test_noise_is_marked_not_hidden(self):
        samples = [s for i, ns in enumerate((100, 150, 200, 250))
                   for s in (sample("native", 100, i), sample("stock", ns, i))]
        self.assertEqual(analyse.text_of(self.ratio(samples), "wall"), "1.75" + analyse.MARK)
        self.assertEqual(analyse.text_of((1.75, 0.01), "wall"), "1.75")


class Claims(unittest.TestCase):
    """Counters that do not bear a side's claim out."""

    def why(self, key, side, **more):
        return suite.why_refused(catalog.BY_KEY[key], sides.BY_NAME[side],
                                 sample(side, 1, **more))

    def test_hits_are_hits(self):
        self.assertEqual(self.why("MRPL-1th", "extfuse-meta", answered={"lookup.warm": 50}), "")
        self.assertIn("answered nothing", self.why("MRPL-1th", "extfuse-meta"))
        self.assertIn("requests", self.why("MRPL-1th", "extfuse-meta", requests={"lookup": 10},
                                           answered={"lookup.warm": 50}))

    def test_a_miss_is_no_hit(self):
        self.assertEqual(self.why("MRPL-1th", "extfuse-miss", requests={"lookup": 50}), "")
        self.assertIn("answered", self.why("MRPL-1th", "extfuse-miss",
                                           answered={"lookup.hit": 1}))

    def test_passthrough_passes_data(self):
        self.assertEqual(self.why("ai-samples-8th", "stock-passthrough",
                                  requests={"getattr": 5}), "")
        self.assertIn("requests", self.why("ai-samples-8th", "stock-passthrough",
                                           requests={"read": 5}))

    def test_stock_claims_nothing(self):
        self.assertEqual(self.why("MRPL-1th", "stock", requests={"lookup": 50}), "")


class Catalog(unittest.TestCase):
    def test_keys_are_unique_and_quick_ones_exist(self):
        self.assertEqual(len(catalog.BY_KEY), len(catalog.LOADS))
        self.assertEqual([w.key for w in catalog.chosen("", True)],
                         [w.key for w in catalog.LOADS if w.key in catalog.QUICK])
        self.assertEqual(len(catalog.chosen("", True)), len(catalog.QUICK))

    def test_each_runs_by_some_clock_and_all_run_natively(self):
        for load in catalog.LOADS:
            self.assertTrue(any(load.runs(c, "tmpfs") for c in catalog.CLOCKS), load.key)
            for lower in load.lowers:
                self.assertTrue(load.runs("wall", lower, native=True), load.key)

    def test_the_overview_is_of_what_both_lower_file_systems_run_by_instructions(self):
        for key in catalog.OVERVIEW:
            self.assertTrue(catalog.BY_KEY[key].runs("icount", "tmpfs"), key)
            self.assertTrue(catalog.BY_KEY[key].runs("icount", "ext4"), key)

    def test_a_name_a_key_and_a_group_choose(self):
        self.assertEqual([w.key for w in catalog.chosen("MRPL", False)],
                         ["MRPL-1th", "MRPL-4th"])
        self.assertEqual([w.key for w in catalog.chosen("MRPL-4th", False)], ["MRPL-4th"])
        self.assertTrue(catalog.chosen("FxMark", False))
        self.assertFalse(catalog.chosen("nothing", False))


if __name__ == "__main__":
    unittest.main()
