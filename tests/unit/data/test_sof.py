"""SQL on FHIR views: products of selects, null rows, unions, recursion, row numbers, exact decimals, refusals with their place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from trivet.data.sof import ViewError, ViewRunner, read_view
from trivet.data.sof.r4 import r4_types
from trivet.kernel.jsontext import loads
from trivet.wiring.suites import run, sql_on_fhir_v2

PATIENT = loads(
    b'{"resourceType":"Patient","id":"p1","name":[{"family":"A","given":["x","y"]},{"family":"B"}],"telecom":[{"value":"1"}],'
    b'"multipleBirthInteger":2}'
)
WEIGHT = loads(b'{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"w"},"valueQuantity":{"value":70.10,"unit":"kg"}}')


def rows(view: dict[str, object], *resources: dict[str, object]) -> list[tuple[object, ...]]:
    """Rows of a view."""
    return list(ViewRunner(read_view(view), r4_types()).rows(resources))


def test_selects_beside_each_other_are_multiplied() -> None:
    """Two names and one telephone give two rows; no telephone with forEachOrNull gives rows with a null."""
    names = {"forEach": "name", "column": [{"name": "family", "path": "family"}]}
    phones = {"forEachOrNull": "telecom", "column": [{"name": "phone", "path": "value"}]}
    view = {"resource": "Patient", "select": [names, phones]}
    assert rows(view, PATIENT) == [("A", "1"), ("B", "1")]
    assert rows(view, {**PATIENT, "telecom": []}) == [("A", None), ("B", None)]


def test_a_decimal_keeps_its_digits() -> None:
    """70.10 is 70.10 in the row."""
    view = {"resource": "Observation", "select": [{"column": [{"name": "kg", "path": "value.ofType(Quantity).value"}]}]}
    (row,) = rows(view, WEIGHT)
    assert row == (Decimal("70.10"),)
    assert str(row[0]) == "70.10"


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"resource": "Patient", "select": []},
        {"resource": "Patient", "select": [{"forEach": "@@"}]},
        {"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}, {"name": "a", "path": "id"}]}]},
        {"resource": "Patient", "select": [{"column": [{"name": "family", "path": "name.family"}]}]},
        {"resource": "Patient", "where": [{"path": "name.family.first()"}], "select": [{"column": [{"name": "id", "path": "id"}]}]},
    ],
)
def test_what_is_no_view_is_refused(view: dict[str, object]) -> None:
    """No view is answered by fewer rows than it means."""
    with pytest.raises(ViewError):
        rows(view, PATIENT)


@pytest.mark.corpora
def test_the_fhirpath_suite_holds(corpora: Path) -> None:
    """Every case passes or stands in the list of exclusions with its reason."""
    result = run("fhirpath-r4", corpora)
    assert result.failed == {}
    assert len(result.passed) > 900


@pytest.mark.corpora
def test_the_view_suite_holds_without_java(corpora: Path) -> None:
    """All 134 cases on the evaluator and on DuckDB."""
    result = sql_on_fhir_v2.run(corpora, ("reference", "duckdb"))
    assert result.failed == {}
    assert result.measures == {"reference": "134 of 134", "duckdb": "134 of 134"}


@pytest.mark.corpora
@pytest.mark.long
def test_the_view_suite_holds_on_spark(corpora: Path) -> None:
    """All 134 cases on Spark."""
    result = sql_on_fhir_v2.run(corpora, ("spark",))
    assert result.failed == {}
    assert result.measures == {"spark": "134 of 134"}
