"""penstock produce and consume: what goes in comes out, and what goes wrong is said."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from command_line import BIN, EXAMPLES, FAILED, INTERRUPTED, OK, UNREACHABLE, USAGE, WAIT_S, WithBroker
from command_line import cli, figures, on_terminal, until


class ProduceTest(WithBroker):
    def test_lines_come_back_byte_for_byte(self):
        topic = self.topic()
        lines = [b"plain", b"", "caf\u00e9".encode(), b"\xff\xfe binary", b"tab\there", b"last without end"]
        self.run_cli("produce", topic, input=b"\n".join(lines))
        result = self.broker.cli("consume", topic)
        self.assertEqual(result.stdout, b"\n".join(lines) + b"\n")

    def test_ndjson_is_published_verbatim_with_its_key(self):
        topic = self.topic(partitions=2)
        source = EXAMPLES / "earthquakes.ndjson"
        out, err = self.run_cli("produce", topic, source, "--format=ndjson", "--key_field=id")
        expected = sorted(source.read_text().splitlines())
        self.assertEqual(figures(out, "PRODUCE")["records"], str(len(expected)))
        self.assertIn("published 1,707 records", err)
        records = [json.loads(line) for line in self.run_cli("consume", topic, "--json")[0].splitlines()]
        self.assertTrue(all(record["key"] == record["value"]["id"] for record in records))
        self.assertEqual(sorted(self.run_cli("consume", topic)[0].splitlines()), expected)

    def test_the_same_key_always_goes_to_the_same_partition(self):
        topic = self.topic(partitions=4)
        self.run_cli("produce", topic, "--format=ndjson", "--key-field", "k",
                     input=b"".join(b'{"k":"k%d"}\n' % (i % 7) for i in range(70)))
        seen = {line for line in self.run_cli("consume", topic, "-f", "%k %p\\n")[0].splitlines()}
        self.assertEqual(len(seen), 7)

    def test_csv_rows_become_objects(self):
        topic = self.topic()
        out, _ = self.run_cli("produce", topic, EXAMPLES / "birdstrikes.csv", "--format=csv", "--codec=zstd",
                              "--key_field=Flight Date")
        self.assertEqual(figures(out, "PRODUCE")["records"], "10000")
        first = json.loads(self.run_cli("consume", topic, "--count=1", "--json")[0])
        self.assertEqual(first["key"], "1990-01-08")
        self.assertEqual(first["value"]["Aircraft Make Model"], "T-38A")
        self.assertEqual(first["value"]["Speed IAS in knots"], 300)
        self.assertEqual(list(first["value"])[0], "Airport Name")

    def test_messy_csv_keeps_quotes_commas_and_line_ends(self):
        topic = self.topic()
        self.run_cli("produce", topic, "--format=csv",
                     input=b'name,note\r\n"O\'Hare, ""ORD""","two\nlines"\r\n5" pipe,\r\n')
        values = [json.loads(line) for line in self.run_cli("consume", topic)[0].splitlines()]
        self.assertEqual(values, [{"name": 'O\'Hare, "ORD"', "note": "two\nlines"},
                                  {"name": '5" pipe', "note": None}])

    def test_a_malformed_line_stops_with_its_number_after_the_good_ones_were_published(self):
        topic = self.topic()
        path = self.file('{"n":1}\n{"n":2}\n{"n":\n{"n":4}\n')
        out, err = self.run_cli("produce", topic, path, "--format=ndjson", expect=FAILED)
        self.assertIn("line 3: JSON ends in the middle of a value", err)
        self.assertIn("published 2 records", err)
        self.assertIn("--from_line=3", err)
        self.assertEqual(self.run_cli("consume", topic)[0], '{"n":1}\n{"n":2}\n')
        # After the line was seen to, one goes on where it stopped.
        self.run_cli("produce", topic, path, "--format=ndjson", "--from_line=4")
        self.assertEqual(self.run_cli("consume", topic)[0], '{"n":1}\n{"n":2}\n{"n":4}\n')

    def test_malformed_lines_can_be_passed_over_and_are_counted(self):
        topic = self.topic()
        lines = "".join(f'{{"n":{i}}}\n' + ("nope\n" if i % 2 else "") for i in range(20))
        out, err = self.run_cli("produce", topic, "--format=ndjson", "--skip_bad", input=lines.encode())
        self.assertEqual(figures(out, "PRODUCE")["bad"], "10")
        self.assertEqual(figures(out, "PRODUCE")["records"], "20")
        self.assertIn("passed over: line 3: no JSON", err)
        self.assertIn("10 bad lines passed over", err)

    def test_an_oversize_record_is_a_bad_line(self):
        topic = self.topic(max_record_bytes=1024)
        text = b"small\n" + b"x" * 1025 + b"\nsmall too\n"
        _, err = self.run_cli("produce", topic, input=text, expect=FAILED)
        self.assertIn("line 2: the record has 1025 bytes, the topic takes 1024", err)
        out, _ = self.run_cli("produce", topic, "--skip_bad", "--from_line=2", input=text)
        self.assertEqual(figures(out, "PRODUCE")["bad"], "1")
        self.assertEqual(self.run_cli("consume", topic)[0], "small\nsmall too\n")

    def test_what_only_the_broker_finds_too_large_is_told_and_can_be_passed_over(self):
        topic = self.topic(max_batch_bytes=2000, max_record_bytes=2000)
        noise = os.urandom(1500).hex().encode()  # gzip does not bring it below the limit
        text = b"small\n" + noise + b"\nsmall too\n"
        _, err = self.run_cli("produce", topic, "--codec=lz4", input=text, expect=FAILED)
        self.assertIn("BatchTooLarge", err)
        self.assertIn("line 2", err)
        out, _ = self.run_cli("produce", topic, "--codec=lz4", "--skip_bad", input=text)
        self.assertEqual(figures(out, "PRODUCE")["bad"], "1")

    def test_an_unknown_topic_is_refused_before_the_input_is_read(self):
        self.run_cli("topic", "create", "orders")
        _, err = self.run_cli("produce", "order", input=b"x\n", expect=FAILED)
        self.assertIn("no topic 'order'; did you mean 'orders'?", err)
        self.assertIn("penstock topic create", err)

    def test_the_topic_can_be_created_on_the_way(self):
        self.run_cli("produce", "made_on_the_way", "--create", input=b"x\n")
        self.assertEqual(self.run_cli("consume", "made_on_the_way")[0], "x\n")

    def test_key_header_and_partition_of_every_record(self):
        topic = self.topic(partitions=3)
        self.run_cli("produce", topic, "-k", "K", "--header=a=1", "--header=b=x,y", "-p", "2", input=b"v\n")
        self.assertEqual(self.run_cli("consume", topic, "-f", "%p %k %h %K %S\\n")[0], "2 K a=1,b=x,y 1 1\n")
        self.run_cli("produce", topic, "-p", "3", input=b"v\n", expect=FAILED)

    def test_a_rate_is_kept_on_average(self):
        topic = self.topic()
        began = time.monotonic()
        self.run_cli("produce", topic, "--rate=200", input=b"x\n" * 61)
        # The last of 61 records is due 300 ms after the first: that is arithmetic, not performance.
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_on_a_terminal_it_shows_progress_and_wipes_it(self):
        topic = self.topic()
        path = self.file("x\n" * 400)
        code, shown = on_terminal("produce", topic, path, "--rate=1000", f"--bootstrap={self.broker.address}")
        self.assertEqual(code, OK)
        self.assertRegex(shown, r"\[=*> *\] +\d+ %  [\d,]+ records")
        self.assertTrue(shown.rsplit("\r\x1b[K", 1)[1].startswith("published 400 records"), shown)

    def test_nothing_is_published_of_nothing(self):
        topic = self.topic()
        out, _ = self.run_cli("produce", topic, "--format=csv", input=b"")
        self.assertEqual(figures(out, "PRODUCE")["records"], "0")

    def test_a_missing_file_and_a_folder_are_named(self):
        topic = self.topic()
        self.assertIn("/nonexistent", self.run_cli("produce", topic, "/nonexistent", expect=FAILED)[1])
        self.assertIn("directory", self.run_cli("produce", topic, "/tmp", expect=FAILED)[1].lower())

    def test_interrupted_it_publishes_what_it_read_and_says_where_it_was(self):
        topic = self.topic()
        producer = subprocess.Popen([BIN / "penstock", "produce", topic, f"--bootstrap={self.broker.address}"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        producer.stdin.write(b"".join(b"%d\n" % i for i in range(1000)))
        producer.stdin.flush()
        until(lambda: self.run_cli("consume", topic, "--from=-1")[0] == "999\n", "the thousandth record")
        producer.send_signal(signal.SIGINT)
        out, err = producer.communicate(timeout=WAIT_S)
        self.assertEqual(producer.returncode, INTERRUPTED, err)
        self.assertIn(b"interrupted", err)
        self.assertIn(b"--from_line=1001", err)
        self.assertEqual(figures(out.decode(), "PRODUCE")["records"], "1000")
        self.assertEqual(len(self.run_cli("consume", topic)[0].splitlines()), 1000)


class ConsumeTest(WithBroker):
    def numbers(self, count=10, **options):
        topic = self.topic(**options)
        self.run_cli("produce", topic, input=b"".join(b"%d\n" % i for i in range(count)))
        return topic

    def test_positions(self):
        topic = self.numbers()
        consumed = lambda *flags: self.run_cli("consume", topic, *flags)[0].split()
        self.assertEqual(consumed(), [str(i) for i in range(10)])
        self.assertEqual(consumed("--from=7"), ["7", "8", "9"])
        self.assertEqual(consumed("--from=7", "--count=2"), ["7", "8"])
        self.assertEqual(consumed("--from", "-2"), ["8", "9"])
        self.assertEqual(consumed("--from=-99", "-n", "1"), ["0"])
        self.assertEqual(consumed("--from=end"), [])
        self.assertEqual(consumed("--from=10"), [])
        self.assertEqual(consumed("--count=0"), [])
        self.assertEqual(consumed("--from=@-1h"), [str(i) for i in range(10)])
        self.assertEqual(consumed("--from=@now"), [])
        self.assertEqual(consumed("--from=@2001-01-01", "--count=1"), ["0"])

    def test_a_time_begins_at_the_first_record_not_before_it(self):
        topic = self.numbers(3)
        time.sleep(0.01)  # so that the second batch has another millisecond
        self.run_cli("produce", topic, input=b"later\n")
        stamp = self.run_cli("consume", topic, "--from=-1", "-f", "%T")[0]
        self.assertEqual(self.run_cli("consume", topic, f"--from=@{stamp}")[0], "later\n")

    def test_positions_that_are_not_there_are_refused(self):
        topic = self.numbers()
        _, err = self.run_cli("consume", topic, "--from=11", expect=FAILED)
        self.assertIn("offset 11 is not in the log, which holds 0 up to 10", err)
        self.assertIn("--from takes", self.run_cli("consume", topic, "--from=later", expect=USAGE)[1])
        self.run_cli("consume", topic, "--from=@later", expect=USAGE)
        self.run_cli("consume", topic, "-p", "1", expect=FAILED)
        self.run_cli("consume", "no_such_topic", expect=FAILED)

    def test_an_offset_of_several_partitions_needs_one_of_them(self):
        topic = self.numbers(partitions=2)
        self.assertIn("needs --partition", self.run_cli("consume", topic, "--from=0", expect=USAGE)[1])
        self.run_cli("consume", topic, "--from=0", "--partition=0")

    def test_formats(self):
        topic = self.topic()
        self.run_cli("produce", topic, "-k", "K", input=b'{"a": 1}\n')
        self.assertEqual(self.run_cli("consume", topic, "-f", "%t|%p|%o|%k|%s|%S|%K|%%\\t\\x41\\n")[0],
                         topic + '|0|0|K|{"a": 1}|8|1|%\tA\n')
        self.assertTrue(re.fullmatch(r"\d{13}", self.run_cli("consume", topic, "-f", "%T")[0]))
        self.assertIn("%z at position 3", self.run_cli("consume", topic, "-f", "%o%z", expect=USAGE)[1])
        record = json.loads(self.run_cli("consume", topic, "--json")[0])
        self.assertEqual((record["topic"], record["partition"], record["offset"], record["key"], record["value"]),
                         (topic, 0, 0, "K", {"a": 1}))

    def test_a_reader_that_has_enough_ends_it_quietly(self):
        topic = self.numbers(200_000)
        pipe = subprocess.run(["bash", "-c", '"$0" consume "$1" --bootstrap="$2" | head -1; echo ${PIPESTATUS[0]}',
                               BIN / "penstock", topic, self.broker.address], capture_output=True, timeout=WAIT_S)
        self.assertEqual((pipe.stdout, pipe.stderr), (b"0\n0\n", b""))

    def test_follow_waits_for_what_comes_until_interrupted(self):
        topic = self.numbers(2)
        consumer = subprocess.Popen([BIN / "penstock", "consume", topic, "--follow",
                                     f"--bootstrap={self.broker.address}"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual([consumer.stdout.readline() for _ in range(2)], [b"0\n", b"1\n"])
        self.run_cli("produce", topic, input=b"new\n")
        self.assertEqual(consumer.stdout.readline(), b"new\n")
        consumer.send_signal(signal.SIGINT)
        out, err = consumer.communicate(timeout=WAIT_S)
        self.assertEqual((consumer.returncode, out, err), (INTERRUPTED, b"", b""))

    def test_a_broker_that_dies_is_told_once_and_how_it_came_about_on_request(self):
        topic = self.topic()
        for flags in ([], ["--verbose"]):
            producer = subprocess.Popen([BIN / "penstock", "produce", topic, "--delivery_timeout_s=1", *flags,
                                         f"--bootstrap={self.broker.address}"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            producer.stdin.write(b"a\n")
            producer.stdin.flush()
            until(lambda: self.run_cli("consume", topic)[0].count("a") == (2 if flags else 1), "the first record")
            self.broker.kill()
            _, err = producer.communicate(b"b\n", timeout=WAIT_S)
            self.assertEqual(producer.returncode, FAILED, err)
            self.assertIn(b"penstock: ", err)
            logged = re.findall(rb"^\d{4}-\d\d-\d\dT\S+ \w+ client .*$", err, re.M)
            self.assertEqual(bool(logged), bool(flags), err)
            self.broker.start()

    def test_without_follow_it_ends_although_somebody_goes_on_writing(self):
        topic = self.numbers(5)
        writer = subprocess.Popen([BIN / "penstock", "produce", topic, "--rate=500",
                                   f"--bootstrap={self.broker.address}"],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        writer.stdin.write(b"x\n" * 20_000)
        self.assertGreaterEqual(len(self.run_cli("consume", topic)[0].split()), 5)
        writer.kill()
        writer.communicate()


class WithoutBrokerTest(unittest.TestCase):
    def test_no_broker_has_an_exit_code_of_its_own_and_says_what_to_do(self):
        for command in (["topic", "list"], ["consume", "x"], ["produce", "x"]):
            result = cli(*command, "--bootstrap=127.0.0.1:1", check=False, input=b"x\n")
            self.assertEqual(result.returncode, UNREACHABLE)
            self.assertIn(b"penstock up", result.stderr)
            self.assertEqual(result.stderr.count(b"penstock: "), 1, result.stderr)

    def test_the_address_comes_from_the_environment_too(self):
        result = cli("topic", "list", check=False, env={"PENSTOCK_BOOTSTRAP": "127.0.0.1:2"})
        self.assertIn(b"127.0.0.1:2", result.stderr)

    def test_usage_errors(self):
        for words, wanted in ((["produce", "x", "--key-feild=id"], b"did you mean --key_field?"),
                              (["prodce"], b"did you mean 'produce'?"),
                              (["consume"], b"needs TOPIC"),
                              (["produce", "x", "--rate=fast"], b"takes a number, not 'fast'"),
                              (["produce", "x", "--format=xml"], b"lines, ndjson or csv"),
                              (["produce", "x", "--key_field=id"], b"plain lines have no fields"),
                              (["topic", "list", "--bootstrap=:7"], b"--bootstrap"),
                              (["consume", "x", "--json", "-f", "%s"], b"exclude each other")):
            result = cli(*words, check=False, input=b"")
            self.assertEqual(result.returncode, USAGE, (words, result.stderr))
            self.assertIn(wanted, result.stderr)

    def test_every_command_explains_itself(self):
        overview = cli("--help").stdout.decode()
        commands = re.findall(r"^  ((?:[a-z0-9]+ )?[a-z0-9]+)  +\S", overview, re.M)
        self.assertIn("topic create", commands)
        for command in commands:
            if command.startswith("help"):
                continue
            help_text = cli(*command.split(), "--help").stdout.decode()
            self.assertTrue(help_text.startswith(f"penstock {command}: "), help_text)
            self.assertIn("Exit codes:", help_text)


if __name__ == "__main__":
    unittest.main()
