"""Segment maps to closures: `segments/<SEG>_<Resource>.csv`, one row per fact, applied in the order of the table.

`must` is empty, `valid` (a value that cannot be read refuses the record) or `present` (so does a missing one). Where many rows
of a field ask for the same place (the value types of OBX-5 all ask for OBX-2), a table by its value says which of them are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.compile import (
    ALTERNATE_PATH,
    COLUMNS,
    Make,
    Ops,
    alternate,
    beside,
    make_of,
    ops_of,
    promote,
    rooted,
    source_of,
)
from trivet.integration.formats.hl7v2.conditions import binder
from trivet.integration.formats.hl7v2.convert import Convert, converter, watched
from trivet.integration.formats.hl7v2.forms import FORMS, TRIES, Family, Form, Speaker, family_of, learn, tell, token
from trivet.integration.formats.hl7v2.paths import Target
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.scan import Scan
from trivet.integration.formats.hl7v2.special import WHOLE
from trivet.integration.formats.hl7v2.values import Bad, Doubt
from trivet.integration.formats.hl7v2.work import CARRIED, Builder, Work
from trivet.integration.overlay import per_overlay, ticket
from trivet.integration.tables import Condition, Getter, Row, Test, compile_condition, parse, places, table
from trivet.kernel.errors import Fault

__all__ = ["SegmentMap", "known", "segment_map"]

RowRun = Callable[[Work, Segment, list[Repetition], Speaker], None]
_new = tuple.__new__


class Planned(NamedTuple):
    """A row before it is a function: its field, the tree of its condition, and what builds the function for the test that is left."""

    number: int
    tree: Condition | None
    build: Callable[[Test | None], RowRun]


Rows = tuple[RowRun, ...]


class Fan(NamedTuple):
    """Rows of one field: by the value of a place that many of them ask for (`get` is None where there is no such place)."""

    number: int
    get: Getter | None
    by_value: dict[str, Rows]
    other: Rows


class SegmentMap:
    """One segment map: rows by field, in the order of the table."""

    __slots__ = ("always", "fans", "name", "numbers", "required", "segment", "token")

    def __init__(self, name: str) -> None:
        self.name = name
        self.segment = segment = name.split("_")[0]
        seen: dict[str, int] = {}
        groups: list[list[Planned]] = []
        required = []
        for row in table(f"hl7v2/segments/{name}.csv", *COLUMNS):
            seen[row["source"]] = times = seen.get(row["source"], 0) + 1
            rule = f"{name}/{row['source']}" + (f"#{times}" if times > 1 else "") + ticket(row)
            planned = _planned(row, rule, segment)
            if not groups or groups[-1][0].number != planned.number:
                groups.append([])
            groups[-1].append(planned)
            if row["must"] == "present":
                required.append((row["target"], rule))
        self.fans = tuple(_fan(rows, segment) for rows in groups)
        self.required = tuple(required)
        self.numbers = tuple(sorted({fan.number for fan in self.fans} - {0}))
        self.token = token()
        self.always = bool(required) or any(fan.number == 0 for fan in self.fans)

    def speaks(self, segment: Segment) -> bool:
        """Whether this segment holds anything that the map reads."""
        if self.always:
            return True
        texts = segment.fields
        size = len(texts)
        for number in self.numbers:  # noqa: SIM110  (a generator costs more than most answers)
            if number < size and texts[number]:
                return True
        return False

    def apply(self, work: Work, segment: Segment, builder: Builder) -> tuple[Form, Family] | None:
        """Put what the segment says into the record; the form that did it. Raises Bad when a value that must be right is not."""
        scan = segment.scan
        if scan is not None:
            new = builder.fresh
            if new or not self.required:
                family = family_of(work, (self.token, builder.type if new else "", scan.shape))
                key = family.key(work, segment, scan)
                for form in family.forms.get(key, ()):
                    if tell(form, work, segment, scan, builder):
                        return form, family
                if self._learn(work, segment, scan, builder.type if new else "", family, key):
                    form = family.forms[family.key(work, segment, scan)][-1]
                    if tell(form, work, segment, scan, builder):
                        return form, family
        if work.marked:
            work.settle_marks()
        self._read(work, segment, builder)
        return None

    def _learn(self, work: Work, segment: Segment, scan: Scan, type_: str, family: Family, key: Any) -> bool:
        """Make a form, the second time that it would have been of use."""
        known = family.forms.get(key)
        if (known is not None and len(known) >= TRIES) or family.failed.get(key, 0) >= TRIES:
            return False
        if key not in family.met:
            family.met.add(key)
            return False
        if len(family.met) > FORMS:
            family.met.clear()
            family.forms.clear()
            family.failed.clear()
        learned = learn(work, segment, scan, type_, self._read)
        if learned is None:
            family.failed[key] = family.failed.get(key, 0) + 1
            return False
        form, watch = learned
        family.widen(watch.exact, watch.asks)
        family.forms.setdefault(family.key(work, segment, scan), []).append(form)
        return True

    def _read(self, work: Work, segment: Segment, builder: Speaker) -> None:
        """Field by field."""
        texts = segment.fields
        size = len(texts)
        for number, get, by_value, other in self.fans:
            if number == 0:
                whole = [_whole(segment)]
                for run in other:
                    run(work, segment, whole, builder)
                continue
            text = texts[number] if number < size else ""
            if not text:
                continue
            rows = other if get is None else by_value.get(get(work, segment, _NOTHING), other)
            found = segment.field(number)
            for run in rows:
                run(work, segment, found, builder)
        for key, rule in self.required:
            if isinstance(builder, Builder) and key not in builder.resource:
                raise Bad("hl7v2-missing", "a required value is missing", _whole(segment).components[0][0], rule)  # type: ignore[index]


_NOTHING = Repetition([], 0, 0, "")


def _rows(planned: list[Planned], tests: list[Condition | bool | None], segment: str) -> Rows:
    """Rows as functions."""
    return tuple(row.build(_test(test, segment)) for row, test in zip(planned, tests, strict=True))


def _whole(segment: Segment) -> Repetition:
    """The segment's name as a value: what constants of a segment point at."""
    place = f"{segment.name}[{segment.number}]"
    return Repetition([(Leaf(segment.start, len(segment.name), place, segment.name),)], segment.start, len(segment.name), place)


@per_overlay
def segment_map(name: str) -> SegmentMap:
    """The compiled segment map of that name."""
    return SegmentMap(name)


def _fan(rows: list[Planned], segment: str) -> Fan:
    """Rows of a field; where at least four ask for the same place, sorted out by its value beforehand."""
    number = rows[0].number
    trees: list[Condition | bool | None] = [row.tree for row in rows]
    asked = Counter(place for row in rows if row.tree for place in {*places(row.tree)} if not place.startswith("."))
    place, often = asked.most_common(1)[0] if asked else ("", 0)
    if often < 4:
        return Fan(number, None, {}, _rows(rows, trees, segment))
    values = {value for row in rows if row.tree for value in _values(row.tree, place)} | {""}
    by_value = {value: _left(rows, place, value, segment) for value in values}
    return Fan(number, binder(segment)(place), by_value, _rows(rows, trees, segment))


def _values(tree: Condition, place: str) -> set[str]:
    if tree[0] == "and":
        return _values(tree[1], place) | _values(tree[2], place)
    if tree[0] == "not":
        return _values(tree[1], place)
    return set(tree[2]) if tree[0] == "in" and tree[1] == place else set()


def _left(rows: list[Planned], place: str, value: str, segment: str) -> Rows:
    """The rows that are left when the place has that value, with what is left of their conditions."""
    left = [(row, known(row.tree, place, value) if row.tree else True) for row in rows]
    kept = [(row, test) for row, test in left if test is not False]
    return _rows([row for row, _ in kept], [test for _, test in kept], segment)


def known(tree: Condition, place: str, value: str) -> Condition | bool:
    """A condition when the value of one place is known: True, False, or what still has to be asked."""
    if tree[0] == "and":
        left, right = known(tree[1], place, value), known(tree[2], place, value)
        if left is False or right is False:
            return False
        return right if left is True else left if right is True else ("and", left, right)
    if tree[0] == "not":
        inner = known(tree[1], place, value)
        return not inner if isinstance(inner, bool) else ("not", inner)
    if tree[1] != place:
        return tree
    return bool(value) if tree[0] == "present" else value in tree[2]


def _test(tree: Condition | bool | None, segment: str) -> Test | None:
    return compile_condition(tree, binder(segment)) if isinstance(tree, tuple) else None


def _planned(row: Row, rule: str, segment: str) -> Planned:
    name, _, rest = row["source"].partition("-")
    field, _, place = rest.partition(".")
    field, _, picked = field.partition("[")
    number, only = int(field or 0), int(picked.rstrip("]") or 0)
    if name != segment:
        raise Fault("E212", "a segment map speaks of another segment", where=rule)
    tree = parse(row["when"]) if row["when"] else None
    return Planned(number, tree, _builder(row, rule, segment, place, only))


def _builder(row: Row, rule: str, segment: str, place: str, only: int) -> Callable[[Test | None], RowRun]:
    """What makes a row a function, for the test that is left of its condition."""
    transform, argument, must = row["transform"], row["with"], row["must"]
    if transform == "drop":
        return lambda when: _drop_row(place, when, rule)
    if row["target"] == "$":
        ops = ops_of(transform, rule, segment, argument)
        return lambda when: _root_row(ops, when, rule, only)
    target = Target(row["target"])
    if transform in WHOLE:
        return lambda when: _whole_row(WHOLE[transform], target, when, rule, must)
    component, subcomponent, _ = source_of(place)
    convert = converter(transform, argument)
    if convert is not None:
        if transform == "=" and not component:
            return lambda when: _constant_row(argument, target, when, rule, only)
        return lambda when: _leaf_row(component or 1, subcomponent, convert, target, when, rule, only, must)
    inner = make_of(transform, argument, rule, segment)
    make = _component_make(component, inner) if component else inner
    return lambda when: _value_row(make, target, when, rule, only)


def _chosen(repetitions: list[Repetition], only: int, many: bool) -> list[Repetition]:
    """The repetitions a row speaks of: the one it names, all, or the first."""
    return repetitions[only - 1 : only] if only else repetitions if many else repetitions[:1]


def _constant_row(value: str, target: Target, when: Test | None, rule: str, only: int) -> RowRun:
    """A constant, said because the source is there: its span is the first leaf."""
    many = target.many and not only

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Speaker) -> None:
        for index, repetition in enumerate(_chosen(repetitions, only, many)):
            leaf = next(repetition.leaves(), None)
            if leaf is None or (work.watch is None and leaf[3] == '""') or (when is not None and not when(work, segment, repetition)):
                continue
            builder.say(work, target, index, value, leaf, rule)

    return run


def _leaf_row(
    component: int, subcomponent: int, convert: Convert, target: Target, when: Test | None, rule: str, only: int, must: str
) -> RowRun:
    """One leaf, converted."""
    first, second, many = component - 1, subcomponent - 1, target.many and not only

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Speaker) -> None:
        for index, repetition in enumerate(_chosen(repetitions, only, many)):
            components = repetition[0]
            parts = components[first] if first < len(components) else None
            leaf = parts[second] if parts is not None and second < len(parts) else None
            if leaf is None or (when is not None and not when(work, segment, repetition)):
                continue
            if work.watch is None:
                text = leaf[3]
                if text == '""':
                    work.dropped.setdefault(leaf[0], "hl7-null")
                    continue
                if not text:
                    if must:
                        raise Bad("hl7v2-unreadable", leaf.bad or "unreadable", leaf, rule)
                    work.unreadable(leaf, rule)
                    continue
            try:
                value = convert(work, leaf) if work.watch is None else watched(work, leaf, convert)
            except Doubt as doubt:
                if must and doubt.kind != "unknown-code":
                    raise Bad("hl7v2-date" if doubt.kind == "doubtful-date" else "hl7v2-value", doubt.why, leaf, rule) from None
                _beside(work, doubt, leaf, rule, target, builder)
                continue
            if value is None:
                continue
            builder.say(work, target, index, value, leaf, rule)

    return run


def _beside(work: Work, doubt: Doubt, leaf: Leaf, rule: str, target: Target, builder: Speaker) -> None:
    """A doubtful value is noticed; a code that a required binding does not know is kept beside the empty element."""
    work.doubt(doubt, leaf, rule)
    if doubt.kind == "unknown-code" and target.beside:
        CARRIED.add(rule + "?")
        builder.take(work, beside(target), 0, alternate(doubt), [_new(Span, (ALTERNATE_PATH, leaf[0], leaf[1], leaf[2], rule + "?"))], rule)


def _root_row(ops: Ops, when: Test | None, rule: str, only: int) -> RowRun:
    """A data type that is the record: its parts become elements of the record itself."""

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Speaker) -> None:
        repetition = repetitions[max(only, 1) - 1] if max(only, 1) <= len(repetitions) else None
        if repetition is None or (when is not None and not when(work, segment, repetition)):
            return
        spans: list[Span] = []
        out: dict[str, Any] = {}
        ops.go(work)(work, segment, repetition, "", spans, out)
        builder.absorb(work, out, rooted(spans), rule)

    return run


def _component_make(component: int, inner: Make) -> Make:
    def make(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span]) -> Any:
        part = promote(repetition, component)
        return None if part is None else inner(work, segment, part, path, spans)

    return make


def _value_row(make: Make, target: Target, when: Test | None, rule: str, only: int) -> RowRun:
    """A structure or a reference, made of a repetition."""
    many = target.many and not only

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Speaker) -> None:
        for index, repetition in enumerate(_chosen(repetitions, only, many)):
            if not repetition[0] or (when is not None and not when(work, segment, repetition)):
                continue
            spans: list[Span] = []
            value = make(work, segment, repetition, "", spans)
            if value is not None:
                builder.take(work, target, index, value, spans, rule)

    return run


def _whole_row(make: Callable[..., Any], target: Target, when: Test | None, rule: str, must: str) -> RowRun:
    """One value of all repetitions of a field."""

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Speaker) -> None:
        if when is not None and not when(work, segment, repetitions[0]):
            return
        bad = next((leaf for repetition in repetitions for leaf in repetition.leaves() if leaf.bad), None)
        if bad is not None:
            if must:
                raise Bad("hl7v2-unreadable", bad.bad, bad, rule)
            work.unreadable(bad, rule)
            return
        spans: list[Span] = []
        value = make(work, repetitions, "", spans, rule)
        if value is not None:
            builder.take(work, target, 0, value, spans, rule)

    return run


def _drop_row(place: str, when: Test | None, rule: str) -> RowRun:
    component, subcomponent, exact = source_of(place)

    def run(work: Work, segment: Segment, repetitions: list[Repetition], builder: Speaker) -> None:
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
