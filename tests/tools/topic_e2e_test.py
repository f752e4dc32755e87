"""penstock topic, dump and doctor against a real broker."""

import json
import pathlib
import re
import tempfile
import unittest

from command_line import FAILED, OK, USAGE, WithBroker, cli, figures, on_terminal


class TopicTest(WithBroker):
    def describe(self, topic):
        return json.loads(self.run_cli("topic", "describe", topic, "--json")[0])[0]

    def test_a_life(self):
        self.run_cli("topic", "create", "life", "--partitions=2", "--set=retention_ms=3600000,segment_bytes=1048576")
        self.run_cli("produce", "life", input=b"a\nb\n")
        described = self.describe("life")
        self.assertEqual(len(described["partitions"]), 2)
        self.assertEqual(sum(p["high_watermark"] for p in described["partitions"]), 2)
        self.assertEqual(described["settings"]["retention_ms"], {"value": "3600000", "is_default": False})
        self.assertTrue(described["settings"]["durability"]["is_default"])
        self.run_cli("topic", "alter", "life", "--set", "retention_ms=7200000", "--reset=segment_bytes", "--partitions=3")
        described = self.describe("life")
        self.assertEqual(described["settings"]["retention_ms"]["value"], "7200000")
        self.assertTrue(described["settings"]["segment_bytes"]["is_default"])
        self.assertEqual(len(described["partitions"]), 3)
        self.run_cli("topic", "delete", "life", "--yes")
        self.run_cli("topic", "describe", "life", expect=FAILED)

    def test_what_was_done_can_be_read_by_programs(self):
        def done(*words):
            out, err = self.run_cli("topic", *words, "--json")
            self.assertEqual((out.count("\n"), err), (1, ""))
            return json.loads(out)

        created = done("create", "told", "--partitions=2")
        self.assertEqual(created, {"topic": "told", "created": True, "id": self.describe("told")["id"], "partitions": 2})
        self.assertEqual(done("create", "told", "--if_not_exists"), {"topic": "told", "created": False})
        self.assertEqual(done("alter", "told", "--set=retention_ms=3600000", "--reset=segment_bytes", "--partitions=3"),
                         {"topic": "told", "altered": True, "set": {"retention_ms": "3600000"},
                          "reset": ["segment_bytes"], "partitions": 3})
        self.assertEqual(done("delete", "told", "--yes"), {"topic": "told", "deleted": True})
        self.assertEqual(self.run_cli("topic", "delete", "told", "--yes", "--json", expect=FAILED)[0], "")

    def test_tables_are_for_people(self):
        topic = self.topic(partitions=2, retention_ms=1000000)
        self.run_cli("produce", topic, input=b"x\n" * 1234)
        table = self.run_cli("topic", "list")[0]
        self.assertRegex(table, r"TOPIC +PARTITIONS +RECORDS +SIZE +STATE\n")
        self.assertRegex(table, topic + r" +2 +1,234 ")
        text = self.run_cli("topic", "describe", topic)[0]
        self.assertRegex(text, r"PARTITION +LEADER +REPLICAS +EPOCH +LOG START +HIGH WATERMARK +SIZE +STATE")
        self.assertRegex(text, r"retention_ms +1000000 +\* set for this topic")

    def test_what_cannot_be_is_said(self):
        topic = self.topic()
        self.assertIn("exists already", self.run_cli("topic", "create", topic, expect=FAILED)[1])
        self.run_cli("topic", "create", topic, "--if_not_exists")
        self.run_cli("topic", "create", "a/b", expect=FAILED)
        self.assertIn("retention_ms", self.run_cli("topic", "create", "s", "--set=retntion_ms=1", expect=FAILED)[1])
        self.run_cli("topic", "create", "s", "--set=retention_ms", expect=USAGE)
        self.run_cli("topic", "alter", topic, expect=USAGE)
        self.run_cli("topic", "delete", "never_there", "--yes", expect=FAILED)

    def test_without_a_terminal_nothing_is_deleted_unasked(self):
        topic = self.topic()
        self.assertIn("--yes", self.run_cli("topic", "delete", topic, input=b"y\n", expect=USAGE)[1])
        self.describe(topic)


    def test_on_a_terminal_it_asks_before_it_deletes(self):
        topic = self.topic()
        self.run_cli("produce", topic, input=b"a\nb\n")
        where = f"--bootstrap={self.broker.address}"
        code, shown = on_terminal("topic", "delete", topic, where, typed=b"n\n")
        self.assertEqual(code, FAILED)
        self.assertIn(f"delete topic '{topic}' with 2 records for ever? [y/N]", shown)
        self.describe(topic)
        code, _ = on_terminal("topic", "delete", topic, where, typed=b"y\n")
        self.assertEqual(code, OK)
        self.run_cli("topic", "describe", topic, expect=FAILED)


class DumpTest(WithBroker):
    def test_shows_and_checks_what_is_on_disk(self):
        topic = self.topic()
        self.run_cli("produce", topic, "-k", "K", input=b'{"n":1}\n{"n":2}\n')
        out = cli("dump", self.broker.data_dir, f"--topic={topic}", "--records", "--from=1").stdout.decode()
        self.assertEqual(figures(out, "DUMP")["records"], "2")
        self.assertEqual(figures(out, "DUMP")["damaged"], "0")
        shown = [json.loads(line.split(" ", 5)[5]) for line in out.splitlines() if line.startswith("    record ")]
        self.assertEqual([(r["topic"], r["offset"], r["value"]) for r in shown], [(topic, 1, {"n": 2})])
        self.assertEqual(cli("dump", self.broker.data_dir, "--topic=none", check=False).returncode, FAILED)
        self.assertEqual(cli("dump", "/nonexistent", check=False).returncode, FAILED)

    def test_programs_can_read_it(self):
        topic = self.topic()
        self.run_cli("produce", topic, "-k", "K", input=b'{"n":1}\n{"n":2}\n')
        out = cli("dump", self.broker.data_dir, f"--topic={topic}", "--records", "--json").stdout.decode()
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual({(line["topic"], line["partition"]) for line in lines}, {(topic, 0)})
        of_type = lambda name: [line for line in lines if line["type"] == name]
        self.assertEqual(lines[0]["type"], "log")
        self.assertTrue(pathlib.Path(lines[0]["path"]).is_dir())
        self.assertEqual([(r["offset"], r["key"], r["value"]) for r in of_type("record")],
                         [(0, "K", {"n": 1}), (1, "K", {"n": 2})])
        self.assertEqual(sum(b["records"] for b in of_type("batch")), 2)
        self.assertEqual([s["base"] for s in of_type("segment")], [0])
        self.assertEqual(lines[-1]["type"], "summary")
        self.assertEqual({k: lines[-1][k] for k in ("segments", "records", "damaged", "bad_side_files")},
                         {"segments": 1, "records": 2, "damaged": 0, "bad_side_files": 0})

    def test_a_flipped_bit_is_found_without_a_broker(self):
        topic = self.topic()
        self.run_cli("produce", topic, input=b"x" * 500 + b"\n")
        self.broker.stop()
        try:
            log = next(pathlib.Path(self.broker.data_dir).glob(f"topics/{topic}-*/0/*.log"))
            content = bytearray(log.read_bytes())
            content[200] ^= 1
            log.write_bytes(content)
            result = cli("dump", self.broker.data_dir, f"--topic={topic}", check=False)
            self.assertEqual(result.returncode, FAILED)
            self.assertIn(b"PROBLEM", result.stdout)
            self.assertNotEqual(figures(result.stdout.decode(), "DUMP")["damaged"], "0")
            found = cli("dump", self.broker.data_dir, f"--topic={topic}", "--json", check=False)
            self.assertEqual(found.returncode, FAILED)
            lines = [json.loads(line) for line in found.stdout.splitlines()]
            self.assertTrue(any(line["type"] == "problem" and "offsets=0..0" in line["what"] for line in lines), lines)
            self.assertGreater(lines[-1]["damaged"], 0)
            content[200] ^= 1
            log.write_bytes(content)
            self.assertEqual(cli("dump", log.parent).returncode, OK)
        finally:
            self.broker.start()


class DoctorTest(WithBroker):
    def test_looks_at_everything_and_knows_the_broker(self):
        findings = {}
        with tempfile.TemporaryDirectory() as folder:
            result = self.broker.cli("doctor", "--json", f"--data_dir={folder}", "--samples=20", check=False)
            self.assertIn(result.returncode, (OK, FAILED))  # as this machine deserves
            findings = {finding["check"]: finding for finding in json.loads(result.stdout)}
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])
        self.assertEqual(set(findings), {"data directory", "file system", "fsync", "disk space", "clock", "open files",
                                         "locked memory", "memory maps", "huge pages", "port", "metrics port", "broker"})
        self.assertEqual(findings["broker"]["state"], "ok")
        self.assertEqual(findings["port"]["state"], "ok")
        self.assertIn("penstockd", findings["port"]["found"])
        self.assertEqual(result.returncode == FAILED, any(f["state"] == "FAIL" for f in findings.values()))

    def test_memory_is_no_disk(self):
        if not pathlib.Path("/dev/shm").is_dir():
            self.skipTest("no /dev/shm")
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            result = self.broker.cli("doctor", f"--data_dir={folder}", "--samples=20", check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn(b"lives in memory", result.stdout)


if __name__ == "__main__":
    unittest.main()
