# SPDX-License-Identifier: GPL-2.0-only
"""The host's side: a VM for a job of bench/guest, its result back as JSON."""

import contextlib
import json
import os
import pathlib
import subprocess

from devlib import config, proc
from devlib.proc import Failure

RESULTS = "bench"  # below /out


def result_file(name):
    """Where a job leaves its result: on the host, and as the guest sees it."""
    out = pathlib.Path(os.environ.get("EXTFUSE_OUT") or config.out_dir()) / RESULTS
    out.mkdir(parents=True, exist_ok=True)
    return out / name, f"/out/{RESULTS}/{name}"


def run_job(path, argv, watch=None, env=None):
    """(status, what the job wrote to path or None). watch: is given each line that it
    prints."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    piped = {"stdout": subprocess.PIPE, "text": True} if watch else {}
    with proc.child(argv, env=env, **piped) as c:
        if watch:
            for line in c.stdout:
                watch(line.rstrip("\n"))
        status = c.wait()
    if not path.exists():
        return status, None
    return status, json.loads(path.read_text(encoding="utf-8"))


def run_guest(job, args, vm_args, timeout, watch=None):
    """Boots a VM for `bench/guest job args`; returns what run_job() does."""
    path, inside = result_file(f"{job}.json")
    build = os.environ.get("EXTFUSE_BUILD") or str(config.build_dir())
    return run_job(path, [
        str(config.VM / "run"), "--timeout", str(timeout), "--build", build, *vm_args, "--",
        "/src/bench/guest", job, "--out", inside, *args], watch)


def run_here(job, args, watch):
    """The same on this machine itself."""
    path, _ = result_file(f"{job}.json")
    env = dict(os.environ, EXTFUSE_BUILD=os.environ.get("EXTFUSE_BUILD")
               or str(config.build_dir()))
    return run_job(path, [str(config.SRC / "bench" / "guest"), job, "--out", str(path), *args],
                   watch, env)


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
