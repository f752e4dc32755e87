"""What clients did and were told, as the checker wants it. Reads the lines that history_output.h describes."""

import dataclasses
import json

OK, FAIL, INFO = "ok", "fail", "info"  # acknowledged, certainly not written, may have been written


@dataclasses.dataclass
class Send:
    writer: str
    id: int
    partition: int
    sent_at: float
    outcome: str = INFO  # a writer that died left it open
    told_at: float = None
    offset: int = None  # of ok
    may_be_twice: bool = False  # of ok: an earlier attempt got no answer
    error: str = None  # of the others

    @property
    def name(self):
        return f"{self.writer}-{self.id}"


@dataclasses.dataclass
class Poll:
    partition: int
    at: float
    records: list  # of (offset, name), in the order they came
    high_watermark: int
    next_offset: int


@dataclasses.dataclass
class Gone:
    """A reader was told that what it wanted to read next is removed."""
    partition: int
    at: float
    offset: int
    start: int  # where it went on


@dataclasses.dataclass
class Reader:
    polls: list = dataclasses.field(default_factory=list)
    altered: list = dataclasses.field(default_factory=list)  # of (partition, offset, value)
    errors: list = dataclasses.field(default_factory=list)  # of (time, text)
    gone: list = dataclasses.field(default_factory=list)
    bulk: list = dataclasses.field(default_factory=list)  # of (partition, next number, missing, repeated)


@dataclasses.dataclass
class History:
    """`final` read everything once more from the beginning when all was healed. Times are of one clock."""
    sends: list
    readers: dict  # name -> Reader, without the final one
    final: Reader
    healed_at: float = float("inf")  # nobody disturbs the cluster after it


def lines_of(path):
    """Whole lines; the last one may be cut when its process was killed."""
    with open(path) as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def read_writer(path, name):
    sends = {}
    for line in lines_of(path):
        if line["f"] == "send":
            sends[line["id"]] = Send(name, line["id"], line["p"], line["t"])
            continue
        send = sends[line["id"]]
        send.outcome, send.told_at = line["f"], line["t"]
        if line["f"] == OK:
            send.offset, send.may_be_twice = line["o"], bool(line["dup"])
        else:
            send.error = line["e"]
    return list(sends.values())


def read_reader(path):
    reader = Reader()
    for line in lines_of(path):
        if line["f"] == "poll":
            records = [(offset, name) for offset, name in line["r"]]
            reader.polls.append(Poll(line["p"], line["t"], records, line["hw"], line["next"]))
        elif line["f"] == "altered":
            reader.altered.append((line["p"], line["o"], line["v"]))
        elif line["f"] == "gone":
            reader.gone.append(Gone(line["p"], line["t"], line["o"], line["start"]))
        elif line["f"] == "bulk":
            reader.bulk.append((line["p"], line["next"], line["missing"], line["repeated"]))
        else:
            reader.errors.append((line["t"], line["e"]))
    return reader
