"""Who is who: links a second for known and for new records, one record against a crowded block, a table of persons by itself.

    python benchmarks/link.py [--persons 10000] [--rows 20000]

The limit measured beside them: what SQLite does in the same transaction without any thought (insert a row, find it by its key).
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.record import Record, Translation
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.identity import StoreLinker
from trivet.data.identity.resolve import deduplicate
from trivet.data.identity.table import read_people
from trivet.kernel.digest import sha256
from trivet.kernel.resources import listing, text

AT = "2026-03-01T08:00:00.000000Z"
CHUNK = 1000
NAMES: dict[str, list[str]] = {}
for row in csv.DictReader(text("trivet.testing.hospital", "tables", "names.csv").splitlines()):
    NAMES.setdefault(row["kind"], []).append(row["value"])


class Seal:
    """Stands in for the vault's keyed address."""

    def address(self, data: bytes) -> str:
        return sha256(data)


def patient(number: int, feed: str, number_known: bool = True) -> dict[str, Any]:
    """Person `number` as a feed tells it."""
    rng = random.Random(number)
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "id": f"{feed}{number}",
        "name": [
            {"family": rng.choice(NAMES["surname"]) + rng.choice(["", "", "son", "man", "ez"]), "given": [rng.choice(NAMES["female"])]}
        ],
        "birthDate": f"{rng.randrange(1930, 2006)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
        "gender": rng.choice(["female", "male"]),
        "telecom": [{"system": "phone", "value": f"({rng.randrange(200, 999)}) 555-{rng.randrange(10_000):04d}"}],
        "address": [
            {"line": [f"{rng.randrange(1, 2400)} {rng.choice(NAMES['street'])} St"], "postalCode": f"{rng.randrange(60000, 60700)}"}
        ],
    }
    if number_known:
        made["identifier"] = [{"system": "urn:mrn", "value": str(1_000_000 + number), "type": {"coding": [{"code": "MR"}]}}]
    return made


class Desk:
    """A linker over a fresh store."""

    def __init__(self, folder: Path) -> None:
        self.store = SQLiteStore(
            folder / "home.db", [text("trivet.data", "sql", "schema", name) for name in listing("trivet.data", "sql/schema", ".sql")]
        )
        self.linker = StoreLinker(self.store, Seal())
        self.seq = 0

    def take(self, resources: list[dict[str, Any]], feed: str) -> float:
        """Link all of them, a thousand in a commit; gives seconds."""
        began = time.perf_counter()
        for first in range(0, len(resources), CHUNK):
            part = resources[first : first + CHUNK]

            def work(tx: Any, part: list[dict[str, Any]] = part) -> None:
                for resource in part:
                    self.seq += 1
                    self.linker.link(tx, Receipt(self.seq, feed, "fhir", "landed", "b", AT), Translation((Record(resource, ()),), ()))

            self.store.write(work)
        return time.perf_counter() - began


def floor(folder: Path, count: int) -> float:
    """Rows a second that SQLite takes in and finds again, in commits of a thousand."""
    store = SQLiteStore(folder / "floor.db", ["create table if not exists t (k text primary key, v text) strict"])
    began = time.perf_counter()
    for first in range(0, count, CHUNK):

        def work(tx: Any, first: int = first) -> None:
            for number in range(first, first + CHUNK):
                tx.execute("insert into t values (?, ?)", (str(number), "x" * 400))
                tx.execute("select v from t where k = ?", (str(number),))

        store.write(work)
    spent = time.perf_counter() - began
    store.close()
    return count / spent


def crowded(desk: Desk, size: int) -> list[float]:
    """Seconds for each of 50 newcomers whose address `size` persons share."""
    shared = {"line": ["1 Shelter Way"], "postalCode": "60601"}
    desk.take([patient(10_000_000 + number, "shelter") | {"address": [shared]} for number in range(size)], "shelter")
    spent = []
    for number in range(50):
        spent.append(desk.take([patient(20_000_000 + number, "new") | {"address": [shared]}], "new"))
    return sorted(spent)


def table(rows: int) -> str:
    """A CSV of persons, a quarter of them twice with a typing error."""
    rng = random.Random(11)
    lines = ["first_name,last_name,dob,street,zip,phone"]
    for number in range(rows * 4 // 5):
        one = patient(number, "t")
        cells = [one["name"][0]["given"][0], one["name"][0]["family"], one["birthDate"], one["address"][0]["line"][0]]
        cells += [one["address"][0]["postalCode"], one["telecom"][0]["value"]]
        lines.append(",".join(cells))
        if number % 4 == 0:
            place = rng.randrange(4)
            at = rng.randrange(len(cells[place]))
            lines.append(",".join([*cells[:place], cells[place][:at] + cells[place][at + 1 :], *cells[place + 1 :]]))
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()

    def say(what: str, value: float, unit: str) -> None:
        print(f"{what:<58} {value:>12,.1f} {unit}")

    measured: Callable[[float], float] = lambda spent: given.persons / spent  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        say("limit: insert and find by key, SQLite", floor(Path(folder), given.persons), "rows/s")
        desk = Desk(Path(folder))
        people = [patient(number, "adt") for number in range(given.persons)]
        say(f"new records, no match, 0 to {given.persons:,} persons", measured(desk.take(people, "adt")), "links/s")
        say("known records", measured(desk.take(people, "adt")), "links/s")
        say(
            "new records of known persons, by number",
            measured(desk.take([patient(number, "lab") for number in range(given.persons)], "lab")),
            "links/s",
        )
        strangers = [patient(number, "ehr", number_known=False) for number in range(given.persons)]
        say("new records of known persons, by evidence alone", measured(desk.take(strangers, "ehr")), "links/s")
        right = desk.store.read("select count(distinct person) from identity_record")[0][0]
        say("persons found", right, f"of {given.persons:,}")
        spent = crowded(desk, 1000)
        say("newcomer in a block of 1,000 (commit included): p50", spent[len(spent) // 2] * 1000, "ms")
        say("newcomer in a block of 1,000 (commit included): p98", spent[-2] * 1000, "ms")
        desk.store.close()
    content = table(given.rows)
    began = time.perf_counter()
    found = deduplicate(read_people(content, {}, "table"))
    say(f"a table of {len(found.clusters):,} rows by itself", time.perf_counter() - began, "s")
    say("persons found in it", len(set(found.clusters)), f"of {given.rows * 4 // 5:,}")


if __name__ == "__main__":
    main()
