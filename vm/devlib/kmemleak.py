# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's leak detector, in the guest of a debug kernel; also lockdep's state."""

import contextlib
import pathlib
import re
import time

CONTROL = pathlib.Path("/sys/kernel/debug/kmemleak")
LOCKDEP = pathlib.Path("/proc/lockdep_stats")
# Objects younger than five seconds are not reported, and one counts only if its
# contents are the same in two scans.
MIN_AGE = 6


def split(text):
    """The reports in kmemleak's file, one string each."""
    return [r.strip("\n") for r in re.split(r"(?m)^(?=unreferenced object )", text)
            if r.startswith("unreferenced object ")]


def headline(report):
    """One line of a report: size, process, and the frames nearest to the caller."""
    size = re.search(r"\(size (\d+)\)", report)
    comm = re.search(r'comm "([^"]*)"', report)
    frames = re.findall(r"\] (\S+?)\+0x", report.partition("backtrace")[2])
    return (f"kmemleak: {size[1] if size else '?'} bytes, by {comm[1] if comm else '?'}: "
            + " < ".join(frames[:6]))


class Kmemleak:
    """What has leaked since the last look; nothing where there is no detector."""

    def __init__(self):
        self.on = CONTROL.exists()
        if self.on:
            self.scan()
            self.write("clear")

    def write(self, word):
        CONTROL.write_text(word, encoding="ascii")

    def scan(self):
        time.sleep(MIN_AGE)
        self.write("scan")
        self.write("scan")

    def reports(self):
        if not self.on:
            return []
        self.scan()
        found = split(CONTROL.read_text(encoding="utf-8", errors="replace"))
        self.write("clear")
        return found


def lockdep_is_off():
    """It turns itself off at its first report, and when its tables are full."""
    with contextlib.suppress(OSError):
        return re.search(r"debug_locks: +0", LOCKDEP.read_text(encoding="ascii")) is not None
    return False
