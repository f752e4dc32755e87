"""The checker of slow readers against histories written by hand: good ones, and for each rule one that breaks it."""

import unittest

from history import OK, Gone, Poll, Reader, Send
from retention_checker import RETENTION_RULES, judge_retention

RETENTION = 4  # records of a byte each
SENDS = [Send("w", n, 0, n, OK, n + 0.5, n) for n in range(12)]


def reader(*events):
    """Each is a poll, (time, first offset, last offset), or a Gone."""
    made = Reader()
    for event in events:
        if isinstance(event, Gone):
            made.gone.append(event)
            continue
        at, first, last = event
        records = [(n, f"w-{n}") for n in range(first, last + 1)]
        made.polls.append(Poll(0, at, records, last + 1, last + 1))
    return made


def gone(at, offset, start):
    return Gone(0, at, offset, start)


def broken(read):
    return set(judge_retention(SENDS, {"slow": read}, 1, RETENTION)[1])


class GoodHistories(unittest.TestCase):
    def test_everything_in_order(self):
        self.assertEqual(set(), broken(reader((5, 0, 3), (12, 4, 11))))

    def test_the_word_that_records_are_gone_allows_a_gap(self):
        read = reader((5, 0, 3), gone(10, 4, 6), (12, 6, 11))
        figures, findings = judge_retention(SENDS, {"slow": read}, 1, RETENTION)
        self.assertEqual(({}, 1), (findings, figures["retention_gone"]))

    def test_another_leader_may_still_have_a_little_of_what_is_gone(self):
        self.assertEqual(set(), broken(reader((5, 0, 3), gone(10, 4, 3), (12, 3, 11))))

    def test_who_begins_late_begins_where_the_log_does(self):
        self.assertEqual(set(), broken(reader((11, 6, 9), (12, 10, 11))))


class BrokenHistories(unittest.TestCase):
    """One a rule. Together they break every rule that there is."""

    CASES = {
        "retention_gap": reader((5, 0, 3), (12, 5, 11)),
        "retention_altered": reader((5, 0, 3), (12, 4, 11)),
        "retention_denied": reader((5, 0, 3), gone(10, 4, 1), (12, 1, 11)),
        "retention_early": reader((5, 0, 3), gone(10, 4, 9), (12, 9, 11)),
        "retention_unread": reader((5, 0, 3)),
    }
    CASES["retention_altered"].polls[0].records[1] = (1, "w-7")

    def test_each_is_noticed_by_its_rule(self):
        for name, read in self.CASES.items():
            with self.subTest(name):
                self.assertEqual({name}, broken(read))

    def test_no_rule_is_without_a_history(self):
        self.assertEqual(set(RETENTION_RULES), set(self.CASES))

    def test_a_gap_behind_the_word_that_records_are_gone(self):
        self.assertEqual({"retention_gap"}, broken(reader((5, 0, 3), gone(10, 4, 6), (12, 7, 11))))

    def test_a_reader_that_goes_back(self):
        self.assertEqual({"retention_gap"}, broken(reader((5, 0, 3), (12, 2, 11))))


if __name__ == "__main__":
    unittest.main()
