"""Pairs of rows that are worth comparing, and how alike they are field by field. In, columns; out, numpy arrays.

Every field that can tell people apart is a blocking rule of its own while its blocks stay small; where they grow too large, it counts
only together with another one. Comparisons are made once for each pair of different values, not for each pair of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from trivet.data.identity.table import Column
from trivet.data.identity.words import nicknames, soundex

__all__ = ["LEVELS", "Coded", "Pairs", "block", "coded", "compare_all", "random_pairs"]

LEVELS = {
    "name": ("exact", "close", "fuzzy", "sound", "other"),
    "date": ("exact", "close", "parts", "other"),
    "code": ("exact", "close", "near", "other"),
    "text": ("exact", "close", "fuzzy", "other"),
    "category": ("exact", "other"),
}
KEYS = ("ssn", "identifier", "phone", "mail", "birth", "family", "given", "name", "street", "zip", "city", "maiden", "number", "middle")
PER_ROW = 60  # pairs for each row that all rules together may bring
LEAST = 2_000_000  # the same for a small table
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]


class Coded(NamedTuple):
    """A column as numbers: `codes` (row -> value, -1 for none) and `values`. In two tables the rows of the second follow the first's."""

    field: str
    kind: str
    codes: Ints
    values: list[str]
    counts: Ints


class Pairs(NamedTuple):
    """Two rows of each pair, and for each field the level of agreement (-1: one of them has no value)."""

    left: Ints
    right: Ints
    levels: dict[str, Bytes]


def coded(column: Column) -> Coded:
    """A column as numbers."""
    held = sorted(set(column.values) - {""})
    index = {value: number for number, value in enumerate(held)} | {"": -1}
    codes = np.fromiter(map(index.__getitem__, column.values), dtype=np.int64, count=len(column.values))
    counts = np.bincount(codes[codes >= 0], minlength=len(held))
    return Coded(column.field, column.kind, codes, held, counts.astype(np.int64))


def _sounds(column: Coded) -> Ints:
    """The codes of a name column by sound."""
    _, numbers = np.unique(np.array([soundex(value) for value in column.values], dtype=object), return_inverse=True)
    out = np.full(len(column.codes), -1, dtype=np.int64)
    out[column.codes >= 0] = numbers[column.codes[column.codes >= 0]]
    return out


def block(columns: dict[str, Coded], split: int | None) -> tuple[Ints, Ints]:
    """All pairs that some rule brings together. With `split`, the first rows are one table and the rest another, and pairs cross over."""
    rows = len(next(iter(columns.values())).codes)
    left = max(LEAST, PER_ROW * rows)
    singles = {field: columns[field].codes for field in KEYS if field in columns}
    singles |= {f"{field}~": _sounds(columns[field]) for field in ("family", "given") if field in columns}
    found, large = [], []
    for size, name in sorted((_size(codes, split), name) for name, codes in singles.items()):
        if size <= left // 2:
            found.append(_pairs(singles[name], split, rows))
            left -= size
        else:
            large.append(name)
    both = {
        (one, other): _both(singles[one], singles[other])
        for one, other in combinations(singles, 2)
        if one in large and other in large and one.rstrip("~") != other.rstrip("~")
    }
    for size, names in sorted((_size(codes, split), names) for names, codes in both.items()):
        if size <= left // 2:
            found.append(_pairs(both[names], split, rows))
            left -= size
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    packed = np.unique(np.concatenate(found))
    return packed // rows, packed % rows


def _both(one: Ints, other: Ints) -> Ints:
    codes = one * (int(other.max(initial=0)) + 2) + other
    codes[(one < 0) | (other < 0)] = -1
    return codes


def _size(codes: Ints, split: int | None) -> int:
    """How many pairs a rule brings."""
    _, numbers = np.unique(codes[codes >= 0], return_inverse=True)
    if split is None:
        counts = np.bincount(numbers)
        return int((counts * (counts - 1) // 2).sum())
    left = np.bincount(numbers[: int((codes[:split] >= 0).sum())], minlength=int(numbers.max(initial=-1)) + 1)
    return int((left * (np.bincount(numbers) - left)).sum())


def _pairs(codes: Ints, split: int | None, rows: int) -> Ints:
    """The pairs of rows with the same code, packed as left * rows + right."""
    order = np.argsort(codes, kind="stable").astype(np.int64)
    order = order[codes[order] >= 0]
    if not len(order):
        return np.empty(0, dtype=np.int64)
    held = codes[order]
    starts = np.flatnonzero(np.r_[True, held[1:] != held[:-1]])
    sizes = np.diff(np.r_[starts, len(held)])
    # each row is paired with all rows behind it in its group
    behind = np.repeat(starts + sizes, sizes) - np.arange(len(held)) - 1
    first = np.repeat(np.arange(len(held)), behind)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(behind) - behind, behind) + 1
    left, right = order[first], order[first + offset]
    if split is not None:
        across = (left < split) & (right >= split)
        left, right = left[across], right[across]
    packed: Ints = np.minimum(left, right) * rows + np.maximum(left, right)
    return packed


def random_pairs(rows: int, split: int | None, count: int, seed: int = 7) -> tuple[Ints, Ints]:
    """Pairs picked by chance, the same ones every time."""
    rng = np.random.default_rng(seed)
    if split is None:
        left, right = rng.integers(0, rows, count), rng.integers(0, rows, count)
        keep = left != right
        return left[keep], right[keep]
    return rng.integers(0, split, count), rng.integers(split, rows, count)


def compare_all(columns: dict[str, Coded], left: Ints, right: Ints) -> Pairs:
    """The level of agreement of every pair in every field."""
    levels = {field: _levels(column, left, right) for field, column in columns.items()}
    _cross(columns, left, right, levels)
    return Pairs(left, right, levels)


def _levels(column: Coded, left: Ints, right: Ints) -> Bytes:
    one, other = column.codes[left], column.codes[right]
    out = np.full(len(left), -1, dtype=np.int8)
    out[(one >= 0) & (one == other)] = 0
    open_pairs = np.flatnonzero((one >= 0) & (other >= 0) & (one != other))
    if not len(open_pairs):
        return out
    low, high = np.minimum(one[open_pairs], other[open_pairs]), np.maximum(one[open_pairs], other[open_pairs])
    packed, back = np.unique(low * len(column.values) + high, return_inverse=True)
    out[open_pairs] = MAKERS[column.kind](column.values, packed // len(column.values), packed % len(column.values))[back]
    return out


def _alike(values: list[str], one: Ints, other: Ints, scorer: Callable[..., Any]) -> NDArray[np.float32]:
    first, second = [values[code] for code in one.tolist()], [values[code] for code in other.tolist()]
    made: NDArray[np.float32] = process.cpdist(first, second, scorer=scorer, dtype=np.float32)
    return made


def _of_each(values: list[str], used: Ints, what: Callable[[str], int]) -> Ints:
    """A number for each value that is used, at its place; the others are zero."""
    out = np.zeros(len(values), dtype=np.int64)
    for code in np.unique(used).tolist():
        out[code] = what(values[code])
    return out


def _names(values: list[str], one: Ints, other: Ints) -> Bytes:
    alike = _alike(values, one, other, JaroWinkler.similarity)
    out = np.where(alike >= 0.92, 1, np.where(alike >= 0.80, 2, 4)).astype(np.int8)
    rest = np.flatnonzero(out == 4)
    left, right = one[rest], other[rest]
    used = np.concatenate((left, right))
    sounds = _of_each(values, used, lambda value: int.from_bytes(soundex(value).encode()[:7]))
    letters = _of_each(values, used, lambda value: ord(value[0]) * 2 + (len(value) == 1))
    lone = ((letters[left] | letters[right]) & 1 == 1) & (letters[left] >> 1 == letters[right] >> 1)
    out[rest[(sounds[left] == sounds[right]) | lone]] = 3
    index = {value: code for code, value in enumerate(values)}
    called = [
        index[name] * len(values) + index[nick] for name in nicknames() if name in index for nick in nicknames()[name] if nick in index
    ]
    out[rest[np.isin(left * len(values) + right, np.array(called, dtype=np.int64))]] = 1
    return out


def _dates(values: list[str], one: Ints, other: Ints) -> Bytes:
    away = _alike(values, one, other, DamerauLevenshtein.distance)
    out = np.where(away <= 1, 1, 3).astype(np.int8)
    number = _of_each(values, np.concatenate((one, other)), lambda value: int(value) if len(value) == 8 and value.isdecimal() else -1)
    rest = np.flatnonzero((out == 3) & (number[one] >= 0) & (number[other] >= 0))
    left, right = number[one[rest]], number[other[rest]]
    year, month, day = left // 10_000 == right // 10_000, left // 100 % 100 == right // 100 % 100, left % 100 == right % 100
    there, back = left // 100 % 100 == right % 100, left % 100 == right // 100 % 100
    near = (year.astype(np.int8) + month + day == 2) | (away[rest] <= 2) | (year & there)
    out[rest[near]] = 2
    out[rest[year & there & back]] = 1
    return out


def _codes(values: list[str], one: Ints, other: Ints) -> Bytes:
    away = _alike(values, one, other, DamerauLevenshtein.distance)
    sizes = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
    size = np.minimum(sizes[one], sizes[other])
    return np.where((away <= 1) & (size >= 3), 1, np.where((away <= 2) & (size >= 4), 2, 3)).astype(np.int8)


def _texts(values: list[str], one: Ints, other: Ints) -> Bytes:
    alike = np.maximum(_alike(values, one, other, JaroWinkler.similarity), _alike(values, one, other, token_sort_ratio) / 100)
    return np.where(alike >= 0.90, 1, np.where(alike >= 0.78, 2, 3)).astype(np.int8)


def _categories(values: list[str], one: Ints, other: Ints) -> Bytes:
    return np.ones(len(one), dtype=np.int8)


MAKERS: dict[str, Callable[[list[str], Ints, Ints], Bytes]] = {
    "name": _names,
    "date": _dates,
    "code": _codes,
    "text": _texts,
    "category": _categories,
}


def _cross(columns: dict[str, Coded], left: Ints, right: Ints, levels: dict[str, Bytes]) -> None:
    """Fields whose values stand in each other's place (given and family name, the two lines of an address) agree closely after all."""
    for one, other in (("given", "family"), ("street", "street_2")):
        if one not in columns or other not in columns:
            continue
        here, there = _shared(columns[one], columns[other])
        crossed = (here[left] >= 0) & (there[left] >= 0) & (here[left] == there[right]) & (there[left] == here[right])
        for field in (one, other):
            levels[field][crossed & (levels[field] > 0)] = 1


def _shared(one: Coded, other: Coded) -> tuple[Ints, Ints]:
    """Two columns numbered alike."""
    index = {value: number for number, value in enumerate(dict.fromkeys([*one.values, *other.values]))}
    return tuple(_renumbered(column, index) for column in (one, other))  # type: ignore[return-value]


def _renumbered(column: Coded, index: dict[str, int]) -> Ints:
    numbers = np.array([index[value] for value in column.values] + [-1], dtype=np.int64)
    return numbers[column.codes]
