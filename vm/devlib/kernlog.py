# SPDX-License-Identifier: GPL-2.0-only
"""Finds complaints of the kernel in a captured console or in /dev/kmsg.

Used on the host and, after each test binary, in the guest.
"""

import re

# After the time stamp, "WARNING:" opens a report; in mid-line it is chatter
# (as in "Spectre V2 : WARNING: ...").
START = r"^(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? )?"

COMPLAINTS = [(kind, re.compile(pattern)) for kind, pattern in (
    ("panic", r"Kernel panic - not syncing"),
    ("oops", r"\bOops(?::|\b.*\bSMP\b)"),
    ("BUG", r"\bBUG: |kernel BUG at |" + START + r"BUG \S+"),
    ("WARNING", START + r"WARNING: "),
    ("general protection", r"general protection fault"),
    ("bad access", r"unable to handle (?:kernel |page )|Unable to handle kernel"),
    ("lockup", r"(?:soft|hard) lockup|hard LOCKUP"),
    ("hung task", r"blocked for more than \d+ seconds"),
    ("RCU stall", r"rcu: INFO: .*(?:stall|self-detected)|rcu_\w+ .*detected stalls"),
    ("KASAN", r"\bKASAN: "),
    ("UBSAN", r"\bUBSAN: "),
    ("KCSAN", r"\bKCSAN: "),
    ("lockdep", r"DEBUG_LOCKS_WARN_ON|INFO: trying to register non-static key|"
                r"INFO: possible (?:circular|recursive|irq) |suspicious RCU usage"),
    ("kmemleak", r"kmemleak: (?:\d+ new suspected memory leaks?|Memory pool empty|"
                 r"Cannot |Kernel memory leak detector disabled)"),
    ("object", r"ODEBUG: (?:.* object: |Out of memory)"),
    ("refcount", r"\brefcount_t: (?!.*ratelimited)"),
    ("list", r"list_(?:add|del) corruption"),
    ("slab", r"Slab cache still has objects|Objects remaining in "),
)]

BEFORE, AFTER = 1, 14


def classify(line):
    """The kind of complaint the line opens, or None."""
    return next((kind for kind, rx in COMPLAINTS if rx.search(line)), None)


def scan(text):
    """[(kind, line number, line)] of all complaints in a kernel log."""
    found = []
    for n, line in enumerate(text.splitlines()):
        kind = classify(line)
        if kind:
            found.append((kind, n, line))
    return found


def quote(text, found, limit=60):
    """Lines around the complaints, as a list, at most `limit` of them."""
    lines = text.splitlines()
    wanted = sorted({i for _, n, _ in found
                     for i in range(max(0, n - BEFORE), min(len(lines), n + AFTER))})
    out, last = [], None
    for i in wanted[:limit]:
        if last is not None and i != last + 1:
            out.append("...")
        out.append(lines[i].rstrip())
        last = i
    if len(wanted) > limit:
        out.append(f"... ({len(wanted) - limit} more lines)")
    return out
