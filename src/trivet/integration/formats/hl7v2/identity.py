"""How records of a message are named: deterministic ids from the feed's own identifiers, by the `key` column of `messages.csv`.

A key is a choice of place lists, best first; the first list whose naming place (its first, or the one with `!`) is filled
names the record: `PV1-19.4+PV1-19.1!|{patient}+PV1-44.1`. In braces: `{patient}`, `{encounter}` (id of that record), `{order}`
(filler number of the group, else placer number), `{message}` (sender and control id), `{mrn}` (the identifier of the patient).
`#` is the number of the segment.
"""

from __future__ import annotations

from trivet.integration.formats.hl7v2.plan import Action
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.work import Builder, Group, Work

__all__ = ["named"]

_NULL = ("", '""')


def named(work: Work, action: Action, segment: Segment, builder: Builder, home: Group) -> Builder:
    """The record with its id, merged with an earlier one of the same id where records of that kind may meet again."""
    builder.group = home
    for choice in action.key:
        parts, leaf = _parts(work, choice, segment, home)
        if parts:
            break
    else:
        parts, leaf = (work.message.segments[0].value(10), segment.name, str(segment.number)), None
    builder.leaf = leaf or Leaf(segment.start, len(segment.name), f"{segment.name}[{segment.number}]", segment.name)
    found = work.id(action.resource, *parts)
    if action.mode == "merge":
        builder.resource["id"] = found
        return work.merge(builder)
    count = 1
    while (action.resource, found) in work.records:
        count += 1
        found = work.id(action.resource, *parts, f"#{count}")
    builder.resource["id"] = found
    work.records[action.resource, found] = builder
    return builder


def _parts(work: Work, choice: tuple[str, ...], segment: Segment, home: Group) -> tuple[tuple[str, ...], Leaf | None]:
    """The values of one choice, () when the place that names it is empty; and the leaf of that place."""
    values: list[str] = []
    naming: Leaf | None = None
    needed = next((rank for rank, place in enumerate(choice) if place.endswith("!")), 0)
    for rank, place in enumerate(choice):
        found, leaf = _one(work, place.rstrip("!"), segment, home)
        if rank == needed:
            if not found:
                return (), None
            naming = leaf
        values.extend(found or ("",))
    return tuple(values), naming


def _one(work: Work, place: str, segment: Segment, home: Group) -> tuple[tuple[str, ...], Leaf | None]:
    if place == "#":
        return (str(segment.number),), None
    if place == "{source}":
        return ("transformer",), None
    if place == "{message}":
        header = work.message.segments[0]
        return (header.value(3), header.value(4), header.value(10)), None
    if place == "{patient}":
        builder = home.find("Patient")
        return ((builder.resource["id"],), builder.leaf) if builder is not None else ((), None)
    if place == "{encounter}":
        builder = home.find("Encounter")
        return ((builder.resource["id"],), builder.leaf) if builder is not None else ((), None)
    if place == "{order}":
        return _order(work)
    if place == "{mrn}":
        return _medical_record(work, segment)
    if place.startswith("="):
        return (place[1:],), None
    return _field(work, place, segment)


def _field(work: Work, place: str, segment: Segment) -> tuple[tuple[str, ...], Leaf | None]:
    """`OBX-3.1`, of this segment or of the nearest one of that name in the group. Without a component: the first that is filled."""
    name, _, rest = place.partition("-")
    number, _, component = rest.partition(".")
    here = segment if name == segment.name else work.group.segment(name)
    if here is None:
        return (), None
    repetitions = here.field(int(number))
    if not repetitions:
        return (), None
    leaf = repetitions[0].leaf(int(component)) if component else next(repetitions[0].leaves(), None)
    if leaf is None or leaf.text.strip() in _NULL:
        return (), None
    return (leaf.text.strip(),), leaf


_ORDER = ("OBR-3", "ORC-3", "OBR-2", "ORC-2")


def _order(work: Work) -> tuple[tuple[str, ...], Leaf | None]:
    """What the order at hand is called: filler number, else placer number, with the authority that gave it."""
    for place in _ORDER:
        name, _, number = place.partition("-")
        segment = work.group.segment(name)
        repetitions = segment.field(int(number)) if segment is not None else []
        leaf = repetitions[0].leaf(1) if repetitions else None
        if leaf is not None and leaf.text.strip() not in _NULL:
            authority = repetitions[0].leaf(2)
            return (place[-1], leaf.text.strip(), authority.text.strip() if authority is not None else ""), leaf
    return (), None


def _medical_record(work: Work, segment: Segment) -> tuple[tuple[str, ...], Leaf | None]:
    """(assigning authority, value) of the patient: the best type of PID-3, then PID-2, PID-4, PID-18, PID-19; MRG-1 for a merge."""
    fields = (1, 4) if segment.name == "MRG" else (3, 2, 4, 18, 19)
    for number in fields:
        repetitions = [one for one in segment.field(number) if (leaf := one.leaf(1)) is not None and leaf.text.strip() not in _NULL]
        if repetitions:
            best = min(repetitions, key=lambda one: _rank(work, one))
            leaf = best.leaf(1)
            assert leaf is not None
            return (_authority(best), leaf.text.strip()), leaf
    return (), None


def _rank(work: Work, repetition: Repetition) -> int:
    kind = repetition.leaf(5)
    name = kind.text.strip() if kind is not None else ""
    types = work.settings.patient_types
    return types.index(name) if name in types else len(types)


def _authority(repetition: Repetition) -> str:
    """The assigning authority of a CX as one text: its namespace, else its universal id."""
    for subcomponent in (1, 2):
        leaf = repetition.leaf(4, subcomponent)
        if leaf is not None and leaf.text.strip() not in _NULL:
            return leaf.text.strip()
    return ""
