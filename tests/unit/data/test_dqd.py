"""OHDSI's checks over small OMOP databases: every check type finds its planted fault, counts it, and judges it afterwards."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from trivet.data.dqd import read_plan
from trivet.data.dqd.plan import check_types
from trivet.data.omop.model import cdm
from trivet.kernel.errors import NotFound, Usage
from trivet.kernel.resources import listing
from trivet.wiring.dqd import open_check, rejudge, run_checks

TODAY = "2026-03-01"
CONCEPTS = [
    # id, domain, class, standard, invalid reason
    (8507, "Gender", "Gender", "S", None),
    (8532, "Gender", "Gender", "S", None),
    (9201, "Visit", "Visit", "S", None),
    (26662, "Condition", "Disorder", "S", None),
    (71, "Condition", "Disorder", None, "D"),
    (72, "Drug", "Brand", "S", None),
    (3000483, "Measurement", "Lab Test", "S", None),
    (8840, "Unit", "Unit", "S", None),
    (8576, "Unit", "Unit", "S", None),
    (0, "Metadata", "Undefined", None, None),
]


def filled(name: str, **values: Any) -> dict[str, Any]:
    """A row of a table: what is not said is empty."""
    return {column: values.get(column) for column in cdm()[name].names}


def person(number: int, gender: int = 8507, year: int | None = 1960, **more: Any) -> dict[str, Any]:
    """A person."""
    return filled(
        "person", person_id=number, gender_concept_id=gender, year_of_birth=year, race_concept_id=0, ethnicity_concept_id=0, **more
    )


def visit(number: int, who: int, start: str, end: str) -> dict[str, Any]:
    """A visit."""
    dates = {"visit_start_date": start, "visit_end_date": end}
    return filled("visit_occurrence", visit_occurrence_id=number, person_id=who, visit_concept_id=9201, visit_type_concept_id=0, **dates)


def condition(number: int, who: int, concept: int, start: str, **more: Any) -> dict[str, Any]:
    """A condition."""
    said = {"condition_start_date": start, "condition_type_concept_id": 0, "condition_source_value": f"c{concept}"} | more
    return filled("condition_occurrence", condition_occurrence_id=number, person_id=who, condition_concept_id=concept, **said)


def period(number: int, who: int, start: str, end: str) -> dict[str, Any]:
    """An observation period."""
    dates = {"observation_period_start_date": start, "observation_period_end_date": end}
    return filled("observation_period", observation_period_id=number, person_id=who, period_type_concept_id=0, **dates)


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """One table as a CSV file, named as OHDSI does."""
    with (folder / f"{name.upper()}.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(cdm()[name].names))
        out.writeheader()
        out.writerows(rows)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A database with one fault or more for each kind of check."""
    concepts = [
        filled("concept", concept_id=number, domain_id=domain, concept_class_id=kind, standard_concept=standard, invalid_reason=invalid)
        for number, domain, kind, standard, invalid in CONCEPTS
    ]
    write(tmp_path, "concept", concepts)
    write(tmp_path, "concept_ancestor", [filled("concept_ancestor", ancestor_concept_id=4090861, descendant_concept_id=26662)])
    write(tmp_path, "person", [person(1), person(2, 8532, 1800), person(3, 8532, None), person(3)])
    write(tmp_path, "death", [filled("death", person_id=1, death_date="2020-01-01")])
    write(tmp_path, "observation_period", [period(1, 1, "2010-01-01", "2012-01-01"), period(2, 1, "2012-01-02", "2015-01-01")])
    write(tmp_path, "visit_occurrence", [visit(1, 1, "2019-05-01", "2019-05-03"), visit(2, 9, "2030-01-01", "2019-01-01")])
    conditions = [
        condition(1, 1, 26662, "2020-06-01", visit_occurrence_id=1),  # after death, outside its visit, of the other sex
        condition(2, 1, 71, "1950-01-01"),  # not standard, before birth
        condition(3, 2, 72, "2019-01-01", condition_end_date="2018-01-01"),  # another domain, ends before it starts
        condition(4, 2, 0, "2019-01-01"),  # unmapped
    ]
    write(tmp_path, "condition_occurrence", conditions)
    write(tmp_path, "condition_era", [filled("condition_era", condition_era_id="1.5", person_id=1)])
    write(tmp_path, "drug_era", [filled("drug_era", drug_era_id=1, person_id=1, drug_concept_id=72)])
    unit = {"value_as_number": 5.5, "unit_source_value": "mg/dL", "measurement_date": "2019-05-02", "measurement_type_concept_id": 0}
    measured = [
        filled("measurement", measurement_id=number, person_id=1, measurement_concept_id=3000483, unit_concept_id=concept, **unit)
        for number, concept in enumerate((8840, 9201, 0), 1)
    ]
    write(tmp_path, "measurement", measured)
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    return tmp_path


def by_id(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Results by check."""
    return {row["id"]: row for row in answer["results"]}


def test_the_plan_is_the_dashboards() -> None:
    """CDM 5.4 makes 2,535 checks of 27 types, each with an id of its own, each with its statement."""
    plan = read_plan()
    assert len(plan) == 2535
    assert len({check.id for check in plan}) == 2535
    assert len({check.name for check in plan}) == 27
    kinds = check_types()
    assert {f"{kind['sql']}.sql" for kind in kinds} == set(listing("trivet.data", "sql/dqd", ".sql"))
    assert {f"{kind['denominator']}.sql" for kind in kinds} == set(listing("trivet.data", "sql/dqd/denominators", ".sql"))


def test_every_check_type_finds_its_fault(faulty: Path) -> None:
    """Counts of rows that break a check, of rows it speaks of, and the keys of the rows, by hand."""
    found = by_id(run_checks(faulty, TODAY))
    expected = {
        "table_cdmtable_note": (1, 1),
        "table_cdmtable_person": (0, 1),
        "table_measurepersoncompleteness_visit_occurrence": (3, 4),
        "table_measureconditioneracompleteness_condition_era": (1, 2),
        "table_measureobservationperiodoverlap_observation_period": (1, 1),
        "field_cdmfield_person_person_id": (0, 1),
        "field_isrequired_person_year_of_birth": (1, 4),
        "field_cdmdatatype_condition_era_condition_era_id": (1, 1),
        "field_isprimarykey_person_person_id": (2, 4),
        "field_isforeignkey_visit_occurrence_person_id": (1, 2),
        "field_fkdomain_condition_occurrence_condition_concept_id": (1, 4),
        "field_fkclass_drug_era_drug_concept_id": (1, 1),
        "field_isstandardvalidconcept_condition_occurrence_condition_concept_id": (1, 4),
        "field_measurevaluecompleteness_condition_occurrence_condition_end_date": (3, 4),
        "field_standardconceptrecordcompleteness_condition_occurrence_condition_concept_id": (1, 4),
        "field_standardconceptrecordcompleteness_measurement_unit_concept_id": (1, 3),
        "field_sourcevaluecompleteness_condition_occurrence_condition_source_value": (1, 4),
        "field_plausiblevaluelow_person_year_of_birth": (1, 3),
        "field_plausiblevaluehigh_visit_occurrence_visit_start_date": (1, 2),
        "field_plausibletemporalafter_condition_occurrence_condition_end_date": (1, 4),
        "field_plausibletemporalafter_condition_occurrence_condition_start_date": (1, 4),
        "field_plausibleduringlife_condition_occurrence_condition_start_date": (1, 2),
        "field_withinvisitdates_condition_occurrence_condition_start_date": (1, 1),
        "field_plausibleafterbirth_condition_occurrence_condition_start_date": (1, 4),
        "field_plausiblebeforedeath_condition_occurrence_condition_start_date": (1, 2),
        "field_plausiblestartbeforeend_visit_occurrence_visit_start_date": (1, 2),
        "concept_plausiblegender_condition_occurrence_condition_concept_id_26662": (0, 1),
        "concept_plausibleunitconceptids_measurement_measurement_concept_id_3000483": (2, 3),
    }
    measured = {name: (found[name]["failing"], found[name]["total"]) for name in expected}
    assert measured == expected
    assert found["field_plausiblestartbeforeend_visit_occurrence_visit_start_date"]["keys"] == [2]
    assert {row["verdict"] for row in found.values()} >= {"pass", "fail", "pass-with-violations", "not-applicable", "error"}


def test_a_check_that_cannot_run_is_an_error_and_what_is_not_there_is_not_applicable(faulty: Path) -> None:
    """A foreign key into a table that is not there is an error; a check of a table that is not there is not applicable: neither passes."""
    found = by_id(run_checks(faulty, TODAY))
    assert found["field_isforeignkey_condition_occurrence_provider_id"]["verdict"] == "error"
    assert found["field_isrequired_note_note_id"]["verdict"] == "not-applicable"
    empty = by_id(run_checks(faulty, TODAY, empty=True))
    assert found["table_cdmtable_note"]["verdict"] == "fail"
    assert empty["table_cdmtable_note"]["verdict"] == "pass"
    assert Counter(row["state"] for row in empty.values()) == {"measured": 2535}


def test_thresholds_are_applied_after_measuring(faulty: Path, tmp_path: Path) -> None:
    """Another threshold over an old report changes the verdict and runs nothing: the database is gone by then."""
    before = run_checks(faulty, TODAY)
    name = "field_plausiblevaluelow_person_year_of_birth"
    assert by_id(before)[name]["verdict"] == "fail"
    report, own = tmp_path / "report.json", tmp_path / "own"
    report.write_text(json.dumps(before, default=str))
    own.mkdir()
    for level in ("table", "field", "concept"):
        source = Path(__file__).parents[3] / f"src/trivet/maps/dqd/{level}_level.csv"
        rows = list(csv.DictReader(source.read_text().splitlines()))
        for row in rows:
            if (row["cdmTableName"], row.get("cdmFieldName")) == ("PERSON", "year_of_birth"):
                row["plausibleValueLowThreshold"] = "40"
        with (own / f"OMOP_CDMv5.4_{level.title()}_Level.csv").open("w", newline="") as file:
            out = csv.DictWriter(file, list(rows[0]))
            out.writeheader()
            out.writerows(rows)
    for file in faulty.glob("*.csv"):
        file.unlink()
    after = by_id(rejudge(report, own))[name]
    assert (after["verdict"], after["failing"], after["total"]) == ("pass-with-violations", 1, 3)


def test_a_failing_check_opens_into_its_rows(faulty: Path) -> None:
    """The rows that break a check come whole, and an unknown check is not an empty list."""
    rows = open_check(faulty, "field_isforeignkey_visit_occurrence_person_id", TODAY, None, 10)
    assert [(row["visit_occurrence_id"], row["person_id"]) for row in rows] == [(2, 9)]
    with pytest.raises(NotFound):
        open_check(faulty, "field_nothing", TODAY, None, 10)


def test_later_stages_say_that_they_were_not_run(faulty: Path) -> None:
    """Staged, nothing of logic or analysis runs over a database whose structure fails, and each check says so."""
    answer = run_checks(faulty, TODAY, staged=True)
    assert answer["stages"]["structure"]["fail"] > 0
    later = [row for row in answer["results"] if row["stage"] != "structure"]
    assert {(row["verdict"], row["why"]) for row in later} == {("not-run", "not run: structure failed")}


def test_a_header_that_became_a_row_is_found(tmp_path: Path) -> None:
    """A DuckDB table without column names over a row of names is named as such; a table with real columns is not."""
    made = duckdb.connect(str(tmp_path / "cdm.duckdb"))
    made.execute("create table death as select 'PERSON_ID' as column0, 'DEATH_DATE' as column1")
    made.execute("create table person as select 1 as PERSON_ID, 8507 as GENDER_CONCEPT_ID")
    made.close()
    answer = run_checks(tmp_path / "cdm.duckdb", TODAY)
    assert [(row["finding"], row["table"]) for row in answer["findings"]] == [("header-is-a-row", "death")]
    assert by_id(answer)["field_cdmfield_death_person_id"]["verdict"] == "fail"


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """An empty folder, a file that is no database, a report that is none: each says what it is not."""
    with pytest.raises(NotFound):
        run_checks(tmp_path, TODAY)
    (tmp_path / "x.duckdb").write_text("no")
    with pytest.raises(Usage):
        run_checks(tmp_path / "x.duckdb", TODAY)
    with pytest.raises(Usage):
        rejudge(tmp_path / "x.duckdb", None)
