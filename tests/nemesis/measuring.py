"""What the scripts share that measure one thing about a cluster: leader_kill, follower_behind."""

import pathlib
import shutil
import tempfile
import time

LIMIT_S = 60


def until_some(ask, what, pause_s=0.1, limit_s=LIMIT_S):
    """Asks until the answer is not None, and returns that."""
    end = time.monotonic() + limit_s
    while (value := ask()) is None:
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit_s} s for {what}")
        time.sleep(pause_s)
    return value


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def tell(findings, problems):
    """What a person wants to read before the figures."""
    for rule, texts in findings.items():
        print(f"BROKEN {rule}: {len(texts)}, for example: {texts[0]}")
    print("".join(f"{problem}\n" for problem in problems), end="")


def run_in_folder(name, measure, parent=None):
    """measure(folder): did it go well? Then the folder is removed; otherwise it is kept, and named."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"penstock-{name}-", dir=parent))
    good = False
    try:
        good = measure(folder)
    finally:
        if good:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"histories and logs: {folder}")
    return good
