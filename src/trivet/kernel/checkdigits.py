"""Check digits of code systems: whether a code can be one of its system. In, system and code; out, yes or no; no vocabulary is needed.

SNOMED CT identifiers: Release File Specifications 6 (SCTID: 6 to 18 digits, partition, Verhoeff). LOINC: Users' Guide, mod 10.
"""

from __future__ import annotations

import re

__all__ = ["CHECKED", "luhn", "own_code", "verhoeff"]

LOINC_CODE = re.compile(r"(\d{1,7})-(\d)", re.A)
SCTID = re.compile(r"[1-9]\d{2,14}[01]0\d", re.A)  # partition 00 or 10: a concept
# Dihedral group of order 10 and the permutation of Verhoeff's check digit.
TIMES = [
    [(a + b) % 5 if a < 5 and b < 5 else 5 + (a + b) % 5 if a < 5 else 5 + (a - b) % 5 if b < 5 else (a - b) % 5 for b in range(10)]
    for a in range(10)
]
TURN = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    TURN.append([TURN[-1][digit] for digit in TURN[1]])


def verhoeff(digits: str) -> bool:
    """Whether the last digit checks the others (Verhoeff, as in identifiers of SNOMED CT)."""
    held = 0
    for place, digit in enumerate(reversed(digits)):
        held = TIMES[held][TURN[place % 8][int(digit)]]
    return held == 0


def luhn(digits: str, check: str) -> bool:
    """Whether the check digit fits (mod 10, as in codes of LOINC)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        twice = int(digit) * (2 - place % 2)
        total += twice - 9 if twice > 9 else twice
    return (10 - total % 10) % 10 == int(check)


def _sct(code: str) -> bool:
    return SCTID.fullmatch(code) is not None and verhoeff(code)


def _loinc(code: str) -> bool:
    found = LOINC_CODE.fullmatch(code)
    return found is not None and luhn(found[1], found[2])


CHECKED = {"http://snomed.info/sct": _sct, "http://loinc.org": _loinc}
"""Systems whose codes check themselves. Of numbers that are none, 1 in 500 passes as a concept of SNOMED CT, 1 in 10 as a code of LOINC."""


def own_code(system: str, code: str) -> bool:
    """Whether a code has the form and the check digit of this system. KeyError for a system without one."""
    return CHECKED[system](code)
