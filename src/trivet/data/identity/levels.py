"""How alike two values of a column are, for many pairs of rows at once. In, columns and pairs; out, a level for each pair and field.

What is compared is values, not rows: a pair of values that many pairs of rows share is compared once, and for rows picked by chance all
their values are compared with each other in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler, Levenshtein
from rapidfuzz.fuzz import token_sort_ratio

from trivet.data.identity.table import Column, Ints, Texts
from trivet.data.identity.words import nicknames

__all__ = ["LEVELS", "Bytes", "Pairs", "compare_all", "compare_chance", "crossed", "levels_of"]

LEVELS = {
    "name": ("exact", "close", "fuzzy", "sound", "other"),
    "date": ("exact", "close", "parts", "other"),
    "code": ("exact", "close", "near", "other"),
    "text": ("exact", "close", "fuzzy", "other"),
    "category": ("exact", "other"),
}
CROSSED = (("given", "family"), ("given", "middle"), ("street", "street_2"))
ODD = np.uint64(0x9E3779B97F4A7C15)  # spreads numbers over places (Knuth, The Art of Computer Programming 3, 6.4)
MANY = 50_000  # pairs that are worth more than one processor
Bytes = NDArray[np.int8]
Likeness = Callable[[Callable[..., Any], Ints | None], NDArray[np.float32]]  # a scorer, and which of the pairs (None: all)


class Pairs(NamedTuple):
    """Two rows of each pair, and for each field the level of agreement (-1: one of them has no value)."""

    left: Ints
    right: Ints
    levels: dict[str, Bytes]


def compare_all(columns: Mapping[str, Column], left: Ints, right: Ints) -> Pairs:
    """The level of agreement of every pair in every field."""
    levels = {field: levels_of(column, left, right) for field, column in columns.items()}
    for fields, here in crossed(columns, left, right):
        for field in fields:
            levels[field][here & (levels[field] > 0)] = 1
    return Pairs(left, right, levels)


def levels_of(column: Column, left: Ints, right: Ints) -> Bytes:
    """The level of agreement of every pair in one field."""
    one, other = column.codes[left], column.codes[right]
    out = np.where((one < 0) | (other < 0), -1, 0).astype(np.int8)
    different = np.flatnonzero((out == 0) & (one != other))
    if len(different):
        one, other = one[different], other[different]
        low, high = np.minimum(one, other), np.maximum(one, other)
        first, back = _once(low * len(column.values) + high)
        out[different] = MAKERS[column.kind](column, low[first], high[first], _each(column.texts, low[first], high[first]))[back]
    return out


def compare_chance(columns: Mapping[str, Column], here: Ints, there: Ints) -> Pairs:
    """The same for all pairs of a row `here` with one `there`; where both are the same rows, each pair once."""
    if here is there:
        left, right = np.triu_indices(len(here), 1)
    else:
        left, right = np.repeat(np.arange(len(here)), len(there)), np.tile(np.arange(len(there)), len(here))
    rows, others = here[left], there[right]
    levels = {}
    for field, column in columns.items():
        one, other = column.codes[here], column.codes[there]
        held = np.unique(np.concatenate((one, other)))
        table = _table(column, held[held >= 0])
        places = [np.where(codes >= 0, np.searchsorted(held[held >= 0], codes), -1) for codes in (one, other)]
        levels[field] = table[places[0][left], places[1][right]]
    for fields, cross in crossed(columns, rows, others):
        for field in fields:
            levels[field][cross & (levels[field] > 0)] = 1
    return Pairs(rows, others, levels)


def _table(column: Column, held: Ints) -> Bytes:
    """The level of each of these values with each; the last line and column are for no value."""
    out = np.full((len(held) + 1, len(held) + 1), -1, dtype=np.int8)
    np.fill_diagonal(out[:-1, :-1], 0)
    one, other = np.triu_indices(len(held), 1)
    if len(one):
        texts = column.texts[held]
        out[one, other] = out[other, one] = MAKERS[column.kind](column, held[one], held[other], _all(texts, one, other))
    return out


def crossed(columns: Mapping[str, Column], left: Ints, right: Ints) -> list[tuple[tuple[str, str], NDArray[np.bool_]]]:
    """Fields whose values stand in each other's place (given and family name, the two lines of an address), and in which pairs: they
    agree closely after all."""
    found = []
    for one, other in CROSSED:
        if one in columns and other in columns:
            index = {value: place for place, value in enumerate(columns[one].values)}
            known = np.array([index.get(value, -1) for value in columns[other].values] + [-1], dtype=np.int64)
            here, there = columns[one].codes, known[columns[other].codes]
            met = (here[left] >= 0) & (here[left] == there[right]) & (here[right] >= 0) & (here[right] == there[left])
            found.append(((one, other), met))
    return found


def _once(packed: Ints) -> tuple[Ints, Ints]:
    """Places of numbers of which nearly none is met twice, and for each number which of them is its own (quicker than sorting)."""
    bits = max(10, min(22, len(packed).bit_length()))
    slots = ((packed.astype(np.uint64) * ODD) >> np.uint64(64 - bits)).astype(np.int64)
    held = np.zeros(1 << bits, dtype=np.int64)
    held[slots] = np.arange(len(packed))
    for_it = held[slots]
    own = np.where(packed[for_it] == packed, for_it, np.arange(len(packed)))  # another number that fell into the slot is its own
    first = own == np.arange(len(packed))
    return np.flatnonzero(first), (np.cumsum(first) - 1)[own]


def _each(values: Texts, one: Ints, other: Ints) -> Likeness:
    """Pairs of values compared pair by pair."""

    def alike(scorer: Callable[..., Any], some: Ints | None) -> NDArray[np.float32]:
        left, right = (one, other) if some is None else (one[some], other[some])
        cores = -1 if len(left) > MANY else 1
        made: NDArray[np.float32] = process.cpdist(
            values[left].tolist(), values[right].tolist(), scorer=scorer, dtype=np.float32, workers=cores
        )
        return made

    return alike


def _all(texts: Texts, one: Ints, other: Ints) -> Likeness:
    """Pairs of a few values compared all with all, which takes a tenth of the time."""

    def alike(scorer: Callable[..., Any], some: Ints | None) -> NDArray[np.float32]:
        left, right = (one, other) if some is None else (one[some], other[some])
        if scorer is not DamerauLevenshtein.distance:
            made: NDArray[np.float32] = process.cdist(texts, texts, scorer=scorer, dtype=np.float32)[left, right]
            return made
        # a slip (letters exchanged) is at most two of Levenshtein's: what is more than four of his apart is more than two slips apart
        out: NDArray[np.float32] = process.cdist(texts, texts, scorer=Levenshtein.distance, score_cutoff=4, dtype=np.float32)[left, right]
        near = np.flatnonzero(out <= 4)
        out[near] = _each(texts, left[near], right[near])(scorer, None)
        return out

    return alike


def _of_each(values: list[str], used: Ints, what: Callable[[str], int]) -> Ints:
    """A number for each value that is used, at its place; the others are zero."""
    out = np.zeros(len(values), dtype=np.int64)
    seen = np.zeros(len(values), dtype=np.bool_)
    seen[used] = True
    for code in np.flatnonzero(seen).tolist():
        out[code] = what(values[code])
    return out


def _names(column: Column, one: Ints, other: Ints, alike: Likeness) -> Bytes:
    values, sounds = column.values, column.sounds
    likeness = alike(JaroWinkler.similarity, None)
    out = np.where(likeness >= 0.92, 1, np.where(likeness >= 0.80, 2, 4)).astype(np.int8)
    rest = np.flatnonzero(out == 4)
    left, right = one[rest], other[rest]
    letters = _of_each(values, np.concatenate((left, right)), lambda value: ord(value[0]) * 2 + (len(value) == 1))
    lone = ((letters[left] | letters[right]) & 1 == 1) & (letters[left] >> 1 == letters[right] >> 1)
    out[rest[(sounds[left] == sounds[right]) | lone]] = 3
    out[rest[np.isin(left * len(values) + right, _called(column))]] = 1
    return out


def _called(column: Column) -> Ints:
    """Pairs of a name and a short form of it."""
    index = {value: code for code, value in enumerate(column.values)}
    found = [(index[name], index[short]) for name in nicknames() if name in index for short in nicknames()[name] if short in index]
    return np.array([one * len(index) + other for one, other in found], dtype=np.int64)


def _dates(column: Column, one: Ints, other: Ints, alike: Likeness) -> Bytes:
    away = alike(DamerauLevenshtein.distance, None)
    out = np.where(away <= 1, 1, 3).astype(np.int8)
    used = np.concatenate((one, other))
    number = _of_each(column.values, used, lambda value: int(value) if len(value) == 8 and value.isdecimal() else -1)
    rest = np.flatnonzero((out == 3) & (number[one] >= 0) & (number[other] >= 0))
    left, right = number[one[rest]], number[other[rest]]
    year, month, day = left // 10_000 == right // 10_000, left // 100 % 100 == right // 100 % 100, left % 100 == right % 100
    there, back = left // 100 % 100 == right % 100, left % 100 == right // 100 % 100
    near = (year.astype(np.int8) + month + day == 2) | (away[rest] <= 2) | (year & there)
    out[rest[near]] = 2
    out[rest[year & there & back]] = 1
    return out


def _codes(column: Column, one: Ints, other: Ints, alike: Likeness) -> Bytes:
    away = alike(DamerauLevenshtein.distance, None)
    sizes = np.fromiter(map(len, column.values), dtype=np.int64, count=len(column.values))
    size = np.minimum(sizes[one], sizes[other])
    return np.where((away <= 1) & (size >= 3), 1, np.where((away <= 2) & (size >= 4), 2, 3)).astype(np.int8)


def _texts(column: Column, one: Ints, other: Ints, alike: Likeness) -> Bytes:
    likeness = alike(JaroWinkler.similarity, None)
    rest = np.flatnonzero(likeness < 0.90)
    likeness[rest] = np.maximum(likeness[rest], alike(token_sort_ratio, rest) / 100)
    return np.where(likeness >= 0.90, 1, np.where(likeness >= 0.78, 2, 3)).astype(np.int8)


def _categories(column: Column, one: Ints, other: Ints, alike: Likeness) -> Bytes:
    return np.ones(len(one), dtype=np.int8)


MAKERS: dict[str, Callable[[Column, Ints, Ints, Likeness], Bytes]] = {
    "name": _names,
    "date": _dates,
    "code": _codes,
    "text": _texts,
    "category": _categories,
}
