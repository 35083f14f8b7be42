# SPDX-License-Identifier: GPL-2.0-only
"""Builds the clone inside the root, by plain cmake."""

import os
import shlex
import subprocess
import sys

from devlib import config, proc
from devlib.proc import Failure

# The mounts are made in the namespaces of proc.in_namespaces() and vanish with
# them. The root itself is read-only, so that no build can alter it; there is no
# network, so that no build can depend on it.
ENTER = r"""
set -eu
root=$1 src=$2 build=$3 ccache=$4 out=$5 srv=$6
shift 6
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" || mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 run "$root/run"
mount --bind "$src" "$root/src"
mount -o remount,ro,bind "$root/src"
mount --bind "$build" "$root/build"
mount --bind "$out" "$root/out"
mount --bind "$ccache" "$root/var/cache/ccache"
[ -z "$srv" ] || mount --bind "$srv" "$root/srv"
chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	HOME=/tmp LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" CCACHE_DIR=/var/cache/ccache \
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
	sh -c 'ip link set lo up; cd /src; exec "$@"' sh "$@"
"""


def in_root(root, argv, srv=""):
    """argv, run in the root with /src, /build and /out; srv: a directory for /srv."""
    dirs = [config.build_dir(), config.cache() / "ccache", config.out_dir()]
    for d in dirs:
        d.mkdir(parents=True, exist_ok=True)
    build, ccache, out = map(str, dirs)
    enter = ["sh", "-c", ENTER, "enter-root", str(root.tree), str(config.SRC), build,
             ccache, out, str(srv), *argv]
    return proc.in_namespaces(enter, net=True)


def run_in_root(root, argv, **kw):
    """Runs in the root with our output; returns the exit status."""
    with proc.child(in_root(root, argv), **kw) as c:
        return c.wait()


def lock():
    return proc.lock(str(config.work_dir() / "build.lock"))


def configure_argv(options):
    return ["cmake", "-S", "/src", "-B", "/build", "-G", "Ninja",
            "-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache",
            # Only for tests; packages are built without.
            "-DEXTFUSE_MISTAKES=ON",
            *options]


def build(root, options=(), targets=(), verbose=False):
    """Configures if needed, builds what has changed."""
    log = str(config.log_dir() / "build.log")
    with lock():
        if os.path.exists(log):
            os.unlink(log)
        forget_other_root(root)
        cache = config.build_dir() / "CMakeCache.txt"
        ninja = config.build_dir() / "build.ninja"
        if options or not ninja.exists() or not has_mistakes(cache):
            run_step(root, "configuring", configure_argv(options), log, verbose)
        argv = ["cmake", "--build", "/build"]
        if targets:
            argv += ["--target", *targets]
        run_step(root, "building", argv, log, verbose)


def has_mistakes(cache):
    """Configured as above, not by an older version of this."""
    return (cache.exists() and
            "EXTFUSE_MISTAKES:BOOL=ON" in cache.read_text(encoding="utf-8").split("\n"))


def forget_other_root(root):
    """A build tree made in another root has stale compilers and headers in it."""
    mark = config.build_dir() / ".extfuse-root"
    name = root.dir.name
    if config.build_dir().exists() and mark.exists() and mark.read_text() != name:
        proc.check_output(["rm", "-rf", str(config.build_dir())], "removing an old build")
    config.build_dir().mkdir(parents=True, exist_ok=True)
    mark.write_text(name)


def run_step(root, label, argv, log, verbose):
    if not verbose:
        proc.step(label, in_root(root, argv), log)
        return
    status = run_in_root(root, argv)
    if status != 0:
        raise Failure(f"{label} failed: {shlex.join(argv)}", status=status)


def script_in_root(root, script, args=(), **kw):
    """A script of the clone, run in the root with inherited stdin and stdout."""
    return run_in_root(root, [script, *args], stdin=subprocess.DEVNULL,
                       stdout=kw.pop("stdout", sys.stdout), **kw)
