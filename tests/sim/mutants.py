#!/usr/bin/env python3
"""Wakes the known bugs of base/mutant.h one at a time and counts the lives until the simulator dies of each.

    cmake --preset dev -B build/mutants -DPENSTOCK_MUTANT=-1
    cmake --build build/mutants --target penstock-sim
    tests/sim/mutants.py --build_dir=build/mutants

A survivor means that the simulator is too weak, not that the mutant is.
"""

import argparse
import concurrent.futures
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTANT = re.compile(r"^  k(\w+) = (\d+),", re.M)
VIOLATION = re.compile(r"^  ([a-z-]+): (.*)$", re.M)
LIVED = re.compile(r"^SIM seeds=(\d+)", re.M)
DIED = re.compile(r"^died in life (\d+)", re.M)


def mutants():
    found = MUTANT.findall((ROOT / "base" / "mutant.h").read_text())
    return [(int(number), name) for name, number in found if int(number) > 0]


def hunt(binary, number, first_seed, seeds):
    """Lives until the first violation, and who noticed; no number when none did."""
    done = subprocess.run([binary, f"--mutant={number}", f"--first_seed={first_seed}", f"--seeds={seeds}",
                           "--max_failures=1"], capture_output=True, text=True)
    if died := DIED.search(done.stderr):
        why = next((line for line in done.stderr.splitlines() if "died in life" not in line), "")
        return int(died[1]), "assertion", why
    if done.returncode == 0:
        return None, "", ""
    violation = VIOLATION.search(done.stdout)
    lived = LIVED.search(done.stdout)
    if not violation or not lived:
        sys.exit(f"mutant {number}: {done.stdout}{done.stderr}")
    return int(lived[1]), violation[1], violation[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build_dir", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=2000, help="lives before a mutant counts as survivor")
    parser.add_argument("--first_seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of mutants")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    binary = args.build_dir / "bin" / "penstock-sim"
    chosen = [m for m in mutants() if not args.only or m[0] in args.only]
    killed = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        hunts = [(m, pool.submit(hunt, binary, m[0], args.first_seed, args.seeds)) for m in chosen]
        for (number, name), result in hunts:
            lives, invariant, why = result.result()
            if lives is None:
                print(f"{number:3} {name:24} SURVIVED {args.seeds} lives", flush=True)
            else:
                killed.append(lives)
                print(f"{number:3} {name:24} {lives:6} {invariant:18} {why[:110]}", flush=True)
    median = statistics.median(killed) if killed else 0
    print(f"MUTANTS total={len(chosen)} killed={len(killed)} median_seeds_to_kill={median:g}")
    return 0 if len(killed) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
