# SPDX-License-Identifier: GPL-2.0-only
"""What the documentation shows of a source file is in it, line by line."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# <!-- FILE --> and the block of code behind it.
SNIPPET = re.compile(r"^<!-- (\S+) -->\n```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Snippets(unittest.TestCase):
    def test_handlers(self):
        text = (ROOT / "docs/handlers.md").read_text()
        found = SNIPPET.findall(text)
        self.assertEqual(len(found), text.count("```c\n"), "each block names its file")
        shown = set()
        for name, code in found:
            with self.subTest(name=name, code=code):
                source = (ROOT / name).read_text()
                # From one beginning of a line to the end of another.
                self.assertIn("\n" + code, source)
                shown.add(name)
        examples = {f"bpf/examples/{p.name}" for p in (ROOT / "bpf/examples").glob("*.bpf.c")}
        self.assertEqual(shown, examples)


if __name__ == "__main__":
    unittest.main()
