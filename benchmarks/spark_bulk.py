"""Bulk work on Spark against the same work here, in the same run: digests, times, and one core against two.

    make spark
    python benchmarks/spark_bulk.py PATIENTS [--days 30] [--views us-core-observation-lab,us-core-condition]

The sample hospital's deliveries of PATIENTS people over some days are translated by the pool (two processes) and by Spark on one and on two
cores; the digests of the four files must be equal. Then views over the records, on DuckDB and on Spark: digests of their rows, sorted.
Seconds are of the clock and hold the start of a session; the load of the machine is printed with them. Exit 1 when a digest differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trivet.testing.hospital import generate

TRIVET = (sys.executable, "-c", "from trivet.cli.main import main; main()")
VIEW = """
import hashlib, json, sys
from pathlib import Path
from trivet.wiring.viewing import run_view
found = run_view(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
rows = sorted(json.dumps([None if value is None else str(value) for value in row]) for row in found["rows"])
print(len(rows), hashlib.sha256("\\n".join([json.dumps(found["columns"]), *rows]).encode()).hexdigest())
"""


def timed(*command: str) -> tuple[float, str]:
    """Seconds and standard output of a process. A translation with rejects ends with 4."""
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):
        sys.exit(done.stderr)
    return time.monotonic() - begun, done.stdout


def digest(folder: Path) -> str:
    """One digest over the four files."""
    sums = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        sums.update(path.name.encode())
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                sums.update(part)
    return sums.hexdigest()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("patients", type=int)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--views", default="us-core-observation-lab,us-core-condition")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        first = time.strftime("%Y-%m-%d", time.gmtime(1782777600 - 86400 * given.days))
        for sent in generate(given.patients, today="2026-06-30", start=first):
            path = folder / "in" / sent.source / sent.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(sent.payload)
        size = sum(path.stat().st_size for path in (folder / "in").rglob("*") if path.is_file())
        print(
            f"{given.patients} people, {given.days} days, {size / 1e6:.1f} MB; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores",
            flush=True,
        )
        runs = {"pool, 2 processes": ["--workers", "2"]}
        runs |= {f"spark, local[{cores}]": ["--engine", "spark", "--workers", str(cores)] for cores in (1, 2)}
        seconds, digests = {}, set()
        for number, (name, options) in enumerate(runs.items()):
            out = folder / f"out{number}"
            seconds[name], _ = timed(*TRIVET, "translate", str(folder / "in"), "--source", "bulk", *options, "--out", str(out))
            digests.add(held := digest(out))
            print(f"translate  {name:18} {seconds[name]:7.1f} s  {held[:16]}", flush=True)
        print(f"spark, one core to two: {seconds['spark, local[1]'] / seconds['spark, local[2]']:.2f} times as fast", flush=True)
        different = len(digests) > 1
        for view in given.views.split(","):
            answers = []
            for engine in ("duckdb", "spark"):
                took, said = timed(sys.executable, "-c", VIEW, view, str(folder / "out0" / "records.ndjson"), engine)
                answers.append(said.split())
                print(f"{view:26} {engine:7} {took:7.1f} s  {said.split()[0]:>8} rows  {said.split()[1][:16]}", flush=True)
            different |= answers[0] != answers[1]
    sys.exit("DIGESTS DIFFER" if different else 0)


if __name__ == "__main__":
    main()
