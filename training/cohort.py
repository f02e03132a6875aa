"""Cases to learn from: who, when, what was known then, what followed. In, a filled home; out, rows of numbers and outcomes.

The statements that name cases and outcomes are the ones by which a home evaluates its models. Rows come from the published view
as it was known at each instant. Cases of one person stay on one side of the split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from trivet.contracts.feature import FeatureRow
from trivet.contracts.house import House
from trivet.kernel.resources import text

__all__ = ["Cases", "cases", "held_out"]

GIVEN = {"readmission": ("adt", []), "deterioration": ("vitals", [["ICU", "NHD"]])}
BATCH = 4_000
EVERY = 1 << 40  # cases, which are told from the newest


@dataclass(frozen=True, slots=True)
class Cases:
    """Feature rows and what followed, one for each case."""

    rows: tuple[FeatureRow, ...]
    outcomes: tuple[bool, ...]
    digest: str

    def part(self, take: Sequence[bool]) -> Cases:
        """Some of them."""
        kept = [(row, outcome) for row, outcome, one in zip(self.rows, self.outcomes, take, strict=True) if one]
        return Cases(tuple(row for row, _ in kept), tuple(outcome for _, outcome in kept), self.digest)


def cases(house: House, use: str) -> Cases:
    """Every case of a use in the home."""
    statement = text("trivet.wiring", "sql", f"outcome_{use}.sql")
    feed, more = GIVEN[use]
    _, found = house.shelf.query(statement, parameters=[feed, house.clock.now()[:19], *more, EVERY])
    found.reverse()
    position = house.role("query").position
    asked = [(person, at, position(at)) for person, at, _ in found]
    rows: list[FeatureRow] = []
    for start in range(0, len(asked), BATCH):
        rows += house.features.many(use, asked[start : start + BATCH])
    told = hashlib.sha256(
        "\n".join(f"{person} {at} {seq} {outcome}" for (person, at, seq), (_, _, outcome) in zip(asked, found, strict=True)).encode()
    )
    return Cases(tuple(rows), tuple(bool(outcome) for _, _, outcome in found), told.hexdigest())


def held_out(person: str, share: float) -> bool:
    """Does a person belong to the part that is not learnt from? Decided by the person's id alone."""
    return int.from_bytes(hashlib.sha256(f"held-out/{person}".encode()).digest()[:4], "big") < share * 2**32
