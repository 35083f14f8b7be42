# SPDX-License-Identifier: GPL-2.0-only
"""Children that never outlive us, signals as exceptions, steps with progress."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time

TAIL_LINES = 40
QUIET_INTERVAL = 30  # seconds between signs of life when not on a terminal


class Failure(Exception):
    """An error for the person at the terminal: what happened, to what, what to do."""

    def __init__(self, message, hint=None, status=1):
        super().__init__(message)
        self.hint = hint
        self.status = status


class Stopped(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived; unwinds through every clean-up."""

    def __init__(self, signum):
        super().__init__(signum)
        self.signum = signum


def _on_signal(signum, _frame):
    # The first signal starts the clean-up; nothing may interrupt that.
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    raise Stopped(signum)


def catch_signals():
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, _on_signal)


def run_main(name, body):
    """Runs body() and turns what it raises into a message and an exit status."""
    catch_signals()
    try:
        return body() or 0
    except Failure as e:
        say(f"{name}: {e}")
        if e.hint:
            say(f"{name}: {e.hint}")
        return e.status
    except Stopped as e:
        say(f"{name}: stopped by {signal.Signals(e.signum).name}, cleaned up")
        return 128 + e.signum
    except BrokenPipeError:
        # The reader of our output went away: nobody is left to tell.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
        return 141


def say(text):
    """One line to the person, on stderr, so that stdout stays the command's."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def bound_to_us(argv):
    """The command, so wrapped that the kernel kills it when we die."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *argv]


def in_namespaces(argv, net=False, proc=False):
    """The command in mount and process namespaces of its own; net: without a network,
    proc: with a /proc of its own.

    Its mounts and all its descendants vanish with the outer process.
    """
    ns = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    ns += ["--net"] if net else []
    ns += ["--mount-proc"] if proc else []
    return [*ns, "--", *argv]


def start(argv, **kw):
    """A child in its own session that dies with us; see end()."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(bound_to_us(argv), start_new_session=True, **kw)


def end(child, grace=3):
    """Ends a child of start() and its group: TERM, then KILL."""
    for signum, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=patience)
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


@contextlib.contextmanager
def child(argv, grace=3, **kw):
    """grace: seconds that it may take to clean up when it is ended."""
    c = start(argv, **kw)
    try:
        yield c
    finally:
        if c.poll() is None:
            end(c, grace)


class Progress:
    """A step line with elapsed seconds: redrawn on a terminal, sparse elsewhere."""

    def __init__(self, label):
        self.label = label
        self.began = time.monotonic()
        self.tty = sys.stderr.isatty()
        self.spoke = self.began
        if not self.tty:
            say(f"-- {label} ...")

    def seconds(self):
        return int(time.monotonic() - self.began)

    def tick(self):
        now = time.monotonic()
        if self.tty:
            print(f"\r\033[K-- {self.label} ... {self.seconds()} s",
                  end="", file=sys.stderr, flush=True)
        elif now - self.spoke >= QUIET_INTERVAL:
            self.spoke = now
            say(f"-- {self.label} ... {self.seconds()} s")

    def done(self, word):
        lead = "\r\033[K" if self.tty else ""
        say(f"{lead}-- {self.label}: {word}, {self.seconds()} s")


def tail(path, lines=TAIL_LINES):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()[-lines:]
    except OSError as e:
        return [f"(cannot read {path}: {e.strerror})"]


def step(label, argv, log, hint=None, **kw):
    """Runs a long command: progress here, its output in the log file.

    Returns the wall seconds it took; raises Failure with the log's tail.
    """
    progress = Progress(label)
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "ab") as out, child(argv, stdout=out, stderr=out, **kw) as c:
        try:
            while True:
                progress.tick()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    c.wait(timeout=1)
                    break
        except Stopped:
            progress.done("stopped")
            raise
    if c.returncode != 0:
        progress.done(f"FAILED (exit status {c.returncode})")
        for line in tail(log):
            say("   | " + line)
        raise Failure(f"{label} failed; the whole log is {log}", hint)
    progress.done("done")
    return progress.seconds()


def check_output(argv, what, hint=None):
    """The output of a short command, or a Failure that says what it was for."""
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, check=False)
    if r.returncode != 0:
        why = r.stderr.strip() or f"exit status {r.returncode}"
        raise Failure(f"{what}: {' '.join(argv)}: {why}", hint)
    return r.stdout


@contextlib.contextmanager
def lock(path, shared=False, wait=True, busy="in use by another ./dev"):
    """flock on path; waits with a message, or fails at once with `busy`."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with open(path, "a", encoding="utf-8") as f:
        try:
            fcntl.flock(f, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise Failure(f"{path}: {busy}",
                              "wait until it has finished, then run this again") from None
            say(f"-- waiting for another ./dev to finish ({path})")
            fcntl.flock(f, mode)
        yield
