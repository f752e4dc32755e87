"""One round: a fresh cluster lives through a schedule of faults while clients write and read, heals, and is judged."""

import collections
import contextlib
import json
import pathlib
import random
import shutil
import time

import history
import segments
from checker import judge
from clients import DRAIN_S, PARTITIONS, SEGMENT_BYTES, TOPIC, Clients, create_topic, until_slowly
from cluster import Cluster
from fault import FAULTS, Scene
from group_checker import judge_group
from members import GROUP, Members
from short_lived import ShortLived

LATE_S = 2.0  # a fault that cannot begin in time is left out: a crowd of faults is no schedule
HEAL_S = 60  # until every partition takes records again
AFTERWARDS_S = 3.0  # writing and reading in peace
LEVEL_S = 60


class Round:
    def __init__(self, folder, seed, brokers, events, rate, say):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.seed = seed
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
        clients = Clients(cluster, self.folder)
        self.members = Members(cluster, self.folder, TOPIC, self.seed)
        self.short_lived = ShortLived(cluster, self.folder)
        try:
            cluster.start()
            create_topic(cluster, TOPIC, PARTITIONS, f"segment_bytes={SEGMENT_BYTES}")
            clients.start(self.rate)
            self.members.start()
            self.short_lived.start()
            self._live(seconds)
            self._heal(clients)
            return self._verdict(clients)
        finally:
            clients.kill()
            self.members.kill()
            self.short_lived.kill()
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
            self.members.step()
            time.sleep(0.05)
        for entry in sorted(active, key=lambda entry: FAULTS[entry[1].kind].operated):
            self._end(*entry[1:])

    def _begin(self, event, begun):
        scene = Scene(self.cluster, TOPIC, PARTITIONS, GROUP, random.Random(event.draw), self.rotten)
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
        self.members.settle()
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
        self.short_lived.stop_writing()

    def _verdict(self, clients):
        past = clients.whole_history(self.healed_at)
        of_group = self._verdict_on_group(past.sends)
        *of_slow_readers, problems = self.short_lived.verdict()
        self.problems += problems
        self.cluster.look_after()
        differing, behind = self._compare_replicas(past.final)
        self.problems += self.cluster.stop()
        figures, findings = judge(past)
        for more_figures, more_findings in (of_group, of_slow_readers):
            figures |= more_figures
            findings |= more_findings
        findings |= {name: texts for name, texts in
                     (("divergent", differing), ("behind", behind), ("deaths", self.cluster.deaths),
                      ("problems", self.problems)) if texts}
        figures |= {"divergent": len(differing), "behind": len(behind), "deaths": len(self.cluster.deaths),
                    "problems": len(self.problems), "recovery_ms": round(1000 * self._longest_recovery(past.sends))}
        return figures, findings

    def _verdict_on_group(self, sends):
        """Once nobody writes any more: the group reads up to the end, and its members go."""
        acknowledged = collections.defaultdict(list)
        for send in sends:
            if send.outcome == history.OK:
                acknowledged[send.partition].append(send.offset)
        ends = {p: max(offsets) + 1 for p, offsets in acknowledged.items()}
        try:
            until_slowly(lambda: self.members.have_committed(ends), "the group to commit everything", DRAIN_S)
            past = self.members.end(PARTITIONS, until_slowly)
        except TimeoutError as error:
            self.problems.append(f"after healing: {error}")
            past = self.members.history()
        self.problems += self.members.deaths()
        return judge_group(past, acknowledged)

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
