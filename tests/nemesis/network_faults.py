"""Trouble of the network: who hears whom."""

from fault import MAJORITY, MANY, NETWORK, fault, names


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


# --- answers: what clients asked for is done, and they do not hear of it and ask again

def to_clients(scene, broker):
    return [(broker.number, scene.cluster.client_host())]


@fault(NETWORK)
def leader_unheard(scene):
    """Requests reach it, no answer gets back."""
    leader = scene.leader()
    return cut(scene, to_clients(scene, leader), f"let no client hear {leader.number}")
