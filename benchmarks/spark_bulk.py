"""Bulk work on Spark against the same work here, in the same run: digests, times, and one core against two.

    make spark
    python benchmarks/spark_bulk.py PATIENTS [--days 30] [--views us-core-observation-lab,us-core-condition]

The whole bulk path over the sample hospital's deliveries of PATIENTS people over some days: the deliveries are translated, the table of
their Patient records is linked with itself, views are run over the records; a home that received the deliveries is checked, and the
features of all its persons are made at two positions. Once here (pool of two processes, DuckDB), once on Spark on one core and once on
two, a process each. Digests (the four files; row, cluster, probability; rows of views, sorted; every row that every check opens into;
every feature with its facts) must be equal. Seconds are of the clock, without the start of the session, which is told by itself; the
load of the machine is printed with them. Exit 1 when a digest differs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from trivet.data.checklist import shipped_checks
from trivet.data.counting import HERE
from trivet.data.sof.results import rows
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.testing.hospital import generate
from trivet.wiring.build import open_home
from trivet.wiring.bulk_checks import SpreadCounting
from trivet.wiring.bulk_features import features_over
from trivet.wiring.bulk_link import SpreadComparing
from trivet.wiring.bulk_translate import translate_over
from trivet.wiring.demo import make_home
from trivet.wiring.engines import open_engine
from trivet.wiring.linking import deduplicate_file
from trivet.wiring.translate import read_profile, translate_paths
from trivet.wiring.viewing import read_definition

NOW = "2026-06-30T12:00:00.000000Z"
SIDES = ("here", "local[1]", "local[2]")
FIELDS = ("given", "family", "birth date", "gender", "street", "city", "zip", "phone")
FEATURES = "readmission"


def digest(parts: Iterable[bytes]) -> str:
    """One digest over many."""
    sums = hashlib.sha256()
    for part in parts:
        sums.update(hashlib.sha256(part).digest())
    return sums.hexdigest()


def make(folder: Path, patients: int, days: int) -> int:
    """The deliveries as files, a home that received them, and a table of the persons; bytes of the deliveries."""
    first = time.strftime("%Y-%m-%d", time.gmtime(1782777600 - 86400 * days))
    sent = list(generate(patients, today="2026-06-30", start=first))
    for one in sent:
        path = folder / "in" / one.source / one.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.payload)
    house = make_home(folder / "home")
    receive(house, (Delivery(one.payload, one.source, one.format, one.filename) for one in sent))
    _, found = house.shelf.query("select body from records where type = 'Patient' order by id, known_seq")
    house.close()
    with (folder / "persons.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for (body,) in found:
            writer.writerow(line(json.loads(body)))
    return sum(len(one.payload) for one in sent)


def line(one: dict[str, Any]) -> list[str]:
    """A Patient as a line of the table."""
    name, place, told = ((one.get(field) or [{}])[0] for field in ("name", "address", "telecom"))
    given, street = (" ".join(held.get(field, [])) for held, field in ((name, "given"), (place, "line")))
    rest = [
        one.get("birthDate", ""),
        one.get("gender", ""),
        street,
        place.get("city", ""),
        place.get("postalCode", ""),
        told.get("value", ""),
    ]
    return [given, name.get("family", ""), *rest]


def side(name: str, folder: Path, views: list[str]) -> None:
    """All the work on one side; a line of JSON for each piece of it. A session is started by the first view, before all else."""
    own, spark = folder / f"side{SIDES.index(name)}", name != "here"  # brackets in a path are a pattern to Spark
    own.mkdir()
    records = folder / "side0" / "out" / "records.ndjson"
    engine: Any = open_engine("spark", master=name) if spark else open_engine("duckdb", folders=[str(folder)])

    def told(job: str, work: Callable[[], str]) -> None:
        begun = time.monotonic()
        said = work()
        print(json.dumps({"job": job, "seconds": time.monotonic() - begun, "digest": said}), flush=True)

    def translated() -> str:
        profile = read_profile(None, "bulk", "auto")
        if spark:
            translate_over(engine, [folder / "in"], own / "out", profile)
        else:
            translate_paths([folder / "in"], own / "out", profile, workers=2)
        return digest(path.name.encode() + path.read_bytes() for path in sorted((own / "out").iterdir()))

    def linked() -> str:
        if spark:
            with SpreadComparing(engine, own / "spool") as by:
                deduplicate_file(folder / "persons.csv", {}, own / "clusters.csv", by)
        else:
            deduplicate_file(folder / "persons.csv", {}, own / "clusters.csv")
        return digest([(own / "clusters.csv").read_bytes()])

    def viewed(view: str) -> str:
        engine.records("records", ndjson=[str(records)])
        found = engine.view(read_definition(view))
        return digest(sorted(json.dumps([None if value is None else str(value) for value in row]).encode() for row in rows(found)))

    told("start of the session", lambda: str(engine.sql("SELECT 1 AS one").num_rows))
    told("translate", translated)
    told("link", linked)
    for view in views:
        told(view, lambda view=view: viewed(view))  # type: ignore[misc]
    house = open_home(folder / "home", clock=FrozenClock(NOW))

    def checked() -> str:
        checks: Any = house.checks
        by = SpreadCounting(engine, own / "spool") if spark else HERE
        found = checks.opened([check.check for check in shipped_checks()], by=by)
        return digest(json.dumps([check, held]).encode() for check, held in found.items())

    def featured() -> str:
        desk: Any = house.features
        last = house.ledger.size() - 1
        _, persons = house.shelf.query("select person from persons order by person")
        cohort = [(person, NOW, as_of) for as_of in (last, last * 9 // 10) for (person,) in known_by(house, as_of, persons)]
        found = features_over(engine, desk, FEATURES, cohort, own / "spool") if spark else desk.many(FEATURES, cohort)
        return digest(msgspec.msgpack.encode(row) for row in found)

    try:
        told("checks", checked)
        told("features", featured)
    finally:
        house.close()
        engine.close()


def known_by(house: Any, as_of: int, persons: list[Any]) -> list[Any]:
    """The persons who were known at a position."""
    _, found = house.shelf.query("select person from persons order by person", as_of)
    known = set(found)
    return [one for one in persons if one in known]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("patients", type=int)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--views", default="us-core-observation-lab,us-core-condition")
    parser.add_argument("--side", nargs=2, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        side(given.side[0], Path(given.side[1]), given.views.split(","))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        size = make(folder, given.patients, given.days)
        load = f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
        print(f"{given.patients} people, {given.days} days, {size / 1e6:.1f} MB; {load}", flush=True)
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for name in SIDES:
            own = [sys.executable, __file__, str(given.patients), "--views", given.views, "--side", name, str(folder)]
            found[name] = {}
            with subprocess.Popen(own, stdout=subprocess.PIPE, text=True) as running:
                for said in running.stdout or ():
                    one = json.loads(said)
                    found[name][one["job"]] = one
                    print(f"{name:9} {one['job']:26} {one['seconds']:7.1f} s  {one['digest'][:16]}", flush=True)
            if running.returncode:
                sys.exit(f"{name} ended with {running.returncode}")
        different = []
        for job, one in found["here"].items():
            both = [found[name][job] for name in SIDES[1:]]
            if any(other["digest"] != one["digest"] for other in both):
                different.append(job)
            print(f"{job:26} one core to two: {both[0]['seconds'] / both[1]['seconds']:.2f} times as fast")
    sys.exit(f"DIGESTS DIFFER: {', '.join(different)}" if different else 0)


if __name__ == "__main__":
    main()
