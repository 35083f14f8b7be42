# SPDX-License-Identifier: GPL-2.0-only
"""The debug kernel of ./dev test --sanitize, as far as it needs no such kernel."""

import pathlib
import re
import subprocess
import tempfile
import unittest
import unittest.mock

from devlib import config, debugkernel, initrd, kernlog, kmemleak, proc, qemu, rootfs

BUILD = str(config.VM / "kernel/build")
ROOT = rootfs.Root(pathlib.Path("/nowhere/root-1"))

LEAKS = """unreferenced object 0xffff888001234500 (size 96):
  comm "walk_test", pid 123, jiffies 4294900000
  hex dump (first 32 bytes):
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
  backtrace (crc 1234abcd):
    [<00000000deadbeef>] __kmalloc_cache_noprof+0x1c0/0x2f0
    [<00000000deadbee0>] ext_conn_init+0x50/0x1a0 [extfuse]
    fuse_fill_super+0x10/0x20 [extfuse]
unreferenced object 0xffff888001234600 (size 8):
  comm "stat", pid 7, jiffies 4294900001
  backtrace (crc 0):
    [<00000000deadbeef>] kstrdup+0x1/0x2
"""


class Key(unittest.TestCase):
    """A kernel is used again only if nothing it was made from has changed."""

    def key(self, versions, fragment="CONFIG_SMP=y\n"):
        with tempfile.NamedTemporaryFile("w") as f, \
                unittest.mock.patch.object(rootfs, "package_versions", lambda _: versions), \
                unittest.mock.patch.object(debugkernel, "FRAGMENT", pathlib.Path(f.name)):
            f.write(fragment)
            f.flush()
            return debugkernel.key(ROOT)

    def test_same_for_the_same(self):
        v = {"linux-source-6.12": "6.12.1-1", "bash": "5"}
        self.assertEqual(self.key(v), self.key({**v, "bash": "6"}))

    def test_configuration_source_and_compiler(self):
        v = {"linux-source-6.12": "6.12.1-1", "gcc-14": "14.2"}
        keys = {self.key(v), self.key(v, "CONFIG_SMP=n\n"),
                self.key({**v, "linux-source-6.12": "6.12.2-1"}),
                self.key({**v, "gcc-14": "14.3"})}
        self.assertEqual(len(keys), 4)


class Making(unittest.TestCase):
    def test_another_version_than_the_roots_is_refused(self):
        class Has:
            def __init__(self, release):
                self.release = release

        debugkernel.check_release(Has("6.12.117+deb13-amd64"), Has("6.12.117-extfuse-debug"))
        with self.assertRaises(proc.Failure) as e:
            debugkernel.check_release(Has("6.12.117+deb13-amd64"), Has("6.12.1-x"))
        self.assertIn("6.12.1, the root's kernel is 6.12.117", str(e.exception))

    def test_interrupted_kernel_leaves_nothing(self):
        """A step that fails takes the half-made kernel with it."""
        with tempfile.TemporaryDirectory() as d:
            kernel = debugkernel.Kernel(pathlib.Path(d) / "kernel-1")

            def fail(label, *_a, **_kw):
                raise proc.Failure(label)

            with unittest.mock.patch.dict("os.environ", EXTFUSE_CACHE=d), \
                    unittest.mock.patch.object(debugkernel.data, "tarball", lambda _: "x"), \
                    unittest.mock.patch.object(rootfs, "check_disk"), \
                    unittest.mock.patch.object(proc, "step", fail), \
                    self.assertRaises(proc.Failure):
                debugkernel.make(ROOT, kernel)
            self.assertEqual(sorted(p.name for p in pathlib.Path(d).glob("kernel*")), [])

    def test_script_names_its_steps(self):
        r = subprocess.run([BUILD, "all"], capture_output=True, text=True, check=False)
        self.assertEqual(r.returncode, 2)
        for word in ("configure", "kernel", "trim", "driver DIR"):
            self.assertIn(word, r.stderr)

    def test_configuration_has_every_checker(self):
        text = debugkernel.FRAGMENT.read_text()
        lines = [w for w in text.splitlines() if w and not w.startswith("#")]
        self.assertEqual(len(lines), len(set(lines)), "a line twice")
        for name in ("KASAN_GENERIC", "KASAN_VMALLOC", "PROVE_LOCKING", "PROVE_RCU",
                     "DEBUG_ATOMIC_SLEEP", "DEBUG_KMEMLEAK", "DEBUG_LIST",
                     "DEBUG_INFO_BTF_MODULES", "BPF_JIT"):
            self.assertIn(f"CONFIG_{name}=y", lines)


class Boot(unittest.TestCase):
    def options(self):
        o = qemu.Options(root=ROOT, console="/c", append="quiet")
        kernel = debugkernel.Kernel(pathlib.Path("/nowhere/kernel-1"))
        with unittest.mock.patch.object(debugkernel, "ensure", lambda _: kernel), \
                unittest.mock.patch.object(debugkernel, "build_driver",
                                           lambda *_: "/build/debug/extfuse.ko"), \
                unittest.mock.patch.object(rootfs, "newest_kernel", lambda _: "6.12.1"):
            o = debugkernel.prepare(o)
            return qemu.qemu_argv(o, "/run"), qemu.request(o, "true").decode()

    def test_kernel_initrd_and_command_line(self):
        argv, _ = self.options()
        after = dict(zip(argv, argv[1:]))
        self.assertTrue(after["-kernel"].startswith("/nowhere/kernel-1/"), after["-kernel"])
        self.assertTrue(after["-initrd"].startswith("/nowhere/kernel-1/"), after["-initrd"])
        self.assertIn("kasan_multi_shot", after["-append"])
        self.assertTrue(after["-append"].endswith("quiet"))

    def test_command_gets_the_driver_and_the_factor(self):
        _, request = self.options()
        self.assertIn("export EXTFUSE_MODULE=/build/debug/extfuse.ko\n", request)
        self.assertIn(f"export EXTFUSE_SLOWER={debugkernel.SLOWER}\n", request)

    def test_nothing_changes_without_it(self):
        o = qemu.Options(root=ROOT, console="/c")
        self.assertNotIn("export", qemu.request(o, "true").decode())

    def test_initrd_without_modules(self):
        with tempfile.TemporaryDirectory() as d:
            tree = pathlib.Path(d)
            (tree / "usr/bin").mkdir(parents=True)
            (tree / "usr/bin/busybox").write_bytes(b"busybox")
            initrd.write(tree, None, tree / "initrd")
            data = (tree / "initrd").read_bytes()
        self.assertIn(b"modules/order", data)
        self.assertNotIn(b".ko", data)


class Leaks(unittest.TestCase):
    def test_reports_are_told_apart(self):
        first, second = kmemleak.split(LEAKS)
        self.assertTrue(first.endswith("[extfuse]"))
        self.assertIn('comm "stat"', second)
        self.assertEqual(kmemleak.split(""), [])

    def test_headline_names_size_process_and_frames(self):
        line = kmemleak.headline(kmemleak.split(LEAKS)[0])
        self.assertIn("96 bytes, by walk_test", line)
        self.assertIn("ext_conn_init", line)

    def look(self, text):
        """What Kmemleak finds, and what it wrote into a control file of that text."""
        written = []
        control = unittest.mock.Mock(exists=lambda: True, read_text=lambda **_: text,
                                     write_text=lambda word, **_: written.append(word))
        with unittest.mock.patch.object(kmemleak, "CONTROL", control), \
                unittest.mock.patch.object(kmemleak, "MIN_AGE", 0):
            detector = kmemleak.Kmemleak()
            del written[:]
            return detector.reports(), written

    def test_two_scans_make_a_report(self):
        found, written = self.look(LEAKS)
        self.assertEqual(len(found), 2)
        self.assertEqual(written, ["scan", "scan", "clear"])

    def test_kernels_without_detector(self):
        with unittest.mock.patch.object(kmemleak, "CONTROL", pathlib.Path("/nowhere")):
            self.assertEqual(kmemleak.Kmemleak().reports(), [])

    def test_lockdeps_state(self):
        for value, off in (("1", False), ("0", True)):
            with tempfile.NamedTemporaryFile("w") as f, \
                    unittest.mock.patch.object(kmemleak, "LOCKDEP", pathlib.Path(f.name)):
                f.write(f" lock-classes:  1 [max: 8192]\n debug_locks:     {value}\n")
                f.flush()
                self.assertEqual(kmemleak.lockdep_is_off(), off)
        with unittest.mock.patch.object(kmemleak, "LOCKDEP", pathlib.Path("/nowhere")):
            self.assertFalse(kmemleak.lockdep_is_off())


class Reports(unittest.TestCase):
    """What the checkers of this kernel write opens a complaint."""

    LINES = (
        "[   12.3] BUG: KASAN: slab-use-after-free in ext_lookup+0x1/0x2 [extfuse]",
        "[   12.3] BUG: sleeping function called from invalid context at mm/slub.c:1",
        "[   12.3] WARNING: suspicious RCU usage",
        "[   12.3] WARNING: possible circular locking dependency detected",
        "[   12.3] WARNING: possible recursive locking detected",
        "[   12.3] WARNING: inconsistent lock state",
        "[   12.3] WARNING: lock held when returning to user space!",
        "[   12.3] [ BUG: Invalid wait context ]",
        "[   12.3] BUG: MAX_LOCKDEP_CHAINS too low!",
        "[   12.3] BUG: using smp_processor_id() in preemptible [00000000] code: stat/1",
        "[   12.3] ODEBUG: free active (active state 0) object: 1 object type: timer_list",
        "[   12.3] kmemleak: Memory pool empty, consider increasing "
        "CONFIG_DEBUG_KMEMLEAK_MEM_POOL_SIZE",
        "[   12.3] kmemleak: Kernel memory leak detector disabled",
        "[   12.3] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        "[   12.3] refcount_t: underflow; use-after-free.",
        "[   12.3] list_del corruption. prev->next should be x, but was y",
    )

    def test_each_is_a_complaint(self):
        for line in self.LINES:
            self.assertIsNotNone(kernlog.classify(line), line)

    def test_starting_is_not(self):
        for line in ("[    0.0] kasan: KernelAddressSanitizer initialized",
                     "[    0.0] kmemleak: Kernel memory leak detector initialized "
                     "(mem pool available: 15672)",
                     "[    0.0] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc.",
                     "[    0.0] Running RCU self tests", "[    0.0] ODEBUG: selftest passed"):
            self.assertIsNone(kernlog.classify(line), line)


class Documents(unittest.TestCase):
    def test_readme_says_how_and_what_it_costs(self):
        text = (config.SRC / "README.md").read_text()
        line = next(w for w in text.splitlines() if "./dev test --sanitize" in w)
        self.assertTrue(re.search(r"minutes|hour", text[text.index(line):][:600]), line)
        self.assertIn("GB", text[text.index(line):][:600])
