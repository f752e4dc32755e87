"""The processes that write and read a topic during a run, and the histories that they leave."""

import signal
import subprocess
import time

import history
from harness import BIN

TOPIC = "nemesis"
PARTITIONS = 3
SEGMENT_BYTES = 1 << 20  # rolls and sealed segments are met, too
WRITERS = 2
READERS = {"reader": "leader", "anywhere": "any"}  # name -> whom it asks
PATIENCE_MS = (10_000, 700)  # of the writers: one rides faults out, one gives up and does not know
DRAIN_S = 60


def create_topic(cluster, topic, partitions, *settings):
    replicas = [f"--replication_factor={min(3, len(cluster.brokers))}"] if len(cluster.brokers) > 1 else []
    done = subprocess.run([BIN / "penstock", "topic", "create", topic, f"--partitions={partitions}", *replicas,
                           *(f"--set={setting}" for setting in settings), f"--bootstrap={cluster.brokers[0].endpoint}"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"creating the topic: {done.stderr}")


def start_client(cluster, folder, program, topic, *arguments):
    with open(folder / "clients.log", "ab") as log:
        return subprocess.Popen([BIN / program, cluster.bootstrap, topic, *map(str, arguments)], stderr=log)


class Clients:
    """Processes that write histories; they run on the host without a broker, or where everybody is."""

    def __init__(self, cluster, folder, topic=TOPIC, partitions=PARTITIONS, value_bytes=0):
        self.cluster = cluster
        self.folder = folder
        self.topic = topic
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
        self.writers[name] = self._start("penstock-history-writer", name, rate, patience_ms, self._path(name),
                                         self.value_bytes)

    def _path(self, name):
        return self.folder / f"{name}.jsonl"

    def _start(self, program, *arguments):
        return start_client(self.cluster, self.folder, program, self.topic, self.partitions, *arguments)

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
                             ",".join(map(str, until_offsets)), self.value_bytes)
        try:
            reader.wait(drain_s)
        except subprocess.TimeoutExpired:
            reader.send_signal(signal.SIGTERM)
            reader.wait(30)
        return history.read_reader(self._path("final"))

    def kill(self):
        for process in (*self.writers.values(), *self.readers.values()):
            process.kill()


def until_slowly(condition, what, limit_s):
    """As harness.until, for conditions that cost something."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit_s} s for {what}")
        time.sleep(0.3)
