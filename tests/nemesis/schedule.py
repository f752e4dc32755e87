"""When which trouble begins, and for how long: a pure function of the seed, the length and the kinds of trouble.

First every kind by itself, in random order, as far as the time reaches; then single ones and pairs, of which those that
an operator begins come first: the cluster must be able to. A quarter of the time is quiet. Who is hit is drawn when a fault begins, from the event's own number: it may depend on who leads then.
"""

import dataclasses
import random

FIRST_AT_S = 3.0
QUIET = 0.25  # of the time
PAIRS = 0.4  # of what comes after each kind was had once
SECONDS = (1.5, 5.0)  # how long a fault lasts
LONG, LONG_FACTOR = 1 / 8, 3  # one in eight of the later ones, three times as long
PAUSE_S = (0.5, 2.5)  # between the end of one and the begin of the next
MARGIN_S = 3.0  # at the end, without a fault


@dataclasses.dataclass(frozen=True)
class Event:
    at: float  # seconds from the begin of the run
    kind: str
    seconds: float
    draw: int  # seed of what is drawn when it begins

    def __str__(self):
        return f"{self.at:6.1f} s  {self.kind} for {self.seconds:.1f} s (draw {self.draw})"


def schedule(seed, seconds, kinds, operated=frozenset()):
    rng = random.Random(f"schedule {seed}")
    once = sorted(kinds)
    rng.shuffle(once)
    events, at = [], FIRST_AT_S
    while kinds:
        lasts = rng.uniform(*SECONDS)
        if at + lasts + MARGIN_S > seconds:
            return events
        if not once and rng.random() < LONG:
            lasts = min(lasts * LONG_FACTOR, max(lasts, seconds - MARGIN_S - at))
        count = 2 if len(kinds) > 1 and rng.random() < PAIRS else 1
        chosen = [once.pop()] if once else sorted(rng.sample(sorted(kinds), count), key=lambda kind: kind not in operated)
        for n, kind in enumerate(chosen):
            begin = at + n * rng.uniform(0, lasts / 2)
            events.append(Event(round(begin, 2), kind, round(lasts - (begin - at), 2), rng.randrange(2**32)))
        pause = rng.uniform(*PAUSE_S)
        # Quiet periods beside the short pauses, so that QUIET of all the time is without a fault.
        quiet = max(0.0, QUIET / (1 - QUIET) * lasts - pause)
        at += lasts + pause + rng.uniform(0, 2 * quiet)
    return events
