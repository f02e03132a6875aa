"""Check digits of SNOMED CT and LOINC."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.kernel.checkdigits import luhn, own_code, verhoeff


@pytest.mark.parametrize(
    ("system", "code", "own"),
    [
        ("http://snomed.info/sct", "185349003", True),
        ("http://snomed.info/sct", "10939881000119105", True),
        ("http://snomed.info/sct", "10939881000119104", False),
        ("http://snomed.info/sct", "314076", False),
        ("http://snomed.info/sct", "140", False),
        ("http://snomed.info/sct", "0185349003", False),
        ("http://loinc.org", "8302-2", True),
        ("http://loinc.org", "8302-3", False),
        ("http://loinc.org", "QALY", False),
    ],
)
def test_a_code_has_the_check_digit_of_its_system(system: str, code: str, own: bool) -> None:
    """Published codes pass; a wrong last digit, codes of RxNorm and CVX, and words do not."""
    assert own_code(system, code) is own


@given(st.from_regex(r"[1-9][0-9]{4,16}", fullmatch=True), st.integers(0, 30), st.integers(1, 9))
def test_one_changed_digit_is_always_noticed(digits: str, place: int, by: int) -> None:
    """One digit of ten checks the others, and no other digit anywhere passes, in both systems."""
    [check] = [digit for digit in "0123456789" if verhoeff(digits + digit)]
    whole = digits + check
    at = place % len(whole)
    changed = whole[:at] + str((int(whole[at]) + by) % 10) + whole[at + 1 :]
    assert not verhoeff(changed)
    [other] = [digit for digit in "0123456789" if luhn(digits, digit)]
    at = place % len(digits)
    assert not luhn(digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :], other)
