"""The checker against histories written by hand: a good one, and for each rule one that breaks just that rule."""

import pathlib
import tempfile
import unittest

from checker import RULES, STALE_S, judge
from history import FAIL, INFO, OK, History, Poll, Reader, Send, read_reader, read_writer


def ok(id, offset, at=None, partition=0, writer="w", twice=False):
    """A record that was sent at second `at` (its id) and acknowledged half a second later."""
    at = id if at is None else at
    return Send(writer, id, partition, at, OK, at + 0.5, offset, twice)


def fail(id):
    return Send("w", id, 0, id, FAIL, id + 0.5, error="DiskFull")


def info(id):
    return Send("w", id, 0, id, INFO, id + 0.5, error="Timeout")


def polls(*chunks, at=100.0, partition=0):
    """Each chunk is a text: "0:w-0 1:w-1"."""
    reader = Reader()
    for chunk in chunks:
        records = [(int(offset), name) for offset, name in (word.split(":") for word in chunk.split())]
        reader.polls.append(Poll(partition, at, records, records[-1][0] + 1, records[-1][0] + 1))
    return reader


THREE = [ok(0, 0), ok(1, 1), ok(2, 2)]
ALL = "0:w-0 1:w-1 2:w-2"


def broken(sends, live, final, healed_at=float("inf")):
    """Names of the rules that the history breaks."""
    readers = {"r": live} if live else {}
    return set(judge(History(sends, readers, final, healed_at))[1])


class GoodHistories(unittest.TestCase):
    def test_everything_in_order(self):
        self.assertEqual(set(), broken(THREE, polls("0:w-0", "1:w-1 2:w-2"), polls(ALL)))

    def test_control_batches_take_offsets_that_nobody_reads(self):
        self.assertEqual(set(), broken([ok(0, 1), ok(1, 5)], polls("1:w-0", "5:w-1"), polls("1:w-0 5:w-1")))

    def test_an_unknown_outcome_may_be_there_or_not(self):
        for final in ("0:w-0 2:w-2", "0:w-0 1:w-1 2:w-2"):
            self.assertEqual(set(), broken([ok(0, 0), info(1), ok(2, 2)], None, polls(final)))

    def test_an_unknown_outcome_is_not_there_twice(self):
        self.assertEqual({"dup"}, broken([ok(0, 0), info(1), ok(2, 2)], None, polls("0:w-0 1:w-1 2:w-2 3:w-1")))

    def test_a_retry_that_says_that_it_may_be_twice_may_be(self):
        figures, findings = judge(History([ok(0, 1, twice=True)], {}, polls("0:w-0 1:w-0")))
        self.assertEqual(({}, 1, 0), (findings, figures["dup_allowed"], figures["dup"]))

    def test_a_definite_failure_is_not_there(self):
        self.assertEqual(set(), broken([ok(0, 0), fail(1), ok(2, 1)], None, polls("0:w-0 1:w-2")))

    def test_a_slow_reader_of_a_cluster_in_trouble_is_no_finding(self):
        self.assertEqual(set(), broken(THREE, polls(ALL, at=1000.0), polls(ALL), healed_at=500.0))

    def test_figures(self):
        figures, _ = judge(History([ok(0, 0), fail(1), info(2), ok(9, 1)], {}, polls("0:w-0 1:w-9")))
        self.assertEqual((4, 2, 1, 1), tuple(figures[k] for k in ("sent", "acknowledged", "failed", "unknown")))
        self.assertEqual(9000, figures["max_silence_ms"])


class BrokenHistories(unittest.TestCase):
    """One history a rule. Together they break every rule that there is."""

    CASES = {
        "inconsistent": (THREE + [info(7)], polls("0:w-0 1:w-1 2:w-7"), polls("0:w-0 1:w-1 2:w-7")),
        "lost": (THREE, None, polls("0:w-0 2:w-2")),
        "vanished": (THREE + [info(3)], polls(ALL + " 3:w-3"), polls(ALL + " 4:w-4")),
        "unseen": (THREE, None, polls("0:w-0 1:w-1")),
        "phantom": (THREE, None, polls(ALL + " 3:x-9")),
        "aborted": (THREE + [fail(3)], None, polls(ALL + " 3:w-3")),
        "dup": (THREE, None, polls(ALL + " 3:w-1")),
        "nonmono_send": ([ok(0, 1, at=0), ok(1, 0, at=0)], None, polls("0:w-1 1:w-0")),
        "nonmono_realtime": ([ok(0, 1, at=0, writer="a"), ok(0, 0, at=5, writer="b")], None, polls("0:b-0 1:a-0")),
        "nonmono_poll": (THREE, polls("0:w-0 1:w-1 2:w-2", "2:w-2"), polls(ALL)),
        "skipped": (THREE, polls("0:w-0", "2:w-2"), polls(ALL)),
        "stale": (THREE, polls(ALL, at=2.5 + STALE_S + 1), polls(ALL), 2.0),
    }
    ALSO = {"inconsistent": {"lost"}, "lost": {"skipped"}, "vanished": {"phantom", "skipped"}}

    def test_each_is_noticed_by_its_rule(self):
        for name, case in self.CASES.items():
            with self.subTest(name):
                found = broken(*case)
                self.assertIn(name, found)
                self.assertEqual(set(), found - {name} - self.ALSO.get(name, set()))

    def test_no_rule_is_without_a_history(self):
        self.assertEqual(set(RULES), set(self.CASES))

    def test_lost_records_are_told_apart_by_where_they_were(self):
        sends = [ok(n, n) for n in range(5)] + [info(5)]
        figures, _ = judge(History(sends, {}, polls("1:w-1 3:w-3 5:w-5")))
        self.assertEqual((1, 1, 1), tuple(figures[f"lost_{part}"] for part in ("prefix", "middle", "postfix")))

    def test_what_was_read_once_and_is_gone_is_lost(self):
        self.assertEqual({"lost", "vanished"}, broken(THREE, polls("0:w-0 1:w-1 2:w-2"), polls("0:w-0 2:w-2")) -
                         {"skipped"})

    def test_a_record_in_another_partition_is_a_phantom(self):
        self.assertIn("phantom", broken([info(0)], None, polls("0:w-0", partition=1)))

    def test_an_altered_value_is_a_phantom(self):
        final = polls("0:w-0")
        final.altered.append((0, 0, "w-0:zzz"))
        self.assertEqual({"phantom"}, broken([ok(0, 0)], None, final))


class Lines(unittest.TestCase):
    def read(self, text, read, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "history"
            path.write_text(text)
            return read(path, *arguments)

    def test_a_writers_lines(self):
        sends = self.read('{"f":"send","t":1.0,"id":0,"p":2}\n{"f":"send","t":1.5,"id":1,"p":0}\n'
                          '{"f":"ok","t":2.0,"id":0,"p":2,"o":7,"dup":1}\n{"f":"fail","t":2.5,"id":1,"p":0,"e":"x"}\n'
                          '{"f":"send","t":3.0,"id":2,"p":1}\n{"f":"ok","t":3.', read_writer, "w")
        self.assertEqual(Send("w", 0, 2, 1.0, OK, 2.0, 7, True), sends[0])
        self.assertEqual(Send("w", 1, 0, 1.5, FAIL, 2.5, error="x"), sends[1])
        self.assertEqual(INFO, sends[2].outcome, "what a dead writer left open")

    def test_a_readers_lines(self):
        reader = self.read('{"f":"poll","t":1.0,"p":1,"hw":9,"next":4,"r":[[2,"w-0"],[3,"w-1"]]}\n'
                           '{"f":"altered","t":1.0,"p":1,"o":3,"v":"w"}\n{"f":"error","t":2.0,"e":"x"}\n', read_reader)
        self.assertEqual([Poll(1, 1.0, [(2, "w-0"), (3, "w-1")], 9, 4)], reader.polls)
        self.assertEqual(([(1, 3, "w")], [(2.0, "x")]), (reader.altered, reader.errors))


if __name__ == "__main__":
    unittest.main()
