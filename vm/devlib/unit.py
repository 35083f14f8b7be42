# SPDX-License-Identifier: GPL-2.0-only
"""Runs the *_test.py of a directory by unittest; writes their results as JUnit."""

import pathlib
import re
import sys
import time
import unittest

from devlib import results


def headline(text):
    """The line of a traceback that names the error."""
    lines = [w for w in text.strip().splitlines() if re.match(r"[\w.]+(Error|Exception)?: ", w)]
    return (lines or text.strip().splitlines())[0][:300]


class Recorder(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.out = results.Results()
        self.began = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.bad = self.skip = None

    def stopTest(self, test):
        super().stopTest(test)
        name = test.id()
        word = "ok"
        if self.bad:
            self.out.fail(name, headline(self.bad))
            word = "FAILED\n" + self.bad
        elif self.skip is not None:
            self.out.skipped.append((name, self.skip))
            word = "skipped"
        else:
            self.out.passed.append(name)
        print(f"   {name} {time.monotonic() - self.began:.1f} s {word}", flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._note(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skip = reason

    def _note(self, test, err):
        text = self._exc_info_to_string(err, test)
        if hasattr(self, "bad") and isinstance(test, unittest.TestCase):
            self.bad = text
        if not isinstance(test, unittest.TestCase):  # a class or module set-up
            self.out.fail(str(test), headline(text))
            print(text, flush=True)


def main(argv):
    directory, xml = argv[0], pathlib.Path(argv[1])
    loader = unittest.TestLoader()
    if "-k" in argv:
        word = argv[argv.index("-k") + 1]
        loader.testNamePatterns = [word if "*" in word else f"*{word}*"]
    recorder = Recorder()
    loader.discover(directory, pattern="*_test.py").run(recorder)
    results.write_junit(xml, recorder.out)
    return 1 if recorder.out.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
