"""Weights learnt from a table without labels: Fellegi and Sunter's model fitted by expectation maximisation (Winkler 1988).

In: levels of agreement of candidate pairs and of pairs picked by chance. Out: m and u for each level of each field, the number of
matches expected, and bits for every pair. u comes from chance pairs, m from the candidates; the same input gives the same numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from trivet.data.identity.household import two_persons
from trivet.data.identity.levels import LEVELS, Bytes, Pairs, crossed, levels_of
from trivet.data.identity.table import Column, Ints
from trivet.kernel.resources import text

__all__ = ["NEVER", "Estimate", "Floats", "estimate", "reachable", "score"]

Floats = NDArray[np.float64]
Table = dict[str, Floats]
ROUNDS = 200
NEVER = -21.0  # bits of a pair whose probability is written as 0.000000
STILL = 1e-7
CLEANINGS = 5
TRUST_M, TRUST_FREE, TRUST_U, TRUST_TERM = 1.0, 20.0, 100.0, 50.0  # pairs, and rows, for which an expectation counts


@dataclass(frozen=True, slots=True)
class Estimate:
    """`m` and `u` by field and level; `matches` expected among the candidates, `pairs` in all."""

    m: dict[str, Floats]
    u: dict[str, Floats]
    matches: float
    pairs: float
    rounds: int

    @property
    def prior(self) -> float:
        """Bits for a match of a pair picked by chance."""
        share = min(max(self.matches / self.pairs, 1e-12), 0.5)
        return float(np.log2(share / (1 - share)))


@cache
def _expected() -> dict[tuple[str, str], Floats]:
    """(kind, `m` or `u`) -> the share of each level that is expected before the table has spoken."""
    rows = list(csv.DictReader(text("trivet.maps", "identity", "expectations.csv").splitlines()))
    return {(kind, name): np.array([float(row[name]) for row in rows if row["kind"] == kind]) for kind in LEVELS for name in ("m", "u")}


def _frequencies(levels: Bytes, expected: Floats, trust: float, weight: Floats) -> Floats:
    """The share of each level among the pairs that have one; what is expected counts for `trust` pairs."""
    seen = levels >= 0
    counts = np.bincount(levels[seen], weights=weight[seen], minlength=len(expected)) + trust * expected
    made: Floats = counts / counts.sum()
    return made


def estimate(columns: Mapping[str, Column], candidates: Pairs, chance: Pairs, pairs: float, share: float = 1.0) -> Estimate:
    """Fit the model. Starts from fields that mostly agree in a match, and goes on until nothing moves.

    `candidates` may be a `share` of those that there are; `pairs` are all pairs of rows.
    """
    part = share
    fields = list(columns)
    expected = {name: [_expected()[columns[field].kind, name] for field in fields] for name in ("m", "u")}
    m = dict(zip(fields, expected["m"], strict=True))
    u = dict(zip(fields, expected["u"], strict=True))
    patterns, counts = _patterns(candidates, fields)
    counts /= part
    free = {field: _frequencies(patterns[:, place], expected["u"][place], TRUST_FREE, counts) for place, field in enumerate(fields)}
    two = two_persons({field: patterns[:, place] for place, field in enumerate(fields)})
    share, rounds = 0.05, 0
    for turn in range(1, ROUNDS + 1):
        rounds = turn
        matched = np.where(two, 0.0, _matched(patterns, fields, m, free, share))
        before = share
        share = float(((matched * counts).sum() + 0.5) / (counts.sum() + 1.0))
        for place, field in enumerate(fields):
            m[field] = _frequencies(patterns[:, place], expected["m"][place], TRUST_M, matched * counts)
            free[field] = _frequencies(patterns[:, place], expected["u"][place], TRUST_FREE, (1 - matched) * counts)
        if abs(share - before) < STILL * before:
            break
    matches = float(share * counts.sum())
    return Estimate(m, _by_chance(m, u, expected["u"], chance, fields, matches / pairs, pairs), matches, pairs, rounds)


def _by_chance(m: Table, u: Table, expected: list[Floats], chance: Pairs, fields: list[str], share: float, pairs: float) -> Table:
    """u from pairs picked by chance, with the few matches among them taken out: in a small table they are not few."""
    patterns, counts = _patterns(chance, fields)
    counts *= min(1.0, pairs / max(1.0, counts.sum()))  # a small table has fewer different pairs than were picked
    for _ in range(CLEANINGS):
        matched = _matched(patterns, fields, m, u, share)
        u = {
            field: _frequencies(patterns[:, place], expected[place], TRUST_U, (1 - matched) * counts) for place, field in enumerate(fields)
        }
    return u


def _matched(patterns: Bytes, fields: list[str], m: Table, u: Table, share: float) -> Floats:
    """The probability of a match for each pattern."""
    share = min(max(share, 1e-12), 1 - 1e-12)
    odds = np.full(len(patterns), np.log(share / (1 - share)))
    for place, field in enumerate(fields):
        level = patterns[:, place]
        seen = level >= 0
        odds[seen] += np.log(m[field][level[seen]] / u[field][level[seen]])
    made: Floats = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    return made


def _patterns(pairs: Pairs, fields: list[str]) -> tuple[Bytes, Floats]:
    """Different combinations of levels, and how many pairs have each: fields far fewer than pairs."""
    packed = np.zeros(len(pairs.left), dtype=np.int64)
    for field in fields:
        packed = packed * 8 + (pairs.levels[field].astype(np.int64) + 1)
    held, counts = np.unique(packed, return_counts=True)
    out = np.empty((len(held), len(fields)), dtype=np.int8)
    for place in range(len(fields) - 1, -1, -1):
        out[:, place] = held % 8 - 1
        held = held // 8
    return out, counts.astype(np.float64)


def score(columns: Mapping[str, Column], pairs: Pairs, known: Estimate) -> tuple[Floats, dict[str, Floats]]:
    """Bits of every pair, prior included, and by field. Agreement on a rare value says more than on a frequent one."""
    by_field = {}
    total = np.full(len(pairs.left), known.prior)
    for field, column in columns.items():
        by_field[field] = _bits(column, pairs.levels[field], pairs.left, known)
        total = total + by_field[field]
    return np.where(two_persons(pairs.levels), np.minimum(total, NEVER), total), by_field


def _bits(column: Column, levels: Bytes, left: Ints, known: Estimate) -> Floats:
    """What a field says about pairs at these levels."""
    m, u = known.m[column.field], known.u[column.field]
    bits: Floats = np.r_[np.log2(m / u), 0.0][levels]
    if column.kind != "category":
        exact = np.flatnonzero(levels == 0)
        usual = float(_expected()[column.kind, "u"][0])
        share = (column.counts[column.codes[left[exact]]] + TRUST_TERM * usual) / (column.counts.sum() + TRUST_TERM)
        bits[exact] = np.log2(m[0] / share)
    return bits


def reachable(columns: Mapping[str, Column], left: Ints, right: Ints, known: Estimate, least: float) -> Pairs:
    """The pairs that reach `least` bits, with their levels. Letters are compared only while a pair can still reach them.

    Which values are the same is known before any is compared; what a field whose values differ can say at most is known as well.
    """
    most = {field: float(np.log2(known.m[field] / known.u[field])[1:].max()) for field in columns}
    least_of = {field: float(np.log2(known.m[field] / known.u[field])[1:].min()) for field in columns}
    bound = np.full(len(left), known.prior)
    for field, column in columns.items():
        one, other = column.codes[left], column.codes[right]
        there = (one >= 0) & (other >= 0)
        same = np.where(there & (one == other), 0, -1).astype(np.int8)
        bound += _bits(column, same, left, known) + np.where(there & (one != other), most[field], 0.0)
    kept = np.flatnonzero(bound >= least)
    left, right, bound = left[kept], right[kept], bound[kept]
    levels = dict[str, Bytes]()
    crosses = dict[str, NDArray[np.bool_]]()
    for fields, here in crossed(columns, left, right):
        crosses |= {field: here | crosses[field] if field in crosses else here for field in fields}
    # what tells most comes first, texts last: they take longest
    for field in sorted(columns, key=lambda field: (columns[field].kind == "text", least_of[field] - most[field])):
        made = levels_of(columns[field], left, right)
        if field in crosses:
            made[crosses[field] & (made > 0)] = 1
        said = np.r_[np.log2(known.m[field] / known.u[field]) - most[field], 0.0]
        bound = bound + np.where(made > 0, said[made], 0.0)
        kept = np.flatnonzero(bound >= least)
        levels = {name: held[kept] for name, held in (levels | {field: made}).items()}
        crosses = {name: held[kept] for name, held in crosses.items()}
        left, right, bound = left[kept], right[kept], bound[kept]
    return Pairs(left, right, {field: levels[field] for field in columns})
