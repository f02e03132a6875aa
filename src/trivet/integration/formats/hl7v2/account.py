"""What became of every non-empty leaf of a message: mapped or carried by the first span on it, else rejected, dropped, or uncovered.

The places of a segment's leaves are named once for its shape (`scan.py`); spans give the rules of their leaves template by template
(`lineage.py`). Elements are made when somebody reads them.
"""

from __future__ import annotations

from trivet.contracts.record import Element, Span
from trivet.integration.formats.hl7v2.lineage import Items
from trivet.integration.formats.hl7v2.reader import Segment
from trivet.integration.formats.hl7v2.work import CARRIED

__all__ = ["Account"]

_new = tuple.__new__  # a named tuple without its Python-level constructor


class Account:
    """The elements of a message, not made yet. Tables are rules by the offset of the leaf."""

    __slots__ = ("dropped", "items", "refused", "segments", "superseded")

    def __init__(
        self, segments: list[Segment], items: list[Items], refused: dict[int, str], dropped: dict[int, str], superseded: dict[int, str]
    ) -> None:
        self.segments, self.items, self.refused, self.dropped, self.superseded = segments, items, refused, dropped, superseded

    def mapped(self) -> dict[int, str]:
        """The rule of every leaf that a span names: the first one, in the order of the records."""
        found: dict[int, str] = {}
        first = found.setdefault
        for spans in self.items:
            for item in spans:
                if type(item) is Span:
                    first(item[1], item[4])
                else:
                    template, scan, _ = item  # type: ignore[misc]
                    places = scan.places
                    for at, rule in template.firsts:
                        first(places[at], rule)
        return found

    def read(self) -> tuple[Element, ...]:
        """Every leaf once, in order."""
        mapped, carried = self.mapped(), CARRIED
        elements: list[Element] = []
        add = elements.append
        for segment in self.segments:
            for locator, offset, length, text in outline(segment):
                rule = mapped.get(offset)
                if rule is not None:
                    add(_new(Element, (locator, offset, length, "carried" if rule in carried else "mapped", rule)))
                else:
                    add(_new(Element, (locator, offset, length, *self._fate(offset, text))))
        return tuple(elements)

    def _fate(self, offset: int, text: str) -> tuple[str, str]:
        """Disposition and rule of a leaf that no span names."""
        if offset in self.refused:
            return "rejected", self.refused[offset]
        if offset in self.dropped:
            return "dropped", self.dropped[offset]
        if offset in self.superseded:
            return "dropped", f"said-already:{self.superseded[offset]}"
        if text == '""':
            return "dropped", "hl7-null"
        return ("dropped", "blank") if text.isspace() else ("uncovered", "")


def outline(segment: Segment) -> list[tuple[str, int, int, str]]:
    """(locator, offset, length, text) of every non-empty leaf, in order; the places of a shape are found once."""
    scan = segment.scan
    if scan is None:
        return [(leaf[2], leaf[0], leaf[1], leaf[3]) for leaf in segment.leaves()]
    suffixes, head, leaves = segment.suffixes, scan.head, scan.leaves
    found = [(head + suffix, at, len(text), text) for suffix, at, text in zip(suffixes, scan.places, leaves, strict=False)]
    del found[0]  # the segment's name
    return found
