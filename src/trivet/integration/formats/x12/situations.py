"""What one segment says and another one must agree with: the situational rules of the guides that are widely published.

In: the steps of one set. Out: misfits with the implementation codes of a 999 (data element 620: I6, a segment that the situation asks for
is missing; I9, one that it excludes is there). The rules stand in `maps/x12/situations.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence

from trivet.integration.formats.x12.walk import Misfit, Step
from trivet.integration.tables import table

__all__ = ["situations"]


def situations(kind: str, steps: Sequence[Step]) -> list[Misfit]:
    """Misfits of one set. Positions count ST as 1; what is missing is said where its loop ends."""
    rows = [
        row
        for row in table("x12/situations.csv", "set", "loop", "segment", "element", "values", "then", "where", "code")
        if row["set"] == kind
    ]
    found = []
    for row in rows:
        loop, _, name = row["where"].partition("/")
        for place, step in enumerate(steps):
            if step.loop != row["loop"] or step.segment.name != row["segment"]:
                continue
            if step.segment.value(int(row["element"])).strip() not in row["values"].split():
                continue
            end = next((at for at in range(place + 1, len(steps)) if _left(steps[at], step)), len(steps))
            inside = [at for at in range(place + 1, end) if steps[at].loop == loop and steps[at].segment.name == name]
            if row["then"] == "forbids" and inside:
                at = inside[0]
                found.append(Misfit(row["code"], name, at + 2, steps[at].segment, loop))
            elif row["then"] == "needs" and not inside:
                own = [at for at in range(place + 1, end) if steps[at].loop == loop]
                if own:
                    found.append(Misfit(row["code"], name, own[-1] + 3, steps[own[-1]].segment, loop))
    return found


def _left(step: Step, opened: Step) -> bool:
    """Whether a step opens the same loop anew, or the level above it."""
    return (step.loop == opened.loop and step.instance != opened.instance) or (step.segment.name == "HL" and step.loop < opened.loop)
