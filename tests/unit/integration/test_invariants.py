"""The invariants of FHIR R4, one by one: each is broken by one change to a resource, and a resource that differs little breaks nothing."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from trivet.integration.validation import Validator
from trivet.integration.validation.invariants import NATIVE
from trivet.integration.validation.terms import rows

CASES = [json.loads(line) for line in (Path(__file__).parents[2] / "golden/fhir/invariants.ndjson").read_text().splitlines()]
UNDECIDABLE = {
    "ctm-1",  # asks what a reference leads to, which stands outside the text
    "eld-11",  # as it is written it holds whatever the types are; the rule binding-type asks what it means
}


@cache
def judge() -> Validator:
    """One for all cases."""
    return Validator()


def broken(resource: dict[str, Any]) -> set[str]:
    """The rules that a resource breaks, as errors; the quick way and the walk say the same."""
    raw = json.dumps(resource, separators=(",", ":")).encode()
    found = judge().text(raw)
    assert sorted(map(repr, found)) == sorted(map(repr, judge().walked(raw)))
    return {one.rule for one in found if one.is_error}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['rule']} {case['wrong']['resourceType']}" for case in CASES])
def test_each_invariant_fires_and_is_silent(case: dict[str, Any]) -> None:
    """What is wrong breaks the rule; what is right breaks no rule at all."""
    assert case["rule"] in broken(case["wrong"])
    assert broken(case["right"]) == set()


def test_no_invariant_is_left_out() -> None:
    """Every rule of the tables that is an error has a case here, a part of the validator of its own, or its reason."""
    keys = {row["key"] for row in rows("constraints") if row["severity"] == "error"}
    assert keys - {case["rule"] for case in CASES} - set(NATIVE) == UNDECIDABLE
