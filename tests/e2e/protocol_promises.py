"""What docs/protocol.md promises to a client that behaves."""

import re

from penstock_batch import GZIP, LOG_APPEND_TIME, Batch, Record, compress, crc32c, decode_batches, encode_zigzag
from penstock_wire import (ALTER_TOPIC, APIS, CREATE_TOPIC, DELETE_TOPIC, DESCRIBE_CLUSTER, DESCRIBE_TOPICS, FETCH,
                           FSYNCED, HANDSHAKE, OTHER_APIS, PRODUCE, ROOT, TOPIC_DEFAULT, WRITTEN, encode_frame, error_name)
from protocol_scene import case, expect, expect_error

LONG_WAIT_MS = 40_000  # shorter than the patience of the client: an answer in time was not cut short by it


def hex_block(name):
    """The bytes of one example of the document."""
    text = (ROOT / "docs/protocol.md").read_text()
    block = re.search(rf"```hex {name}\n(.*?)```", text, re.DOTALL).group(1)
    return bytes.fromhex("".join(line.split("|")[0] for line in block.splitlines()))


@case("the document's checksums and varints are those of this client")
def vectors(scene):
    document = (ROOT / "docs/protocol.md").read_text()
    for data, wanted in ((b"", "00000000"), (b"123456789", "e3069283"), (bytes(32), "8a9136aa"),
                         (b"\xff" * 32, "62a8ab43"), (bytes(range(32)), "46dd794e")):
        expect(f"{crc32c(data):08x}", wanted, f"CRC-32C of {data.hex()}")
        expect(f"`{wanted}`" in document, True, f"{wanted} in the document")
    for value, wanted in re.findall(r"^\| (-?\d+) \| `([0-9a-f ]+)` \|$", document, re.MULTILINE):
        expect(encode_zigzag(int(value)).hex(" "), wanted, f"zig-zag of {value}")


@case("the document's example frames are the bytes that this client makes")
def examples(scene):
    batch = Batch.of([Record(b"hello", b"k1")]).encode()
    message = PRODUCE.request.encode({"partitions": [scene.part(batch, 3, bytes(range(16)))], "durability": FSYNCED,
                                      "timeout_ms": 5000})
    expect(encode_frame(16, message, batch, 7).hex(" "), hex_block("frame-example").hex(" "), "the produce request")
    hello = HANDSHAKE.request.encode({"client_name": "demo", "client_software": "my-client/1.0"})
    expect(encode_frame(1, hello).hex(" "), hex_block("handshake-request").hex(" "), "the handshake")


@case("the handshake of the document, byte for byte, is answered with APIs, ids and limits")
def handshake(scene):
    with scene.connect(handshake=False) as connection:
        connection.send_bytes(hex_block("handshake-request"))
        frame = connection.receive_frame()
        expect((frame.api, frame.version, frame.correlation, frame.attachment), (1, 1, 1, b""), "the answer's header")
        hello = HANDSHAKE.response.decode(frame.message)
        expect_error(hello, "Ok")
        expect([(row.api, row.min_version, row.max_version) for row in hello.apis],
               [(number, 1, 1) for number in sorted([*(api.number for api in APIS), *OTHER_APIS])], "APIs")
        expect((len(hello.cluster_id), hello.max_frame_bytes, hello.max_in_flight_requests), (16, 16 << 20, 64),
               "length of the cluster id, largest frame, requests in flight")
        cluster = connection.call(DESCRIBE_CLUSTER)
        expect(cluster.cluster_id, hello.cluster_id, "cluster id")
        expect([broker.id for broker in cluster.brokers], [hello.broker_id], "brokers")
        expect((cluster.brokers[0].host, cluster.brokers[0].port), ("127.0.0.1", scene.broker.port), "address")
        expect((cluster.controller, cluster.disk_full), (hello.broker_id, False), "controller, disk full")
        expect(0 < cluster.disk_available_bytes <= cluster.disk_total_bytes, True, "disk space makes sense")


@case("the highest correlation and a repeated one come back as they were sent")
def correlations(scene):
    with scene.connect() as connection:
        for correlation in (0, 2**64 - 1, 2**64 - 1):
            connection.send_bytes(encode_frame(DESCRIBE_CLUSTER.number, b"", correlation=correlation))
            expect(connection.receive_frame().correlation, correlation, "correlation")


@case("a topic is created, described, altered, deleted and created again as another")
def topic_life(scene):
    call = scene.client.call
    only_checked = call(CREATE_TOPIC, name="life", partitions=3, validate_only=True)
    expect_error(only_checked, "Ok")
    expect_error(call(DESCRIBE_TOPICS, names=["life"]).topics[0], "UnknownTopic", "a topic that was only validated")
    first = scene.create_topic("life", 3, max_batch_bytes="65536")
    expect_error(call(CREATE_TOPIC, name="life", partitions=3), "TopicExists")
    answer = call(DESCRIBE_TOPICS, names=["nobody", "life"], with_offsets=True, with_settings=True)
    expect_error(answer, "Ok", "describing as a whole")
    expect_error(answer.topics[0], "UnknownTopic", "the unknown one")
    topic = answer.topics[1]
    expect((topic.name, topic.topic_id, topic.internal), ("life", first, False), "the known one")
    expect([(row.partition, row.leader, row.replicas, row.log_start, row.high_watermark)
            for row in topic.partitions], [(n, 1, [1], 0, 0) for n in range(3)], "its partitions")
    changed = {row.name: row.value for row in topic.settings if not row.is_default}
    expect(changed, {"max_batch_bytes": "65536", "retention_ms": "unlimited"}, "settings that are not defaults")
    altered = call(ALTER_TOPIC, name="life", partitions=4, reset=["max_batch_bytes", "retention_ms"])
    expect_error(altered, "Ok", "altering")
    expect_error(call(ALTER_TOPIC, name="life", partitions=2), "InvalidArgument", "fewer partitions")
    expect_error(call(ALTER_TOPIC, name="life", set=[{"name": "no_such", "value": "1"}]), "InvalidSetting")
    expect_error(call(ALTER_TOPIC, name="nobody", partitions=2), "UnknownTopic", "altering an unknown one")
    topic = call(DESCRIBE_TOPICS, names=["life"], with_settings=True).topics[0]
    expect((len(topic.partitions), [row.name for row in topic.settings if not row.is_default]), (4, []), "afterwards")
    expect_error(call(DELETE_TOPIC, name="life"), "Ok", "deleting")
    expect_error(call(DELETE_TOPIC, name="life"), "UnknownTopic", "deleting again")
    second = scene.create_topic("life")
    expect(first != second, True, "another id")
    expect_error(scene.produce_bytes(Batch.of([Record(b"x")]).encode(), topic=first), "UnknownTopic", "the old id")
    scene.produce([Record(b"x")], topic=second)


@case("ids of topics and of the cluster are all different")
def distinct_ids(scene):
    topics = scene.client.call(DESCRIBE_TOPICS).topics
    ids = [topic.topic_id for topic in topics] + [scene.client.hello.cluster_id]
    expect(len(set(ids)), len(ids), "different ids")


@case("every shape of a record comes back as it was sent, plain and gzip")
def record_shapes(scene):
    records = [Record(b"value", b"key"), Record(None, b"tombstone"), Record(b"no key"), Record(b"", b""),
               Record(None, None), Record(b"\0\xff" * 500, b"binary", timestamp=0),
               Record(b"later", b"t", timestamp=1_900_000_000_000),
               Record(b"v", b"k", headers=((b"h", b"1"), (b"h", b"2"), (b"", b""), (b"null", None)))]
    scene.produce(records)
    scene.produce(records, GZIP)
    scene.produce([Record(b"%d" % n * 50, b"%d" % n) for n in range(1000)], GZIP)


@case("receipts say what is true, for each durability")
def receipts(scene):
    for durability in (TOPIC_DEFAULT, FSYNCED, WRITTEN):
        receipt = scene.produce([Record(b"r")], durability=durability).receipt
        expect((receipt.replicas, receipt.replicas_written), (1, 1), f"replicas of durability {durability}")
        if durability != WRITTEN:
            expect(receipt.replicas_fsynced, 1, f"replicas that fsynced for durability {durability}")


@case("a part of several batches gets one range of offsets")
def several_batches(scene):
    records = [Record(b"%d" % n) for n in range(6)]
    data = b"".join(Batch.of(records[at:at + 2], codec).encode() for at, codec in ((0, 0), (2, GZIP), (4, 0)))
    answer = scene.produce_bytes(data)
    scene.acknowledged(answer, records)
    part = scene.fetch(answer.base_offset)
    expect([batch.base_offset for batch in part.batches], [answer.base_offset + n for n in (0, 2, 4)], "base offsets")
    expect({batch.leader_epoch for batch in part.batches}, {answer.leader_epoch}, "leader epochs")


@case("the broker changes nothing but base offset and leader epoch")
def verbatim(scene):
    sent = Batch.of([Record(b"verbatim", b"k", headers=((b"a", b"b"),))], GZIP).encode()
    answer = scene.produce_bytes(sent)
    scene.acknowledged(answer, [Record(b"verbatim", b"k", headers=((b"a", b"b"),))])
    stored = scene.fetch(answer.base_offset).bytes
    wanted = answer.base_offset.to_bytes(8) + sent[8:12] + answer.leader_epoch.to_bytes(4) + sent[16:]
    expect(stored.hex(), wanted.hex(), "stored bytes")


@case("the leader epoch of a producer's batch is replaced, whatever it is")
def epoch_is_replaced(scene):
    batch = Batch.of([Record(b"epoch")])
    batch.leader_epoch = 1000
    answer = scene.produce_bytes(batch.encode())
    scene.acknowledged(answer, [Record(b"epoch")])
    expect(scene.fetch(answer.base_offset).batches[0].leader_epoch, answer.leader_epoch, "stored leader epoch")


@case("gzip of several members is read as one")
def gzip_members(scene):
    records = [Record(b"%d" % n * 40) for n in range(4)]
    batch = Batch.of(records)
    half = len(batch.block) // 2
    batch.block = compress(batch.block[:half], GZIP) + compress(batch.block[half:], GZIP)
    batch.attributes = GZIP
    scene.acknowledged(scene.produce_bytes(batch.encode()), records)


@case("partitions of one request succeed and fail one by one")
def one_by_one(scene):
    good = [Record(b"good")]
    data = Batch.of(good).encode()
    bad = bytearray(data)
    bad[-1] ^= 1
    answer = scene.client.call(PRODUCE, data + bytes(bad) + data + data, partitions=[
        scene.part(data, 0), scene.part(bad, 1), scene.part(data, 1), scene.part(data, 9)], durability=FSYNCED)
    expect([error_name(part) for part in answer.partitions], ["Ok", "BadChecksum", "Ok", "UnknownPartition"],
           "outcomes")
    scene.acknowledged(answer.partitions[0], good, 0)
    scene.acknowledged(answer.partitions[2], good, 1)


@case("one request may name a partition several times")
def named_twice(scene):
    first, second = [Record(b"first")], [Record(b"second"), Record(b"third")]
    parts = [Batch.of(first).encode(), Batch.of(second, GZIP).encode()]
    answer = scene.client.call(PRODUCE, b"".join(parts), partitions=[scene.part(data) for data in parts])
    for part, records in zip(answer.partitions, (first, second), strict=True):
        scene.acknowledged(part, records)
    base = answer.partitions[0].base_offset
    expect(answer.partitions[1].base_offset, base + 1, "the second part lies behind the first")
    fetched = scene.client.call(FETCH, max_bytes=1 << 20, partitions=[
        scene.fetch_request(base + 1), scene.fetch_request(base)])
    expect([part.batches[0].base_offset for part in scene.parts(fetched)], [base + 1, base], "what each part holds")


@case("a batch that is refused takes its whole part with it, and nothing of the others")
def all_or_nothing(scene):
    good, bad = Batch.of([Record(b"good")]).encode(), Batch.of([Record(b"bad")])
    bad.crc = 1
    before = scene.list_offset(latest=True).offset
    expect_error(scene.produce_bytes(good + bad.encode() + good), "BadChecksum", "the part")
    expect(scene.list_offset(latest=True).offset, before, "high watermark")


@case("produces that are sent without waiting are appended in the order of sending")
def pipelined(scene):
    with scene.connect() as connection:
        sent = []
        for number in range(60):  # below max_in_flight_requests
            records = [Record(b"pipelined %d.%d" % (number, n)) for n in range(1 + number % 3)]
            durability = WRITTEN if number % 2 else FSYNCED
            sent.append((scene.send_produce(connection, Batch.of(records).encode(), durability, partition=1), records))
        offset = -1
        for correlation, records in sent:
            part = connection.receive(PRODUCE, correlation).partitions[0]
            scene.acknowledged(part, records, 1)
            expect(part.base_offset > offset, True, f"{part.base_offset} lies behind {offset}")
            offset = part.last_offset


@case("more requests than the broker works on at once wait in the network, and all are answered")
def beyond_the_window(scene):
    with scene.connect() as connection:
        data = Batch.of([Record(b"many")]).encode()
        sent = [scene.send_produce(connection, data, partition=1) for _ in range(300)]
        for correlation in sent:
            scene.acknowledged(connection.receive(PRODUCE, correlation).partitions[0], [Record(b"many")], 1)


@case("a fetch at the end waits, and an append wakes it; other requests overtake it")
def long_poll(scene):
    with scene.connect() as connection:
        end = scene.list_offset(latest=True).offset
        waiting = connection.send(FETCH, partitions=[scene.fetch_request(end)], max_wait_ms=LONG_WAIT_MS, min_bytes=1,
                                  max_bytes=1 << 20)
        connection.call(DESCRIBE_CLUSTER)
        expect(waiting in connection.answers, False, "the fetch was answered before there was anything")
        scene.produce([Record(b"wake up")])
        part = scene.parts(connection.receive(FETCH, waiting))[0]
        expect([record.value for batch in part.batches for record in batch.records()], [b"wake up"], "what woke it")


@case("a fetch at the end gives up after max_wait_ms with an empty answer")
def poll_gives_up(scene):
    end = scene.list_offset(latest=True).offset
    part = scene.fetch(end, max_wait_ms=20, min_bytes=1)
    expect_error(part, "Ok")
    expect((part.bytes, part.high_watermark), (b"", end), "an empty part, and the high watermark")


@case("an answer holds the batch with the offset, whole, even when it is larger than asked for")
def first_batch_whole(scene):
    records = [Record(b"x" * 100) for _ in range(10)]
    base = scene.produce(records).base_offset
    scene.produce([Record(b"next")])
    for max_bytes in (0, 1, 200):
        part = scene.fetch(base + 7, max_bytes=max_bytes)
        expect([(batch.base_offset, batch.count) for batch in part.batches], [(base, 10)], "batches")
    both = scene.client.call(FETCH, max_bytes=1, partitions=[
        scene.fetch_request(base), scene.fetch_request(scene.list_offset(1, latest=True).offset - 1, 1)])
    # Which partition comes first changes from answer to answer.
    expect(sorted(len(part.batches) for part in scene.parts(both)), [0, 1], "batches of the two partitions")


@case("offsets by time: first record at or after, earliest, latest, largest timestamp")
def by_time(scene):
    topic = scene.create_topic("by-time")
    empty = scene.list_offset(topic=topic, timestamp_ms=0)
    expect((empty.offset, empty.timestamp_ms), (-1, -1), "of an empty partition")
    scene.produce([Record(b"%d" % t, timestamp=t) for t in (1000, 2000, 3000)], topic=topic)
    scene.produce([Record(b"%d" % t, timestamp=t) for t in (6000, 4000, 5000)], GZIP, topic=topic)
    for asked, offset, timestamp in ((0, 0, 1000), (1000, 0, 1000), (1001, 1, 2000), (3000, 2, 3000),
                                     (3001, 3, 6000), (6000, 3, 6000), (6001, -1, -1)):
        found = scene.list_offset(topic=topic, timestamp_ms=asked)
        expect_error(found, "Ok")
        expect((found.offset, found.timestamp_ms), (offset, timestamp), f"first record at or after {asked}")
    for at, wanted in (("earliest", (0, -1)), ("latest", (6, -1)), ("max_timestamp", (3, 6000))):
        found = scene.list_offset(topic=topic, **{at: True})
        expect((found.offset, found.timestamp_ms), wanted, at)


@case("deleted records are gone, and the log start says so")
def delete_records(scene):
    topic = scene.create_topic("shrinking")
    for n in range(5):
        scene.produce([Record(b"%d.%d" % (n, m)) for m in range(2)], topic=topic)
    expect(scene.delete_records(5, topic=topic).log_start, 5, "log start")
    below = scene.fetch(4, topic=topic)
    expect_error(below, "OffsetOutOfRange", "below the log start")
    expect((below.log_start, below.high_watermark), (5, 10), "log start and high watermark")
    expect(scene.fetch(5, topic=topic).batches[0].base_offset, 4, "the batch that holds the log start")
    expect(scene.list_offset(topic=topic, earliest=True).offset, 5, "earliest")
    expect(scene.delete_records(3, topic=topic).log_start, 5, "an offset below changes nothing")
    expect_error(scene.delete_records(11, topic=topic), "OffsetOutOfRange", "beyond the high watermark")
    expect_error(scene.delete_records(-2, topic=topic), "OffsetOutOfRange", "below -1")
    expect(scene.delete_records(-1, topic=topic).log_start, 10, "all of it")
    scene.produce([Record(b"after")], topic=topic)


@case("a LogAppendTime topic gives all records of a batch the broker's time")
def log_append_time(scene):
    topic = scene.create_topic("stamped", timestamp_type="append")
    answer = scene.produce_bytes(Batch.of([Record(b"a", timestamp=5), Record(b"b", timestamp=6)], GZIP).encode(),
                                 topic=topic)
    expect_error(answer, "Ok")
    expect(answer.append_time_ms > 1_700_000_000_000, True, "an append time of today")
    batch = decode_batches(scene.fetch(0, topic=topic).bytes)[0]
    expect((batch.attributes, batch.max_timestamp), (GZIP | LOG_APPEND_TIME, answer.append_time_ms), "the batch")
    expect([record.timestamp for record in batch.records()], [answer.append_time_ms] * 2, "the records")
    expect(scene.list_offset(topic=topic, timestamp_ms=answer.append_time_ms).offset, 0, "found by that time")


@case("what this client stores, the command line reads")
def read_by_the_command_line(scene):
    topic = scene.create_topic("from-python")
    for codec, keys in ((0, (b"a", b"b")), (GZIP, (b"c", b"d", b"e"))):
        scene.produce([Record(b"value of " + key, key, headers=((b"h", key),)) for key in keys], codec, topic=topic)
    out = scene.broker.cli("consume", "from-python", "-f", "%o %k %s\\n").stdout.decode()
    expect(out.splitlines(), [f"{n} {key} value of {key}" for n, key in enumerate("abcde")], "lines")


@case("what the command line stores, this client reads")
def read_from_the_command_line(scene):
    for codec in ("none", "gzip"):
        name = f"from-cli-{codec}"
        topic = scene.create_topic(name)
        lines = [b"line %d " % n + b"text " * 20 for n in range(500)]
        scene.broker.cli("produce", name, f"--codec={codec}", "--key=k", input=b"\n".join(lines) + b"\n")
        found = scene.read_partition(topic, 0)
        expect([(key, value) for _, key, value, _ in found.values()], [(b"k", line) for line in lines], codec)
        used = {batch.attributes for batch in scene.fetch(0, topic=topic).batches}
        expect(used, {GZIP if codec == "gzip" else 0}, "codecs of the batches")


@case("text that compresses extremely well can be read back, with every codec")
def compresses_well(scene):
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        name = f"repetitive-{codec}"
        scene.create_topic(name)
        scene.broker.cli("produce", name, f"--codec={codec}", input=(b"x" * 300 + b"\n") * 20_000)
        out = scene.broker.cli("consume", name, "-f", "%s\\n").stdout
        expect((len(out), set(out)), (301 * 20_000, set(b"x\n")), f"bytes read back with {codec}")
