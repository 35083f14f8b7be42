# SPDX-License-Identifier: GPL-2.0-only
"""./dev test: host tests in the root, tests in the guest, tests of the harness."""

import fnmatch
import json
import os
import shlex
import shutil
import subprocess
import sys

from devlib import build, config, debugkernel, proc, qemu, results
from devlib.proc import say
from devlib.results import Results

BINARY_TIMEOUT = 600
VM_TIMEOUT = 3000


def add_options(q):
    q.add_argument("--filter", default="", metavar="PATTERN",
                   help="GoogleTest's filter syntax; without * it matches parts of names")
    only = q.add_mutually_exclusive_group()
    only.add_argument("--host-only", action="store_true", help="no VM")
    only.add_argument("--vm-only", action="store_true", help="only the tests in the guest")
    only.add_argument("--harness-only", action="store_true",
                      help="only the tests of ./dev and vm/ themselves")
    only.add_argument("--sanitize", action="store_true",
                      help="only the tests in the guest, on a debug kernel (KASAN, lockdep, "
                           "RCU, kmemleak), which is built the first time: half an hour, "
                           f"{debugkernel.NEED_DISK_GIB} GB")
    q.add_argument("--timeout", type=int, metavar="SECONDS",
                   help=f"for one test binary in the guest (default {BINARY_TIMEOUT}; "
                        f"{BINARY_TIMEOUT * debugkernel.SLOWER} with --sanitize)")


def whole(pattern):
    """A GoogleTest filter; a plain word matches anywhere."""
    if not pattern or any(c in pattern for c in "*?:-"):
        return pattern
    return f"*{pattern}*"


def filter_to_regex(pattern):
    """(include, exclude) regular expressions for ctest of a GoogleTest filter."""
    positive, _, negative = pattern.partition("-")

    def regex(globs):
        parts = [fnmatch.translate(g) for g in globs.split(":") if g]
        parts = [p.removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
                 for p in parts]
        return "^(" + "|".join(parts) + ")$" if parts else ""

    return regex(positive), regex(negative)


def heading(text):
    print(f"== {text}", flush=True)


def report(r):
    for name in r.passed:
        if os.environ.get("EXTFUSE_VERBOSE"):
            print(f"   passed  {name}")
    for name, reason in r.skipped:
        print(f"   skipped {name}: {reason}")
    for name, reason in r.failed:
        print(f"   FAILED  {name}: {reason}")
    print(f"   {r.counts()}", flush=True)


def fresh(path):
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    return path


def host_tests(root, pattern):
    heading("host tests (ctest -L host)")
    out = fresh(config.out_dir() / "host")
    argv = ["ctest", "--test-dir", "/build", "-L", "host", "--output-on-failure",
            "--no-tests=ignore", "--timeout", "300", "-j", str(os.cpu_count() or 1),
            "--output-junit", "/out/host/ctest.xml"]
    include, exclude = filter_to_regex(whole(pattern))
    argv += (["-R", include] if include else []) + (["-E", exclude] if exclude else [])
    log = out / "ctest.log"
    with open(log, "wb") as f, build.lock():
        status = build.run_in_root(root, argv, stdout=f, stderr=subprocess.STDOUT)
    xml = out / "ctest.xml"
    r = results.read_xml(xml) if xml.exists() else Results()
    if status != 0 and not r.failed:
        r.fail("ctest", f"exit status {status}, see {log}")
    if r.failed:
        show_log(log)
    report(r)
    return r


def show_log(path, lines=200):
    for line in proc.tail(path, lines):
        print("   | " + line)


def vm_binaries():
    d = config.build_dir() / "tests" / "vm"
    found = sorted(d.glob("*_test")) if d.is_dir() else []
    return [p.name for p in found if os.access(p, os.X_OK) and p.is_file()]


def vm_tests(root, a):
    heading("tests in the guest")
    names = vm_binaries()
    r = Results()
    if not names:
        print("   none built")
        return r
    out = fresh(config.out_dir() / "vm")
    o = qemu.Options(root=root, timeout=VM_TIMEOUT, console=str(out / "console.log"),
                     shares=qemu.default_shares())
    limit = a.timeout or BINARY_TIMEOUT
    if a.sanitize:
        debugkernel.prepare(o)
        o.timeout *= debugkernel.SLOWER
        limit = a.timeout or BINARY_TIMEOUT * debugkernel.SLOWER
    argv = ["/src/tests/run-in-guest", "--timeout", str(limit),
            "--filter", whole(a.filter)]
    status = qemu.run(o, " ".join(map(shlex.quote, argv)))
    r = sum_guest(out, names, status, bool(a.filter))
    report(r)
    return r


def read_events(out):
    path = out / "events.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [json.loads(w) for w in lines if w.endswith("}")]


def sum_guest(out, names, status, filtered):
    """Results of one guest run from the events its runner left in /out."""
    r = Results()
    events = read_events(out)
    started = {e["name"] for e in events if e["event"] == "start"}
    ended = {e["name"] for e in events if e["event"] == "end"}
    complaints = False
    for e in events:
        if e["event"] == "end":
            sum_binary(r, out, e, filtered)
            complaints = complaints or bool(e["kernel"])
    why = qemu_words(status)
    for name in names:
        if name in started - ended:
            part, running = results.read_gtest_log(read_log(out, name), f"{name}: ")
            r.add(part)
            r.fail(f"{name}: {running or '(between tests)'}", f"the guest was lost: {why}")
        elif name not in started:
            r.fail(name, f"not run: {why}")
    if status == qemu.STATUS_KERNEL and not complaints:
        r.fail("kernel log", f"complaints outside the tests, see {out}/console.log")
    elif status not in (0, 1, qemu.STATUS_KERNEL) and not r.failed:
        r.fail("guest", why)
    return r


def qemu_words(status):
    return {qemu.STATUS_PANIC: "kernel panic", qemu.STATUS_LOST: "ended without a status",
            qemu.STATUS_TIMEOUT: "time limit of the whole guest",
            qemu.STATUS_KERNEL: "complaints in the kernel log"}.get(
                status, f"exit status {status}")


def read_log(out, name):
    path = out / f"{name}.log"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def sum_binary(r, out, e, filtered):
    name, prefix = e["name"], f"{e['name']}: "
    xml = out / f"{name}.xml"
    if e["outcome"] == "ended" and xml.exists():
        part, running = results.read_xml(xml, prefix), None
    else:
        part, running = results.read_gtest_log(read_log(out, name), prefix)
    r.add(part)
    if e["outcome"] == "timeout":
        r.fail(prefix + (running or "(between tests)"), f"time limit of {e['limit']} s ran out")
    elif e["outcome"] == "crashed" or not xml.exists():
        r.fail(prefix + (running or "(outside tests)"), f"crashed: {e['detail']}")
    elif e["status"] != 0 and not part.failed:
        r.fail(name, f"exit status {e['status']} though no case failed")
    elif part.total() + len(part.skipped) == 0 and not filtered:
        r.fail(name, "ran no test")
    if e["kernel"]:
        r.fail(f"{name}: kernel log", "; ".join(e["kernel"][:3]))


def harness_tests(pattern):
    heading("tests of ./dev and vm/")
    xml = fresh(config.out_dir() / "harness") / "harness.xml"
    argv = [sys.executable, "-m", "devlib.unit", str(config.SRC / "tests/harness"), str(xml)]
    argv += ["-k", pattern] if pattern else []
    with proc.child(argv, stdout=sys.stdout) as c:
        status = c.wait()
    r = results.read_xml(xml) if xml.exists() else Results()
    if status not in (0, 1):
        r.fail("harness", f"exit status {status}")
    report(r)
    return r


def run(root, a):
    build.build(root)
    every = not (a.host_only or a.vm_only or a.harness_only or a.sanitize)
    r = Results()
    if every or a.host_only:
        r.add(host_tests(root, a.filter))
    if every or a.vm_only or a.sanitize:
        r.add(vm_tests(root, a))
    if every or a.harness_only:
        r.add(harness_tests(a.filter))
    return conclude(r)


def conclude(r):
    results.write_junit(config.out_dir() / "results.xml", r)
    heading("all tests")
    for name, reason in r.failed:
        print(f"   FAILED  {name}: {reason}")
    if r.total() == 0:
        say("dev: no test ran" + ("; does --filter match any?" if not r.skipped else ""))
    print(r.summary(), flush=True)
    return 1 if r.failed or r.total() == 0 else 0
