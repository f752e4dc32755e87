"""Lets a follower miss hours of records and starts it again under steady load: do producers notice that it catches up?

Load is measured three times: with all replicas level, with the follower down (each record then waits for the only other one),
and while it catches up.
Prints: CATCHUP behind_records=… behind_mb=… seconds=… mb_per_s=… p50_level_ms=… … ratio_to_level=… ratio_to_down=… lost=0 …
A latency is from handing a record to the client until its acknowledgement is seen. No time fails the run.
"""

import argparse
import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from checker import judge  # noqa: E402
from clients import TOPIC, Clients, create_topic  # noqa: E402
from cluster import Cluster  # noqa: E402
from harness import BIN  # noqa: E402
from history import OK  # noqa: E402
from measuring import percentile, run_in_folder, tell, until_some  # noqa: E402
from network import Loopback, enter_sandbox, ip  # noqa: E402
from operators import status  # noqa: E402
from trouble import Untroubled  # noqa: E402

PARTITIONS = 1  # all in one log: nothing is worse for who produces to it
PATIENCE_MS = 60_000
WARM_UP_S = 5.0
BACKLOG_LIMIT_S = 900
CATCH_UP_LIMIT_S = 900
DRAIN_S = 600
LOOK_S = 0.5
LEVEL_S = 0.1  # behind by less than steady load writes in that time is level
REPLICAS = 3
PARTS = 12


def state_of(cluster, number):
    """The partition and what its leader knows of the replica on broker `number`; None when nobody can say it."""
    answer = status(cluster)
    for partition in answer.partitions if answer else []:
        for replica in partition.replicas:
            if partition.topic == TOPIC and replica.broker_id == number:
                return partition, replica
    return None


def some_follower(cluster):
    """A broker that leads nothing and does not decide on metadata: its end disturbs nobody."""
    answer = status(cluster)
    if answer is None or answer.controller < 0:
        return None
    leading = {partition.leader for partition in answer.partitions} | {answer.controller}
    return next((broker for broker in cluster.brokers if cluster.number_of(broker) not in leading), None)


def write_backlog(cluster, records, record_bytes):
    """What the bulk writer was told, as it prints it."""
    done = subprocess.run([BIN / "penstock-bulk-writer", cluster.bootstrap, TOPIC, str(PARTITIONS), str(records),
                           str(record_bytes)], capture_output=True, text=True, timeout=BACKLOG_LIMIT_S)
    if done.returncode != 0:
        raise AssertionError(f"the backlog was not written: {done.stderr}")
    return json.loads(done.stdout)


def wait_until_level(cluster, number, rate):
    begun = time.monotonic()
    told = 0.0

    def level():
        nonlocal told
        found = state_of(cluster, number)
        if found is None:
            return None
        _, replica = found
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"  {told - begun:4.0f} s: {replica.lag_records} records behind", flush=True)
        return True if replica.reachable and replica.lag_records <= LEVEL_S * rate else None
    until_some(level, "the follower to be level", LOOK_S, CATCH_UP_LIMIT_S)


def latencies(sends, begin, end):
    """Milliseconds, of records that were sent in that time."""
    return [1000 * (send.told_at - send.sent_at) for send in sends
            if begin <= send.sent_at < end and send.outcome == OK]


def problems_of_backlog(written, final):
    """Sentences; and how many of its records are gone or there twice."""
    lost = sum(missing for _, _, missing, _ in final.bulk)
    lost += sum(max(0, written["acknowledged"] - next) for _, next, _, _ in final.bulk) // PARTITIONS
    if not final.bulk:
        lost = written["acknowledged"]
    dup = sum(repeated for *_, repeated in final.bulk)
    problems = [f"{lost} records of the backlog are gone"] if lost else []
    if dup and not written["retries"]:
        problems.append(f"{dup} records of the backlog are there twice")
    return problems, lost, dup


class Run:
    def __init__(self, folder, options):
        self.options = options
        self.folder = folder
        self.cluster = Cluster(Loopback(REPLICAS), folder, REPLICAS, Untroubled)
        self.clients = Clients(self.cluster, folder, partitions=PARTITIONS, value_bytes=options.record_bytes)
        self.times = {}  # phase -> (begin, end)

    def measure(self):
        """Did every rule hold?"""
        good = False
        try:
            good = self._live_and_judge()
        finally:
            self.clients.kill()
            self.cluster.kill_all()
            for broker in self.cluster.brokers:
                shutil.rmtree(broker.disk, ignore_errors=True)  # too much to be kept, whatever came out
        return good

    def _live_and_judge(self):
        self.cluster.start()
        create_topic(self.cluster, TOPIC, PARTITIONS)
        follower = until_some(lambda: some_follower(self.cluster), "a follower")
        number = self.cluster.number_of(follower)
        self._load("level")
        follower.kill()
        written = self._fall_behind()
        self._load("down")
        behind = until_some(lambda: state_of(self.cluster, number), "how far it is behind")[1]
        self._load_catching_up(follower, number)
        return self._judge(written, behind)

    def _load(self, phase):
        self.clients.start_writer(phase, self.options.rate, PATIENCE_MS)
        time.sleep(WARM_UP_S)
        begin = time.monotonic()
        time.sleep(self.options.seconds)
        self.times[phase] = (begin, time.monotonic())
        self.clients.stop_writers()

    def _fall_behind(self):
        begin = time.monotonic()
        written = write_backlog(self.cluster, self.options.records, self.options.record_bytes)
        took = time.monotonic() - begin
        print(f"  backlog of {written['acknowledged']} records in {took:.0f} s, "
              f"{written['acknowledged'] * self.options.record_bytes / took / 1e6:.0f} MB/s", flush=True)
        return written

    def _load_catching_up(self, follower, number):
        self.clients.start_writer("during", self.options.rate, PATIENCE_MS)
        time.sleep(WARM_UP_S)
        begin = time.monotonic()
        follower.start()
        wait_until_level(self.cluster, number, self.options.rate)
        self.times["during"] = (begin, time.monotonic())
        self.clients.stop_writers()

    def _judge(self, written, behind):
        past = self.clients.whole_history(float("inf"), DRAIN_S)
        figures, findings = judge(past)
        backlog, lost, dup = problems_of_backlog(written, past.final)
        figures["lost"] += lost
        figures["dup"] += dup
        problems = backlog + self.cluster.stop() + self.cluster.deaths
        tell(findings, problems)
        self._print(past.sends, behind, figures)
        return not findings and not problems

    def _print(self, sends, behind, figures):
        of = {phase: latencies(sends, *when) for phase, when in self.times.items()}
        p99 = {phase: percentile(values, 0.99) for phase, values in of.items()}
        begin, end = self.times["during"]
        seconds = end - begin
        parts = [begin + seconds * n / PARTS for n in range(PARTS + 1)]
        print(f"  p99 in {PARTS} parts of that time, ms: " +
              " ".join(f"{percentile(latencies(sends, a, b) or [0], 0.99):.1f}" for a, b in itertools.pairwise(parts)))
        print(f"CATCHUP behind_records={behind.lag_records} behind_mb={behind.lag_bytes / 1e6:.0f} "
              f"seconds={seconds:.1f} mb_per_s={behind.lag_bytes / seconds / 1e6:.1f} rate={self.options.rate:.0f} "
              f"record_bytes={self.options.record_bytes} " +
              " ".join(f"p50_{phase}_ms={percentile(values, 0.5):.2f} p99_{phase}_ms={p99[phase]:.2f}"
                       for phase, values in of.items()) +
              f" ratio_to_level={p99['during'] / p99['level']:.2f} ratio_to_down={p99['during'] / p99['down']:.2f} " +
              " ".join(f"{key}={figures[key]}" for key in ("acknowledged", "unknown", "lost", "dup", "nonmono", "unseen")))


def parsed_options():
    parser = argparse.ArgumentParser(prog="follower_behind", description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=5000, help="records a second")
    parser.add_argument("--hours", type=float, default=1.0, help="of that rate, which the follower misses")
    parser.add_argument("--records", type=int, help="which the follower misses; instead of --hours")
    parser.add_argument("--record_bytes", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=30, help="of load with all replicas level, and with the follower down")
    parser.add_argument("--folder", type=pathlib.Path, help="for the disks of all brokers; else the system's")
    options = parser.parse_args()
    if options.records is None:
        options.records = round(options.hours * 3600 * options.rate)
    return options


def main():
    options = parsed_options()
    if enter_sandbox():
        ip("link", "set", "lo", "up")
    good = run_in_folder("follower-behind", lambda folder: Run(folder, options).measure(), options.folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
