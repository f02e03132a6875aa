"""Lineage while it is small: what a form says of a segment is one `Bulk`, and becomes `Span` objects when somebody reads them.

A template knows each span's path, leaf, place in the segment and rule; the segment's scan knows where the leaves stand. Both are
shared, so a bulk of thirty spans costs three references. What stands behind a reference is kept as a `Ref`, by the same thrift.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.reader import Leaf, Segment
from trivet.integration.formats.hl7v2.scan import Scan

__all__ = ["Bulk", "By", "Items", "Ref", "Template", "leaf_of", "place_of", "spans_of"]

_new = tuple.__new__


HEADS = 64  # segments of one name whose places a template keeps by name


class Template:
    """Spans of a form, column by column: path, index of the leaf, place in the segment, rule. `firsts` has the first rule of each leaf."""

    __slots__ = ("_named", "firsts", "paths", "ranks", "rules", "suffixes")

    def __init__(self, rows: Iterable[tuple[str, int, str, str]]) -> None:
        held = list(rows)
        self.paths, self.ranks = tuple([row[0] for row in held]), tuple([row[1] for row in held])
        self.suffixes, self.rules = tuple([row[2] for row in held]), tuple([row[3] for row in held])
        firsts: dict[int, str] = {}
        for _, rank, _, rule in held:
            firsts.setdefault(rank, rule)
        self.firsts = tuple(firsts.items())
        self._named: dict[str, tuple[str, ...]] = {}

    def locators(self, head: str) -> tuple[str, ...]:
        """The names of the places in a segment called `head`."""
        found = self._named.get(head)
        if found is None:
            found = tuple([head + suffix for suffix in self.suffixes])
            if len(self._named) < HEADS:
                self._named[head] = found
        return found


Bulk = tuple[Template, Scan, str]
"""The spans of a template for one segment, and where in the record the template's paths begin."""

By = Leaf | tuple[Segment, int]
"""A leaf, or the segment and the index in its scan by which it is found."""

Ref = tuple[str, By, str]
"""The span of a reference: path, the leaf that names whom it refers to, rule."""


def leaf_of(by: By) -> Leaf:
    """The leaf itself."""
    if type(by) is tuple:
        segment, at = by  # type: ignore[misc]
        scan = segment.scan
        assert scan is not None
        text = scan.leaves[at]
        return Leaf(scan.place(at), len(text), scan.head + segment.suffixes[at], text)
    return by  # type: ignore[return-value]


def place_of(by: By) -> int:
    """Byte offset of the leaf."""
    return by[0].scan.places[by[1]] if type(by) is tuple else by[0]  # type: ignore


class Items(list[Span | Bulk | Ref]):
    """The spans of a record, in order, most of them not made yet."""

    __slots__ = ()

    def read(self) -> tuple[Span, ...]:
        """One object each."""
        return tuple(spans_of(self))


def spans_of(items: Iterable[Span | Bulk | Ref]) -> list[Span]:
    """The spans, one object each, in order."""
    found: list[Span] = []
    for item in items:
        if type(item) is Span:
            found.append(item)
            continue
        if type(item[0]) is str:
            path, by, rule = item  # type: ignore[misc]
            if type(by) is tuple:
                segment, at = by
                there = segment.scan
                found.append(_new(Span, (path, there.places[at], len(there.leaves[at]), there.head + segment.suffixes[at], rule)))
            else:
                found.append(_new(Span, (path, *by[:3], rule)))
            continue
        template: Template
        scan: Scan
        template, scan, stands = item  # type: ignore[misc,assignment]
        ranks, leaves = template.ranks, scan.leaves
        paths = [stands + path for path in template.paths] if stands else template.paths
        offsets, sizes = map(scan.places.__getitem__, ranks), map(len, map(leaves.__getitem__, ranks))
        found += map(_new, repeat(Span), zip(paths, offsets, sizes, template.locators(scan.head), template.rules, strict=True))
    return found
