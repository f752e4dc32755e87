"""A disk that fills up: producers are refused with a retriable error, everything else goes on, and it recovers.

Then the disk is filled to its last byte, and the broker killed: it starts again, and is read.
Needs root for a small tmpfs. Prints: ENOSPC cycles=… recovered=… acked=… lost=0 started_full=1 exit=0
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile

from harness import Broker, until

CYCLES = 3
SKIPPED = 77


@contextlib.contextmanager
def small_disk(megabytes):
    path = tempfile.mkdtemp(prefix="penstock-tmpfs-")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path],
                             capture_output=True)
    try:
        yield path if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", path], check=True)
        os.rmdir(path)


def acknowledged(result):
    return int(re.search(r"PRODUCE records=(\d+)", (result.stdout + result.stderr).decode()).group(1))


def fill(path):
    """To the last byte."""
    with open(path, "ab", buffering=0) as file:
        for piece in (1 << 20, 4 << 10, 1):
            with contextlib.suppress(OSError):  # it is full for pieces of that size
                while file.write(b"x" * piece) == piece:
                    pass


def starts_on_a_full_disk(disk, broker):
    """Killed and stopped, on a disk without a free byte: it comes back, gives what it has, and takes more with room."""
    ballast = f"{disk}/ballast"
    before = count(broker)
    broker.kill()
    for end in (broker.stop, broker.kill):
        fill(ballast)
        assert os.statvfs(disk).f_bavail == 0
        broker.start()
        assert count(broker) == before, "records are missing on a full disk"
        result = broker.cli("produce", "bulk", "--delivery_timeout_s=1", input=b"refused\n", check=False)
        assert result.returncode == 1 and b"DiskFull" in result.stderr, result.stderr
        end()
    broker.start()
    os.unlink(ballast)
    until(lambda: broker.cli("produce", "bulk", "--delivery_timeout_s=1", input=b"taken\n",
                             check=False).returncode == 0, "producing to work again")
    return count(broker) > before


def count(broker):
    return len(broker.cli("consume", "bulk", "-f", "%o\\n").stdout.splitlines())


def main():
    line = (b"x" * 999 + b"\n")
    with small_disk(48) as disk:
        if disk is None:
            print("no right to mount a tmpfs here")
            return SKIPPED
        broker = Broker(f"{disk}/data", "--disk_reserve_mb=4").start()
        broker.cli("topic", "create", "bulk", "--set", "segment_bytes=4194304")
        recovered = acked = lost = 0
        for cycle in range(CYCLES):
            before = count(broker)
            # More than the disk holds: the tool retries until its deadline and then says why it stopped.
            result = broker.cli("produce", "bulk", "--delivery_timeout_s=2", input=line * 60_000, check=False)
            text = result.stderr.decode(errors="replace")
            assert result.returncode == 1, f"exit {result.returncode}: {text}"
            assert "DiskFull" in text or "space" in text, text
            kept = count(broker)
            told = acknowledged(result)
            assert told > 0, "nothing was accepted before the disk was full"
            acked += told
            lost += max(0, told - (kept - before))
            # Metadata, reads and administration go on.
            broker.cli("topic", "create", f"other-{cycle}")
            broker.cli("topic", "describe", "bulk")
            # Retention makes room, without a restart.
            broker.cli("topic", "alter", "bulk", "--set", "retention_bytes=8388608")
            until(lambda: broker.cli("produce", "bulk", "--delivery_timeout_s=1", input=line,
                                     check=False).returncode == 0, "producing to work again")
            recovered += 1
            broker.cli("topic", "alter", "bulk", "--reset", "retention_bytes")
        started = starts_on_a_full_disk(disk, broker)
        status = broker.stop()
        print(f"ENOSPC cycles={CYCLES} recovered={recovered} acked={acked} "
              f"lost={lost} started_full={int(started)} exit={status}")
        return 0 if recovered == CYCLES and lost == 0 and started and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
