"""Who is who in a table, or between two tables, without labels and without settings. In, `People`; out, one decision for each row.

The model is fitted to the very table (`estimate.py`); a person's row is decided with a probability and the fields that decided it.
Between two tables a row of the other one is given away only once where the tables themselves hold each person once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trivet.data.identity.estimate import NEVER, Estimate, Floats, estimate, reachable, score
from trivet.data.identity.levels import LEVELS, Pairs, compare_all, compare_chance
from trivet.data.identity.pairs import block, chance_rows
from trivet.data.identity.table import Column, Ints, People, stacked
from trivet.data.identity.together import together

__all__ = ["HERE", "Clustering", "Comparing", "Decision", "Decisions", "deduplicate", "link_tables"]

CHANCE = 1_000_000  # pairs picked by chance, for u
FIT = 500_000  # candidate pairs of which m is learnt; of more, this many, evenly spaced
MATCH, POSSIBLE = 0.5, 0.05
SURE, DOUBTFUL = 0.9, 0.001  # a pair so sure joins whatever the others say; one so unlikely counts as never compared
MOST, UNLIKE = 10.0, -4.0  # bits that one pair may bring to the joining of two groups, and those of a pair that is not alike at all
NAMED = frozenset({"given", "family", "maiden", "name", "ssn", "identifier"})
RARE = frozenset({"birth", "ssn", "identifier", "phone", "mail", "street"})
ONCE = 0.02  # share of matches that may contest a row before the tables are taken to hold persons more than once


class Comparing(Protocol):
    """Where the letters of candidate pairs are compared: nearly all of the work. The order of the pairs is kept."""

    def every(self, columns: Mapping[str, Column], left: Ints, right: Ints) -> Pairs:
        """`compare_all` of the pairs."""

    def reaching(self, columns: Mapping[str, Column], left: Ints, right: Ints, known: Estimate, least: float) -> Pairs:
        """`reachable` of the pairs."""


class _Here:
    """In this process."""

    def every(self, columns: Mapping[str, Column], left: Ints, right: Ints) -> Pairs:
        return compare_all(columns, left, right)

    def reaching(self, columns: Mapping[str, Column], left: Ints, right: Ints, known: Estimate, least: float) -> Pairs:
        return reachable(columns, left, right, known, least)


HERE: Comparing = _Here()


@dataclass(frozen=True, slots=True)
class Clustering:
    """For each row its cluster (numbered from 0 in order of rows) and the probability that it belongs there."""

    clusters: tuple[int, ...]
    probabilities: tuple[float, ...]
    fitted: Estimate | None
    compared: int


@dataclass(frozen=True, slots=True)
class Decision:
    """About one row: `match`, `possible` or `no_match`; the row of the other table it is about (-1: none); the fields that decided."""

    decision: str
    against: int
    probability: float
    reasons: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """One decision for each row; `once` says that a row of the other table was given away at most once; `fields` were compared."""

    decisions: tuple[Decision, ...]
    once: bool
    fitted: Estimate | None
    compared: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidate pairs with probability and bits by field."""

    pairs: Pairs
    probability: Floats
    bits: Floats
    by_field: Mapping[str, Floats]
    columns: Mapping[str, Column]
    fitted: Estimate | None
    compared: int


def _scored(columns: Mapping[str, Column], split: int | None, by: Comparing) -> Scored:
    rows = len(next(iter(columns.values())).codes)
    left, right = block(columns, split)
    some = np.arange(FIT) * len(left) // FIT if len(left) > FIT else np.arange(len(left))
    pairs = by.every(columns, left[some], right[some])
    if not len(left):
        nothing = np.empty(0)
        return Scored(pairs, nothing, nothing, {}, columns, None, 0)
    chance = compare_chance(columns, *chance_rows(rows, split, CHANCE))
    total = rows * (rows - 1) / 2 if split is None else split * (rows - split)
    fitted = estimate(columns, pairs, chance, float(total), len(some) / len(left))
    if len(left) > FIT:
        pairs = by.reaching(columns, left, right, fitted, NEVER) if split is None else by.every(columns, left, right)
    bits, by_field = score(columns, pairs, fitted)
    return Scored(pairs, 1 / (1 + np.exp2(-np.clip(bits, -500, 500))), bits, by_field, columns, fitted, len(left))


def deduplicate(people: People, by: Comparing = HERE) -> Clustering:
    """Group the rows of a table into persons."""
    scored = _scored(people.columns, None, by)
    _, first, back = np.unique(_grouped(scored, people.rows), return_index=True, return_inverse=True)
    clusters = np.argsort(np.argsort(first))[back]
    best = np.zeros(people.rows)
    np.maximum.at(best, scored.pairs.left, scored.probability)
    np.maximum.at(best, scored.pairs.right, scored.probability)
    alone = np.bincount(clusters, minlength=1)[clusters] == 1
    probabilities = np.where(alone, 1 - best, best)
    return Clustering(tuple(clusters.tolist()), tuple(probabilities.tolist()), scored.fitted, scored.compared)


def _grouped(scored: Scored, rows: int) -> list[int]:
    """For each row the first row of its group. The strongest pairs first; a weak pair joins two groups only when the other pairs
    between them do not speak against it: one chance likeness must not chain two persons together."""
    order = np.argsort(-scored.bits, kind="stable")
    order = order[scored.probability[order] >= DOUBTFUL]
    bits = np.clip(scored.bits[order], -MOST, MOST).tolist()
    probability = scored.probability[order].tolist()
    pairs = list(zip(scored.pairs.left[order].tolist(), scored.pairs.right[order].tolist(), strict=True))
    between: dict[int, dict[int, float]] = {}
    for (left, right), said in zip(pairs, bits, strict=True):
        between.setdefault(left, {})[right] = said
        between.setdefault(right, {})[left] = said
    group = list(range(rows))
    members = {row: [row] for row in between}
    for (left, right), likely in zip(pairs, probability, strict=True):
        if likely < MATCH:
            break
        one, other = sorted((group[left], group[right]))
        if one == other:
            continue
        if likely < SURE and len(members[one]) * len(members[other]) > 1:
            against = [between[row].get(met, UNLIKE) for row in members[one] for met in members[other]]
            if sum(against) < 0:
                continue
        for row in members[other]:
            group[row] = one
        members[one] += members.pop(other)
    return group


def link_tables(people: People, against: People, by: Comparing = HERE) -> Decisions:
    """Decide each row of a table against another table."""
    people, against = together(people, against)
    fields = [field for field in people.columns if field in against.columns]
    columns = {field: stacked(people.columns[field], against.columns[field]) for field in fields}
    scored = _scored(columns, people.rows, by)
    order = np.argsort(-scored.bits, kind="stable")
    once = _once(scored, order)
    taken_left, taken_right = set[int](), set[int]()
    chosen: dict[int, int] = {}
    if once:
        for place in order:
            if scored.probability[place] < POSSIBLE:
                break
            left, right = int(scored.pairs.left[place]), int(scored.pairs.right[place])
            if left not in taken_left and right not in taken_right:
                chosen[left] = int(place)
                taken_left.add(left)
                taken_right.add(right)
    for place in order:
        if scored.probability[place] < POSSIBLE and not once:
            break
        left = int(scored.pairs.left[place])
        if not once:
            chosen.setdefault(left, int(place))
    best = _best(scored, order)
    decisions = tuple(_decision(scored, chosen.get(row), best.get(row), people.rows) for row in range(people.rows))
    return Decisions(decisions, once, scored.fitted, scored.compared, tuple(fields))


def _once(scored: Scored, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bool:
    """Does each table hold each person once? Then hardly any row is claimed by two others."""
    matched = scored.probability >= MATCH
    count = int(matched.sum())
    if not count:
        return False
    rows = len(np.unique(scored.pairs.left[matched])), len(np.unique(scored.pairs.right[matched]))
    return bool(count - min(rows) <= ONCE * count)


def _best(scored: Scored, order: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[int, int]:
    """The strongest pair of each row, taken or not."""
    found: dict[int, int] = {}
    for place in order:
        found.setdefault(int(scored.pairs.left[place]), int(place))
    return found


def _decision(scored: Scored, chosen: int | None, best: int | None, split: int) -> Decision:
    if chosen is None:
        return Decision(
            "no_match", -1, float(scored.probability[best]) if best is not None else 0.0, "" if best is None else _reasons(scored, best)
        )
    probability = float(scored.probability[chosen])
    word = "match" if probability >= MATCH and _enough(scored, chosen) else "possible"
    return Decision(word, int(scored.pairs.right[chosen]) - split, probability, _reasons(scored, chosen))


def _enough(scored: Scored, place: int) -> bool:
    """Is there evidence of who somebody is, however high the score: a name or number, something that few share, three fields in all?

    Five fields that agree are enough whatever they are: names may be misspelt past knowing.
    """
    agree = {field for field, levels in scored.pairs.levels.items() if 0 <= levels[place] <= 1}
    alike = {field for field, levels in scored.pairs.levels.items() if 0 <= levels[place] <= 2}
    least = min(3, len(scored.columns))
    return len(agree) >= 5 or (len(agree) >= least and bool(alike & NAMED) and bool(alike & RARE))


def _reasons(scored: Scored, place: int) -> str:
    """`birth exact +14.2; given close +3.1`: strongest first."""
    said = []
    for field, bits in scored.by_field.items():
        level = int(scored.pairs.levels[field][place])
        if level >= 0:
            said.append((float(bits[place]), f"{field} {LEVELS[scored.columns[field].kind][level]} {bits[place]:+.1f}"))
    return "; ".join(text for _, text in sorted(said, key=lambda item: -abs(item[0])))
