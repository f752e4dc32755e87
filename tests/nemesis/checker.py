"""Judges a history of sends and polls. Pure: no files, no clock, no cluster.

A rule is a function of `Facts` that returns its findings, one sentence each; no finding means that it was kept.
The version order of a partition is what its offsets were seen to hold, by polls and by acknowledgements.
"""

import bisect
import collections
import dataclasses
import itertools

from history import FAIL, OK, History

STALE_S = 10  # an acknowledged record of a healthy cluster is read within this time
RULES = {}  # name -> function; a broken one is a failure of the run


def rule(function):
    RULES[function.__name__] = function
    return function


@dataclasses.dataclass
class Facts:
    """What several rules ask for."""
    history: History
    sends: dict  # name -> Send
    acknowledged: dict  # partition -> [Send], by offset
    versions: dict  # partition -> {offset: {name}}
    places: dict  # name -> {(partition, offset)} where polls saw it
    final: dict  # partition -> {offset: name}
    read_up_to: dict  # partition -> highest offset that any poll returned
    final_end: dict  # partition -> offset before which the final reader has read everything


def all_polls(history):
    """(reader's name, Reader) of all, the final one last."""
    return [*history.readers.items(), ("final", history.final)]


def facts_of(history):
    acknowledged = collections.defaultdict(list)
    versions = collections.defaultdict(lambda: collections.defaultdict(set))
    places = collections.defaultdict(set)
    read_up_to = {}
    for send in history.sends:
        if send.outcome == OK:
            acknowledged[send.partition].append(send)
            versions[send.partition][send.offset].add(send.name)
    for _, reader in all_polls(history):
        for poll in reader.polls:
            for offset, name in poll.records:
                versions[poll.partition][offset].add(name)
                places[name].add((poll.partition, offset))
                read_up_to[poll.partition] = max(offset, read_up_to.get(poll.partition, -1))
    for sends in acknowledged.values():
        sends.sort(key=lambda send: send.offset)
    final, final_end = collections.defaultdict(dict), collections.defaultdict(int)
    for poll in history.final.polls:
        final[poll.partition].update(poll.records)
        final_end[poll.partition] = max(final_end[poll.partition], poll.next_offset)
    return Facts(history, {send.name: send for send in history.sends}, acknowledged, versions, places, final,
                 read_up_to, final_end)


@rule
def inconsistent(facts):
    """An offset holds one value, for ever and for everybody."""
    return [f"partition {p} offset {offset} held {sorted(names)}"
            for p, offsets in facts.versions.items() for offset, names in offsets.items() if len(names) > 1]


@rule
def lost(facts):
    """An acknowledged record is there when everything is read again; what nobody ever read is not below what was."""
    findings = []
    for p, sends in facts.acknowledged.items():
        kept = set(facts.final[p].values())
        read = [send.offset for send in sends if send.name in kept]
        for send in sends:
            never_read = send.name not in facts.places and send.offset <= facts.read_up_to.get(p, -1)
            if send.name in kept or not (send.offset < facts.final_end[p] or never_read):
                continue
            part = ("prefix" if not read or send.offset < read[0] else
                    "postfix" if send.offset > read[-1] else "middle")
            findings.append(f"{part}: {send.name}, acknowledged at offset {send.offset} of partition {p}")
    return findings


@rule
def vanished(facts):
    """What was read once is still there when everything is read again."""
    return [f"{name} was read at offset {offset} of partition {p}, and later there was {facts.final[p].get(offset)}"
            for name, places in facts.places.items() for p, offset in places if facts.final[p].get(offset) != name]


@rule
def unseen(facts):
    """After healing, everything that was acknowledged is read."""
    return [f"{send.name}, acknowledged at offset {send.offset} of partition {p}, of which {facts.final_end[p]} "
            f"offsets were read" for p, sends in facts.acknowledged.items() for send in sends
            if send.offset >= facts.final_end[p]]


@rule
def phantom(facts):
    """Nothing is read that nobody sent, or in another partition, or altered."""
    found = [f"{name} was read in partition {p}, and " +
             (f"sent to {facts.sends[name].partition}" if name in facts.sends else "never sent")
             for name, places in facts.places.items() for p, _ in places
             if name not in facts.sends or facts.sends[name].partition != p]
    return found + [f"{who} read {value!r} at offset {offset} of partition {p}"
                    for who, reader in all_polls(facts.history) for p, offset, value in reader.altered]


@rule
def aborted(facts):
    """What certainly was not written is not read."""
    return [f"{name} was read, and its writer was told: {facts.sends[name].error}"
            for name in facts.places if name in facts.sends and facts.sends[name].outcome == FAIL]


def twice(facts):
    return [name for name, places in facts.places.items() if len(places) > 1]


def dup_is_allowed(send):
    """Only of a producer that does not number its batches, which says so: a retry after no answer may write again."""
    return send.may_be_twice


@rule
def dup(facts):
    """Every record is there once, also after an unknown outcome: the producer numbers its batches."""
    return [f"{name} is at {sorted(facts.places[name])}" for name in twice(facts)
            if name in facts.sends and not dup_is_allowed(facts.sends[name])]


@rule
def nonmono_send(facts):
    """Records of one writer to one partition keep the order in which they were sent."""
    findings, last = [], {}
    for send in sorted(facts.history.sends, key=lambda send: send.id):
        if send.outcome != OK:
            continue
        before = last.get((send.writer, send.partition))
        if before and before.offset >= send.offset:
            findings.append(f"{send.name} is at offset {send.offset} of partition {send.partition}, and {before.name} "
                            f"before it at {before.offset}")
        last[send.writer, send.partition] = send
    return findings


@rule
def nonmono_realtime(facts):
    """What is sent after an acknowledgement comes behind what was acknowledged, whoever sent it."""
    findings = []
    for p, sends in facts.acknowledged.items():
        told = iter(sorted(sends, key=lambda send: send.told_at))
        following, highest = next(told, None), None
        for send in sorted(sends, key=lambda send: send.sent_at):
            while following and following.told_at < send.sent_at:
                if not highest or following.offset > highest.offset:
                    highest = following
                following = next(told, None)
            if highest and highest.offset >= send.offset:
                findings.append(f"{send.name} got offset {send.offset} of partition {p} when {highest.name} had been "
                                f"acknowledged at {highest.offset}")
    return findings


def readers_by_partition(history):
    for who, reader in all_polls(history):
        for p in sorted({poll.partition for poll in reader.polls}):
            yield who, p, [poll for poll in reader.polls if poll.partition == p]


@rule
def nonmono_poll(facts):
    """Offsets that one reader sees of a partition rise, within a poll and from poll to poll."""
    findings = []
    for who, p, polls in readers_by_partition(facts.history):
        offsets = [offset for poll in polls for offset, _ in poll.records]
        findings += [f"{who} read offset {b} of partition {p} behind {a}"
                     for a, b in itertools.pairwise(offsets) if b <= a]
    return findings


@rule
def skipped(facts):
    """A reader leaves out nothing: what is known to lie between two records it got in a row."""
    findings = []
    for who, p, polls in readers_by_partition(facts.history):
        known = sorted(facts.versions[p])
        previous = -1
        for offset in (offset for poll in polls for offset, _ in poll.records):
            between = known[bisect.bisect_right(known, previous):bisect.bisect_left(known, offset)]
            findings += [f"{who} went from offset {previous} of partition {p} to {offset} and left out {gap}"
                         for gap in between]
            previous = max(offset, previous)
    return findings


def lags(facts):
    """(seconds, Send) of what was acknowledged after healing, for each live reader."""
    for who, p, polls in readers_by_partition(facts.history):
        if who == "final":
            continue
        seen = {name: poll.at for poll in polls for _, name in poll.records}
        for send in facts.acknowledged[p]:
            if send.told_at >= facts.history.healed_at and send.name in seen:
                yield max(0.0, seen[send.name] - send.told_at), send


@rule
def stale(facts):
    """In a healed cluster a reader that waits gets an acknowledged record soon."""
    return [f"{send.name} was read {lag:.1f} s after its acknowledgement" for lag, send in lags(facts) if lag > STALE_S]


def longest_silence_s(facts):
    """The longest time in which a partition acknowledged nothing."""
    longest = 0.0
    for sends in facts.acknowledged.values():
        told = sorted(send.told_at for send in sends)
        longest = max([longest, *(b - a for a, b in itertools.pairwise(told))])
    return longest


def judge(history):
    """(figures, findings): numbers for the one line, and rule -> sentences for every rule that was broken."""
    facts = facts_of(history)
    findings = {name: found for name, check in RULES.items() if (found := check(facts))}
    count = collections.Counter(send.outcome for send in history.sends)
    parts = collections.Counter(text.partition(":")[0] for text in findings.get("lost", []))
    figures = {
        "sent": len(history.sends), "acknowledged": count["ok"], "failed": count["fail"], "unknown": count["info"],
        "lost": len(findings.get("lost", [])), "lost_prefix": parts["prefix"], "lost_middle": parts["middle"],
        "lost_postfix": parts["postfix"],
        **{name: len(findings.get(name, [])) for name in
           ("dup", "inconsistent", "vanished", "phantom", "aborted", "unseen", "skipped", "stale")},
        "nonmono": sum(len(findings.get(f"nonmono_{kind}", [])) for kind in ("send", "realtime", "poll")),
        "dup_allowed": len([name for name in twice(facts) if name in facts.sends
                            and dup_is_allowed(facts.sends[name])]),
        "max_silence_ms": round(1000 * longest_silence_s(facts)),
    }
    return figures, findings
