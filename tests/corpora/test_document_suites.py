"""The external suites of clinical documents: one patient out of many products, and documents with the bundles of another converter."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.contracts.suite import SuiteResult
from trivet.wiring import suites
from trivet.wiring.suites.ccda_half import BAR, ccda_half


@pytest.mark.corpora
def test_one_patient_out_of_many_products(corpora: Path) -> None:
    """Every document is read or quarantined with its place, and every one read names the five problems."""
    result = suites.run("ccda-one-patient-40-ehrs", corpora)
    assert result.failed == {}
    assert len(result.passed) == result.measures["documents"] > 0
    assert result.measures["elements"]["uncovered"] < sum(result.measures["elements"].values()) * 0.05


@pytest.mark.corpora
def test_documents_hold_what_their_bundles_say(corpora: Path) -> None:
    """Recall of facts over the bar, no document broken, every class of difference with its reason."""
    result = SuiteResult("pairs")
    ccda_half(corpora / "hl7v2-and-ccda-to-fhir-pairs", result)
    assert result.failed == {}
    assert result.measures["ccda"]["recall"] >= BAR
    assert "not looked at" not in result.measures["ccda"]["misses"]
