"""What a field does, remembered: the same text in the same field of the same feed does the same, whatever message it stands in.

A feed repeats itself (facilities, wards, doctors, tests, units, the patient of yesterday). The effects of a field's rows are
recorded relative to the field (values, spans, records of their own, notices) and replayed where the text comes again. Replaying
and doing it anew give the same result: a property test holds them equal. Nothing leaves the process, and the memory is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from trivet.contracts.record import Notice, Span
from trivet.integration.formats.hl7v2.paths import Labels, Target
from trivet.integration.formats.hl7v2.reader import Leaf
from trivet.integration.formats.hl7v2.work import Builder, Work
from trivet.kernel.errors import Rejected

__all__ = ["LIMIT", "Child", "Effects", "Put", "Recorder", "bear", "fresh", "place", "record", "replay"]

LIMIT = 20_000  # remembered fields of one feed
Rel = tuple[str, int, int, str, str]  # path after the value's place, offset in the field, length, locator after the segment, rule
Put = tuple[Target | None, int, Any, tuple[Rel, ...], str]
_new = tuple.__new__


class Child(NamedTuple):
    """A record of its own that the field gives rise to."""

    type: str
    id: str
    resource: dict[str, Any]
    spans: tuple[Rel, ...]


class Effects(NamedTuple):
    """Everything the rows of one field do with one text."""

    puts: tuple[Put, ...]
    children: tuple[Child, ...]
    marks: tuple[tuple[str, int, str], ...]
    notices: tuple[Notice, ...]
    rejects: tuple[Rejected, ...]


class Recorder:
    """Stands where a builder stands, and writes down what is said instead of building."""

    __slots__ = ("base", "cut", "puts")

    def __init__(self, base: int, cut: int) -> None:
        self.base, self.cut = base, cut
        self.puts: list[Put] = []

    def say(self, work: Work, target: Target, index: int, value: Any, leaf: Leaf, rule: str) -> None:
        """A value with the leaf behind it."""
        self.puts.append((target, index, value, (("", leaf[0] - self.base, leaf[1], leaf[2][self.cut :], rule),), rule))

    def take(self, work: Work, target: Target, index: int, value: Any, spans: list[Span], rule: str) -> None:
        """A structure with the spans inside it."""
        self.puts.append((target, index, value, self._relative(spans), rule))

    def absorb(self, work: Work, out: dict[str, Any], spans: list[Span], rule: str) -> None:
        """Parts of the record itself."""
        self.puts.append((None, 0, out, self._relative(spans), rule))

    def repeat(self, puts: tuple[Put, ...], base: int) -> None:
        """What was written down before, for a field at another place."""
        shift = base - self.base
        for target, index, value, spans, rule in puts:
            moved = tuple((path, offset + shift, length, locator, name) for path, offset, length, locator, name in spans)
            self.puts.append((target, index, value, moved, rule))

    def _relative(self, spans: list[Span]) -> tuple[Rel, ...]:
        base, cut = self.base, self.cut
        return tuple((span[0], span[1] - base, span[2], span[3][cut:], span[4]) for span in spans)


def record(work: Work, base: int, prefix: str, run: Callable[[Recorder], None], heads: frozenset[str]) -> Effects:
    """Let rows run against a recorder, with the bench's lists set aside. Raises what the rows raise.

    `heads` are the list elements that only this field speaks of: what it says of one of them becomes one structure.
    """
    kept = (work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects, work.born)
    work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects = {}, {}, {}, {}, [], []
    work.born = None
    recorder = Recorder(base, len(prefix))
    try:
        run(recorder)
        children = tuple(
            Child(builder.type, builder.resource["id"], builder.resource, recorder._relative(builder.spans))
            for builder in work.records.values()
        )
        named = (("dropped", work.dropped), ("refused", work.refused), ("superseded", work.superseded))
        marks = tuple((name, offset - base, rule) for name, table in named for offset, rule in table.items())
        notices = tuple(_moved(notice, -base, prefix, "") for notice in work.notices)
        rejects = tuple(_moved(reject, -base, prefix, "") for reject in work.rejects)
    finally:
        work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects, work.born = kept
    return Effects(tuple(_joined(recorder.puts, heads)), children, marks, notices, rejects)


def _joined(puts: list[Put], heads: frozenset[str]) -> list[Put]:
    """Neighbours that speak of parts of the same list element, as one put of the whole element."""
    found: list[Put] = []
    at = 0
    while at < len(puts):
        target, index = puts[at][0], puts[at][1]
        end = at + 1
        if target is not None and target.head in heads:
            while end < len(puts) and puts[end][1] == index and (other := puts[end][0]) is not None and other.head == target.head:
                end += 1
        whole = _whole(puts[at:end], target.head) if target is not None and end - at > 1 else None
        found.extend([whole] if whole is not None else puts[at:end])
        at = end
    return found


def _whole(puts: list[Put], head: str) -> Put | None:
    """Some puts as one, None when they do not fit together."""
    scratch: dict[str, Any] = {}
    labels: Labels = {}
    spans: list[Rel] = []
    for target, index, value, relative, _ in puts:
        assert target is not None
        stands = target.put(scratch, labels, index, fresh(value))
        if not stands:
            return None
        rest = stands.partition("]")[2]
        spans.extend((rest + path, offset, length, locator, rule) for path, offset, length, locator, rule in relative)
    element = scratch[head.partition("[")[0]][0]
    return _element(head), puts[0][1], element, tuple(spans), puts[0][4]


@cache
def _element(head: str) -> Target:
    return Target(head)


def _moved(one: Any, shift: int, before: str, after: str) -> Any:
    """A notice or a reject at another place."""
    locator = after + one.locator[len(before) :]
    if isinstance(one, Rejected):
        return Rejected(one.code, one.reason, locator, one.offset + shift, one.length, one.help)
    return one._replace(locator=locator, offset=one.offset + shift)


def replay(effects: Effects, work: Work, builder: Builder | Recorder, base: int, prefix: str) -> None:
    """Do what was recorded, here."""
    for child in effects.children:
        bear(child, work, base, prefix)
    if isinstance(builder, Recorder):
        builder.repeat(effects.puts, base)
    else:
        for put in effects.puts:
            place(put, work, builder, base, prefix)
    for name, offset, rule in effects.marks:
        getattr(work, name).setdefault(base + offset, rule)
    if effects.notices:
        work.notices.extend(_moved(notice, base, "", prefix) for notice in effects.notices)
    if effects.rejects:
        work.rejects.extend(_moved(reject, base, "", prefix) for reject in effects.rejects)


def place(put: Put, work: Work, builder: Builder, base: int, prefix: str) -> None:
    """Say one recorded thing to a record."""
    target, index, value, spans, rule = put
    if target is None:
        moved = [_new(Span, (path, base + offset, length, prefix + locator, name)) for path, offset, length, locator, name in spans]
        builder.absorb(work, fresh(value), moved, rule)
        return
    stands = target.put(builder.resource, builder.labels, index, value if type(value) is str else fresh(value))
    if stands:
        builder.spans += [
            _new(Span, (stands + path, base + offset, length, prefix + locator, name)) for path, offset, length, locator, name in spans
        ]
    else:
        for _, offset, _, _, _ in spans:
            work.superseded.setdefault(base + offset, rule)


def bear(child: Child, work: Work, base: int, prefix: str) -> None:
    """A record of its own, or one more mention of one that is there."""
    if work.born is not None:
        work.born.append((child, base))
        return
    spans = [_new(Span, (path, base + offset, length, prefix + locator, rule)) for path, offset, length, locator, rule in child.spans]
    known = work.records.get((child.type, child.id))
    if known is not None and known.origin is child:
        known.spans.extend(spans)
        return
    builder = Builder(child.type)
    builder.resource, builder.spans, builder.origin = fresh(child.resource), spans, child
    work.merge(builder)


def fresh(value: Any) -> Any:
    """A copy that shares nothing that could be changed."""
    kind = type(value)
    if kind is dict:
        return {key: part if type(part) is str else fresh(part) for key, part in value.items()}
    if kind is list:
        return [part if type(part) is str else fresh(part) for part in value]
    return value
