"""The installed package is enough: a program outside the tree builds against it, after the package was moved."""

import os
import pathlib
import signal
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


def build(program, package, into):
    """Of examples/, against the package."""
    run("cmake", "-S", SOURCE / "examples" / program, "-B", into, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-19",
        f"-DCMAKE_PREFIX_PATH={package}", f"-DCMAKE_CXX_FLAGS={os.environ.get('PENSTOCK_SANITIZER_FLAGS', '')}")
    run("cmake", "--build", into)


def try_services(programs, package, address):
    """What is published is counted, and read by a member of a group that commits and leaves when it is told to."""
    run(package / "bin" / "penstock", "topic", "create", "lines", "--partitions=1", f"--bootstrap={address}")
    run(programs / "publisher", "lines", address, input="".join(f"k{i} to be or not to be\n" for i in range(5)))
    counted = run(programs / "word_count", "lines", address)
    assert counted == run(programs / "word_count", "lines", address), "nothing is counted twice"
    assert counted.splitlines() == ["10 be", "5 not", "5 or", "10 to"], counted
    with subprocess.Popen([programs / "subscriber", "readers", "lines", address], stdout=subprocess.PIPE, text=True) as member:
        read = [member.stdout.readline().strip() for _ in range(5)]
        member.send_signal(signal.SIGTERM)
        rest = member.stdout.read()
    assert member.returncode == 0 and not rest, (member.returncode, rest)
    assert read == [f"lines/0@{i} k{i} to be or not to be" for i in range(5)], read
    run(programs / "publisher", "lines", address, input="last one\n")
    with subprocess.Popen([programs / "subscriber", "readers", "lines", address], stdout=subprocess.PIPE, text=True) as member:
        assert member.stdout.readline() == "lines/0@5 last one\n", "what was committed is not processed again"
        member.terminate()
    return len(read) + 1


def main():
    build_dir = BIN.parent
    with scratch_dir() as scratch:
        run("cmake", "--install", build_dir, "--prefix", scratch / "staged")
        package = (scratch / "staged").rename(scratch / "moved")  # relocatable: nothing may point to the old place
        build("embed", package, scratch / "embed")
        build("services", package, scratch / "services")
        build("testing", package, scratch / "testing")
        run("ctest", "--test-dir", scratch / "testing", "--output-on-failure")
        broker = Broker(scratch / "data").start()
        try:
            output = run(scratch / "embed" / "embed", broker.address)
            read = try_services(scratch / "services", package, broker.address)
            version = run(package / "bin" / "penstock", "--version")
        finally:
            status = broker.stop()
    print(output.strip())
    print(f"INSTALL relocated=1 version={version.split()[-1]} read={read} broker_exit={status}")
    return status


if __name__ == "__main__":
    sys.exit(main())
