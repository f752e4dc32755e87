"""Topics that are compacted, against a real broker: they stay small, and whoever reads one from its beginning, before
a restart or after it, ends up with the latest value of each key."""

import json
import unittest

from command_line import FAILED, WithBroker, until
from penstock_batch import Batch, Record
from penstock_wire import FSYNCED, PRODUCE, Connection, error_name

KEYS, ROUNDS = 20, 40
PATIENCE_S = 90  # passes begin some seconds after the start, and wait for checkpoints


class CompactionTest(WithBroker):
    def compacted(self, **settings):
        return self.topic(**{"cleanup": "compact", "segment_bytes": "64KiB", "max_compaction_lag_ms": "1s", **settings})

    def describe(self, topic):
        return json.loads(self.run_cli("topic", "describe", topic, "--json")[0])[0]

    def size(self, topic):
        return sum(p["size_bytes"] for p in self.describe(topic)["partitions"])

    def records(self, topic):
        out = self.run_cli("consume", topic, "--json")[0]
        return [json.loads(line) for line in out.splitlines()]

    def state(self, topic):
        """What a reader that takes everything in order ends up with."""
        state = {}
        for record in self.records(topic):
            state[record["key"]] = record["value"]
        return {key: value for key, value in state.items() if value is not None}

    def produce(self, topic, records):
        """With null keys and values, which the command line has no words for."""
        data = Batch.of([Record(value, key) for key, value in records]).encode()
        topic_id = bytes.fromhex(self.describe(topic)["id"].replace("-", ""))
        with Connection(self.broker.port) as connection:
            answer = connection.call(PRODUCE, data, durability=FSYNCED, timeout_ms=30_000, partitions=[
                {"topic_id": topic_id, "partition": 0, "attachment_bytes": len(data), "leader_epoch": -1}])
            return answer.partitions[0]

    def update(self, topic, round):
        lines = "".join(json.dumps({"id": f"k{key}", "round": round, "pad": "x" * 300}) + "\n" for key in range(KEYS))
        self.run_cli("produce", topic, "--format=ndjson", "--key_field=id", input=lines.encode())

    def test_updates_go_and_the_latest_stay(self):
        topic = self.compacted()
        for round in range(ROUNDS):
            self.update(topic, round)
        written = ROUNDS * KEYS * 300
        until(lambda: self.size(topic) < written / 4, "the log shrinks", PATIENCE_S)
        self.broker.kill()
        self.broker.start()
        state = self.state(topic)
        self.assertEqual(set(state), {f"k{key}" for key in range(KEYS)})
        self.assertEqual({value["round"] for value in state.values()}, {ROUNDS - 1})
        offsets = [record["offset"] for record in self.records(topic)]
        self.assertEqual(offsets, sorted(offsets))
        self.assertEqual(self.describe(topic)["partitions"][0]["log_start"], 0)
        self.update(topic, ROUNDS)
        self.assertEqual({value["round"] for value in self.state(topic).values()}, {ROUNDS})

    def test_what_is_deleted_goes_with_its_tombstone(self):
        topic = self.compacted(delete_retention_ms="1s")
        self.produce(topic, [(b"stays", b"1"), (b"goes", b"1")])
        self.produce(topic, [(b"goes", None)])
        self.assertEqual(self.state(topic), {"stays": 1})
        until(lambda: [r["key"] for r in self.records(topic)] == ["stays"], "the tombstone goes", PATIENCE_S)
        self.assertEqual(self.state(topic), {"stays": 1})

    def test_a_record_without_a_key_is_refused(self):
        topic = self.compacted()
        answer = self.produce(topic, [(None, b"of nobody")])
        self.assertEqual(error_name(answer), "KeyRequired")
        self.assertIn("has no key", answer.error.message)
        err = self.run_cli("produce", topic, input=b"a line\n", expect=FAILED)[1]
        self.assertIn("has no key", err)
        self.assertEqual(self.records(topic), [])

    def test_settings_are_checked_shown_and_altered(self):
        topic = self.compacted()
        self.assertEqual(self.describe(topic)["settings"]["cleanup"], {"value": "compact", "is_default": False})
        self.run_cli("topic", "alter", topic, "--set=cleanup=compact,delete,retention_ms=1h")
        self.assertEqual(self.describe(topic)["settings"]["cleanup"]["value"], "compact,delete")
        err = self.run_cli("topic", "alter", topic, "--set=cleanup=shrink", expect=FAILED)[1]
        self.assertIn("'compact,delete'", err)
        self.run_cli("topic", "alter", topic, "--reset=cleanup")
        self.run_cli("produce", topic, input=b"a line\n")

    def test_of_compact_and_delete_what_is_old_goes_as_well(self):
        topic = self.compacted(cleanup="compact,delete", retention_ms="1s")
        self.produce(topic, [(b"old", b"1")])  # of 2023
        until(lambda: not self.records(topic), "the record goes with its time", PATIENCE_S)


if __name__ == "__main__":
    unittest.main()
