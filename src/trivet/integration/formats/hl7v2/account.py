"""What became of every non-empty leaf of a message: mapped or carried by the first span on it, else rejected, dropped, or uncovered.

The places of a segment's leaves are named once for its shape (`scan.py`); spans give the rules of their leaves template by template
(`lineage.py`). Elements are made when somebody reads them.
"""

from __future__ import annotations

from collections.abc import Iterable

from trivet.contracts.record import Element, Span
from trivet.integration.formats.hl7v2.lineage import Items, Template, place_of
from trivet.integration.formats.hl7v2.reader import Segment
from trivet.integration.formats.hl7v2.scan import Scan
from trivet.integration.formats.hl7v2.work import CARRIED, Work, settle_marks

__all__ = ["Account"]

_new = tuple.__new__  # a named tuple without its Python-level constructor
_named: dict[tuple[str, bytes], tuple[tuple[int, ...], tuple[str, ...]]] = {}


class Account:
    """The elements of a message, not made yet."""

    __slots__ = ("items", "marked", "segments", "tables")

    def __init__(self, work: Work, items: list[Items]) -> None:
        self.segments, self.items = work.message.segments, items
        self.tables = work.refused, work.dropped, work.superseded
        self.marked = work.marked

    def mapped(self) -> dict[int, str]:
        """The rule of every leaf that a span names: the first one, in the order of the records."""
        found: dict[int, str] = {}
        first = found.setdefault
        for spans in self.items:
            for item in spans:
                if type(item) is Span:
                    first(item[1], item[4])
                elif type(item[0]) is str:
                    first(place_of(item[1]), item[2])  # type: ignore[arg-type]
                else:
                    template: Template
                    scan: Scan
                    template, scan, _ = item  # type: ignore[misc,assignment]
                    places = scan.places
                    for at, rule in template.firsts:
                        first(places[at], rule)
        return found

    def read(self) -> tuple[Element, ...]:
        """Every leaf once, in order."""
        mapped, carried = self.mapped(), CARRIED
        settle_marks(self.marked, self.tables[1], self.tables[2])
        elements: list[Element] = []
        add, rule_of = elements.append, mapped.get
        for segment in self.segments:
            for locator, offset, length, text in outline(segment):
                rule = rule_of(offset)
                if rule is None:
                    add(_new(Element, (locator, offset, length, *self._fate(offset, text))))
                elif rule in carried:
                    add(_new(Element, (locator, offset, length, "carried", rule)))
                else:
                    add(_new(Element, (locator, offset, length, "mapped", rule)))
        return tuple(elements)

    def _fate(self, offset: int, text: str) -> tuple[str, str]:
        """Disposition and rule of a leaf that no span names."""
        refused, dropped, superseded = self.tables
        if offset in refused:
            return "rejected", refused[offset]
        if offset in dropped:
            return "dropped", dropped[offset]
        if offset in superseded:
            return "dropped", f"said-already:{superseded[offset]}"
        if text == '""':
            return "dropped", "hl7-null"
        return ("dropped", "blank") if text.isspace() else ("uncovered", "")


def outline(segment: Segment) -> Iterable[tuple[str, int, int, str]]:
    """(locator, offset, length, text) of every non-empty leaf, in order; the places of a shape are found once."""
    scan = segment.scan
    if scan is None:
        return [(leaf[2], leaf[0], leaf[1], leaf[3]) for leaf in segment.leaves()]
    key = (scan.head, scan.shape)
    known = _named.get(key)
    if known is None:
        if len(_named) >= 20_000:
            _named.clear()
        ranks = tuple([rank for rank, text in enumerate(scan.leaves) if text and rank])
        known = _named[key] = ranks, tuple([scan.head + segment.suffixes[rank] for rank in ranks])
    ranks, locators = known
    texts = [scan.leaves[rank] for rank in ranks]
    return zip(locators, map(scan.places.__getitem__, ranks), map(len, texts), texts, strict=True)
