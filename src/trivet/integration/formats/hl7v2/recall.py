"""What a whole segment says to a record, remembered: a patient, an insurance, an allergy come again word for word.

One level above `effects.py`, which remembers fields. A map's work on a segment depends on the texts of the fields it reads, on
what its conditions ask elsewhere, and on nothing else. The second time a text is met it is written down, from the third time on it
is told from memory.
Only what is clean is remembered: a segment with a notice or a reject is read anew each time. Records of their own are born one by one,
in the order in which the fields bear them, so that they meet earlier mentions exactly as if the segment had been read.
Nothing leaves the process, and the memory is bounded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from sys import intern
from typing import Any, NamedTuple

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.effects import Child, Put, Recorder, bear, fresh, place
from trivet.integration.formats.hl7v2.paths import Labels
from trivet.integration.formats.hl7v2.reader import Segment
from trivet.integration.formats.hl7v2.values import Bad
from trivet.integration.formats.hl7v2.work import Builder, Work

__all__ = ["LENGTH", "Added", "Said", "again", "tell"]

LENGTH = 1000  # of a segment that may be remembered, in characters
_SEGMENTS = 5_000  # remembered segments of one feed
_MET = 100_000  # texts of which it is known that they came once
_new = tuple.__new__


class Said(NamedTuple):
    """All that one text does to a record that is new. A span knows its field and the offset in it, its locator is whole."""

    parts: dict[str, Any]
    spans: tuple[tuple[str, int, int, int, str, str], ...]
    labels: Labels
    born: tuple[tuple[Child, int, int], ...]
    marks: tuple[tuple[str, int, int, str], ...]


class Added(NamedTuple):
    """All that one text does to a record that has content already: put by put, since what stands there decides."""

    puts: tuple[tuple[Put, int], ...]
    born: tuple[tuple[Child, int, int], ...]
    marks: tuple[tuple[str, int, int, str], ...]


def again(key: Any, work: Work, segment: Segment, type_: str, run: Callable[..., None]) -> Said | Added | None:
    """What was remembered, or is from now on because the text came for the second time; None when the segment must be read.

    `type_` is the type of a new record, "" for one that has content.
    """
    settings = work.settings
    known: Said | Added | bool | None = settings.said.get(key)
    if known is None:
        once = hash(key)
        if once not in settings.met:
            if len(settings.met) >= _MET:
                settings.met.clear()
            settings.met.add(once)
            return None
        if len(settings.said) >= _SEGMENTS:
            settings.said.clear()
        known = settings.said[key] = _listen(work, segment, type_, run) or False
    return None if isinstance(known, bool) else known


def _listen(work: Work, segment: Segment, type_: str, run: Callable[..., None]) -> Said | Added | None:
    """Let the map speak to a record that nobody keeps, with the bench's lists set aside. None when it cannot be remembered."""
    kept = (work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects, work.born)
    work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects = {}, {}, {}, {}, [], []
    born: list[tuple[Any, int]] = []
    work.born = born
    starts, head = segment.starts, f"{segment.name}[{segment.number}]"
    scratch = Builder(type_) if type_ else Recorder(0, len(head))
    try:
        run(work, segment, scratch)
        if work.refused or work.notices or work.rejects:
            return None
        named = (("dropped", work.dropped), ("superseded", work.superseded))
        marks = tuple((name, *_field(starts, offset), rule) for name, table in named for offset, rule in table.items())
    except Bad:
        return None
    finally:
        work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects, work.born = kept
    children = tuple(_born(one, at, starts, len(head)) for one, at in born)
    if isinstance(scratch, Recorder):
        return Added(tuple(_put(put, starts) for put in scratch.puts), children, marks)
    if any(not span[3].startswith(head) for span in scratch.spans):
        return None
    spans = tuple((intern(span[0]), *_field(starts, span[1]), span[2], intern(span[3]), span[4]) for span in scratch.spans)
    parts = {name: part for name, part in scratch.resource.items() if name not in ("resourceType", "id")}
    return Said(parts, spans, scratch.labels, children, marks)


def _field(starts: list[int], offset: int) -> tuple[int, int]:
    """The field in which an offset lies, and the offset in it."""
    number = bisect_right(starts, offset) - 1
    return number, offset - starts[number]


def _put(put: Put, starts: list[int]) -> tuple[Put, int]:
    """A put with its offsets in the field, and the field."""
    target, index, value, spans, rule = put
    number = _field(starts, spans[0][1])[0] if spans else 0
    base = starts[number]
    return (
        target,
        index,
        value,
        tuple((path, at - base, length, locator, name) for path, at, length, locator, name in spans),
        rule,
    ), number


def _born(one: Child | Builder, at: int, starts: list[int], cut: int) -> tuple[Child, int, int]:
    """A record of its own with the field that bore it."""
    if isinstance(one, Child):
        return (one, *_field(starts, at))
    number = _field(starts, one.spans[0].offset)[0] if one.spans else 0
    base = starts[number]
    spans = tuple((path, offset - base, length, locator[cut:], rule) for path, offset, length, locator, rule in one.spans)
    return Child(one.type, one.resource["id"], one.resource, spans), number, 0


def tell(said: Said | Added, work: Work, segment: Segment, builder: Builder) -> None:
    """Say to a record what was remembered."""
    starts = segment.starts
    if said.born:
        prefix = f"{segment.name}[{segment.number}]"
        for child, number, shift in said.born:
            bear(child, work, starts[number] + shift, prefix)
    if isinstance(said, Added):
        prefix = f"{segment.name}[{segment.number}]"
        for put, number in said.puts:
            place(put, work, builder, starts[number], prefix)
    else:
        resource = builder.resource
        for name, part in said.parts.items():
            resource[name] = part if type(part) is str else fresh(part)
        builder.spans = [
            _new(Span, (path, starts[number] + at, length, locator, rule)) for path, number, at, length, locator, rule in said.spans
        ]
        if said.labels:
            builder.labels = said.labels.copy()
    for name, number, at, rule in said.marks:
        getattr(work, name).setdefault(starts[number] + at, rule)
