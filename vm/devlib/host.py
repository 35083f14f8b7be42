# SPDX-License-Identifier: GPL-2.0-only
"""What the host must have: rights, programs, Debian packages."""

import os
import shutil
import subprocess

from devlib import config, proc
from devlib.proc import Failure, say

# program -> the Debian package that has it
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "chroot": "coreutils",
    "xz": "xz-utils",
    "pgrep": "procps",
    "git": "git",
}
FILES = {
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}


def missing_packages():
    want = {pkg for prog, pkg in PROGRAMS.items() if not find(prog)}
    want |= {pkg for path, pkg in FILES.items() if not os.path.exists(path)}
    return sorted(want)


def find(program):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return shutil.which(program, path=path)


def ensure():
    """Everything that ./dev needs on this machine; installs what is missing."""
    need_root()
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    packages = missing_packages()
    if packages:
        install(packages)
    need_namespaces()


def need_root():
    if os.geteuid() != 0:
        raise Failure("this needs root: it installs packages and makes a root directory",
                      "run it as sudo ./dev ..., or in a machine where you are root", 2)


def need_namespaces():
    r = subprocess.run(proc.in_namespaces(["true"]), capture_output=True, text=True,
                       check=False)
    if r.returncode != 0:
        raise Failure("no mount and process namespaces can be made here: "
                      + r.stderr.strip(),
                      "in a container, give it CAP_SYS_ADMIN (docker run --privileged)", 2)


def apt(*words):
    return ["apt-get", "-q", "-y", "-o", "Acquire::Retries=3",
            "-o", "DPkg::Lock::Timeout=300", *words]


def install(packages):
    if not find("apt-get"):
        raise Failure("missing: " + " ".join(packages),
                      "this is no Debian; install them by your package manager", 2)
    log = str(config.cache() / "log" / "apt.log")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    hint = "is the network up, and does apt-get update work? Then run this again"
    proc.step("apt-get update", apt("update"), log, hint, env=env)
    proc.step("installing " + " ".join(packages),
              apt("install", "--no-install-recommends", *packages), log, hint, env=env)
    rest = missing_packages()
    if rest:
        raise Failure("still missing after apt-get install: " + " ".join(rest), hint, 2)
    say("-- installed: " + " ".join(packages))
