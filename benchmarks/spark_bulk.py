"""Bulk work on Spark against the same work here, in the same run: digests, times, and one core against two.

    make spark
    python benchmarks/spark_bulk.py PATIENTS [--days 30] [--feed-days DAYS] [--views us-core-observation-lab,us-core-condition]
                                    [--jobs translate,link,views,checks,features] [--folder DIR] [--lines FILE]

The whole bulk path over a sample hospital of PATIENTS people, of whom 84 of 100 are seen in 30 days (120,000 for 100,000 patients): the
deliveries are translated, the table of their Patient records is linked with itself, views are run over the records; a home that received
the deliveries is checked, and the features of all its persons are made at two positions. With `--feed-days` the record system's summaries
of all days are there, and of the other feeds (some 60,000 messages for 100,000 patients and 30 days) those of the first days only.
Once here (pool of two processes, DuckDB), once on Spark on one core and once on two, a process each. Digests (the four files; row, cluster,
probability; rows of views, sorted; every row that every check opens into; every feature with its facts) must be equal.

Every line is printed as its job ends, and added to `--lines`: seconds of the clock, without the start of the session, which is told by
itself; seconds of processor time of all processes of the side, Java and workers too; the load of the machine. Deliveries, home and the
records that were translated here stay in `--folder` for another run; without it all is made in a temporary folder. Exit 1 when a digest
differs or a job broke.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec

from trivet.data.checklist import shipped_checks
from trivet.data.counting import HERE
from trivet.data.sof.results import rows
from trivet.flows.load import load
from trivet.kernel.clock import FrozenClock
from trivet.testing.hospital import Delivery, generate
from trivet.wiring.build import open_home
from trivet.wiring.bulk_checks import SpreadCounting
from trivet.wiring.bulk_features import features_over
from trivet.wiring.bulk_link import SpreadComparing
from trivet.wiring.bulk_translate import translate_over
from trivet.wiring.demo import arrivals, make_home
from trivet.wiring.engines import open_engine
from trivet.wiring.linking import deduplicate_file
from trivet.wiring.translate import read_profile, translate_paths
from trivet.wiring.viewing import read_definition

NOW = "2026-06-30T12:00:00.000000Z"
SIDES = ("here", "local[1]", "local[2]")
FIELDS = ("given", "family", "birth date", "gender", "street", "city", "zip", "phone")
FEATURES = "readmission"
JOBS = ("translate", "link", "views", "checks", "features")
END = 1782777600  # the day of NOW
PATIENT = b'{"resourceType":"Patient"'


def digest(parts: Iterable[bytes]) -> str:
    """One digest over many."""
    sums = hashlib.sha256()
    for part in parts:
        sums.update(hashlib.sha256(part).digest())
    return sums.hexdigest()


def file_digest(path: Path) -> bytes:
    """Of one file, however large."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def sent_by(patients: int, days: int, feed_days: int, scratch: Path) -> Iterator[Delivery]:
    """What the hospital sends, in order of arrival; a few are held."""
    begun = END - 86400 * days
    end = time.strftime("%Y-%m-%dT", time.gmtime(begun + 86400 * feed_days))
    sent = generate(patients, today="2026-06-30", start=time.strftime("%Y-%m-%d", time.gmtime(begun)), scratch=scratch)
    return (one for one in sent if one.source == "ehr" or one.at < end)


def write_deliveries(folder: Path, sent: Iterator[Delivery]) -> dict[str, Any]:
    """The deliveries as files."""
    size, count = 0, 0
    for one in sent:
        path = folder / "in" / one.source / one.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.payload)
        size, count = size + len(one.payload), count + 1
    return {"files": count, "bytes": size}


def fill_home(folder: Path, sent: Iterator[Delivery]) -> dict[str, Any]:
    """A home that received them."""
    house = make_home(folder / "home")
    house.role("workshop").warm()
    tally = load(house, arrivals(sent))
    house.shelf.publish()
    [(persons,)] = house.shelf.query("select count(*) from persons")[1]
    house.close()
    return {"units": tally.landed, "versions": tally.versions, "persons": persons}


def once(folder: Path, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was made, unless an earlier run made it."""
    said = folder / f"{name}.json"
    if not said.exists():
        begun = time.monotonic()
        made = work()
        said.write_text(json.dumps({name: made | {"seconds": round(time.monotonic() - begun)}}))
    return dict(json.loads(said.read_bytes()))


def write_persons(folder: Path) -> int:
    """The Patient records as a table; how many."""
    rows = 0
    with (folder / "records.ndjson").open("rb") as records, (folder / "persons.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for text in records:
            if text.startswith(PATIENT):
                writer.writerow(line(json.loads(text)))
                rows += 1
    return rows


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


class Processor(Thread):
    """Watches what this session's processes use, Java and its workers too: they never leave the session, but a worker may end unheard."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ticks: dict[tuple[int, int], int] = {}

    def run(self) -> None:
        """Twice a second: a worker that waits for a minute is ended, and what it used must be known by then."""
        while True:
            self.look()
            time.sleep(0.5)

    def look(self) -> None:
        """What each process used until now, by its number and start."""
        mine = os.getsid(0)
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = place.read_text().rsplit(")", 1)[1].split()
            except OSError:  # it ended meanwhile
                continue
            if int(fields[3]) == mine:
                self.ticks[int(place.parent.name), int(fields[19])] = int(fields[11]) + int(fields[12])

    def seconds(self) -> float:
        """Of all that ever ran."""
        self.look()
        return sum(list(self.ticks.values())) / os.sysconf("SC_CLK_TCK")


class Side:
    """All the work on one side; a line of JSON for each piece of it."""

    def __init__(self, name: str, folder: Path, views: list[str]) -> None:
        self.processor = Processor()
        self.processor.start()
        self.folder, self.views, self.spark = folder, views, name != "here"
        self.own = folder / f"side{SIDES.index(name)}"  # brackets in a path are a pattern to Spark
        shutil.rmtree(self.own, ignore_errors=True)  # of a run before
        self.own.mkdir()
        self.engine: Any = open_engine("spark", master=name) if self.spark else open_engine("duckdb", folders=[str(folder)])

    def run(self, jobs: list[str]) -> None:
        """The jobs in their order."""
        self.told("start of the session", lambda: str(self.engine.sql("SELECT 1 AS one").num_rows))
        try:
            if "translate" in jobs:
                self.told("translate", self.translated)
                if not self.spark:
                    write_persons(self.folder)
            if "link" in jobs:
                self.told("link", self.linked)
            for view in self.views if "views" in jobs else ():
                self.told(view, partial(self.viewed, view))
            if {"checks", "features"} & set(jobs):
                house = open_home(self.folder / "home", clock=FrozenClock(NOW))
                try:
                    if "checks" in jobs:
                        self.told("checks", partial(self.checked, house))
                    if "features" in jobs:
                        self.told("features", partial(self.featured, house))
                finally:
                    house.close()
        finally:
            self.engine.close()

    def told(self, job: str, work: Callable[[], str]) -> None:
        """One job, measured."""
        begun, used = time.monotonic(), self.processor.seconds()
        try:
            found = {"digest": work()}
        except Exception as error:  # the other jobs are still to be measured; nothing is equal to a job that broke
            traceback.print_exc()
            found = {"digest": "", "broke": type(error).__name__}
        times = {"seconds": time.monotonic() - begun, "cpu": self.processor.seconds() - used, "load": os.getloadavg()[0]}
        print(json.dumps({"job": job, **found, **times}), flush=True)

    def translated(self) -> str:
        """The deliveries; what the next jobs read is kept, once."""
        out, profile = self.own / "out", read_profile(None, "bulk", "auto")
        if self.spark:
            translate_over(self.engine, [self.folder / "in"], out, profile)
        else:
            translate_paths([self.folder / "in"], out, profile, workers=2)
        said = digest(path.name.encode() + file_digest(path) for path in sorted(out.iterdir()))
        if not self.spark:
            (out / "records.ndjson").rename(self.folder / "records.ndjson")
        shutil.rmtree(out)
        return said

    def linked(self) -> str:
        """The table of persons."""
        persons, out = self.folder / "persons.csv", self.own / "clusters.csv"
        if self.spark:
            with SpreadComparing(self.engine, self.own / "spool") as by:
                deduplicate_file(persons, {}, out, by)
        else:
            deduplicate_file(persons, {}, out)
        return digest([out.read_bytes()])

    def viewed(self, view: str) -> str:
        """A view over the records."""
        self.engine.records("records", ndjson=[str(self.folder / "records.ndjson")])
        found = self.engine.view(read_definition(view))
        return digest(sorted(json.dumps([None if value is None else str(value) for value in row]).encode() for row in rows(found)))

    def checked(self, house: Any) -> str:
        """Every row that every check opens into."""
        by = SpreadCounting(self.engine, self.own / "spool") if self.spark else HERE
        found = house.checks.opened([check.check for check in shipped_checks()], by=by)
        return digest(json.dumps([check, held]).encode() for check, held in found.items())

    def featured(self, house: Any) -> str:
        """The features of everybody who was known, at the last position and at nine tenths of it."""
        last = house.ledger.size() - 1
        _, persons = house.shelf.query("select person from persons order by person")
        cohort = [(person, NOW, as_of) for as_of in (last, last * 9 // 10) for (person,) in known_by(house, as_of, persons)]
        desk = house.features
        found = features_over(self.engine, desk, FEATURES, cohort, self.own / "spool") if self.spark else desk.many(FEATURES, cohort)
        return digest(msgspec.msgpack.encode(row) for row in found)


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
    parser.add_argument("--feed-days", type=int)
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--side", default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        Side(given.side, given.folder, given.views.split(",")).run(given.jobs.split(","))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.folder or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        told = {"patients": given.patients, "days": given.days, "cores": os.cpu_count(), "load": os.getloadavg()[0]}
        sent = partial(sent_by, given.patients, given.days, given.feed_days or given.days + 1, folder)
        told |= once(folder, "deliveries", lambda: write_deliveries(folder, sent()))
        if {"checks", "features"} & set(given.jobs.split(",")):
            told |= once(folder, "home", lambda: fill_home(folder, sent()))
        keep(given.lines, told)
        print(json.dumps(told), flush=True)
        found = {name: jobs_of(name, folder, given) for name in given.sides.split(",")}
    sys.exit(compared(found))


def jobs_of(name: str, folder: Path, given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """All jobs of one side, in a session of its own that ends with it."""
    own = [
        sys.executable,
        __file__,
        str(given.patients),
        "--views",
        given.views,
        "--jobs",
        given.jobs,
        "--side",
        name,
        "--folder",
        str(folder),
    ]
    found = {}
    with subprocess.Popen(own, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            for said in running.stdout or ():
                one = {"side": name, **json.loads(said)}
                found[one["job"]] = one
                keep(given.lines, one)
                clock = f"{one['seconds']:8.1f} s {one['cpu']:8.1f} s CPU, load {one['load']:4.1f}"
                print(f"{name:9} {one['job']:26} {clock}  {one['digest'][:16] or 'BROKE: ' + one['broke']}", flush=True)
        finally:
            if running.poll() is None and sys.exc_info()[0]:
                os.killpg(running.pid, signal.SIGTERM)
    if running.returncode:
        sys.exit(f"{name} ended with {running.returncode}")
    return found


def keep(lines: Path | None, one: dict[str, Any]) -> None:
    """Add a line to what is kept, so that a run that is ended early still shows what it has."""
    if lines:
        with lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(one) + "\n")


def compared(found: dict[str, dict[str, dict[str, Any]]]) -> str | int:
    """One core against two, and what is not the same everywhere."""
    one, two = (found.get(name, {}) for name in SIDES[1:])
    for job in one.keys() & two.keys():
        times = [one[job][unit] / two[job][unit] if two[job][unit] else 1.0 for unit in ("seconds", "cpu")]
        print(f"{job:26} one core to two: {times[0]:.2f} times as fast, {times[1]:.2f} of the processor time")
    jobs = {job: {side.get(job, {}).get("digest", "") for side in found.values()} for side in found.values() for job in side}
    different = [job for job, digests in jobs.items() if len(digests) > 1 or "" in digests]
    return f"DIFFERENT OR BROKEN: {', '.join(different)}" if different else 0


if __name__ == "__main__":
    main()
