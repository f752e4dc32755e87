"""Frames and requests that break the rules: a clear error or a closed connection, and nobody else notices."""

from penstock_batch import Batch, Record, encode_varint
from penstock_wire import (ALTER_TOPIC, CREATE_TOPIC, DELETE_RECORDS, DELETE_TOPIC, DESCRIBE_CLUSTER, DESCRIBE_TOPICS,
                           ERROR_RESPONSE, FETCH, FSYNCED, HANDSHAKE, LIST_OFFSETS, PRODUCE, RESPONSE,
                           ConnectionClosed, encode_frame)
from protocol_scene import case, expect, expect_error

U32_MAX = 2**32 - 1
FRAME_LIMIT, HANDSHAKE_FRAME_LIMIT = 16 << 20, 16 << 10
ASK = DESCRIBE_CLUSTER.number
HELLO = HANDSHAKE.request.encode({"client_name": "hostile"})


def expect_closed(connection, what):
    expect(connection.wait_closed(), b"", f"bytes for {what} before the connection was closed")


def closes(title, data, handshake=True):
    """Registers a case: `data` on a new connection has it closed without a byte of an answer."""
    @case(f"closes at once: {title}")
    def run(scene):
        with scene.connect(handshake=handshake) as connection:
            try:
                connection.send_bytes(data(scene) if callable(data) else data)
            except ConnectionClosed:
                return  # closed while there was more to send
            expect_closed(connection, title)


def garbage(scene):
    return scene.rng.randbytes(4096)


closes("garbage instead of a handshake", garbage, handshake=False)
closes("garbage behind a handshake", garbage)
closes("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2, handshake=False)
closes("zeros", bytes(64))
closes("another magic", encode_frame(ASK, b"", magic=b"PSTL"))
closes("frame version 0", encode_frame(ASK, b"", frame_version=0))
closes("frame version 2", encode_frame(ASK, b"", frame_version=2))
closes("frame version 2 before the handshake", encode_frame(1, HELLO, frame_version=2), handshake=False)
closes("a response instead of a request", encode_frame(ASK, b"", kind=RESPONSE))
closes("an unknown kind", encode_frame(ASK, b"", kind=2))
closes("reserved bytes that are not 0", encode_frame(ASK, b"", reserved=1))
closes("a wrong frame checksum", encode_frame(ASK, b"", checksum=0))
closes("a wrong frame checksum in the handshake", encode_frame(1, HELLO, checksum=0), handshake=False)
# Nothing follows the headers below: the broker decides by them alone.
closes("a handshake over 16 KiB", encode_frame(1, b"", message_length=HANDSHAKE_FRAME_LIMIT - 31), handshake=False)
closes("a handshake of 4 GiB", encode_frame(1, b"", message_length=U32_MAX), handshake=False)
closes("a frame one byte over the limit", encode_frame(ASK, b"", message_length=FRAME_LIMIT - 31))
closes("an attachment one byte over the limit", encode_frame(16, b"", attachment_length=FRAME_LIMIT - 31))
closes("two lengths that are over the limit together",
       encode_frame(16, b"", message_length=FRAME_LIMIT // 2, attachment_length=FRAME_LIMIT // 2))
closes("lengths whose sum is 0 in 32 bits",
       encode_frame(16, b"", message_length=2**31, attachment_length=2**31))
closes("lengths of -1", encode_frame(16, b"", message_length=U32_MAX, attachment_length=U32_MAX))


@case("half frames, cut at any byte, then the peer is gone")
def half_frames(scene):
    data = Batch.of([Record(b"never whole")]).encode()
    frame = encode_frame(16, PRODUCE.request.encode({"partitions": [scene.part(data)]}), data)
    before = scene.list_offset(latest=True).offset
    for cut in [1, 31, 32, 33, len(frame) - len(data), len(frame) - 1] + scene.rng.sample(range(len(frame)), 10):
        with scene.connect() as connection:
            connection.send_bytes(frame[:cut])
    expect(scene.list_offset(latest=True).offset, before, "high watermark")


@case("a frame that arrives byte by byte is a frame")
def byte_by_byte(scene):
    with scene.connect(handshake=False) as connection:
        for byte in encode_frame(1, HELLO):
            connection.send_bytes(bytes([byte]))
        expect_error(HANDSHAKE.response.decode(connection.receive_frame().message), "Ok")


@case("a request before the handshake is told so, then closed")
def before_handshake(scene):
    for api in (DESCRIBE_CLUSTER.number, PRODUCE.number, 99):
        with scene.connect(handshake=False) as connection:
            answer = ERROR_RESPONSE.decode(connection.answer_to(connection.send_message(api, b"")).message)
            expect_error(answer, "HandshakeRequired", f"API {api}")
            expect_closed(connection, "a peer without a handshake")


@case("a second handshake is told so, then closed")
def second_handshake(scene):
    with scene.connect() as connection:
        expect_error(connection.receive(HANDSHAKE, connection.send_message(1, HELLO)), "InvalidArgument")
        expect_closed(connection, "a second handshake")


@case("a handshake in an unknown version learns the versions and may try again")
def handshake_version(scene):
    with scene.connect(handshake=False) as connection:
        for version in (0, 2, 65535):
            answer = connection.receive(HANDSHAKE, connection.send_message(1, HELLO, version=version))
            expect_error(answer, "UnsupportedVersion", f"version {version}")
            expect([(row.min_version, row.max_version) for row in answer.apis if row.api == 1], [(1, 1)], "versions")
        expect_error(connection.receive(HANDSHAKE, connection.send_message(1, HELLO)), "Ok", "version 1")
        expect_error(connection.call(DESCRIBE_CLUSTER), "Ok", "what follows")


@case("invalid handshakes are told so, then closed")
def invalid_handshakes(scene):
    for title, message, attachment in (
            ("a name of 256 bytes", HANDSHAKE.request.encode({"client_name": "n" * 256}), b""),
            ("software of 256 bytes", HANDSHAKE.request.encode({"client_software": "n" * 256}), b""),
            ("a name that is no UTF-8", HANDSHAKE.request.encode({"client_name": b"\xff\xfe"}), b""),
            ("a message that does not parse", b"\x0a\x7f", b""), ("an attachment", HELLO, b"x")):
        with scene.connect(handshake=False) as connection:
            answer = connection.receive(HANDSHAKE, connection.send_message(1, message, attachment))
            expect_error(answer, "InvalidArgument", title)
            expect_closed(connection, title)
    with scene.connect(handshake=False) as connection:
        longest = HANDSHAKE.request.encode({"client_name": "n" * 255, "client_software": "é" * 127})
        expect_error(connection.receive(HANDSHAKE, connection.send_message(1, longest)), "Ok", "the longest names")


@case("unknown APIs and versions are refused, and the connection goes on")
def unknown_apis(scene):
    with scene.connect() as connection:
        for api, version, wanted in ((0, 1, "Unsupported"), (9, 1, "Unsupported"), (65535, 1, "Unsupported"),
                                     (ASK, 0, "UnsupportedVersion"), (ASK, 2, "UnsupportedVersion"),
                                     (PRODUCE.number, 65535, "UnsupportedVersion")):
            frame = connection.answer_to(connection.send_message(api, b"", b"attached", version=version))
            expect((frame.api, frame.version), (api, version), "API and version of the answer")
            expect_error(ERROR_RESPONSE.decode(frame.message), wanted, f"API {api} version {version}")
        expect_error(connection.call(DESCRIBE_CLUSTER), "Ok", "what follows")


@case("messages that do not parse are refused, and the connection goes on")
def unparsable(scene):
    with scene.connect() as connection:
        for api in (3, 4, 5, 6, 7, 8, 16, 17):
            for message in (b"\x0a\x7f", b"\xff" * 40, scene.rng.randbytes(200), b"\x0b" * 2000):
                answer = ERROR_RESPONSE.decode(connection.answer_to(connection.send_message(api, message)).message)
                expect_error(answer, "InvalidArgument", f"API {api}, message {message[:8].hex()}")
        expect_error(connection.call(DESCRIBE_CLUSTER), "Ok", "what follows")


@case("fields and attachments that nobody knows are ignored")
def unknown_fields(scene):
    unknown = encode_varint(1000 << 3 | 2) + b"\x03abc" + encode_varint(1001 << 3) + b"\x05"
    with scene.connect() as connection:
        answer = connection.receive(DESCRIBE_CLUSTER, connection.send_message(ASK, unknown))
        expect_error(answer, "Ok", "unknown fields")
        answer = connection.receive(DESCRIBE_CLUSTER, connection.send_message(ASK, b"", bytes(1000)))
        expect_error(answer, "Ok", "an attachment that nobody asked for")


@case("a frame of exactly the limit is taken")
def largest_frame(scene):
    room = FRAME_LIMIT - 32
    place = {"topic_id": scene.topic, "partition": 0, "leader_epoch": -1}
    message = PRODUCE.request.encode({"partitions": [{**place, "attachment_bytes": room}]})
    message = PRODUCE.request.encode({"partitions": [{**place, "attachment_bytes": room - len(message)}]})
    with scene.connect() as connection:
        answer = connection.receive(PRODUCE, connection.send_message(16, message, bytes(room - len(message))))
        expect_error(answer.partitions[0], "InvalidBatch", "zeros instead of batches")


@case("unknown topics and partitions, and ids that are none")
def unknown_places(scene):
    data = Batch.of([Record(b"nowhere")]).encode()
    for topic, partition, wanted in ((bytes(16), 0, "UnknownTopic"), (b"\xff" * 16, 0, "UnknownTopic"),
                                     (scene.topic, 2, "UnknownPartition"), (scene.topic, -1, "UnknownPartition"),
                                     (scene.topic, 2**31 - 1, "UnknownPartition"),
                                     (scene.topic, -2**31, "UnknownPartition")):
        where = {"topic": topic, "partition": partition}
        what = f"{topic.hex()} {partition}"
        expect_error(scene.produce_bytes(data, **where), wanted, f"produce to {what}")
        expect_error(scene.fetch(0, **where), wanted, f"fetch from {what}")
        expect_error(scene.fetch(0, max_wait_ms=40_000, min_bytes=1, **where), wanted, f"waiting fetch from {what}")
        expect_error(scene.list_offset(latest=True, **where), wanted, f"offsets of {what}")
        expect_error(scene.delete_records(0, **where), wanted, f"delete from {what}")
    for topic in (b"", scene.topic[:15], scene.topic + b"\0"):
        place = {"topic_id": topic, "partition": 0}
        for api, attachment, fields in (
                (PRODUCE, data, {"partitions": [{**place, "attachment_bytes": len(data), "leader_epoch": -1}]}),
                (FETCH, b"", {"partitions": [{**place, "offset": 0, "max_bytes": 9, "leader_epoch": -1}]}),
                (LIST_OFFSETS, b"", {"queries": [{**place, "latest": True, "leader_epoch": -1}]}),
                (DELETE_RECORDS, b"", {"ranges": [{**place, "before": 0}]})):
            answer = scene.client.call(api, attachment, **fields)
            parts = [*getattr(answer, "partitions", []), *getattr(answer, "answers", [])]
            expect_error(parts[0] if parts else answer, "InvalidArgument", f"an id of {len(topic)} bytes, {api.number}")


@case("attachment_bytes that do not add up store nothing")
def not_adding_up(scene):
    data = Batch.of([Record(b"counted")]).encode()
    half = len(data) // 2
    before = scene.list_offset(latest=True).offset
    for title, sizes in (("one too few", [len(data) - 1]), ("one too many", [len(data) + 1]), ("none", [0]),
                         ("no partition", []), ("2^32-1", [U32_MAX]), ("one behind the end", [len(data), 1]),
                         ("a sum that wraps around", [len(data), U32_MAX, 1])):
        parts = [{**scene.part(data), "attachment_bytes": size} for size in sizes]
        expect_error(scene.client.call(PRODUCE, data, partitions=parts, durability=FSYNCED), "InvalidArgument", title)
    for title, parts in (("a part of 0 bytes", [0, len(data)]), ("a batch cut in two parts", [half, len(data) - half])):
        answer = scene.client.call(PRODUCE, data, durability=FSYNCED, partitions=[
            {**scene.part(data, 1 if size == len(data) else 0), "attachment_bytes": size} for size in parts])
        expect_error(answer.partitions[0] if answer.partitions else answer, "InvalidBatch", title)
        if answer.partitions and not answer.partitions[1].error:
            scene.acknowledged(answer.partitions[1], [Record(b"counted")], 1)
    expect(scene.list_offset(latest=True).offset, before, "high watermark")


@case("fetches below, at and far beyond the log")
def fetch_bounds(scene):
    end = scene.list_offset(latest=True).offset
    expect_error(scene.fetch(0), "Ok", "at the log start")
    at_end = scene.fetch(end)
    expect_error(at_end, "Ok", "at the high watermark")
    expect(at_end.bytes, b"", "bytes at the high watermark")
    for offset in (end + 1, 2**63 - 1, -1, -2**63):
        part = scene.fetch(offset, max_wait_ms=40_000, min_bytes=1)
        expect_error(part, "OffsetOutOfRange", f"offset {offset}")
        expect((part.log_start, part.high_watermark), (0, end), "where the log is")


@case("absurd sizes and waits of a fetch are bounded by what is there")
def absurd_fetches(scene):
    end = scene.list_offset(latest=True).offset
    everything = scene.fetch(0, max_bytes=U32_MAX, max_wait_ms=U32_MAX)
    expect_error(everything, "Ok", "4 GiB wanted")
    expect(everything.batches[0].base_offset, 0, "first batch")
    expect(scene.fetch(end, max_wait_ms=0, min_bytes=U32_MAX).bytes, b"", "no wait, 4 GiB wanted at least")
    expect(scene.fetch(0, max_wait_ms=20, min_bytes=U32_MAX).batches[0].base_offset, 0, "4 GiB wanted at least")
    with scene.connect() as connection:  # waits for weeks, if it were allowed to: the peer gives up first
        connection.send(FETCH, partitions=[scene.fetch_request(end)], max_wait_ms=U32_MAX, min_bytes=U32_MAX,
                        max_bytes=U32_MAX)
        expect_error(connection.call(DESCRIBE_CLUSTER), "Ok", "beside a long wait")


@case("lists that are too long are refused")
def long_lists(scene):
    place = {"topic_id": scene.topic, "partition": 0}
    for api, fields in (
            (PRODUCE, {"partitions": [{**place, "attachment_bytes": 0, "leader_epoch": -1}] * 2001}),
            (FETCH, {"partitions": [{**place, "offset": 0, "max_bytes": 0, "leader_epoch": -1}] * 2001}),
            (LIST_OFFSETS, {"queries": [{**place, "latest": True, "leader_epoch": -1}] * 2001}),
            (DELETE_RECORDS, {"ranges": [{**place, "before": 0}] * 2001}),
            (DESCRIBE_TOPICS, {"names": ["main"] * 1001})):
        expect_error(scene.client.call(api, **fields), "InvalidArgument", f"API {api.number}")


@case("topics with bad names, sizes and settings are not created")
def bad_topics(scene):
    for name in ("", ".", "..", "a/b", "../../etc", "n" * 250, "spa ce", "nul\0", "é"):
        expect_error(scene.client.call(CREATE_TOPIC, name=name, partitions=1), "InvalidTopicName", f"name {name!r}")
        expect_error(scene.client.call(DELETE_TOPIC, name=name), "UnknownTopic", f"deleting {name!r}")
        expect_error(scene.client.call(ALTER_TOPIC, name=name, partitions=2), "UnknownTopic", f"altering {name!r}")
    for partitions in (0, 2001, U32_MAX):
        expect_error(scene.client.call(CREATE_TOPIC, name="bad", partitions=partitions), "InvalidArgument",
                     f"{partitions} partitions")
    expect_error(scene.client.call(CREATE_TOPIC, name="bad", partitions=1, replication_factor=2), "NotEnoughBrokers",
                 "more replicas than brokers")
    for name, value in (("no_such_setting", "1"), ("segment_bytes", "many"), ("segment_bytes", "-1"),
                        ("segment_bytes", "99999999999999999999"), ("", ""), ("durability", "none")):
        answer = scene.client.call(CREATE_TOPIC, name="bad", partitions=1, settings=[{"name": name, "value": value}])
        expect_error(answer, "InvalidSetting", f"{name}={value}")
    expect_error(scene.client.call(DESCRIBE_TOPICS, names=["bad"]).topics[0], "UnknownTopic", "none was created")


@case("offsets of queries without a question, and at absurd times")
def odd_queries(scene):
    expect_error(scene.list_offset(), "InvalidArgument", "no question")
    for timestamp, wanted in ((-2**63, 0), (-1, 0), (2**63 - 1, -1)):
        found = scene.list_offset(timestamp_ms=timestamp)
        expect_error(found, "Ok", f"time {timestamp}")
        expect(found.offset, wanted, f"offset at {timestamp}")


@case("a durability that nobody knows is refused, an absurd timeout is not waited for")
def odd_durability(scene):
    records = [Record(b"odd")]
    data = Batch.of(records).encode()
    answer = scene.client.call(PRODUCE, data, partitions=[scene.part(data)], durability=99)
    expect_error(answer, "InvalidArgument", "durability 99")
    answer = scene.client.call(PRODUCE, data, partitions=[scene.part(data)], durability=FSYNCED, timeout_ms=U32_MAX)
    scene.acknowledged(answer.partitions[0], records)


@case("valid requests with bytes changed in the message or the attachment are each answered, once")
def mutations(scene):
    topic = scene.create_topic("mutated")  # not in the ledger: some of the changes do no harm
    data = Batch.of([Record(b"mutated", b"k")] * 3).encode()
    place = {"topic_id": topic, "partition": 0}
    requests = [(api, api.request.encode(fields), attachment) for api, fields, attachment in (
        (DESCRIBE_TOPICS, {"names": ["mutated"], "with_offsets": True, "with_settings": True}, b""),
        (CREATE_TOPIC, {"name": "never", "partitions": 1, "settings": [{"name": "segment_bytes", "value": "65536"}],
                        "validate_only": True}, b""),
        (DELETE_TOPIC, {"name": "never"}, b""),
        (ALTER_TOPIC, {"name": "never", "set": [{"name": "segment_ms", "value": "1h"}], "reset": ["x"]}, b""),
        (LIST_OFFSETS, {"queries": [{**place, "timestamp_ms": 5, "leader_epoch": -1}] * 2}, b""),
        (DELETE_RECORDS, {"ranges": [{**place, "before": 0}] * 2}, b""),
        (PRODUCE, {"partitions": [scene.part(data, topic=topic)] * 2, "durability": FSYNCED}, data * 2),
        (FETCH, {"partitions": [scene.fetch_request(0, topic=topic)] * 2, "max_bytes": 1 << 20}, b""))]

    def changed(data):
        data = bytearray(data)
        for _ in range(scene.rng.randint(1, 3) if data else 0):
            data[scene.rng.randrange(len(data))] = scene.rng.choice((0, 1, 0x7F, 0x80, 0xFF, scene.rng.randrange(256)))
        return bytes(data)

    with scene.connect() as connection:
        for _ in range(60):
            sent = []
            for api, message, attachment in requests * 4:
                in_message = not attachment or scene.rng.random() < 0.5
                message, attachment = (changed(message), attachment) if in_message else (message, changed(attachment))
                sent.append((api, connection.send_message(api.number, message, attachment)))
            for api, correlation in sent:
                connection.receive(api, correlation)
        expect(connection.answers, {}, "answers that nobody asked for")


@case("a producer that leaves without its answer stores its batch whole or not at all")
def leaves_early(scene):
    topic = scene.create_topic("leavers")
    batch = Batch.of([Record(b"leaving", b"%d" % n) for n in range(7)]).encode()
    for _ in range(20):
        with scene.connect() as connection:
            scene.send_produce(connection, batch, topic=topic)
    for found in scene.read_partition(topic, 0).values():
        expect(found[2], b"leaving", "a value")
    expect(scene.list_offset(topic=topic, latest=True).offset % 7, 0, "records beyond whole batches")
