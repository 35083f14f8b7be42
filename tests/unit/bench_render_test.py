#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The report of ./dev bench out of made-up figures.

    bench_render_test.py SOURCE_DIRECTORY"""

import argparse
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

SOURCE = pathlib.Path(sys.argv.pop(1))
sys.dont_write_bytecode = True
sys.path[:0] = [str(SOURCE / "bench"), str(SOURCE / "vm")]

from devlib.proc import Failure  # noqa: E402
from extbench import catalog, host, kbuild_whole, life, profile, sides, whole  # noqa: E402
from extbench.progress import Progress  # noqa: E402
from extbench.suite import PROGRESS  # noqa: E402

COST = {"native": 1000, "stock": 20000, "stock-inf": 1100, "stock-passthrough": 20100,
        "extfuse-meta": 1234, "extfuse-data": 1200, "extfuse-miss": 20400}
GUEST = {"kernel": "6.12.0-made-up", "cpus": 1, "memory_gib": 2.0, "cpu": "none",
         "libfuse": "fusermount3 version: 3.17", "fio": "fio-3", "load_average": [0, 0, 0]}


def sample(side, lower, number, refused="", workload="MRPL-1th"):
    return {"workload": workload, "lower": lower, "side": side, "round": number,
            "operation": "stat", "operations": 10, "files": 0, "refused": refused,
            "nanoseconds": COST[side] * 10, "answered": {}, "backing_opens": 0,
            **({"requests": {"lookup": 50, "read": 5}} if side != "native" else {})}


def raw(refused=""):
    samples = [sample(s.name, lower, i, refused if s.name == "extfuse-data" else "")
               for i in range(3) for lower in sides.LOWERS for s in sides.SIDES]
    samples += [sample(s.name, "tmpfs", 0, workload=w) for s in sides.SIDES
                for w in ("tar-1th", "untar-1th")]
    figures = [{"name": n, "refused": "", "total": 1500.0,
                "parts": {p: 100.0 for p, _ in profile.PARTS},
                "functions": {"ext_warm_getattr [extfuse]": 77.0, "vfs_fstat": 50.0}}
               for group in profile.BREAKDOWN.values() for n in group]
    return {"machine": {"date": "2026-01-01 00:00 UTC", "cpu": "made-up", "cpus": 2,
                        "memory_gib": 4.0, "qemu": "QEMU 0", "commit": "0123456789ab",
                        "command": "./dev bench", "load_average": [0.5, 0, 0],
                        "load_average_after": [0.6, 0, 0]},
            "native": False, "seconds": 1, "breakdown": figures,
            "sweep": {"maps": 10, "sweep": [
                {"factor": f, "names": round(10 * f), "costs": {"stock": 60000.0, "maps": 5000.0},
                 "requests": {"stock": 4.0, "maps": 0.0}} for f in (0.1, 1, 10)],
                "causes": [{"cause": c.text, "cost": 60000.0 + 600 * i, "requests": 3.0}
                           for i, c in enumerate(life.CAUSES)],
                "invalidations": [{"what": "all", "times": 7, "operations": 1000,
                                   "cost": 30000.0, "requests": 0.75}]},
            "clocks": {c: {"clock": c, "rounds": 3, "scale": 1, "samples": samples,
                           "machine": GUEST, "status": 0} for c in sides.DAEMON}}


class Report(unittest.TestCase):
    def render(self, value):
        with tempfile.TemporaryDirectory() as d:
            target = pathlib.Path(d)
            (target / "raw.json").write_text(json.dumps(value), encoding="utf-8")
            subprocess.run([sys.executable, "-B", str(SOURCE / "bench/render"), d], check=True)
            return {p.name: p.read_text(encoding="utf-8") for p in target.iterdir()}

    def test_report_says_what_was_measured_and_where(self):
        files = self.render(raw())
        text = files["report.md"]
        for wanted in ("6.12.0-made-up", "made-up", "0123456789ab", "`./dev bench`", "3 rounds",
                       "| MRPL-1th | stat | 1,000 | 20.00 | 1.10 | 20.10 | 1.23 | 1.20 | 20.40 |",
                       "ext_warm_getattr", "other hardware", "5.71"):
            self.assertIn(wanted, text)
        self.assertIn("<td", files["report.html"])

    def test_requests_by_operation_and_the_life_of_an_entry(self):
        text = self.render(raw())["report.md"]
        self.assertIn("| tar-1th | extfuse-meta | 5.00 | 0.50 | 0.00 |", text)
        # One step of the causes is 600, for three requests: populating a reply.
        self.assertIn("200 instructions a reply", text)
        self.assertIn("| all | 7 | 30,000 | 0.750 | 75.0% |", text)

    def test_the_overview_is_over_stock(self):
        text = self.render(raw())["report.md"]
        self.assertIn("| stat, own file (MRPL) | 0.05 | 0.06 | 1.00 | 0.06 | 0.06 | 1.02 |", text)

    def test_every_picture_of_the_report_is_there(self):
        files = self.render(raw())
        pictures = [w.split(")")[0] for w in files["report.md"].split("](")[1:]]
        self.assertGreater(len(pictures), 5)
        self.assertEqual(sorted(p for p in files if p.endswith(".svg")), sorted(set(pictures)))

    def test_a_refused_run_shows_no_figure_and_says_why(self):
        text = self.render(raw("7 requests went up"))["report.md"]
        self.assertIn("| 1.23 | refused | 20.40 |", text)
        self.assertIn("7 requests went up", text)

    def test_the_same_figures_give_the_same_files(self):
        self.assertEqual(self.render(raw()), self.render(raw()))

    def test_several_guests_are_one_clock(self):
        value = raw()
        clock = value["clocks"]["icount"]
        every = [{**clock, "samples": [s for s in clock["samples"] if (s["workload"] == "tar-1th")
                                       == own]} for own in (True, False)]
        value["clocks"]["icount"] = {**whole.merged([clock]), "guests": 1}
        alone = self.render(value)["report.md"]
        value["clocks"]["icount"] = {**whole.merged(every), "guests": 2}
        beside = self.render(value)["report.md"]
        where = " in 2 VMs side by side, each workload in one"
        self.assertIn(where, beside)
        self.assertEqual(beside.replace(where, ""), alone)

    def suite_of_two(self, *ended):
        """What measure() makes of two guests that ended so."""
        a = argparse.Namespace(name="", quick=False, native=False, lower=[], side=[], rounds=0,
                               scale=0, results=None, clock=None)
        with (mock.patch.object(whole, "guests_for", lambda *_: 2),
              mock.patch.object(host, "run_jobs", lambda jobs: list(ended))):
            return a, whole.measure(a, "icount")

    def test_half_a_suite_is_not_a_whole_one(self):
        half = raw()["clocks"]["icount"]
        for ended, status in (((0, half), (0, half)), 0), (((-9, None), (0, half)), -9), (
                ((0, half), (123, None)), 123), (((124, half), (0, half)), 124), (
                ((0, half), (0, None)), 1):
            a, result = self.suite_of_two(*ended)
            self.assertEqual(result["status"], status)
            self.assertEqual(whole.results_dir(a, not status) == whole.RESULTS, not status)
            value = raw()
            value["clocks"]["icount"] = result
        text = self.render(value)["report.md"]
        self.assertIn("**not all: a VM ended with status 1**", text)
        with self.assertRaises(Failure):
            self.suite_of_two((-9, None), (1, None))


class KernelBuild(unittest.TestCase):
    # The machine is 1, 9 and 2 times as slow in the rounds; in the second the builds of
    # extfuse-meta are slower still.
    FACTORS = {"extfuse-meta": (1, 12, 2)}

    def result(self):
        return {"clock": "wall", "targets": [], "options": {"stock": "--stock --some"}, "samples": [
            {**sample(side, "tmpfs", i, "", kbuild_whole.JOB), "objects": 510, "operations": 1,
             "sha256": "0", "nanoseconds": COST[side] * 10**6 * self.FACTORS.get(side, (1, 9, 2))[i]}
            for i in range(3) for side in COST]}

    def printed(self, result, status=0):
        out = io.StringIO()
        with (mock.patch.object(kbuild_whole, "measure", lambda _: (status, result)),
              contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO())):
            status = kbuild_whole.main(argparse.Namespace(json=None))
        return status, out.getvalue()

    def test_ratios_are_of_a_round_and_requests_are_named(self):
        status, text = self.printed(self.result())
        self.assertEqual(status, 0)
        self.assertRegex(text, r"tmpfs +native +2\.00 +1\.000 +0\.050 +-\n")
        self.assertRegex(text, r"tmpfs +extfuse-meta +2\.47 +1\.234~? +0\.062~? +55 +lookup 50, read 5\n")
        for wanted in ("the whole build: 510 objects", "Medians of 3", "other hardware", "5.71",
                       "stock: stackfs --stock --some"):
            self.assertIn(wanted, text)

    def test_ratios_are_no_ratios_of_medians(self):
        result = self.result()
        for s in result["samples"]:
            if s["side"] == "stock":  # 20, 40 and 60 times native's: 1, 9, 2
                s["nanoseconds"] = (20, 360, 120)[s["round"]] * 10**9
        self.assertRegex(self.printed(result)[1], r"tmpfs +stock +120\.00 +40\.000~ ")

    def test_a_build_that_failed_is_shown_and_fails(self):
        result = self.result()
        failed = next(s for s in result["samples"] if s["side"] == "stock-inf" and s["round"] == 1)
        for key in ("requests", "answered", "objects"):
            del failed[key]
        failed |= {"nanoseconds": 0, "sha256": "", "refused": "make ended with 2"}
        status, text = self.printed(result)
        self.assertEqual(status, 1)
        self.assertRegex(text, r"tmpfs +stock-inf +refused +- +- ")
        self.assertIn("REFUSED stock-inf on tmpfs, round 2: make ended with 2", text)

    def test_what_was_measured_before_the_end_is_shown(self):
        status, text = self.printed(self.result(), 137)
        self.assertEqual(status, 1)
        self.assertIn("the whole build: 510 objects", text)
        for nothing in (None, {"samples": []}):
            with self.assertRaisesRegex(Failure, "no kernel was built"):
                self.printed(nothing, 2)

    def refused(self, name, samples=(), **changes):
        sample = {"sha256": "1", "objects": 9, "answered": {}, "backing_opens": 0, "requests": {}}
        return kbuild_whole.why_refused(sides.BY_NAME[name], sample | changes, samples)

    def test_a_side_does_what_it_says(self):
        first = {"sha256": "2", "side": "native", "lower": "tmpfs"}
        hits = {"answered": {"lookup.warm": 1}}
        for name, why, given in (
                ("stock", "", {}), ("stock", "differs from native's", {"samples": [first]}),
                ("stock", "", {"samples": [{"sha256": ""}]}),
                ("extfuse-miss", "", {}), ("extfuse-miss", "answered", hits),
                ("extfuse-meta", "", hits), ("extfuse-meta", "answered nothing", {}),
                ("extfuse-data", "no file was opened", hits),
                ("extfuse-data", "", hits | {"backing_opens": 1}),
                ("stock-passthrough", "", {"requests": {"open": 50, "read": 9}}),
                ("stock-passthrough", "51 reads", {"requests": {"open": 50, "read": 51}})):
            said = self.refused(name, **given)
            self.assertTrue(why in said if why else not said, (name, given, said))

    def test_what_is_built_where(self):
        def words(**given):
            a = argparse.Namespace(**{"rounds": 0, "quick": False, "native": False, "side": [],
                                      "lower": [], **given})
            found = kbuild_whole.words_of(a, "wall" if a.native else "icount", "/source")
            p = argparse.ArgumentParser()
            kbuild_whole.add_options(p)
            b = p.parse_args(["--out", "/out/of-it", *found])
            return b.rounds, b.side, b.lower, b.quick, kbuild_whole.builds(found)
        self.assertEqual(words(native=True), (5, [], ["tmpfs", "ext4"], False, 72))
        self.assertEqual(words(), (1, ["native", "extfuse-data"], ["tmpfs"], False, 3))
        self.assertEqual(words(native=True, quick=True), (1, [], ["tmpfs", "ext4"], True, 16))
        self.assertEqual(words(side=["stock"], rounds=2, lower=["ext4"]),
                         (2, ["stock"], ["ext4"], False, 3))


class CommandLine(unittest.TestCase):
    def bench(self, *words):
        return subprocess.run([sys.executable, "-B", str(SOURCE / "bench/run"), *words],
                              capture_output=True, text=True, check=False)

    def test_what_has_no_native_form_says_so(self):
        for name in ("gate", "bounds", "sweep"):
            r = self.bench(name, "--native")
            self.assertEqual(r.returncode, 2, r.stderr)
            self.assertIn(f"'{name}' is measured in the VM only", r.stderr)

    def test_native_without_the_driver_says_so(self):
        for exists, uid, wanted in ((False, 0, "driver is not loaded"), (True, 1000, "needs root")):
            with (mock.patch("os.path.exists", lambda _: exists),
                  mock.patch("os.path.isdir", lambda _: exists),
                  mock.patch("os.geteuid", lambda: uid),
                  self.assertRaisesRegex(Failure, wanted)):
                whole.need_native()

    def test_options_that_would_be_passed_over_are_errors(self):
        for words, wanted in (
                ("bounds --whole", "--whole is of kbuild"), ("MRPL --whole", "--whole is of kbuild"),
                ("kbuild --side stock", "--side: 'kbuild' has sides of its own"),
                ("gate --lower ext4", "--lower: 'gate' has"), ("sweep --clock wall", "--clock: 'sweep'"),
                ("kbuild --clock wall", "--clock:"),
                ("kbuild --native --clock icount", "no clock of instructions"),
                ("kbuild --whole --lower ext4", "on tmpfs only"),
                ("kbuild --whole --rounds -1", "--rounds -1")):
            r = self.bench(*words.split())
            self.assertEqual(r.returncode, 2, r.stderr)
            self.assertIn(wanted, r.stderr)

    def test_unknown_names(self):
        r = self.bench("MRPX")
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("no benchmark or workload 'MRPX'", r.stderr)


class SideBySide(unittest.TestCase):
    def test_each_workload_is_in_one_part(self):
        for clock in sides.DAEMON:
            lowers = list(sides.LOWERS)
            parts = [catalog.part(catalog.LOADS, clock, lowers, False, i, 3) for i in range(3)]
            self.assertEqual(sorted(w.key for p in parts for w in p),
                             sorted(w.key for w in catalog.part(catalog.LOADS, clock, lowers, False)))
            self.assertLessEqual(max(map(len, parts)) - min(map(len, parts)), 1)

    def test_progress_is_that_of_all(self):
        shown = []
        progress = Progress("label", 2)
        progress.show = lambda *args: shown.append(args)
        progress.watch(0)(f"{PROGRESS} 1 10 first")
        self.assertEqual(shown, [(1, 20, "first")])  # the other's share is not known yet
        progress.watch(1)(f"{PROGRESS} 2 20 second")
        progress.watch(0)(f"{PROGRESS} 5 10 third one")
        self.assertEqual(shown[1:], [(3, 30, "second"), (7, 30, "third one")])

    def job(self, directory, name, script, watch):
        path = pathlib.Path(directory) / name
        return host.Job(path, ["sh", "-c", script, "sh", str(path)], watch)

    def test_jobs_run_at_the_same_time(self):
        with tempfile.TemporaryDirectory() as d:
            lines = [], []
            # Each waits for the other.
            ended = host.run_jobs([
                self.job(d, "a", f"echo one; : > {d}/1; until [ -e {d}/2 ]; do sleep 0.01; done; "
                         'echo 7 > "$1"', lines[0].append),
                self.job(d, "b", f"until [ -e {d}/1 ]; do sleep 0.01; done; : > {d}/2; echo two; "
                         "exit 3", lines[1].append)])
            self.assertEqual(ended, [(0, 7), (3, None)])
            self.assertEqual(lines, (["one"], ["two"]))

    def test_who_cannot_be_told_ends_the_job(self):
        def gone(_line):
            raise BrokenPipeError

        with tempfile.TemporaryDirectory() as d:
            quiet = self.job(d, "a", "exec sleep 100", print)
            loud = self.job(d, "b", "echo; exec sleep 100", gone)
            began = time.monotonic()
            with self.assertRaises(BrokenPipeError):
                host.run_jobs([loud, quiet])
            self.assertLess(time.monotonic() - began, 60)


if __name__ == "__main__":
    unittest.main()
