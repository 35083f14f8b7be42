# SPDX-License-Identifier: GPL-2.0-only
"""./dev bench --native, where a VM is the machine that it measures."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from devlib import config

sys.path.insert(0, str(config.SRC / "bench"))

from extbench import sides  # noqa: E402

# In place of the kernel's: quick, and a build all the same.
MAKEFILE = """\
all lib/math/: $(O)/vmlinux
$(O)/one.o: include/one.h $(O)/.config
	cat $^ > $@
$(O)/vmlinux: $(O)/one.o
	cat $^ > $@
	{more}
tinyconfig:
	echo tiny > $(O)/.config
"""
ON_FUSE = "grep '/run/bench-kbuild/tree [a-z]*fuse' /proc/mounts"
TREES = {"same": "", "differs": "date +%N >> $@", "fails": f"! {ON_FUSE}",
         "slow": f"! {ON_FUSE} || sleep 300"}

# As ./dev bench --native starts it.
HERE = """\
import sys
sys.path[:0] = ["/src/bench", "/src/vm"]
from devlib.proc import run_main
from extbench import host
words = "--clock wall --rounds 1 --lower tmpfs --side stock --source".split()
run_main("here", lambda: host.run_here("kbuild-whole", [*words, sys.argv[1]], print)[0])
"""

# Each job leaves its result, what it said, and its status in /out.
SCRIPT = """
job() {
	name=$1; shift
	python3 -B /src/bench/guest "$@" --clock wall --out /out/$name.json >/out/$name.log 2>&1
	echo $? >/out/$name.status
}
job same kbuild-whole --rounds 2 --lower tmpfs --lower ext4 --source /out/trees/same
job differs kbuild-whole --rounds 1 --lower tmpfs --side native --side stock \
	--source /out/trees/differs
job fails kbuild-whole --rounds 1 --lower tmpfs --source /out/trees/fails
job missing kbuild-whole --rounds 1 --lower tmpfs --source /out/trees/missing
job suite suite --native --rounds 1 --name MRPL-1th --lower tmpfs --lower ext4
left() {
	{ find /tmp/bench-suite /var/tmp/bench-suite /run/bench-kbuild/tree -name 'Make*'
	grep bench /proc/mounts; pgrep -a stackfs; pgrep -a make; } >/out/left-$1
}
left whole
stopped() {
	EXTFUSE_OUT=/tmp/here EXTFUSE_BUILD=/build python3 -B /out/here.py /out/trees/slow \
		>/out/here-$1.log 2>&1 &
	for i in $(seq 600); do pgrep -x sleep >/dev/null && break; sleep 0.1; done
	pgrep -x sleep >/out/running-$1
	kill -$1 $!; wait $!
	for i in $(seq 300); do pgrep 'stackfs|make' >/dev/null || break; sleep 0.1; done
	left $1
}
stopped TERM
stopped KILL
job again kbuild-whole --rounds 1 --lower tmpfs --source /out/trees/same
left again
mount -t tmpfs tmpfs /var/tmp
job misnamed kbuild-whole --rounds 1 --lower ext4 --source /out/trees/same
job misnamed-suite suite --native --rounds 1 --name MRPL-1th --lower ext4
"""


class Native(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        d = tempfile.TemporaryDirectory()
        cls.addClassCleanup(d.cleanup)
        cls.out = pathlib.Path(d.name)
        for name, more in TREES.items():
            include = cls.out / "trees" / name / "include"
            include.mkdir(parents=True)
            (include / "one.h").write_text("one\n", encoding="utf-8")
            (include.parent / "Makefile").write_text(MAKEFILE.format(more=more), encoding="utf-8")
        (cls.out / "here.py").write_text(HERE, encoding="utf-8")
        cls.vm = subprocess.run(
            [str(config.VM / "run"), "--timeout", "900", "--out", d.name, "--", SCRIPT],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def ended(self, name):
        """(status, what it said, its result or None)"""
        self.assertEqual(self.vm.returncode, 0, self.vm.stderr)
        result = self.out / f"{name}.json"
        return (int((self.out / f"{name}.status").read_text()),
                (self.out / f"{name}.log").read_text(),
                json.loads(result.read_text()) if result.exists() else None)

    def samples(self, name):
        status, said, result = self.ended(name)
        self.assertEqual(status, 0, said)
        return result["samples"]

    def test_kernel_build_on_all_sides(self):
        samples = self.samples("same")
        self.assertEqual({(s["lower"], s["side"], s["round"]) for s in samples},
                         {(lower, s.name, i) for lower in sides.LOWERS for s in sides.SIDES
                          for i in range(2)})
        self.assertEqual(len(samples), 2 * 2 * len(sides.SIDES))
        for s in samples:
            self.assertEqual((s["refused"], s["objects"]), ("", 1), s)
            self.assertGreater(s["nanoseconds"], 0)
            self.assertEqual("requests" in s, s["side"] != "native")
        self.assertEqual(len({s["sha256"] for s in samples}), 1)
        requests = {s["side"]: sum(s["requests"].values()) for s in samples if "requests" in s}
        self.assertLess(requests["extfuse-data"], requests["extfuse-miss"])

    def test_another_kernel_than_natives_is_refused(self):
        native, stock = self.samples("differs")
        self.assertEqual(native["refused"], "")
        self.assertIn("differs from native's on tmpfs", stock["refused"])

    def test_a_build_that_fails_is_refused_and_the_others_go_on(self):
        samples = self.samples("fails")
        self.assertEqual(len(samples), len(sides.SIDES))
        for s in samples:
            if s["side"] == "native":
                self.assertEqual(s["refused"], "")
            else:
                self.assertRegex(s["refused"], "make .* ended with 2.*vmlinux")

    def test_no_source_is_a_clear_error(self):
        status, said, result = self.ended("missing")
        self.assertEqual((status, result), (1, None), said)
        self.assertIn("/out/trees/missing: no kernel source there", said)

    def test_the_suite(self):
        samples = self.samples("suite")
        self.assertEqual({(s["lower"], s["side"]) for s in samples},
                         {(lower, s.name) for lower in sides.LOWERS for s in sides.SIDES})
        self.assertEqual([s["refused"] for s in samples if s["refused"]], [])

    def left(self, after):
        self.ended("suite")
        return (self.out / f"left-{after}").read_text()

    def test_nothing_is_left(self):
        self.assertEqual(self.left("whole"), "")

    def test_nothing_is_left_when_it_is_stopped(self):
        self.assertEqual(self.left("TERM"), "")
        self.assertNotEqual((self.out / "running-TERM").read_text(), "", "it was not building")

    def test_files_alone_are_left_when_it_is_killed_and_the_next_removes_them(self):
        for line in self.left("KILL").splitlines():
            self.assertRegex(line, "^/tmp/bench-suite/kbuild/")
        self.assertNotEqual((self.out / "running-KILL").read_text(), "", "it was not building")
        self.assertEqual({s["refused"] for s in self.samples("again")}, {""})
        self.assertEqual(self.left("again"), "")

    def test_a_lower_file_system_is_what_it_is_called(self):
        for name in ("misnamed", "misnamed-suite"):
            status, said, result = self.ended(name)
            self.assertEqual((status, result), (2, None), said)
            self.assertIn("/var/tmp/bench-suite is on tmpfs, not on ext4", said)
            self.assertIn("--lower tmpfs", said)


if __name__ == "__main__":
    unittest.main()
