"""Every figure that a test prints is explained in docs/testing.md."""

import re
import unittest

from source_tree import ROOT

PRINTED = re.compile(r'(?:printf\(|print\(f?)"([A-Z][A-Z0-9_]{3,}) ([a-z_]+)=')
EXPLAINED = re.compile(r"^\| `([A-Z][A-Z0-9_]+) ([a-z_]+)=", re.M)


def printed():
    files = [p for suffix in ("cc", "py") for p in (ROOT / "tests").rglob(f"*.{suffix}")]
    return {figure for p in files for figure in PRINTED.findall(p.read_text())}


class FiguresTest(unittest.TestCase):
    def test_every_figure_is_explained(self):
        document = (ROOT / "docs" / "testing.md").read_text()
        self.assertEqual(printed() - set(EXPLAINED.findall(document)), set(),
                         "add a row for the new figure to a table of docs/testing.md")

    def test_a_figure_is_seen_in_both_languages(self):
        self.assertEqual(PRINTED.findall('std::printf("TORN offsets=%lu ok=%lu\\n", n);'), [("TORN", "offsets")])
        self.assertEqual(PRINTED.findall('print(f"KILL9 cycles={n} lost=0")'), [("KILL9", "cycles")])


if __name__ == "__main__":
    unittest.main()
