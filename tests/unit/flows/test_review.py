"""A doubt before a human: nothing is shown before the access is in the ledger, and what the human says stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trivet.contracts.house import House
from trivet.flows.receive import Delivery, receive
from trivet.flows.review import compare, decide, doubt
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound, Refused, Usage
from trivet.wiring.build import init_home

DOOR = {"door": "test", "by": "sister ruth"}


def person(name: str, given: str) -> dict[str, Any]:
    """One of two twins: the same house, telephone and birthday."""
    return {
        "resourceType": "Patient", "id": name, "name": [{"family": "Quillfeather", "given": [given]}], "birthDate": "1961-04-17",
        "gender": "female", "telecom": [{"system": "phone", "value": "312-555-0147"}],
        "address": [{"line": ["12 Elm Way"], "city": "Peoria", "state": "IL", "postalCode": "61602"}],
    }  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home whose two records are nearly one person's."""
    made = init_home(tmp_path / "home", clock=FrozenClock("2026-03-01T00:00:00.000000Z"))
    rows = b"\n".join(json.dumps(one).encode() for one in (person("a", "Adelheid"), person("b", "Brunhilde")))
    receive(made, [Delivery(rows, "ehr", "fhir", "twins.ndjson")])
    yield made
    made.close()


def waiting(house: House) -> int:
    """The number of the one doubt."""
    [(number,)] = house.shelf.query("select review from reviews where state = 'open'")[1]
    return int(number)


def accesses(house: House) -> int:
    """How often somebody looked."""
    return sum(1 for _ in house.ledger.find("access"))


def test_both_records_are_shown_after_both_accesses_are_written(house: House) -> None:
    """Line by line what each record says, the evidence that adds up to the score with its prior, and one access entry a person."""
    number = waiting(house)
    told = compare(house, number, "quality review", **DOOR)
    assert accesses(house) == 2
    lines = {line["what"]: (line["one"], line["other"]) for line in told["lines"]}
    assert {lines["Name"][0][0], lines["Name"][1][0]} == {"QUILLFEATHER, Adelheid", "QUILLFEATHER, Brunhilde"}
    assert lines["Lives at"] == (["12 Elm Way, Peoria, IL, 61602"],) * 2
    assert {one["field"] for one in told["evidence"]} >= {"family", "given", "birth"}
    assert sum(one["bits"] for one in told["evidence"]) > doubt(house, number)["score"], "the prior speaks against"
    assert "uillfeather" not in str(list(house.ledger.find("access")))


def test_without_a_reason_nothing_is_shown_and_nobody_looked(house: House) -> None:
    """A reason that is none, or a doubt that is not there, is refused before the ledger is touched."""
    with pytest.raises(Usage, match="a reason is needed"):
        compare(house, waiting(house), "curious", **DOOR)
    with pytest.raises(NotFound, match="no review 999"):
        compare(house, 999, "audit", **DOOR)
    assert accesses(house) == 0


def test_two_persons_stay_two(house: House) -> None:
    """A verdict is carried out, is in the ledger, and is given once; it needs a name and a reason."""
    number = waiting(house)
    with pytest.raises(Usage):
        decide(house, number, same=False, actor="", reason="")
    decide(house, number, same=False, actor="R. Abernathy", reason="they are twins")
    assert doubt(house, number)["state"] == "rejected"
    assert house.shelf.query("select count(*) from persons")[1] == [(2,)]
    with pytest.raises(Refused, match="decided already"):
        decide(house, number, same=True, actor="R. Abernathy", reason="seen both charts")


def test_one_person_becomes_one(house: House) -> None:
    """Confirmed, both records are the same person's."""
    decide(house, waiting(house), same=True, actor="R. Abernathy", reason="seen both charts")
    assert len({one for (one,) in house.shelf.query("select distinct person from records where type = 'Patient'")[1]}) == 1
