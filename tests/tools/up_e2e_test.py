"""penstock up, down, verify and sql: everything on one machine, and nothing left behind."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from command_line import BIN, EXAMPLES, FAILED, OK, WAIT_S, cli, until


def alive(pid):
    try:
        os.kill(pid, 0)
        return not pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


class UpTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="penstock-up-")
        self.data_dir = pathlib.Path(self.scratch.name) / "data"
        self.flags = [f"--data_dir={self.data_dir}"]
        self.pids = []

    def tearDown(self):
        cli("down", *self.flags, check=False)
        self.assertEqual([pid for pid in self.pids if alive(pid)], [], "processes were left behind")
        self.scratch.cleanup()

    def up(self, *flags):
        result = cli("up", "--detach", "--port=0", "--metrics_port=0", "--archive_interval_s=1", *self.flags, *flags)
        text = result.stdout.decode()
        self.pids = [int(pid) for pid in re.findall(r"pid (\d+)", text)]
        self.address = ",".join(re.findall(r"broker(?: \d+)? +(\S+:\d+)", text))
        self.supervisor = int((self.data_dir / "up.pid").read_text())
        self.pids.append(self.supervisor)
        return text

    def cli(self, *arguments, check=True, **options):
        return cli(*arguments, f"--bootstrap={self.address}", check=check, **options)

    def test_the_main_job(self):
        text = self.up()
        self.assertIn(str(self.data_dir), text)
        self.assertIn("/metrics", text)
        self.cli("topic", "create", "quakes", "--partitions=2")
        self.cli("produce", "quakes", EXAMPLES / "earthquakes.ndjson", "--format=ndjson", "--key_field=id")
        verified = self.cli("verify", "quakes", "--wait", *self.flags).stdout.decode()
        self.assertRegex(verified, r"VERIFY topic=quakes .*records=1707 .*differences=0")
        self.cli("verify", "--all", *self.flags)
        told = json.loads(self.cli("verify", "quakes", "--json", *self.flags).stdout)
        self.assertEqual((told["topic"], told["differences"], told["records"], told["findings"]), ("quakes", 0, 1707, []))
        self.assertEqual([p["not_archived"] for p in told["partitions"]], [0, 0])
        self.assertEqual({r["state"] for r in told["ranges"]}, {"equal"})
        self.assertTrue(all(r["log"] == r["archive"] for r in told["ranges"]))
        rows = cli("sql", "select count(*) as n from quakes", "--json", *self.flags).stdout
        self.assertEqual(json.loads(rows), {"n": 1707})
        rows = cli("sql", "select id, mag from quakes order by mag desc limit 2", "--csv", *self.flags).stdout.decode()
        self.assertEqual(rows.splitlines()[0], "id,mag")
        self.assertEqual(len(rows.splitlines()), 3)
        self.assertIn(b"quakes", cli("sql", *self.flags).stdout)
        bad = cli("sql", "select nonsense from quakes", *self.flags, check=False)
        self.assertEqual(bad.returncode, FAILED)
        self.assertIn(b"nonsense", bad.stderr)

    def test_down_stops_both_and_can_be_said_twice(self):
        self.up()
        self.assertTrue(all(alive(pid) for pid in self.pids))
        self.assertIn(b"stopped", cli("down", *self.flags).stdout)
        self.assertFalse(any(alive(pid) for pid in self.pids))
        self.assertIn(b"nothing runs", cli("down", *self.flags).stdout)
        self.assertFalse((self.data_dir / "up.pid").exists())

    def test_it_comes_up_again_on_what_is_there(self):
        self.up()
        self.cli("topic", "create", "kept")
        self.cli("produce", "kept", input=b"x\n")
        cli("down", *self.flags)
        self.up()
        self.assertEqual(self.cli("consume", "kept").stdout, b"x\n")

    def test_a_second_one_on_the_same_folder_is_refused(self):
        self.up()
        second = cli("up", "--detach", "--port=0", "--metrics_port=0", *self.flags, check=False)
        self.assertEqual(second.returncode, FAILED)
        self.assertIn(f"already (pid {self.supervisor})".encode(), second.stderr)
        self.assertIn(b"penstock down", second.stderr)
        self.assertTrue(all(alive(pid) for pid in self.pids))

    def test_a_port_that_is_taken_is_named_with_its_owner(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = cli("up", "--detach", f"--port={port}", "--metrics_port=0", *self.flags, check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn(f"port {port} is in use".encode(), result.stderr)
        self.assertIn(f"(pid {os.getpid()})".encode(), result.stderr)

    def test_a_worker_that_dies_is_started_again(self):
        self.up()
        worker = self.pids[1]
        os.kill(worker, signal.SIGKILL)
        until(lambda: "starting it again" in (self.data_dir / "up.log").read_text(), "the restart")
        self.cli("topic", "create", "after")
        self.cli("produce", "after", input=b"x\n")
        self.cli("verify", "after", "--wait", *self.flags)

    def test_a_broker_that_dies_ends_everything_and_is_reported(self):
        self.up()
        os.kill(self.pids[0], signal.SIGKILL)
        until(lambda: not any(alive(pid) for pid in self.pids), "the end of all")
        self.assertIn("the broker ended (signal 9", (self.data_dir / "up.log").read_text())
        self.assertIn(b"nothing runs", cli("down", *self.flags).stdout)

    def test_when_the_supervisor_is_killed_nobody_survives(self):
        self.up()
        os.kill(self.supervisor, signal.SIGKILL)
        until(lambda: not any(alive(pid) for pid in self.pids), "the end of all")

    def test_in_the_foreground_ctrl_c_stops_both(self):
        process = subprocess.Popen([BIN / "penstock", "up", "--port=0", "--metrics_port=0", *self.flags],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = []
        while not any(line.startswith(b"Ctrl-C") for line in lines):
            lines.append(process.stdout.readline())
            self.assertNotEqual(lines[-1], b"", process.stderr.read() if process.poll() is not None else lines)
        self.pids = [int(pid) for pid in re.findall(rb"pid (\d+)", b"".join(lines))]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
        self.assertEqual((process.returncode, out, err), (OK, b"stopped\n", b""))
        self.assertFalse(any(alive(pid) for pid in self.pids))

    def test_a_broker_that_cannot_start_says_why(self):
        broker_dir = self.data_dir / "broker"
        broker_dir.mkdir(parents=True)
        (broker_dir / "somebody_elses.txt").write_text("hands off")
        result = cli("up", "--detach", "--port=0", "--metrics_port=0", *self.flags, check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn(b"the broker did not start: exit code 1", result.stderr)
        self.assertEqual((broker_dir / "somebody_elses.txt").read_text(), "hands off")

    def test_three_brokers_make_a_cluster_and_one_that_dies_comes_back(self):
        text = self.up("--brokers=3")
        self.assertIn("penstock cluster status", text)
        self.assertEqual(self.address.count(","), 2)
        self.cli("topic", "create", "events", "--replication_factor=3")
        self.cli("produce", "events", input=b"a\n")
        os.kill(self.pids[1], signal.SIGKILL)
        self.cli("produce", "events", input=b"b\n")
        until(lambda: "the broker 2 ended (signal 9" in (self.data_dir / "up.log").read_text(), "the restart")
        until(lambda: self.cli("cluster", "health", check=False).returncode == OK, "everything to be well again")
        self.assertEqual(self.cli("consume", "events").stdout, b"a\nb\n")
        self.cli("verify", "events", "--wait", *self.flags)
        before = self.address
        cli("down", *self.flags)
        self.assertFalse(any(alive(pid) for pid in self.pids))
        self.up()
        self.assertEqual(self.address, before, "as many as there were, where they were")
        self.assertEqual(self.cli("consume", "events").stdout, b"a\nb\n")

    def test_the_number_of_brokers_does_not_shrink_and_one_does_not_become_three(self):
        self.up()
        cli("down", *self.flags)
        more = cli("up", "--detach", "--brokers=3", "--port=0", "--metrics_port=0", *self.flags, check=False)
        self.assertEqual(more.returncode, 2)
        self.assertIn(b"holds a single broker", more.stderr)

    def test_without_an_archive_sql_and_verify_say_so(self):
        result = cli("sql", "select 1", *self.flags, check=False)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn(b"there is no archive in", result.stderr)


if __name__ == "__main__":
    unittest.main()
