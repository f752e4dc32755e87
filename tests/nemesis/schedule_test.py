"""Schedules of faults: replayable, complete, and within their time."""

import itertools
import unittest

from schedule import MARGIN_S, schedule

KINDS = ["kill", "pause", "cut", "fill", "flip"]


class ScheduleTest(unittest.TestCase):
    def test_the_same_seed_is_the_same_schedule(self):
        self.assertEqual(schedule(7, 300, KINDS), schedule(7, 300, KINDS))
        self.assertNotEqual(schedule(7, 300, KINDS), schedule(8, 300, KINDS))

    def test_the_order_in_which_kinds_are_named_does_not_matter(self):
        self.assertEqual(schedule(7, 300, KINDS), schedule(7, 300, KINDS[::-1]))

    def test_every_kind_comes_by_itself_first(self):
        events = schedule(7, 300, KINDS)[:len(KINDS)]
        self.assertEqual(sorted(KINDS), sorted(event.kind for event in events))
        for a, b in itertools.pairwise(events):
            self.assertLess(a.at + a.seconds, b.at)

    def test_later_there_are_pairs_and_never_three(self):
        events = schedule(7, 3000, KINDS)
        at_once = [sum(e.at <= event.at < e.at + e.seconds for e in events) for event in events]
        self.assertEqual({1, 2}, set(at_once))

    def test_what_an_operator_begins_begins_before_what_it_comes_with(self):
        pairs = 0
        for a, b in itertools.pairwise(schedule(7, 6000, KINDS, {"kill"})):
            if b.at < a.at + a.seconds:
                pairs += "kill" in (a.kind, b.kind)
                self.assertNotEqual("kill", b.kind)
        self.assertGreater(pairs, 10)

    def test_there_is_time_without_faults_and_some_of_it_at_the_end(self):
        for seed in range(50):
            events = schedule(seed, 600, KINDS)
            self.assertLessEqual(max(event.at + event.seconds for event in events), 600 - MARGIN_S)
            tenths = {n for e in events for n in range(int(10 * e.at), int(10 * (e.at + e.seconds)))}
            self.assertLess(len(tenths), 6000 * 0.85)
            self.assertGreater(len(tenths), 6000 * 0.4)

    def test_no_kinds_are_no_faults(self):
        self.assertEqual([], schedule(7, 300, []))


if __name__ == "__main__":
    unittest.main()
