"""What one segment says and another one must agree with: the situational rules of the guides that are widely published.

In: the steps of one set. Out: misfits with the implementation codes of a 999 (data element 620: I6, a segment that the situation asks for
is missing; I9, one that it excludes is there). The rules stand in `maps/x12/situations.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trivet.integration.formats.x12.walk import Misfit, Step
from trivet.integration.overlay import per_overlay
from trivet.integration.tables import table

__all__ = ["situations"]


class Situation(NamedTuple):
    """One row: its number, the element that decides and its values, what it asks of which segment in which loop."""

    number: int
    element: int
    values: frozenset[str]
    needs: bool
    loop: str
    name: str
    code: str


@per_overlay
def rows(kind: str) -> dict[tuple[str, str], tuple[Situation, ...]]:
    """The rows of a set by the loop and the name of the segment that decides."""
    found: dict[tuple[str, str], list[Situation]] = {}
    for number, row in enumerate(table("x12/situations.csv", "set", "loop", "segment", "element", "values", "then", "where", "code")):
        if row["set"] == kind:
            loop, _, name = row["where"].partition("/")
            values = frozenset(row["values"].split())
            one = Situation(number, int(row["element"]), values, row["then"] == "needs", loop, name, row["code"])
            found.setdefault((row["loop"], row["segment"]), []).append(one)
    return {key: tuple(some) for key, some in found.items()}


def situations(kind: str, steps: Sequence[Step]) -> list[Misfit]:
    """Misfits of one set, row by row. Positions count ST as 1; what is missing is said where its loop ends."""
    known, found = rows(kind), []
    loops = {loop for loop, _ in known}
    for place, step in enumerate(steps):
        if step[1] not in loops:
            continue
        for row in known.get((step.loop, step.segment.name), ()):
            if step.segment.value(row.element).strip() in row.values:
                misfit = _judge(row, place, steps)
                if misfit is not None:
                    found.append((row.number, misfit))
    return [misfit for _, misfit in sorted(found, key=lambda one: one[0])]


def _judge(row: Situation, place: int, steps: Sequence[Step]) -> Misfit | None:
    """Whether what stands inside the loop is what the row asks for."""
    opened, last = steps[place], -1
    for at in range(place + 1, len(steps)):
        step = steps[at]
        if _left(step, opened):
            break
        if step.loop == row.loop:
            last = at
            if step.segment.name == row.name:
                return None if row.needs else Misfit(row.code, row.name, at + 2, step.segment, row.loop)
    return Misfit(row.code, row.name, last + 3, steps[last].segment, row.loop) if row.needs and last >= 0 else None


def _left(step: Step, opened: Step) -> bool:
    """Whether a step opens the same loop anew, or the level above it."""
    return (step.loop == opened.loop and step.instance != opened.instance) or (step.segment.name == "HL" and step.loop < opened.loop)
