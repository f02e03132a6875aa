"""C-CDA with elements taken out and attributes emptied or spoilt: nothing is lost, and what comes out is FHIR R4 all the same."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.ccda import CcdaFormat
from trivet.integration.validation import Validator
from trivet.testing.kits.format import FormatKit

for prefix, uri in (("", "urn:hl7-org:v3"), ("sdtc", "urn:hl7-org:sdtc"), ("xsi", "http://www.w3.org/2001/XMLSchema-instance")):
    ElementTree.register_namespace(prefix, uri)
SUMMARY = (Path(__file__).parents[1] / "golden/ccda/summary.xml").read_bytes()
KIT = FormatKit(CcdaFormat(), SourceProfile("any", zone="UTC"), related=lambda span, value, text: True)
JUDGE = Validator()
SPOILT = ["", "X", " ", "-", "20261399", "2026", "0", "-5", "1e9", "9" * 20, "urn:x", "NI", "true", "\u00e9\u00a0", "A" * 300, "mailto:"]
SPOILT += ["http://a b", "1.2.3.", "#x", "mg dL", "active", "bogus", "application", "201801012500"]
FOUR = st.integers(0, 100_000)
CHANGES = st.lists(st.tuples(st.sampled_from(["drop", "bare", "spoil", "text", "null"]), FOUR, FOUR), min_size=1, max_size=20)


def changed(changes: list[tuple[str, int, int]]) -> bytes:
    """The summary after these changes."""
    root = ElementTree.fromstring(SUMMARY)
    above = {child: parent for parent in root.iter() for child in parent}
    elements = list(above)
    for what, one, two in changes:
        element = elements[one % len(elements)]
        names = sorted(element.attrib)
        if what == "drop" and element in list(above[element]):
            above[element].remove(element)
        elif what == "bare" and names:
            del element.attrib[names[two % len(names)]]
        elif what == "spoil" and names:
            element.attrib[names[two % len(names)]] = SPOILT[(one + two) % len(SPOILT)]
        elif what == "text":
            element.text = SPOILT[two % len(SPOILT)]
        elif what == "null":
            element.attrib["nullFlavor"] = "NI"
    return ElementTree.tostring(root)


def holds(changes: list[tuple[str, int, int]]) -> None:
    """The kit's promises, and no error by the validator in any record."""
    for _, told in KIT.check(changed(changes)):
        wrong = [f"{one.expression} {one.rule}" for record in told.records for one in JUDGE.value(record.resource) if one.is_error]
        assert wrong == []


@given(CHANGES)
@settings(max_examples=25, deadline=None)
def test_a_broken_document_makes_no_invalid_record(changes: list[tuple[str, int, int]]) -> None:
    """Twenty-five draws."""
    holds(changes)


@pytest.mark.long
@given(CHANGES)
@settings(max_examples=600, deadline=None)
def test_many_broken_documents_make_no_invalid_record(changes: list[tuple[str, int, int]]) -> None:
    """Six hundred draws."""
    holds(changes)
