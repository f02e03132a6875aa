"""The account of a file: what became of every non-empty source element, each counted once however many units share it.

In: elements with their places in the file. Out: sums by disposition, drops by rule, the uncovered by field with a first place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from trivet.contracts.record import DISPOSITIONS, Element

__all__ = ["Account", "Tally", "field_of"]

INDEX = re.compile(r"\[\d+\]|(?<=/)\d+(?=/|$)|^r=\d+;")
# When units share an element, the best that any of them made of it counts.
BEST = ("rejected", "uncovered", "dropped", "carried", "mapped")
PLACES = 3


def field_of(locator: str) -> str:
    """A locator without its counts: `OBX[3]-5` and `OBX[9]-5` are one field of a feed."""
    return INDEX.sub(lambda found: "*" if found[0].isdigit() else "", locator)


@dataclass(slots=True)
class Tally:
    """Sums that can be added up. `uncovered` maps a field to [count, [locator, offset, length], ...] (the first few places)."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DISPOSITIONS, 0))
    dropped: dict[str, int] = field(default_factory=dict)
    uncovered: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, offset: int, element: Element, by: int = 1) -> None:
        """One element at a place of the file; `by=-1` takes it back."""
        self.counts[element.disposition] += by
        if element.disposition == "dropped":
            self.dropped[element.rule] = self.dropped.get(element.rule, 0) + by
        elif element.disposition == "uncovered":
            seen = self.uncovered.setdefault(field_of(element.locator), [0])
            seen[0] += by
            if by > 0 and len(seen) <= PLACES:
                seen.append((element.locator, offset, element.length))

    def merge(self, other: Tally) -> None:
        """Another part of the same account."""
        for name, count in other.counts.items():
            self.counts[name] += count
        for rule, count in other.dropped.items():
            self.dropped[rule] = self.dropped.get(rule, 0) + count
        for name, seen in other.uncovered.items():
            mine = self.uncovered.setdefault(name, [0])
            mine[0] += seen[0]
            mine.extend(seen[1 : 1 + PLACES - (len(mine) - 1)])

    def as_dict(self) -> dict[str, Any]:
        """The documented form: `elements`, `dropped`, `uncovered`."""
        uncovered = sorted((item for item in self.uncovered.items() if item[1][0]), key=lambda item: (-item[1][0], item[0]))
        return {
            "elements": {"total": sum(self.counts.values()), **self.counts},
            "dropped": {rule: count for rule, count in sorted(self.dropped.items()) if count},
            "uncovered": [
                {
                    "field": name,
                    "count": seen[0],
                    "places": [{"locator": place[0], "offset": place[1], "length": place[2]} for place in seen[1:]],
                }
                for name, seen in uncovered
            ],
        }


@dataclass(slots=True)
class Account:
    """One file. Elements in parts that several units share (an envelope, a header) are remembered by place and counted once."""

    tally: Tally = field(default_factory=Tally)
    _shared: dict[int, Element] = field(default_factory=dict)

    def share(self, offset: int, element: Element) -> None:
        """An element that other units may name too: its best disposition stays."""
        before = self._shared.get(offset)
        if before is not None:
            if BEST.index(element.disposition) <= BEST.index(before.disposition):
                return
            self.tally.add(offset, before, -1)
        self._shared[offset] = element
        self.tally.add(offset, element)
