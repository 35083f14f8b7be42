# SPDX-License-Identifier: GPL-2.0-only
"""The parts of ./dev that need no VM."""

import contextlib
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import unittest.mock

from devlib import config, kernlog, proc, results, rootfs, tests

DEV = str(config.SRC / "dev")


def dev(*words, **kw):
    return subprocess.run([DEV, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, **kw)


class Words(unittest.TestCase):
    def test_help_names_every_command(self):
        r = dev("--help")
        self.assertEqual(r.returncode, 0)
        for word in ("setup", "build", "test", "vm", "shell", "bench", "demo", "format",
                     "lint", "clean", "provision"):
            self.assertRegex(r.stdout, rf"(?m)^ +{word} ")

    def test_unknown_word_gets_a_hint(self):
        r = dev("buidl")
        self.assertEqual(r.returncode, 2)
        self.assertIn("no such command: buidl", r.stderr)
        self.assertIn("./dev build", r.stderr)

    def test_unknown_option(self):
        r = dev("build", "--fast")
        self.assertEqual(r.returncode, 2)
        self.assertIn("--fast", r.stderr)

    def test_no_word_shows_the_help(self):
        self.assertEqual(dev().returncode, 2)


    def test_sanitize_is_the_guest_alone(self):
        for other in ("--host-only", "--harness-only", "--vm-only"):
            r = dev("test", "--sanitize", other)
            self.assertEqual(r.returncode, 2)
            self.assertIn("not allowed with", r.stderr)

    def test_help_says_what_sanitize_costs(self):
        text = " ".join(dev("test", "--help").stdout.split())
        self.assertRegex(text, r"--sanitize only the tests in the guest, on a debug kernel")
        self.assertRegex(text, r"half an hour, \d+ GB")
        self.assertIn("3000 with --sanitize", text)


class OwnCache(unittest.TestCase):
    def use_cache(self, directory):
        patch = unittest.mock.patch.dict(os.environ, EXTFUSE_CACHE=directory)
        patch.start()
        self.addCleanup(patch.stop)


class Setup(OwnCache):
    """What is missing is said; what is interrupted leaves nothing."""

    def test_without_root(self):
        with tempfile.TemporaryDirectory() as d:
            os.chmod(d, 0o755)
            r = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "env",
                                f"EXTFUSE_CACHE={d}", "python3", "-c",
                                "from devlib import host, proc; import sys;"
                                "sys.exit(proc.run_main('dev', host.ensure))"],
                               cwd=d, env=dict(os.environ, PYTHONPATH=copied_devlib(d)),
                               capture_output=True, text=True, check=False)
        if "can't open" in r.stderr or "Permission denied" in r.stderr:
            self.skipTest("this python3 cannot be run by another user")
        self.assertEqual(r.returncode, 2, r.stderr)
        self.assertIn("needs root", r.stderr)
        self.assertIn("sudo", r.stderr)

    def test_missing_disk_space(self):
        with tempfile.TemporaryDirectory() as d:
            self.use_cache(d)
            with self.assertRaises(proc.Failure) as e:
                rootfs.check_disk(10**6)
        self.assertIn("free", str(e.exception))
        self.assertIn("EXTFUSE_CACHE", e.exception.hint)

    def assert_no_process(self, word):
        """None that has the word in its command; after KILL, dying takes a moment."""
        for _ in range(100):
            found = subprocess.run(["pgrep", "-f", word], capture_output=True, check=False)
            if not found.stdout:
                return
            time.sleep(0.1)
        self.fail(f"still there: {found.stdout.decode().split()}")

    def interrupted(self, signum):
        with tempfile.TemporaryDirectory() as d:
            mounts = pathlib.Path("/proc/mounts").read_text()
            p = subprocess.Popen([str(config.VM / "mkroot")], stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, EXTFUSE_CACHE=d),
                                 stderr=subprocess.PIPE, start_new_session=True)
            self.addCleanup(p.stderr.close)
            time.sleep(8)
            p.send_signal(signum)
            status = p.wait(timeout=60)
            self.assert_no_process(d)
            self.assertEqual(pathlib.Path("/proc/mounts").read_text(), mounts)
            left = sorted(q.name for q in pathlib.Path(d).glob("root-*/*"))
        return status, left

    def test_interrupted_root_leaves_nothing(self):
        self.assertEqual(self.interrupted(signal.SIGINT), (130, []))

    def test_interrupted_chroot_leaves_nothing(self):
        mounts = pathlib.Path("/proc/mounts").read_text()
        p = subprocess.Popen([DEV, "chroot", "--", "sh", "-c",
                              "echo up; sleep 98765 & sleep 98765"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.stderr.close)
        self.assertEqual(p.stdout.readline(), "up\n")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(timeout=30), 130)
        self.assert_no_process("sleep 98765")
        self.assertEqual(pathlib.Path("/proc/mounts").read_text(), mounts)

    def test_build_cannot_alter_the_root(self):
        r = dev("chroot", "--", "sh", "-c", "touch /usr/x /src/x; touch /build/x /tmp/x; "
                                            "rm /build/x")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(r.stderr.count("Read-only file system"), 2, r.stderr)

    def test_killed_root_is_never_taken_for_ready(self):
        status, left = self.interrupted(signal.SIGKILL)
        self.assertEqual(status, -9)
        self.assertTrue(all(n.endswith(".partial") for n in left), left)

    def test_leftovers_are_removed(self):
        with tempfile.TemporaryDirectory() as d:
            self.use_cache(d)
            (pathlib.Path(d) / "root-x" / "root.partial" / "etc").mkdir(parents=True)
            rootfs.remove_leftovers()
            self.assertEqual(list(pathlib.Path(d, "root-x").iterdir()), [])

    def test_key_depends_on_the_package_list(self):
        self.assertNotEqual(config.root_key("1"), config.root_key("2"))
        self.assertGreater(len(config.package_list()), 20)


def copied_devlib(directory):
    """The library where another user can read it; the clone may be private."""
    target = pathlib.Path(directory) / "lib"
    shutil.copytree(config.VM / "devlib", target / "devlib")
    subprocess.run(["chmod", "-R", "a+rX", str(target)], check=True)
    return str(target)


class KernelLog(unittest.TestCase):
    COMPLAINTS = {
        "[    1.000000] Oops: general protection fault, kernel NULL: 0000 [#1] SMP": "oops",
        "[    1.0] Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI": "oops",
        "[    1.000000] BUG: kernel NULL pointer dereference, address: 0": "BUG",
        "[    1.000000] kernel BUG at fs/fuse/inode.c:10!": "BUG",
        "[    1.000000] BUG fuse_inode (Tainted: G  OE): Objects remaining": "BUG",
        "[  110.214213] WARNING: CPU: 1 PID: 9 at kernel/x.c:1 f+0x1/0x2": "WARNING",
        "[    1.0][  T12] WARNING: possible circular locking dependency detected": "WARNING",
        "WARNING: suspicious RCU usage": "WARNING",
        "[    1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 61s! [x:1]": "BUG",
        "[    1.0] INFO: task stat:99 blocked for more than 120 seconds.": "hung task",
        "[    1.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:": "RCU stall",
        "[    1.0] UBSAN: array-index-out-of-bounds in x.c:1:2": "UBSAN",
        "[    1.0] kmemleak: 3 new suspected memory leaks (see ...)": "kmemleak",
        "[    1.0] Kernel panic - not syncing: sysrq triggered crash": "panic",
        "[    1.0] refcount_t: underflow; use-after-free.": "refcount",
        "[    1.0] list_del corruption. prev->next should be": "list",
        "[    1.0] kmem_cache_destroy x: Slab cache still has objects": "slab",
    }
    CHATTER = (
        "[    0.1] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on",
        "[    0.1] extfuse: loading out-of-tree module taints kernel.",
        "[    0.1] extfuse: module verification failed: signature and/or required key missing",
        "[    0.1] rcu: Hierarchical RCU implementation.",
        "[    0.1] rcu: RCU event tracing is enabled.",
        "[    0.1] mtrr: your CPUs had inconsistent fixed MTRR settings",
        "[    0.1] Debug: sleeping tasks are fine",
    )

    def test_complaints_are_found(self):
        for line, kind in self.COMPLAINTS.items():
            self.assertEqual(kernlog.classify(line), kind, line)

    def test_chatter_is_not(self):
        for line in self.CHATTER:
            self.assertIsNone(kernlog.classify(line), line)

    def test_context_is_quoted(self):
        text = "\n".join([f"line {i}" for i in range(50)]
                         + ["WARNING: CPU: 0"] + [f"after {i}" for i in range(50)])
        quoted = kernlog.quote(text, kernlog.scan(text))
        self.assertEqual(quoted[:3], ["line 49", "WARNING: CPU: 0", "after 0"])
        self.assertLess(len(quoted), 20)


GTEST = """<testsuites tests="4"><testsuite name="A">
<testcase name="good" classname="A" status="run" result="completed"/>
<testcase name="bad" classname="A" status="run" result="completed">
 <failure message="x.cc:1&#10;Expected 1">text</failure></testcase>
<testcase name="skip" classname="A" status="run" result="skipped">
 <skipped message="x.cc:3&#x0A;no driver">x</skipped></testcase>
<testcase name="DISABLED_off" classname="A" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""

CTEST = """<testsuite name="Linux" tests="4">
<testcase name="A.good" classname="A.good" status="run"><system-out>ok</system-out></testcase>
<testcase name="A.bad" classname="A.bad" status="fail"><failure message=""/>
 <system-out>boom</system-out></testcase>
<testcase name="A.skip" classname="A.skip" status="notrun">
 <skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
 <system-out>x.cc:3: Skipped
no root</system-out></testcase>
<testcase name="A.lost" classname="A.lost" status="notrun">
 <skipped message="Unable to find executable: /x"/><system-out></system-out></testcase>
</testsuite>"""


class Sums(OwnCache):
    def read(self, text):
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d) / "r.xml"
            path.write_text(text)
            return results.read_xml(path)

    def test_gtest(self):
        r = self.read(GTEST)
        self.assertEqual(r.passed, ["A.good"])
        self.assertEqual([n for n, _ in r.failed], ["A.bad"])
        self.assertEqual(r.skipped, [("A.skip", "no driver"), ("A.DISABLED_off", "disabled")])
        self.assertEqual(r.summary(), "1 passed, 1 failed, 2 skipped")

    def test_ctest(self):
        r = self.read(CTEST)
        self.assertEqual(r.passed, ["A.good"])
        self.assertEqual([n for n, _ in r.failed], ["A.bad", "A.lost"])
        self.assertEqual(r.skipped, [("A.skip", "no root")])

    def test_unreadable_results_fail(self):
        self.assertEqual(len(self.read("<testsuite><testcase").failed), 1)

    def guest(self, events, status=0, filtered=False, files=()):
        with tempfile.TemporaryDirectory() as d:
            out = pathlib.Path(d)
            (out / "events.jsonl").write_text("".join(e + "\n" for e in events))
            for name, text in files:
                (out / name).write_text(text)
            return tests.sum_guest(out, ["a_test", "b_test"], status, filtered)

    START = '{"event": "start", "name": "%s"}'
    END = ('{"event": "end", "name": "%s", "outcome": "%s", "status": %d, "detail": "d", '
           '"limit": 1, "kernel": [%s]}')
    EMPTY = '<testsuites tests="0"/>'

    def test_binary_without_tests_fails(self):
        r = self.guest([self.START % "a_test", self.END % ("a_test", "ended", 0, ""),
                        self.START % "b_test", self.END % ("b_test", "ended", 0, "")],
                       files=[("a_test.xml", GTEST), ("b_test.xml", self.EMPTY)])
        self.assertIn(("b_test", "ran no test"), r.failed)

    def test_filter_may_leave_a_binary_empty(self):
        r = self.guest([self.START % n for n in ("a_test", "b_test")]
                       + [self.END % (n, "ended", 0, "") for n in ("a_test", "b_test")],
                       filtered=True,
                       files=[("a_test.xml", self.EMPTY), ("b_test.xml", self.EMPTY)])
        self.assertEqual(r.summary(), "0 passed, 0 failed")

    def test_crash_and_time_limit_count_once(self):
        log = "[ RUN      ] A.one\n[       OK ] A.one (1 ms)\n[ RUN      ] A.two\n"
        r = self.guest([self.START % "a_test", self.END % ("a_test", "crashed", -11, ""),
                        self.START % "b_test", self.END % ("b_test", "timeout", 0, "")],
                       files=[("a_test.log", log), ("b_test.log", "")])
        self.assertEqual(r.passed, ["a_test: A.one"])
        self.assertEqual([n for n, _ in r.failed],
                         ["a_test: A.two", "b_test: (between tests)"])

    def test_panic_fails_the_running_and_the_remaining(self):
        r = self.guest([self.START % "a_test"], status=121)
        self.assertEqual(len(r.failed), 2)
        self.assertIn("kernel panic", r.failed[0][1])
        self.assertIn("not run", r.failed[1][1])

    def test_kernel_complaint_fails_a_passing_binary(self):
        good = re.sub(r"(?s)<testcase name=\"bad.*?</testcase>", "", GTEST)
        ends = [self.END % ("a_test", "ended", 0, '"WARNING: CPU: 0"'),
                self.END % ("b_test", "ended", 0, "")]
        r = self.guest([self.START % "a_test", ends[0], self.START % "b_test", ends[1]],
                       status=120, files=[("a_test.xml", good), ("b_test.xml", good)])
        self.assertEqual(r.failed, [("a_test: kernel log", "WARNING: CPU: 0")])

    def test_nothing_run_is_a_failure(self):
        with tempfile.TemporaryDirectory() as d:
            self.use_cache(d)
            with contextlib.redirect_stdout(io.StringIO()) as out, \
                    contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(tests.conclude(results.Results()), 1)
        self.assertEqual(out.getvalue().splitlines()[-1], "0 passed, 0 failed")


class Filter(unittest.TestCase):
    def test_plain_word_matches_parts(self):
        include, _ = tests.filter_to_regex(tests.whole("Epoch"))
        self.assertTrue(re.search(include, "MyEpochTest.x"))

    def test_globs_and_exclusion(self):
        include, exclude = tests.filter_to_regex("A.*:B.x-A.slow*")
        self.assertTrue(re.search(include, "A.one") and re.search(include, "B.x"))
        self.assertFalse(re.search(include, "C.A.one"))
        self.assertTrue(re.search(exclude, "A.slow_one"))
