"""The kinds of trouble: fault.py says what one is. Those of the network alone are in network_faults.py."""

import time

from fault import LIES, MAJORITY, MANY, NETWORK, OWN_DISK, fault, names
from harness import until
from network_faults import both_ways, to_clients
from operators import alter
from trouble import FAILING, HONEST, LYING


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


@fault(NETWORK)
def killed_before_reply(scene):
    leader = scene.leader()
    ways = to_clients(scene, leader)
    scene.network.cut(ways)
    time.sleep(scene.rng.uniform(0.05, 1.0))
    harm = killed([leader])
    yield f"let no client hear {leader.number} and " + next(harm)
    scene.network.clear(ways)
    next(harm, None)


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
    scene.cluster.start_spare()
    number = until(scene.cluster.new_number_of_spare, "a new broker to be known")
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
