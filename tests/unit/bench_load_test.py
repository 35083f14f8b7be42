#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""bench-load: every workload does what it is asked to, and leaves nothing behind.

    bench_load_test.py PROGRAM"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
# Files where the default is too many for a test, or too few for two threads.
FILES = {"MRDL": 40, "MRDM": 40, "MRPM": 32, "mail-server": 8, "file-server": 8,
         "web-server": 8, "names-some": 1100, "names-any": 50, "names-each": 50,
         "ai-samples": 1}


def run(*args):
    return subprocess.run([PROGRAM, *args], input="\n\n\n\n", capture_output=True, text=True,
                          timeout=300, check=False)


def workloads():
    out = run("--list").stdout.splitlines()
    return [line.split()[0] for line in out]


class Load(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.TemporaryDirectory()
        self.addCleanup(self.base.cleanup)
        self.tree = pathlib.Path(self.base.name) / "tree"

    def load(self, name, operations, *more):
        return run(name, "--lower", str(self.tree), "--dir", str(self.tree), "--threads", "2",
                   "--operations", str(operations), *more)

    def test_every_workload_does_its_work_and_cleans_up(self):
        names = workloads()
        self.assertGreater(len(names), 20)
        for name in names:
            with self.subTest(name):
                more = ("--files", str(FILES[name])) if name in FILES else ()
                r = self.load(name, 30, *more)
                self.assertEqual(r.returncode, 0, r.stderr)
                prepared, ready, result = r.stdout.splitlines()
                self.assertEqual((prepared, ready), ("prepared", "ready"))
                result = json.loads(result)
                self.assertGreaterEqual(result["operations"], 30)
                self.assertEqual((result["workload"], result["threads"]), (name, 2))
                self.assertGreater(result["nanoseconds"], 0)
                self.assertFalse(self.tree.exists())

    def test_work_is_divided_among_threads_without_rest(self):
        r = self.load("MWCL", 31)
        self.assertEqual(json.loads(r.stdout.splitlines()[2])["operations"], 31)

    def test_blocks_are_of_the_size_asked_for(self):
        with subprocess.Popen([PROGRAM, "seq-wr", "--lower", str(self.tree), "--dir",
                               str(self.tree), "--operations", "3", "--block", "8192"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
            for _ in range(2):
                p.stdout.readline()
                print(file=p.stdin, flush=True)
            p.stdout.readline()
            self.assertEqual(os.path.getsize(self.tree / "0"), 3 * 8192)
            p.communicate("\n")

    def test_a_directory_that_is_there_is_left_alone(self):
        self.tree.mkdir()
        (self.tree / "mine").touch()
        r = self.load("MWCL", 1)
        self.assertEqual(r.returncode, 1)
        self.assertIn(str(self.tree), r.stderr)
        self.assertTrue((self.tree / "mine").exists())

    def test_a_mount_that_does_not_show_the_tree_is_an_error(self):
        r = run("MWUL", "--lower", str(self.tree), "--dir", "/nowhere", "--operations", "2")
        self.assertEqual(r.returncode, 1)
        self.assertIn("/nowhere", r.stderr)
        self.assertFalse(self.tree.exists())

    def test_mistakes_are_named(self):
        self.assertIn("nosuch", self.load("nosuch", 1).stderr)
        self.assertNotEqual(self.load("nosuch", 1).returncode, 0)
        self.assertNotEqual(run("MWCL").returncode, 0)
        self.assertNotEqual(self.load("MWCL", -1).returncode, 0)


if __name__ == "__main__":
    unittest.main()
