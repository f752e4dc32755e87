"""Judges what slow readers of a topic with short retention saw: the records in order, or the word that they are gone;
never a gap without it. Pure, like checker.py."""

import bisect
import collections
import dataclasses

from history import OK

RETENTION_RULES = {}  # name -> function; a broken one is a failure of the run


def rule(function):
    RETENTION_RULES[function.__name__] = function
    return function


@dataclasses.dataclass
class RetentionFacts:
    readers: dict  # name -> Reader of one partition
    acknowledged: dict  # partition -> [Send], by offset
    offsets: dict  # the same, their offsets alone
    record_bytes: int  # of a value
    retention_bytes: int


def facts_of(sends, readers, record_bytes, retention_bytes):
    acknowledged = collections.defaultdict(list)
    for send in sorted((send for send in sends if send.outcome == OK), key=lambda send: send.offset):
        acknowledged[send.partition].append(send)
    offsets = collections.defaultdict(list, {p: [send.offset for send in of_partition]
                                             for p, of_partition in acknowledged.items()})
    return RetentionFacts(readers, acknowledged, offsets, record_bytes, retention_bytes)


def stretches(reader):
    """Polls between two words that records are gone: (first offset that they are to have, [Poll])."""
    begins = [(0.0, None), *((gone.at, gone.start) for gone in reader.gone)]
    ends = [at for at, _ in begins[1:]] + [float("inf")]
    for (since, start), until in zip(begins, ends):
        polls = [poll for poll in reader.polls if since <= poll.at < until]
        # A reader that begins at the beginning is not told where that is.
        first = next((offset for poll in polls for offset, _ in poll.records), 0)
        yield first if start is None else start, polls


@rule
def retention_gap(facts):
    """Between two words that records are gone, a reader gets every record, in order."""
    findings = []
    for who, reader in facts.readers.items():
        for expected, polls in stretches(reader):
            for p, offset in ((poll.partition, offset) for poll in polls for offset, _ in poll.records):
                if offset < expected:
                    findings.append(f"{who} read offset {offset} of partition {p} behind {expected - 1}")
                known = facts.offsets[p]
                left_out = known[bisect.bisect_left(known, expected):bisect.bisect_left(known, offset)]
                findings += [f"{who} went to offset {offset} of partition {p} and left out {gap}" for gap in left_out]
                expected = max(expected, offset + 1)
    return findings


@rule
def retention_altered(facts):
    """What is read at an offset is what was acknowledged there."""
    names = {p: {send.offset: send.name for send in sends} for p, sends in facts.acknowledged.items()}
    found = [f"{who} read {name} at offset {offset} of partition {poll.partition}, where {there} was acknowledged"
             for who, reader in facts.readers.items() for poll in reader.polls for offset, name in poll.records
             if (there := names.get(poll.partition, {}).get(offset, name)) != name]
    return found + [f"{who} read {value!r} at offset {offset} of partition {p}"
                    for who, reader in facts.readers.items() for p, offset, value in reader.altered]


@rule
def retention_denied(facts):
    """Who is told that a record is gone finds the log's begin behind it, or near it: replicas remove segments each on its own,
    and the word of one leader may be followed by another's."""
    return [f"{who} was told that offset {gone.offset} of partition {gone.partition} is gone, and the log begins at "
            f"{gone.start}" for who, reader in facts.readers.items() for gone in reader.gone
            if (gone.offset - gone.start) * facts.record_bytes > facts.retention_bytes / 2]


@rule
def retention_early(facts):
    """No more is removed than retention demands: what is left is at least half of what it allows."""
    findings = []
    for who, reader in facts.readers.items():
        for gone in reader.gone:
            behind = [send.offset for send in facts.acknowledged[gone.partition] if send.told_at <= gone.at]
            left = (max(behind, default=0) + 1 - gone.start) * facts.record_bytes
            if left < facts.retention_bytes / 2:
                findings.append(f"{who} found the begin of partition {gone.partition} at {gone.start}, with no more "
                                f"than {left} bytes behind it")
    return findings


@rule
def retention_unread(facts):
    """In the end a reader that hurries has everything that was acknowledged and is there."""
    findings = []
    for who, reader in facts.readers.items():
        for p in {poll.partition for poll in reader.polls}:
            end = max(poll.next_offset for poll in reader.polls)
            left = [offset for offset in facts.offsets[p] if offset >= end]
            if left:
                findings.append(f"{who} came to offset {end} of partition {p}, and {left[-1]} was acknowledged")
    return findings


def judge_retention(sends, readers, record_bytes, retention_bytes):
    """(figures, findings) of slow readers, each of one partition."""
    facts = facts_of(sends, readers, record_bytes, retention_bytes)
    findings = {name: found for name, check in RETENTION_RULES.items() if (found := check(facts))}
    figures = {name: len(findings.get(name, [])) for name in RETENTION_RULES}
    figures["retention_gone"] = sum(len(reader.gone) for reader in readers.values())
    return figures, findings
