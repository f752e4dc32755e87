"""Starts and stops the real binaries for end-to-end tests. Every wait is for a condition, with a limit."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ.get("PENSTOCK_BIN_DIR", "build/dev/bin"))
WAIT_S = 60  # for a condition that normally takes milliseconds: sanitizers and busy machines


def until(condition, what, limit_s=WAIT_S):
    """Waits for `condition` to return something true, and returns that."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit_s} s for {what}")
        time.sleep(0.005)


class Broker:
    """One penstockd on a data directory; free ports unless told otherwise."""

    def __init__(self, data_dir, *flags, wrapper=()):
        self.data_dir = pathlib.Path(data_dir)
        self.flags = flags
        self.wrapper = list(wrapper)
        self.process = None
        self.port = None

    def start(self):
        port_file = self.data_dir.parent / f"{self.data_dir.name}.port"
        port_file.unlink(missing_ok=True)
        self.log_path = self.data_dir.parent / f"{self.data_dir.name}.log"
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.wrapper, BIN / "penstockd", f"--data_dir={self.data_dir}", "--listen=127.0.0.1:0",
             "--metrics_listen=127.0.0.1:0", f"--port_file={port_file}", *self.flags],
            stdout=self.log, stderr=self.log)
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"penstockd ended with {self.process.returncode}:\n{self.tail()}")
            return port_file.exists() and port_file.read_text().strip()
        text = until(ready, "penstockd to listen")
        self.port = int(text.split()[0])
        return self

    def tail(self):
        return self.log_path.read_text(errors="replace")[-4000:]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=WAIT_S)
        self.log.close()
        return status

    def cli(self, *arguments, check=True, **options):
        return cli(*arguments, f"--bootstrap={self.address}", check=check, **options)


def cli(*arguments, check=True, input=None, env=None, timeout=WAIT_S * 3):
    result = subprocess.run([BIN / "penstock", *map(str, arguments)], input=input, capture_output=True,
                            timeout=timeout, env={**os.environ, **(env or {})})
    if check and result.returncode != 0:
        raise AssertionError(f"penstock {' '.join(map(str, arguments))}: exit {result.returncode}\n"
                             f"{result.stdout.decode(errors='replace')[-2000:]}"
                             f"{result.stderr.decode(errors='replace')[-2000:]}")
    return result


@contextlib.contextmanager
def scratch_dir(parent=None):
    path = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
