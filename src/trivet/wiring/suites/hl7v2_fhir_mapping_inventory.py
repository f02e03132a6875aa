"""Suite hl7v2-fhir-mapping-inventory: one message per data type or segment rule, with the bundle of a public health gateway.

The profile says what that gateway's site would say: its identifiers and codes carry bare names for systems, its OIDs come without
the `urn:oid:` in front, a namespace is preferred to a universal id, and records stand even where the message says nothing of them.
"""

from __future__ import annotations

import json
from pathlib import Path

from trivet.contracts.profile import SourceProfile
from trivet.contracts.suite import SuiteResult
from trivet.wiring.suites.facts import Tally, facts_of, resources_in
from trivet.wiring.suites.hl7v2_cases import Account, check, report

__all__ = ["run"]

SUITE = "hl7v2-fhir-mapping-inventory"
PROFILE = SourceProfile(
    "inventory",
    options={
        "identifier_system": "{name}",
        "code_system": "{name}",
        "bare_oids": True,
        "namespace_first": True,
        "mend": False,  # their systems are bare names and OIDs, which R4 does not admit: compared as written
        "shells": True,
        "transformer_name": "CDC PRIME - Atlanta",
        "transformer_oid": "2.16.840.1.114222.4.1.237821",
    },
)


def run(corpora: Path) -> SuiteResult:
    """Every message read, written, translated and accounted for; facts compared where a bundle is given."""
    result, tally, account = SuiteResult(SUITE), Tally(), Account()
    folder = corpora / SUITE
    for path in sorted(folder.rglob("*.hl7")):
        case = path.relative_to(folder).as_posix()
        records, wrong = check(path.read_bytes(), PROFILE, account)
        expected = path.with_suffix(".fhir")
        if wrong:
            result.failed[case] = wrong
            continue
        if expected.exists():
            wanted = facts_of(resources_in(json.loads(expected.read_text(encoding="utf-8-sig"))))
            tally.add(case, wanted, facts_of(records))
        result.passed.append(case)
    return report(result, SUITE, tally, account, bar=0.85)
