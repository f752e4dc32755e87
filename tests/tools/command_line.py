"""A scene for tests of the command line: one broker, its topics, and files to publish."""

import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import BIN, WAIT_S, Broker, cli, until  # noqa: E402,F401

SOURCES = pathlib.Path(os.environ.get("PENSTOCK_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
EXAMPLES = SOURCES / "examples" / "data"

# What scripts may rely on.
OK, FAILED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


class WithBroker(unittest.TestCase):
    """One broker for all tests of a class; every test has topics of its own."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="penstock-cli-")
        cls.broker = Broker(pathlib.Path(cls.scratch.name) / "broker").start()

    @classmethod
    def tearDownClass(cls):
        cls.broker.stop()
        cls.scratch.cleanup()

    def run_cli(self, *arguments, expect=OK, input=None):
        """Runs penstock against the broker; (standard output, standard error)."""
        result = self.broker.cli(*arguments, check=False, input=input)
        out, err = result.stdout.decode(), result.stderr.decode()
        self.assertEqual(result.returncode, expect, f"{arguments}\n{out[-2000:]}\n{err[-2000:]}")
        return out, err

    def topic(self, partitions=1, **settings):
        name = self.id().rsplit(".", 1)[-1].removeprefix("test_")[:200]
        pairs = [f"--set={key}={value}" for key, value in settings.items()]
        self.run_cli("topic", "create", name, f"--partitions={partitions}", *pairs)
        return name

    def file(self, content):
        handle, path = tempfile.mkstemp(dir=self.scratch.name)
        with os.fdopen(handle, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path


def on_terminal(*arguments, typed=b""):
    """Runs penstock with a terminal as its standard streams; (exit code, what the terminal showed)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BIN / "penstock", *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the last writer has closed the terminal
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(timeout=WAIT_S), shown.decode(errors="replace")


def figures(output, name):
    """The key=value pairs of the line `NAME key=value ...`."""
    line = next(line for line in output.splitlines() if line.startswith(name + " "))
    return dict(pair.split("=", 1) for pair in line.split()[1:])
