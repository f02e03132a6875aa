"""Mapping tables of X12 to small functions: `maps/x12/map/*.csv`, read once.

A row says where (`loop`, `segment`), if (`when`), for which groups of elements (`each`: first, step and how many; `^3` for the
repetitions of one element), from what (`source`: an element, `@1` in a group, `=text`), to which record and element
(`target`, `path`), and how (`as`, with `with`). Conditions are the closed language of `integration.tables`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import NamedTuple

from trivet.integration.tables import Condition, Row, compile_condition, parse, places, table
from trivet.kernel.errors import Fault

__all__ = [
    "Block",
    "Carry",
    "Cell",
    "Cells",
    "Drop",
    "Each",
    "Party",
    "Place",
    "Rule",
    "carries",
    "code_map",
    "drops",
    "key_of",
    "parties",
    "party_rules",
    "rules",
]

# Cells of a segment by key: offset, text, length in bytes, locator. A key holds element, repetition and component in one number;
# components count from 1, as in the standard, so that 1 is also an element that has none.
Cell = tuple[int, str, int, str]
Cells = dict[int, Cell]
Test = Callable[[Cells, int], bool]


def key_of(element: int, repetition: int, component: int) -> int:
    """The number under which a cell stands; numbers add up, so that a place in a group is the group's begin plus the place."""
    return element << 40 | repetition << 20 | component


class Each(NamedTuple):
    """Groups of elements: from `first` on, `step` apart, at most `times`; or the repetitions of `first`."""

    first: int
    step: int
    times: int
    repeats: bool


class Place(NamedTuple):
    """A cell: its key, absolute or counted from the group's begin."""

    key: int
    relative: bool

    def at(self, begin: int) -> int:
        """The key, for a group that begins at `begin`."""
        return self.key + begin if self.relative else self.key


class Rule(NamedTuple):
    """One row, compiled. `constant` replaces `source` where that is None; `other` is another cell that a converter reads."""

    id: str
    source: Place | None
    constant: str
    target: str
    path: str
    how: str
    other: Place | None


class Block(NamedTuple):
    """Neighbouring rows under one condition, for the same groups. `reads` are the cells of the condition, `exact` those whose text it
    looks at; of the others it only asks whether they are there."""

    test: Test | None
    each: Each | None
    reads: tuple[Place, ...]
    exact: tuple[Place, ...]
    rules: tuple[Rule, ...]


class Party(NamedTuple):
    """A loop that holds a party: the record it fills, what kind of party, which role in a claim."""

    slot: str
    kind: str
    role: str


class Drop(NamedTuple):
    """Elements of a segment that a rule leaves out; None for all. `exact` are the cells whose text the condition looks at."""

    test: Test | None
    exact: tuple[Place, ...]
    elements: frozenset[int] | None
    rule: str


class Carry(NamedTuple):
    """A segment that is kept as it stands: in which record, at which path."""

    target: str
    path: str


def place_of(text: str) -> Place:
    """`02`, `05.1`, `@1`, `@0.2`. Raises Fault."""
    element, _, component = text.removeprefix("@").partition(".")
    if not element.isdigit() or (component and not component.isdigit()):
        raise Fault("E323", "an element in an X12 mapping table cannot be read", where=text)
    return Place(key_of(int(element), 0, int(component or 1)), text.startswith("@"))


def _getter(place: Place) -> Callable[[Cells, int], str]:
    key, relative = place

    def near(cells: Cells, begin: int) -> str:
        found = cells.get(begin + key)
        return found[1] if found is not None else ""

    def far(cells: Cells, begin: int) -> str:
        found = cells.get(key)
        return found[1] if found is not None else ""

    return near if relative else far


@cache
def _test(text: str) -> tuple[Test | None, tuple[Place, ...], tuple[Place, ...]]:
    if not text:
        return None, (), ()
    tree = parse(text)
    test = compile_condition(tree, lambda word: _getter(place_of(word)))
    return test, tuple(place_of(word) for word in places(tree)), tuple(place_of(word) for word in _exact(tree))


def _exact(tree: Condition) -> list[str]:
    """The places whose text a condition looks at."""
    if tree[0] == "and":
        return _exact(tree[1]) + _exact(tree[2])
    if tree[0] == "not":
        return _exact(tree[1])
    return [] if tree[0] == "present" else [tree[1]]


@cache
def _each(text: str) -> Each | None:
    if not text:
        return None
    if text.startswith("^"):
        return Each(int(text[1:]), 0, 0, True)
    first, step, times = text.split(":")
    return Each(int(first), int(step), int(times), False)


def _rule(row: Row, name: str, target: str) -> Rule:
    fixed = row["source"].startswith("=")
    constant = row["source"][1:] if fixed else ""
    other = place_of(row["with"]) if row["with"] else None
    return Rule(name, None if fixed else place_of(row["source"]), constant, target, row["path"], row["as"], other)


def _blocks(rows: list[tuple[Row, Rule]]) -> tuple[Block, ...]:
    found = []
    for (when, each), some in groupby(rows, key=lambda pair: (pair[0]["when"], pair[0]["each"])):
        test, reads, exact = _test(when)
        found.append(Block(test, _each(each), reads, exact, tuple(rule for _, rule in some)))
    return tuple(found)


@cache
def rules(name: str) -> dict[tuple[str, str], tuple[Block, ...]]:
    """The rows of a map by (loop, segment)."""
    found: dict[tuple[str, str], list[tuple[Row, Rule]]] = {}
    for row in table(f"x12/map/{name}.csv", "loop", "segment", "when", "each", "source", "target", "path", "as", "with"):
        for loop in row["loop"].split("|"):
            label = f"x12/{name}/{loop}/{row['segment']}-{row['source'].lstrip('@=')[:24]}"
            found.setdefault((loop, row["segment"]), []).append((row, _rule(row, label, row["target"])))
    return {key: _blocks(some) for key, some in found.items()}


@cache
def party_rules() -> dict[tuple[str, str], tuple[Block, ...]]:
    """The rows for parties by (kind, segment)."""
    found: dict[tuple[str, str], list[tuple[Row, Rule]]] = {}
    kinds = ("organization", "practitioner", "person", "related", "location", "address")
    for row in table("x12/map/party.csv", "segment", "kinds", "when", "each", "source", "path", "as", "with"):
        for kind in kinds if row["kinds"] == "*" else row["kinds"].split():
            label = f"x12/party/{row['segment']}-{row['source'].lstrip('@=')[:24]}"
            found.setdefault((kind, row["segment"]), []).append((row, _rule(row, label, "")))
    return {key: _blocks(some) for key, some in found.items()}


@cache
def parties(*names: str) -> dict[str, Party]:
    """Loops with parties of a set (`837`) and its structure (`837P`)."""
    rows = table("x12/map/parties.csv", "set", "loop", "slot", "kind", "role")
    return {row["loop"]: Party(row["slot"], row["kind"], row["role"]) for row in rows if row["set"] in names}


@cache
def drops() -> dict[tuple[str, str], tuple[Drop, ...]]:
    """What is left out, by loop (empty: in any loop) and segment."""
    found: dict[tuple[str, str], list[Drop]] = {}
    for row in table("x12/map/drops.csv", "loop", "segment", "when", "elements", "rule", "why"):
        elements = None if row["elements"] == "*" else frozenset(int(word) for word in row["elements"].split())
        test, _, exact = _test(row["when"])
        found.setdefault((row["loop"], row["segment"]), []).append(Drop(test, exact, elements, row["rule"]))
    return {key: tuple(some) for key, some in found.items()}


@cache
def carries(name: str) -> dict[tuple[str, str], Carry]:
    """Segments of a set that are kept as they stand, by (loop, segment)."""
    rows = table("x12/map/carry.csv", "set", "loop", "segment", "target", "path", "why")
    return {(row["loop"], row["segment"]): Carry(row["target"], row["path"]) for row in rows if row["set"] == name}


@cache
def code_map(name: str, column: str) -> dict[str, str]:
    """A small table from codes to values."""
    return {row["code"]: row[column] for row in table(f"x12/codes/{name}.csv", "code", column)}
