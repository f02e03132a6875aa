"""No feature row knows the future: neither what became known later nor what happened later changes a row, in any view."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hospital_rows import Shelf, at, bed, condition, counted, coverage, encounter, measured, medicine, patient, payer_said, place
from record_rows import versions
from trivet.contracts.feature import FeatureRow
from trivet.data.definition import names
from trivet.data.features import FeatureViews

Row = dict[str, Any]
CODES = [
    ("718-7", "g/dL"),
    ("2951-2", "mmol/L"),
    ("9279-1", "/min"),
    ("59408-5", "%"),
    ("8480-6", "mm[Hg]"),
    ("2160-0", "mg/dL"),
    ("3151-8", "L/min"),
]
ILLNESSES = ["I50.9", "E11.22", "C34.1", "J44.9", "N18.4", "I10"]


def fact(rng: random.Random, number: int, day: float, known: int) -> Row:
    """One fact of some kind, `day` days into the year, known since `known`. The same name for the same number."""
    when = at(int(day), int(day * 24) % 24)
    kind = rng.choice(["measured"] * 5 + ["encounter", "bed", "condition", "medicine", "payer", "counted", "patient", "coverage"])
    name = f"{kind}{number}"
    if kind == "measured":
        code, unit = rng.choice(CODES)
        return measured(name, code, round(rng.uniform(1, 200), 1), unit, when, known)
    if kind == "encounter":
        where = rng.choice(["", "Location/w1", "Location/w2"])
        return encounter(name, rng.choice(["IMP", "EMER"]), when, known, urgency=rng.choice("ECUX"), where=where)
    if kind == "bed":
        return bed(name, rng.choice(["Location/w1", "Location/w2"]), when, known)
    if kind == "condition":
        return condition(name, rng.choice(ILLNESSES), when, known)
    if kind == "medicine":
        return medicine(name, str(rng.randrange(5)), when, known, status=rng.choice(["active", "stopped"]))
    if kind == "payer":
        return payer_said(name, rng.choice("14"), f"{rng.randrange(1000)}.10", when, known)
    if kind == "counted":
        counts = {"beds-open": 20, "beds-taken": rng.randrange(25), "nurses-required": 5, "nurses-present": rng.randrange(7)}
        return counted(name, rng.choice(["Location/w1", "Location/w2"]), counts, when, known)
    if kind == "coverage":
        return coverage(name, rng.choice(["SP", "BL"]), known)
    return patient(known, birth=rng.choice(["1950-06-15", "1949-01-01"]), gender=rng.choice(["male", "female"]), ident=name)


class World:
    """Views whose statements are planned once, over rows that change."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.views = FeatureViews(self)

    def versions(self, person: str | None = None, as_of: int | None = None) -> Any:
        """Of one person come the places too: here the shelf is asked for everybody at once."""
        return Shelf(versions(*self.rows)).versions(None, as_of)

    def row(self, view: str, rows: list[Row], instant: str, as_of: int) -> FeatureRow:
        """The row over these records."""
        self.rows = rows
        return self.views.one(view, "p-1", instant, as_of)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Shared plans."""
    made = World()
    yield made
    made.views.close()


PLACES = [place("w1", "4W", 0), place("w2", "5E", 0)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), view=st.sampled_from(names()), as_of=st.integers(1, 60), day=st.integers(60, 100))
def test_the_future_changes_nothing(world: World, seed: int, view: str, as_of: int, day: int) -> None:
    """A history, and the same history with later knowledge and later events mixed in at random: the same row."""
    rng = random.Random(seed)
    past = [fact(rng, number, rng.uniform(0, day - 1), rng.randrange(1, as_of + 1)) for number in range(40)]
    past += [patient(1), encounter("stay", "IMP", at(day - 5), 1, where="Location/w1"), *PLACES]
    before = world.row(view, past, at(day), as_of)
    later_known = [fact(rng, 100 + number, rng.uniform(0, day - 1), rng.randrange(as_of + 1, as_of + 50)) for number in range(25)]
    later_happened = [row for number in range(25) if (row := fact(rng, 200 + number, rng.uniform(day + 1, day + 60), 1))["valid_at"]]
    corrected = [{**row, "version": 2, "known_seq": as_of + 1, "deleted": rng.random() < 0.5} for row in rng.sample(past, 10)]
    everything = past + later_known + [row for row in later_happened if row["type"] != "ExplanationOfBenefit"] + corrected
    rng.shuffle(everything)
    assert world.row(view, everything, at(day), as_of) == before


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), view=st.sampled_from(names()))
def test_order_of_rows_changes_nothing(world: World, seed: int, view: str) -> None:
    """The same facts in another order give the same row, ties included."""
    rng = random.Random(seed)
    rows = [fact(rng, number, rng.randrange(90), rng.randrange(1, 5)) for number in range(60)]
    rows += [patient(1), encounter("stay", "IMP", at(88), 1, where="Location/w2"), *PLACES]
    first = world.row(view, rows, at(91), 50)
    rng.shuffle(rows)
    assert world.row(view, rows, at(91), 50) == first


def test_the_property_can_fail(world: World) -> None:
    """Knowledge in time does change a row: the test above is not blind."""
    past = [patient(1), encounter("stay", "IMP", at(95), 1), *PLACES]
    before = world.row("readmission", past, at(100), 10)
    assert world.row("readmission", [*past, measured("hb", "718-7", 9.0, "g/dL", at(99), 10)], at(100), 10) != before
    assert world.row("readmission", [*past, measured("hb", "718-7", 9.0, "g/dL", at(99), 11)], at(100), 10) == before
