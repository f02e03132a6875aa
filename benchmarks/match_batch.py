"""A table of persons sorted into persons: our batch against Splink's on the same rows, end to end (read, train, score, cluster).

    python -m venv peers && peers/bin/pip install 'splink>=5,<6' 'duckdb>=1.4,<3'
    python benchmarks/match_batch.py [--peer peers/bin/python] [--rows 1000000]

A fifth of the rows is another telling of somebody: one to three fields misspelt, changed or empty. Each side runs in a process of its own;
printed are processor time of the process (what a busy machine does not distort), wall clock, their ratios, and precision and recall
over pairs. Splink is set up in `splink_batch.py` with the same fields, likenesses of the same kind, and the same number of pairs for u.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from match_realtime import Town

SIDE = Path(__file__).with_name("splink_batch.py")
OURS = """
import sys
from pathlib import Path
from trivet.wiring.linking import deduplicate_file
deduplicate_file(Path(sys.argv[1]), {}, Path(sys.argv[2]))
"""
HEADER = ("person", "given_name", "surname", "dob", "sex", "street", "zip", "phone")


def slip(value: str, rng: random.Random) -> str:
    """A letter lost or changed."""
    if len(value) < 2:
        return value
    place = rng.randrange(len(value))
    return value[:place] + rng.choice(("", rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))) + value[place + 1 :]


def table(rows: int, path: Path) -> list[int]:
    """Write the table; gives the true person of each row."""
    town, rng = Town(11), random.Random(12)
    made: list[list[Any]] = []
    for number in range(rows * 4 // 5):
        one = town.person(number)
        street, _, place = one.addresses[0].partition("|")
        made.append([number, one.names[0].given, one.names[0].family, one.birth, one.sex, street, place, one.telephones[0]])
    for number in rng.sample(range(len(made)), rows - len(made)):
        told = list(made[number])
        for _ in range(rng.choice((1, 1, 2, 3))):
            field = rng.randrange(6)
            if field in (0, 1, 2):
                place = (1, 2, 5)[field]
                told[place] = slip(told[place], rng)
            elif field == 3:
                told[3] = f"{told[3][:8]}{rng.randrange(1, 29):02d}"
            elif field == 4:
                told[7] = f"{rng.randrange(200, 999)}{rng.randrange(10**7):07d}"
            else:
                told[rng.choice((2, 5, 7))] = ""
        made.append(told)
    rng.shuffle(made)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(made)
    return [row[0] for row in made]


def timed(command: Sequence[str]) -> dict[str, Any]:
    """Processor seconds and wall seconds of a process; what it said when it failed."""
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = {
        "cpu_s": round(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, 1),
        "wall_s": round(time.perf_counter() - began, 1),
    }
    return said if not done.returncode else {"failed": (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]}


def quality(truth: Sequence[int], found: Iterable[str]) -> dict[str, float]:
    """Precision, recall and F1 over pairs."""
    groups = list(found)
    both, said, true = (
        sum(n * (n - 1) // 2 for n in Counter(held).values()) for held in (list(zip(truth, groups, strict=True)), groups, list(truth))
    )
    return {"precision": round(both / max(1, said), 5), "recall": round(both / true, 5), "f1": round(2 * both / (said + true), 5)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--peer", default=os.environ.get("TRIVET_PEER_SPLINK", "peers/bin/python"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    said: dict[str, Any] = {"rows": given.rows}
    with tempfile.TemporaryDirectory() as temporary:
        path, ours, theirs = (Path(temporary) / name for name in ("persons.csv", "ours.csv", "theirs.csv"))
        truth = table(given.rows, path)
        said["ours"] = timed([sys.executable, "-c", OURS, str(path), str(ours)])
        if ours.is_file():
            with ours.open(newline="") as file:
                said["ours"] |= quality(truth, [row["cluster"] for row in csv.DictReader(file)])
        if not Path(given.peer).is_file():
            said["splink"] = {"missing": f"no {given.peer}; the head of this file says how to make it"}
        else:
            said["splink"] = timed([given.peer, str(SIDE), str(path), str(theirs)])
            if theirs.is_file():
                with theirs.open(newline="") as file:
                    said["splink"] |= quality(truth, [row["cluster_id"] for row in csv.DictReader(file)])
                said["ours_over_splink"] = {unit: round(said["ours"][unit] / said["splink"][unit], 2) for unit in ("cpu_s", "wall_s")}
    print(json.dumps(said, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
