"""Interchanges to units: one per claim (member, subscriber, ...), one per transaction set, one per interchange.

A person's unit holds the envelope headers, the levels above and its own loop. The set's unit holds everything of the set that
belongs to no person, and of every other segment only the terminator, so that segments can still be counted; `keep` in
`maps/x12/cut.csv` names what a balance needs besides. The interchange's unit does the same for sets. Nothing is refused here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from trivet.contracts.envelope import Piece, Unit
from trivet.integration.formats.x12.tokens import AROUND, Marks, read_marks
from trivet.integration.tables import table

__all__ = ["Rule", "cut", "rules_of"]

BLANK = b" \t\r\n"
ENVELOPE = frozenset({b"ISA", b"GS", b"ST", b"SE", b"GE", b"IEA"})
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """A segment that opens a level. `person` levels hold persons; `keep` are first and last element that the set's unit keeps."""

    level: int
    person: bool
    keep: tuple[int, int] | None


@cache
def rules_of(name: str) -> dict[str, Rule]:
    """The markers of a transaction set; none for a set that is not known."""
    rules = {}
    for row in table("x12/cut.csv", "set", "marker", "level", "unit", "keep"):
        if row["set"] == name:
            first, _, last = row["keep"].partition("-")
            keep = (int(first), int(last)) if last else None
            rules[row["marker"]] = Rule(int(row["level"]), row["unit"] == "yes", keep)
    return rules


@dataclass(slots=True)
class Node:
    """A level that is open: its own stretch of the file, and the levels inside."""

    level: int
    person: bool
    stretches: list[Stretch] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


def _join(stretches: list[Stretch]) -> tuple[Piece, ...]:
    """Stretches in order as pieces, neighbours as one."""
    pieces: list[Piece] = []
    first = last = -1
    for start, end in stretches:
        if start == last:
            last = end
        elif end > start:
            if last >= 0:
                pieces.append(Piece(first, last - first))
            first, last = start, end
    if last >= 0:
        pieces.append(Piece(first, last - first))
    return tuple(pieces)


def _unit(raw: Any, context: list[Stretch], own: list[Stretch]) -> Unit:
    pieces = _join(context + own)
    text = b"".join(raw[piece.offset : piece.offset + piece.length] for piece in pieces)
    return Unit(text, pieces, sum(end - start for start, end in context))


class Cutter:
    """Cuts one interchange that begins at `at`; `end` is where it ended."""

    def __init__(self, raw: Any, at: int, marks: Marks, lead: Stretch) -> None:
        self.raw, self.end, self.marks = raw, at, marks
        self.separator, self.terminator = marks.byte("element"), marks.byte("terminator")
        self.isa: list[Stretch] = []
        self.gs: list[Stretch] = []
        self.around: list[Stretch] = [lead]
        self.inside = False
        self.rules: dict[str, Rule] = {}
        self.marked = ENVELOPE  # names of segments that open or close something
        self.path: list[Node] = []
        self.rest: list[Stretch] = []

    def units(self) -> Iterator[Unit]:
        """All units of the interchange, the interchange's own at the end."""
        raw, terminator, separator = self.raw, self.terminator, self.separator
        size, find, ends = len(raw), raw.find, terminator + BLANK
        start = self.end
        while start < size:
            closing = find(terminator, start)
            stop = size if closing < 0 else closing + 1
            while stop < size and raw[stop] in BLANK:
                stop += 1
            name = bytes(raw[start : min(stop, start + 12)]).split(separator, 1)[0].rstrip(ends)
            if self.inside and name not in self.marked:
                # Most segments: they go on where the last one ended, and open nothing.
                here = self.path[-1]
                stretches = here.stretches
                if stretches and stretches[-1][1] == start:
                    stretches[-1] = (stretches[-1][0], stop)
                else:
                    stretches.append((start, stop))
                if not here.person:
                    self.rest.append((start, stop))
                elif closing >= 0:
                    self.rest.append((closing, closing + 1))
                self.end = start = stop
                continue
            if name == b"ISA" and self.isa:
                break
            self.end = stop
            yield from self._segment(name, start, stop)
            start = stop
            if name == b"IEA":
                break
        yield from self._close_set()
        lead, *around = self.around
        yield _unit(self.raw, [lead, *self.isa], around[1:])

    def _segment(self, name: bytes, start: int, stop: int) -> Iterator[Unit]:
        if name == b"ISA":
            self.isa = [(start, stop)]
            self.around.append((start, stop))
        elif name == b"ST":
            yield from self._close_set()
            self._open_set(start, stop)
        elif name in (b"GS", b"GE", b"IEA"):
            yield from self._close_set()
            self.gs = [(start, stop)] if name == b"GS" else []
            self.around.append((start, stop))
        elif not self.inside:
            self.around.append((start, stop))
        elif name == b"SE":
            yield from self._close_levels(0)
            self.rest.append((start, stop))
            yield from self._close_set()
        else:
            yield from self._inside(name, start, stop)

    def _open_set(self, start: int, stop: int) -> None:
        parts = bytes(self.raw[start : min(stop, start + 16)]).split(self.separator)
        kind = parts[1].rstrip(self.terminator + BLANK) if len(parts) > 1 else b""
        self.rules = rules_of(kind.decode("latin-1"))
        self.marked = ENVELOPE | {marker.partition(":")[0].encode() for marker in self.rules}
        self.inside, self.path, self.rest = True, [Node(0, False, [(start, stop)])], [(start, stop)]
        closing = self.raw.find(self.terminator, start)
        self.around += [(start, start + 2), (closing, closing + 1)] if 0 <= closing < stop else [(start, start + 2)]

    def _inside(self, name: bytes, start: int, stop: int) -> Iterator[Unit]:
        marker = name.decode("latin-1")
        if name == b"HL":
            parts = bytes(self.raw[start:stop]).split(self.separator, 4)
            code = parts[3].rstrip(self.terminator + BLANK) if len(parts) > 3 else b""
            marker = f"HL:{code.decode('latin-1')}"
        rule = self.rules.get(marker)
        if rule is not None:
            yield from self._close_levels(rule.level)
            if rule.level:
                node = Node(rule.level, rule.person)
                if rule.person and self.path[-1].person:
                    self.path[-1].children.append(node)
                self.path.append(node)
        here = self.path[-1]
        _extend(here.stretches, start, stop)
        if here.person:
            self._skeleton(start, stop, rule)
        else:
            self.rest.append((start, stop))

    def _skeleton(self, start: int, stop: int, rule: Rule | None) -> None:
        """What the set's unit keeps of a person's segment: its terminator, and what a balance needs."""
        closing = self.raw.find(self.terminator, start)
        if rule is not None and rule.keep:
            first, last = rule.keep
            places = [start - 1]
            text = bytes(self.raw[start:stop]).rstrip(BLANK).removesuffix(self.terminator)
            for part in text.split(self.separator):
                places.append(places[-1] + 1 + len(part))
            if len(places) > last + 1:
                self.rest += [(start, places[1] + 1), (places[first], places[last + 1])]
        if 0 <= closing < stop:
            self.rest.append((closing, closing + 1))

    def _close_levels(self, level: int) -> Iterator[Unit]:
        """Leave every level from `level` on; a person's outermost level gives its units."""
        while len(self.path) > 1 and self.path[-1].level >= level:
            node = self.path.pop()
            if node.person and not self.path[-1].person:
                above = self.isa + self.gs + [stretch for open_node in self.path for stretch in open_node.stretches]
                sole = sum(1 for _ in _leaves(node, [])) == 1
                for context, own in _leaves(node, []):
                    yield _unit(self.raw, above, context + own) if sole else _unit(self.raw, above + context, own)

    def _close_set(self) -> Iterator[Unit]:
        if self.inside:
            yield from self._close_levels(0)
            yield _unit(self.raw, self.isa + self.gs, self.rest)
        self.inside, self.path, self.rest = False, [], []


def _extend(stretches: list[Stretch], start: int, stop: int) -> None:
    if stretches and stretches[-1][1] == start:
        stretches[-1] = (stretches[-1][0], stop)
    else:
        stretches.append((start, stop))


def _leaves(node: Node, above: list[Stretch]) -> Iterator[tuple[list[Stretch], list[Stretch]]]:
    """The innermost levels under a node, each with what stands above it."""
    if not node.children:
        yield above, node.stretches
    for child in node.children:
        yield from _leaves(child, above + node.stretches)


def cut(raw: Any) -> Iterator[Unit]:
    """Units that together cover every byte. What stands outside of interchanges and is not blank is a unit of its own."""
    at, size, lead = 0, len(raw), 0
    while at < size:
        marks = read_marks(raw, at)
        if marks is None:
            follows = raw.find(b"ISA", at + 1)
            at = size if follows < 0 else follows
            continue
        if bytes(raw[lead:at]).strip(AROUND.encode("latin-1")):
            yield Unit(bytes(raw[lead:at]), (Piece(lead, at - lead),))
            lead = at
        cutter = Cutter(raw, at, marks, (lead, at))
        yield from cutter.units()
        at = lead = cutter.end
    if lead < size:
        yield Unit(bytes(raw[lead:size]), (Piece(lead, size - lead),))
