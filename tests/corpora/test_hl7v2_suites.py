"""The external suites of HL7 v2: what is expected is found, every span re-reads, every element and every published row is accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.contracts.suite import SuiteResult
from trivet.wiring import suites
from trivet.wiring.suites.hl7v2_and_ccda_to_fhir_pairs import hl7v2_half


@pytest.mark.corpora
def test_rules_of_data_types_and_segments(corpora: Path) -> None:
    """Recall well over the bar, no span that says something else than its bytes, every class of missed facts with its reason."""
    result = suites.run("hl7v2-fhir-mapping-inventory", corpora)
    assert result.failed == {}
    assert result.measures["recall"] > 0.95
    assert "not looked at" not in result.measures["misses"]


@pytest.mark.corpora
def test_messages_of_many_kinds(corpora: Path) -> None:
    """The same for whole messages of a production converter's samples."""
    result = SuiteResult("pairs")
    hl7v2_half(corpora / "hl7v2-and-ccda-to-fhir-pairs", result)
    assert result.failed == {}
    assert result.measures["hl7v2"]["recall"] > 0.9
    assert "not looked at" not in result.measures["hl7v2"]["misses"]


@pytest.mark.corpora
def test_every_published_row_is_answered_for(corpora: Path) -> None:
    """Message, segment, data type and code system maps: implemented, overridden or not done, each with its place or reason."""
    result = suites.run("hl7-v2-to-fhir-official-maps", corpora)
    assert result.failed == {}
    assert len(result.passed) > 1800
