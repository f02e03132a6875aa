"""Conditions of the tables, bound to a message: what the places in a `when` column read."""

from __future__ import annotations

from collections.abc import Callable

from trivet.integration.formats.hl7v2.reader import Repetition, Segment
from trivet.integration.formats.hl7v2.work import Work
from trivet.integration.tables import Getter, Test, compile_condition, parse

__all__ = ["again", "binder", "condition"]


def binder(name: str) -> Callable[[str], Callable[..., str]]:
    """Binds the places of conditions in the map of segment `name`.

    `.2.1` of the repetition; `PV1-2.1` of this segment or the nearest PV1; `after`, the segment before; `order`, the kind of detail
    an ORC is followed by; `next`, the segment behind those that speak of this one; `type` and
    `event` of the message; `again`, if such a segment spoke to the record before; `has.TQ1`, if
    the message has one; `option.x`, what the profile says.
    """

    def bind(place: str) -> Callable[..., str]:
        if place.startswith("."):
            component, _, subcomponent = place[1:].partition(".")
            first, second = int(component), int(subcomponent or 1)

            def here(work: Work, segment: Segment, repetition: Repetition) -> str:
                leaf = repetition.leaf(first, second)
                return leaf.glimpse if leaf is not None else ""

            return here
        if place.startswith("has."):
            other = place[4:]
            return _outside(lambda work, segment, repetition: other if work.message.named(other) else "")
        if place == "again":
            return _outside(again)
        if place == "after":
            return _outside(lambda work, segment, repetition: work.anchor)
        if place.startswith("option."):
            option = place[7:]
            return lambda work, segment, repetition: str(work.settings.options.get(option, ""))
        if place == "order":
            return _outside(lambda work, segment, repetition: _detail(work, segment))
        if place == "next":
            return _outside(lambda work, segment, repetition: _next(work, segment))
        if place in ("type", "event"):
            part = 0 if place == "type" else 1
            return _outside(lambda work, segment, repetition: work.kind[part])
        return _elsewhere(name, place) if place.split("-")[0] == name else _outside(_elsewhere(name, place))

    return bind


def again(work: Work, segment: Segment, repetition: Repetition) -> str:
    """The segment's name when such a one spoke to the record before: the one place that is another for each action of a segment."""
    return work.again


def _outside(get: Getter) -> Getter:
    """A getter that reads something beside the segment: while a segment is watched, what it said is a part of what is learned."""

    def asked(work: Work, segment: Segment, repetition: Repetition) -> str:
        watch = work.watch
        if watch is None:
            return get(work, segment, repetition)
        return watch.outside(get, get(work, watch.segment.real, repetition))

    return asked


_DETAILS = ("OBR", "RXO", "RXE", "RXD", "RXG", "RXA", "ODS", "ODT", "RQD")


def _detail(work: Work, segment: Segment) -> str:
    """What an ORC is about: the name of the detail segment that follows it, "" when the next order comes first."""
    segments = work.message.segments
    for follower in segments[segments.index(segment) + 1 :]:
        if follower.name in _DETAILS:
            return follower.name
        if follower.name == "ORC":
            break
    return ""


_BESIDE = ("NTE", "PRT")


def _next(work: Work, segment: Segment) -> str:
    """The name of the next segment that does not speak of this one, "" at the end of the message."""
    segments = work.message.segments
    return next((one.name for one in segments[segments.index(segment) + 1 :] if one.name not in _BESIDE), "")


def _elsewhere(name: str, place: str) -> Callable[..., str]:
    """`PV1-2.1` in this segment, or in the latest PV1 of the same group."""
    other, _, rest = place.partition("-")
    number, _, parts = rest.partition(".")
    number, _, wanted = number.partition("[")
    field, repetition_ = int(number), int(wanted.rstrip("]") or 1)
    component, _, subcomponent = parts.partition(".")
    first, second = int(component or 1), int(subcomponent or 1)
    whole = not parts
    if repetition_ == 1 and second == 1:
        return _glancing(name, other, field, first, whole)
    if other == name:

        def own(work: Work, segment: Segment, repetition: Repetition) -> str:
            return _read(segment, field, first, repetition_, second, whole)

        return own

    def far(work: Work, segment: Segment, repetition: Repetition) -> str:
        found = work.group.segment(other)
        return _read(found, field, first, repetition_, second, whole) if found is not None else ""

    return far


def _glancing(name: str, other: str, field: int, component: int, whole: bool) -> Callable[..., str]:
    """The first repetition of a field, which nearly all conditions ask for."""

    def own(work: Work, segment: Segment, repetition: Repetition) -> str:
        found = segment.glance(field, component)
        return found if found or not whole else _read(segment, field, component, 1, 1, True)

    def far(work: Work, segment: Segment, repetition: Repetition) -> str:
        there = work.group.segment(other)
        if there is None:
            return ""
        found = there.glance(field, component)
        if found or not whole:
            return found
        scan = there.scan
        if scan is None:
            return _read(there, field, component, 1, 1, True)
        at = there.spot(field, 0)
        return scan.leaves[at] if at else ""

    return own if other == name else far


def _read(segment: Segment, field: int, component: int, repetition: int, subcomponent: int, whole: bool) -> str:
    if field >= len(segment.fields) or not segment.fields[field]:
        return ""
    found = segment.field(field)
    if repetition > len(found):
        return ""
    leaf = found[repetition - 1].leaf(component, subcomponent)
    if leaf is None and whole:  # a field is present when anything in it is
        leaf = next(found[repetition - 1].leaves(), None)
    text = leaf.glimpse if leaf is not None else ""
    return "" if type(text) is str and text == '""' else text


def condition(text: str, name: str) -> Test | None:
    """The test that a `when` column asks for, in the map of segment `name`; None when it asks for nothing."""
    return compile_condition(parse(text), binder(name)) if text else None
