# SPDX-License-Identifier: GPL-2.0-only
"""The host's side: a VM for a job of bench/guest, its result back as JSON."""

import contextlib
import json
import os
import pathlib
import subprocess
import threading
from dataclasses import dataclass

from devlib import config, proc
from devlib.proc import Failure

RESULTS = "bench"  # below /out
GRACE = 40  # seconds: a kernel's source may have to be removed


def result_file(name):
    """Where a job leaves its result: on the host, and as the guest sees it."""
    out = pathlib.Path(os.environ.get("EXTFUSE_OUT") or config.out_dir()) / RESULTS
    out.mkdir(parents=True, exist_ok=True)
    return out / name, f"/out/{RESULTS}/{name}"


@dataclass
class Job:
    """A command that leaves its result in path. watch: is given each line that it prints,
    by a thread of its own."""

    path: pathlib.Path
    argv: list
    watch: object = None
    env: dict | None = None
    grace: int = 3  # seconds to clean up when it is ended


def run_jobs(jobs):
    """All side by side. [(status, what the job wrote or None)]"""
    failures = []

    def pump(job, child):
        try:
            for line in child.stdout:
                job.watch(line.rstrip("\n"))
        except Exception as e:  # such as nobody left to tell: they would go on for long
            failures.append(e)
            for c in children:
                proc.end(c)

    for job in jobs:
        job.path.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(proc.child(
            job.argv, job.grace, env=job.env, text=True,
            stdout=subprocess.PIPE if job.watch else None))
            for job in jobs]
        pumps = [threading.Thread(target=pump, args=pair, daemon=True)
                 for pair in zip(jobs, children, strict=True) if pair[0].watch]
        for p in pumps:
            p.start()
        for p in pumps:
            p.join()
        statuses = [c.wait() for c in children]
    if failures:
        raise failures[0]
    return [(status, json.loads(job.path.read_text(encoding="utf-8"))
             if job.path.exists() else None) for job, status in zip(jobs, statuses, strict=True)]


def guest_job(job, args, vm_args, timeout, watch=None, name=""):
    """A VM for `bench/guest job args`. name: where several do the same job."""
    path, inside = result_file(f"{name or job}.json")
    build = os.environ.get("EXTFUSE_BUILD") or str(config.build_dir())
    return Job(path, [
        str(config.VM / "run"), "--timeout", str(timeout), "--build", build, *vm_args, "--",
        "/src/bench/guest", job, "--out", inside, *args], watch)


def run_guest(*job, **more):
    """guest_job() alone: (status, what the job wrote or None)."""
    return run_jobs([guest_job(*job, **more)])[0]


def run_here(job, args, watch):
    """The same on this machine itself; whatever becomes of us, its mounts vanish with it."""
    path, _ = result_file(f"{job}.json")
    env = dict(os.environ, EXTFUSE_BUILD=os.environ.get("EXTFUSE_BUILD")
               or str(config.build_dir()))
    argv = [str(config.SRC / "bench" / "guest"), job, "--out", str(path), *args]
    return run_jobs([Job(path, proc.in_namespaces(argv, proc=True), watch, env, GRACE)])[0]


def need(status, result, what):
    if status != 0 or result is None:
        raise Failure(f"{what} failed in the guest (status {status})",
                      "its messages are above; vm/run --help explains 120 to 124",
                      status or 1)
    return result


def write_json(path, value):
    if not path:
        return
    try:
        pathlib.Path(path).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    except OSError as e:
        raise Failure(f"--json {path}: {e.strerror}", "name a file that can be written") from e


def check_json(path):
    """Before minutes are spent."""
    if path and not os.access(pathlib.Path(path).absolute().parent, os.W_OK):
        raise Failure(f"--json {path}: its directory cannot be written",
                      "name a file that can be written", 2)
