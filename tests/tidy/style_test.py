"""Rules of the house that a machine can check."""

import re
import unittest

from source_tree import ROOT, relative, source_files

# A file over the budget names the one idea that it holds.
LINE_BUDGET = 500
OVER_BUDGET = {}
VAGUE_TYPE = re.compile(r"^\s*(?:class|struct)\s+\w*(Manager|Helper|Util|Utils|Impl|Common)\b")
BLANK_CHECK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SLEEP = re.compile(r"\b(sleep_for\(std::chrono|std::this_thread::sleep|usleep\(|nanosleep\()")


class StyleTest(unittest.TestCase):
    def check(self, predicate, files=None):
        found = []
        for path in source_files() if files is None else files:
            found += [f"{relative(path)}:{n}: {line.strip()}"
                      for n, line in enumerate(path.read_text().splitlines(), 1)
                      if predicate(relative(path), line)]
        self.assertEqual([], found, "\n" + "\n".join(found))

    def test_headers_say_what_they_are_in_their_first_line(self):
        missing = [relative(p) for p in source_files()
                   if p.suffix == ".h" and not p.read_text().startswith("// ")]
        self.assertEqual([], missing)

    def test_headers_are_included_once(self):
        missing = [relative(p) for p in source_files()
                   if p.suffix == ".h" and "#pragma once" not in p.read_text()]
        self.assertEqual([], missing)

    def test_types_say_a_noun(self):
        self.check(lambda path, line: VAGUE_TYPE.search(line))

    def test_nothing_is_left_for_later_in_the_sources(self):
        self.check(lambda path, line: BLANK_CHECK.search(line))

    def test_unit_tests_do_not_sleep(self):
        self.check(lambda path, line: SLEEP.search(line),
                   [p for p in source_files() if p.name.endswith("_test.cc") and "e2e" not in p.name])

    def test_files_keep_to_one_idea(self):
        large = {relative(p): len(p.read_text().splitlines()) for p in source_files()}
        large = {p: n for p, n in large.items() if n > LINE_BUDGET and p not in OVER_BUDGET}
        self.assertEqual({}, large, "split by idea, or defend it in OVER_BUDGET")

    def test_lines_end_cleanly(self):
        self.check(lambda path, line: line != line.rstrip() or "\t" in line)

    def test_local_links_in_documents_lead_somewhere(self):
        broken = []
        for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
                if "://" not in target and not (path.parent / target).exists():
                    broken.append(f"{relative(path)} -> {target}")
        self.assertEqual([], broken)


if __name__ == "__main__":
    unittest.main()
