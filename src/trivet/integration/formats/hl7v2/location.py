"""A person location (PL) as a chain of Location records: facility, building, floor, point of care, room, bed.

Each level that is filled is a record of its own, part of the one above; the reference goes to the finest. The order of the
levels and their FHIR codes are the table `location_levels.csv`.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.codes import code_map
from trivet.integration.formats.hl7v2.compile import SPECIAL, filled, make_of, promote
from trivet.integration.formats.hl7v2.convert import stripped
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.watch import joined, pick
from trivet.integration.formats.hl7v2.work import Builder, Work, uri_of
from trivet.integration.tables import table

__all__ = ["location"]

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_URI = "urn:ietf:rfc:3986"
_STATES = frozenset(("active", "suspended", "inactive"))


def location(
    work: Work,
    segment: Segment,
    repetition: Repetition,
    path: str,
    spans: list[Span],
    rule: str,
    argument: str = "",
    address: Repetition | None = None,
) -> Any:
    """A reference to the finest location of a PL, None when nothing in it names a place. `argument` names the field of its address."""
    found: Builder | None = None
    trail: list[str] = []
    for row in table("hl7v2/location_levels.csv", "component", "code", "display"):
        number = int(row["component"])
        if number > len(repetition.components) or not repetition.components[number - 1]:
            continue
        leaves = [repetition.leaf(number, rank) for rank in (1, 2, 3)]
        named = next((leaf for leaf in leaves if filled(leaf)), None)
        if named is not None:
            above = (found.resource["id"], found.leaf) if found is not None and found.leaf is not None else None
            if found is not None:
                work.born_of(found)
            trail.append(joined(work, "=", [row["code"], pick(work, named, stripped)]))
            found = _level(work, row["code"], row["display"], leaves, named, above, trail, f"{rule}>PL.{number}")
            _described(work, found, repetition, rule)
    if found is None:
        found = _unnamed(work, repetition)
    if found is None:
        return None
    _finest(work, segment, found, repetition, f"{rule}>PL")
    if argument:
        field = segment.field(int(argument))
        address = field[0] if field else None
    if address is not None:
        _addressed(work, segment, found, address, rule)
    leaf = found.leaf
    work.born_of(found)
    assert leaf is not None
    spans.append(Span(f"{path}.reference", leaf.offset, leaf.length, leaf.locator, rule))
    return {"reference": work.reference("Location", found.resource["id"])}


def _level(
    work: Work, code: str, display: str, leaves: list[Leaf | None], named: Leaf, above: tuple[str, Leaf] | None, trail: list[str], rule: str
) -> Builder:
    """One level: its name, its universal id, its physical type, and what it is part of."""
    builder = Builder("Location")
    out = builder.resource
    name, universal, kind = leaves

    def put(path: str, leaf: Leaf) -> None:
        builder.spans.append(Span(path, leaf.offset, leaf.length, leaf.locator, rule))

    out["id"] = work.id("Location", *trail)
    identifiers: list[dict[str, Any]] = []
    if filled(name):
        out["name"] = pick(work, name, stripped)
        put("name", name)
        identifiers.append({"value": pick(work, name, stripped)})
        put("identifier[0].value", name)
    if filled(universal):
        at = f"identifier[{len(identifiers)}]"
        word, text = kind.text.strip() if filled(kind) else "", universal.text.strip()
        uri = text if work.settings.options.get("bare_oids") else uri_of(text, word.upper())
        system = _URI if uri else work.settings.authority(word, "", "") if word else ""
        identifiers.append({"system": system, "value": uri or text} if system else {"value": text})
        put(f"{at}.value", universal)
        if filled(kind):
            identifiers[-1]["type"] = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0301", "code": kind.text.strip()}]}
            put(f"{at}.type.coding[0].code", kind)
    if identifiers:
        out["identifier"] = identifiers
    out["mode"] = "instance"
    put("mode", named)
    if code:
        out["physicalType"] = {"coding": [{"system": _PHYSICAL, "code": code, "display": display}]}
        put("physicalType.coding[0].code", named)
    if above is not None:
        out["partOf"] = {"reference": work.reference("Location", above[0])}
        put("partOf.reference", above[1])
    builder.by = named
    return builder


def _described(work: Work, builder: Builder, repetition: Repetition, rule: str) -> None:
    """With the option `location_trail`, a level without a description is described by all components, joined by it."""
    sign = work.settings.options.get("location_trail")
    if sign and not filled(repetition.leaf(9)):
        leaves = [leaf for leaf in repetition.leaves() if filled(leaf)]
        builder.resource["description"] = str(sign).join(leaf.text.strip() for leaf in leaves)
        builder.spans.extend(Span("description", leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves)


def _unnamed(work: Work, repetition: Repetition) -> Builder | None:
    """A place that has only a description or only its own identifier."""
    leaf = next((leaf for number in (10, 9) if filled(leaf := repetition.leaf(number))), None)
    if leaf is None:
        return None
    builder = Builder("Location")
    builder.resource["id"] = work.id("Location", pick(work, leaf, stripped))
    builder.by = leaf
    return builder


def _finest(work: Work, segment: Segment, builder: Builder, repetition: Repetition, rule: str) -> None:
    """Status, type, description and the location's own identifier belong to the finest level."""
    status, kind, description, own = (repetition.leaf(number) for number in (5, 6, 9, 10))
    out = builder.resource

    def put(path: str, leaf: Leaf, part: str) -> None:
        builder.spans.append(Span(path, leaf.offset, leaf.length, leaf.locator, rule + part))

    if filled(status) and status.text.strip().lower() in _STATES:
        out["status"] = status.text.strip().lower()
        put("status", status, ".5")
    if filled(kind):
        known = code_map("LocationType").rows.get(kind.text.strip())
        coding = {"system": code_map("LocationType").system if known else work.settings.code_system(""), "code": kind.text.strip()}
        if known:
            coding["display"] = known.display
        out["type"] = [{"coding": [coding]}]
        put("type[0].coding[0].code", kind, ".6")
    if filled(description):
        out["description"] = pick(work, description, stripped)
        put("description", description, ".9")
    if filled(own):
        _own_identifier(work, segment, builder, repetition, own, rule)


def _own_identifier(work: Work, segment: Segment, builder: Builder, repetition: Repetition, own: Leaf, rule: str) -> None:
    """PL.10 with its authority, and PL.11, who assigned it."""
    identifiers = builder.resource.setdefault("identifier", [])
    identifier: dict[str, Any] = {"value": own.text.strip()}
    at = f"identifier[{len(identifiers)}]"
    builder.spans.append(Span(f"{at}.value", own.offset, own.length, own.locator, rule + ".10"))
    parts = [repetition.leaf(10, rank) for rank in (2, 3, 4)]
    system = work.settings.authority(*("" if part is None else part.text for part in parts))
    if system:
        identifier["system"] = system
        builder.spans.extend(
            Span(f"{at}.system", part.offset, part.length, part.locator, rule + ".10") for part in parts if part is not None
        )
    spans: list[Span] = []
    authority = promote(repetition, 11)
    if authority is not None:
        assigner = make_of("ref:HD_Organization", "", f"{rule}.11", segment.name)(work, segment, authority, f"{at}.assigner", spans)
        if assigner is not None:
            identifier["assigner"] = assigner
    elif filled(parts[0]) and filled(parts[1]) and (inner := promote(repetition, 10)) is not None:
        who = Repetition(inner.components[1:], inner.offset, inner.length, inner.locator)
        assigner = make_of("ref:HD_Organization", "", f"{rule}.10", segment.name)(work, segment, who, f"{at}.assigner", spans)
        if assigner is not None:
            identifier["assigner"] = assigner
    builder.spans += spans
    identifiers.append(identifier)


def _addressed(work: Work, segment: Segment, builder: Builder, address: Repetition, rule: str) -> None:
    """Where the finest place is."""
    spans: list[Span] = []
    found = make_of("XAD_Address", "", rule, segment.name)(work, segment, address, "address", spans)
    if found is not None:
        builder.resource["address"] = found
        builder.spans += spans


def _part(
    work: Work,
    segment: Segment,
    repetition: Repetition,
    path: str,
    spans: list[Span],
    rule: str,
    start: int,
    stop: int,
    address: Repetition | None = None,
) -> Any:
    components = repetition.components[start:stop]
    if not any(components):
        return None
    part = Repetition(components, repetition.offset, repetition.length, repetition.locator)
    return location(work, segment, part, path, spans, rule, "", address)


def _of_ndl(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """Components 4 to 11 of an NDL are a PL: point of care, room, bed, facility, status, type, building, floor."""
    return _part(work, segment, repetition, path, spans, rule, 3, 11)


def _of_la(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """LA1 and LA2 begin like a PL; behind it stands the place's address: component 9 of an LA1, components 9 to 16 of an LA2."""
    parts = repetition.components[8:]
    address = Repetition(parts, repetition.offset, repetition.length, repetition.locator) if any(parts) else None
    if len(parts) == 1:
        address = promote(repetition, 9)
    return _part(work, segment, repetition, path, spans, rule, 0, 8, address)


SPECIAL.update({"location": location, "ndl_location": _of_ndl, "la_location": _of_la})
