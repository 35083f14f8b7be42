# SPDX-License-Identifier: GPL-2.0-only
"""FUSE programs of Debian's archive: requests that reach them, on stock FUSE as they are
and with their own longest timeouts, and by extfuse-run. The guest's side.

Requests are counted by the tracepoint fuse_request_send, which both drivers have: all
but FORGET, which nobody waits for.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from devlib.proc import Failure, say

from extbench.mounts import BUILD, PATIENCE, mounted

PROGRAMS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "existing" / "programs.json"
TEST = BUILD / "tests" / "vm" / "existing_test"
RUN = BUILD / "tools" / "extfuse-run" / "extfuse-run"
EVENTS = pathlib.Path("/sys/kernel/tracing/events")

DIRECTORIES, FILES = 40, 50  # so many files in each
QUICK = ("longest", "private")  # what the bound is about
VARIANTS = (*QUICK, "run", "stock")
WORKLOADS = ("find", "ls -lR", "cat")


class Requests:
    """Requests to the program by their numbers, since the last look."""

    def __init__(self, driver):
        self.event = EVENTS / driver / "fuse_request_send"
        if not self.event.is_dir():
            raise Failure(f"no tracepoint {self.event}",
                          "mount -t tracefs tracefs /sys/kernel/tracing")
        with contextlib.suppress(FileExistsError):  # it counts since an earlier program
            (self.event / "trigger").write_text("hist:keys=opcode", encoding="ascii")
        self.before = {}
        self.take()

    def take(self):
        text = (self.event / "hist").read_text(encoding="ascii")
        now = {int(op): int(n) for op, n in
               re.findall(r"opcode:\s*(\d+)\s*}\s*hitcount:\s*(\d+)", text)}
        taken = {op: n - self.before.get(op, 0) for op, n in now.items()}
        self.before = now
        return {op: n for op, n in taken.items() if n}


def make_source(path):
    """2,000 files of up to a few KiB."""
    for d in range(DIRECTORIES):
        directory = path / f"directory-{d}"
        directory.mkdir(parents=True)
        for f in range(FILES):
            text = f"{d} {f}\n" * (1 + 17 * (f % 13))
            (directory / f"file-{f}").write_text(text, encoding="ascii")


def shell(command):
    r = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    if r.returncode != 0:
        raise Failure(f"{command}: {r.stdout}{r.stderr}")


def start_sshd():
    if subprocess.run(["pidof", "sshd"], capture_output=True, check=False).returncode == 0:
        return
    shell("umask 022; ip link set lo up && mkdir -p /run/sshd /root/.ssh && "
          "chmod 700 /root/.ssh && rm -f /root/.ssh/id_ed25519 && "
          "ssh-keygen -q -N '' -t ed25519 -f /root/.ssh/id_ed25519 && "
          "cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys && /usr/sbin/sshd")


def wait(what, happened):
    end = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > end:
            raise Failure(f"{what}: not after {PATIENCE} s")
        time.sleep(0.02)


class Place:
    """Directories of one program."""

    def __init__(self, work, program):
        self.program = program
        self.places = {"work": work / "work", "source": work / "source", "mnt": work / "mnt"}
        if work.exists():
            shutil.rmtree(work)
        for name in ("work", "mnt"):
            self.places[name].mkdir(parents=True)
        make_source(self.places["source"])
        if program.get("sshd"):
            start_sshd()
        if "prepare" in program:
            shell(self.filled(program["prepare"]))
        if program.get("fill"):
            with self.mount("stock"):
                shell(self.filled("cp -a {source}/. {mnt}"))

    def filled(self, text):
        for name, value in self.places.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def argv(self, variant):
        out = []
        for word in self.program["argv"]:
            if word != "{options}":
                out.append(self.filled(word))
            elif variant == "longest":
                out += self.program["longest"]
        if variant in ("run", "private"):
            option = ["--private"] if variant == "private" else []
            out = [str(RUN), "-f", *option, "--", *out]
        return out

    def mount(self, variant):
        return Mounted(self, variant)


class Mounted:
    def __init__(self, place, variant):
        self.place, self.mnt = place, place.places["mnt"]
        self.argv = place.argv(variant)
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL)

        def ready():
            if self.process.poll():
                raise Failure(f"{' '.join(self.argv)} ended with {self.process.returncode}")
            return mounted(self.mnt)

        wait(f"{self.argv[0]} mounts", ready)
        return self

    def __exit__(self, *_exc):
        subprocess.run(["umount", str(self.mnt)], check=False)
        self.process.wait(timeout=PATIENCE)
        name = self.place.program["argv"][0]
        wait(f"{name} ends", lambda: subprocess.run(
            ["pidof", name], capture_output=True, check=False).returncode != 0)


def work_through(workload, mnt, links):
    """Does it; a digest of what it printed. links: the program always says the same
    number of them."""
    if workload == "find":
        argv = ["find", "."]
    elif workload == "ls -lR":
        argv = ["ls", "-lR"]
    else:
        argv = ["cat", *(f"directory-{d}/file-{f}" for d in range(DIRECTORIES)
                         for f in range(FILES))]
    r = subprocess.run(argv, cwd=mnt, capture_output=True, check=False)
    out = r.stdout
    if workload == "ls -lR":  # how many blocks a directory has is nobody's business
        out = b"\n".join(line for line in out.split(b"\n") if not line.startswith(b"total"))
        if not links:
            out = re.sub(rb"(?m)^([-a-z]{10})\s+\d+\s+", rb"\1 ", out)
    return hashlib.sha256(out + r.stderr + str(r.returncode).encode()).hexdigest()


def measure(place, variant):
    """Requests of the second pass of each workload, and what it printed."""
    row = {"requests": {}, "operations": {}, "outputs": {}}
    links = place.program.get("links", True)
    with place.mount(variant) as m:
        requests = Requests("extfuse" if variant in ("run", "private") else "fuse")
        for workload in WORKLOADS:
            work_through(workload, m.mnt, links)
            requests.take()
            row["outputs"][workload] = work_through(workload, m.mnt, links)
            taken = requests.take()
            row["operations"][workload] = taken
            row["requests"][workload] = sum(taken.values())
    row["total"] = sum(row["requests"].values())
    return row


def identical(name):
    """Whether the program's tests pass."""
    out = pathlib.Path("/tmp/existing.json")
    wanted = f"Programs/*/{name.replace('-', '')}"
    subprocess.run([str(TEST), f"--gtest_filter={wanted}", f"--gtest_output=json:{out}"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    tests = [t for suite in json.loads(out.read_text(encoding="utf-8"))["testsuites"]
             for t in suite["testsuite"]]
    return bool(tests) and not any("failures" in t for t in tests)


def programs():
    return json.loads(PROGRAMS.read_text(encoding="utf-8"))


def run(work, quick, name, save):
    """Of one program. save() is given what there is after each variant, too: a guest may
    not live to the end."""
    if not (EVENTS / "fuse").is_dir():
        subprocess.run(["mount", "-t", "tracefs", "tracefs", "/sys/kernel/tracing"], check=False)
    os.umask(0o022)
    program = next(p for p in programs() if p["name"] == name)
    row = {"name": name, "library": program["library"], "longest": program["longest"],
           "variants": {}, "failed": "", "identical": None}
    try:
        place = Place(pathlib.Path(work) / "existing", program)
        for variant in QUICK if quick else VARIANTS:
            began = time.monotonic()
            row["variants"][variant] = measure(place, variant)
            say(f"-- existing: {name}, {variant}: {time.monotonic() - began:.0f} s")
            save(row)
    except (Failure, OSError, subprocess.SubprocessError) as e:
        say(f"bench: {name}: {e}")
        row["failed"] = str(e)
    row["identical"] = identical(name)
    return row
