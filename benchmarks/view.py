"""How fast is a view, against the same view written by hand in SQL and against an interpreter of FHIRPath, in the same run?

    python -m venv peers && peers/bin/pip install 'fhirpathpy>=2.2,<3'
    python benchmarks/view.py [--peer peers/bin/python] [--resources 200000] [--sizes 1000,10000,100000,1000000] [--spark]

The view is five columns of an Observation: id, subject, the LOINC code, the value, when. The hand-written statement gives DuckDB the
types of the five elements and no guard at all (a second LOINC code is lost, a value is no longer the digits that came); it is the
limit. fhirpathpy compiles the five expressions once and runs them over a part of the resources, read by its own interpreter's `json`;
resources a second are compared. CPU seconds of the process are measured, the machine may have other work. With `--sizes`: time and
peak memory of the whole command as the data grows, each in a process of its own, rows handed on in parts and not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from trivet.wiring.engines import open_engine

COLUMNS = {
    "id": "id",
    "subject": "subject.reference",
    "code": "code.coding.where(system = 'http://loinc.org').code.first()",
    "value": "value.ofType(Quantity).value",
    "at": "effective.ofType(dateTime)",
}
VIEW: dict[str, Any] = {
    "resource": "Observation",
    "select": [{"column": [{"name": name, "path": path} for name, path in COLUMNS.items()]}],
}
HAND = """
SELECT id, subject.reference AS subject, list_filter(code.coding, lambda c: c.system = 'http://loinc.org')[1].code AS code,
  valueQuantity.value AS value, effectiveDateTime AS at
FROM read_json('FILE', format = 'newline_delimited', columns = {resourceType: 'VARCHAR', id: 'VARCHAR',
  subject: 'STRUCT(reference VARCHAR)', code: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
  valueQuantity: 'STRUCT(value DECIMAL(18,4))', effectiveDateTime: 'VARCHAR'})
WHERE resourceType = 'Observation'"""
PEER = """
import itertools, json, sys, time
from fhirpathpy import compile
from fhirpathpy.models import models
paths = [compile(path, models["r4"]) for path in json.loads(sys.argv[2])]
lines = list(itertools.islice(open(sys.argv[1]), int(sys.argv[3])))
begun = time.process_time()
for line in lines:
    held = json.loads(line)
    row = [path(held) for path in paths]
print(json.dumps([len(lines) / (time.process_time() - begun), str(row)]))
"""


def observation(number: int) -> str:
    """One synthetic Observation of about 770 bytes."""
    loinc = {"system": "http://loinc.org", "code": ("2345-7", "718-7", "2160-0")[number % 3], "display": "Glucose"}
    held = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00.000Z"},
        "identifier": [{"system": "http://example.org/lab", "value": f"L{number:08d}"}],
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [loinc, {"system": "http://example.org/local", "code": "GLU"}], "text": "Glucose"},
        "subject": {"reference": f"Patient/p{number % 5000}"},
        "effectiveDateTime": f"2026-03-{1 + number % 28:02d}T10:{number % 60:02d}:00-05:00",
        "valueQuantity": {"value": "VALUE", "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
        "referenceRange": [{"low": {"value": 70, "unit": "mg/dL"}, "high": {"value": 99, "unit": "mg/dL"}}],
    }
    return json.dumps(held, separators=(",", ":")).replace('"VALUE"', f"{60 + number % 200}.{number % 100:02d}")


def write(path: Path, count: int) -> None:
    """So many Observations as NDJSON."""
    with path.open("w") as out:
        out.writelines(observation(number) + "\n" for number in range(count))


def cpu(work: Callable[[], int], rounds: int = 3) -> tuple[float, int]:
    """Least CPU seconds of a few rounds, and the rows."""
    least, found = 1e9, 0
    for _ in range(rounds):
        begun = time.process_time()
        found = work()
        least = min(least, time.process_time() - begun)
    return least, found


def by_view(path: Path, engine: str = "duckdb", **options: Any) -> int:
    """Rows of the view, taken in parts."""
    opened = open_engine(engine, folders=[str(path.parent)], **options)
    opened.records("records", ndjson=[str(path)])
    found = sum(part.num_rows for part in opened.batches(VIEW))
    opened.close()
    return found


def by_hand(path: Path) -> int:
    """Rows of the statement by hand, taken in the same parts."""
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as connection:
        reader = connection.sql(HAND.replace("FILE", str(path))).to_arrow_reader(100_000)
        return sum(part.num_rows for part in reader)


def compare(path: Path, count: int, peer: str) -> None:
    """The view, the hand-written statement and the interpreter."""
    mine, found = cpu(lambda: by_view(path))
    hand, same = cpu(lambda: by_hand(path))
    assert found == same == count
    print(f"view compiled    {mine:7.2f} s CPU {count / mine:12,.0f} resources/s")
    print(f"SQL by hand      {hand:7.2f} s CPU {count / hand:12,.0f} resources/s   the view takes {mine / hand:.2f} times as long")
    if not Path(peer).is_file():
        print(f"fhirpathpy       not measured: no {peer}; the head of this file says how to make it")
        return
    arguments = [peer, "-c", PEER, str(path), json.dumps(list(COLUMNS.values())), str(min(count, 10_000))]
    speed, _ = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    print(f"fhirpathpy       {'':7}         {speed:12,.0f} resources/s   the view is {count / mine / speed:.0f} times as fast")


def grow(folder: Path, sizes: list[int]) -> None:
    """Time and memory as the data grows."""
    print("resources        s CPU   us a resource   peak MB")
    for size in sizes:
        path = folder / f"{size}.ndjson"
        write(path, size)
        done = subprocess.run([sys.executable, __file__, "--only", str(path)], check=True, capture_output=True, text=True)
        seconds, peak = json.loads(done.stdout)
        print(f"{size:9,d}     {seconds:8.2f}        {seconds / size * 1e6:8.2f}   {peak:7.0f}")
        path.unlink()


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="peers/bin/python")
    parser.add_argument("--resources", type=int, default=200_000)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        begun = time.process_time()
        by_view(asked.only)
        print(json.dumps([time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "observations.ndjson"
        write(path, asked.resources)
        compare(path, asked.resources, asked.peer)
        if asked.spark:
            begun = time.perf_counter()
            by_view(path, "spark")
            print(f"on Spark         {time.perf_counter() - begun:7.2f} s in all, with the start of Java")
        if asked.sizes:
            grow(Path(folder), [int(size) for size in asked.sizes.split(",")])


if __name__ == "__main__":
    main()
