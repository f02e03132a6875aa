"""How long does it take to read what was known of one person, out of a million record versions, against reading the same rows by number?

    python benchmarks/slice.py [--versions 1000000] [--persons 10000] [--asks 300]

A home in a temporary folder; the versions of a person are scattered over the whole table, a third of them superseded. Asked at random
positions. The limit is SQLite fetching the very rows of the answer by their row numbers, nothing looked up and nothing parsed.
Wall clock, and the processor time of the asking thread, which a busy machine distorts less. Aim: 50 ms.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trivet.wiring.build import init_home

ADD = "insert into record_version values (?, ?, 'Observation', ?, ?, ?, '2026-03-01T00:00:00.000000Z', ?, ?, 'ehr', 0, ?, ?)"
LINK = "insert into link (subject, person, known_seq, until_seq, event) values (?, ?, 1, null, 1)"
BODY = (
    '{{"resourceType":"Observation","id":"{}","status":"final","valueQuantity":{{"value":7.{}0,"unit":"mmol/L"}},"note":[{{"text":"{}"}}]}}'
)


def rows(versions: int, persons: int) -> Iterator[tuple[Any, ...]]:
    """Version by version, the persons in turn: three versions in a row of a record stand `persons` rows apart."""
    for ordinal in range(1, versions + 1):
        turn, who = divmod(ordinal - 1, persons)
        ident = f"{who:08x}-{turn // 3:08x}"
        body = BODY.format(ident, ordinal, "x" * 200)
        yield ordinal, f"Observation/{ident}", ident, turn % 3 + 1, f"Patient/{who:08x}", ordinal + 1, ordinal + 1, b"d" * 32, body


def main() -> None:
    """Fill, ask, print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--versions", type=int, default=1_000_000)
    asked.add_argument("--persons", type=int, default=10_000)
    asked.add_argument("--asks", type=int, default=300)
    told = asked.parse_args()
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        house = init_home(Path(folder) / "home")
        made = rows(told.versions, told.persons)
        for _ in range(0, told.versions, 50_000):
            part = [row for row, _ in zip(made, range(50_000), strict=False)]
            house.store.write(lambda tx, part=part: tx.executemany(ADD, part))
        links = [(f"Patient/{who:08x}", f"p-{who:08x}") for who in range(told.persons)]
        house.store.write(lambda tx: tx.executemany(LINK, links))
        plain = sqlite3.connect(Path(folder) / "home" / "home.db")
        ours, bare, used, count = list[float](), list[float](), list[float](), 0
        for _ in range(told.asks):
            who, at = rng.randrange(told.persons), rng.randrange(told.versions // 2, told.versions)
            begun, cpu = time.perf_counter(), time.thread_time()
            known = house.shelf.slice(f"p-{who:08x}", at)
            ours.append(time.perf_counter() - begun)
            used.append(time.thread_time() - cpu)
            count += len(known)
            numbers = [(one["known_seq"] - 1,) for one in known]
            begun = time.perf_counter()
            for number in numbers:
                plain.execute("select * from record_version where ordinal = ?", number).fetchone()
            bare.append(time.perf_counter() - begun)
        plain.close()
        house.close()
    for held in (ours, bare, used):
        held.sort()
    for name, held in (("slice", ours), ("slice, processor", used), ("rows by number", bare)):
        print(f"{name}: p50 {held[len(held) // 2] * 1000:.2f} ms, p99 {held[len(held) * 99 // 100] * 1000:.2f} ms")
    print(
        f"{told.versions} versions, {count / told.asks:.1f} records an answer; p50 ratio {ours[len(ours) // 2] / bare[len(bare) // 2]:.1f}"
    )
    print(f"under 50 ms at p99: {ours[len(ours) * 99 // 100] < 0.05}")


if __name__ == "__main__":
    main()
