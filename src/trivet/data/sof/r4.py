"""FHIR R4's element types, from the approved table."""

from __future__ import annotations

import csv
import io
from functools import cache

from trivet.kernel.fhirpath import Types
from trivet.kernel.resources import text

__all__ = ["r4_types"]


@cache
def r4_types() -> Types:
    """FHIR R4's element types."""
    return Types(csv.DictReader(io.StringIO(text("trivet.maps", "fhir", "elements.csv"))))
