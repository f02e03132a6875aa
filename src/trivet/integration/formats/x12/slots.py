"""Records under construction: where a row's value goes, and which bytes it came from.

Paths: `total.value` one value; `name[n].given[]` `[]` appends; `[n]` (small letters) is shared by the rows of one segment; `[@]` by
the rows of one group of elements; `[A]` (capitals) by the segments of one loop; `[2400]` by everything inside that loop; `[0]` is
the first. A second, different value for one place is refused, so that the table must say where it belongs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from trivet.contracts.record import Span
from trivet.integration.valid import shape_number
from trivet.kernel.errors import Fault

__all__ = ["Scope", "Slot", "Taken"]

STEP = re.compile(r"([A-Za-z]+)(?:\[([A-Za-z0-9@]*)\])?(?:\.|\Z)")


class Taken(Exception):
    """Another value stands at this place already."""


@dataclass(slots=True)
class Scope:
    """What labels mean for one segment: its number, its group, its loop's instance, and the instances of the loops around it."""

    segment: int
    loop: int
    open: dict[str, int]
    group: int = 0

    def of(self, label: str) -> tuple[str, int, int]:
        """The identity of a list element."""
        if label == "@":
            return label, self.segment, self.group
        if label[:1].isdigit():
            return label, self.open.get(label, 0), -2
        if label.isupper():
            return label, self.loop, -1
        return label, self.segment, -3


@cache
def steps_of(path: str) -> tuple[tuple[str, str | None], ...]:
    """(name, label) of each step; None for a single element."""
    found, at = [], 0
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            raise Fault("E212", "a target path in a mapping table cannot be read", where=path, why=f"at character {at + 1}")
        found.append((step[1], step[2]))
        at = step.end()
    return tuple(found)


@cache
def parted(path: str) -> tuple[str, str, str | None, bool]:
    """What a path goes through, its last step, and whether going there twice for one segment leads to the same place."""
    through, _, _ = path.rpartition(".")
    name, label = steps_of(path)[-1]
    return through, name, label, "[]" not in through


def _cloned(value: Any) -> Any:
    """The same containers anew; everything else in a resource never changes."""
    if type(value) is dict:
        return {name: _cloned(inner) if type(inner) in (dict, list) else inner for name, inner in value.items()}
    return [_cloned(inner) if type(inner) in (dict, list) else inner for inner in value]


@lru_cache(maxsize=1024)
def _period(path: str) -> tuple[str | int, ...]:
    """`item[3].servicedPeriod.` as steps."""
    return tuple([int(step) if step.isdigit() else step for step in path.replace("[", ".").replace("]", "").split(".") if step])


@dataclass(slots=True)
class Slot:
    """One record under construction. `kind` is what its party is (person, organization, ...), `role` what it does in a claim."""

    name: str
    kind: str = ""
    role: str = ""
    resource: dict[str, Any] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    labels: dict[tuple[str, tuple[str, int, int]], int] = field(default_factory=dict)
    links: dict[str, Slot] = field(default_factory=dict)
    parties: list[Slot] = field(default_factory=list)
    offset: int = 0
    length: int = 1
    line: int = 0
    sealed: bool = False  # shared by several readings: to be copied before it is written to
    trail: list[Any] = field(default_factory=list)  # the forms that told it, and what of their values its validity may depend on
    ends: list[str] = field(default_factory=list)  # paths of periods, with a point at the end
    loose: bool = False  # rows told some of it: its shape is known by looking
    number: int = 0
    memo: dict[Any, Any] = field(default_factory=dict)  # what naming found out about it, when it was finished
    seen: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    seen_at: tuple[int, int] = (-1, -1)

    def put(self, path: str, value: Any, scope: Scope) -> str:
        """Put a value and say at which element path. Raises Taken where another value stands."""
        through, name, label, steady = parted(path)
        node, out = self.resource, name
        if through:
            node, out = self._reach(through, scope) if steady else self._walk(through, scope)
            out = f"{out}.{name}"
        if label is None:
            if node.setdefault(name, value) != value:
                raise Taken(out)
            return out
        items = node.setdefault(name, [])
        if type(items) is not list:
            raise Taken(out)
        index = self._index(items, out, label, scope)
        if index == len(items):
            items.append(value)
        elif items[index] != value:
            raise Taken(out)
        return f"{out}[{index}]"

    def _reach(self, through: str, scope: Scope) -> tuple[dict[str, Any], str]:
        """The node that a path goes through; the rows of one segment and group mostly go the same way."""
        if self.seen_at != (scope.segment, scope.group):
            self.seen_at = (scope.segment, scope.group)
            self.seen.clear()
        found = self.seen.get(through)
        if found is None:
            found = self.seen[through] = self._walk(through, scope)
        return found

    def _walk(self, through: str, scope: Scope) -> tuple[dict[str, Any], str]:
        node, out = self.resource, ""
        for name, label in steps_of(through):
            out = f"{out}.{name}" if out else name
            if label is None:
                node = node.setdefault(name, {})
            else:
                items = node.setdefault(name, [])
                if type(items) is not list:
                    raise Taken(out)
                index = self._index(items, out, label, scope)
                if index == len(items):
                    items.append({})
                out = f"{out}[{index}]"
                node = items[index]
            if type(node) is not dict:
                raise Taken(out)
        return node, out

    def _index(self, items: list[Any], out: str, label: str, scope: Scope) -> int:
        if label == "0":
            return 0
        return self.labels.setdefault((out, scope.of(label)), len(items)) if label else len(items)

    def copy(self) -> Slot:
        """The same so far, to go on separately."""
        made = Slot(self.name, self.kind, self.role, _cloned(self.resource), list(self.spans), dict(self.labels))
        made.links, made.parties, made.line = dict(self.links), list(self.parties), self.line
        made.offset, made.length = self.offset, self.length
        made.trail, made.ends = [self.follows()] if self.loose else list(self.trail), list(self.ends)
        return made

    def follows(self) -> Any:
        """What the shape of the record so far follows from (see `valid.Derived`)."""
        if self.loose:
            if not self.sealed or not self.number:
                self.number = shape_number(self.resource)
            return self.number
        found = tuple(self.trail)
        for path in self.ends:
            node: Any = self.resource
            for step in _period(path):
                node = node[step]
            found += ("start" in node and "end" in node and node["start"][:10] <= node["end"][:10],)
        return found
