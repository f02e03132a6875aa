"""The most that a pair could say, at a fraction of the cost of its evidence.

In: a record, the bits that are needed, and others: as `Features`, or by the thousand as briefs (`keys.brief`). Out: which of them could
reach the bits. Never no where `compare` would give as much.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trivet.data.identity.compare import CONTACT, birth_level, family_level, given_level
from trivet.data.identity.features import Features, Name
from trivet.data.identity.keys import DAYS, MARKS, NAMELESS, SEVERAL, SPACED, UNKNOWN, mark
from trivet.data.identity.table import Ints
from trivet.data.identity.weights import Weights

__all__ = ["Met", "Most", "ceiling", "worthwhile"]

Floats = NDArray[np.float64]


class Most:
    """What a pair can say at most, field by field: the parts that both ceilings are made of."""

    def __init__(self, left: Features, weights: Weights, total: int) -> None:
        best = {field: max(max(bits.values()), 0.0) for field, bits in weights.bits.items()}
        self.rest = best["middle"] + best["suffix"] + best["sex"] + max(weights.bits["identifier"]["close"], 0.0)
        self.apart = min(weights.contact, weights.bits["telephone"]["close"] + weights.bits["address"]["street"])  # none in common
        self.contact, self.member, self.births = weights.contact, best["member"], weights.bits["birth"]
        self.names = Names(left.names, weights, total)


def ceiling(left: Features, weights: Weights, total: int, need: float, shared: Collection[str] = ()) -> Callable[[Features], bool]:
    """A function that says whether a pair with `left` could reach `need` bits.

    `total` and `shared` are what `compare` will be told: the records in the register, and contact data that too many persons have.
    What is cheap is asked first: dates and equality of names rule nearly everybody out.
    """
    known = Most(left, weights, total)
    persons, members = frozenset(left.persons), frozenset(left.members)
    contacts = frozenset((*left.telephones, *left.addresses, *left.mails)).difference(shared)
    year, month, day, firsts = left.birth[:4], left.birth[5:7], left.birth[8:], left.birth[8:] == "01"

    def of(right: Features) -> bool:
        if not persons.isdisjoint(right.persons):
            return True
        bits = known.rest - need
        born = right.birth
        if year and born:
            apart = born[:4] != year and (born[5:7] != month or born[8:] != day) and not firsts and born[8:] != "01"
            bits += known.births["other" if apart else birth_level(left.birth, born)]
        if members and not members.isdisjoint(right.members):
            bits += known.member
        if bits + known.contact + known.names.roughly(right.names) < 0:
            return False
        far = contacts.isdisjoint(right.telephones) and contacts.isdisjoint(right.addresses) and contacts.isdisjoint(right.mails)
        return bits + (known.apart if far else known.contact) + known.names.most(right.names) >= 0

    return of


class Met(NamedTuple):
    """Who stands under the keys of a record: brief by number, and by kind those who are there by an `identifier`, a `member` number or
    a `contact` that is not shared. Whoever has one of these in common is among them, except under rules that are `crowded`."""

    briefs: Mapping[int, int]
    by: Mapping[str, Collection[int]]
    crowded: Collection[str]


def worthwhile(left: Features, weights: Weights, total: int, need: float, met: Met) -> list[int]:
    """Those who could reach `need` bits, by what can be seen of them without opening their records."""
    if "identifier" in met.crowded:
        return list(met.briefs)
    known = Most(left, weights, total)
    numbers = np.fromiter(met.briefs.keys(), dtype=np.int64, count=len(met.briefs))
    briefs = np.fromiter(met.briefs.values(), dtype=np.int64, count=len(met.briefs))
    bits = known.rest - need + known.names.seen(briefs)
    if left.birth:
        bits += _births(int(left.birth.replace("-", "")), briefs % DAYS, known.births)
    near = any(rule in met.crowded for rule in CONTACT) or _among(numbers, met.by["contact"])
    bits += np.where(near, known.contact, known.apart)
    bits += np.where("member" in met.crowded or _among(numbers, met.by["member"]), known.member, 0.0)
    kept: list[int] = numbers[(bits >= 0) | (briefs == UNKNOWN) | _among(numbers, met.by["identifier"])].tolist()
    return kept


def _among(numbers: Ints, some: Collection[int]) -> NDArray[np.bool_]:
    return np.isin(numbers, np.fromiter(some, dtype=np.int64, count=len(some))) if some else np.zeros(len(numbers), dtype=np.bool_)


def _births(one: int, others: Ints, bits: Mapping[str, float]) -> Floats:
    """What a date of birth (YYYYMMDD) says at most about others (0: none): the levels of `birth_level`, from numbers alone."""
    (year, month, day), (born, later, first) = (one // 10_000, one // 100 % 100, one % 100), _parts(others)
    alike = (born == year).astype(np.int8) + (later == month) + (first == day)
    over = ((first == 1) & (day >= 28)) | ((first >= 28) & (day == 1))  # perhaps neighbouring days of two months
    said = np.where(over, max(bits["digit"], bits["other"]), bits["other"])
    said = np.where(alike == 2, max(bits["digit"], bits["parts"]), said)
    said = np.where((born == year) & (later == day) & (first == month), max(bits["swapped"], bits["parts"], bits["digit"]), said)
    said = np.where(others == one, max(bits.values()), said)
    return np.where(others > 0, said, 0.0)


def _parts(dates: Ints) -> tuple[Ints, Ints, Ints]:
    return dates // 10_000, dates // 100 % 100, dates % 100


class Names:
    """The most that the names of one record can say about a pair with another."""

    def __init__(self, names: tuple[Name, ...], weights: Weights, total: int) -> None:
        self.names = names
        self.families, self.givens = weights.bits["family"], weights.bits["given"]
        self.family, self.given = (max(*weights.bits[field].values(), 0.0, weights.exact(field, 0, total)) for field in ("family", "given"))
        self.family_less, self.given_less = (
            max(0.0, *(bits for level, bits in weights.bits[field].items() if level != "exact")) for field in ("family", "given")
        )

    def roughly(self, others: tuple[Name, ...]) -> float:
        """Not less than `most`, without looking at letters: names that begin apart or are of other length may still be alike."""
        found = None
        for one in self.names:
            for other in others:
                if one.family == other.given or one.given == other.family:  # perhaps exchanged, or one is missing
                    return self.family + self.given
                same = one.family == other.family or " " in one.family or " " in other.family
                bits = (self.family if same else self.family_less) + (self.given if one.given == other.given else self.given_less)
                found = bits if found is None or bits > found else found
        return found or 0.0

    def seen(self, briefs: Ints) -> Floats:
        """Not less than `roughly` of records of which the briefs are known."""
        marks = briefs // DAYS
        family, given, flags = marks % MARKS, marks // MARKS % MARKS, marks // (MARKS * MARKS)
        most = np.zeros(len(briefs))
        for one in self.names:
            same = (family == mark(one.family)) | (flags & SPACED > 0) | (" " in one.family)
            bits = np.where(same, self.family, self.family_less) + np.where(given == mark(one.given), self.given, self.given_less)
            exchanged = (family == mark(one.given)) | (given == mark(one.family)) | (flags & SEVERAL > 0)
            most = np.maximum(most, np.where(exchanged, self.family + self.given, bits))
        return np.where(flags & NAMELESS > 0, 0.0, most)

    def most(self, others: tuple[Name, ...]) -> float:
        """The best of all pairs of names, by the levels of their likeness."""
        return max((self._pair(one, other) for one in self.names for other in others), default=0.0)

    def _pair(self, one: Name, other: Name) -> float:
        if one.family == other.given or one.given == other.family:
            return self.family + self.given
        bits = 0.0
        if one.family and other.family:
            level = family_level(one.family, other.family)
            bits = self.family if level == "exact" else self.families[level]
        if one.given and other.given:
            level = given_level(one.given, other.given)
            bits += self.given if level == "exact" else self.givens[level]
        return bits
