"""Kills the leader of a partition under steady load, again and again: how long until that partition takes records?

Prints: FAILOVER kills=… p50_ms=… p99_ms=… max_ms=… rate=… lost=0 …
A time is from the kill to the first acknowledgement of a record that was sent after it. No time fails the run.
"""

import argparse
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from checker import judge  # noqa: E402
from clients import PARTITIONS, SEGMENT_BYTES, TOPIC, Clients, create_topic  # noqa: E402
from cluster import Cluster  # noqa: E402
from network import Loopback, SwitchedNetwork, enter_sandbox  # noqa: E402
from measuring import percentile, run_in_folder, tell, until_some  # noqa: E402

WARM_UP_S = 5.0
PEACE_S = 3.0  # between the return of a broker and the next kill
DOWN_S = 1.0  # at least, and until the partition takes records


class Acknowledgements:
    """The writer's file as it grows."""

    def __init__(self, path):
        self.file = open(path)
        self.rest = ""
        self.sent = {}  # id -> (time, partition), without an outcome yet
        self.count = 0

    def read(self):
        """(sent at, told at, partition) of what was acknowledged since the last call."""
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        found = []
        for line in map(json.loads, lines):
            if line["f"] == "send":
                self.sent[line["id"]] = (line["t"], line["p"])
                continue
            sent_at, partition = self.sent.pop(line["id"])
            if line["f"] == "ok":
                self.count += 1
                found.append((sent_at, line["t"], partition))
        return found


def time_of_failover(cluster, acknowledgements, partition):
    """Kills the partition's leader; (the dead broker, seconds)."""
    leader = until_some(lambda: cluster.leader_of(TOPIC, partition), f"a leader of partition {partition}")
    acknowledgements.read()
    killed_at = time.monotonic()
    leader.kill()

    def first():
        told = [told for sent, told, p in acknowledgements.read() if p == partition and sent > killed_at]
        return min(told, default=None)
    seconds = until_some(first, f"partition {partition} to take records", 0.05) - killed_at
    time.sleep(max(0.0, DOWN_S - seconds))
    return leader, seconds


def measure(network, folder, kills, rate):
    cluster = Cluster(network, folder, 3)
    clients = None
    times = []
    try:
        cluster.start()
        create_topic(cluster, TOPIC, PARTITIONS, f"segment_bytes={SEGMENT_BYTES}")
        clients = Clients(cluster, folder)
        clients.start(rate, writers=1)
        begun = time.monotonic()
        time.sleep(WARM_UP_S)
        acknowledgements = Acknowledgements(folder / "w0.jsonl")
        for kill in range(kills):
            dead, seconds = time_of_failover(cluster, acknowledgements, kill % PARTITIONS)
            times.append(seconds)
            print(f"kill {kill}: broker {dead.number} led partition {kill % PARTITIONS}; {1000 * seconds:.0f} ms",
                  flush=True)
            dead.trouble.keep_unflushed()
            dead.start()
            cluster.wait_until_serving(dead)
            time.sleep(PEACE_S)
            cluster.look_after()
        took = time.monotonic() - begun
        clients.stop_writers()
        figures, findings = judge(clients.whole_history(float("inf")))
        problems = cluster.stop() + cluster.deaths
        tell(findings, problems)
        print(f"FAILOVER kills={len(times)} p50_ms={1000 * percentile(times, 0.5):.0f} "
              f"p99_ms={1000 * percentile(times, 0.99):.0f} max_ms={1000 * max(times):.0f} "
              f"rate={acknowledgements.count / took:.0f} " +
              " ".join(f"{key}={figures[key]}" for key in ("acknowledged", "unknown", "lost", "dup", "nonmono", "unseen")))
        return not findings and not problems
    finally:
        if clients:
            clients.kill()
        cluster.kill_all()


def main():
    parser = argparse.ArgumentParser(prog="leader_kill", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--rate", type=float, default=5000, help="records a second")
    options = parser.parse_args()
    network = (SwitchedNetwork if enter_sandbox() else Loopback)(3)
    try:
        good = run_in_folder("failover", lambda folder: measure(network, folder, options.kills, options.rate))
    finally:
        network.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
