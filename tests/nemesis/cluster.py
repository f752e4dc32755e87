"""The brokers of a run: starting, killing and restarting real penstockd processes, and asking them who leads."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from harness import BIN, until
from network import PORT, sandboxed_folder
from penstock_wire import DESCRIBE_TOPICS, ERROR, HANDSHAKE, Api, Connection, Message
from trouble import HONEST, Trouble

FSYNC_FAILED = 3  # how a broker ends that cannot trust its disk any more
NOT_STARTED = 1  # ... and one that finds its disk like that when it begins
DISK_MB = 1024  # of each broker, in a sandbox
ASK_S = 1.0
STOP_S = 30
BALLAST = "ballast"
FIND_COORDINATOR = Api(48, Message(group=(1, "string")), Message(error=(1, ERROR), coordinator=(2, "int")))


class QuickConnection(Connection):
    """Gives up soon: whoever asks goes to the next broker."""

    def __init__(self, address, limit_s=ASK_S):
        self.socket = socket.create_connection((address, PORT), timeout=limit_s)
        self.next_correlation = 1
        self.answers = {}
        self.hello = self.call(HANDSHAKE, client_name="nemesis", client_software="cluster.py")


class Broker:
    """One host. Its process comes and goes; its disk and its address stay."""

    def __init__(self, number, network, folder, seed, trouble=Trouble):
        self.number = number
        self.network = network
        self.address = network.address(number)
        self.endpoint = f"{self.address}:{PORT}"
        self.disk = folder / f"disk{number}"
        self.data_dir = self.disk / "data"
        self.log_path = folder / f"broker{number}.log"
        self.trouble = trouble(folder / f"trouble{number}")
        self.seed = seed  # endpoint of the broker that it joins
        self.process = None
        self.frozen = False
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
        size = 0
        with open(self.disk / BALLAST, "wb") as file:
            for piece in (64 << 20, 1 << 20, 4 << 10):
                with contextlib.suppress(OSError):  # it is full for pieces of that size
                    while True:
                        os.posix_fallocate(file.fileno(), size, piece)
                        size += piece

    def free_disk(self):
        (self.disk / BALLAST).unlink(missing_ok=True)


class Cluster:
    def __init__(self, network, folder, brokers, trouble=Trouble):
        self.network = network
        self.folder = pathlib.Path(folder)
        self.brokers = []
        self.deaths = []  # sentences about brokers that ended by themselves and should not have
        self.numbers_of_spares = set()
        for number in range(brokers):
            seed = self.brokers[0].endpoint if self.brokers else None
            self.brokers.append(Broker(number, network, self.folder, seed, trouble))
        self.spare = None  # one that comes and goes

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

    def ask_anybody(self, api, **fields):
        """Answers of those who can be asked, one after the other."""
        for broker in self.brokers:
            if not broker.is_running() or broker.frozen:
                continue
            with contextlib.suppress(Exception):  # cut off, busy, starting: the next one
                answer = broker.ask(api, **fields)
                if answer.error is None:
                    yield answer

    def describe(self, topic=None):
        """The topic as the first broker that answers sees it, and the brokers' endpoints by number; or None."""
        for answer in self.ask_anybody(DESCRIBE_TOPICS, names=[topic] if topic else []):
            if all(found.error is None for found in answer.topics):
                return (answer.topics or [None])[0], {b.id: f"{b.host}:{b.port}" for b in answer.brokers}
        return None

    def start_spare(self):
        """A new broker, with an empty disk, on the host after the others'."""
        number = len(self.brokers)
        if self.spare is None:
            self.spare = Broker(number, self.network, self.folder, self.brokers[0].endpoint)
        shutil.rmtree(self.spare.data_dir, ignore_errors=True)
        self.spare.seed = self.bootstrap
        self.spare.start()

    def new_number_of_spare(self):
        """... which it has not had before: one that has left is listed for a while under the same address."""
        number = self.number_of(self.spare)
        if number is None or number in self.numbers_of_spares:
            return None
        self.numbers_of_spares.add(number)
        return number

    def stop_spare(self):
        status = self.spare.stop()
        if status != 0:
            self.deaths.append(f"the broker that left ended with {status}: {last_words(self.spare.log_path)}")
            self.spare.kill()

    def number_of(self, broker):
        """The cluster's number of a broker; None when nobody can say it."""
        described = self.describe()
        numbers = {endpoint: number for number, endpoint in described[1].items()} if described else {}
        return numbers.get(broker.endpoint)

    def replicas(self, topic):
        """partition -> numbers of the brokers that hold it, as far as is known."""
        described = self.describe(topic)
        return {p.partition: p.replicas for p in described[0].partitions} if described else {}

    def leader_of(self, topic, partition):
        """The broker that leads, as far as is known; None when nobody does."""
        described = self.describe(topic)
        if described is None:
            return None
        found, endpoints = described
        endpoint = endpoints.get(found.partitions[partition].leader)
        return next((broker for broker in self.brokers if broker.endpoint == endpoint), None)

    def coordinator_of(self, group):
        """The broker that coordinates the group, as far as is known; None when nobody does."""
        described = self.describe()
        found = next(self.ask_anybody(FIND_COORDINATOR, group=group), None)
        endpoint = described[1].get(found.coordinator) if described and found else None
        return next((broker for broker in self.brokers if broker.endpoint == endpoint), None)

    def look_after(self):
        """Notes who ended by itself, and starts it again."""
        for broker in self.brokers:
            if not broker.wanted or broker.is_running():
                continue
            status = broker.process.returncode
            if status in (FSYNC_FAILED, NOT_STARTED) and broker.trouble.is_failing_syncs():
                continue  # whoever made it fail starts it again
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
        for broker in [*self.brokers, *([self.spare] if self.spare else [])]:
            broker.kill()


def last_words(path, lines=3):
    text = path.read_text(errors="replace").strip().splitlines()
    return " | ".join(text[-lines:])[-600:]
