"""Suite ccda-one-patient-40-ehrs: one test patient as many products export it; the same facts must come out of every document."""

from __future__ import annotations

import time
from pathlib import Path

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.contracts.suite import SuiteResult
from trivet.integration.formats.ccda import CcdaFormat
from trivet.wiring.suites.ccda_half import account, checked

__all__ = ["run"]

SUITE = "ccda-one-patient-40-ehrs"
PROFILE = SourceProfile("ehr", "ccda", zone="America/New_York")
BORN = "1970-05-01"
PROBLEMS = frozenset(("59621000", "83986005", "236578006", "238131007", "386661006"))
ALLERGENS = frozenset(("7980", "733"))
SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
MOST_ALLERGENS, OTHER_BIRTH_DATES = 0.5, 2


def _codes(told: Translation, kind: str, system: str) -> set[str]:
    return {
        coding["code"]
        for record in told.records
        if record.resource["resourceType"] == kind
        for coding in record.resource.get("code", {}).get("coding", ())
        if coding.get("system") == system
    }


def _wrong(told: Translation) -> str:
    """What is missing of the facts that every document must give."""
    if not told.records:
        return "" if told.rejects and all(reject.locator for reject in told.rejects) else "neither read nor quarantined with a place"
    missing = PROBLEMS - _codes(told, "Condition", SNOMED)
    return f"problems missing: {', '.join(sorted(missing))}" if missing else ""


def run(corpora: Path) -> SuiteResult:
    """Every document read or quarantined with its place, its problems all there; birth date and allergens counted over all."""
    result, told, spent = SuiteResult(SUITE), [], 0.0
    births, allergens = 0, 0
    for path in sorted((corpora / SUITE).rglob("*.xml")):
        raw, case = path.read_bytes(), path.relative_to(corpora / SUITE).as_posix()
        begun = time.process_time()
        CcdaFormat().translate(raw, PROFILE)
        spent += time.process_time() - begun
        done, broken = checked(raw, PROFILE)
        wrong = broken or _wrong(done)
        if wrong:
            result.failed[case] = wrong
        else:
            result.passed.append(case)
        told.append(done)
        patients = [record.resource for record in done.records if record.resource["resourceType"] == "Patient"]
        births += any(patient.get("birthDate") == BORN for patient in patients)
        allergens += _codes(done, "AllergyIntolerance", RXNORM) >= ALLERGENS
    result.measures = account(told, spent) | {"birth_date_as_written_down": births, "both_allergens": allergens}
    if births < len(told) - OTHER_BIRTH_DATES:
        result.failed["birth date"] = f"{births} of {len(told)} documents"
    if allergens < len(told) * MOST_ALLERGENS:
        result.failed["allergens"] = f"{allergens} of {len(told)} documents"
    return result
