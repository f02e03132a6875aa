"""Segment maps to closures: `segments/<SEG>_<Resource>.csv`, one row per fact, applied in the order of the table.

`must` is empty, `valid` (a value that cannot be read refuses the record) or `present` (so does a missing one).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.compile import COLUMNS, Make, Ops, keep, make_of, ops_of, promote, rooted, source_of
from trivet.integration.formats.hl7v2.conditions import condition
from trivet.integration.formats.hl7v2.convert import Convert, converter
from trivet.integration.formats.hl7v2.paths import Target
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.special import WHOLE
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.formats.hl7v2.work import CARRIED, Builder, Work
from trivet.integration.tables import Row, Test, table
from trivet.kernel.errors import Fault

__all__ = ["Bad", "SegmentMap", "segment_map"]

RowRun = Callable[[Work, Segment, list[Repetition], Builder], None]
_new = tuple.__new__


class Bad(Exception):
    """A value that must be right is not: the record around it is refused."""

    def __init__(self, code: str, reason: str, leaf: Leaf, rule: str) -> None:
        super().__init__(reason)
        self.code, self.reason, self.leaf, self.rule = code, reason, leaf, rule


class SegmentMap:
    """One segment map: rows by field, in the order of the table."""

    __slots__ = ("fields", "name", "segment")

    def __init__(self, name: str) -> None:
        self.name = name
        self.segment = segment = name.split("_")[0]
        seen: dict[str, int] = {}
        groups: list[tuple[int, list[RowRun]]] = []
        for row in table(f"hl7v2/segments/{name}.csv", *COLUMNS):
            seen[row["source"]] = count = seen.get(row["source"], 0) + 1
            rule = f"{name}/{row['source']}" + (f"#{count}" if count > 1 else "")
            number, run = _segment_row(row, rule, segment)
            if not groups or groups[-1][0] != number:
                groups.append((number, []))
            groups[-1][1].append(run)
            if row["transform"] == "carry":
                CARRIED.add(rule)
        self.fields = tuple(groups)

    def apply(self, work: Work, segment: Segment, builder: Builder) -> None:
        """Put what the segment says into the record. Raises Bad when a value that must be right is not."""
        fields = segment.parsed()
        count = len(fields)
        for number, runs in self.fields:
            if number == 0:
                whole = [_whole(segment)]
                for run in runs:
                    run(work, segment, whole, builder)
            elif number < count:
                found = fields[number]
                if found is not None:
                    for run in runs:
                        run(work, segment, found, builder)


def _whole(segment: Segment) -> Repetition:
    """The segment's name as a value: what constants of a segment point at."""
    place = f"{segment.name}[{segment.number}]"
    return Repetition([(Leaf(segment.start, len(segment.name), place, segment.name),)], segment.start, len(segment.name), place)


@cache
def segment_map(name: str) -> SegmentMap:
    """The compiled segment map of that name."""
    return SegmentMap(name)


def _segment_row(row: Row, rule: str, segment: str) -> tuple[int, RowRun]:
    name, _, rest = row["source"].partition("-")
    field, _, place = rest.partition(".")
    field, _, picked = field.partition("[")
    number, only = int(field or 0), int(picked.rstrip("]") or 0)
    if name != segment:
        raise Fault("E212", "a segment map speaks of another segment", where=f"{rule}")
    transform, when = row["transform"], condition(row["when"], segment)
    if transform == "drop":
        return number, _drop_row(place, when, rule)
    if row["target"] == "$":
        return number, _root_row(ops_of(transform, rule, segment, row["with"]), when, rule, only)
    target = Target(row["target"])
    if transform in WHOLE:
        return number, _whole_row(WHOLE[transform], target, when, rule, row["must"])
    component, subcomponent, _ = source_of(place)
    convert = converter(transform, row["with"])
    if convert is not None:
        constant = transform == "=" and not component
        make = _leaf_make(component or 1, subcomponent, convert, rule, row["must"], target, constant)
    else:
        inner = make_of(transform, row["with"], rule, segment)
        make = _component_make(component, inner) if component else inner
    return number, _value_row(make, target, when, rule, only, row["must"])


def _root_row(ops: Ops, when: Test | None, rule: str, only: int) -> RowRun:
    """A data type that is the record: its parts become elements of the record itself."""

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Builder) -> None:
        repetition = repetitions[max(only, 1) - 1] if max(only, 1) <= len(repetitions) else None
        if repetition is None or (when is not None and not when(work, segment, repetition)):
            return
        mark = len(builder.spans)
        ops.run(work, segment, repetition, "", builder.spans, builder.resource, builder.labels)
        builder.spans[mark:] = rooted(builder.spans[mark:])

    return run


def _component_make(component: int, inner: Make) -> Make:
    def make(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span]) -> Any:
        part = promote(repetition, component)
        return None if part is None else inner(work, segment, part, path, spans)

    return make


def _leaf_make(component: int, subcomponent: int, convert: Convert, rule: str, must: str, target: Target, constant: bool) -> Make:
    def make(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span]) -> Any:
        leaf = next(repetition.leaves(), None) if constant else repetition.leaf(component, subcomponent)
        if leaf is None:
            return None
        text = leaf[3]
        if text == '""':
            work.dropped.setdefault(leaf[0], "hl7-null")
            return None
        if not text:
            if must:
                raise Bad("E221", leaf.bad or "unreadable", leaf, rule)
            work.unreadable(leaf, rule)
            return None
        try:
            value = convert(work, leaf)
        except Doubt as doubt:
            if must and doubt.kind != "unknown-code":
                raise Bad("E222" if doubt.kind == "doubtful-date" else "E223", doubt.why, leaf, rule) from None
            doubt.leaf = leaf
            raise
        if value is not None:
            spans.append(_new(Span, (path, leaf[0], leaf[1], leaf[2], rule)))
        return value

    return make


def _value_row(make: Make, target: Target, when: Test | None, rule: str, only: int, must: str) -> RowRun:
    many, path_of, put = target.many and not only, target.path, target.put

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Builder) -> None:
        if only:
            repetitions = repetitions[only - 1 : only]
        elif not many:
            repetitions = repetitions[:1]
        spans, resource, labels = builder.spans, builder.resource, builder.labels
        for index, repetition in enumerate(repetitions):
            if not repetition[0] or (when is not None and not when(work, segment, repetition)):
                continue
            mark = len(spans)
            path = path_of(resource, labels, index)
            try:
                value = make(work, segment, repetition, path, spans)
            except Doubt as doubt:
                keep(work, doubt, doubt.leaf, rule, target, "", spans, resource)
                continue
            if value is None:
                del spans[mark:]
                continue
            stands = put(resource, labels, index, value)
            if not stands:
                for span in spans[mark:]:
                    work.superseded.setdefault(span.offset, rule)
                del spans[mark:]
            elif stands != path:
                spans[mark:] = [span._replace(path=stands + span.path[len(path) :]) for span in spans[mark:]]

    return run


def _whole_row(make: Callable[..., Any], target: Target, when: Test | None, rule: str, must: str) -> RowRun:
    """One value of all repetitions of a field."""

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Builder) -> None:
        if when is not None and not when(work, segment, repetitions[0]):
            return
        bad = next((leaf for repetition in repetitions for leaf in repetition.leaves() if leaf.bad), None)
        if bad is not None:
            if must:
                raise Bad("E221", bad.bad, bad, rule)
            work.unreadable(bad, rule)
            return
        spans = builder.spans
        mark = len(spans)
        value = make(work, repetitions, target.path(builder.resource, builder.labels, 0), spans, rule)
        if value is None or not target.put(builder.resource, builder.labels, 0, value):
            for span in spans[mark:]:
                work.superseded.setdefault(span.offset, rule)
            del spans[mark:]

    return run


def _drop_row(place: str, when: Test | None, rule: str) -> RowRun:
    component, subcomponent, exact = source_of(place)

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Builder) -> None:
        for repetition in repetitions:
            if when is not None and not when(work, segment, repetition):
                continue
            if component and exact:
                leaf = repetition.leaf(component, subcomponent)
                leaves: Any = (leaf,)
            elif component:
                leaves = (repetition.components[component - 1] or ()) if component <= len(repetition.components) else ()
            else:
                leaves = repetition.leaves()
            for leaf in leaves:
                if leaf is not None:
                    work.dropped.setdefault(leaf[0], rule)

    return run
