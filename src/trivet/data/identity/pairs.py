"""Pairs of rows that are worth comparing. In, columns; out, numpy arrays.

Every field that can tell people apart is a blocking rule of its own while its blocks stay small; where they grow too large, it counts
only together with another one. Beside them stand rows picked by chance, whose pairs are hardly ever of one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, repeat
from math import isqrt
from typing import NamedTuple

import numpy as np

from trivet.data.identity.table import Column, Ints

__all__ = ["block", "chance_rows"]

KEYS = ("ssn", "identifier", "phone", "mail", "birth", "family", "given", "name", "street", "zip", "city", "maiden", "number", "middle")
LEAST, MOST = 2_000_000, 4_000_000  # pairs that all rules together may bring in a small table, and in one of middle size
PER_ROW, FEWER = 60, 4  # the same for each row of a table of middle size, and of a large one

CORES = 4  # at most so many rules are sorted at a time: each takes three numbers a row


class Groups(NamedTuple):
    """Rows that share a key, group behind group, in groups of two and more; `pairs` of rows that they make."""

    rows: Ints
    sizes: Ints
    pairs: int


def block(columns: Mapping[str, Column], split: int | None) -> tuple[Ints, Ints]:
    """All pairs that some rule brings together. With `split`, the first rows are one table and the rest another, and pairs cross over."""
    rows = len(next(iter(columns.values())).codes)
    left = max(LEAST, min(MOST, PER_ROW * rows), FEWER * rows)
    singles = {field: columns[field].codes for field in KEYS if field in columns}
    singles |= {f"{field}~": _sounds(columns[field]) for field in ("family", "given") if field in columns}
    found, large, left = _within(singles, split, left)
    both = {
        f"{one}+{other}": _both(singles[one], singles[other])
        for one, other in combinations(singles, 2)
        if one in large and other in large and one.rstrip("~") != other.rstrip("~")
    }
    packed = np.concatenate((*found, *_within(both, split, left)[0], np.empty(0, dtype=np.int64)))
    packed.sort()  # np.unique would hash them, which takes ten times as long
    packed = packed[np.r_[True, packed[1:] != packed[:-1]]] if len(packed) else packed
    return packed // rows, packed % rows


def _within(keys: Mapping[str, Ints], split: int | None, left: int) -> tuple[list[Ints], list[str], int]:
    """The pairs of the rules that take no more than half of what is `left`, the smallest first; rules that take more; what is left then."""
    small = {name: codes for name, codes in keys.items() if split is not None or _pairs_of(codes) <= left // 2}
    with ThreadPoolExecutor(CORES) as pool:  # numpy sorts outside the interpreter's lock
        groups = dict(zip(small, pool.map(_groups, small.values(), repeat(split)), strict=True))
    found, large = list[Ints](), [name for name in keys if name not in small]
    for name in sorted(groups, key=lambda name: (groups[name].pairs, name)):
        if groups[name].pairs <= left // 2:
            found.append(_pairs(groups[name], split, len(keys[name])))
            left -= groups[name].pairs
        else:
            large.append(name)
    return found, large, left


def _sounds(column: Column) -> Ints:
    """The codes of a name column by sound."""
    return np.where(column.codes >= 0, column.sounds[column.codes], -1) if column.values else column.codes


def _both(one: Ints, other: Ints) -> Ints:
    codes = one * (int(other.max(initial=0)) + 2) + other
    codes[(one < 0) | (other < 0)] = -1
    return codes


def _pairs_of(codes: Ints) -> int:
    """How many pairs of rows have the same code, where that can be counted without sorting; else 0."""
    if int(codes.max(initial=0)) > len(codes):
        return 0
    counts = np.bincount(codes[codes >= 0])
    return int((counts * (counts - 1) // 2).sum())


def _groups(codes: Ints, split: int | None) -> Groups:
    """The rows with the same code."""
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.argsort(codes[rows])]
    held = codes[rows]
    starts = np.flatnonzero(np.r_[True, held[1:] != held[:-1]]) if len(held) else rows
    sizes = np.diff(np.r_[starts, len(held)])
    rows, sizes = rows[np.repeat(sizes > 1, sizes)], sizes[sizes > 1]
    if split is None or not len(sizes):
        return Groups(rows, sizes, int((sizes * (sizes - 1) // 2).sum()))
    here = np.add.reduceat((rows < split).astype(np.int64), np.cumsum(sizes) - sizes)
    return Groups(rows, sizes, int((here * (sizes - here)).sum()))


def _pairs(groups: Groups, split: int | None, rows: int) -> Ints:
    """The pairs of rows with the same code, packed as left * rows + right."""
    order, sizes = groups.rows, groups.sizes
    # each row is paired with all rows behind it in its group
    behind = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), behind)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(behind) - behind, behind) + 1
    left, right = order[first], order[first + offset]
    if split is not None:
        across = (left < split) != (right < split)
        left, right = left[across], right[across]
    packed: Ints = np.minimum(left, right) * rows + np.maximum(left, right)
    return packed


def chance_rows(rows: int, split: int | None, count: int, seed: int = 7) -> tuple[Ints, Ints]:
    """Rows picked by chance, the same ones every time, such that pairing the first with the second gives about `count` pairs.

    In one table both are the same rows, and each pair counts once.
    """
    rng = np.random.default_rng(seed)
    if split is None:
        wanted = min(rows, isqrt(2 * count) + 1)
        picked = np.sort(rng.choice(rows, wanted, replace=False))
        return picked, picked
    others = rows - split
    here = min(split, max(isqrt(count), count // max(1, others)))
    there = min(others, count // max(1, here))
    return np.sort(rng.choice(split, here, replace=False)), split + np.sort(rng.choice(others, there, replace=False))
