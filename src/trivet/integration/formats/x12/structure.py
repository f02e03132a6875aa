"""Loops of a transaction set, from `maps/x12/structure/*.csv`: a tree that a walker follows segment by segment.

In: the guide of GS08 or ST03 and the set of ST01. Out: the tree for that guide's version. A guide that is not known has none.
Rows of a loop stand in order; neighbours with the same segment name share a position and may come in any order among each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from trivet.integration.formats.x12.tokens import Marks, Segment
from trivet.integration.tables import parse, table
from trivet.kernel.errors import Fault

__all__ = ["MANY", "Guide", "Loop", "Slot", "guide_of", "inside", "known_names", "names_of", "structure"]

MANY = 1 << 30
COLUMNS = ("loop", "parent", "max", "usage", "segment", "match", "req", "use", "only", "need", "must", "values")


@dataclass(frozen=True, slots=True)
class Guide:
    """What `maps/x12/guides.csv` says of an implementation guide."""

    guide: str
    set: str
    structure: str
    version: str
    kind: str


@dataclass(eq=False, slots=True)
class Slot:
    """One segment at its place in a loop. `test` is (element, component from 0, allowed values); `need` are required elements
    that reading says are missing, `must` those that only an acknowledgement asks for."""

    name: str
    loop: str
    place: int
    required: bool
    most: int
    test: tuple[int, int, frozenset[str]] | None
    need: tuple[int, ...]
    must: tuple[int, ...]
    values: tuple[tuple[int, int, frozenset[str]], ...]

    def takes(self, segment: Segment, marks: Marks) -> bool:
        """Whether a segment of this name belongs here."""
        if self.test is None:
            return True
        element, component, allowed = self.test
        value = segment.value(element)
        if marks.repetition and marks.repetition in value:
            value = value.split(marks.repetition, 1)[0]
        parts = value.split(marks.component)
        return component < len(parts) and parts[component].strip() in allowed


@dataclass(eq=False, slots=True)
class Loop:
    """A loop: its segments and loops in order; the first segment opens it."""

    id: str
    place: int
    required: bool
    most: int
    children: list[Slot | Loop] = field(default_factory=list)

    @property
    def first(self) -> Slot:
        """The segment that opens the loop."""
        child = self.children[0]
        if isinstance(child, Loop):
            raise Fault("E322", f"loop {self.id} does not begin with a segment", where="maps/x12/structure")
        return child


@cache
def guide_of(name: str, kind: str) -> Guide | None:
    """The guide of a version identifier (`005010X222A1`) and a set (`837`); addenda count as their guide."""
    for row in table("x12/guides.csv", "guide", "set", "structure", "version", "kind"):
        if row["set"] == kind and name.startswith(row["guide"]):
            return Guide(row["guide"], row["set"], row["structure"], row["version"], row["kind"])
    return None


def _test(text: str) -> tuple[int, int, frozenset[str]] | None:
    """The closed condition `01 = 85` or `01.1 in (BK, ABK)`."""
    if not text:
        return None
    tree = parse(text)
    if tree[0] != "in":
        raise Fault("E322", "a structure matches on one element only", where=text)
    element, _, component = tree[1].partition(".")
    return int(element), int(component or 1) - 1, frozenset(tree[2])


def _values(text: str) -> tuple[tuple[int, int, frozenset[str]], ...]:
    """`2=1 2;8=46`: codes that an element may have; `*NAME` is a list in `maps/x12/codes`."""
    found = []
    for part in filter(None, text.split(";")):
        place, _, codes = part.partition("=")
        element, _, component = place.partition(".")
        allowed = frozenset(_codes(codes[1:]) if codes.startswith("*") else codes.split())
        found.append((int(element), int(component or 1) - 1, allowed))
    return tuple(found)


@cache
def _codes(name: str) -> frozenset[str]:
    return frozenset(row["code"] for row in table(f"x12/codes/{name}.csv", "code"))


def _elements(text: str, version: str) -> tuple[int, ...]:
    """`3 5010:8`: elements that are required, in all versions or in one."""
    return tuple(int(word.rpartition(":")[2]) for word in text.split() if word.partition(":")[0] in (word, version))


def _count(text: str) -> int:
    return MANY if text == "*" else int(text)


@cache
def structure(name: str, version: str) -> Loop:
    """The tree of a structure for one version (`4010`, `5010`)."""
    rows = [row for row in table(f"x12/structure/{name}.csv", *COLUMNS) if row["only"] in ("", version)]
    # `only` on the first row of a loop holds for the whole loop.
    other = {row["loop"] for row in table(f"x12/structure/{name}.csv", *COLUMNS) if row["usage"] and row["only"] not in ("", version)}
    rows = [row for row in rows if row["loop"] not in other]
    heads = {row["loop"]: row for row in rows if row["usage"]}
    root = Loop("", 0, True, 1)

    def build(loop: Loop) -> None:
        last = ""
        place = 0
        begin = next((number for number, row in enumerate(rows) if row["loop"] == loop.id), 0)
        # A loop that stands under two others is written once, under the first: under the second it follows what is there.
        for row in rows[begin:] + rows[:begin]:
            if row["loop"] == loop.id:
                place += row["segment"] != last
                last = row["segment"]
                need, must = (_elements(row[column], version) for column in ("need", "must"))
                test, values = _test(row["match"]), _values(row["values"])
                loop.children.append(Slot(last, loop.id, place, row["req"] == "R", _count(row["use"]), test, need, must, values))
            elif row["usage"] and loop.id in row["parent"].split("|"):
                place += f"{row['segment']}!" != last
                last = f"{row['segment']}!"
                child = Loop(row["loop"], place, row["usage"] == "R", _count(row["max"]))
                build(child)
                loop.children.append(child)

    build(root)
    if not heads:
        raise Fault("E322", f"structure {name} has no loops", where=f"maps/x12/structure/{name}.csv")
    return root


@cache
def inside(name: str, version: str) -> dict[str, frozenset[str]]:
    """Every loop and the loops below it."""
    found: dict[str, set[str]] = {}

    def visit(loop: Loop) -> set[str]:
        below: set[str] = set()
        for child in loop.children:
            if isinstance(child, Loop):
                below |= {child.id} | visit(child)
        found.setdefault(loop.id, set()).update(below)
        return below

    visit(structure(name, version))
    return {key: frozenset(some - {key}) for key, some in found.items()}


@cache
def names_of(root: Loop) -> frozenset[str]:
    """Names of all segments of a structure."""
    found: set[str] = set()
    for child in root.children:
        found |= names_of(child) if isinstance(child, Loop) else {child.name}
    return frozenset(found)


@cache
def known_names() -> frozenset[str]:
    """Names of all segments of all sets that are read here, and of the dictionary."""
    found = {row["segment"] for row in table("x12/elements.csv", "segment", "elements")}
    for row in table("x12/guides.csv", "guide", "set", "structure", "version", "kind"):
        found |= names_of(structure(row["structure"], row["version"]))
    return frozenset(found)
