#!/usr/bin/env python3
"""Batches of an independent implementation of the format, as fixtures for foreign_golden_test.cc.

Provenance: made once with kafka-python 3.0.12 (kafka.record.default_records), which compressed with
python-snappy 0.7.3, lz4 4.4.5, zstandard 0.25.0 and the gzip module of CPython. To make them again:

    pip install kafka-python==3.0.12 python-snappy==0.7.3 lz4==4.4.5 zstandard==0.25.0
    python3 make_foreign_batches.py

    python3 make_foreign_batches.py --check FILE.hex...

reads batches of our encoder with that implementation and prints what it sees.
The records come from a formula that foreign_golden_test.cc repeats.
"""
import pathlib
import struct
import sys

import kafka
from kafka.codec import snappy_encode
from kafka.record.default_records import (ControlRecord, DefaultRecordBatch,
                                          DefaultRecordBatchBuilder)

FOLDER = pathlib.Path(__file__).parent
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
LOG_APPEND_TIME, CONTROL = 0x08, 0x20
FIELDS = [("base offset", 8), ("batch length", 4), ("leader epoch", 4), ("magic", 1), ("crc", 4),
          ("attributes", 2), ("last offset delta", 4), ("base timestamp", 8), ("max timestamp", 8),
          ("producer id", 8), ("producer epoch", 2), ("base sequence", 4), ("record count", 4)]


def record(i):
    key = None if i % 7 == 3 else b"" if i % 7 == 5 else b"key-%d" % i
    value = None if i % 5 == 4 else (
        b'{"id":%d,"place":"12 km of somewhere","magnitude":%d.%d}' % (i, i % 9, i % 10))
    headers = []
    if i % 4 == 0:
        headers = [("trace", b"t%d" % i), ("empty", b""), ("null", None)]
    if i % 8 == 0:
        headers.append(("größe", b"\x00\xff"))
    return 1700000000000 + i * 37 % 1000, key, value, headers


class Builder(DefaultRecordBatchBuilder):
    """With attribute bits that only a broker sets, and raw snappy, which that library reads too."""

    def __init__(self, codec, extra=0, raw_snappy=False, producer=(-1, -1, -1), transactional=False):
        super().__init__(2, CODECS[codec], transactional, *producer, 1 << 30)
        self.extra = extra
        self.raw_snappy = raw_snappy

    def _get_attributes(self, include_compression_type=True):
        return super()._get_attributes(include_compression_type) | self.extra

    def _maybe_compress(self):
        if not self.raw_snappy:
            return super()._maybe_compress()
        records = bytes(self._buffer[61:])
        self._buffer[61:] = snappy_encode(records, xerial_compatible=False)
        return True


def records(builder, count):
    for i in range(count):
        builder.append(i, *record(i))
    return bytes(builder.build())


def annotated(batch, title):
    lines = [f"# {title}", "#"]
    at = 0
    for name, size in FIELDS:
        lines.append(f"{batch[at:at + size].hex(' '):<24}  # {at}: {name}")
        at += size
    lines.append(f"# {at}: records")
    for begin in range(at, len(batch), 24):
        lines.append(batch[begin:begin + 24].hex(" "))
    return "\n".join(lines) + "\n"


def write(name, batch, title):
    check = DefaultRecordBatch(batch)
    assert check.validate_crc() and list(check), name
    producer = f"kafka-python {kafka.__version__}"
    if name.startswith("foreign_large"):
        (FOLDER / f"{name}.bin").write_bytes(batch)
    else:
        (FOLDER / f"{name}.hex").write_text(annotated(batch, f"{title}; made by {producer}."))


def make():
    for codec in CODECS:
        write(f"foreign_{codec}", records(Builder(codec), 40), f"40 records, codec {codec}")
        if codec != "none":
            write(f"foreign_large_{codec}", records(Builder(codec), 1200), "")
    write("foreign_snappy_raw", records(Builder("snappy", raw_snappy=True), 40),
          "40 records, snappy without xerial framing")
    write("foreign_transactional",
          records(Builder("none", producer=(4711, 3, 2147483647), transactional=True), 3),
          "3 records of an idempotent, transactional producer")
    write("foreign_append_time", records(Builder("lz4", extra=LOG_APPEND_TIME), 40),
          "40 records stamped by the log")
    commit = Builder("none", extra=CONTROL, producer=(4711, 3, -1), transactional=True)
    commit.append(0, 1700000000123, ControlRecord.KEY_STRUCT.pack(0, 1), struct.pack(">hi", 0, 9), [])
    write("foreign_control_commit", bytes(commit.build()), "a COMMIT marker")


def check(path):
    text = "".join(line.split("#")[0] for line in open(path, encoding="utf-8"))
    batch = DefaultRecordBatch(bytes.fromhex(text))
    print(f"{path}: crc {'good' if batch.validate_crc() else 'BAD'} {batch}")
    for found in batch:
        print(f"  {found!r}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        for argument in sys.argv[2:]:
            check(argument)
    else:
        make()
