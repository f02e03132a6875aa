"""One new record against an index of 1,000,000 persons: how long does the search take, in ordinary blocks and in one of 1,000?

    python benchmarks/match_realtime.py [--persons 1000000] [--block 1000] [--folder KEPT] [--queries 2000]

The index is written straight into SQLite (kept in FOLDER for the next run). Names follow a steep distribution, so blocks are skewed;
one address is shared by `block` persons. Three kinds of queries: records that differ from a known one by a typing error, newcomers, and
newcomers at the shared address. Printed: milliseconds of the search alone (wall and processor), then searches and durable inserts per
second, one commit each and a hundred in a commit. Beside them the limit: reading the same number of candidate rows and nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from trivet.contracts.envelope import Receipt
from trivet.contracts.record import Record, Translation
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.identity import StoreLinker
from trivet.data.identity.features import Features, Name, features
from trivet.data.identity.keys import brief, keys
from trivet.data.identity.match import find
from trivet.data.identity.register import Register, person_of
from trivet.kernel.digest import sha256
from trivet.kernel.resources import listing, text

AT = "2026-03-01T08:00:00.000000Z"
SHARED = "1 SHELTER WAY"
PLACE = "60601"
CHUNK = 50_000


class Seal:
    """Stands in for the vault's keyed address."""

    def address(self, data: bytes) -> str:
        return sha256(data)


class Town:
    """Names by a steep distribution: the n-th most frequent one is borne about 1/n as often."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        parts = [a + b for a in "BDFGHKLMNPRSTVWZ" for b in ("A", "E", "I", "O", "U", "AR", "EN", "IL", "ON", "US")]
        self.families = ["".join(rng.choice(parts) for _ in range(rng.choice((2, 3)))) + rng.choice("NRSTLD") for _ in range(30_000)]
        self.givens = [rng.choice(parts) + rng.choice(parts) + rng.choice("ANEY") for _ in range(2_000)]
        self.family_sums = list(accumulate(1 / (n + 20) for n in range(len(self.families))))
        self.given_sums = list(accumulate(1 / (n + 20) for n in range(len(self.givens))))
        self.rng = random.Random(seed + 1)

    def person(self, number: int, street: str = "") -> Features:
        """Somebody new."""
        rng = self.rng
        family = rng.choices(self.families, cum_weights=self.family_sums)[0]
        given = rng.choices(self.givens, cum_weights=self.given_sums)[0]
        born = f"{rng.randrange(1930, 2020)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
        home = f"{rng.randrange(1, 2400)} {rng.choice(self.families)} ST|{rng.randrange(60000, 60700)}"
        phone = f"{rng.randrange(200, 999)}{rng.randrange(10_000_000):07d}"
        sex = rng.choice(("female", "male"))
        return Features(
            (Name(family, given, "", ""),),
            born,
            sex,
            (f"urn:mrn|{number}",),
            (),
            (phone,),
            (f"{street}|{PLACE}" if street else home,),
            (),
            0,
            False,
        )


def build(path: Path, persons: int, block: int) -> float:
    """The index; gives seconds."""
    began = time.perf_counter()
    schema = [text("trivet.data", "sql", "schema", name) for name in listing("trivet.data", "sql/schema", ".sql")]
    SQLiteStore(path, schema).close()
    town, encode = Town(3), msgspec.json.Encoder().encode
    raw = sqlite3.connect(path)
    raw.execute("pragma synchronous = off")
    held: list[Any] = []
    terms: dict[tuple[str, str], int] = {}
    for first in range(0, persons, CHUNK):
        rows, found = [], []
        for number in range(first, min(persons, first + CHUNK)):
            known = town.person(number, SHARED if number % max(1, persons // block) == 0 else "")
            subject = f"Patient/{number:08d}"
            rows.append((number + 1, subject, "adt", person_of(subject), b"", encode(known).decode(), 1, 1))
            seen = brief(known)
            found += [(key, number + 1, seen) for key in keys(known)]
            for field, term in (("family", known.names[0].family), ("given", known.names[0].given)):
                terms[field, term] = terms.get((field, term), 0) + 1
        raw.executemany("insert into identity_record values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        held.append(np.array(found, dtype=np.int64))
    pairs = np.concatenate(held)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    for first in range(0, len(pairs), CHUNK * 10):
        raw.executemany("insert into identity_block values (?, ?, ?)", pairs[first : first + CHUNK * 10].tolist())
    raw.executemany("insert into identity_term values (?, ?, ?)", sorted((*name, count) for name, count in terms.items()))
    raw.execute("insert into link (subject, person, known_seq, event) select subject, person, 1, id from identity_record order by id")
    raw.commit()
    raw.close()
    return time.perf_counter() - began


def misspelt(known: Features, rng: random.Random) -> Features:
    """The same person as another system tells it: another number, a letter too few, perhaps another telephone."""
    one = known.names[0]
    place = rng.randrange(1, len(one.family))
    name = one._replace(family=one.family[:place] + one.family[place + 1 :]) if rng.random() < 0.5 else one
    return known._replace(
        names=(name,), persons=(f"urn:other|{rng.randrange(10**9)}",), telephones=() if rng.random() < 0.3 else known.telephones
    )


def measured(store: SQLiteStore, queries: list[Features], linker: StoreLinker) -> dict[str, Any]:
    """Milliseconds of the search for each of these records, and what came out."""
    spent, used, sizes, ends, floor = [], [], [], {"linked": 0, "doubts": 0, "crowded": 0}, []

    def work(tx: Any) -> None:
        register = Register(tx)
        for known in queries:
            began, cpu = time.perf_counter(), time.process_time()
            found = find(register, known, linker.weights, None)
            used.append(time.process_time() - cpu)
            spent.append(time.perf_counter() - began)
            ends["linked"] += found.best is not None
            ends["doubts"] += bool(found.doubts)
            ends["crowded"] += bool(found.crowded)
            began = time.perf_counter()
            numbers = {number for key in keys(known) for number, _ in register.block(key, linker.weights.block)}
            tx.execute(
                "select id, features from identity_record where id in (select value from json_each(?))", (json.dumps(sorted(numbers)),)
            )
            floor.append(time.perf_counter() - began)
            sizes.append(len(numbers))

    store.write(work)
    return {
        "queries": len(queries),
        "candidates": {"p50": int(np.percentile(sizes, 50)), "max": max(sizes)},
        "ms": _spread(spent),
        "cpu_ms": _spread(used),
        "rows_alone_ms": _spread(floor),
        **ends,
    }


def _spread(values: list[float]) -> dict[str, float]:
    found = [float(np.percentile(values, share)) * 1000 for share in (50, 99, 100)]
    return {name: round(value, 3) for name, value in zip(("p50", "p99", "max"), found, strict=True)}


def inserted(store: SQLiteStore, linker: StoreLinker, town: Town, count: int, together: int) -> float:
    """Records matched and written durably per second, so many in a commit."""
    began, run = time.perf_counter(), time.time_ns()
    for first in range(0, count, together):
        records = [_resource(town.person(0), f"n{run}x{number}") for number in range(first, first + together)]

        def work(tx: Any, records: list[Record] = records) -> None:
            for record in records:
                linker.link(tx, Receipt(2, "new", "fhir", "landed", "b", AT), Translation((record,), ()))

        store.write(work)
    return count / (time.perf_counter() - began)


def alone(store: SQLiteStore, count: int) -> float:
    """Commits per second of one small row each: what this disk gives to anybody."""
    began = time.perf_counter()
    for number in range(count):
        store.write(lambda tx, number=number: tx.execute("insert into identity_term values ('floor', ?, 1)", (f"{began}{number}",)))
    return count / (time.perf_counter() - began)


def _resource(known: Features, name: str) -> Record:
    street, _, place = known.addresses[0].partition("|")
    made = {
        "resourceType": "Patient",
        "id": name,
        "name": [{"family": known.names[0].family, "given": [known.names[0].given]}],
        "birthDate": known.birth,
        "gender": known.sex,
        "telecom": [{"system": "phone", "value": known.telephones[0]}],
        "address": [{"line": [street], "postalCode": place}],
        "identifier": [{"system": "urn:new", "value": name}],
    }
    assert features(made, 4).birth == known.birth
    return Record(made, ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--block", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--folder", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(given.folder or temporary) / f"index{given.persons}.db"
        said: dict[str, Any] = {"persons": given.persons}
        if not path.is_file():
            said["built_in_s"] = round(build(path, given.persons, given.block), 1)
        said["bytes"] = path.stat().st_size
        store = SQLiteStore(path, [])
        linker = StoreLinker(store, Seal())
        rng, town = random.Random(5), Town(3)
        town.rng.seed(99)
        stored = store.read("select features from identity_record where id % 53 = 0 limit 20000")
        known = [msgspec.json.decode(packed, type=Features) for (packed,) in stored]
        said["known_misspelt"] = measured(store, [misspelt(rng.choice(known), rng) for _ in range(given.queries)], linker)
        said["newcomers"] = measured(store, [town.person(0)._replace(persons=("urn:other|1",)) for _ in range(given.queries)], linker)
        crowd = [town.person(0, SHARED)._replace(persons=("urn:other|1",)) for _ in range(max(100, given.queries // 4))]
        said["block_of_" + str(given.block)] = measured(store, crowd, linker)
        said["durable_per_s"] = {n: round(inserted(store, linker, town, 500, n), 1) for n in (1, 100)}
        said["durable_rows_alone_per_s"] = round(alone(store, 300), 1)
        store.close()
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
