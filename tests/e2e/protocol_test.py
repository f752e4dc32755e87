"""A client in another language against the real penstockd: what the protocol promises, and what hostile bytes do.

The client (penstock_wire.py, penstock_batch.py) is written from docs/protocol.md alone. Behind every case the broker
still serves a connection that was there all the time; in the end the log holds exactly what was acknowledged.

Usage: protocol_test.py [--seed=S] [--only=TEXT]
Prints: PROTOCOL cases=… failed=0 acknowledged=…
"""

import argparse
import random
import sys
import traceback

import protocol_bad_batches  # noqa: F401  importing them registers their cases
import protocol_hostile  # noqa: F401
import protocol_promises  # noqa: F401
from harness import Broker, scratch_dir
from protocol_ending import drain, leader_epochs, start_silent_peers, silent_peers_are_closed
from protocol_scene import CASES, Scene, expect


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--only", default="", help="run the cases with this text in their titles")
    options = parser.parse_args()
    print(f"seed={options.seed}", flush=True)
    failed = 0
    ran = 0

    def run(title, function, *arguments):
        nonlocal failed, ran
        ran += 1
        try:
            function(*arguments)
        except Exception:  # whatever a case meets is its failure, and the others go on
            failed += 1
            print(f"FAILED {title}\n{traceback.format_exc(limit=-4)}", file=sys.stderr, flush=True)

    with scratch_dir() as scratch:
        broker = Broker(scratch / "data").start()
        scene = Scene(broker, options.seed)
        silent = start_silent_peers(scene)
        for title, function in CASES:
            if options.only in title:
                run(title, lambda: (function(scene), scene.still_healthy()))
        run("peers that fall silent are closed", silent_peers_are_closed, scene, silent)
        run("what was acknowledged is what is read", scene.read_back)
        run("SIGTERM answers what is under way and ends with 0", drain, scene)
        broker.start()
        scene.client = scene.connect()
        run("leader epochs fence what they shall", leader_epochs, scene)
        run("what was acknowledged is what is read after a restart", scene.read_back)
        run("the broker ends with 0", lambda: expect(broker.stop(), 0, "exit status"))
    acknowledged = sum(len(place) for place in scene.ledger.values())
    print(f"PROTOCOL cases={ran} failed={failed} acknowledged={acknowledged}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
