"""Suite hl7v2-and-ccda-to-fhir-pairs: messages and documents of many kinds, with the bundles of a production converter.

Two halves: HL7 v2 here, C-CDA in `ccda_half`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from trivet.contracts.profile import SourceProfile
from trivet.contracts.suite import SuiteResult
from trivet.wiring.suites.ccda_half import ccda_half
from trivet.wiring.suites.facts import Tally, facts_of, resources_in
from trivet.wiring.suites.hl7v2_cases import Account, check, report

__all__ = ["HALVES", "expected_bundles", "hl7v2_half", "run"]

SUITE = "hl7v2-and-ccda-to-fhir-pairs"
PROFILE = SourceProfile(
    "pairs",
    system="http://example.com/v2-to-fhir-converter",
    options={
        "identifier_system": "{base}/Identifier/{name}",
        "code_system": "{base}/CodeSystem/{name}",
        "primary_is_preferred": True,
        "ssn_type": "SB",
        "length_unit": "d",
        "requester_role": True,
        "procedure_status": "unknown",
        "receiver_country": True,
        "location_trail": "--",
        "order_specimen": True,
    },
)


def expected_bundles(folder: Path, kind: str) -> dict[str, Path]:
    """Expected bundles by the name of their input; `kind` is `Hl7v2` or `Ccda`."""
    return {
        path.name.removesuffix("-expected.json"): path
        for path in folder.rglob("*-expected.json")
        if f"/Expected/{kind}/" in path.as_posix()
    }


def hl7v2_half(folder: Path, result: SuiteResult) -> None:
    """The HL7 v2 messages: all converted, facts compared where a bundle is given."""
    tally, account = Tally(), Account()
    bundles = expected_bundles(folder, "Hl7v2")
    for path in sorted((folder / "data/SampleData/Hl7v2").glob("*.hl7")):
        records, wrong = check(path.read_bytes(), PROFILE, account)
        if wrong:
            result.failed[path.name] = wrong
            continue
        if path.stem in bundles:
            wanted = facts_of(resources_in(json.loads(bundles[path.stem].read_text(encoding="utf-8-sig"))))
            tally.add(path.name, wanted, facts_of(records))
        result.passed.append(path.name)
    half = report(SuiteResult(SUITE), SUITE, tally, account, bar=0.85)
    result.measures["hl7v2"] = half.measures
    result.failed.update({f"hl7v2 {name}": why for name, why in half.failed.items()})


HALVES: list[Callable[[Path, SuiteResult], None]] = [hl7v2_half, ccda_half]


def run(corpora: Path) -> SuiteResult:
    """Both halves, one result; measures of each under its name."""
    result = SuiteResult(SUITE)
    for half in HALVES:
        half(corpora / SUITE, result)
    return result
