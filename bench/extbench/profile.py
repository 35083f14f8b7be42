# SPDX-License-Identifier: GPL-2.0-only
"""Where the instructions of a figure go: by part and by function.

In the guest the operation runs between two marks; a plugin of QEMU counts what
is executed between them; the guest's symbols give it names.
"""

import bisect
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from devlib import config
from devlib.proc import Failure

from extbench import host, measure, mounts, report, rows

ITERATIONS = 500
ICOUNT = ("--icount", "--mem", "2G")
DEFAULT = (f"fstat@native-{rows.LOWER}", "fstat@meta:hit", "fstat@meta:warm",
           f"stat8@native-{rows.LOWER}", "stat8@meta:hit", "stat8@meta:warm",
           "stat8@meta-dp:warm", "pread4k@direct:map", "stat1@none:unhandled",
           "stat1@none:absent")

# Parts of a stacked bar: the first that fits. Queue: what a request is put into, taken
# from and copied by, on its way to the daemon and back, whichever driver does it.
PARTS = (
    ("program", re.compile(r"^user program|^user$")),
    ("libfuse", re.compile(r"^user libfuse")),
    ("daemon", re.compile(r"^user daemon")),
    ("handler", re.compile(r"^bpf_prog_.*_(lookup|getattr|read)\b|^bpf_prog_")),
    ("map lookup", re.compile(r"_map_lookup_elem|^__?htab_|^bpf_map_")),
    ("trampoline", re.compile(r"^bpf_trampoline|^__bpf_prog|^bpf_struct_ops|^migrate_")),
    ("queue", re.compile(r"^_*fuse_(queue|dev|copy|ref|get_req|put_req|request|req|simple|"
                         r"read_|args|drop_waiting|force|len_args|get_unique|adjust)")),
    ("driver", re.compile(r"\[extfuse\]$")),
    ("stock FUSE", re.compile(r"^fuse_|^__fuse_")),
    ("wake-up", re.compile(r"wake|ttwu|futex|prepare_to_wait|finish_wait")),
    ("switch", re.compile(r"sched|switch|enqueue|dequeue|pick_|update_curr|finish_task|rq_|"
                          r"pelt|load_avg|entity")),
    ("copy", re.compile(r"copy_|memcpy|memset|memmove|rep_movs|rep_stos|clear_user|iov_iter")),
    ("system call", re.compile(r"entry_SYSCALL|syscall_|do_syscall|x64_sys_call|__x64_sys")),
    ("VFS and other", re.compile("")),
)

# ./dev bench breakdown: the hits, and the misses with what stock does.
BREAKDOWN = {
    "answered in the kernel": (
        f"fstat@native-{rows.LOWER}", "fstat@meta:warm", "fstat@meta:hit",
        f"open-pread-close@native-{rows.LOWER}", "open-pread-close@data:warm",
        "open-pread-close@backing:warm",
        f"stat8@native-{rows.LOWER}", "stat8@meta:warm", "stat8@meta:hit"),
    "sent to the daemon": ("fstat@stock", "fstat@none:unhandled", "fstat@none:absent",
                           "open-pread-close@stock", "open-pread-close@none:absent",
                           "stat1@stock", "stat1@none:absent",
                           "create-unlink@stock", "create-unlink@none:absent"),
}


# ---------------------------------------------------------------------------
# In the guest

def user_code(pid, name):
    """[(first address, end, whose code)] of a process."""
    out = []
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="ascii").splitlines():
        words = line.split()
        if "x" in words[1] and not words[-1].startswith("[vsyscall"):
            first, end = (int(w, 16) for w in words[0].split("-"))
            part = "libfuse" if "libfuse" in words[-1] else name
            out.append((first, end, f"user {part}"))
    return out


def run_in_guest(names, out):
    """One window per figure, in this order; the symbols beside the result."""
    by_name = {f.name: f for f in rows.figures()}
    done = []
    with measure.Bench("/tmp/bench", quick=True) as bench:
        for name in names:
            figure = by_name[name]
            program = bench.program(figure)
            if not figure.native:
                bench.daemon(figure.mount).enter_mode(rows.MODES[figure.mode])
            program.ask("warm 50")
            before = bench.counters(figure)
            code = user_code(program.process.pid, "program")
            if not figure.native:
                code += user_code(bench.daemon(figure.mount).pid, "daemon")
            program.ask(f"profile {ITERATIONS}")
            moved = mounts.delta(bench.counters(figure), before)
            done.append({"name": name, "code": code,
                         "refused": measure.disagreement(figure, moved, ITERATIONS)})
        shutil.copyfile("/proc/kallsyms", pathlib.Path(out).parent / "kallsyms")
    return {"figures": done}


# ---------------------------------------------------------------------------
# On the host

@contextlib.contextmanager
def qemu_with_plugin(counts):
    """vm/run has no words for plugins: a qemu in front of the real one in PATH."""
    real = shutil.which("qemu-system-x86_64")
    build = os.environ.get("EXTFUSE_BUILD") or str(config.build_dir())
    plugin = pathlib.Path(build) / "bench" / "libinsn-count.so"
    if not plugin.exists():
        raise Failure(f"no {plugin}", "run ./dev build")
    before = os.environ["PATH"]
    with tempfile.TemporaryDirectory(prefix="extfuse-profile.") as d:
        wrapper = pathlib.Path(d) / "qemu-system-x86_64"
        wrapper.write_text(f'#!/bin/sh\nexec "{real}" "$@" -plugin "{plugin},out={counts}"\n',
                           encoding="utf-8")
        wrapper.chmod(0o755)
        os.environ["PATH"] = f"{d}:{before}"
        try:
            yield
        finally:
            os.environ["PATH"] = before


class Symbols:
    def __init__(self, path):
        pairs = []
        with open(path, encoding="utf-8") as f:
            for line in f:
                words = line.split()
                if words[1] in "tTwW":
                    module = f" {words[3]}" if len(words) > 3 else ""
                    pairs.append((int(words[0], 16), words[2] + module))
        pairs.sort()
        self.addresses = [a for a, _ in pairs]
        self.names = [n for _, n in pairs]

    def name(self, address, code=()):
        if address < 1 << 63:
            return next((who for first, end, who in code if first <= address < end), "user")
        i = bisect.bisect_right(self.addresses, address) - 1
        return self.names[i] if i >= 0 else hex(address)


def read_windows(path, symbols, codes):
    """[{function: instructions of one iteration}]; codes: user_code() of each window."""
    windows = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line == "window\n":
                windows.append({})
                continue
            address, instructions, executions = line.split()
            name = symbols.name(int(address, 16), codes[len(windows) - 1])
            windows[-1][name] = windows[-1].get(name, 0) + int(instructions) * int(executions)
    return [{n: c / ITERATIONS for n, c in w.items()} for w in windows]


def part_of(name):
    return next(part for part, pattern in PARTS if pattern.search(name))


def by_part(window):
    sums = {part: 0 for part, _ in PARTS}
    for name, n in window.items():
        sums[part_of(name)] += n
    return sums


def profile(names):
    known = {f.name for f in rows.figures()}
    unknown = [n for n in names if n not in known]
    if unknown:
        raise Failure(f"no such figure: {', '.join(unknown)}",
                      "figures: " + " ".join(sorted(known)), 2)
    counts, _ = host.result_file("counts")
    symbols_path, _ = host.result_file("kallsyms")
    with qemu_with_plugin(counts):
        status, result = host.run_guest("profile", names, ICOUNT, 900)
    host.need(status, result, "bench profile")
    windows = read_windows(counts, Symbols(symbols_path),
                           [f.pop("code") for f in result["figures"]])
    subprocess.run(["rm", "-f", str(counts), str(symbols_path)], check=False)
    for figure, window in zip(result["figures"], windows, strict=True):
        figure["functions"] = dict(sorted(window.items(), key=lambda p: -p[1]))
        figure["parts"] = by_part(window)
        figure["total"] = sum(window.values())
    return result


def print_result(result, top):
    parts = [p for p, _ in PARTS]
    lines = [[f["name"], *(report.number(f["parts"][p]) for p in parts),
              report.number(f["total"])] for f in result["figures"]]
    print(report.table(["figure", *parts, "all"], lines, right=range(1, len(parts) + 2)))
    for f in result["figures"]:
        print(f"\n{f['name']}" + (f"  REFUSED: {f['refused']}" if f["refused"] else ""))
        for name, n in list(f["functions"].items())[:top]:
            print(f"{n:10.1f}  {part_of(name):14}  {name}")
