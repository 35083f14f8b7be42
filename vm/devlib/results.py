# SPDX-License-Identifier: GPL-2.0-only
"""Sums up test results: JUnit files of ctest, XML of GoogleTest, our own cases."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

# What ctest says of a test that chose to be skipped. Anything else that was
# "not run" (no such program, say) has failed.
CTEST_SKIPPED = ("SKIP_REGULAR_EXPRESSION_MATCHED", "SKIP_RETURN_CODE", "Disabled")


@dataclass
class Results:
    passed: list = field(default_factory=list)
    failed: list = field(default_factory=list)   # (name, reason)
    skipped: list = field(default_factory=list)  # (name, reason)

    def total(self):
        return len(self.passed) + len(self.failed)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def fail(self, name, reason):
        self.failed.append((name, reason))

    def counts(self):
        """In other words than summary(), which closes a run and is unique."""
        return (f"passed: {len(self.passed)}, failed: {len(self.failed)}, "
                f"skipped: {len(self.skipped)}")

    def summary(self):
        line = f"{len(self.passed)} passed, {len(self.failed)} failed"
        return line + (f", {len(self.skipped)} skipped" if self.skipped else "")


PLACE = re.compile(r"^\S+:\d+$")  # file:line, which GoogleTest puts before the words


def first_line(text, default):
    """The first line that says something."""
    lines = [w.strip() for w in (text or "").splitlines() if w.strip()]
    words = [w for w in lines if not PLACE.match(w)]
    return (words or lines or [default])[0]


def skip_reason(case, node):
    """GoogleTest has it in the node; in ctest's file it is in the output."""
    message = node.get("message") or node.text or ""
    if message.strip() and not message.startswith(CTEST_SKIPPED):
        return first_line(message.replace("Skipped", "", 1), "no reason given")
    output = case.findtext("system-out") or ""
    m = re.search(r"Skipped\n(.+)", output)
    return m.group(1).strip() if m else "no reason given"


def add_case(r, case, prefix):
    group = case.get("classname") or ""
    name = case.get("name") or "?"
    if group and group != name:
        name = f"{group}.{name}"
    name = prefix + name
    bad = [n for n in case if n.tag in ("failure", "error")]
    skip = case.find("skipped")
    status = case.get("status")
    if bad:
        r.fail(name, first_line(bad[0].get("message") or bad[0].text, "failed"))
    elif skip is not None:
        message = skip.get("message") or ""
        if status == "notrun" and message and case.find("system-out") is not None \
                and not message.startswith(CTEST_SKIPPED):
            r.fail(name, message)
        else:
            r.skipped.append((name, skip_reason(case, skip)))
    elif status in ("notrun", "disabled"):
        r.skipped.append((name, "disabled"))
    elif status == "fail":
        r.fail(name, "failed")
    else:
        r.passed.append(name)


def read_xml(path, prefix=""):
    """The cases of one file; a file that cannot be read is one failure."""
    r = Results()
    try:
        top = ET.parse(path).getroot()
    except (OSError, ET.ParseError) as e:
        r.fail(prefix + path.name, f"no readable results: {e}")
        return r
    for case in top.iter("testcase"):
        add_case(r, case, prefix)
    return r


LOG_LINE = re.compile(r"^\[ +(RUN|OK|FAILED|SKIPPED) +\] ([\w./]+)", re.M)


def read_gtest_log(text, prefix=""):
    """What a binary that never wrote its XML had finished; and what it was at."""
    r, running = Results(), None
    for word, name in LOG_LINE.findall(text):
        if word == "RUN":
            running = name
            continue
        if name != running:
            continue
        running = None
        if word == "OK":
            r.passed.append(prefix + name)
        elif word == "SKIPPED":
            r.skipped.append((prefix + name, "see the log"))
        else:
            r.fail(prefix + name, "failed")
    return r, running


def write_junit(path, r):
    """All results in one file, for other programs."""
    suite = ET.Element("testsuite", name="extfuse", tests=str(r.total() + len(r.skipped)),
                       failures=str(len(r.failed)), skipped=str(len(r.skipped)))
    for name in r.passed:
        ET.SubElement(suite, "testcase", name=name)
    for kind, items in (("failure", r.failed), ("skipped", r.skipped)):
        for name, reason in items:
            case = ET.SubElement(suite, "testcase", name=name)
            ET.SubElement(case, kind, message=clean(reason))
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def clean(text):
    """Without the control characters that XML has no way to write."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text)
