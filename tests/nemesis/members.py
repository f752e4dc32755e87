"""The members of a consumer group during a round: they come, leave in order, are killed, are stopped for longer than
their sessions last, or process one record for too long. Who does what, and when, is drawn from the round's seed."""

import dataclasses
import pathlib
import random
import signal
import subprocess
import time

from clients import start_client
from group_history import OK, GroupHistory, add_member

GROUP = "nemesis-group"
AT_FIRST, MOST = 3, 5  # more than there are partitions: some wait
NOBODY = "-"  # a member that is not static
INSTANCES = ("static-0", "static-1")  # names of static ones, which come again, and at times twice
PAUSE_S = (0.3, 2.5)  # between what happens to members
STOPPED_S = (0.5, 8.0)  # sessions end in some of these, and last through others
LEAVING_S = 60


@dataclasses.dataclass
class Member:
    name: str
    instance: str
    path: pathlib.Path
    process: subprocess.Popen
    thaw_at: float = None  # of a stopped one
    expected: int = None  # how it is to end; None: not at all


class Members:
    def __init__(self, cluster, folder, topic, seed):
        self.cluster = cluster
        self.folder = folder
        self.topic = topic
        self.rng = random.Random(f"members {seed}")
        self.all = []
        self.next_at = 0.0

    def start(self):
        for _ in range(AT_FIRST):
            self._join()

    def step(self):
        """What is due now."""
        now = time.monotonic()
        for member in self.all:
            if member.thaw_at is not None and member.thaw_at <= now:
                self._thaw(member)
        if now < self.next_at:
            return
        self.next_at = now + self.rng.uniform(*PAUSE_S)
        awake = [member for member in self._wanted() if member.thaw_at is None]
        happens = self.rng.choice([None, None, self._leave, self._crash, self._freeze, self._dawdle])
        if happens and len(awake) > 1:
            happens(self.rng.choice(awake))
        elif len(self._wanted()) < MOST:
            self._join()

    def settle(self):
        """Nothing happens to them any more, and somebody is there."""
        for member in self.all:
            if member.thaw_at is not None:
                self._thaw(member)
        if not self._wanted():
            self._join()

    def end(self, partitions, until):
        """All leave; then one comes and sees where the group stands. `until` waits for a condition."""
        for member in self._wanted():
            self._leave(member)
        for member in self.all:
            member.process.wait(LEAVING_S)
        last = self._join(NOBODY)

        def all_are_its_own():
            return len(self._history_of([last]).tenures) == partitions
        try:
            until(all_are_its_own, "a new member to get all partitions", LEAVING_S)
        finally:
            self._leave(last)
            last.process.wait(LEAVING_S)
        past = self._history_of(self.all[:-1])
        past.final = {tenure.partition: tenure.start for tenure in self._history_of([last]).tenures}
        return past

    def kill(self):
        for member in self.all:
            member.process.kill()

    def history(self):
        return self._history_of(self.all)

    def have_committed(self, ends):
        """Whether a commit of each of these positions, by partition, was acknowledged."""
        committed = dict.fromkeys(ends, 0)
        for commit in self.history().commits:
            if commit.outcome == OK:
                committed |= {p: max(offset, committed.get(p, 0)) for p, offset in commit.positions.items()}
        return all(committed[p] >= end for p, end in ends.items())

    def deaths(self):
        """Sentences about those that ended as they should not."""
        return [f"member {member.name} ended with {status}" for member in self.all
                if (status := member.process.poll()) is not None and status != member.expected]

    # --- what happens to them

    def _wanted(self):
        return [member for member in self.all if member.expected is None]

    def _join(self, instance=None):
        name = f"m{len(self.all)}"
        path = self.folder / f"member-{name}.jsonl"
        path.touch()
        instance = instance or self.rng.choice([NOBODY, *INSTANCES])
        process = start_client(self.cluster, self.folder, "penstock-history-member", self.topic, GROUP, name, instance,
                               path)
        self.all.append(Member(name, instance, path, process))
        return self.all[-1]

    @staticmethod
    def _leave(member):
        member.expected = 0
        member.process.send_signal(signal.SIGTERM)

    def _crash(self, member):
        member.expected = -signal.SIGKILL
        member.process.kill()
        # At once, or later, or never: within its session, or behind it.
        if self.rng.random() < 0.5:
            self._join(member.instance)

    def _freeze(self, member):
        member.process.send_signal(signal.SIGSTOP)
        member.thaw_at = time.monotonic() + self.rng.uniform(*STOPPED_S)

    @staticmethod
    def _thaw(member):
        member.process.send_signal(signal.SIGCONT)
        member.thaw_at = None

    @staticmethod
    def _dawdle(member):
        if member.path.exists():  # before that the signal would end it
            member.process.send_signal(signal.SIGUSR1)

    @staticmethod
    def _history_of(members):
        past = GroupHistory()
        for member in members:
            add_member(past, member.path, member.name)
        return past
