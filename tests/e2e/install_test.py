"""The installed package is enough: a program outside the tree builds against it, after the package was moved."""

import os
import pathlib
import subprocess
import sys

from harness import BIN, Broker, scratch_dir

SOURCE = pathlib.Path(os.environ["PENSTOCK_SOURCE_DIR"])
SKIPPED = 77


def run(*command, **options):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    return result.stdout


def main():
    build_dir = BIN.parent
    with scratch_dir() as scratch:
        run("cmake", "--install", build_dir, "--prefix", scratch / "staged")
        package = (scratch / "staged").rename(scratch / "moved")  # relocatable: nothing may point to the old place
        sanitizer = os.environ.get("PENSTOCK_SANITIZER_FLAGS", "")
        run("cmake", "-S", SOURCE / "examples/embed", "-B", scratch / "build", "-G", "Ninja",
            "-DCMAKE_CXX_COMPILER=clang++-19", f"-DCMAKE_PREFIX_PATH={package}",
            f"-DCMAKE_CXX_FLAGS={sanitizer}")
        run("cmake", "--build", scratch / "build")
        broker = Broker(scratch / "data").start()
        try:
            output = run(scratch / "build" / "embed", broker.address)
            version = run(package / "bin" / "penstock", "--version")
        finally:
            status = broker.stop()
    print(output.strip())
    print(f"INSTALL relocated=1 version={version.split()[-1]} broker_exit={status}")
    return status


if __name__ == "__main__":
    sys.exit(main())
