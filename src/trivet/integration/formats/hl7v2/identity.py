"""How records of a message are named: deterministic ids from the feed's own identifiers, by the `key` column of `messages.csv`.

A key is a choice of place lists, best first; the first list whose naming place (its first, or the one with `!`) is filled
names the record: `PV1-19.4+PV1-19.1!|{patient}+PV1-44.1`. In braces: `{patient}`, `{encounter}` (id of that record), `{order}`
(filler number of the group, else placer number), `{request}` (the other way round), `{message}` (sender and control id), `{mrn}`
(the identifier of the patient), `{source}` (the feed). `#` is the number of the segment, `=word` a word. Keys are read once and
become small functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeGuard

from trivet.integration.formats.hl7v2.compile import naked
from trivet.integration.formats.hl7v2.forms import Code, Family, family_of, watching
from trivet.integration.formats.hl7v2.lineage import By
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.scan import Scan
from trivet.integration.formats.hl7v2.watch import WatchedLeaf, pick
from trivet.integration.formats.hl7v2.work import Builder, Group, Work
from trivet.kernel.digest import record_id

__all__ = ["Choice", "Told", "choices", "named"]

Found = tuple[tuple[str, ...], By | None]
Get = Callable[[Work, Segment, Group], Found]
_NULL = ("", '""')
_NOTHING: Found = ((), None)
_EMPTY = ("",)


class Getter(NamedTuple):
    """One place of a key. `own` says that it is read from the segment alone, so that its shape says where."""

    own: bool
    get: Get


class Choice(NamedTuple):
    """One list of places; the one at `needed` must be filled."""

    needed: int
    getters: tuple[Getter, ...]


Told = Callable[[list[str], Work, Segment, Group], tuple[tuple[str, ...], By | int | None]]
"""The choices of a key for all segments of a shape, as one function of the leaves' texts. The naming leaf comes as its index."""


def choices(text: str, segment: str) -> tuple[Choice, ...]:
    """The key column of one row of `messages.csv`, compiled."""
    found = []
    for one in text.split("|"):
        places = [place.strip() for place in one.split("+") if place.strip()]
        if places:
            needed = next((rank for rank, place in enumerate(places) if place.endswith("!")), 0)
            found.append(Choice(needed, tuple(_getter(place.rstrip("!"), segment) for place in places)))
    return tuple(found)


class Naming(Protocol):
    """A step that names records, and keeps how."""

    action: Any
    known: Told | None

    def covers(self, family: Family) -> bool:
        """Whether what is kept for that family may be kept here."""


def named(work: Work, resource: str, merge: bool, step: Naming, segment: Segment, builder: Builder, home: Group) -> Builder:
    """The record with its id; merged with an earlier one of the same id where records of that kind may meet again."""
    builder.group = home
    scan, told = segment.scan, step.known
    by: By | int | None
    parts, by = told(scan.texts, work, segment, home) if told is not None and scan is not None else _key(work, step, segment, home)
    if not parts:
        parts = (work.message.segments[0].value(10), segment.name, str(segment.number))
    if isinstance(by, int):
        builder.by = (segment, by)
    else:
        builder.by = by or Leaf(segment.start, len(segment.name), f"{segment.name}[{segment.number}]", segment.name)
    if step.action.mode == "new":  # named by the message or the order: it hardly comes again, so that nothing is gained by keeping it
        found = record_id(work.source, resource, *parts)
    else:
        found = work.settings.ids.get((work.source, resource, *parts)) or work.id(resource, *parts)
    if merge:
        builder.resource["id"] = found
        return work.merge(builder)
    count = 1
    while (resource, found) in work.records:
        count += 1
        found = work.id(resource, *parts, f"#{count}")
    builder.resource["id"] = found
    work.records[resource, found] = builder
    return builder


def _key(work: Work, step: Naming, segment: Segment, home: Group) -> tuple[tuple[str, ...], By | int | None]:
    """The values that name the record, and the leaf of the naming one."""
    scan = segment.scan
    if scan is not None:
        told = step.known
        if told is None:
            family = family_of(work, (step.action.token, "", scan.shape))
            told = family.forms.get(family.key(work, segment, scan))
            if told is None:
                told = _learned(work, family, step.action.key, segment, scan, home)
            if step.covers(family):
                step.known = told
        return told(scan.texts, work, segment, home)
    for needed, getters in step.action.key:
        found = _parts(work, needed, getters, segment, home)
        if found[0]:
            return found
    return _NOTHING


def _learned(work: Work, family: Family, key: tuple[Choice, ...], segment: Segment, scan: Scan, home: Group) -> Any:
    """The choices that segments of this shape leave open, up to the first that always holds."""
    code = Code(set())
    with watching(work, segment, scan) as watch:
        for needed, getters in key:
            own = getters[needed].own
            naming, leaf = getters[needed].get(work, watch.segment, home) if own else ((), None)
            if own and not naming:
                continue
            parts: list[str] = []
            for rank, getter in enumerate(getters):
                if getter.own:
                    given = naming if rank == needed else getter.get(work, watch.segment, home)[0] or ("",)
                    parts += [code.value(part) for part in given]
                elif rank == needed:
                    parts.append("*n")
                else:
                    parts.append(f"*({code.name(getter.get)}(work, segment, home)[0] or {code.name(_EMPTY)})")
            if own:
                named_by = int(leaf.rank) if isinstance(leaf, WatchedLeaf) else None
                code.lines.append(f"return ({', '.join(parts)},), {named_by}")
                break
            code.lines.append(f"n, f = {code.name(getters[needed].get)}(work, segment, home)")
            code.lines.append(f"if n: return ({', '.join(parts)},), f")
        else:
            code.lines.append("return (), None")
    family.widen(watch.exact, watch.asks)
    found = code.done("key", "l, work, segment, home")
    family.forms[family.key(work, segment, scan)] = found
    return found


def _parts(work: Work, needed: int, getters: tuple[Getter, ...], segment: Segment, home: Group) -> Found:
    """The values of one choice, () when the place that names it is empty; and the leaf of that place."""
    naming, leaf = getters[needed].get(work, segment, home)
    if not naming:
        return _NOTHING
    values: list[str] = []
    for rank, getter in enumerate(getters):
        values.extend(naming if rank == needed else getter.get(work, segment, home)[0] or ("",))
    return tuple(values), leaf


def _getter(place: str, segment: str) -> Getter:
    if place == "#":
        return Getter(False, lambda work, here, home: ((str(here.number),), None))
    if place.startswith("="):
        word = (place[1:],)
        return Getter(True, lambda work, here, home: (word, None))
    if place in _BRACES:
        return Getter(place == "{mrn}", _BRACES[place])
    return Getter(place.split("-")[0] == segment, _field(place, segment))


def _filled(leaf: Leaf | None) -> TypeGuard[Leaf]:
    """Whether a leaf can name something."""
    return leaf is not None and (type(leaf) is WatchedLeaf or leaf[3].strip() not in _NULL)


def _said(work: Work, leaf: Leaf) -> str:
    """The text that names something."""
    found: str = pick(work, leaf, naked)
    return found


def _field(place: str, segment: str) -> Get:
    """`OBX-3.1`, of this segment or of the nearest one of that name in the group. Without a component: the first that is filled."""
    name, _, rest = place.partition("-")
    number_, _, component_ = rest.partition(".")
    number, component, own = int(number_), int(component_ or 0), name == segment

    def get(work: Work, here: Segment, home: Group) -> Found:
        there = here if own else work.group.segment(name)
        if there is not None and not own and there.scan is not None and component:
            return _glanced(there, there.scan, number, component)
        if there is None or number >= len(there.fields) or not there.fields[number]:
            return _NOTHING
        first = there.field(number)[0]
        leaf = first.leaf(component) if component else next(first.leaves(), None)
        return ((_said(work, leaf),), leaf) if _filled(leaf) else _NOTHING

    return get


def _glanced(there: Segment, scan: Scan, number: int, component: int) -> Found:
    """A component of the first repetition of a field of another segment."""
    at = there.spot(number, component)
    if not at:
        return _NOTHING
    return (scan.texts[at],), (there, at)


def _message(work: Work, segment: Segment, home: Group) -> Found:
    found = work.sender
    if found is None:
        header = work.message.segments[0]
        scan = header.scan
        if scan is None:
            found = header.value(3), header.value(4), header.value(10)
        else:
            leaves = scan.leaves
            application, facility, control = [leaves[at] if at else "" for at in (header.spot(3), header.spot(4), header.spot(10))]
            found = application, facility, control
        work.sender = found
    return found, None


def _patient(work: Work, segment: Segment, home: Group) -> Found:
    builder = home.find("Patient")
    return ((builder.resource["id"],), builder.by) if builder is not None else _NOTHING


def _encounter(work: Work, segment: Segment, home: Group) -> Found:
    builder = home.find("Encounter")
    return ((builder.resource["id"],), builder.by) if builder is not None else _NOTHING


_FILLED = (("OBR", 3), ("ORC", 3), ("OBR", 2), ("ORC", 2))
_PLACED = (("OBR", 2), ("ORC", 2), ("OBR", 3), ("ORC", 3))


def _order(work: Work, segment: Segment, home: Group) -> Found:
    """What the work on an order is called: filler number, else placer number, with the authority that gave it."""
    return _numbered(work, segment, _FILLED)


def _request(work: Work, segment: Segment, home: Group) -> Found:
    """What the order itself is called, the same when it is placed and when its results come: placer number, else filler number."""
    return _numbered(work, segment, _PLACED)


def _ahead(work: Work, order: Segment) -> Segment | None:
    """The OBR of an ORC, which stands behind it."""
    segments = work.message.segments
    for follower in segments[segments.index(order) + 1 :]:
        if follower.name in ("OBR", "ORC"):
            return follower if follower.name == "OBR" else None
    return None


def _numbered(work: Work, segment: Segment, places: tuple[tuple[str, int], ...]) -> Found:
    for name, number in places:
        there = work.group.segment(name) if name != "OBR" or segment.name != "ORC" else _ahead(work, segment)
        if there is not None and there.scan is not None:
            found, named_by = _glanced(there, there.scan, number, 1)
            if found:
                at = there.spot(number, 2)
                return (str(number), *found, there.scan.texts[at] if at else ""), named_by
            continue
        if there is None or number >= len(there.fields) or not there.fields[number]:
            continue
        first = there.field(number)[0]
        leaf = first.leaf(1)
        if leaf is not None and leaf[3].strip() not in _NULL:
            authority = first.leaf(2)
            return (str(number), leaf[3].strip(), authority[3].strip() if authority is not None else ""), leaf
    return _NOTHING


def _medical_record(work: Work, segment: Segment, home: Group) -> Found:
    """(assigning authority, value) of the patient: the best type of PID-3, then PID-2, PID-4, PID-18, PID-19; MRG-1 for a merge."""
    for number in (1, 4) if segment.name == "MRG" else (3, 2, 4, 18, 19):
        repetitions = [one for one in segment.field(number) if _filled(one.leaf(1))]
        if repetitions:
            best = min(repetitions, key=lambda one: _rank(work, one)) if len(repetitions) > 1 else repetitions[0]
            leaf = best.leaf(1)
            assert _filled(leaf)
            return (_authority(best), _said(work, leaf)), leaf
    return _NOTHING


def _rank(work: Work, repetition: Repetition) -> int:
    kind = repetition.leaf(5)
    name = kind[3].strip() if kind is not None else ""
    types = work.settings.patient_types
    return types.index(name) if name in types else len(types)


def _authority(repetition: Repetition) -> str:
    """The assigning authority of a CX as one text: its namespace, else its universal id."""
    for subcomponent in (1, 2):
        leaf = repetition.leaf(4, subcomponent)
        if leaf is not None and leaf[3].strip() not in _NULL:
            return leaf[3].strip()
    return ""


_BRACES: dict[str, Get] = {
    "{message}": _message,
    "{patient}": _patient,
    "{encounter}": _encounter,
    "{order}": _order,
    "{request}": _request,
    "{mrn}": _medical_record,
    "{source}": lambda work, segment, home: (("transformer",), None),
}
