"""penstock-worker with a real broker: killed, without broker, without disk; the archive stays equal to the log."""

import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import BIN, WAIT_S, Broker, cli, scratch_dir, until  # noqa: E402

SOURCE = pathlib.Path(os.environ.get("PENSTOCK_SOURCE_DIR", "."))
FLIGHTS = SOURCE / "examples" / "data" / "flights.ndjson"
KILLS = 20
SEED = int(os.environ.get("PENSTOCK_SEED", "1"))
SKIPPED_PRIVILEGE = "needs the right to mount a tmpfs"


class Worker:
    def __init__(self, address, archive, log, *flags):
        self.command = [BIN / "penstock-worker", "archive", f"--bootstrap={address}", f"--archive_dir={archive}", *flags]
        self.log_path = log

    def start(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        return self

    def end(self, how):
        self.process.send_signal(how)
        status = self.process.wait(timeout=WAIT_S)
        self.log.close()
        return status

    def text(self):
        return self.log_path.read_text(errors="replace")


def once(address, archive, *flags):
    return subprocess.run([BIN / "penstock-worker", "archive", f"--bootstrap={address}", f"--archive_dir={archive}",
                           "--once", *flags], capture_output=True, text=True, timeout=WAIT_S * 3)


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(scratch_dir())
        self.archive = self.scratch / "archive"
        self.broker = Broker(self.scratch / "data").start()
        self.addCleanup(lambda: self.broker.process.poll() is None and self.broker.stop())

    def worker(self, *flags):
        return Worker(self.broker.address, self.archive, self.scratch / "worker.log", *flags)

    def produce(self, topic, *flags):
        return self.broker.cli("produce", topic, FLIGHTS, "--format=ndjson", *flags)

    def verify(self, topic, *flags):
        result = self.broker.cli("verify", topic, f"--archive_dir={self.archive}", *flags, check=False)
        return result.returncode, result.stdout.decode()

    def test_killed_again_and_again_under_load(self):
        rng = random.Random(SEED)
        self.broker.cli("topic", "create", "flights", "--partitions=3")
        loads = 8
        producer = threading.Thread(target=lambda: [self.produce("flights", "--rate=20000") for _ in range(loads)])
        producer.start()
        for _ in range(KILLS):
            worker = self.worker("--archive_chunk_records=200", "--archive_interval_s=1").start()
            with self.assertRaises(subprocess.TimeoutExpired, msg="the worker ended by itself"):
                worker.process.wait(timeout=rng.uniform(0.05, 0.6))
            worker.end(signal.SIGKILL)
        producer.join()
        last = once(self.broker.address, self.archive)
        self.assertEqual(last.returncode, 0, last.stderr)
        status, text = self.verify("flights")
        self.assertEqual(status, 0, text)
        figures = re.search(r"VERIFY .*", text)[0]
        self.assertRegex(figures, rf" records={loads * 20000} .*not_archived=0 lost_offsets=0 .*differences=0$")
        left = [path.name for path in (self.archive / "@tmp").rglob("*") if path.suffix in (".spool", ".parquet")]
        self.assertEqual(left, [])
        objects = len(list(self.archive.glob("flights/*/*/*/*/*/*.parquet")))
        named = sum((self.archive / f"flights/{p}/manifest.json").read_text().count('"object"') for p in range(3))
        self.assertEqual(objects, named, "objects that no manifest names")
        print(f"ARCHIVE_KILL9 kills={KILLS} objects={objects} records={loads * 20000} differences=0 seed={SEED}")

    def test_a_broker_that_restarts_is_waited_for(self):
        self.broker.cli("topic", "create", "flights")
        self.produce("flights")
        worker = self.worker("--archive_interval_s=1").start()
        until(lambda: "archived" in worker.text(), "a first commit")
        self.broker.kill()
        until(lambda: "will try again" in worker.text(), "the worker to notice")
        port = self.broker.port
        self.broker = Broker(self.scratch / "data", f"--listen=127.0.0.1:{port}").start()
        self.produce("flights")
        status, text = self.verify("flights", "--wait")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r" records=40000 .*not_archived=0 .*differences=0")
        self.assertEqual(worker.end(signal.SIGTERM), 0)

    def test_sigterm_ends_it_and_what_waits_is_archived_when_asked(self):
        self.broker.cli("topic", "create", "flights")
        self.produce("flights")
        worker = self.worker("--flush_on_shutdown").start()
        until(lambda: "archiving topic=flights" in worker.text(), "the worker to read")
        until(lambda: any(p.stat().st_size > 1_000_000 for p in (self.archive / "@tmp").glob("*.spool")), "a full spool")
        self.assertEqual(worker.end(signal.SIGTERM), 0)
        status, text = self.verify("flights")
        self.assertEqual(status, 0, text)

    def test_a_second_worker_is_refused(self):
        first = self.worker().start()
        until(lambda: (self.archive / "@lock").exists(), "the first to lock")
        second = once(self.broker.address, self.archive)
        self.assertEqual(second.returncode, 1)
        self.assertIn("Locked", second.stderr)
        self.assertEqual(first.end(signal.SIGTERM), 0)

    def test_misuse_is_told(self):
        for arguments, told in [([], "usage"), (["archive"], "archive_dir"), (["archive", "--bogus"], "bogus"),
                                (["archive", f"--archive_dir={self.archive}", "--memory_limit_mb=8"], "at least"),
                                (["archive", f"--archive_dir={self.archive}", "--archive_chunk_records=0"], "records")]:
            flags = [f"--bootstrap={self.broker.address}"] if arguments else []
            result = subprocess.run([BIN / "penstock-worker", *arguments, *flags], capture_output=True, text=True,
                                    timeout=WAIT_S)
            self.assertEqual(result.returncode, 2, f"{arguments}: {result.stderr}")
            self.assertIn(told, result.stderr)

    def test_once_says_what_it_could_not_archive(self):
        self.broker.cli("topic", "create", "flights")
        result = once(self.broker.address, self.archive, "--topics=flights,misspelt")
        self.assertEqual(result.returncode, 1)
        self.assertIn("misspelt", result.stderr)
        self.assertRegex(result.stdout, r"ARCHIVE chunks=0 records=0 refused=1")

    def test_a_full_disk_is_waited_for(self):
        self.archive.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", self.archive], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest(SKIPPED_PRIVILEGE)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", self.archive], check=True))
        self.broker.cli("topic", "create", "flights")
        for _ in range(5):
            self.produce("flights")
        worker = self.worker("--archive_interval_s=1").start()
        until(lambda: "DiskFull" in worker.text(), "the disk to be full")
        self.assertIsNone(worker.process.poll())
        subprocess.run(["mount", "-o", "remount,size=200m", self.archive], check=True)
        status, text = self.verify("flights", "--wait")
        self.assertEqual(status, 0, text + worker.text()[-2000:])
        self.assertEqual(worker.end(signal.SIGTERM), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
