"""Compares the replicas of a partition on disk: the batches of their segment files, byte for byte.

Knows of the format only that a batch begins with its base offset (64 bit) and the length of what follows (32 bit),
big-endian, that offsets of a batch end at base + last delta (32 bit, at 23), and that a segment ends where no batch
begins. docs/storage_format.md says the rest.
"""

import hashlib
import re
import struct

HEAD = struct.Struct(">qi")
LAST_DELTA = struct.Struct(">i")
LAST_DELTA_AT = 23
SMALLEST_BATCH = 61
TOPIC_FOLDER = re.compile(r"^(?P<name>.+)-(?P<id>[0-9a-f-]{32,36})$")


def batches_of_segment(data, base):
    """(first offset, end offset, bytes) of each whole batch."""
    at, expected = 0, base
    while at + SMALLEST_BATCH <= len(data):
        offset, length = HEAD.unpack_from(data, at)
        end = at + HEAD.size + length
        if offset != expected or length < SMALLEST_BATCH - HEAD.size or end > len(data):
            return
        expected = offset + LAST_DELTA.unpack_from(data, at + LAST_DELTA_AT)[0] + 1
        yield offset, expected, data[at:end]
        at = end


def batches_of_log(folder):
    """base offset -> (end offset, digest) over all segments."""
    found = {}
    for path in sorted(folder.glob("*.log")):
        for offset, end, data in batches_of_segment(path.read_bytes(), int(path.stem)):
            found[offset] = (end, hashlib.blake2b(data, digest_size=16).digest())
    return found


def logs_of(data_dir, topic):
    """partition -> folder, of the topic's replicas on that disk."""
    logs = {}
    for folder in (data_dir / "topics").glob(f"{topic}-*"):
        match = TOPIC_FOLDER.match(folder.name)
        if match and match["name"] == topic:
            logs.update({int(path.name): path for path in folder.iterdir() if path.name.isdigit()})
    return logs


def compare(logs, high_watermark):
    """Two lists of sentences: replicas that differ below the high watermark, and replicas that do not reach it.

    `logs` is name -> {base offset: (end, digest)}. A log may begin later than another.
    """
    differing, behind = [], []
    committed = {name: {base: value for base, value in log.items() if base < high_watermark}
                 for name, log in logs.items()}
    for name, log in committed.items():
        reached = max((end for end, _ in log.values()), default=0)
        if reached < high_watermark:
            behind.append(f"{name} ends at {reached} of {high_watermark}")
    names = sorted(committed)
    for other in names[1:]:
        first = names[0]
        start = max(min(committed[first], default=0), min(committed[other], default=0))
        bases = {base for base in {**committed[first], **committed[other]} if base >= start}
        # What one does not reach yet is behind, not different.
        reach = min(max((end for end, _ in committed[n].values()), default=0) for n in (first, other))
        for base in sorted(bases):
            if base < reach and committed[first].get(base) != committed[other].get(base):
                differing.append(f"{first} and {other} differ at offset {base}")
    return differing, behind
