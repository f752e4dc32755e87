"""Judges what a group's members did: who processed what, and what became of commits. Pure, like checker.py.

Members commit only positions behind what they have processed, and begin where the group stands; so positions of a
partition only rise, and a position is a register that every read must find at what was acknowledged before, at least.
"""

import bisect
import collections
import dataclasses
import itertools

from group_history import OK, REFUSED, GroupHistory

GROUP_RULES = {}  # name -> function; a broken one is a failure of the run


def rule(function):
    GROUP_RULES[function.__name__] = function
    return function


class Floor:
    """The highest position of a partition that somebody had been told before a moment."""

    def __init__(self, told):
        """told: (time, offset) pairs."""
        told = sorted(told)
        self.times = [at for at, _ in told]
        self.highest = list(itertools.accumulate((offset for _, offset in told), max))

    def before(self, at):
        count = bisect.bisect_left(self.times, at)
        return self.highest[count - 1] if count else 0


@dataclasses.dataclass
class GroupFacts:
    past: GroupHistory
    acknowledged: dict  # partition -> offsets of acknowledged records, ascending
    commits: dict  # partition -> [Commit] that name it
    committed: dict  # partition -> Floor of acknowledged commits

    def proven(self, tenure):
        """Its member committed in it: it had the partition when it began, and had not just not heard of its loss."""
        return any(c.outcome == OK and c.member == tenure.member and tenure.begun_at < c.asked_at < tenure.ended_at
                   for c in self.commits[tenure.partition])

    def floor_of(self, tenure):
        """What was committed before it began. Whoever had the partition before could commit nothing any more then."""
        return self.committed[tenure.partition].before(tenure.begun_at) if self.proven(tenure) else 0


def facts_of(past, acknowledged):
    commits = collections.defaultdict(list)
    for commit in past.commits:
        for partition in commit.positions:
            commits[partition].append(commit)
    committed = collections.defaultdict(lambda: Floor([]))
    for p, of_partition in commits.items():
        committed[p] = Floor([(c.told_at, c.positions[p]) for c in of_partition if c.outcome == OK])
    return GroupFacts(past, {p: sorted(offsets) for p, offsets in acknowledged.items()}, commits, committed)


def between(offsets, first, end):
    """Those of the ascending offsets that are in [first, end)."""
    return offsets[bisect.bisect_left(offsets, first):bisect.bisect_left(offsets, end)]


@rule
def group_missed(facts):
    """Every acknowledged record was processed by a member, none left out, and its commit is there in the end."""
    findings = []
    for p, offsets in facts.acknowledged.items():
        taken = set()
        for tenure in (tenure for tenure in facts.past.tenures if tenure.partition == p):
            expected = tenure.start
            for took in tenure.took:
                for first, last in took.runs:
                    findings += [f"{tenure.member} left out offset {gap} of partition {p}"
                                 for gap in between(offsets, expected, first)]
                    taken.update(between(offsets, first, last + 1))
                    expected = max(expected, last + 1)
        findings += [f"nobody processed offset {offset} of partition {p}" for offset in offsets if offset not in taken]
        end = facts.past.final.get(p, 0)
        if offsets and offsets[-1] >= end:
            findings.append(f"in the end {end} is the position of partition {p}, and {offsets[-1]} was acknowledged")
    return findings


@rule
def group_doubled(facts):
    """What was committed is not processed again by who begins later, or by who committed it."""
    findings = []
    for tenure in facts.past.tenures:
        p = tenure.partition
        own = Floor([(c.told_at, c.positions[p]) for c in facts.commits[p]
                     if c.outcome == OK and c.member == tenure.member])
        before = facts.floor_of(tenure)
        for took in tenure.took:
            floor = max(before, own.before(took.at))
            again = [first for first, _ in took.runs if first < floor]
            if again:
                findings.append(f"{tenure.member} processed offset {again[0]} of partition {p} when {floor} was "
                                f"committed")
    return findings


@rule
def group_back(facts):
    """A position is never read, or begun with, below what was committed or read before the question."""
    findings = []
    for p in {tenure.partition for tenure in facts.past.tenures}:
        looks = [look for look in facts.past.looks if look.partition == p]
        known = Floor([(look.told_at, look.offset) for look in looks] +
                      [(c.told_at, c.positions[p]) for c in facts.commits[p] if c.outcome == OK])
        findings += [f"{look.member} read {look.offset} as the position of partition {p}, which had been "
                     f"{known.before(look.asked_at)}" for look in looks if look.offset < known.before(look.asked_at)]
        findings += [f"{tenure.member} began at {tenure.start} of partition {p} when {facts.floor_of(tenure)} was "
                     f"committed" for tenure in facts.past.tenures
                     if tenure.partition == p and tenure.start < facts.floor_of(tenure)]
        highest = facts.committed[p].before(float("inf"))
        if facts.past.final and facts.past.final.get(p, 0) < highest:
            findings.append(f"in the end {facts.past.final.get(p, 0)} is the position of partition {p}, and {highest} "
                            f"was committed")
    return findings


@rule
def group_phantom(facts):
    """A position is one that somebody committed, not one whose commit was refused, or not yet asked for."""
    seen = [(look.member, look.partition, look.offset, look.told_at) for look in facts.past.looks]
    seen += [(tenure.member, tenure.partition, tenure.start, tenure.begun_at) for tenure in facts.past.tenures]
    seen += [("whoever came last", p, offset, float("inf")) for p, offset in facts.past.final.items()]
    possible = {}  # (partition, offset) -> when it was first asked for
    for p, commits in facts.commits.items():
        for commit in (commit for commit in commits if commit.outcome != REFUSED):
            key = p, commit.positions[p]
            possible[key] = min(possible.get(key, float("inf")), commit.asked_at)
    return [f"{who} found {offset} as the position of partition {p}, which nobody committed"
            for who, p, offset, at in seen if offset != 0 and not possible.get((p, offset), float("inf")) <= at]


@rule
def group_zombie(facts):
    """Whose partition was given to somebody else commits nothing more before it has heard that it lost it."""
    acknowledged = collections.defaultdict(list)
    for commit in facts.past.commits:
        if commit.outcome == OK:
            acknowledged[commit.member].append(commit)
    findings = []
    for later in filter(facts.proven, facts.past.tenures):
        for former in facts.past.tenures:
            if (former.partition != later.partition or former.member == later.member or
                    not former.begun_at < later.begun_at < former.ended_at):
                continue
            findings += [f"{former.member}'s commit of {commit.positions} was acknowledged after partition "
                         f"{later.partition} had been given to {later.member}"
                         for commit in acknowledged[former.member]
                         if later.begun_at < commit.asked_at < former.ended_at]
    return findings


def judge_group(past, acknowledged):
    """(figures, findings) of a group that read a topic whose acknowledged records are offsets by partition."""
    facts = facts_of(past, acknowledged)
    findings = {name: found for name, check in GROUP_RULES.items() if (found := check(facts))}
    count = collections.Counter(commit.outcome for commit in past.commits)
    figures = {name: len(findings.get(name, [])) for name in GROUP_RULES}
    figures |= {"tenures": len(past.tenures), "commits": count[OK], "commits_refused": count[REFUSED]}
    return figures, findings
