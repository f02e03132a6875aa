"""Suite hl7v2-simulated-stream: one day of a simulated hospital's traffic, more than a thousand messages in one file."""

from __future__ import annotations

from pathlib import Path

from trivet.contracts.profile import SourceProfile
from trivet.contracts.suite import SuiteResult
from trivet.integration.formats.hl7v2 import Hl7v2Format
from trivet.wiring.suites.hl7v2_cases import Account, check

__all__ = ["run"]

SUITE = "hl7v2-simulated-stream"
PROFILE = SourceProfile("simulated", zone="Europe/London")


def run(corpora: Path) -> SuiteResult:
    """Every message read, written back byte-identical, translated without a reject, and accounted for."""
    result, account = SuiteResult(SUITE), Account()
    for path in sorted((corpora / SUITE).rglob("*.out")):
        for number, unit in enumerate(Hl7v2Format().split(path.read_bytes())):
            case = f"{path.name}#{number}"
            _, wrong = check(unit.raw, PROFILE, account)
            if wrong:
                result.failed[case] = wrong
            else:
                result.passed.append(case)
    result.measures = account.as_dict()
    if account.rejects:
        result.failed["rejects"] = f"{account.rejects} parts of sound messages were refused"
    return result
