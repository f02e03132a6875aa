"""The scorecard's counting of pairs, against counting them one by one."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.data.engines.duck import DuckEngine
from trivet.kernel.resources import text
from trivet.wiring.alarms import ALARMS, alarms, counted, unalarmed
from trivet.wiring.finders import FINDERS, circumstance
from trivet.wiring.heard import CHECKS, Doubt, asked, identifiers
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
        self.checks = {check: [{"record": f"x/{row}", "known_seq": -1 - row, "why": "name"} for row in range(rows)] for check in CHECKS}
        self.receipts_of = {check: {1} for check in CHECKS}
        self.pairs = {"pairs_found": 10, "pairs_both": 10}
        self.found, self.true, self.by_value = dict[str, str](), dict[str, str](), dict[str, set[str]]()
        self.values: dict[str, set[str]] = defaultdict(set)
        self.doubts, self.again, self.uncovered = list[Doubt](), set[int](), set[tuple[str, str]]()
        self.notices: dict[str, set[int]] = {kind: {1} for kind in ("truncated", "doubtful-date", "not-a-number", "missing-unit")}
        self.codes = {("s", name) for name in found_}
        self._found = found_

    def receipts(self, fault: dict[str, Any]) -> set[int]:
        """Receipt 1 is what the checks name."""
        return {1} if fault["id"] in self._found else {2}

    def people(self, persons: Iterable[str]) -> set[str]:
        """A person is called by its own name here."""
        return set(persons)

    def holders(self, values: Iterable[str]) -> set[str]:
        """Nobody bears these numbers."""
        return set()


SEEN = ("truncated", "bad_date", "late", "unit_mixed_up", "code_unmapped")
planted = st.lists(st.tuples(st.sampled_from(SEEN), st.booleans(), st.booleans(), st.booleans()), max_size=20)


@given(planted, st.integers(0, 3))
def test_found_and_blind_spots_and_missed_are_what_was_planted(told: list[tuple[str, bool, bool, bool]], rows: int) -> None:
    """For any faults, of any kind, found or not: each is counted once. What was not found is a blind spot only where the list says so and
    its circumstance holds; everything else is missed. Rows that no fault explains are counted for each kind that the check looks for."""
    faults: list[dict[str, Any]] = []
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
    one = {"bad_date": rows, "truncated": rows, "unit_mixed_up": rows, "late": 2 * rows}  # late is told with two checks
    assert {kind: held["false_alarms"] for kind, held in whole_card["by_kind"].items() if kind != "code_unmapped"} == {
        kind: count for kind, count in one.items() if kind in whole_card["by_kind"]
    }
    unknown = whole_card["by_kind"].get("code_unmapped")
    assert unknown is None or unknown["false_alarms"] == len(hit - {fault["id"] for fault in faults if fault["kind"] == "code_unmapped"})


@pytest.mark.parametrize(("right", "word"), [(set(), "alone-under-its-number"), ({"Patient/a"}, "")])
def test_a_swapped_number_is_a_blind_spot_only_where_nothing_else_is_known(right: set[str], word: str) -> None:
    """A result under a number that nobody else bears, of somebody who never came under their own: nothing tells it from a new person. Where
    the person has a record of their own, it must be found."""
    heard: Any = Heard(set(), {}, 0)
    heard.by_value = {"100": {"Patient/x"}, "200": right}
    fault = {"id": "F1", "kind": "identifiers_swapped", "where": {}, "person": "P1", "detail": {"mrn_used": "100", "mrn_right": "200"}}
    assert circumstance(heard, fault) == word
    assert not word or ("identifiers_swapped", word) in blind_spots()


def test_every_kind_of_the_hospital_has_a_finder_and_every_blind_spot_a_kind() -> None:
    """What the hospital plants is looked for, kind by kind; the list of blind spots and the false alarms speak of such kinds only."""
    kinds = set(tomllib.loads(text("trivet.testing.hospital", "tables", "faults.toml")))
    assert kinds == set(FINDERS)
    assert {kind for kind, _ in blind_spots()} <= kinds
    assert {one.alarm for one in alarms() if one.alarm} == set(ALARMS)
    told = {kind for one in alarms() if one.alarm for kind in one.kinds}
    assert told | set(unalarmed()) == kinds
    assert not told & set(unalarmed())
    assert all(one.false for one in alarms())


def heard() -> Any:
    """A house that says one thing rightly, and another one that nobody planted, by every alarm of identity, repeats, codes and coverage."""
    house: Any = Heard(set(), {}, 0)
    records = {"r/1": ("P1", "1"), "r/2": ("P2", "2"), "r/3": ("P3", "3"), "r/4": ("P4", "4"), "r/5": ("P4", "5"), "r/0": (None, "0")}
    house.true = {record: person for record, (person, _) in records.items() if person}
    house.found = {record: person or "P0" for record, (person, _) in records.items()}
    house.values.update({record: {value} for record, (_, value) in records.items()})
    house.by_value = {value: {record} for record, (_, value) in records.items()}
    house.holders = lambda values: {house.found[record] for value in values for record in house.by_value.get(value, ())}
    house.checks["person-placeholder"] = [
        {"record": record, "why": f"{words}, adt", "known_seq": 1}
        for words in ("birth date is a placeholder", "name is a placeholder", "test patient")
        for record in ("r/1", "r/2")
    ]
    house.checks["person-conflict"] = [{"record": record, "why": "", "known_seq": 1} for record in records]
    house.doubts = [
        Doubt("pair", "score", "r/4", "r/5"),  # one person: a doubt that is right
        Doubt("pair", "score", "r/1", "r/2"),  # twins
        Doubt("pair", "score", "r/2", "r/4"),
        Doubt("pair", "twins", "r/1", "r/2"),
        Doubt("pair", "same-identifier-but-twins", "r/2", "r/3"),
        Doubt("conflict", "speaks-of-another", "r/3", ""),
        Doubt("pair", "same-identifier-but-other-name", "r/0", "r/4"),
        Doubt("pair", "same-identifier-but-other-name", "r/1", "r/2"),
    ]
    house.pairs = {"pairs_found": 9, "pairs_both": 7}
    house.again, house.codes = {2, 7}, {("s", "A"), ("s", "B")}
    house.uncovered = {("adt", "ZBE-1"), ("adt", "ZBE-2"), ("lab", "ZXX-1"), ("lab", "ORC-9")}
    return house


def test_what_nobody_planted_is_counted_alarm_by_alarm() -> None:
    """Each alarm counts what it says and, of that, what no planted fault explains: by number, by person, by pair, by receipt, by code."""
    house = heard()

    def fault(kind: str, person: str | None = None, source: str = "adt", **detail: Any) -> dict[str, Any]:
        return {"id": kind, "kind": kind, "person": person, "where": {"source": source}, "detail": detail}

    faults: dict[str, list[dict[str, Any]]] = {
        "placeholder_birth_date": [fault("placeholder_birth_date", "P9", mrn=["1", "9"])],
        "placeholder_name": [fault("placeholder_name", "P2", mrn=["8"])],
        "test_patient": [fault("test_patient", mrn="7")],
        "wrong_birth_date": [fault("wrong_birth_date", "P1", practice_id="x")],
        "duplicate_registration": [
            fault("duplicate_registration", "P2", how="swapped_date"),
            fault("duplicate_registration", "P3", how="typo"),
        ],
        "identifiers_swapped": [fault("identifiers_swapped", "P9", mrn_used="0", mrn_right="3")],
        "twins": [fault("twins", "P2", persons=["P1", "P2"])],
        "shared_contact": [],
        "repeated": [fault("repeated")],
        "code_unmapped": [fault("code_unmapped", system="s", code="A")],
        "z_segment": [fault("z_segment", segment="ZBE")],
    }
    told = {name: tuple(one) for name, one in counted(house, faults).items() if one.said}
    assert told == {
        "repeat": (2, 1),
        "unknown-code": (2, 1),
        "z-segment": (2, 1),
        "placeholder-birth": (2, 1),
        "placeholder-name": (2, 1),
        "test-patient": (2, 2),
        "person-conflict": (6, 3),  # P3, and both records of P4
        "link": (9, 2),
        "doubt": (3, 1),
        "doubt-twins": (2, 1),
        "doubt-number": (3, 1),
    }


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
