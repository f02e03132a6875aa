"""Data type maps to closures: a CSV file is read once per use and becomes a list of small functions.

A row says: where from (`source`: a component, `$` for the value itself), if (`when`), where to (`target`), how (`transform`,
`with`). Transforms are the converters of `convert.py`, the types of `special.py`, the name of a data type map, `ref:` and the
name of a data type map (a record of its own, referred to), `=` for a constant, `drop` for what is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeGuard

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.codes import code_map
from trivet.integration.formats.hl7v2.conditions import condition
from trivet.integration.formats.hl7v2.convert import Convert, converter, watched
from trivet.integration.formats.hl7v2.generate import Piece, compose, lend
from trivet.integration.formats.hl7v2.paths import Labels, Target
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.formats.hl7v2.watch import WatchedLeaf, pick
from trivet.integration.formats.hl7v2.work import CARRIED, Builder, Work
from trivet.integration.overlay import per_overlay, ticket
from trivet.integration.tables import Row, Test, parse, table
from trivet.kernel.errors import Fault

__all__ = [
    "ALTERNATE_PATH",
    "COLUMNS",
    "SPECIAL",
    "Make",
    "alternate",
    "alternatives",
    "beside",
    "filled",
    "keep",
    "make_of",
    "naked",
    "ops_of",
    "promote",
    "rooted",
    "source_of",
]

Make = Callable[[Work, Segment, Repetition, str, list[Span]], Any]
Parts = tuple[Leaf | None, ...]
Run = Callable[..., None]
Op = Callable[[Work, Segment, Repetition, Parts, str, list[Span], dict[str, Any], Labels], None]

Special = Callable[..., Any]
SPECIAL: dict[str, Special] = {}
"""Data types that a list of rows cannot say, by name: `special.py` puts them here."""
_new = tuple.__new__  # a named tuple without its Python-level constructor
ALTERNATE_PATH = ".extension[0].valueCodeableConcept.coding[0].code"
_ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-codes"
COLUMNS = ("source", "when", "target", "transform", "with", "must", "note")


def keep(work: Work, doubt: Doubt, leaf: Leaf, rule: str, target: Target, prefix: str, spans: list[Span], out: dict[str, Any]) -> None:
    """A doubtful value is noticed. A code that a required binding does not know is kept beside the empty element, as an alternate code."""
    work.doubt(doubt, leaf, rule)
    if doubt.kind != "unknown-code" or not target.beside or target.text in out or target.beside in out:
        return
    out[target.beside] = alternate(doubt)
    CARRIED.add(rule + "?")
    spans.append(_new(Span, (f"{prefix}{target.beside}{ALTERNATE_PATH}", leaf[0], leaf[1], leaf[2], rule + "?")))


def alternate(doubt: Doubt) -> dict[str, Any]:
    """The extension that keeps a code which the element itself cannot hold."""
    coding = {"system": doubt.system, "code": doubt.code}
    return {"extension": [{"url": _ALTERNATE, "valueCodeableConcept": {"coding": [coding]}}]}


@cache
def beside(target: Target) -> Target:
    """The place beside an element for its extensions: `_gender` for `gender`."""
    return Target(target.beside)


def filled(leaf: Leaf | None) -> TypeGuard[Leaf]:
    """Whether a leaf says something: it is there, readable, not blank and not HL7's null."""
    return leaf is not None and (type(leaf) is WatchedLeaf or (leaf[3] not in ("", '""') and not leaf[3].isspace()))


def promote(repetition: Repetition, component: int) -> Repetition | None:
    """A component read as a value of its own: its subcomponents become components."""
    if component > len(repetition.components):
        return None
    parts = repetition.components[component - 1]
    if parts is None:
        return None
    return Repetition([(leaf,) if leaf is not None else None for leaf in parts], repetition.offset, repetition.length, repetition.locator)


def source_of(text: str) -> tuple[int, int, bool]:
    """`.4.2` -> (4, 2, True); `.4` -> (4, 1, False); `$` -> (0, 1, False)."""
    if text in ("", "$"):
        return 0, 1, False
    component, _, subcomponent = text.lstrip(".").partition(".")
    return int(component), int(subcomponent or 1), bool(subcomponent)


class Ops:
    """A data type map: `run` does it in one generated function, `step_by_step` row by row, with the same result. The function is written
    when it is first wanted: of the hundreds of uses that a message's tables have, most never meet a value."""

    __slots__ = ("_pieces", "_preset", "_run", "_segment", "by_component", "whole")

    def __init__(self, name: str, rule: str, segment: str, argument: str = "", preset: bool = False) -> None:
        seen: dict[str, int] = {}
        found: dict[int, list[Op]] = {}
        pieces: list[Piece] = []
        given = argument.split("|")
        for row in table(f"hl7v2/datatypes/{name}.csv", *COLUMNS):
            if row["with"][:1] == "@":  # a value that the using row gives
                number = int(row["with"][1:])
                if number > len(given) or not given[number - 1]:
                    continue
                row = {**row, "with": given[number - 1]}
            seen[row["source"]] = count = seen.get(row["source"], 0) + 1
            # the rule of a span names the row of the segment and the row of the data type
            row_rule = f"{rule}>{name}{row['source']}" + (f"#{count}" if count > 1 else "") + ticket(row)
            op = _op(row, row_rule, segment)
            found.setdefault(source_of(row["source"])[0], []).append(op)
            pieces.append(_piece(row, row_rule, segment, op))
        self.whole = tuple(found.pop(0, ()))
        self.by_component = tuple(tuple(found.get(number, ())) for number in range(1, max(found, default=0) + 1))
        self._pieces, self._segment, self._preset = pieces, segment, preset
        self._run: Run | None = None

    @property
    def run(self) -> Run:
        """The generated function."""
        found = self._run
        if found is None:
            found = self._run = compose(self._pieces, self._segment, self._preset)
        return found

    def go(self, work: Work) -> Run:
        """How it is done now: while a segment is watched, row by row."""
        return self.run if work.watch is None else self.step_by_step

    def step_by_step(
        self,
        work: Work,
        segment: Segment,
        repetition: Repetition,
        path: str,
        spans: list[Span],
        out: dict[str, Any],
        labels: Labels | None = None,
    ) -> None:
        """Put what the value says into `out`."""
        labels = {} if labels is None else labels
        for parts, ops in zip(repetition[0], self.by_component, strict=False):
            if parts is not None:
                for op in ops:
                    op(work, segment, repetition, parts, path, spans, out, labels)
        for op in self.whole:
            op(work, segment, repetition, (), path, spans, out, labels)


def _piece(row: Row, rule: str, segment: str, op: Op) -> Piece:
    """A row of a data type map for the generator."""
    component, subcomponent, _ = source_of(row["source"])
    transform, argument = row["transform"], row["with"]
    tree = parse(row["when"]) if row["when"] else None
    target = Target(row["target"]) if row["target"] else None
    if transform == "drop" or target is None:
        return Piece("call", component, subcomponent, None, None, rule, op)
    if transform == "authority":
        return Piece("authority", component, subcomponent, target, tree, rule, None, int(argument or 1))
    convert = converter(transform, argument)
    if convert is None:
        return Piece("nested", component, subcomponent, target, tree, rule, make_of(transform, argument, rule, segment))
    does = "string" if transform in ("", "string") else (argument,) if transform == "=" else convert
    return Piece("leaf", component, subcomponent, target, tree, rule, does)


@per_overlay
def ops_of(name: str, rule: str, segment: str, argument: str = "", preset: bool = False) -> Ops:
    """The compiled data type map `name` for one row of a table. `argument` fills its `@1`, `@2`, ... (separated by `|`)."""
    return Ops(name, rule, segment, argument, preset)


def _op(row: Row, rule: str, segment: str) -> Op:
    component, subcomponent, exact = source_of(row["source"])
    transform, when = row["transform"], condition(row["when"], segment)
    convert = converter(transform, row["with"])
    if transform == "drop":
        return _drop_op(component, subcomponent, exact, when, rule)
    if transform == "authority":
        return _authority_op(component, int(row["with"] or 1), Target(row["target"]), when, rule)
    target = Target(row["target"])
    if convert is not None:
        return _leaf_op(subcomponent, convert, target, when, rule, silent=transform == "=" and component == 0)
    return _nested_op(component, make_of(transform, row["with"], rule, segment), target, when, rule)


def _leaf_op(subcomponent: int, convert: Convert, target: Target, when: Test | None, rule: str, silent: bool) -> Op:
    second, put = subcomponent - 1, target.put

    def op(
        work: Work,
        segment: Segment,
        repetition: Repetition,
        parts: Parts,
        path: str,
        spans: list[Span],
        out: dict[str, Any],
        labels: Labels,
    ) -> None:
        leaf = next(repetition.leaves(), None) if silent else parts[second] if second < len(parts) else None
        if leaf is None or (when is not None and not when(work, segment, repetition)):
            return
        if work.watch is None:
            text = leaf[3]
            if text == '""':
                work.dropped.setdefault(leaf[0], "hl7-null")
                return
            if not text:
                work.unreadable(leaf, rule)
                return
        try:
            value = convert(work, leaf) if work.watch is None else watched(work, leaf, convert)
        except Doubt as doubt:
            keep(work, doubt, leaf, rule, target, f"{path}.", spans, out)
            return
        if value is None:
            return
        where = put(out, labels, 0, value)
        if where:
            spans.append(_new(Span, (f"{path}.{where}", leaf[0], leaf[1], leaf[2], rule)))
        else:
            work.superseded.setdefault(leaf[0], rule)

    return op


def _nested_op(component: int, make: Make, target: Target, when: Test | None, rule: str) -> Op:
    key, label, _ = target.steps[-1]
    last = (f".{key}", label)

    def op(
        work: Work,
        segment: Segment,
        repetition: Repetition,
        parts: Parts,
        path: str,
        spans: list[Span],
        out: dict[str, Any],
        labels: Labels,
    ) -> None:
        inner = promote(repetition, component) if component else repetition
        if inner is None or (when is not None and not when(work, segment, repetition)):
            return
        if label:  # a structure is an element of its own, whatever other rows call theirs
            labels = {name: index for name, index in labels.items() if name[1] != last[1] or not name[0].endswith(last[0])}
        mark = len(spans)
        value = make(work, segment, inner, f"{path}.{target.path(out, labels, 0)}", spans)
        if value is None:
            del spans[mark:]
        elif not target.put(out, labels, 0, value):
            for span in spans[mark:]:
                work.superseded.setdefault(span.offset, rule)
            del spans[mark:]

    return op


def _drop_op(component: int, subcomponent: int, exact: bool, when: Test | None, rule: str) -> Op:
    def op(
        work: Work,
        segment: Segment,
        repetition: Repetition,
        parts: Parts,
        path: str,
        spans: list[Span],
        out: dict[str, Any],
        labels: Labels,
    ) -> None:
        if component > len(repetition.components) or (when is not None and not when(work, segment, repetition)):
            return
        if exact:
            leaf = repetition.leaf(component, subcomponent)
            leaves: Any = (leaf,) if leaf is not None else ()
        else:
            leaves = repetition.components[component - 1] or () if component else repetition.leaves()
        for leaf in leaves:
            if leaf is not None:
                work.dropped.setdefault(leaf[0], rule)

    return op


def _authority_op(component: int, begin: int, target: Target, when: Test | None, rule: str) -> Op:
    """The system that an HD names: `.4` of a CX, or the value itself for an HD."""

    def op(
        work: Work,
        segment: Segment,
        repetition: Repetition,
        parts: Parts,
        path: str,
        spans: list[Span],
        out: dict[str, Any],
        labels: Labels,
    ) -> None:
        inner = promote(repetition, component) if component else repetition
        if inner is None or (when is not None and not when(work, segment, repetition)):
            return
        leaves = [inner.leaf(number) for number in (begin, begin + 1, begin + 2)]
        texts = ["" if leaf is None or leaf[3] == '""' else leaf[3] for leaf in leaves]
        system = work.settings.authority(*texts)
        if not system:
            return
        where = target.put(out, labels, 0, system)
        for leaf in leaves:
            if leaf is not None:
                if where:
                    spans.append(_new(Span, (f"{path}.{where}", leaf[0], leaf[1], leaf[2], rule)))
                else:
                    work.superseded.setdefault(leaf[0], rule)

    return op


@per_overlay
def make_of(transform: str, argument: str, rule: str, segment: str) -> Make:
    """A function that makes a complex value (or a reference) of a repetition."""
    if transform.startswith("at:"):
        _, number, name = transform.split(":", 2)
        return _elsewhere(int(number), make_of(name, argument, rule, segment))
    if transform.startswith("ref:"):
        return _reference(transform[4:], rule, segment, argument)
    if transform in SPECIAL:
        return partial(SPECIAL[transform], rule=rule, argument=argument)
    if argument and not _filled_by(transform):
        return _with_vocabulary(ops_of(transform, rule, segment, "", True), transform, argument, rule)
    ops = ops_of(transform, rule, segment, argument)

    def make(work: Work, segment_: Segment, repetition: Repetition, path: str, spans: list[Span]) -> Any:
        out: dict[str, Any] = {}
        ops.go(work)(work, segment_, repetition, path, spans, out)
        return out or None

    return make


def _elsewhere(number: int, inner: Make) -> Make:
    """`at:6:CWE_Unit`: said of each repetition of a field, read from the first repetition of another (the unit of all components)."""

    def make(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span]) -> Any:
        found = segment.field(number)
        return inner(work, segment, found[0], path, spans) if found else None

    return make


def _filled_by(name: str) -> bool:
    """Whether a data type map has places for an argument (`@1`); where it has none, an argument names a code map."""
    return any(row["with"][:1] == "@" for row in table(f"hl7v2/datatypes/{name}.csv", *COLUMNS))


def _with_vocabulary(ops: Ops, transform: str, argument: str, rule: str) -> Make:
    """A coded value whose field is bound to a code map: the standard coding first, what was sent after it."""
    mapped, coding = code_map(argument), transform.endswith("_Coding")
    own = frozenset(("", f"HL7{mapped.table}", f"http://terminology.hl7.org/CodeSystem/v2-{mapped.table}", "L"))

    def make(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span]) -> Any:
        out: dict[str, Any] = {}
        labels: Labels = {}
        leaf = repetition.leaf(1)
        named = repetition.leaf(3)
        if leaf is not None and leaf[3] and leaf[3] != '""' and (named is None or named[3] in own):
            text = leaf[3].strip()
            found = mapped.rows.get(text) or mapped.rows.get(text.upper()) or mapped.rows.get(text.lower())
            if found is None:
                work.doubt(Doubt("unknown-code", "not in the code map", mapped.system, text), leaf, rule)
            elif found.code:
                code = {"system": found.system or mapped.system, "code": found.code}
                same = found.system in ("", mapped.system)
                if found.display and not (same and repetition.leaf(2) is not None):
                    code["display"] = found.display
                where = path if coding else f"{path}.coding[0]"
                out.update(code if coding else {"coding": [code]})
                spans.extend(_new(Span, (f"{where}.{key}", leaf[0], leaf[1], leaf[2], rule)) for key in code)
                if same or coding:  # the same coding would be said twice
                    labels[(".coding", "1", 0)] = 0
        ops.go(work)(work, segment, repetition, path, spans, out, labels)
        return out or None

    return make


def rooted(spans: list[Span]) -> list[Span]:
    """Spans of a value that is the record itself: without the dot in front of their paths."""
    return [_new(Span, (span[0][1:], *span[1:])) if span[0][:1] == "." else span for span in spans]


def alternatives(text: str) -> tuple[tuple[str, ...], ...]:
    """`.1+.9|.2+.3`: the places that name a record, best first."""
    return tuple(tuple(part.strip() for part in one.split("+")) for one in text.split("|") if one.strip())


@per_overlay
def _naming(name: str) -> tuple[str, tuple[tuple[str, ...], ...]]:
    for row in table("hl7v2/references.csv", "datatype", "resource", "key"):
        if row["datatype"] == name:
            return row["resource"], alternatives(row["key"])
    raise Fault("E212", "a data type map that makes records is not in references.csv", where=name)


def _key(work: Work, repetition: Repetition, choices: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], Leaf] | None:
    for choice in choices:
        found = [_named_part(repetition, place) for place in choice]
        first = found[0]
        if first is not None:
            return tuple("" if leaf is None else pick(work, leaf, naked) for leaf in found), first
    return None


def _named_part(repetition: Repetition, place: str) -> Leaf | None:
    component, subcomponent, _ = source_of(place)
    leaf = repetition.leaf(component, subcomponent) if component else next(repetition.leaves(), None)
    return leaf if leaf is not None and (type(leaf) is WatchedLeaf or leaf[3] not in ("", '""')) else None


def naked(text: str, work: Work) -> str:
    """The text without blanks around it."""
    return text.strip()


def _reference(name: str, rule: str, segment: str, argument: str) -> Make:
    resource, choices = _naming(name)
    ops = ops_of(name, rule, segment, argument)
    kind = argument.split("|")[0]

    def make(work: Work, segment_: Segment, repetition: Repetition, path: str, spans: list[Span]) -> Any:
        named = _key(work, repetition, choices)
        if named is None:
            return None
        parts, leaf = named
        builder = Builder(resource)
        spans_: list[Span] = []
        ops.go(work)(work, segment_, repetition, "", spans_, builder.resource)
        if len(builder.resource) == 2:
            return None
        builder.resource["id"] = work.id(resource, *parts, kind) if kind else work.id(resource, *parts)
        builder.by = leaf
        builder.spans += rooted(spans_)
        work.born_of(builder)
        spans.append(_new(Span, (f"{path}.reference", leaf[0], leaf[1], leaf[2], rule)))
        return {"reference": work.reference(resource, builder.resource["id"])}

    return make


lend(promote=promote, keep=keep)
