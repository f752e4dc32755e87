"""penstock group and consume --group against a real broker."""

import json
import signal
import subprocess
import unittest

from command_line import BIN, FAILED, USAGE, WithBroker, until


class GroupTest(WithBroker):
    def produce(self, topic, first, last, partitions):
        """The numbers, dealt out to all partitions."""
        for partition in range(partitions):
            lines = "".join(f"{i}\n" for i in range(first, last) if i % partitions == partition)
            self.run_cli("produce", topic, f"--partition={partition}", input=lines.encode())

    def read(self, topic, group, count):
        """Values that a member of the group prints until it has so many."""
        return [int(v) for v in self.run_cli("consume", topic, f"--group={group}", f"--count={count}")[0].split()]

    def describe(self, group):
        return json.loads(self.run_cli("group", "describe", group, "--json")[0])[0]

    def positions(self, group):
        return {p["partition"]: p["position"] for p in self.describe(group)["partitions"]}

    def members(self, topic, group, count):
        """Processes that share the topic, once each has its part."""
        processes = [
            subprocess.Popen([BIN / "penstock", "consume", topic, f"--group={group}", "-f", "%p/%o\\n",
                              f"--bootstrap={self.broker.address}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(count)
        ]
        until(lambda: self.is_shared(group, count), f"{count} members share")
        return processes

    def is_shared(self, group, count):
        out = self.broker.cli("group", "describe", group, "--json", check=False).stdout
        if not out:
            return False
        described = json.loads(out)[0]
        return len(described["members"]) == count and described["state"] == "stable"

    def test_a_group_goes_on_where_it_was(self):
        topic = self.topic(partitions=3)
        self.produce(topic, 0, 30, 3)
        self.assertEqual(sorted(self.read(topic, "goes-on", 30)), list(range(30)))
        self.produce(topic, 30, 40, 3)
        described = self.describe("goes-on")
        self.assertEqual((described["state"], described["lag_records"]), ("empty", 10))
        for partition in described["partitions"]:
            behind = partition["lag_records"] > 0
            self.assertEqual(partition["lag_bytes_about"] > 0, behind)
            self.assertEqual(partition["lag_seconds"] > 0, behind)
        self.assertEqual(sorted(self.read(topic, "goes-on", 10)), list(range(30, 40)))
        self.assertEqual(self.describe("goes-on")["lag_records"], 0)

    def test_what_people_see(self):
        topic = self.topic(partitions=2)
        self.produce(topic, 0, 10, 2)
        self.read(topic, "people", 10)
        self.produce(topic, 10, 1510, 2)
        self.assertRegex(self.run_cli("group", "list")[0], r"GROUP +MEMBERS +POSITIONS +STATE\n(.*\n)*people +0 +\d +empty")
        text = self.run_cli("group", "describe", "people")[0]
        self.assertRegex(text, r"group people  empty  0 members  lag 1,500 records  balanced-sticky  coordinator 1")
        self.assertRegex(text, r"TOPIC +PARTITION +POSITION +END +LAG +BYTES +TIME +OWNER +LAST COMMIT")
        self.assertEqual(self.run_cli("group", "explain", "people")[0], "nobody reads: the group has no members\n")
        topics = self.run_cli("topic", "list")[0]
        self.assertNotIn("__consumer_offsets", topics)
        self.assertIn("__consumer_offsets", self.run_cli("topic", "list", "--all")[0])

    def test_positions_are_reset(self):
        topic = self.topic(partitions=2)
        self.produce(topic, 0, 20, 2)
        self.read(topic, "reset", 20)
        before = self.positions("reset")

        def reset(*words, group="reset"):
            return json.loads(self.run_cli("group", "reset", group, "--json", *words)[0])

        planned = reset("--to_beginning", "--dry_run")
        self.assertFalse(planned["done"])
        self.assertEqual({p["partition"]: (p["before"], p["after"]) for p in planned["positions"]},
                         {number: (at, 0) for number, at in before.items()})
        self.assertEqual(self.positions("reset"), before)
        self.assertTrue(reset("--to_beginning")["done"])
        self.assertEqual(set(self.positions("reset").values()), {0})
        reset("--to_time=-1h", f"--topic={topic}/0")  # everything is younger
        self.assertEqual(self.positions("reset")[0], 0)
        reset("--to_time=now")
        self.assertEqual(self.positions("reset"), before)
        reset(f"--topic={topic}/1", "--to_offset=3")
        self.assertEqual(self.positions("reset"), {0: before[0], 1: 3})
        reset("--to_offset=1000000")
        self.assertEqual(self.positions("reset"), before, "no further than what is there")

        self.produce(topic, 20, 30, 2)
        self.read(topic, "other", 30)
        reset("--to_group=reset", group="other")
        self.assertEqual(self.positions("other"), before)
        table, err = self.run_cli("group", "reset", "other", "--to_end", "--dry_run")
        self.assertRegex(table, r"TOPIC +PARTITION +BEFORE +AFTER +MOVES\n")
        self.assertIn("a dry run", err)

    def test_members_share_and_nothing_is_reset_meanwhile(self):
        topic = self.topic(partitions=4)
        processes = self.members(topic, "shared", 2)
        self.produce(topic, 0, 100, 4)
        until(lambda: self.describe("shared")["lag_records"] == 0, "all is read")
        self.assertIn("GroupNotEmpty", self.run_cli("group", "reset", "shared", "--to_end", expect=FAILED)[1])
        self.assertIn("GroupNotEmpty", self.run_cli("group", "delete", "shared", expect=FAILED)[1])
        self.assertIn("everything is read", self.run_cli("group", "explain", "shared")[0])
        processes[0].send_signal(signal.SIGKILL)
        processes[0].communicate()
        until(lambda: self.is_shared("shared", 1), "the dead one's part is taken over")
        self.produce(topic, 100, 200, 4)
        until(lambda: self.describe("shared")["lag_records"] == 0, "all is read")
        processes[1].send_signal(signal.SIGINT)
        processes[1].communicate()
        self.assertEqual(self.describe("shared")["members"], [], "who is interrupted leaves")
        self.assertEqual(self.run_cli("group", "delete", "shared")[0], "deleted group 'shared' with its positions\n")
        self.run_cli("group", "describe", "shared", expect=FAILED)

    def test_what_cannot_be_is_said(self):
        self.assertIn("UnknownGroup", self.run_cli("group", "describe", "nobody", expect=FAILED)[1])
        self.assertIn("UnknownGroup", self.run_cli("group", "explain", "nobody", expect=FAILED)[1])
        self.assertIn("UnknownGroup", self.run_cli("group", "delete", "nobody", expect=FAILED)[1])
        self.assertIn("say where to", self.run_cli("group", "reset", "nobody", expect=USAGE)[1])
        self.assertIn("say where to", self.run_cli("group", "reset", "nobody", "--to_end", "--to_offset=1", expect=USAGE)[1])
        topic = self.topic()
        self.assertIn("--partition", self.run_cli("consume", topic, "--group=g", "--partition=0", expect=USAGE)[1])
        self.assertIn("name of a group", self.run_cli("consume", topic, "--group=a b", "--count=1", expect=USAGE)[1])
        self.assertIn("internal", self.run_cli("produce", "__consumer_offsets", input=b"x\n", expect=FAILED)[1])


if __name__ == "__main__":
    unittest.main()
