"""The part of tools/demo --groups: three consumers share the flights, one is killed, one is added.

Shows the group while it works, and proves from what the consumers printed that nothing was missed and that nothing
was printed again after it was committed. Arguments: the penstock binary, a scratch folder, the file of flights.
"""

import collections
import json
import pathlib
import signal
import subprocess
import sys
import time

PENSTOCK, SCRATCH, FLIGHTS = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
TOPIC, GROUP, PARTITIONS, RATE, PATIENCE_S = "flights", "board", 6, 700, 120


def penstock(*words):
    return subprocess.run([PENSTOCK, *words], capture_output=True, check=True, text=True).stdout


class Member:
    def __init__(self, name):
        self.name = name
        self.output = SCRATCH / f"member-{name}"
        self.process = subprocess.Popen(
            [PENSTOCK, "consume", TOPIC, f"--group={GROUP}", "-f", "%p/%o\\n"], stdout=self.output.open("wb"))

    def printed(self):
        """What it wrote out in whole lines."""
        lines = self.output.read_text().split("\n")
        return [tuple(map(int, line.split("/"))) for line in lines[:-1]]

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()


def group():
    return json.loads(penstock("group", "describe", GROUP, "--json"))[0]


def show(what):
    text = f"\033[1m{what}\033[0m\n{penstock('group', 'describe', GROUP)}"
    if sys.stdout.isatty():
        text = "\033[H\033[2J" + text
    print(text, flush=True)


def until(what, condition):
    end = time.monotonic() + PATIENCE_S
    shown = 0
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"demo: in vain for {PATIENCE_S} s: {what}")
        if time.monotonic() - shown > 1:
            show(what)
            shown = time.monotonic()
        time.sleep(0.1)


def shared_by(count):
    described = group()
    return len(described["members"]) == count and described["state"] == "stable"


def main():
    penstock("topic", "create", TOPIC, f"--partitions={PARTITIONS}")
    flights = sum(1 for line in open(FLIGHTS, "rb") if line.strip())
    members = [Member(name) for name in "abc"]
    time.sleep(1)  # the group begins with its first member
    until("three consumers find their shares", lambda: shared_by(3))
    producing = subprocess.Popen([PENSTOCK, "produce", TOPIC, FLIGHTS, "--format=ndjson", "--key_field=origin",
                                  f"--rate={RATE}"], stdout=subprocess.DEVNULL)
    until("20,000 flights come in, 700 a second", lambda: len(members[1].printed()) > 1000)
    committed = {p["partition"]: p["position"] or 0 for p in group()["partitions"]}
    members[1].end(signal.SIGKILL)
    until("consumer b was killed (kill -9); its session ends, others take over", lambda: shared_by(2))
    members.append(Member("d"))
    until("consumer d was added", lambda: shared_by(3))
    until("the rest comes in", lambda: producing.poll() is not None)
    until("the lag falls to zero", lambda: group()["lag_records"] == 0)
    show("everything is read and committed")
    for member in members:
        if member.process.poll() is None:
            member.end(signal.SIGINT)

    times = collections.Counter()
    for member in members:
        times.update(member.printed())
    again = [one for one, count in times.items() if count > 1]
    # Only what the killed one had printed and not committed yet may come again.
    of_killed = set(members[1].printed())
    after_commit = [(p, o) for p, o in again if o < committed[p] or (p, o) not in of_killed]
    missed = flights - len(times)
    print(f"GROUPS records={flights} missed={missed} again_after_commit={len(after_commit)} "
          f"again_uncommitted={len(again) - len(after_commit)}")
    sys.exit(0 if missed == 0 and not after_commit else 1)


main()
