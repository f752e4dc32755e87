"""One round: a fresh cluster lives through a schedule of faults while clients write and read, heals, and is judged."""

import contextlib
import json
import pathlib
import random
import shutil
import signal
import subprocess
import time

import history
import segments
from checker import judge
from cluster import Cluster
from faults import FAULTS, Scene
from harness import BIN

TOPIC = "nemesis"
PARTITIONS = 3
WRITERS = 2
READERS = {"reader": "leader", "anywhere": "any"}  # name -> whom it asks
PATIENCE_MS = (10_000, 700)  # of the writers: one rides faults out, one gives up and does not know
SEGMENT_BYTES = 1 << 20  # the smallest: rolls and sealed segments are met, too
LATE_S = 2.0  # a fault that cannot begin in time is left out: a crowd of faults is no schedule
HEAL_S = 60  # until every partition takes records again
AFTERWARDS_S = 3.0  # writing and reading in peace
DRAIN_S = 60
LEVEL_S = 60


def create_topic(cluster, partitions=PARTITIONS, *settings):
    replicas = [f"--replication_factor={min(3, len(cluster.brokers))}"] if len(cluster.brokers) > 1 else []
    done = subprocess.run([BIN / "penstock", "topic", "create", TOPIC, f"--partitions={partitions}", *replicas,
                           *(f"--set={setting}" for setting in settings), f"--bootstrap={cluster.brokers[0].endpoint}"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"creating the topic: {done.stderr}")


class Clients:
    """Processes that write histories; they run on the host without a broker, or where everybody is."""

    def __init__(self, cluster, folder, partitions=PARTITIONS, value_bytes=0):
        self.cluster = cluster
        self.folder = folder
        self.partitions = partitions
        self.value_bytes = value_bytes
        self.writers = {}
        self.readers = {}

    def start(self, rate, writers=WRITERS):
        for n in range(writers):
            self.start_writer(f"w{n}", rate / writers, PATIENCE_MS[n % len(PATIENCE_MS)])
        for name, source in READERS.items():
            self.readers[name] = self._start("penstock-history-reader", source, self._path(name))

    def start_writer(self, name, rate, patience_ms):
        self.writers[name] = self._start("penstock-history-writer", name, str(rate), str(patience_ms),
                                         self._path(name), str(self.value_bytes))

    def _path(self, name):
        return self.folder / f"{name}.jsonl"

    def _start(self, program, *arguments):
        with open(self.folder / "clients.log", "ab") as log:
            return subprocess.Popen([BIN / program, self.cluster.bootstrap, TOPIC, str(self.partitions), *arguments],
                                    stderr=log)

    def stop_writers(self):
        for writer in self.writers.values():
            if writer.poll() is None:
                writer.send_signal(signal.SIGTERM)
        for name, writer in self.writers.items():
            if writer.wait(60) != 0:
                raise AssertionError(f"writer {name} ended with {writer.returncode}")

    def stop_readers(self):
        for reader in self.readers.values():
            reader.send_signal(signal.SIGTERM)
            reader.wait(30)

    def live(self):
        return {name: history.read_reader(self._path(name)) for name in self.readers}

    def sends(self):
        return [send for name in self.writers for send in history.read_writer(self._path(name), name)]

    def whole_history(self, healed_at, drain_s=DRAIN_S):
        """Once the writers have stopped: everything is read again, up to where anybody knows of a record."""
        sends = self.sends()
        live = self.live()
        ends = [0] * self.partitions
        for send in sends:
            if send.outcome == history.OK:
                ends[send.partition] = max(ends[send.partition], send.offset + 1)
        for poll in (poll for reader in live.values() for poll in reader.polls):
            ends[poll.partition] = max(ends[poll.partition], poll.next_offset)
        final = self._read_everything(ends, drain_s)
        self.stop_readers()
        return history.History(sends, self.live(), final, healed_at)

    def _read_everything(self, until_offsets, drain_s):
        """From the beginning, as a new reader; up to the given offsets, or as far as it comes in that time."""
        reader = self._start("penstock-history-reader", "leader", self._path("final"),
                             ",".join(map(str, until_offsets)), str(self.value_bytes))
        try:
            reader.wait(drain_s)
        except subprocess.TimeoutExpired:
            reader.send_signal(signal.SIGTERM)
            reader.wait(30)
        return history.read_reader(self._path("final"))

    def kill(self):
        for process in (*self.writers.values(), *self.readers.values()):
            process.kill()


class Round:
    def __init__(self, folder, seed, brokers, events, rate, say):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.rng = random.Random(f"round {seed}")
        self.events = events
        self.rate = rate
        self.say = say
        self.network = None
        self.brokers = brokers
        self.problems = []  # sentences, beside what the checker finds
        self.ends = []  # when each fault was over
        self.done = []

    def run(self, network, seconds):
        """(figures, findings); what is left of the brokers lies in the folder."""
        self.network = network
        cluster = self.cluster = Cluster(network, self.folder, self.brokers)
        clients = None
        try:
            cluster.start()
            create_topic(cluster, PARTITIONS, f"segment_bytes={SEGMENT_BYTES}")
            clients = Clients(cluster, self.folder)
            clients.start(self.rate)
            self._live(seconds)
            self._heal(clients)
            return self._verdict(clients)
        finally:
            if clients:
                clients.kill()
            cluster.kill_all()

    # --- the faults

    def _live(self, seconds):
        begun = time.monotonic()
        waiting, active = list(self.events), []
        while (now := time.monotonic() - begun) < seconds:
            if waiting and waiting[0].at + LATE_S < now:
                self.say(f"{now:6.1f} s  too late for {waiting.pop(0).kind}: another fault took long")
            elif waiting and waiting[0].at <= now:
                active.append(self._begin(waiting.pop(0), begun))
            for entry in [entry for entry in active if entry[0] <= now]:
                # What an operator ends waits for a cluster that works, and so for the end of everything else.
                if not FAULTS[entry[1].kind].operated or all(FAULTS[other[1].kind].operated for other in active):
                    active.remove(entry)
                    self._end(*entry[1:])
            self.cluster.look_after()
            time.sleep(0.05)
        for entry in sorted(active, key=lambda entry: FAULTS[entry[1].kind].operated):
            self._end(*entry[1:])

    def _begin(self, event, begun):
        scene = Scene(self.cluster, TOPIC, PARTITIONS, random.Random(event.draw), self.rotten)
        harm = FAULTS[event.kind].function(scene)
        try:
            what = next(harm)
        except TimeoutError as error:
            self.problems.append(f"{event.kind}: {error}")
            what = str(error)
        self.say(f"{time.monotonic() - begun:6.1f} s  {event.kind}: {what}")
        self.done.append(event.kind)
        # A fault that took a while to begin still lasts as long as it was meant to.
        return (time.monotonic() - begun + event.seconds, event, harm)

    def _end(self, event, harm):
        try:
            if next(harm, self) is not self:
                raise AssertionError(f"{event.kind} yields twice")
        except TimeoutError as error:
            self.problems.append(f"{event.kind}: {error}")
        self.ends.append((event.kind, time.monotonic()))

    @property
    def rotten(self):
        return random.Random(repr(self.events)).randrange(self.brokers)

    # --- what comes afterwards

    def _heal(self, clients):
        self.cluster.look_after()
        self.cluster.heal()
        healed = time.monotonic()

        def every_partition_takes_records():
            self.cluster.look_after()
            fresh = {send.partition for send in clients.sends() if send.outcome == history.OK and send.sent_at > healed}
            return len(fresh) == PARTITIONS
        self.healed_at = float("inf")
        try:
            until_slowly(every_partition_takes_records, "every partition to take records", HEAL_S)
            self.healed_at = time.monotonic()
        except TimeoutError as error:
            self.problems.append(f"after healing: {error}")
        time.sleep(AFTERWARDS_S)
        self.cluster.look_after()
        clients.stop_writers()

    def _verdict(self, clients):
        past = clients.whole_history(self.healed_at)
        self.cluster.look_after()
        differing, behind = self._compare_replicas(past.final)
        self.problems += self.cluster.stop()
        figures, findings = judge(past)
        findings |= {name: texts for name, texts in
                     (("divergent", differing), ("behind", behind), ("deaths", self.cluster.deaths),
                      ("problems", self.problems)) if texts}
        figures |= {"divergent": len(differing), "behind": len(behind), "deaths": len(self.cluster.deaths),
                    "problems": len(self.problems), "recovery_ms": round(1000 * self._longest_recovery(past.sends))}
        return figures, findings

    def _compare_replicas(self, final):
        """Waits until the replicas reach the high watermark, then compares them."""
        marks = [max((poll.high_watermark for poll in final.polls if poll.partition == p), default=0)
                 for p in range(PARTITIONS)]

        def compared():
            differing, behind = [], []
            replicas = self.cluster.replicas(TOPIC)
            numbers = {broker: self.cluster.number_of(broker) for broker in self.cluster.brokers}
            for p in range(PARTITIONS):
                logs = {}
                for broker in self.cluster.brokers:
                    folder = segments.logs_of(broker.data_dir, TOPIC).get(p)
                    if numbers[broker] in replicas.get(p, []):
                        logs[f"broker {broker.number}"] = segments.batches_of_log(folder) if folder else {}
                if len(logs) != len(replicas.get(p, "?")):
                    behind.append(f"partition {p}: its replicas are {replicas.get(p)}, of brokers {list(numbers.values())}")
                a, b = segments.compare(logs, marks[p])
                differing += [f"partition {p}: {text}" for text in a]
                behind += [f"partition {p}: {text}" for text in b]
            return differing, behind
        with contextlib.suppress(TimeoutError):
            until_slowly(lambda: compared() == ([], []), "the replicas to be level", LEVEL_S)
        return compared()

    def _longest_recovery(self, sends):
        """From the end of a fault until every partition acknowledged something that was sent after it."""
        longest = 0.0
        acknowledged = sorted((send for send in sends if send.outcome == history.OK), key=lambda send: send.told_at)
        for kind, ended in self.ends:
            missing, told_at = set(range(PARTITIONS)), ended
            for send in acknowledged:
                if send.sent_at > ended and send.partition in missing:
                    missing.remove(send.partition)
                    told_at = send.told_at
                    if not missing:
                        break
            longest = max(longest, told_at - ended)
        return longest

    def keep(self, findings):
        """What is needed to find out why, copied to where it stays."""
        (self.folder / "findings.json").write_text(json.dumps(findings, indent=1))
        (self.folder / "schedule.txt").write_text("".join(f"{event}\n" for event in self.events))
        for broker in self.cluster.brokers:
            broker.free_disk()
            shutil.copytree(broker.data_dir, self.folder / f"data{broker.number}", dirs_exist_ok=True)


def until_slowly(condition, what, limit_s):
    """As harness.until, for conditions that cost something."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit_s} s for {what}")
        time.sleep(0.3)
