"""The kinds of trouble. A fault begins and ends; in between the cluster has to live with it.

Each is a generator function over a `Scene`: it does its harm, yields once with a sentence about what it did, and takes
it back. What a fault finds already broken by another one it leaves alone.
"""

import collections
import dataclasses
import random
import time

from harness import until
from operators import alter
from trouble import FAILING, HONEST, LYING

FAULTS = collections.OrderedDict()  # kind -> Fault
NETWORK, OWN_DISK, MAJORITY, MANY = "network faults", "file systems of its own", "three brokers", "five brokers"
LIES = "to be asked for by name: it loses records"

# operated: an operator's command begins and ends it, and waits for a cluster that can carry it out.
Fault = collections.namedtuple("Fault", "function needs operated")


def fault(*needs, operated=False):
    def register(function):
        FAULTS[function.__name__] = Fault(function, set(needs), operated)
        return function
    return register


@dataclasses.dataclass
class Scene:
    cluster: object
    topic: str
    partitions: int
    rng: random.Random
    rotten: int  # the one broker of this run whose files are damaged: a minority, whatever else happens

    @property
    def brokers(self):
        return self.cluster.brokers

    @property
    def network(self):
        return self.cluster.network

    def somebody(self, count=1):
        return self.rng.sample(self.brokers, count)

    def leader(self):
        """Who leads a partition, drawn; somebody when nobody is known to."""
        partition = self.rng.randrange(self.partitions)
        return self.cluster.leader_of(self.topic, partition) or self.somebody()[0]

    def majority(self):
        return len(self.brokers) // 2 + 1

    def others(self, broker):
        return [other for other in self.brokers if other is not broker]


def available(network, brokers):
    """Kinds that can be had here; and those that cannot, with what they would need."""
    have = {NETWORK, OWN_DISK} if network.has_faults else set()
    have |= {MAJORITY} if brokers >= 3 else set()
    have |= {MANY} if brokers >= 5 else set()
    kinds = [kind for kind, entry in FAULTS.items() if entry.needs <= have]
    return kinds, {kind: sorted(entry.needs - have) for kind, entry in FAULTS.items()
                   if kind not in kinds and LIES not in entry.needs}


def operated():
    return {kind for kind, entry in FAULTS.items() if entry.operated}


def names(brokers):
    return ",".join(str(broker.number) for broker in brokers)


# --- processes

def killed(brokers):
    for broker in brokers:
        broker.kill()
    yield f"killed {names(brokers)}"
    for broker in brokers:
        if not broker.is_running():
            broker.trouble.keep_unflushed()
            broker.start()


@fault()
def kill_one(scene):
    return killed(scene.somebody())


@fault(MAJORITY)
def kill_leader(scene):
    return killed([scene.leader()])


@fault(MAJORITY)
def kill_majority(scene):
    return killed(scene.somebody(scene.majority()))


@fault(MAJORITY)
def kill_all(scene):
    return killed(scene.brokers)


def paused(brokers):
    for broker in brokers:
        broker.freeze()
    yield f"paused {names(brokers)}"
    for broker in brokers:
        if broker.frozen:
            broker.thaw()


@fault()
def pause_one(scene):
    return paused(scene.somebody())


@fault(MAJORITY)
def pause_leader(scene):
    return paused([scene.leader()])


@fault(MAJORITY)
def pause_majority(scene):
    return paused(scene.somebody(scene.majority()))


# --- power: what was written and not flushed is gone, in whole or in part

def without_power(scene, brokers):
    # Flushes that take longer: more is under way when it happens.
    for broker in brokers:
        broker.trouble.slow_syncs(scene.rng.choice([5_000, 30_000]))
    time.sleep(0.3)
    for broker in brokers:
        broker.kill()
        broker.trouble.slow_syncs()
    dropped = sum(broker.trouble.drop_unflushed(scene.rng) for broker in brokers)
    yield f"cut the power of {names(brokers)}, {dropped} writes gone"
    for broker in brokers:
        if not broker.is_running():
            broker.start()


@fault()
def power_cut_one(scene):
    return without_power(scene, scene.somebody())


@fault(MAJORITY)
def power_cut_leader(scene):
    return without_power(scene, [scene.leader()])


@fault()
def power_cut_all(scene):
    return without_power(scene, scene.brokers)


@fault(LIES)
def lying_disks(scene):
    """Nothing can survive this one: a run with it has to end in findings, or the run is worth nothing."""
    for broker in scene.brokers:
        broker.trouble.set_syncs(LYING)
    time.sleep(1.0)
    harm = without_power(scene, scene.brokers)
    yield "let all disks lie, and " + next(harm)
    for broker in scene.brokers:
        broker.trouble.set_syncs(HONEST)
    next(harm, None)


@fault(NETWORK, MAJORITY)
def cut_off_and_power_cut(scene):
    """A leader goes on alone, unheard, and loses what it had not flushed."""
    broker = scene.leader()
    ways = both_ways([broker], scene.others(broker))
    scene.network.cut(ways)
    time.sleep(1.0)
    harm = without_power(scene, [broker])
    yield "cut off and " + next(harm)
    next(harm, None)
    scene.network.clear(ways)


# --- disks

@fault(OWN_DISK)
def disk_full_one(scene):
    return with_full_disks(scene.somebody())


@fault(OWN_DISK, MAJORITY)
def disk_full_leader(scene):
    return with_full_disks([scene.leader()])


@fault(OWN_DISK, MAJORITY)
def disk_full_all(scene):
    return with_full_disks(scene.brokers)


def with_full_disks(brokers):
    for broker in brokers:
        broker.fill_disk()
    yield f"filled the disks of {names(brokers)}"
    for broker in brokers:
        broker.free_disk()
        if not broker.is_running() and broker.wanted:
            broker.start()


def with_failing_syncs(scene, broker):
    """The broker must end by itself; what it had not flushed is gone, as it may be after a failed flush."""
    was_running = broker.is_running() and not broker.frozen
    broker.trouble.set_syncs(FAILING)
    yield f"failed the flushes of {broker.number}"
    if was_running:
        try:
            until(lambda: not broker.is_running(), "the broker to end after a failed flush", 10)
        except TimeoutError:
            scene.cluster.deaths.append(f"broker {broker.number} lives on although its disk fails")
            broker.kill()
    broker.trouble.set_syncs(HONEST)
    if not broker.is_running():
        broker.trouble.drop_unflushed(scene.rng)
        broker.start()


@fault()
def fsync_error_one(scene):
    return with_failing_syncs(scene, scene.somebody()[0])


@fault(MAJORITY)
def fsync_error_leader(scene):
    return with_failing_syncs(scene, scene.leader())


def with_slow_disks(scene, brokers):
    milliseconds = scene.rng.choice([20, 200, 1000])
    for broker in brokers:
        broker.trouble.slow_syncs(milliseconds * 1000)
    yield f"made every flush of {names(brokers)} take {milliseconds} ms"
    for broker in brokers:
        broker.trouble.slow_syncs()


@fault()
def slow_disk_one(scene):
    return with_slow_disks(scene, scene.somebody())


@fault(MAJORITY)
def slow_disk_leader(scene):
    return with_slow_disks(scene, [scene.leader()])


def damaged_while_down(scene, harm):
    """An orderly stop first: everything is below the durable watermark then, and damage cannot pass for a torn tail."""
    broker = scene.brokers[scene.rotten]
    if not broker.is_running() or broker.frozen or broker.stop() is None:
        broker.kill()
        yield f"did not stop {broker.number} in order, and left its files alone"
    else:
        files = sorted(path for path in broker.data_dir.glob("topics/*/*/*.log") if path.stat().st_size > 0)
        chosen = scene.rng.sample(files, min(len(files), 3))
        yield f"{harm(scene.rng, chosen)} of {broker.number}"
    if not broker.is_running():
        broker.trouble.keep_unflushed()
        broker.start()


def flip(rng, files):
    for path in files:
        with open(path, "r+b") as file:
            size = path.stat().st_size
            for _ in range(2):
                position = rng.randrange(size)
                file.seek(position)
                byte = file.read(1)[0]
                file.seek(position)
                file.write(bytes([byte ^ 1 << rng.randrange(8)]))
    return "flipped bits in " + ", ".join(f"{path.parent.name}/{path.name}" for path in files)


def shorten(rng, files):
    for path in files:
        with open(path, "r+b") as file:
            file.truncate(rng.randrange(path.stat().st_size))
    return "truncated " + ", ".join(f"{path.parent.name}/{path.name}" for path in files)


@fault(MAJORITY)
def bit_flip(scene):
    return damaged_while_down(scene, flip)


@fault(MAJORITY)
def truncated_file(scene):
    return damaged_while_down(scene, shorten)


# --- clocks

@fault()
def clock_jump(scene):
    broker = scene.somebody()[0]
    seconds = scene.rng.choice([-60, -5, 5, 60])
    broker.trouble.move_clock(seconds)
    yield f"moved the clock of {broker.number} by {seconds} s"
    broker.trouble.move_clock(0)


@fault()
def clock_strobe(scene):
    moved = []
    for broker in scene.brokers:
        moved.append(scene.rng.randint(-60_000, 60_000) / 1000)
        broker.trouble.move_clock(moved[-1])
    yield f"moved all clocks by {moved} s"
    for broker in scene.brokers:
        broker.trouble.move_clock(0)


# --- operators

@fault(MAJORITY)
def leaders_moved(scene):
    """Leadership goes from hand to hand."""
    moved = 0
    for _ in range(6):
        to = scene.cluster.number_of(scene.somebody()[0])
        moved += to is not None and alter(scene.cluster, transfer_leader={
            "topic": scene.topic, "partition": scene.rng.randrange(scene.partitions), "to": to})
        time.sleep(0.3)
    yield f"moved leaders {moved} times"


@fault(MAJORITY, operated=True)
def one_drained(scene):
    broker = scene.somebody()[0]
    number = scene.cluster.number_of(broker)
    drained = number is not None and alter(scene.cluster, drain_broker=number)
    yield f"drained {broker.number}" if drained else "could not drain anybody"
    if drained:
        until(lambda: alter(scene.cluster, resume_broker=number), "a drained broker to be resumed")


@fault(MANY)
def replicas_moved(scene):
    """A partition goes to three brokers that are drawn."""
    partition = scene.rng.randrange(scene.partitions)
    numbers = [scene.cluster.number_of(broker) for broker in scene.somebody(3)]
    moved = None not in numbers and alter(scene.cluster, move_replicas={
        "topic": scene.topic, "partition": partition, "replicas": numbers})
    yield f"moved partition {partition} to brokers {numbers}" if moved else "could not move anything"


@fault(NETWORK, MAJORITY, operated=True)
def one_joins_and_leaves(scene):
    """A new broker takes over a replica of each partition, and is decommissioned again."""
    spare = scene.cluster.start_spare()
    number = until(lambda: scene.cluster.number_of(spare), "a new broker to be known")
    before = scene.cluster.replicas(scene.topic)
    moved = 0
    for partition, replicas in before.items():
        wanted = [number, *scene.rng.sample(replicas, len(replicas) - 1)]
        moved += alter(scene.cluster, move_replicas={"topic": scene.topic, "partition": partition, "replicas": wanted})
    yield f"let broker {number} join and moved {moved} replicas to it"
    until(lambda: alter(scene.cluster, decommission_broker=number), "a broker to be decommissioned")

    def has_nothing():
        return all(number not in replicas for replicas in scene.cluster.replicas(scene.topic).values())
    try:
        until(has_nothing, "a decommissioned broker to hold nothing")
    except TimeoutError as error:
        scene.cluster.deaths.append(str(error))
    scene.cluster.stop_spare()


# --- the network

def both_ways(some, others):
    return one_way(some, others) + one_way(others, some)


def one_way(some, others):
    return [(a.number, b.number) for a in some for b in others if a is not b]


def cut(scene, ways, what):
    scene.network.cut(ways)
    yield what
    scene.network.clear(ways)


@fault(NETWORK, MAJORITY)
def leader_cut_off(scene):
    """From the other brokers; clients still reach it."""
    leader = scene.leader()
    return cut(scene, both_ways([leader], scene.others(leader)), f"cut off {leader.number}")


@fault(NETWORK)
def leader_unreachable(scene):
    """From everybody."""
    leader = scene.leader()
    client = scene.cluster.client_host()
    ways = both_ways([leader], scene.others(leader)) + [(leader.number, client), (client, leader.number)]
    return cut(scene, ways, f"cut off {leader.number} from everybody")


@fault(NETWORK, MAJORITY)
def leader_deaf(scene):
    leader = scene.leader()
    return cut(scene, one_way(scene.others(leader), [leader]), f"made {leader.number} deaf")


@fault(NETWORK, MAJORITY)
def leader_mute(scene):
    leader = scene.leader()
    return cut(scene, one_way([leader], scene.others(leader)), f"made {leader.number} mute")


@fault(NETWORK, MAJORITY)
def bridge(scene):
    """Two halves, and one broker between them that hears both."""
    brokers = scene.somebody(len(scene.brokers))
    half = (len(brokers) - 1) // 2
    left, middle, right = brokers[:half], brokers[half], brokers[half + 1:]
    return cut(scene, both_ways(left, right), f"cut {names(left)} | {names(right)}, bridged by {middle.number}")


@fault(NETWORK, MANY)
def majority_ring(scene):
    """Everybody hears a majority, and no two the same one."""
    brokers = scene.somebody(len(scene.brokers))
    count = len(brokers)
    ways = [(a.number, b.number) for i, a in enumerate(brokers) for j, b in enumerate(brokers)
            if i != j and min((i - j) % count, (j - i) % count) > count // 4]
    return cut(scene, ways, f"cut a ring {names(brokers)}")


@fault(NETWORK, MAJORITY)
def halves(scene):
    brokers = scene.somebody(len(scene.brokers))
    some, others = brokers[:scene.majority()], brokers[scene.majority():]
    return cut(scene, both_ways(some, others), f"cut {names(some)} | {names(others)}")


def everybody(scene):
    hosts = range(scene.network.hosts + 1)
    return [(a, b) for a in hosts for b in hosts if a != b]


def shaped(scene, what, **shape):
    ways = everybody(scene)
    scene.network.shape(ways, **shape)
    yield what
    scene.network.clear(ways)


@fault(NETWORK)
def loss(scene):
    percent = scene.rng.choice([5, 20, 50])
    return shaped(scene, f"lost {percent} % of all frames", loss_ppm=percent * 10_000)


@fault(NETWORK)
def delay(scene):
    return shaped(scene, "delayed all frames by 50..150 ms", delay_ms=100, jitter_ms=50)


@fault(NETWORK)
def narrow(scene):
    return shaped(scene, "narrowed all links to 1 Mbit/s", bytes_per_s=125_000)
