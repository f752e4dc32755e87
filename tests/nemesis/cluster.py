"""The brokers of a run: starting, killing and restarting real penstockd processes, and asking them who leads."""

import os
import pathlib
import signal
import socket
import subprocess

from harness import BIN, until
from network import PORT, sandboxed_folder
from penstock_wire import DESCRIBE_TOPICS, HANDSHAKE, Connection
from trouble import HONEST, Trouble

CANNOT_START = 1
FSYNC_FAILED = 3  # how a broker ends that cannot trust its disk any more
DISK_MB = 1024  # of each broker, in a sandbox
ASK_S = 1.0
STOP_S = 30
BALLAST = "ballast"


class QuickConnection(Connection):
    """Gives up soon: whoever asks goes to the next broker."""

    def __init__(self, address, limit_s=ASK_S):
        self.socket = socket.create_connection((address, PORT), timeout=limit_s)
        self.next_correlation = 1
        self.answers = {}
        self.hello = self.call(HANDSHAKE, client_name="nemesis", client_software="cluster.py")


class Broker:
    """One host. Its process comes and goes; its disk and its address stay."""

    def __init__(self, number, network, folder, seed):
        self.number = number
        self.network = network
        self.address = network.address(number)
        self.endpoint = f"{self.address}:{PORT}"
        self.disk = folder / f"disk{number}"
        self.data_dir = self.disk / "data"
        self.log_path = folder / f"broker{number}.log"
        self.trouble = Trouble(folder / f"trouble{number}")
        self.seed = seed  # endpoint of the broker that it joins
        self.process = None
        self.frozen = False
        self.full = False
        self.wanted = False  # whether it shall run: a process that is wanted and gone died by itself
        if network.has_faults:
            sandboxed_folder(self.disk, DISK_MB)
        else:
            self.disk.mkdir()

    def start(self):
        seed = [f"--cluster_seed={self.seed}"] if self.seed else []
        command = [*self.network.inside(self.number), BIN / "penstockd", f"--data_dir={self.data_dir}",
                   f"--listen={self.endpoint}", "--insecure_i_know", "--metrics_listen=127.0.0.1:0",
                   "--disk_reserve_mb=16", *seed]
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True,
                                        env={**os.environ, **self.trouble.environment()})
        log.close()
        self.wanted, self.frozen = True, False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def freeze(self):
        self.signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self):
        self.signal(signal.SIGCONT)
        self.frozen = False

    def kill(self):
        self.wanted = False
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, limit_s=STOP_S):
        """Exit code of an orderly end; None when it does not end."""
        self.wanted = False
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None

    def ask(self, api, limit_s=ASK_S, **fields):
        with QuickConnection(self.address, limit_s) as connection:
            return connection.call(api, **fields)

    def fill_disk(self):
        """Nothing is left on its disk."""
        with open(self.disk / BALLAST, "wb") as file:
            space = os.statvfs(self.disk)
            os.posix_fallocate(file.fileno(), 0, max(1, space.f_bavail * space.f_frsize))
        self.full = True

    def free_disk(self):
        self.full = False
        (self.disk / BALLAST).unlink(missing_ok=True)


class Cluster:
    def __init__(self, network, folder, brokers):
        self.network = network
        self.folder = pathlib.Path(folder)
        self.brokers = []
        self.deaths = []  # sentences about brokers that ended by themselves and should not have
        for _ in range(brokers):
            self.add()

    def add(self):
        seed = self.brokers[0].endpoint if self.brokers else None
        self.brokers.append(Broker(len(self.brokers), self.network, self.folder, seed))
        return self.brokers[-1]

    @property
    def bootstrap(self):
        return ",".join(broker.endpoint for broker in self.brokers)

    def client_host(self):
        return self.network.hosts

    def start(self):
        for broker in self.brokers:
            broker.start()
            self.wait_until_serving(broker)

    def wait_until_serving(self, broker, limit_s=30):
        def serving():
            if not broker.is_running():
                raise AssertionError(f"broker {broker.number} ended with {broker.process.returncode}:\n"
                                     f"{broker.log_path.read_text(errors='replace')[-3000:]}")
            try:
                return broker.ask(DESCRIBE_TOPICS).error is None
            except Exception:  # not yet listening, or not yet ready
                return False
        until(serving, f"broker {broker.number} to serve", limit_s)

    def describe(self, topic):
        """The topic as the first broker that answers sees it, and the brokers' endpoints by number; or None."""
        for broker in self.brokers:
            if not broker.is_running() or broker.frozen:
                continue
            try:
                answer = broker.ask(DESCRIBE_TOPICS, names=[topic], with_offsets=True)
            except Exception:  # cut off, busy, starting: the next one
                continue
            if answer.error is None and answer.topics and answer.topics[0].error is None:
                return answer.topics[0], {b.id: f"{b.host}:{b.port}" for b in answer.brokers}
        return None

    def leader_of(self, topic, partition):
        """The broker that leads, as far as is known; None when nobody does."""
        described = self.describe(topic)
        if described is None:
            return None
        found, endpoints = described
        endpoint = endpoints.get(found.partitions[partition].leader)
        return next((broker for broker in self.brokers if broker.endpoint == endpoint), None)

    def look_after(self):
        """Notes who ended by itself, and starts it again."""
        for broker in self.brokers:
            if not broker.wanted or broker.is_running():
                continue
            status = broker.process.returncode
            if status == FSYNC_FAILED and broker.trouble.is_failing_syncs():
                continue  # whoever made it fail starts it again
            if status == CANNOT_START and broker.full:
                continue  # nothing at all is left on its disk: it starts when there is room, and says so
            self.deaths.append(f"broker {broker.number} ended with {status}: {last_words(broker.log_path)}")
            broker.trouble.keep_unflushed()
            broker.start()

    def heal(self):
        """Everybody runs, with a working disk, the right time, and a network without faults."""
        self.network.heal()
        for broker in self.brokers:
            broker.free_disk()
            broker.trouble.set_syncs(HONEST)
            broker.trouble.move_clock(0)
            broker.trouble.slow_syncs()
            if broker.frozen:
                broker.thaw()
            if not broker.is_running():
                broker.start()

    def stop(self):
        """All at once, in order; sentences about those who did not end well."""
        problems = []
        for broker in self.brokers:
            broker.wanted = False
            broker.signal(signal.SIGTERM)
        for broker in self.brokers:
            try:
                status = broker.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                status = f"nothing within {STOP_S} s"
            if status != 0:
                problems.append(f"broker {broker.number} answered SIGTERM with {status}: {last_words(broker.log_path)}")
        return problems

    def kill_all(self):
        for broker in self.brokers:
            broker.kill()


def last_words(path, lines=3):
    text = path.read_text(errors="replace").strip().splitlines()
    return " | ".join(text[-lines:])[-600:]
