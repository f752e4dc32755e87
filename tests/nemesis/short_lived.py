"""A topic with short retention, and readers that are slower than its writer: it overtakes them again and again."""

import signal

import history
from clients import DRAIN_S, PATIENCE_MS, Clients, create_topic, start_client, until_slowly
from retention_checker import judge_retention

TOPIC = "short-lived"
READERS = {"slow": "leader", "slow-anywhere": "any"}  # name -> whom it asks; each reads a partition of its own
RATE = 200  # records a second
RECORD_BYTES = 1_000
RETENTION_BYTES = 1 << 20  # the least: ten seconds, in segments of a tenth of it
SPEED = 0.5  # of the writer


class ShortLived:
    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.folder = folder
        self.clients = Clients(cluster, folder, TOPIC, len(READERS), RECORD_BYTES)
        self.readers = {}

    def start(self):
        create_topic(self.cluster, TOPIC, len(READERS), f"retention_bytes={RETENTION_BYTES}")
        self.clients.start_writer("s", RATE, PATIENCE_MS[0])
        bytes_per_s = SPEED * RATE * RECORD_BYTES / len(READERS)
        for partition, (name, source) in enumerate(READERS.items()):
            self.readers[name] = start_client(self.cluster, self.folder, "penstock-history-slow-reader", TOPIC,
                                              partition, source, RECORD_BYTES, bytes_per_s, self._path(name))

    def stop_writing(self):
        self.clients.stop_writers()

    def verdict(self):
        """(figures, findings, problems), once nobody writes any more."""
        for reader in self.readers.values():
            reader.send_signal(signal.SIGUSR1)
        ends = [1 + max((send.offset for send in self.clients.sends()
                         if send.outcome == history.OK and send.partition == partition), default=-1)
                for partition in range(len(READERS))]

        def have_everything():
            reached = [max((poll.next_offset for poll in reader.polls), default=0)
                       for reader in self._histories().values()]
            return all(offset >= end for offset, end in zip(reached, ends))
        problems = []
        try:
            until_slowly(have_everything, "slow readers to come to the end", DRAIN_S)
        except TimeoutError as error:
            problems.append(f"after healing: {error}")
        for name, reader in self.readers.items():
            reader.send_signal(signal.SIGTERM)
            if (status := reader.wait(30)) != 0:
                problems.append(f"{name} ended with {status}")
        return (*judge_retention(self.clients.sends(), self._histories(), RECORD_BYTES, RETENTION_BYTES), problems)

    def kill(self):
        self.clients.kill()
        for reader in self.readers.values():
            reader.kill()

    def _path(self, name):
        return self.folder / f"{name}.jsonl"

    def _histories(self):
        return {name: history.read_reader(self._path(name)) for name in self.readers}
