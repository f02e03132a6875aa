"""The scorecard's counting of pairs, against counting them one by one."""

from __future__ import annotations

import json
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from trivet.data.engines.duck import DuckEngine
from trivet.kernel.resources import text
from trivet.wiring.finders import ALARMS, FINDERS, unexplained
from trivet.wiring.heard import asked, identifiers
from trivet.wiring.scorecard import blind_spots, found
from trivet.wiring.unanswered import told as unanswered_words

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


class Heard:
    """A house that found some faults and says things that nobody planted: as much of `Evidence` as is asked here."""

    def __init__(self, found_: set[str], sent: dict[tuple[str, str], int], rows: int) -> None:
        self.sent, self.headers = sent, dict[str, int]()
        self.checks = {check: [{"record": f"x/{row}", "known_seq": -1 - row, "why": ""} for row in range(rows)] for check in ALARMS}
        self.receipts_of = {check: {1} for check in (*ALARMS, "message-order")}
        self.notices: dict[str, set[int]] = {kind: {1} for kind in ("truncated", "doubtful-date", "not-a-number", "missing-unit")}
        self.codes = {("s", name) for name in found_}
        self._found = found_

    def receipts(self, fault: dict[str, Any]) -> set[int]:
        """Receipt 1 is what the checks name."""
        return {1} if fault["id"] in self._found else {2}


SEEN = ("truncated", "bad_date", "late", "unit_mixed_up", "code_unmapped")
planted = st.lists(st.tuples(st.sampled_from(SEEN), st.booleans(), st.booleans(), st.booleans()), max_size=20)


@given(planted, st.integers(0, 3))
def test_found_and_blind_spots_and_missed_are_what_was_planted(told: list[tuple[str, bool, bool, bool]], rows: int) -> None:
    """For any faults, of any kind, found or not: each is counted once. What was not found is a blind spot only where the list says so and
    its circumstance holds; everything else is missed. Rows that no fault explains are counted for each kind that the check looks for."""
    faults = []
    for number, (kind, _, whole, sent) in enumerate(told):
        detail = {"system": "s", "code": f"F{number}", "inside_segment": not whole, "sent": sent}
        faults.append({"id": f"F{number}", "kind": kind, "where": {"source": "lab"}, "person": None, "detail": detail})
    hit = {fault["id"] for fault, (_, seen, _, _) in zip(faults, told, strict=True) if seen}
    sent_codes = {("s", fault["id"]): 1 for fault in faults if fault["detail"]["sent"]}
    card: Any = found(Heard(hit, sent_codes, rows), faults)  # type: ignore[arg-type]
    whole_card = card["faults"]
    assert whole_card["found"] + whole_card["blind_spots"] + whole_card["missed"] == whole_card["planted"] == len(faults)
    for kind, held in whole_card["by_kind"].items():
        assert held["found"] + len(held["blind_spots"]) + len(held["missed"]) == held["planted"]
        for spot in held["blind_spots"]:
            fault = faults[int(spot["fault"][1:])]
            assert spot["kind"] == kind
            assert (kind == "truncated" and not fault["detail"]["inside_segment"]) or (
                kind == "code_unmapped" and not fault["detail"]["sent"]
            )
            assert spot["reason"]
            assert spot["would_find"]
    assert {held["false_alarms"] for kind, held in whole_card["by_kind"].items() if kind != "code_unmapped"} <= {rows}


def test_every_kind_of_the_hospital_has_a_finder_and_every_blind_spot_a_kind() -> None:
    """What the hospital plants is looked for, kind by kind; the list of blind spots and the false alarms speak of such kinds only."""
    kinds = set(tomllib.loads(text("trivet.testing.hospital", "tables", "faults.toml")))
    assert kinds == set(FINDERS)
    assert {kind for kind, _ in blind_spots()} <= kinds
    assert {kind for causes, _ in ALARMS.values() for kind in causes} <= kinds
    assert (
        unexplained([{"record": "a", "why": ""}, {"record": "a", "why": ""}, {"record": "b", "why": ""}], lambda row: row["record"] == "b")
        == 1
    )


def test_questions_that_nobody_answered_are_told_in_words() -> None:
    """All withheld reads as a gate at work, names what each model's evidence lacks, and says what to do; nothing withheld says nothing."""
    items = [{"requirement": "local-validity", "result": "insufficient_n", "n": 58, "events": 4}]
    entry = {"use": "readmission", "withheld": 5, "of": 5, "reasons": {"no-route": 5}, "models": {"lace": items}}
    said = unanswered_words([entry], 150)
    assert "5 of 5 readmission: no model may answer yet" in said[0]
    assert "local-validity too few cases (58 cases here, 4 with the outcome)" in said[1]
    assert "not a fault" in said[2]
    assert "--patients 1000" in said[3]
    assert unanswered_words([], 150) == []
    assert len(unanswered_words([{**entry, "reasons": {"population": 3}, "models": {}}], 150)) == 1
