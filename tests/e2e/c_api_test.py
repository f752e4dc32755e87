"""The C interface: from C, and from another language through the shared library alone."""

import os
import pathlib
import subprocess
import sys

from harness import BIN, Broker, scratch_dir

SOURCE = pathlib.Path(os.environ["PENSTOCK_SOURCE_DIR"])


def run(*command, **options):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    return result.stdout.strip()


def main():
    with scratch_dir() as scratch:
        broker = Broker(scratch / "data").start()
        try:
            figure = run(BIN / "penstock-c-api", broker.address)
            lines = 0
            if not os.environ.get("PENSTOCK_SANITIZER_FLAGS"):  # Python itself is built without it
                environment = dict(os.environ, LD_LIBRARY_PATH=str(BIN.parent / "lib"))
                said = run(sys.executable, SOURCE / "examples/python/greetings.py", broker.address, env=environment)
                print(said)
                lines = len(said.splitlines())
                assert lines == 6, said
        finally:
            status = broker.stop()
    print(f"{figure} python_lines={lines} broker_exit={status}")
    return status


if __name__ == "__main__":
    sys.exit(main())
