"""Any resource through the closed table: only values that a rule speaks of come out, and the same input gives the same output."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.data.deid import Deidentifier, shipped
from trivet.kernel.fhirpath import Types
from trivet.kernel.jsontext import dumps
from trivet.kernel.resources import text

TYPES = Types(csv.DictReader(io.StringIO(text("trivet.maps", "fhir", "elements.csv"))))
RUN = Deidentifier(shipped("safe_harbor"), TYPES, b"sixteen bytes at least", 2026)
MARK = "MARKED"
NAMES = st.sampled_from(
    [
        "name",
        "text",
        "family",
        "identifier",
        "value",
        "subject",
        "display",
        "note",
        "contact",
        "valueString",
        "extension",
        "url",
        "contained",
        "x",
    ]
)
TREES = st.recursive(
    st.just(MARK) | st.just(f"{MARK} {MARK}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(["Patient", "Observation", "Encounter", "Nothing"]), tree=st.dictionaries(NAMES, TREES, max_size=6))
def test_marked_text_never_comes_through(kind: str, tree: dict[str, Any]) -> None:
    """Whatever shape it comes in, text in a place that no rule keeps is gone; and the run is a function of its input."""
    resource = {"resourceType": kind, **tree}
    before = json.dumps(resource)
    first = RUN(resource).resource
    assert MARK not in dumps(first).decode()
    assert RUN(resource).resource == first
    assert json.dumps(resource) == before
