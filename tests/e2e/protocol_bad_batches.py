"""Batches that must not get into the log: each is refused with the documented error, and the log does not grow."""

import dataclasses
import gzip
import zlib

from penstock_batch import (CONTROL, GZIP, LOG_APPEND_TIME, NONE, TRANSACTIONAL, Batch, Record, encode_record,
                            encode_zigzag)
from penstock_wire import PRODUCE, error_name
from protocol_scene import case, expect, expect_error

GOOD = Batch.of([Record(b"first", b"k"), Record(b"second"), Record(b"third", b"k", headers=((b"h", b"v"),))])
I32_MIN, I32_MAX = -2**31, 2**31 - 1


def altered(**fields):
    return dataclasses.replace(GOOD, **fields).encode()


def refused(title, wanted, data):
    """Registers a case: `data` is one partition's part, `wanted` the error (or errors) it may be refused with."""
    @case(f"refused: {title}")
    def run(scene):
        before = scene.list_offset(latest=True).offset
        with scene.connect() as connection:
            answer = scene.produce_bytes(data, connection)
            accepted = error_name(answer) in wanted.split("|")
            expect_error(answer, error_name(answer) if accepted else wanted, title)
            expect(scene.list_offset(latest=True).offset, before, "high watermark")
            good = [Record(b"on the same connection")]
            scene.acknowledged(scene.produce_bytes(Batch.of(good).encode(), connection), good)


# Structure of the batch.
refused("a wrong CRC", "BadChecksum", altered(crc=1))
refused("a flipped bit in the last byte", "BadChecksum", GOOD.encode()[:-1] + bytes([GOOD.encode()[-1] ^ 1]))
refused("half a batch", "InvalidBatch", GOOD.encode()[:40])
refused("one byte", "InvalidBatch", b"\0")
refused("a batch without its last byte", "InvalidBatch", GOOD.encode()[:-1])
refused("a whole batch and half of another", "InvalidBatch", GOOD.encode() + GOOD.encode()[:70])
refused("a batch and a byte", "InvalidBatch", GOOD.encode() + b"\0")
refused("garbage", "InvalidBatch", bytes(range(256)))
for length in (0, 48, -1, I32_MIN, I32_MAX, len(GOOD.encode())):
    refused(f"a batch length of {length}", "InvalidBatch", altered(length=length))
for magic in (0, 1, 3, -1):
    refused(f"magic {magic}", "InvalidBatch", altered(magic=magic))
refused("a control batch", "InvalidBatch", altered(attributes=CONTROL))
refused("a transactional batch", "InvalidBatch", altered(attributes=TRANSACTIONAL))
refused("attribute bits that nobody knows", "InvalidBatch", altered(attributes=1 << 7))
refused("the highest attribute bit", "InvalidBatch", altered(attributes=-2**15))
for count in (0, -1, 2, 4, I32_MIN, I32_MAX):
    refused(f"{count} records counted, 3 offsets", "InvalidBatch", altered(count=count))
refused("no record at all", "InvalidBatch", altered(count=0, last_offset_delta=-1, block=b""))
refused("2^31-1 records counted and offset", "InvalidBatch", altered(count=I32_MAX, last_offset_delta=I32_MAX - 1))
refused("a base offset of a producer", "InvalidBatch", altered(base_offset=5))
refused("a negative base offset", "InvalidBatch", altered(base_offset=-2**63))
refused("a producer without an epoch", "InvalidBatch", altered(producer_id=7, producer_epoch=-1, base_sequence=0))
refused("a producer without a sequence", "InvalidBatch", altered(producer_id=7, producer_epoch=0, base_sequence=-1))
refused("a producer's number below -1", "InvalidBatch", altered(producer_id=-2, producer_epoch=0, base_sequence=0))
refused("a producer that nobody knows, in the middle", "UnknownProducer",
        altered(producer_id=7, producer_epoch=0, base_sequence=3))
refused("a delete horizon", "InvalidBatch", altered(attributes=1 << 6))
for stamp in (0, 2**63 - 1):
    refused(f"max timestamp {stamp}, which no record has", "InvalidBatch", altered(max_timestamp=stamp))
refused("LogAppendTime said by a producer", "InvalidBatch", altered(attributes=LOG_APPEND_TIME))
for codec in (5, 6, 7):
    refused(f"codec {codec}", "UnsupportedCompression", altered(attributes=codec))

# A right CRC and wrong records inside: nobody could read them, and whoever tries would be stuck there.
HEAD = b"\0" + encode_zigzag(0) + encode_zigzag(0)  # attributes, timestamp delta, offset delta


def record_of(body):
    return encode_zigzag(len(body)) + body


WRONG_RECORDS = {
    "no bytes for the record counted": b"",
    "zeros": bytes(40),
    "a record longer than the block": encode_zigzag(1000) + HEAD,
    "a record length of -1": encode_zigzag(-1) + HEAD,
    "a record length of 2^62": encode_zigzag(2**62) + HEAD,
    "a length in a varint of 11 bytes": b"\x80" * 10 + b"\0" + HEAD,
    "a key length of -2": record_of(HEAD + encode_zigzag(-2) + encode_zigzag(-1) + encode_zigzag(0)),
    "a key behind the end of its record": record_of(HEAD + encode_zigzag(100) + b"key"),
    "a value behind the end of its record": record_of(HEAD + encode_zigzag(-1) + encode_zigzag(100) + b"v"),
    "a value length of 2^31": record_of(HEAD + encode_zigzag(-1) + encode_zigzag(2**31) + b"v"),
    "no header count": record_of(HEAD + encode_zigzag(-1) + encode_zigzag(-1)),
    "a header count of -1": record_of(HEAD + encode_zigzag(-1) + encode_zigzag(-1) + encode_zigzag(-1)),
    "a header count of 2^31-1": record_of(HEAD + encode_zigzag(-1) + encode_zigzag(-1) + encode_zigzag(I32_MAX)),
    "a header key length of -1": record_of(HEAD + encode_zigzag(-1) * 2 + encode_zigzag(1) + encode_zigzag(-1)),
    "bytes behind the last header": record_of(HEAD + encode_zigzag(-1) * 2 + encode_zigzag(0) + b"more"),
    "bytes behind the last record": encode_record(Record(b"v"), 0, 0) + b"more",
    "a record more than counted": encode_record(Record(b"v"), 0, 0) + encode_record(Record(b"w"), 0, 1),
    "an offset delta that is not its place": encode_record(Record(b"v"), 0, 1),
    "a negative offset delta": encode_record(Record(b"v"), 0, -1),
}

for name, wrong_block in WRONG_RECORDS.items():
    for codec, stored in ((NONE, wrong_block), (GZIP, gzip.compress(wrong_block, mtime=0))):
        refused(f"{name}, right CRC, {'gzip' if codec else 'plain'}", "InvalidBatch",
                Batch(stored, 1, 0, 0, 0, attributes=codec).encode())


def three(*offset_deltas):
    return b"".join(encode_record(Record(b"v"), 0, delta) for delta in offset_deltas)


for deltas in ((0, 0, 2), (0, 2, 1), (1, 2, 3), (0, 1, 3)):
    refused(f"offset deltas {deltas} of a producer", "InvalidBatch", Batch(three(*deltas), 3, 2, 0, 0).encode())

ZIPPED = gzip.compress(three(0, 1, 2), mtime=0)
for name, stored in (("no gzip", three(0, 1, 2)), ("gzip cut short", ZIPPED[:-9]),
                     ("gzip without its trailer", ZIPPED[:-8]),
                     ("gzip with a wrong checksum of its own", ZIPPED[:-8] + bytes(4) + ZIPPED[-4:]),
                     ("bytes behind the gzip", ZIPPED + b"more"), ("zlib instead of gzip", zlib.compress(bytes(99)))):
    refused(f"{name}, right CRC", "InvalidBatch", Batch(stored, 3, 2, 0, 0, attributes=GZIP).encode())
for codec, name in ((2, "snappy"), (3, "lz4"), (4, "zstd")):
    refused(f"plain records that claim to be {name}, right CRC", "InvalidBatch",
            Batch(three(0, 1, 2), 3, 2, 0, 0, attributes=codec).encode())
refused("1 MiB in 1 KiB: over 100 times its size", "DecompressionLimit|InvalidBatch",
        Batch.of([Record(bytes(1 << 20))], GZIP).encode())
refused("20 MiB decompressed", "DecompressionLimit|InvalidBatch|BatchTooLarge|RecordTooLarge",
        Batch.of([Record(bytes(1 << 20)) for _ in range(20)], GZIP).encode())

# Sizes. Limits are settings of the topic, and small ones make small tests.
LIMIT = 4096


@case("a batch of exactly the limit is stored, one byte more is not")
def batch_limit(scene):
    topic = scene.create_topic("small-batches", max_batch_bytes=str(LIMIT))
    overhead = len(Batch.of([Record(b"x" * 3000)]).encode()) - 3000
    fits = [Record(b"x" * (LIMIT - overhead))]
    expect(len(Batch.of(fits).encode()), LIMIT, "size of the largest batch")
    scene.produce(fits, topic=topic)
    for extra in (1, 100, LIMIT * 10):
        answer = scene.produce_bytes(Batch.of([Record(b"x" * (LIMIT - overhead + extra))]).encode(), topic=topic)
        expect(error_name(answer) in ("BatchTooLarge", "RecordTooLarge"), True, f"{error_name(answer)} is too large")
    expect_error(scene.produce_bytes(Batch.of([Record(b"x" * 900)] * 5).encode(), topic=topic), "BatchTooLarge",
                 "five records")
    expect(scene.list_offset(topic=topic, latest=True).offset, 1, "high watermark")


@case("an oversize record is refused, alone and among others, by its key, value or headers")
def record_limit(scene):
    topic = scene.create_topic("small-records", max_record_bytes=str(LIMIT))
    scene.produce([Record(b"x" * (LIMIT - 100)) for _ in range(5)], topic=topic)
    text = b"".join(b"%d," % n for n in range(LIMIT))
    for records in ([Record(text)], [Record(b"small"), Record(text), Record(b"small")], [Record(b"", key=text)],
                    [Record(b"", headers=((b"h", text),))]):
        expect_error(scene.produce_bytes(Batch.of(records).encode(), topic=topic), "RecordTooLarge",
                     f"{len(records)} records")
    expect(scene.list_offset(topic=topic, latest=True).offset, 5, "high watermark")


@case("a batch over the default limit is refused, and the broker takes the next request")
def default_batch_limit(scene):
    limit = int(scene.setting("main", "max_batch_bytes"))
    batch = Batch.of([Record(b"x" * 1000)])
    batch.block = bytes(limit)
    with scene.connect() as connection:
        data = batch.encode()
        answer = connection.call(PRODUCE, data, partitions=[scene.part(data)])
        expect_error(answer.partitions[0], "BatchTooLarge", f"{len(data)} bytes")
