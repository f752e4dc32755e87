"""The preloaded library in a process of its own: what was flushed stays, what was not can be taken back."""

import datetime
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from trouble import FAILING, HONEST, LYING, Trouble  # noqa: E402


class Drops(random.Random):
    """Drops every write."""

    def choice(self, values):
        return values[0]


class TroubleTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "file"
        self.file.write_bytes(b"0123456789")
        self.trouble = Trouble(pathlib.Path(folder.name) / "trouble")

    def run_python(self, code):
        code = f"import os, sys, time\nf = os.open({str(self.file)!r}, os.O_RDWR)\n{code}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              env={**os.environ, **self.trouble.environment()})
        self.assertEqual("", done.stderr)
        return done.stdout.strip()

    def test_what_was_not_flushed_is_taken_back(self):
        self.run_python("os.pwrite(f, b'abc', 2)\nos.pwritev(f, [b'd', b'ef'], 9)")
        self.assertEqual(b"01abc5678def", self.file.read_bytes())
        self.assertEqual(2, self.trouble.drop_unflushed(Drops()))
        self.assertEqual(b"0123456789", self.file.read_bytes())

    def test_what_was_flushed_stays(self):
        self.run_python("os.pwrite(f, b'abc', 2)\nos.fdatasync(f)\nos.pwrite(f, b'xyz', 3)")
        self.assertEqual(1, self.trouble.drop_unflushed(Drops()))
        self.assertEqual(b"01abc56789", self.file.read_bytes())

    def test_writes_over_each_other_are_taken_back_in_order(self):
        self.run_python("os.pwrite(f, b'abc', 2)\nos.pwrite(f, b'xyz', 3)\nos.pwrite(f, b'!', 12)")
        self.trouble.drop_unflushed(Drops())
        self.assertEqual(b"0123456789", self.file.read_bytes())

    def test_some_may_stay(self):
        seen = set()
        for seed in range(40):
            self.file.write_bytes(b"0123456789")
            self.run_python("os.pwrite(f, b'a', 0)\nos.pwrite(f, b'b', 5)")
            self.trouble.drop_unflushed(random.Random(seed))
            seen.add(self.file.read_bytes())
        self.assertIn(b"0123456789", seen)
        self.assertGreater(len(seen), 1)

    def test_a_process_that_was_only_killed_loses_nothing(self):
        self.run_python("os.pwrite(f, b'abc', 2)\nos.kill(os.getpid(), 9)")
        self.trouble.keep_unflushed()
        self.assertEqual(0, self.trouble.drop_unflushed(Drops()))
        self.assertEqual(b"01abc56789", self.file.read_bytes())

    def test_flushes_fail_when_they_shall(self):
        self.trouble.set_syncs(FAILING)
        code = "try:\n  os.{}(f)\nexcept OSError as e:\n  print(e.errno)"
        self.assertEqual("5", self.run_python(code.format("fdatasync")))
        self.assertEqual("5", self.run_python(code.format("fsync")))
        self.trouble.set_syncs(HONEST)
        self.assertEqual("", self.run_python(code.format("fsync")))

    def test_a_disk_that_lies_loses_what_it_said_it_has(self):
        self.trouble.set_syncs(LYING)
        self.assertEqual("", self.run_python("os.pwrite(f, b'abc', 2)\nos.fdatasync(f)"))
        self.assertEqual(1, self.trouble.drop_unflushed(Drops()))
        self.assertEqual(b"0123456789", self.file.read_bytes())

    def test_the_wall_clock_moves_and_the_monotonic_one_does_not(self):
        self.trouble.move_clock(3600)
        wall, monotonic = map(float, self.run_python("print(time.time(), time.monotonic())").split())
        self.assertGreater(wall, datetime.datetime.now().timestamp() + 3000)
        self.assertLess(monotonic, time.monotonic() + 1)


if __name__ == "__main__":
    unittest.main()
