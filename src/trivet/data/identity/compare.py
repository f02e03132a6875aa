"""Two records side by side: for each field the level of agreement and what it says in bits. In, two `Features`; out, `Evidence`.

Levels are named in `maps/identity/weights.toml`. A field that either record lacks says nothing. Contact data that many persons
share says nothing, and address, telephone and mail together say no more than a limit, because they depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from trivet.data.identity.features import Features, Name
from trivet.data.identity.weights import Weights
from trivet.data.identity.words import nicknames

__all__ = ["Evidence", "Terms", "birth_level", "compare", "family_level", "given_level", "numbers_level"]

Terms = Callable[[str, str], tuple[int, int]]
CONTACT = ("telephone", "address", "mail")
CLOSE, FUZZY = 0.93, 0.86


class Evidence(NamedTuple):
    """`levels` and `bits` by field, for the fields that both records have; `score` their sum, without the prior."""

    levels: Mapping[str, str]
    bits: Mapping[str, float]
    score: float


@lru_cache(maxsize=65_536)
def family_level(left: str, right: str) -> str:
    """How alike two family names are."""
    if left == right or left.replace(" ", "") == right.replace(" ", ""):
        return "exact"
    if " " in left or " " in right:
        first, second = set(left.split()), set(right.split())
        if any(len(word) > 2 for word in first & second) and (first <= second or second <= first):
            return "part"
    return _likeness(left, right)


@lru_cache(maxsize=65_536)
def given_level(left: str, right: str) -> str:
    """How alike two given names are."""
    if left == right:
        return "exact"
    if right in nicknames().get(left, ()):
        return "nickname"
    if 1 in (len(left), len(right)):
        return "initial" if left[0] == right[0] else "other"
    return _likeness(left, right)


def _likeness(left: str, right: str) -> str:
    if min(len(left), len(right)) >= 4 and DamerauLevenshtein.distance(left, right, score_cutoff=1) <= 1:
        return "close"
    alike = JaroWinkler.similarity(left, right)  # with score_cutoff=0.86 the library drops a pair whose likeness is 0.86
    return "close" if alike >= CLOSE else "fuzzy" if alike >= FUZZY else "other"


@lru_cache(maxsize=65_536)
def birth_level(left: str, right: str) -> str:
    """How alike two dates of birth (`YYYY-MM-DD`) are."""
    if left == right:
        return "exact"
    same = (left[:4] == right[:4]) + (left[5:7] == right[5:7]) + (left[8:] == right[8:])
    if same == 1 and left[:4] == right[:4] and left[5:7] == right[8:] and left[8:] == right[5:7]:
        return "swapped"
    if same < 2:  # one wrong character leaves two parts alike; neighbouring days of two months have a first of the month
        return "digit" if "01" in (left[8:], right[8:]) and _a_day_apart(left, right) else "other"
    return "digit" if DamerauLevenshtein.distance(left, right, score_cutoff=1) <= 1 or _a_day_apart(left, right) else "parts"


def compare(left: Features, right: Features, weights: Weights, terms: Terms, shared: Collection[str] = ()) -> Evidence:
    """The evidence that two records are of one person. `terms` gives (records with this term, records) of a name; `shared` are
    telephones, addresses and mail addresses that too many persons have."""
    levels: dict[str, str] = {}
    bits: dict[str, float] = {}
    if left.names and right.names:
        _names(left, right, weights, terms, levels, bits)
    if left.birth and right.birth:
        _put("birth", birth_level(left.birth, right.birth), weights, levels, bits)
    if left.sex and right.sex:
        _put("sex", "same" if left.sex == right.sex else "other", weights, levels, bits)
    if left.persons and right.persons:
        level = numbers_level(left.persons, right.persons)
        if level:
            _put("identifier", level, weights, levels, bits)
    if left.members and right.members:
        level = numbers_level(left.members, right.members)
        if level:
            _put("member", "same" if level == "same" else "other", weights, levels, bits)
    _contacts(left, right, weights, shared, levels, bits)
    return Evidence(levels, bits, sum(bits.values()))


def _a_day_apart(left: str, right: str) -> bool:
    """Are these neighbouring days, as a time zone that was applied to a date makes them?"""
    try:
        return abs((date.fromisoformat(left) - date.fromisoformat(right)).days) == 1
    except ValueError:
        return False


def _put(field: str, level: str, weights: Weights, levels: dict[str, str], bits: dict[str, float]) -> None:
    levels[field], bits[field] = level, weights.bits[field][level]


def _names(left: Features, right: Features, weights: Weights, terms: Terms, levels: dict[str, str], bits: dict[str, float]) -> None:
    """The best of all pairs of names that the two records have borne."""
    best: tuple[float, dict[str, str], dict[str, float]] | None = None
    for one in left.names:
        for other in right.names:
            found = _pair(one, other, weights, terms)
            total = sum(found[1].values())
            if best is None or total > best[0]:
                best = (total, *found)
    if best is not None:
        levels |= best[1]
        bits |= best[2]


def _pair(one: Name, other: Name, weights: Weights, terms: Terms) -> tuple[dict[str, str], dict[str, float]]:
    levels: dict[str, str] = {}
    bits: dict[str, float] = {}
    for field, left, right, level_of in (
        ("family", one.family, other.family, family_level),
        ("given", one.given, other.given, given_level),
    ):
        if left and right:
            level = level_of(left, right)
            _put(field, level, weights, levels, bits)
            if level == "exact":
                # written apart or together (MC NEAL, MCNEAL), the more frequent spelling says how rare the name is
                met = terms(field, left) if left == right else max(terms(field, left), terms(field, right))
                bits[field] = weights.exact(field, *met)
    if levels.get("family") == levels.get("given") == "other" and one.family == other.given and one.given == other.family:
        levels |= {"family": "part", "given": "initial"}
        bits |= {"family": weights.bits["family"]["part"], "given": weights.bits["given"]["initial"]}
    if one.middle and other.middle:
        alike = (
            one.middle[0] == other.middle[0]
            if 1 in (len(one.middle), len(other.middle))
            else given_level(one.middle, other.middle) != "other"
        )
        _put("middle", "same" if alike else "other", weights, levels, bits)
    if one.suffix and other.suffix:
        _put("suffix", "same" if one.suffix == other.suffix else "other", weights, levels, bits)
    return levels, bits


def numbers_level(left: tuple[str, ...], right: tuple[str, ...]) -> str:
    """`same` when one is shared, `other` when one authority gave both and none is alike, empty when no authority gave both."""
    if set(left) & set(right):
        return "same"
    found = ""
    for one in left:
        system, _, value = one.rpartition("|")
        for other in right:
            authority, _, number = other.rpartition("|")
            if authority == system:
                if len(value) > 5 and DamerauLevenshtein.distance(value, number, score_cutoff=1) <= 1:
                    return "close"
                found = "other"
    return found


def _contacts(
    left: Features, right: Features, weights: Weights, shared: Collection[str], levels: dict[str, str], bits: dict[str, float]
) -> None:
    found = {
        "telephone": _contact(left.telephones, right.telephones, shared, _telephones),
        "address": _contact(left.addresses, right.addresses, shared, _addresses),
        "mail": _contact(left.mails, right.mails, shared, _mails),
    }
    for field, level in found.items():
        if level == "shared":
            levels[field], bits[field] = level, 0.0
        elif level:
            _put(field, level, weights, levels, bits)
    total = sum(bits[field] for field in CONTACT if field in bits)
    if total > weights.contact:
        for field in CONTACT:
            if field in bits:
                bits[field] *= weights.contact / total


def _contact(left: tuple[str, ...], right: tuple[str, ...], shared: Collection[str], level_of: Callable[[str, str], str]) -> str:
    if not left or not right:
        return ""
    best = "other"
    for one in left:
        for other in right:
            if one == other:
                if one in shared:
                    return "shared"
                return "same"
            level = level_of(one, other)
            best = level if best == "other" else best
    return best


def _telephones(left: str, right: str) -> str:
    return "close" if len(left) == len(right) == 10 and DamerauLevenshtein.distance(left, right, score_cutoff=1) <= 1 else "other"


def _addresses(left: str, right: str) -> str:
    street, _, place = left.partition("|")
    road, _, town = right.partition("|")
    if street == road or (street.split(" ")[0] == road.split(" ")[0] and DamerauLevenshtein.distance(street, road, score_cutoff=2) <= 2):
        return "street"
    return "place" if place and place == town else "other"


def _mails(left: str, right: str) -> str:
    return "other"
