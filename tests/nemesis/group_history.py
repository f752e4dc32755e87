"""What members of a group did and were told, as group_checker.py wants it. The lines: history_member.cc."""

import dataclasses

from history import lines_of

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


@dataclasses.dataclass
class Commit:
    member: str
    asked_at: float
    positions: dict  # partition -> offset of the next record
    outcome: str = UNKNOWN  # a member that died left it open
    told_at: float = None
    error: str = None


@dataclasses.dataclass
class Took:
    """Records that were processed, without the gaps that nobody's records leave."""
    at: float
    runs: list  # of (first offset, last offset)
    next_offset: int


@dataclasses.dataclass
class Tenure:
    """A partition was a member's, as far as the member knew."""
    member: str
    partition: int
    begun_at: float
    start: int  # where it began to read: a position of the group
    took: list = dataclasses.field(default_factory=list)
    ended_at: float = float("inf")  # let go of, lost, or never: whoever died has it for ever


@dataclasses.dataclass
class Look:
    """The group's position of a partition, as a member was told it."""
    member: str
    partition: int
    asked_at: float
    told_at: float
    offset: int


@dataclasses.dataclass
class GroupHistory:
    commits: list = dataclasses.field(default_factory=list)
    tenures: list = dataclasses.field(default_factory=list)
    looks: list = dataclasses.field(default_factory=list)
    errors: list = dataclasses.field(default_factory=list)  # of (time, member, text)
    final: dict = dataclasses.field(default_factory=dict)  # partition -> position, when all was over


def add_member(past, path, name):
    """Puts what one process wrote into the history."""
    questions, held = {}, {}
    for line in lines_of(path):
        what, at = line["f"], line["t"]
        if what == "assigned":
            for partition, start in line["at"]:
                held[partition] = Tenure(name, partition, at, start)
                past.tenures.append(held[partition])
        elif what == "took":
            held[line["p"]].took.append(Took(at, [tuple(run) for run in line["r"]], line["next"]))
        elif what in ("revoked", "lost"):
            for partition in line["p"]:
                if partition in held:
                    held.pop(partition).ended_at = at
        elif what == "commit":
            questions[line["id"]] = Commit(name, at, dict(line["at"]))
            past.commits.append(questions[line["id"]])
        elif what in (OK, REFUSED, UNKNOWN):
            commit = questions[line["id"]]
            commit.outcome, commit.told_at, commit.error = what, at, line.get("e")
        elif what == "ask":
            questions[line["id"]] = at
        elif what == "told":
            past.looks += [Look(name, partition, questions[line["id"]], at, offset) for partition, offset in line["at"]]
        elif what == "error":
            past.errors.append((at, name, line["e"]))
