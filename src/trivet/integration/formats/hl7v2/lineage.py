"""Lineage while it is small: what a form says of a segment is one `Bulk`, and becomes `Span` objects when somebody reads them.

A template knows each span's path, leaf, place in the segment and rule; the segment's scan knows where the leaves stand. Both are
shared, so a bulk of thirty spans costs three references.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.scan import Scan

__all__ = ["Bulk", "Items", "Lineage", "Template", "spans_of", "template_of"]

_new = tuple.__new__


class Template(NamedTuple):
    """Spans of a form: (path, index of the leaf, place in the segment, rule). `firsts` has the first rule of each leaf."""

    rows: tuple[tuple[str, int, str, str], ...]
    firsts: tuple[tuple[int, str], ...]


class Bulk(NamedTuple):
    """The spans of a template for one segment; `stands` is where in the record the template's paths begin."""

    template: Template
    scan: Scan
    stands: str


Items = list[Span | Bulk]


class Lineage:
    """The spans of a record that nobody has read yet."""

    __slots__ = ("items",)

    def __init__(self, items: Items) -> None:
        self.items = items

    def read(self) -> tuple[Span, ...]:
        """One object each."""
        return tuple(spans_of(self.items))


def template_of(rows: Iterable[tuple[str, int, str, str]]) -> Template:
    """The template of some rows."""
    held = tuple(rows)
    firsts: dict[int, str] = {}
    for _, index, _, rule in held:
        firsts.setdefault(index, rule)
    return Template(held, tuple(firsts.items()))


def spans_of(items: Iterable[Span | Bulk]) -> list[Span]:
    """The spans, one object each, in order."""
    found: list[Span] = []
    for item in items:
        if type(item) is Span:
            found.append(item)
            continue
        template, scan, stands = item  # type: ignore[misc]
        places, leaves, head = scan.places, scan.leaves, scan.head
        if stands:
            found += [
                _new(Span, (stands + path, places[at], len(leaves[at]), head + suffix, rule)) for path, at, suffix, rule in template.rows
            ]
        else:
            found += [_new(Span, (path, places[at], len(leaves[at]), head + suffix, rule)) for path, at, suffix, rule in template.rows]
    return found
