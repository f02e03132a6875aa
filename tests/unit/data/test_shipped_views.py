"""The views that ship: each over a resource of its type, its rows as they were read and approved, the same from every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from trivet.data.engines.duck_views import DuckViews
from trivet.data.engines.views import ReferenceViews
from trivet.data.sof.results import rows
from trivet.kernel.jsontext import dumps, loads
from trivet.wiring.viewing import shipped

US_CORE = {
    *("Patient", "Encounter", "Condition", "Observation", "AllergyIntolerance", "MedicationRequest", "Immunization", "Procedure"),
    *("DiagnosticReport", "DocumentReference", "CarePlan", "CareTeam", "Goal", "Device", "Coverage", "Organization", "Practitioner"),
    *("PractitionerRole", "Location", "Provenance", "RelatedPerson", "Specimen", "ServiceRequest", "Medication", "MedicationDispense"),
    "QuestionnaireResponse",
}


@pytest.fixture(scope="module")
def texts(root: Path) -> pa.Table:
    """One resource of each type, as text."""
    return pa.table({"raw": (root / "tests/golden/views/resources.ndjson").read_text().splitlines()})


@pytest.fixture(scope="module")
def approved(root: Path) -> Any:
    """The rows of each view, by column name, nothing left out but what is empty."""
    return loads((root / "tests/golden/views/rows.json").read_bytes())


@pytest.fixture(scope="module")
def engines(texts: pa.Table) -> Iterator[tuple[DuckViews, ReferenceViews]]:
    """DuckDB and the evaluator, both with the resources."""
    engine, reference = DuckViews(threads=1), ReferenceViews()
    for one in (engine, reference):
        one.records("records", table=texts)
    yield engine, reference
    engine.close()


def found(engine: Any, view: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows by column name without what is empty."""
    table = engine.view(view)
    return [{name: value for name, value in zip(table.column_names, row, strict=True) if value is not None} for row in rows(table)]


def test_there_is_a_view_for_every_resource_of_us_core(approved: Any) -> None:
    """Nobody has to write the views that everybody needs."""
    assert {view["resource"] for view in shipped().values()} == US_CORE
    assert set(approved) == set(shipped())


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_view_gives_the_approved_rows(name: str, engines: tuple[DuckViews, ReferenceViews], approved: Any) -> None:
    """DuckDB and the evaluator give the same rows, digit for digit, and every column that the fixture fills is in them."""
    engine, reference = engines
    assert engine.compile(shipped()[name]).fallback == ""
    mine = found(engine, shipped()[name])
    assert sorted(map(dumps, mine)) == sorted(map(dumps, found(reference, shipped()[name])))
    assert sorted(map(dumps, mine)) == sorted(map(dumps, approved[name]))
