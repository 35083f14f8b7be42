# SPDX-License-Identifier: GPL-2.0-only
"""vm/run must tell what happened in the guest, and leave nothing behind."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from devlib import config, qemu

RUN = str(config.VM / "run")


def vm(command, *options, timeout=120, **kw):
    argv = [RUN, "--timeout", str(timeout), *options, "--", command]
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout + 60, check=False, **kw)


def of_the_command(run):
    """What it wrote to stderr, also where the kernel had to be booted twice."""
    return run.stderr.removeprefix(qemu.ONCE_MORE + "\n")


def descendants(pid):
    out = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True,
                         check=True).stdout
    children = {}
    for line in out.splitlines():
        p, parent = map(int, line.split())
        children.setdefault(parent, []).append(p)
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        todo += children.get(p, [])
        found.append(p)
    return found[1:]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Outcome(unittest.TestCase):
    """What a run reports."""

    def test_status_and_streams(self):
        r = vm("echo to-out; echo to-err >&2; echo again >/dev/stderr; exit 7")
        self.assertEqual(r.returncode, 7, r.stderr)
        self.assertEqual(r.stdout, "to-out\n")
        self.assertEqual(of_the_command(r).split(), ["to-err", "again"])

    def test_large_output_is_whole(self):
        r = vm("seq 200000; seq 50000 >&2")
        self.assertEqual(r.returncode, 0, r.stderr[-400:])
        self.assertEqual(r.stdout, "".join(f"{i}\n" for i in range(1, 200001)))
        self.assertEqual(of_the_command(r), "".join(f"{i}\n" for i in range(1, 50001)))

    def test_leftover_process_does_not_hold_the_guest(self):
        r = vm("sleep 1000 & echo started")
        self.assertEqual((r.returncode, r.stdout), (0, "started\n"), r.stderr)

    def test_time_limit(self):
        r = vm("echo begun; sleep 1000", timeout=25)
        self.assertEqual(r.returncode, qemu.STATUS_TIMEOUT, r.stderr)
        self.assertIn(r.stdout, ("begun\n", ""))  # a busy host may still be booting
        self.assertIn("time limit of 25 s", r.stderr)

    def test_panic(self):
        r = vm("echo c >/proc/sysrq-trigger")
        self.assertEqual(r.returncode, qemu.STATUS_PANIC, r.stderr)
        self.assertIn("panicked", r.stderr)
        self.assertIn("sysrq triggered crash", r.stderr)

    def test_panic_at_boot_is_tried_once_more(self):
        r = vm("echo ran", "--append", "rdinit=/none root=/dev/none")
        self.assertEqual((r.returncode, r.stdout), (qemu.STATUS_PANIC, ""), r.stderr)
        self.assertEqual(r.stderr.count("once more"), 1, r.stderr)

    def test_guest_lost(self):
        r = vm("echo b >/proc/sysrq-trigger; sleep 100")
        self.assertEqual(r.returncode, qemu.STATUS_LOST, r.stderr)
        self.assertIn("without a status", r.stderr)

    def test_warning_in_the_kernel_log(self):
        with tempfile.NamedTemporaryFile() as f:
            r = vm("echo 'WARNING: CPU: 0 PID: 1 at made/up.c:1' >/dev/kmsg",
                   "--console", f.name)
            self.assertIn(b"made/up.c", f.read())
        self.assertEqual(r.returncode, qemu.STATUS_KERNEL, r.stderr)
        self.assertIn("made/up.c:1", r.stderr)
        self.assertIn("ended with status 0", r.stderr)


class Places(unittest.TestCase):
    """Files and disks of the guest."""

    def test_source_is_read_only_and_out_is_kept(self):
        with tempfile.TemporaryDirectory() as out:
            r = vm("test -x /src/dev && ! touch /src/x 2>/dev/null && echo kept >/out/file",
                   "--out", out)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual((pathlib.Path(out) / "file").read_text(), "kept\n")

    def test_disk_and_share(self):
        with tempfile.TemporaryDirectory() as d:
            pathlib.Path(d, "in").write_text("from the host\n")
            disk = pathlib.Path(d, "disk")
            disk.write_bytes(b"\0" * 1048576)
            r = vm("cat /mnt/here/in; echo x >/dev/vdb; echo y >/dev/vdc",
                   "--share", f"here={d}", "--disk", str(disk), "--disk", f"{disk}2:rw")
            self.assertEqual(r.returncode, qemu.STATUS_SETUP)
            self.assertIn("no such file", r.stderr)
            pathlib.Path(f"{disk}2").write_bytes(b"\0" * 1048576)
            r = vm("cat /mnt/here/in; echo x >/dev/vdb; echo y >/dev/vdc; sync",
                   "--share", f"here={d}", "--disk", str(disk), "--disk", f"{disk}2:rw")
            self.assertEqual(r.stdout, "from the host\n", r.stderr)
            self.assertEqual(disk.read_bytes()[:1], b"\0")
            self.assertEqual(pathlib.Path(f"{disk}2").read_bytes()[:1], b"y")

    def test_system_files_are_mounted(self):
        places = "/proc /sys /dev/pts /dev/shm /tmp /run /sys/kernel/debug " \
                 "/sys/kernel/tracing /sys/fs/bpf /sys/fs/cgroup"
        r = vm(f"for d in {places}; do mountpoint -q $d || echo $d; done; hostname; uname -r")
        self.assertEqual(r.stdout.splitlines()[0], "extfuse", r.stdout + r.stderr)
        self.assertIn("6.12.", r.stdout)


class Icount(unittest.TestCase):
    def test_time_is_virtual(self):
        began = time.monotonic()
        r = vm("nproc; sleep 600; cut -d. -f1 /proc/uptime", "--icount")
        self.assertEqual(r.returncode, 0, r.stderr)
        cpus, uptime = map(int, r.stdout.split())
        self.assertEqual(cpus, 1)
        self.assertGreaterEqual(uptime, 600)
        self.assertLess(time.monotonic() - began, 110)


class Ending(unittest.TestCase):
    """Whatever ends vm/run, no QEMU stays."""

    def start(self):
        p = subprocess.Popen([RUN, "--timeout", "120", "--", "echo up; sleep 1000"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, start_new_session=True, text=True)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.stdout.close)
        self.assertEqual(p.stdout.readline(), "up\n")
        return p, descendants(p.pid)

    def assert_gone(self, pids):
        self.assertTrue(pids)
        for _ in range(100):
            if not any(map(alive, pids)):
                return
            time.sleep(0.1)
        self.fail(f"still there: {[p for p in pids if alive(p)]}")

    def end_by(self, signum, status):
        p, pids = self.start()
        os.kill(p.pid, signum)
        self.assertEqual(p.wait(timeout=30), status)
        self.assert_gone(pids)

    def test_interrupt(self):
        self.end_by(signal.SIGINT, 128 + signal.SIGINT)

    def test_term(self):
        self.end_by(signal.SIGTERM, 128 + signal.SIGTERM)

    def test_kill(self):
        self.end_by(signal.SIGKILL, -signal.SIGKILL)

    def test_interrupt_of_the_whole_group(self):
        p, pids = self.start()
        os.killpg(p.pid, signal.SIGINT)
        self.assertEqual(p.wait(timeout=30), 128 + signal.SIGINT)
        self.assert_gone(pids)


class Provision(unittest.TestCase):
    """What the Vagrantfile runs, in a Debian 13 guest without a network."""

    def test_packages_and_headers_are_found(self):
        r = vm("./dev provision --offline --check")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn("packages of vm/packages are installed", r.stderr)

    def test_builds_and_loads_the_driver(self):
        # From nothing this takes ten minutes in emulation, so it starts from a
        # copy of the build made in the same root outside, at the same path.
        if not (config.build_dir() / "extfuse.ko").exists():
            self.skipTest("kpatch was not built")
        r = vm("mkdir /tmp/up /tmp/work && mount -t overlay overlay "
               "-o lowerdir=/build,upperdir=/tmp/up,workdir=/tmp/work /build && "
               "./dev provision --offline --build-dir /build --target extfuse_ko", timeout=900)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn("extfuse.ko loads and unloads", r.stderr)

    def test_missing_package_is_named(self):
        r = vm("dpkg --force-depends --purge bindfs >/dev/null 2>&1; "
               "./dev provision --offline")
        self.assertEqual(r.returncode, 3, r.stdout + r.stderr)
        self.assertIn("not installed: bindfs", r.stderr)
