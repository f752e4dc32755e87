"""The group's checker against histories written by hand: good ones, and for each rule some that break it."""

import pathlib
import tempfile
import unittest

from group_checker import GROUP_RULES, judge_group
from group_history import OK, REFUSED, UNKNOWN, Commit, GroupHistory, Look, Tenure, Took, add_member

RECORDS = {0: [0, 1, 2, 3, 4, 5]}


def tenure(member, begun_at, start, *took, ended_at=float("inf")):
    """Each took is (time, first, last): the member processed that run."""
    return Tenure(member, 0, begun_at, start, [Took(at, [(a, b)], b + 1) for at, a, b in took], ended_at)


def commit(member, asked_at, offset, outcome=OK):
    return Commit(member, asked_at, {0: offset}, outcome, asked_at + 0.5)


def broken(tenures, commits, looks=(), final=6, records=RECORDS):
    """Names of the rules that the history breaks."""
    past = GroupHistory(list(commits), list(tenures), list(looks), final={0: final})
    return set(judge_group(past, records)[1])


# "a" reads three, and is followed by "b" in order.
A = tenure("a", 1, 0, (2, 0, 2), ended_at=5)
B = tenure("b", 6, 3, (7, 3, 5))
COMMITS = [commit("a", 3, 3), commit("b", 8, 6)]
# The same where "a" does not hear for a while that it was taken for dead.
SLEEPER = tenure("a", 1, 0, (2, 0, 2), (20, 3, 4), ended_at=30)


class GoodHistories(unittest.TestCase):
    def test_one_after_the_other(self):
        self.assertEqual(set(), broken([A, B], COMMITS))

    def test_what_was_not_committed_is_processed_again(self):
        b = tenure("b", 6, 0, (7, 0, 5))
        for outcome in (REFUSED, UNKNOWN):
            self.assertEqual(set(), broken([A, b], [commit("a", 3, 3, outcome), commit("b", 8, 6)]))

    def test_an_unknown_commit_may_have_been_carried_out(self):
        self.assertEqual(set(), broken([A, B], [commit("a", 3, 3, UNKNOWN), commit("b", 8, 6)]))

    def test_who_does_not_know_that_it_is_dead_processes_and_cannot_commit(self):
        self.assertEqual(set(), broken([SLEEPER, B], [*COMMITS, commit("a", 21, 5, REFUSED)]))

    def test_who_slept_before_it_began_may_begin_too_early_and_cannot_commit(self):
        late = tenure("a", 20, 0, (21, 0, 2), ended_at=30)
        self.assertEqual(set(), broken([tenure("b", 6, 0, (7, 0, 5)), late],
                                       [commit("b", 8, 6), commit("a", 22, 3, REFUSED), commit("b", 23, 6)]))

    def test_records_that_nobody_was_told_of_may_be_passed_over(self):
        self.assertEqual(set(), broken([A, B], COMMITS, records={0: [0, 5]}))

    def test_a_read_during_a_commit_finds_the_old_or_the_new(self):
        for found in (0, 3):
            self.assertEqual(set(), broken([A, B], COMMITS, [Look("a", 0, 3.1, 3.2, found)]))

    def test_figures(self):
        past = GroupHistory([*COMMITS, commit("a", 21, 5, REFUSED)], [SLEEPER, B], final={0: 6})
        figures, _ = judge_group(past, RECORDS)
        self.assertEqual((2, 2, 1), (figures["tenures"], figures["commits"], figures["commits_refused"]))


class BrokenHistories(unittest.TestCase):
    """Together they break every rule that there is."""

    CASES = {
        "a record that nobody processed":
            ({"group_missed"}, [A, tenure("b", 6, 3, (7, 3, 4), (8, 6, 6))], COMMITS),
        "a record that is left out by one, and processed by another before":
            ({"group_missed"}, [tenure("a", 1, 0, (2, 0, 4), ended_at=5), tenure("b", 6, 3, (7, 4, 5))], COMMITS),
        "the last commit never comes":
            ({"group_missed"}, [A, B], COMMITS[:1], [], 3),
        "nobody begins anything":
            ({"group_missed"}, [], [], [], 0),
        "a reader that begins too early":
            ({"group_doubled", "group_back"}, [A, tenure("b", 6, 0, (7, 0, 5))], COMMITS),
        "a member that repeats what it committed itself":
            ({"group_doubled"}, [tenure("a", 1, 0, (2, 0, 2), (4, 1, 5))], [commit("a", 3, 3), commit("a", 8, 6)]),
        "a position that is older than a commit":
            ({"group_back"}, [A, B], COMMITS, [Look("b", 0, 9, 9.1, 3)]),
        "a position that is older than one that was read":
            ({"group_back"}, [A, B], [commit("a", 3, 3, UNKNOWN), commit("b", 8, 6)],
             [Look("a", 0, 3.6, 3.7, 3), Look("a", 0, 3.8, 3.9, 0)]),
        "a position that is gone in the end":
            ({"group_back", "group_missed"}, [A, B], COMMITS, [], 3),
        "a refused commit that was carried out":
            ({"group_phantom"}, [A, B], [commit("a", 3, 3, REFUSED), commit("b", 8, 6)]),
        "a position from nowhere":
            ({"group_phantom"}, [A, B], COMMITS, [Look("b", 0, 9, 9.1, 7)]),
        "a position from the future":
            ({"group_phantom"}, [A, B], COMMITS, [Look("a", 0, 2, 2.1, 3)]),
        "a commit of somebody who was taken for dead":
            ({"group_zombie"}, [SLEEPER, B], [*COMMITS, commit("a", 21, 5)]),
    }

    def test_each_is_noticed_by_its_rules(self):
        for name, (rules, *history) in self.CASES.items():
            with self.subTest(name):
                self.assertEqual(rules, broken(*history))

    def test_no_rule_is_without_a_history(self):
        self.assertEqual(set(GROUP_RULES), set().union(*(case[0] for case in self.CASES.values())))


class Lines(unittest.TestCase):
    def test_a_members_lines(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "history"
            path.write_text('{"f":"assigned","t":1.0,"at":[[0,5],[2,0]]}\n'
                            '{"f":"took","t":2.0,"p":0,"r":[[5,6],[8,8]],"next":9}\n'
                            '{"f":"commit","t":3.0,"id":0,"at":[[0,9]]}\n{"f":"ok","t":3.5,"id":0}\n'
                            '{"f":"ask","t":4.0,"id":1}\n{"f":"told","t":4.5,"id":1,"at":[[0,9]]}\n'
                            '{"f":"lost","t":5.0,"p":[0]}\n{"f":"error","t":5.5,"e":"x"}\n'
                            '{"f":"commit","t":6.0,"id":2,"at":[[2,1]]}\n{"f":"o')
            past = GroupHistory()
            add_member(past, path, "m")
        self.assertEqual([Tenure("m", 0, 1.0, 5, [Took(2.0, [(5, 6), (8, 8)], 9)], 5.0), Tenure("m", 2, 1.0, 0)],
                         past.tenures)
        self.assertEqual([Commit("m", 3.0, {0: 9}, OK, 3.5), Commit("m", 6.0, {2: 1})], past.commits)
        self.assertEqual(([Look("m", 0, 4.0, 4.5, 9)], [(5.5, "m", "x")]), (past.looks, past.errors))


if __name__ == "__main__":
    unittest.main()
