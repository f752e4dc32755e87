"""Record batches in pure Python, written from docs/protocol.md alone (see penstock_wire.py).

A `Batch` holds the fields of the header as they travel, so that a test can make any of them wrong; what is left
alone is right: length and CRC are computed unless given.
"""

import dataclasses
import gzip
import struct

NONE, GZIP = 0, 1
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 1 << 3, 1 << 4, 1 << 5
HEADER_BYTES = 61
HEADER = struct.Struct(">qiibIhiqqqhii")
LENGTH_COVERS_FROM, CRC_COVERS_FROM = 12, 21


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _crc_table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    table = _CRC_TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def encode_varint(value):
    """Unsigned; of a negative number the 64 bits of its two's complement, as protobuf has it."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_zigzag(value):
    return encode_varint(value << 1 ^ value >> 63)


class Cursor:
    """Reads from bytes and says so when they end too early."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count < 0 or count > self.left():
            raise ValueError(f"{count} bytes wanted, {self.left()} left")
        self.at += count
        return self.data[self.at - count:self.at]

    def varint(self):
        value = 0
        for index in range(10):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF
        raise ValueError("a varint of more than 10 bytes")

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def nullable(self):
        length = self.zigzag()
        return None if length == -1 else self.take(length)


@dataclasses.dataclass(frozen=True)
class Record:
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 1_700_000_000_000
    headers: tuple = ()  # of (key, value or None)
    offset: int = -1     # known once stored


def _nullable(data):
    return encode_zigzag(-1) if data is None else encode_zigzag(len(data)) + data


def encode_record(record, timestamp_delta, offset_delta):
    body = b"\0" + encode_zigzag(timestamp_delta) + encode_zigzag(offset_delta)
    body += _nullable(record.key) + _nullable(record.value) + encode_zigzag(len(record.headers))
    for key, value in record.headers:
        body += encode_zigzag(len(key)) + key + _nullable(value)
    return encode_zigzag(len(body)) + body


def compress(block, codec):
    return {NONE: bytes, GZIP: lambda data: gzip.compress(data, mtime=0)}[codec](block)


@dataclasses.dataclass
class Batch:
    block: bytes  # the records as they travel, compressed or not
    count: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    attributes: int = 0
    base_offset: int = 0
    leader_epoch: int = -1
    magic: int = 2
    producer_id: int = -1
    producer_epoch: int = -1
    base_sequence: int = -1
    length: int | None = None
    crc: int | None = None

    @staticmethod
    def of(records, codec=NONE):
        base = records[0].timestamp
        block = b"".join(encode_record(record, record.timestamp - base, delta)
                         for delta, record in enumerate(records))
        return Batch(compress(block, codec), len(records), len(records) - 1, base,
                     max(record.timestamp for record in records), attributes=codec)

    def encode(self):
        header = HEADER.pack(self.base_offset, 0, self.leader_epoch, self.magic, 0, self.attributes,
                             self.last_offset_delta, self.base_timestamp, self.max_timestamp, self.producer_id,
                             self.producer_epoch, self.base_sequence, self.count)
        covered = header[CRC_COVERS_FROM:] + self.block
        length = HEADER_BYTES - LENGTH_COVERS_FROM + len(self.block) if self.length is None else self.length
        crc = crc32c(covered) if self.crc is None else self.crc
        return struct.pack(">qiibI", self.base_offset, length, self.leader_epoch, self.magic, crc) + covered

    def records(self):
        """Decodes the block strictly: exactly `count` records, nothing behind them."""
        codec = self.attributes & 7
        block = {NONE: bytes, GZIP: gzip.decompress}[codec](self.block)
        cursor, records = Cursor(block), []
        for _ in range(self.count):
            records.append(self._record(Cursor(cursor.take(cursor.zigzag()))))
        if cursor.left():
            raise ValueError(f"{cursor.left()} bytes behind the last record")
        return records

    def _record(self, body):
        if body.take(1) != b"\0":
            raise ValueError("record attributes are not 0")
        timestamp = self.base_timestamp + body.zigzag()
        offset = self.base_offset + body.zigzag()
        key, value = body.nullable(), body.nullable()
        headers = tuple((body.take(body.zigzag()), body.nullable()) for _ in range(body.zigzag()))
        if body.left():
            raise ValueError(f"{body.left()} bytes behind the last header")
        if self.attributes & LOG_APPEND_TIME:
            timestamp = self.max_timestamp
        return Record(value, key, timestamp, headers, offset)


def decode_batches(data):
    """Splits whole batches and checks each one's CRC. Half a batch is an error."""
    cursor, batches = Cursor(data), []
    while cursor.left():
        start = cursor.at
        _, length = struct.unpack(">qi", cursor.take(LENGTH_COVERS_FROM))
        rest = cursor.take(length)
        if length < HEADER_BYTES - LENGTH_COVERS_FROM:
            raise ValueError(f"a batch length of {length}")
        raw = data[start:cursor.at]
        (base_offset, length, leader_epoch, magic, crc, attributes, last_offset_delta, base_timestamp,
         max_timestamp, producer_id, producer_epoch, base_sequence, count) = HEADER.unpack(raw[:HEADER_BYTES])
        if crc != crc32c(raw[CRC_COVERS_FROM:]):
            raise ValueError(f"the batch at offset {base_offset} fails its CRC")
        batches.append(Batch(rest[HEADER_BYTES - LENGTH_COVERS_FROM:], count, last_offset_delta, base_timestamp,
                             max_timestamp, attributes, base_offset, leader_epoch, magic, producer_id,
                             producer_epoch, base_sequence, length, crc))
    return batches


def header_crc(data):
    """What a fetch answer calls `header_crc`: bytes 0 to 20 of every batch, one behind the other."""
    crc, at = 0, 0
    while at < len(data):
        crc = crc32c(data[at:at + CRC_COVERS_FROM], crc)
        at += LENGTH_COVERS_FROM + struct.unpack_from(">i", data, at + 8)[0]
    return crc
