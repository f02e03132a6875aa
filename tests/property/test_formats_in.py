"""What must hold for any delivery: FHIR as any JSON tree, X12 under any separators, and bytes of any kind for both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Span
from trivet.integration.formats.fhir import FhirFormat
from trivet.integration.formats.x12 import X12Format
from trivet.testing.kits.format import FormatKit
from trivet.testing.kits.json_places import leaves, verbatim

PROFILE = SourceProfile("any", zone="UTC")
FHIR, X12 = FhirFormat(), X12Format()
NAMES = st.sampled_from(["id", "code", "status", "url", "reference", "extension", "contained", "_id", "value", "div", "meta", "identifier"])
SCALARS = st.one_of(
    st.text(max_size=12), st.integers(-(2**40), 2**40), st.booleans(), st.decimals(allow_nan=False, allow_infinity=False).map(str)
)
TREES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)), max_leaves=20
)
KINDS = st.sampled_from(["Patient", "Observation", "Provenance", "Bundle", "Nonsense", "QuestionnaireResponse"])
CLAIMS = (Path(__file__).parents[1] / "golden/x12/claims_837p.edi").read_bytes()


def exactly(span: Span, value: Any, text: str) -> bool:
    """The bytes are the value, where it is not a name that the house gives."""
    named = span.rule in ("fhir/reference", "fhir/full-url") or (span.rule == "fhir/id" and span.path == "id")
    return bool(text) if named else verbatim(value, text)


def resource(kind: str, body: Any) -> dict[str, Any]:
    """A resource with whatever inside."""
    return {"resourceType": kind, **(body if isinstance(body, dict) else {"value": body})}


@given(st.lists(st.tuples(KINDS, TREES), min_size=1, max_size=4), st.booleans(), st.sampled_from([None, 1]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_json_tree_is_accounted_for_leaf_by_leaf(parts: list[tuple[str, Any]], bundle: bool, indent: int | None, plain: bool) -> None:
    """Every non-empty leaf is exactly one element, every span re-reads to its value, whatever stands in the resources."""
    resources = [resource(kind, body) for kind, body in parts]
    value: Any = resources[0]
    if bundle:
        value = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    raw = json.dumps(value, indent=indent, ensure_ascii=plain).encode()
    FormatKit(FHIR, PROFILE, related=exactly, leaves=leaves).check(raw)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_kept_and_answered(raw: bytes) -> None:
    """No format raises, loses a byte, or answers twice differently, whatever it is given."""
    for form in (FHIR, X12):
        for text in (raw, b"ISA*00*" + raw, b'{"resourceType":' + raw, CLAIMS[:400] + raw):
            kit = FormatKit(form, PROFILE, related=lambda span, value, text: True)
            for unit in kit.check_nothing_lost(text):
                kit.check_unit(unit.raw)


@given(st.permutations(list("|!;%$#&\x1c\x1d\x1e\x1f")), st.sampled_from(["", "\n", "\r\n"]))
@settings(max_examples=40, deadline=None)
def test_claims_say_the_same_under_any_separators(marks: list[str], end: str) -> None:
    """Element, component, repetition and segment marks are read from ISA; the records do not depend on them."""
    table = str.maketrans({"*": marks[0], ":": marks[1], "^": marks[2], "~": marks[3]})
    raw = CLAIMS.decode().replace("\n", "").translate(table).replace(marks[3], marks[3] + end).encode()
    assert records(raw) == records(CLAIMS)


def records(raw: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Keys and resources of all units, without segments that are kept as they stand, marks and all."""
    found = [record for unit in X12.split(raw) for record in X12.translate(unit.raw, PROFILE).records]
    return [(record.key, {name: value for name, value in record.resource.items() if name != "extension"}) for record in found]
