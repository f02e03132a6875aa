"""Broken deliveries by the thousand: no crash, no hang, no byte lost, the same answer twice. The quick suites run a few hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.fhir import FhirFormat
from trivet.integration.formats.table import TableFormat
from trivet.integration.formats.x12 import X12Format
from trivet.testing.kits.format import FormatKit

GOLDEN = Path(__file__).parents[1] / "golden"
HEADER = b"DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,QUANTITY\n"
ROWS = HEADER + b'2026-01-02,p,e,409534002,"Mask, ""full""",2\n2026-01-03,q,f,713779008,Glove,x\n' * 8
SAMPLES: dict[str, tuple[Format, list[bytes]]] = {
    "x12": (X12Format(), [path.read_bytes() for path in sorted((GOLDEN / "x12").glob("*.edi"))]),
    "fhir": (FhirFormat(), [path.read_bytes() for path in sorted((GOLDEN / "fhir").glob("*.json"))]),
    "csv": (TableFormat(), [ROWS, ROWS.replace(b",", b";").replace(b"\n", b"\r\n")]),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SAMPLES)
def test_thousands_of_broken_deliveries_are_kept_and_answered(name: str) -> None:
    """Four thousand of each format, every one cut and translated, whole and in its units."""
    form, samples = SAMPLES[name]
    FormatKit(form, SourceProfile("fuzz", zone="UTC"), related=lambda span, value, text: True).torture(samples, rounds=4000, seed=2026)
