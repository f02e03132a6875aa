"""Pairs that share what a household shares and are two persons all the same: relatives at one address, and twins.

In: levels of agreement by field. Out: which pairs are two persons. A surname, an address and a telephone are shared by everybody who
lives together, so in a table of families the commonest likeness is not that of one person with himself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trivet.data.identity.levels import Bytes

__all__ = ["two_persons"]

CALLED = "given"
UNLIKE, FAR = 4, 3  # the lowest levels of a name and of a date
NUMBERS = ("ssn", "identifier")
ALIKE = 2  # exact, close, and what is nearly so
APART = (("birth", FAR), ("sex", 1), ("middle", UNLIKE))  # what tells relatives and twins apart, from this level on


def two_persons(levels: Mapping[str, Bytes]) -> NDArray[np.bool_]:
    """Whether each pair is two persons, whatever else agrees: given names that are not alike at all, no number that agrees, and birth
    date, sex or second name that differ as well."""
    called = levels.get(CALLED)
    if called is None:
        return np.zeros(len(next(iter(levels.values()), ())), dtype=np.bool_)
    apart = np.zeros(len(called), dtype=np.bool_)
    for field, least in APART:
        if field in levels:
            apart |= levels[field] >= least
    for field in NUMBERS:
        if field in levels:
            apart &= (levels[field] < 0) | (levels[field] > ALIKE)
    made: NDArray[np.bool_] = apart & (called == UNLIKE)
    return made
