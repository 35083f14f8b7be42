# SPDX-License-Identifier: GPL-2.0-only
"""A bar with the time left, from lines of the guest: its own clock counts instructions."""

import functools
import sys
import threading
import time

from extbench.suite import PROGRESS

WIDTH = 24
QUIET = 15  # seconds between lines where there is no terminal


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Progress:
    """Of so many guests side by side; watch() is for one of host's jobs each."""

    def __init__(self, label, guests=1):
        self.label = label
        self.parts = [None] * guests
        self.lock = threading.Lock()
        self.began = self.first = None
        self.shown = 0.0

    def watch(self, guest=0):
        return functools.partial(self.line, guest)

    def line(self, guest, line):
        words = line.split(maxsplit=3)
        with self.lock:
            if not words or words[0] != PROGRESS:
                print(line, flush=True)
                return
            self.parts[guest] = int(words[1]), int(words[2])
            known = [p for p in self.parts if p]
            done, total = map(sum, zip(*known, strict=True))
            # Those that have said nothing yet have as much to do.
            self.show(done, total * len(self.parts) // len(known), words[3])

    def show(self, done, total, what):
        now = time.monotonic()
        if self.began is None:
            self.began, self.first = now, done
        terminal = sys.stderr.isatty()
        if not terminal and now - self.shown < QUIET and done < total:
            return
        self.shown = now
        measured = done - self.first
        left = (now - self.began) * (total - done) / measured if measured else 0
        bar = "#" * (WIDTH * done // total)
        text = (f"-- {self.label} [{bar:-<{WIDTH}}] {done}/{total}, "
                f"{minutes(left) if measured else '?'} left, {what}")
        end = "\n" if not terminal or done == total else ""
        print(("\r\033[K" if terminal else "") + text, end=end, file=sys.stderr, flush=True)
