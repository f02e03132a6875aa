"""Canonical JSON: one value, one text; the text read again is the value."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.kernel.digest import canonical, commitment, digest

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def shuffled(value: object) -> object:
    """The same value with every object written backwards."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(list(value))}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_one_value_has_one_text(value: object) -> None:
    """Reading the text and writing it again gives the same bytes, whatever order the names stood in."""
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert canonical(shuffled(value)) == text
    assert digest(value) == digest(shuffled(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_bits(value: float) -> None:
    """The shortest text of a double is the double again; minus zero is written as zero, as RFC 8785 asks."""
    assert float(canonical(value)) == value
    assert canonical(-0.0) == b"0"


def test_what_json_cannot_hold_is_refused() -> None:
    """No NaN, no infinity, no bytes, no lone surrogate."""
    for bad in (math.nan, math.inf, b"x", {"a": object()}, "\ud800"):
        with pytest.raises((ValueError, TypeError)):
            canonical(bad)


def test_names_are_ordered_by_utf16() -> None:
    """RFC 8785 section 3.2.3: a name beyond the basic plane stands before U+FFxx."""
    assert canonical({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@given(st.binary(min_size=32, max_size=32), texts, st.binary(max_size=50), texts, st.binary(max_size=50))
def test_a_commitment_binds_kind_and_bytes(key: bytes, kind: str, data: bytes, other_kind: str, other: bytes) -> None:
    """Another kind or other bytes under the same salt give another commitment; kinds never hold the separator."""
    kind, other_kind = kind.replace("\0", ""), other_kind.replace("\0", "")
    same = (kind, data) == (other_kind, other)
    assert (commitment(key, kind, data) == commitment(key, other_kind, other)) is same


def test_a_salt_has_exactly_32_bytes() -> None:
    """HMAC pads keys, so that k and k followed by zero bytes collide: every other length is refused."""
    for length in (0, 31, 33, 64):
        with pytest.raises(ValueError):
            commitment(bytes(length), "raw", b"")
