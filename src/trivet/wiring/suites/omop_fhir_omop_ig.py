"""The numbered statements of HL7's FHIR to OMOP guide: each has a test, a place in the documentation, or a reason why it is not for us.

The account is `maps/omop/statements.csv`. A statement without a row, or a row without a statement, fails.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from trivet.contracts.suite import SuiteResult
from trivet.kernel.jsontext import loads
from trivet.kernel.resources import text

__all__ = ["account", "run"]

SUITE = "omop-fhir-omop-ig"
ANSWERS = ("test", "document", "reason")


def account() -> list[dict[str, str]]:
    """The rows: statement, answer (test, document, reason), what."""
    return list(csv.DictReader(text("trivet.maps", "omop", "statements.csv").splitlines()))


def run(corpora: Path) -> SuiteResult:
    """Every statement of the guide against the account."""
    held = loads((corpora / SUITE / "Requirements-fromNarrative.json").read_bytes())
    asked = [statement["key"] for statement in held["statement"]]
    rows = {row["statement"]: row for row in account()}
    result = SuiteResult(SUITE)
    for key in asked:
        row = rows.pop(key, None)
        if row is None or row["answer"] not in ANSWERS or not row["what"]:
            result.failed[key] = "nothing answers it"
        elif row["answer"] == "reason":
            result.excluded[key] = row["what"]
        else:
            result.passed.append(key)
    result.failed |= dict.fromkeys(rows, "no statement of the guide")
    result.measures = {"answers": dict(Counter(row["answer"] for row in account())), "statements": len(asked)}
    return result
