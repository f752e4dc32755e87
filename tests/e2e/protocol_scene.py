"""The stage of protocol_test.py: a broker, a client that stays connected, and a ledger of what was acknowledged.

A case is a function that takes the scene and raises AssertionError. Behind every case the runner calls
`still_healthy`; at the end `read_back` compares the whole log with the ledger.
"""

import random

from penstock_batch import NONE, Batch, Record, decode_batches, header_crc
from penstock_wire import (CREATE_TOPIC, DELETE_RECORDS, DESCRIBE_TOPICS, FETCH, FSYNCED, LIST_OFFSETS, PRODUCE,
                           Connection, error_name)

CASES = []  # (title, function)


def case(title):
    def register(function):
        CASES.append((title, function))
        return function
    return register


def expect(actual, wanted, what):
    if actual != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {actual!r}")


def expect_error(answer, wanted, what="the answer"):
    """Every error except success must also say something to a person."""
    name = error_name(answer)
    if name != wanted:
        said = f" ({answer.error.message})" if answer.error else ""
        raise AssertionError(f"{what}: expected {wanted}, got {name}{said}")
    if wanted != "Ok" and not answer.error.message:
        raise AssertionError(f"{what}: {wanted} without a message")


class Scene:
    def __init__(self, broker, seed):
        self.broker = broker
        self.rng = random.Random(seed)
        self.ledger = {}     # (topic id, partition) -> {offset: record}
        self.log_start = {}  # (topic id, partition) -> offset, 0 unless records were deleted
        self.marks = 0
        self.client = Connection(broker.port)
        self.topic = self.create_topic("main", 2)

    def connect(self, **options):
        return Connection(self.broker.port, **options)

    def create_topic(self, name, partitions=1, **settings):
        """Kept without limit: many records of these tests carry old timestamps, which retention goes by."""
        settings = {"retention_ms": "unlimited", **settings}
        answer = self.client.call(CREATE_TOPIC, name=name, partitions=partitions, settings=[
            {"name": key, "value": value} for key, value in settings.items()])
        expect_error(answer, "Ok", f"creating {name}")
        return answer.topic_id

    def setting(self, topic_name, setting_name):
        answer = self.client.call(DESCRIBE_TOPICS, names=[topic_name], with_settings=True)
        return {setting.name: setting.value for setting in answer.topics[0].settings}[setting_name]

    # Producing. `part` names where a part of the attachment goes.

    def part(self, data, partition=0, topic=None, leader_epoch=-1):
        return {"topic_id": self.topic if topic is None else topic, "partition": partition,
                "attachment_bytes": len(data), "leader_epoch": leader_epoch}

    def send_produce(self, connection, data, durability=FSYNCED, **where):
        return connection.send(PRODUCE, data, partitions=[self.part(data, **where)], durability=durability,
                               timeout_ms=30_000)

    def produce_bytes(self, data, connection=None, durability=FSYNCED, **where):
        """Sends bytes, whatever they are, as the batches of one partition; returns that partition's answer."""
        connection = connection or self.client
        answer = connection.receive(PRODUCE, self.send_produce(connection, data, durability, **where))
        expect_error(answer, "Ok", "the produce request as a whole")
        expect(len(answer.partitions), 1, "answers of partitions")
        return answer.partitions[0]

    def produce(self, records, codec=NONE, partition=0, topic=None, **options):
        """Stores records and enters them in the ledger."""
        data = Batch.of(records, codec).encode()
        answer = self.produce_bytes(data, partition=partition, topic=topic, **options)
        self.acknowledged(answer, records, partition, topic)
        return answer

    def acknowledged(self, answer, records, partition=0, topic=None):
        expect_error(answer, "Ok", "producing")
        expect(answer.last_offset - answer.base_offset + 1, len(records), "offsets given")
        place = self.ledger.setdefault((self.topic if topic is None else topic, partition), {})
        for offset, record in enumerate(records, answer.base_offset):
            if offset in place:
                raise AssertionError(f"offset {offset} was given twice")
            place[offset] = (record.timestamp, record.key, record.value, record.headers)

    # Reading.

    def fetch_request(self, offset, partition=0, topic=None, max_bytes=1 << 20, leader_epoch=-1):
        return {"topic_id": self.topic if topic is None else topic, "partition": partition, "offset": offset,
                "max_bytes": max_bytes, "leader_epoch": leader_epoch}

    def fetch(self, offset, connection=None, partition=0, topic=None, max_wait_ms=0, min_bytes=0,
              max_bytes=1 << 20):
        answer = (connection or self.client).call(
            FETCH, partitions=[self.fetch_request(offset, partition, topic, max_bytes)], max_wait_ms=max_wait_ms,
            min_bytes=min_bytes, max_bytes=max_bytes)
        return self.parts(answer)[0]

    def parts(self, answer):
        """Checks an answer as the document asks for, and gives each part its `batches`."""
        expect_error(answer, "Ok", "the fetch request as a whole")
        at = 0
        for part in answer.partitions:
            part.bytes = answer.attachment[at:at + part.attachment_bytes]
            at += part.attachment_bytes
            part.batches = decode_batches(part.bytes)
            expect(part.header_crc, header_crc(part.bytes), "header_crc")
        expect(at, len(answer.attachment), "bytes in the parts together")
        return answer.partitions

    def list_offset(self, partition=0, topic=None, **at):
        answer = self.client.call(LIST_OFFSETS, queries=[
            {"topic_id": self.topic if topic is None else topic, "partition": partition, "leader_epoch": -1, **at}])
        expect_error(answer, "Ok", "the request as a whole")
        return answer.answers[0]

    def delete_records(self, before, partition=0, topic=None):
        topic = self.topic if topic is None else topic
        answer = self.client.call(DELETE_RECORDS, ranges=[
            {"topic_id": topic, "partition": partition, "before": before}])
        expect_error(answer, "Ok", "the request as a whole")
        if error_name(answer.answers[0]) == "Ok":
            start = self.log_start[(topic, partition)] = answer.answers[0].log_start
            place = self.ledger.get((topic, partition), {})
            for offset in [offset for offset in place if offset < start]:
                del place[offset]
        return answer.answers[0]

    def read_partition(self, topic, partition):
        """All records from the log start to the high watermark, by offset."""
        offset = self.log_start.get((topic, partition), 0)
        found = {}
        while True:
            part = self.fetch(offset, topic=topic, partition=partition)
            expect_error(part, "Ok", f"reading on at {offset}")
            if not part.batches:
                expect(offset, part.high_watermark, "where the log ends")
                return found
            for batch in part.batches:
                for record in batch.records():
                    if record.offset >= offset:
                        found[record.offset] = (record.timestamp, record.key, record.value, record.headers)
                offset = batch.base_offset + batch.last_offset_delta + 1

    def read_back(self):
        for (topic, partition), place in self.ledger.items():
            found = self.read_partition(topic, partition)
            expect(sorted(found), sorted(place), f"offsets in partition {partition} of {topic.hex()}")
            for offset, record in place.items():
                expect(found[offset], record, f"the record at {offset} of partition {partition}")

    def still_healthy(self):
        """The client that was connected all the time produces, and a new one reads that very record."""
        expect(self.broker.process.poll(), None, "exit status of the broker")
        self.marks += 1
        mark = Record(f"mark {self.marks}".encode(), b"mark")
        answer = self.produce([mark])
        with self.connect() as reader:
            part = self.fetch(answer.base_offset, reader)
        records = part.batches[0].records()
        expect([(record.offset, record.value) for record in records], [(answer.base_offset, mark.value)],
               "what is read where the mark was stored")
