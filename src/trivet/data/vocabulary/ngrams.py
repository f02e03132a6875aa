"""Likeness of short names by their letters: TF-IDF over runs of three and four characters, cosine. In, names; out, the most alike.

The index is arrays: one sorted list of (run, name) with its weight, so that a question costs one slice for each of its runs. Weight of a
run in a name: (1 + log of its count) times the smoothed inverse document frequency, names scaled to length 1 (Manning, Raghavan,
Schütze: Introduction to Information Retrieval, chapter 6).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["NgramIndex", "normal"]

SIZES = (3, 4)
BASE = np.uint64(1_000_003)
NOT_WORD = re.compile(r"[^0-9a-z]+")
Numbers = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]


def normal(text: str) -> str:
    """A name for comparison: small letters and digits, single spaces."""
    return NOT_WORD.sub(" ", text.casefold()).strip()


def runs(text: str) -> npt.NDArray[np.uint64]:
    """Every run of a name as a number; equal runs are equal numbers, and others differ but by a chance of one in 2^64."""
    letters = np.frombuffer(f" {text} ".encode("ascii", "replace"), dtype=np.uint8).astype(np.uint64)
    made = []
    with np.errstate(over="ignore"):
        for size in SIZES:
            if len(letters) < size:
                continue
            value = np.full(len(letters) - size + 1, size, dtype=np.uint64)
            for at in range(size):
                value = value * BASE + letters[at : len(letters) - size + 1 + at]
            made.append(value)
    return np.concatenate(made) if made else np.empty(0, dtype=np.uint64)


class NgramIndex:
    """An index over names; `search` answers with their positions."""

    def __init__(self, names: Sequence[str]) -> None:
        self.size = len(names)
        parts = [runs(normal(name)) for name in names]
        lengths = [len(part) for part in parts]
        run = np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)
        owner: Numbers = np.repeat(np.arange(len(parts)), lengths)
        order = np.lexsort((owner, run))
        run, owner = run[order], owner[order]
        first = np.ones(len(run), dtype=bool)
        first[1:] = (run[1:] != run[:-1]) | (owner[1:] != owner[:-1])
        starts = np.flatnonzero(first)
        count = np.diff(np.append(starts, len(run)))
        run, self.owner = run[starts], owner[starts]
        self.known, where, frequency = np.unique(run, return_index=True, return_counts=True)
        self.start: Numbers = np.append(where, len(run))
        self.rarity: Weights = np.log((1 + self.size) / (1 + frequency)) + 1
        weight: Weights = (1 + np.log(count)) * np.repeat(self.rarity, frequency) if len(run) else np.empty(0)
        norm = np.sqrt(np.bincount(self.owner, weight**2, minlength=self.size))
        self.weight: Weights = weight / np.maximum(norm[self.owner], 1e-12) if len(run) else weight

    def search(self, name: str, limit: int = 20) -> list[tuple[int, float]]:
        """Positions of the names most alike, with their cosine, best first; of equals the earlier one."""
        asked, count = np.unique(runs(normal(name)), return_counts=True)
        at = np.searchsorted(self.known, asked)
        here = (at < len(self.known)) & (self.known[np.minimum(at, max(len(self.known) - 1, 0))] == asked) if len(self.known) else None
        if here is None or not here.any():
            return []
        unknown = np.log(1 + self.size) + 1
        weight = (1 + np.log(count)) * np.where(here, self.rarity[np.minimum(at, len(self.known) - 1)], unknown)
        weight = weight / np.sqrt((weight**2).sum())
        score = np.zeros(self.size)
        for place, share in zip(at[here], weight[here], strict=True):
            piece = slice(self.start[place], self.start[place + 1])
            score[self.owner[piece]] += share * self.weight[piece]
        best = np.argsort(-score, kind="stable")[:limit]
        return [(int(one), float(score[one])) for one in best if score[one] > 0]
