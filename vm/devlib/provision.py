# SPDX-License-Identifier: GPL-2.0-only
"""./dev provision: makes a running Debian 13 itself the build and test machine.

The Vagrantfile uses it, and so can a person on a Debian 13 host. With --offline
nothing is fetched: what is missing is listed instead.
"""

import os
import pathlib
import re
import subprocess
import tempfile

from devlib import config, host, proc
from devlib.proc import Failure, say


def add_options(q):
    q.add_argument("--offline", action="store_true",
                   help="install nothing; fail if a package is missing")
    q.add_argument("--check", action="store_true", help="only check, do not build")
    q.add_argument("--build-dir", default="/var/tmp/extfuse-build", metavar="DIR",
                   help="where to build (default %(default)s)")
    q.add_argument("--target", action="append", default=[], metavar="TARGET",
                   help="build this target only")
    q.add_argument("--no-load", action="store_true", help="do not try the driver")


def os_release():
    try:
        with open("/etc/os-release", encoding="utf-8") as f:
            pairs = (line.rstrip("\n").partition("=") for line in f)
            return {k: v.strip('"') for k, _, v in pairs}
    except OSError:
        return {}


def check_system():
    o = os_release()
    if o.get("ID") != "debian" or o.get("VERSION_ID") != "13":
        raise Failure(f"this is {o.get('PRETTY_NAME', 'no known system')}, "
                      "not Debian 13 (trixie)",
                      "elsewhere, ./dev test makes a Debian 13 root and VM by itself", 2)


def missing():
    """Packages of vm/packages that are not installed here."""
    r = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"],
                       capture_output=True, text=True, check=True)
    have = {line.split()[-1] for line in r.stdout.splitlines() if line.startswith("ii")}
    return [p for p in config.package_list() if p not in have]


def install(packages):
    log = "/var/log/extfuse-provision.log"
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    hint = "is the network up, and does apt-get update work? Then run this again"
    proc.step("apt-get update", host.apt("update"), log, hint, env=env)
    proc.step(f"installing {len(packages)} packages",
              host.apt("install", "--no-install-recommends", *packages), log, hint, env=env)


def missing_sources():
    """Packages of vm/sources that are not in their place."""
    where = pathlib.Path(config.SOURCES_DIR)
    return [p for p in config.package_list(config.SOURCES) if not any(where.glob(f"{p}_*.dsc"))]


def source_lists(target):
    """This machine's lists of packages as lists of their sources, below target."""
    parts = pathlib.Path(target) / "parts"
    parts.mkdir()
    apt = pathlib.Path("/etc/apt")
    for path in (apt / "sources.list", *(apt / "sources.list.d").glob("*")):
        if path.suffix in (".list", ".sources") and path.is_file():
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"^(Types:.*|)\bdeb\b(?!-src)", r"\1deb-src", text, flags=re.MULTILINE)
            (parts / path.name).write_text(text, encoding="utf-8")
    return parts


def fetch_sources(packages):
    """By apt, with lists of its own: this machine's stay as they are."""
    where = pathlib.Path(config.SOURCES_DIR)
    log = "/var/log/extfuse-provision.log"
    with tempfile.TemporaryDirectory() as tmp:
        options = [w for o in ("Dir::Etc::SourceList=/dev/null",
                               f"Dir::Etc::SourceParts={source_lists(tmp)}",
                               f"Dir::State::lists={tmp}", "APT::Sandbox::User=root")
                   for w in ("-o", o)]
        where.mkdir(parents=True, exist_ok=True)
        hint = "is the network up, and does apt-get update work? Then run this again"
        proc.step("apt-get update of source packages", host.apt(*options, "update"), log, hint)
        proc.step("fetching " + " ".join(packages),
                  host.apt(*options, "source", "--download-only", *packages), log, hint,
                  cwd=str(where))


def check_headers():
    """The driver is built against the running kernel's headers."""
    release = os.uname().release
    if not os.path.isdir(f"/lib/modules/{release}/build"):
        raise Failure(f"no kernel headers for the running kernel {release}",
                      "an upgrade may have brought a newer kernel: reboot into it, "
                      f"or apt-get install linux-headers-{release}")
    say(f"-- kernel {release}, headers found")


def build(a):
    os.makedirs(a.build_dir, exist_ok=True)
    log = os.path.join(a.build_dir, "provision.log")
    proc.step("configuring", ["cmake", "-S", str(config.SRC), "-B", a.build_dir,
                              "-G", "Ninja"], log)
    argv = ["cmake", "--build", a.build_dir]
    if a.target:
        argv += ["--target", *a.target]
    proc.step("building", argv, log)


def try_driver(a):
    """Loads the driver once and takes it out again."""
    ko = find_driver(a.build_dir)
    if not ko:
        raise Failure(f"no extfuse.ko in {a.build_dir}", "was kpatch built?")
    if os.path.isdir("/sys/module/extfuse"):
        say("-- a driver is loaded already; left alone")
        return
    proc.check_output(["insmod", ko], "loading the driver",
                      "see dmesg; with Secure Boot, modules must be signed")
    proc.check_output(["rmmod", "extfuse"], "unloading the driver")
    say(f"-- {ko} loads and unloads")


def find_driver(build_dir):
    top = os.path.join(build_dir, "extfuse.ko")
    return top if os.path.exists(top) else None


def run(a):
    check_system()
    host.need_root()
    packages = missing()
    if packages and (a.offline or a.check):
        raise Failure("not installed: " + " ".join(packages),
                      "run ./dev provision with a network", 3)
    if packages:
        install(packages)
    say(f"-- all {len(config.package_list())} packages of vm/packages are installed")
    sources = missing_sources()
    if sources and (a.offline or a.check):
        raise Failure("no source of: " + " ".join(sources),
                      "run ./dev provision with a network", 3)
    if sources:
        fetch_sources(sources)
    check_headers()
    if a.check:
        return 0
    build(a)
    if not a.no_load:
        try_driver(a)
    return 0
