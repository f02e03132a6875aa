"""A link undone names what rested on it."""

from __future__ import annotations

from pathlib import Path

from case import PERSON, Case
from trivet.flows.unlink import touched


def test_a_link_undone_names_the_decisions_made_meanwhile(tmp_path: Path) -> None:
    """Decisions about the persons that are parted, made since they were one; none of before, none about others."""
    case = Case(tmp_path).open()
    try:
        place = case.house.landing.horizon()
        first = case.ask()
        assert touched(case.house, {PERSON}, 1) == [first.decision_id]
        assert touched(case.house, {PERSON, "p-nobody"}, place) == [first.decision_id]
        assert touched(case.house, {PERSON}, place + 1) == []
        assert touched(case.house, {"p-nobody"}, 1) == []
        assert touched(case.house, set(), 1) == []
    finally:
        case.close()
