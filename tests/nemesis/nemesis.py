"""Real brokers under real faults: what clients were told must be what they find. docs/testing.md, "Nemesis".

Prints: NEMESIS minutes=… seed=… brokers=… faults=… sent=… acknowledged=… lost=0 …
"""

import argparse
import collections
import hashlib
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import faults  # noqa: E402, F401  every kind of them
from checker import RULES  # noqa: E402
from fault import FAULTS, LIES, available, operated  # noqa: E402
from group_checker import GROUP_RULES  # noqa: E402
from network import Loopback, SwitchedNetwork, enter_sandbox  # noqa: E402
from retention_checker import RETENTION_RULES  # noqa: E402
from round import Round  # noqa: E402
from schedule import schedule  # noqa: E402

ROUND_MINUTES = 5.0  # longer runs are several rounds, each with a cluster of its own
MUST_BE_ZERO = ("lost", "dup", "inconsistent", "vanished", "phantom", "aborted", "unseen", "skipped", "stale", "nonmono",
                "divergent", "behind", "deaths", "problems", *GROUP_RULES, *RETENTION_RULES)
LONGEST = ("max_silence_ms", "recovery_ms")  # of all rounds


def options_from(arguments):
    parser = argparse.ArgumentParser(prog="run", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--brokers", type=int, default=3, choices=(1, 3, 5))
    parser.add_argument("--faults", default="", help="a,b,...: only these kinds; -a,-b,...: all but these")
    parser.add_argument("--rate", type=float, default=1000, help="records a second")
    parser.add_argument("--keep", default="", help="folder for what a failed run leaves; default: a new one in TMPDIR")
    parser.add_argument("--expect_findings", action="store_true", help="fail unless records were seen to be lost")
    parser.add_argument("--plan", action="store_true", help="print the schedule and do nothing")
    return parser.parse_args(arguments)


def needs_only_a_name(kind):
    return kind in FAULTS and FAULTS[kind].needs == {LIES}


def chosen_kinds(text, kinds):
    named = [word for word in text.split(",") if word]
    unknown = [word for word in named if word.lstrip("-") not in kinds and not needs_only_a_name(word)]
    if unknown:
        sys.exit(f"no such fault here: {', '.join(unknown)}; there are: {', '.join(kinds)}")
    if named and named[0].startswith("-"):
        return [kind for kind in kinds if f"-{kind}" not in named]
    return named or kinds


def lengths_of_rounds(minutes):
    full = int(minutes // ROUND_MINUTES)
    rest = minutes - full * ROUND_MINUTES
    return [ROUND_MINUTES * 60] * full + ([rest * 60] if rest > 0.05 else [])


def say(text):
    print(text, flush=True)


def main():
    options = options_from(sys.argv[1:])
    if "--seed" not in " ".join(sys.argv):
        sys.argv.append(f"--seed={options.seed}")  # the process in the sandbox draws no other one
    sandboxed = enter_sandbox()
    network_of = SwitchedNetwork if sandboxed else Loopback
    kinds, missing = available(network_of, options.brokers)
    kinds = chosen_kinds(options.faults, kinds)
    say(f"seed={options.seed}")
    for kind, needs in missing.items():
        say(f"left out {kind}: it needs {' and '.join(needs)}")
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="penstock-nemesis-")).absolute()

    total, begun, failed = collections.Counter(), 0, False
    network = network_of(options.brokers + 1)  # and one that comes and goes
    try:
        for number, seconds in enumerate(lengths_of_rounds(options.minutes)):
            seed = f"{options.seed}.{number}"
            events = schedule(seed, seconds, kinds, operated())
            if options.plan:
                say("\n".join(map(str, events)))
                continue
            this = Round(folder / f"round{number}", seed, options.brokers, events, options.rate, say)
            try:
                figures, findings = this.run(network, seconds)
            except BaseException:
                this.keep({"problems": ["the run itself broke"]})
                raise
            begun += len(this.done)
            total = collections.Counter({key: max(total[key], value) if key in LONGEST else total[key] + value
                                         for key, value in figures.items()})
            if findings:
                failed = True
                if not options.expect_findings:
                    this.keep(findings)
                tell(findings, this.folder)
            else:
                shutil.rmtree(this.folder, ignore_errors=True)
    finally:
        network.close()
    if options.plan:
        return 0
    print(f"NEMESIS minutes={options.minutes:g} seed={options.seed} brokers={options.brokers} "
          f"kinds={len(kinds)} faults={begun} " + " ".join(f"{key}={value}" for key, value in total.items()))
    assert set(MUST_BE_ZERO) <= set(total), "every figure that must be zero is one"
    if options.expect_findings:
        shutil.rmtree(folder, ignore_errors=True)
        return 0 if total["lost"] > 0 and total["vanished"] > 0 else 1
    failed = failed or any(total[key] for key in MUST_BE_ZERO) or total["acknowledged"] == 0
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def tell(findings, folder):
    rules = RULES | GROUP_RULES | RETENTION_RULES
    for rule, texts in findings.items():
        meaning = f" ({rules[rule].__doc__})" if rule in rules else ""
        say(f"BROKEN {rule}{meaning}: {len(texts)}")
        for text in texts[:5]:
            say(f"  {text}")
    say(f"histories, logs and data: {folder}")


if __name__ == "__main__":
    sys.exit(main())
