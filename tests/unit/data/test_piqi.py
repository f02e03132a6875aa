"""The PIQI rubric: each module passes and fails as its name says, prerequisites decide first, and every score opens into its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omop_records import LOINC, SNOMED, coded, patient, record, vocabulary
from trivet.data.omop.rules import read_rules
from trivet.data.piqi import assess, read_rubric, sams
from trivet.data.piqi.modules import MODULES, Around
from trivet.kernel.errors import NotFound, Usage
from trivet.wiring.piqi import score_files

TODAY = "2026-03-01"
LABORATORY = [coded("urn:c", "laboratory")]


def around(known: bool = False) -> Around:
    """A day, and the small vocabulary or none."""
    return Around(TODAY, vocabulary() if known else None, read_rules().systems)


def outcomes(one: dict[str, Any], known: bool = False) -> dict[str, tuple[bool | None, str]]:
    """Criterion -> passed and the module that decided."""
    return {found.criterion.name: (found.passed, found.sam) for found in assess(one, read_rubric(), around(known))}


def lab(code: str = "2160-0", value: Any = 1.1, unit: str = "mg/dL", **more: Any) -> dict[str, Any]:
    """A creatinine, complete."""
    said = {
        "code": coded(LOINC, code, display="creatinine"),
        "category": LABORATORY,
        "status": "final",
        "effectiveDateTime": "2026-02-01T08:00:00Z",
    }
    return record("Observation", "o", valueQuantity={"value": value, "unit": unit}, **said | more)


def test_every_module_has_code_and_every_criterion_a_module() -> None:
    """The table of modules, the code and the rubric name the same things."""
    assert set(sams()) == set(MODULES)
    assert {one.prerequisite for one in sams().values()} - {""} <= set(MODULES)
    assert {one.sam for one in read_rubric()} <= set(MODULES)


@pytest.mark.parametrize(
    ("sam", "passing", "failing", "parameter"),
    [
        ("Attr_IsNumeric", 1.5, "high", ""),
        ("Attr_IsInteger", 2, 2.5, ""),
        ("Attr_IsPositiveNumber", 1, 0, ""),
        ("Attr_IsNegativeNumber", -1, 1, ""),
        ("Attr_IsDate", "2020-02", "2020-02-30", ""),
        ("Attr_IsPastDate", TODAY, "2026-03-02", ""),
        ("Attr_IsFutureDate", "2026-03-02", TODAY, ""),
        ("Attr_IsTime", "08:00", "25:00", ""),
        ("Attr_IsTimestamp", "2020-01-01T08:00:00", "2020-01-01", ""),
        ("Attr_IsTimestampTz", "2020-01-01T08:00:00Z", "2020-01-01T08:00:00", ""),
        ("Attr_MatchesRegex", "ab", "abc", "[a-z]{2}"),
        ("Attr_InList", "male", "M", "male|female"),
        ("Concept_HasCode", coded("", "x"), {"text": "x"}, ""),
        ("Concept_HasCodeSystem", coded("urn:a", "x"), coded("", "x"), ""),
        ("Concept_HasDisplay", coded("urn:a", "x", display="X"), coded("urn:a", "x"), ""),
        ("Concept_HasRecognizedCodeSystem", coded(LOINC, "x"), coded("urn:local", "x"), ""),
        ("Concept_IsComplete", coded(LOINC, "x", display="X"), coded(LOINC, "x"), ""),
        ("Concept_IsValidMember", coded(LOINC, "l1"), coded(SNOMED, "d1"), LOINC),
        ("Concept_IsValid", coded(SNOMED, "d1"), coded(SNOMED, "nowhere"), ""),
        ("Concept_IsActive", coded(SNOMED, "d1"), coded(SNOMED, "d3"), ""),
        ("RangeValue_IsComplete", {"low": {"value": 1}, "high": {"value": 2}}, {"low": {"value": 1}}, ""),
        ("RangeValue_IsValid", {"low": {"value": 1}, "high": {"value": 2}}, {"low": {"value": 3}, "high": {"value": 2}}, ""),
    ],
)
def test_modules_pass_and_fail(sam: str, passing: Any, failing: Any, parameter: str) -> None:
    """One value that passes and one that does not, for each module."""
    assert MODULES[sam]([passing], parameter, {}, around(True)) is True
    assert MODULES[sam]([failing], parameter, {}, around(True)) is False


def test_a_complete_result_passes_everything_that_can_be_told() -> None:
    """A good result fails nothing; without a vocabulary the questions about codes are skips, never passes."""
    told = outcomes(lab())
    assert {name for name, (passed, _) in told.items() if passed is False} == set()
    assert {name for name, (passed, _) in told.items() if passed is None} == {"lab.test.valid", "lab.test.active"}
    assert outcomes(lab(), known=True)["lab.test.valid"][0] is False  # 2160-0 is not in the small vocabulary


def test_units_and_values_are_judged_by_the_test() -> None:
    """A unit of another kind is implausible and decides for the value; an impossible value fails alone."""
    assert outcomes(lab(unit="mm[Hg]"))["lab.value.plausible"] == (False, "LabResult_UnitIsPlausible")
    assert outcomes(lab(value=999))["lab.value.plausible"] == (False, "LabResult_ValueIsPlausible")
    assert outcomes(lab(unit="bananas"))["lab.unit"] == (False, "LabResult_UnitIsValid")
    assert outcomes(lab(code="l1"))["lab.value.plausible"][0] is None


def test_a_prerequisite_fails_in_its_own_name_and_a_condition_counts_nothing() -> None:
    """A missing birth date fails as not populated; a criterion whose condition does not hold is not there at all."""
    told = outcomes(patient(birthDate=None))
    assert told["demographics.birthDate"] == (False, "Attr_IsPopulated")
    assert "demographics.deceased" not in told
    assert "lab.value.numeric" not in outcomes(lab() | {"valueQuantity": None})


def test_scores_open_into_rows(tmp_path: Path) -> None:
    """Passed over performed by source, critical failures, failures by dimension, and the records behind a criterion."""
    good, bad = lab(), lab(value="n/a", effectiveDateTime="2030-01-01") | {"id": "bad"}
    lines = [patient(birthDate="2031-01-01", name=[{"family": "F"}], identifier=[{"value": "1"}]), good, bad]
    (tmp_path / "feed.ndjson").write_text("\n".join(map(json.dumps, lines)))
    answer = score_files([tmp_path / "feed.ndjson"], TODAY)
    [score] = answer["sources"].values()
    failed = {row["criterion"]: row["rows"] for row in score["criteria"] if row["fail"]}
    assert failed["lab.effective.past"] == ["Observation/bad"]
    assert failed["demographics.birthDate.past"] == ["Patient/p"]
    assert (score["records"], score["critical_failures"]) == (3, 1)
    assert score["performed"] - score["passed"] == sum(score["dimensions"].values())
    assert score["index"] == round(100 * score["passed"] / score["performed"], 2)
    opened = score_files([tmp_path / "feed.ndjson"], TODAY, opened="lab.effective.past")
    assert [row["record"] for row in opened["rows"]] == ["Observation/bad"]
    with pytest.raises(NotFound):
        score_files([tmp_path / "feed.ndjson"], TODAY, opened="nothing")


def test_a_rubric_that_names_an_unknown_module_is_refused(tmp_path: Path) -> None:
    """A criterion without its module is an error of the file, not a criterion that never fails."""
    (tmp_path / "own.csv").write_text(
        "criterion,class,resource,entity,path,when,sam,parameter,effect,weight,critical\na,b,Patient,c,d,,Nope,,scoring,1,no\n"
    )
    with pytest.raises(Usage):
        read_rubric(tmp_path / "own.csv")
