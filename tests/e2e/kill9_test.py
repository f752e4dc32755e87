"""kill -9 in the middle of a produce load, many times: every acknowledged record is there, unaltered.

Usage: kill9_test.py [--cycles=N] [--seed=S]
Prints: KILL9 cycles=… acked=… lost=0 altered=0 duplicated=… unknown_offset=0
"""

import argparse
import collections
import random
import subprocess
import sys
import time

from harness import BIN, Broker, scratch_dir

PARTITIONS = 3


def filler(number):
    return f"{number}:" + chr(ord("a") + number % 26) * (20 + (number * 2654435761 & 0xFFFFFFFFFFFFFFFF) % 400)


def write_until_killed(broker, first_number, acks_path, seconds):
    writer = subprocess.Popen([BIN / "penstock-ack-writer", broker.address, "load", str(PARTITIONS),
                               str(first_number), acks_path], stdout=subprocess.PIPE, text=True)
    writer.stdout.readline()  # "writing"
    time.sleep(seconds)  # the moment of the kill is the experiment, not a condition to wait for
    broker.kill()
    out, _ = writer.communicate(timeout=60)
    if writer.returncode != 0:
        raise AssertionError(f"the writer ended with {writer.returncode}")
    return int(out)


def read_acks(path, acked):
    for line in path.read_text().splitlines():
        number, partition, offset, fsynced = map(int, line.split())
        if fsynced < 1:
            raise AssertionError(f"record {number} was acknowledged as not fsynced")
        acked[(partition, offset)] = number


def read_log(broker, log, next_offset):
    """Reads what is new since the last call into `log` and returns the next offset of each partition."""
    for partition in range(PARTITIONS):
        out = broker.cli("consume", "load", f"--partition={partition}", f"--from={next_offset[partition]}",
                         "-f", "%p %o %s\\n").stdout.decode()
        for line in out.splitlines():
            p, offset, value = line.split(" ", 2)
            log[(int(p), int(offset))] = value
            next_offset[partition] = int(offset) + 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    print(f"seed={options.seed}")
    rng = random.Random(options.seed)

    acked, log = {}, {}
    next_offset = [0] * PARTITIONS
    with scratch_dir() as scratch:
        # Small segments: the kills also meet rolls.
        broker = Broker(scratch / "data").start()
        broker.cli("topic", "create", "load", f"--partitions={PARTITIONS}", "--set", "segment_bytes=1048576")
        number = 0
        for cycle in range(options.cycles):
            acks = scratch / f"acks-{cycle}"
            number = write_until_killed(broker, number, acks, rng.uniform(0.05, 0.4))
            read_acks(acks, acked)
            acks.unlink()
            broker.start()
            read_log(broker, log, next_offset)
        broker.stop()
        # Once more from the start, after a clean shutdown: what recovery let through is still the same.
        broker.start()
        again = {}
        read_log(broker, again, [0] * PARTITIONS)
        status = broker.stop()

    lost = [(place, number) for place, number in acked.items() if place not in log]
    altered = [(place, number) for place, number in acked.items()
               if place in log and log[place] != filler(number)]
    strange = [value[:40] for value in log.values() if value != filler(int(value.split(":")[0]))]
    counts = collections.Counter(value.split(":")[0] for value in log.values())
    duplicated = sum(1 for count in counts.values() if count > 1)
    print(f"KILL9 cycles={options.cycles} acked={len(acked)} in_log={len(log)} lost={len(lost)} "
          f"altered={len(altered) + len(strange)} changed_after_restart={int(again != log)} "
          f"duplicated={duplicated}")
    for place, number in (lost + altered)[:10]:
        print(f"  record {number} at {place}: log has {log.get(place, 'nothing')[:40]}", file=sys.stderr)
    failed = lost or altered or strange or duplicated or again != log or status != 0 or len(acked) < options.cycles
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
