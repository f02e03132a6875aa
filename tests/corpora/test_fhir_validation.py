"""The external suite of FHIR resources with the outcomes of the reference validator."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.wiring import suites
from trivet.wiring.suites.fhir_validation_r4 import BAR


@pytest.mark.corpora
def test_refused_where_the_reference_refuses_and_nowhere_else(corpora: Path) -> None:
    """No false refusal, and over the bar of what the reference refuses, at the same element."""
    result = suites.run("fhir-validation-r4", corpora)
    assert result.measures["false_refusals"] == 0
    assert result.measures["share"] >= BAR
    assert result.failed == {}
