"""Drift: a shift is found and opened, no shift is left alone at the rate that is stated, and too few persons are said to be too few."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from trivet.data.checklist import shipped_checks
from trivet.data.drift import chi_squared, settings

CHECKS = {check.check: check.sql for check in shipped_checks()}
NOW = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
Told = tuple[str, str, str, float, datetime]


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the approved limits and a clock."""
    held = duckdb.connect()
    held.register("drift", pa.Table.from_pylist(settings()))
    held.register("today", pa.table({"now_text": [str(NOW)]}))
    yield held
    held.close()


def observed(engine: duckdb.DuckDBPyConnection, told: list[Told]) -> None:
    """Observations as the checks see them: (source, code, person, value, instant)."""
    rows = [
        {
            "record": f"Observation/{place}",
            "person": person,
            "known_seq": place,
            "taken_at": at,
            "source": source,
            "local_code": code,
            "loinc": None,
            "unit": "mmol/L",
            "sent_value": value,
        }
        for place, (source, code, person, value, at) in enumerate(told)
    ]
    table = pa.Table.from_pylist(rows)
    engine.register("seen_observation", table.set_column(table.schema.get_field_index("loinc"), "loinc", pa.nulls(len(rows), pa.string())))


def counts(engine: duckdb.DuckDBPyConnection, check: str) -> dict[str, tuple[int, int, int]]:
    """Rows, breaking rows and rows of too few, by the first word of the reason."""
    sql = f"""SELECT regexp_extract(why, '^(insufficient: )?([^ :,]+( [^ :,]+)?)', 2), count(*), count(*) FILTER (breaks),
      count(*) FILTER (starts_with(why, 'insufficient:')) FROM ({CHECKS[check]}) GROUP BY 1"""
    return {name: (rows, broken, short) for name, rows, broken, short in engine.execute(sql).fetchall()}


def test_values_that_moved_are_found_and_those_that_did_not_are_not(engine: duckdb.DuckDBPyConnection) -> None:
    """One code of a feed in mg/dL under the name of mmol/L for a week: its rows of that week, no other code's, no earlier row."""
    chance, told = random.Random(7), []
    for person in range(120):
        late = person % 3 == 0
        at = NOW - timedelta(days=chance.uniform(0.1, 6.5) if late else chance.uniform(8, 34))
        told.append(("lab", "GLU", f"p{person}", chance.gauss(5.5, 1) * (18 if late else 1), at))
        told.append(("lab", "NA", f"p{person}", chance.gauss(140, 3), at))
        told.append(("lab", "K", f"p{person % 20}", chance.gauss(4, 0.4), at))
    told.append(("lab", "NA", "clock", 140.0, NOW))
    told.append(("lab", "GLU", "clock", 99.0, NOW))
    observed(engine, told)
    found = counts(engine, "drift-values")
    assert found["lab GLU"] == (41, 41, 0)
    assert found["lab NA"] == (41, 0, 0)
    assert found["lab K"] == (40, 0, 40)
    [(why,)] = engine.execute(f"SELECT DISTINCT why FROM ({CHECKS['drift-values']}) WHERE breaks").fetchall()
    assert "median" in why
    assert "41 persons against 80" in why


def test_unchanged_values_alarm_no_more_often_than_is_stated(engine: duckdb.DuckDBPyConnection) -> None:
    """1,500 series that did not change, 60 persons against 40: with the effect at nothing, the limit of chance alone lets few through."""
    chance, told = random.Random(11), []
    for series in range(1500):
        for person in range(100):
            at = NOW - timedelta(days=3 if person < 40 else 20, seconds=person)
            told.append(("lab", f"C{series}", f"p{person}", chance.lognormvariate(1, 0.5), at))
    observed(engine, told)
    rows = [row | {"effect": 0.0} for row in settings()]
    engine.register("drift", pa.Table.from_pylist(rows))
    found = counts(engine, "drift-values")
    assert len(found) == 1500
    assert sum(broken > 0 for _, broken, _ in found.values()) <= 8


def test_a_new_code_of_a_feed_is_found(engine: duckdb.DuckDBPyConnection) -> None:
    """A catalogue was exchanged: the rows under the new code are named; a feed that says the same codes as ever is left alone."""
    told = []
    for person in range(120):
        at = NOW - timedelta(days=2 if person % 3 == 0 else 20, minutes=person)
        told.append(("lab", "NEW" if person % 3 == 0 else "OLD", f"p{person}", 1.0, at))
        told.append(("lab", "SAME", f"p{person}", 1.0, at))
        told += [("calm", code, f"p{person}", 1.0, at) for code in ("A", "B")]
        told.append(("small", "A", f"p{person % 5}", 1.0, at))
    observed(engine, told)
    found = counts(engine, "drift-codes")
    assert found["lab"] == (80, 40, 0)
    assert found["calm"] == (80, 0, 0)
    assert found["small"][1:] == (0, 40)


def test_a_feed_that_says_much_more_or_less_is_found(engine: duckdb.DuckDBPyConnection) -> None:
    """Half of the units a day and twice as many are both found, a steady feed and a new one are not."""
    chance, rows = random.Random(3), []
    rates = {"half": (40, 20), "twice": (40, 80), "steady": (40, 40)}
    for source, (before, after) in rates.items():
        for day in range(36):
            count = (after if day < 8 else before) + chance.randint(-5, 5)
            rows += [(source, NOW - timedelta(days=day, minutes=minute)) for minute in range(count)]
    rows += [("new", NOW - timedelta(days=day, hours=1)) for day in range(5)]
    table = [{"receipt": place, "source": source, "spoke_at": at} for place, (source, at) in enumerate(rows)]
    engine.register("seen_message", pa.Table.from_pylist(table))
    found = counts(engine, "drift-volume")
    assert {source: broken > 0 for source, (_, broken, _) in found.items()} == {"half": True, "twice": True, "steady": False, "new": False}
    assert found["new"][2] == found["new"][0]


def test_the_limits_of_chance_are_those_of_the_tables() -> None:
    """Quantiles of chi-squared against printed ones: 0.001 at 4 and 19 degrees of freedom, 0.05 at 10."""
    assert [round(chi_squared(*one), 1) for one in ((0.001, 4), (0.001, 19), (0.05, 10))] == pytest.approx([18.5, 43.8, 18.3], abs=0.2)
