"""What a kind of trouble is: a fault begins and ends; in between the cluster has to live with it.

Each is a generator function over a `Scene`: it does its harm, yields once with a sentence about what it did, and takes
it back. What a fault finds already broken by another one it leaves alone.
"""

import collections
import dataclasses
import random

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
    group: str  # that reads the topic
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
        """Who leads a partition or coordinates the group, drawn; somebody when nobody is known to."""
        drawn = self.rng.randrange(self.partitions + 1)
        found = (self.cluster.leader_of(self.topic, drawn) if drawn < self.partitions else
                 self.cluster.coordinator_of(self.group))
        return found or self.somebody()[0]

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
