# SPDX-License-Identifier: GPL-2.0-only
"""What a report was made on and by."""

import datetime
import os
import pathlib
import platform
import shlex
import subprocess
import sys

from devlib import config


def output(argv):
    try:
        r = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (r.stdout or r.stderr).strip()


def first_line(argv):
    return (output(argv).splitlines() or [""])[0]


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gib():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def here():
    """Of the kernel this runs on: the guest's, or with --native the machine's."""
    return {"kernel": platform.release(), "cpus": os.cpu_count(), "memory_gib": memory_gib(),
            "cpu": cpu_model(), "libfuse": first_line(["fusermount3", "-V"]),
            "fio": first_line(["fio", "--version"]), "load_average": os.getloadavg()}


def commit():
    git = ["git", "-c", f"safe.directory={config.SRC}", "-C", str(config.SRC)]
    changed = output([*git, "status", "--porcelain", "--untracked-files=no"])
    return output([*git, "rev-parse", "--short=12", "HEAD"]) + (", changed" if changed else "")


def host():
    return {"date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "cpu": cpu_model(), "cpus": os.cpu_count(), "memory_gib": memory_gib(),
            "qemu": first_line(["qemu-system-x86_64", "--version"]),
            "load_average": os.getloadavg(), "commit": commit(),
            "command": shlex.join(["./dev", "bench", *sys.argv[1:]])}
