"""The other side of trouble_shim.cc: tells a broker's preloaded library what to do, and undoes what was not flushed."""

import mmap
import os
import pathlib
import struct

from harness import BIN

LIBRARY = BIN.parent / "lib" / "libpenstock-trouble.so"
CONTROL = struct.Struct("<QqQQ")  # syncs, wall_offset_ns, track_writes, sync_us
HONEST, FAILING, LYING = 0, 1, 2  # syncs
SYNC_US = 1_000  # of a disk in good health
NUMBER = struct.Struct("<Q")
ENTRY = struct.Struct("<QQQQ")  # position, length, size before, length of the old bytes


class Untroubled:
    """For runs that measure: the broker has its disk to itself."""

    def __init__(self, folder):
        pass

    def environment(self):
        return {}


class Trouble:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.undo = self.folder / "undo"
        self.undo.mkdir(parents=True)
        control = self.folder / "control"
        control.write_bytes(CONTROL.pack(0, 0, 1, SYNC_US))
        with open(control, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), CONTROL.size)

    def environment(self):
        return {"LD_PRELOAD": str(LIBRARY), "PENSTOCK_TROUBLE": str(self.folder)}

    def set_syncs(self, how):
        NUMBER.pack_into(self.page, 0, how)

    def is_failing_syncs(self):
        return NUMBER.unpack_from(self.page, 0)[0] == FAILING

    def move_clock(self, seconds):
        struct.pack_into("<q", self.page, 8, int(seconds * 1e9))

    def slow_syncs(self, microseconds=SYNC_US):
        NUMBER.pack_into(self.page, 24, microseconds)

    def keep_unflushed(self):
        """The broker ended and the machine did not: all that it wrote is there."""
        for path in self.undo.iterdir():
            path.unlink()

    def drop_unflushed(self, rng):
        """The machine lost power: each write that was not flushed is there or not. Returns how many are not."""
        dropped = 0
        for inode in sorted({path.name.partition(".")[0] for path in self.undo.iterdir()}, key=int):
            dropped += self._drop_of_file(sorted(self.undo.glob(f"{inode}.*"), key=generation_of), rng)
        self.keep_unflushed()
        return dropped

    @staticmethod
    def _drop_of_file(journals, rng):
        target, writes = None, []
        for journal in journals:
            data = journal.read_bytes()
            if len(data) < 4:
                continue
            target = pathlib.Path(data[4:4 + struct.unpack_from("<I", data)[0]].decode())
            writes += list(entries_of(data[4 + struct.unpack_from("<I", data)[0]:]))
        # A removed file, or another one that has its number now.
        if not writes or not target.exists() or str(target.stat().st_ino) != inode_of(journals[0]):
            return 0
        chance = rng.choice([1.0, 1.0, 0.5])
        dropped = 0
        with open(target, "r+b") as file:
            for position, length, size_before, old in reversed(writes):
                if rng.random() > chance:
                    continue
                dropped += 1
                size = os.fstat(file.fileno()).st_size
                file.seek(position)
                file.write((old + bytes(length - len(old)))[:max(0, size - position)])
                file.flush()
                if position + length >= size > size_before:
                    file.truncate(size_before)
        return dropped


def generation_of(path):
    return int(path.name.partition(".")[2])


def inode_of(path):
    return path.name.partition(".")[0]


def entries_of(data):
    at = 0
    while at + ENTRY.size <= len(data):
        position, length, size_before, old_length = ENTRY.unpack_from(data, at)
        at += ENTRY.size
        if at + old_length > len(data):
            return  # the broker died while it wrote this one, and before the write that it speaks of
        yield position, length, size_before, data[at:at + old_length]
        at += old_length
