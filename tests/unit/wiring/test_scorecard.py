"""The scorecard's counting of pairs, against counting them one by one."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from trivet.data.engines.duck import DuckEngine
from trivet.kernel.resources import text
from trivet.wiring.scorecard import asked, identifiers

people = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


@given(people)
def test_pairs_are_counted_as_one_by_one(records: list[tuple[int, int]]) -> None:
    """For any assignment of records to true and found persons, the counts are those of all pairs of records."""
    engine = DuckEngine()
    rows = [(f"Patient/{number}", "adt", f"p{found}", str(number)) for number, (_, found) in enumerate(records)]
    truth = [("adt", str(number), f"P{true}") for number, (true, _) in enumerate(records)]
    for name, names, held in (
        ("scored_record", ("record", "source", "person", "value"), rows),
        ("truth", ("source", "value", "person"), truth),
    ):
        columns = [pa.array([row[place] for row in held], pa.string()) for place in range(len(names))]
        engine.put(name, pa.table(columns, names=list(names)))
    engine.run(text("trivet.wiring", "sql", "scored_true.sql"))
    [counts] = engine.run(text("trivet.wiring", "sql", "scored_identity.sql")).to_pylist()
    engine.close()
    pairs = list(combinations(records, 2))
    true = [one[0] == other[0] for one, other in pairs]
    said = [one[1] == other[1] for one, other in pairs]
    both = sum(one and other for one, other in zip(true, said, strict=True))
    persons = (len({true for true, _ in records}), len({found for _, found in records}))
    assert tuple(counts.values()) == (len(records), *persons, sum(true), sum(said), both)


def test_only_what_the_faults_ask_for_is_read(tmp_path: Path) -> None:
    """Identifiers of every person come as one table; values and persons are those by which a fault can be found."""
    lines = [{"person": f"P{number}", "identifiers": [{"source": "adt", "authority": "A", "value": str(number)}]} for number in range(3)]
    (tmp_path / "persons.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert identifiers(tmp_path / "persons.ndjson").to_pylist()[2] == {"source": "adt", "value": "2", "person": "P2"}
    faults: list[dict[str, Any]] = [
        {"kind": "duplicate_registration", "person": "P0", "detail": {"mrn": ["1", "2"]}},
        {"kind": "surname_changed", "person": "P1", "detail": {"mrn": 3}},
        {"kind": "twins", "person": "P2", "detail": {"persons": ["P3", "P4"]}},
        {"kind": "late", "person": "P5", "detail": {}},
    ]
    assert asked(faults) == (["1", "2", "3"], ["P1", "P3", "P4"])
