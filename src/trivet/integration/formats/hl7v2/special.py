"""Data types that a list of rows cannot say: a chain of locations, the media type and the data of an attachment.

The tables name them like any other transform. What is fixed about them (the levels of a location) is a table too.
"""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal
from typing import Any

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.formats.hl7v2.work import Builder, Work
from trivet.integration.tables import table

__all__ = ["SPECIAL", "WHOLE"]

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_URI = "urn:ietf:rfc:3986"
_MEDIA = {
    "PDF": "application/pdf",
    "RTF": "application/rtf",
    "HTML": "text/html",
    "XML": "text/xml",
    "PLAIN": "text/plain",
    "TEXT": "text/plain",
    "TIFF": "image/tiff",
    "JPEG": "image/jpeg",
    "JPG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "DICOM": "application/dicom",
    "BASIC": "audio/basic",
}


def _filled(leaf: Leaf | None) -> bool:
    return leaf is not None and leaf[3] not in ("", '""') and not leaf[3].isspace()


def location(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str) -> Any:
    """A reference to the finest location of a PL; every level above it is a Location too, linked by partOf."""
    builder: Builder | None = None
    trail: list[str] = []
    for row in table("hl7v2/location_levels.csv", "component", "code"):
        number = int(row["component"])
        if number > len(repetition.components) or not repetition.components[number - 1]:
            continue
        leaves = [repetition.leaf(number, rank) for rank in (1, 2, 3)]
        named = next((leaf for leaf in leaves if _filled(leaf)), None)
        if named is None:
            continue
        builder = _level(work, row["code"], leaves, named, builder, trail, f"{rule}>PL_Location.{number}")
    if builder is None:
        return None
    _finest(work, builder, repetition, f"{rule}>PL_Location")
    known = work.merge(builder)
    leaf = builder.leaf
    assert leaf is not None
    spans.append(Span(f"{path}.reference", leaf.offset, leaf.length, leaf.locator, rule))
    return {"reference": f"Location/{known.resource['id']}"}


def _level(work: Work, code: str, leaves: list[Leaf | None], named: Leaf, above: Builder | None, trail: list[str], rule: str) -> Builder:
    """One level: its name, its universal id, its physical type, and what it is part of."""
    parent = work.merge(above) if above is not None else None
    builder = Builder("Location")
    out, spans = builder.resource, builder.spans
    name, universal, kind = leaves

    def put(path: str, leaf: Leaf) -> None:
        spans.append(Span(path, leaf.offset, leaf.length, leaf.locator, rule))

    identifiers: list[dict[str, Any]] = []
    if name is not None and _filled(name):
        out["name"] = name.text.strip()
        put("name", name)
        identifiers.append({"value": name.text.strip()})
        put("identifier[0].value", name)
    if universal is not None and _filled(universal):
        iso = kind is None or kind.text.strip().upper() in ("ISO", "")
        at = f"identifier[{len(identifiers)}]"
        identifiers.append(
            {"system": _URI, "value": ("urn:oid:" if iso else "urn:uuid:" if kind and kind.text == "UUID" else "") + universal.text.strip()}
        )
        put(f"{at}.value", universal)
        if kind is not None and _filled(kind):
            identifiers[-1]["type"] = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0301", "code": kind.text.strip()}]}
            put(f"{at}.type.coding[0].code", kind)
    if identifiers:
        out["identifier"] = identifiers
    out["mode"] = "instance"
    put("mode", named)
    if code:
        out["physicalType"] = {"coding": [{"system": _PHYSICAL, "code": code}]}
        put("physicalType.coding[0].code", named)
    if parent is not None and parent.leaf is not None:
        out["partOf"] = {"reference": f"Location/{parent.resource['id']}"}
        put("partOf.reference", parent.leaf)
    trail.append(f"{code}={named.text.strip()}")
    out["id"] = work.id("Location", *trail)
    builder.leaf = named
    return builder


def _finest(work: Work, builder: Builder, repetition: Repetition, rule: str) -> None:
    """Status, type, description and the location's own identifier belong to the finest level."""
    status, description, own = repetition.leaf(5), repetition.leaf(9), repetition.leaf(10)
    out = builder.resource

    def put(path: str, leaf: Leaf, part: str) -> None:
        builder.spans.append(Span(path, leaf.offset, leaf.length, leaf.locator, rule + part))

    if status is not None and status.text.strip() in ("active", "suspended", "inactive"):
        out["status"] = status.text.strip()
        put("status", status, ".5")
    kind = repetition.leaf(6)
    if kind is not None and _filled(kind):
        system = "http://terminology.hl7.org/CodeSystem/v2-0305"
        out["type"] = [{"coding": [{"system": system, "code": kind.text.strip()}]}]
        put("type[0].coding[0].code", kind, ".6")
    if description is not None and _filled(description):
        out["description"] = description.text.strip()
        put("description", description, ".9")
    if own is not None and _filled(own):
        identifier: dict[str, Any] = {"value": own.text.strip()}
        at = f"identifier[{len(out.setdefault('identifier', []))}]"
        put(f"{at}.value", own, ".10")
        parts = [repetition.leaf(10, rank) for rank in (2, 3, 4)]
        system = work.settings.authority(*("" if part is None else part.text for part in parts))
        if system:
            identifier["system"] = system
            for part in parts:
                if part is not None:
                    put(f"{at}.system", part, ".10")
        out["identifier"].append(identifier)


def media_type(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str) -> Any:
    """ED.2 and ED.3 as a MIME type: `application` and `pdf`, or the old names of table 0291."""
    main, sub = repetition.leaf(2), repetition.leaf(3)
    texts = ["" if leaf is None or not _filled(leaf) else leaf.text.strip() for leaf in (main, sub)]
    if texts[1]:
        found = (
            texts[1].lower() if "/" in texts[1] else _MEDIA.get(texts[1].upper()) or (f"{texts[0]}/{texts[1]}".lower() if texts[0] else "")
        )
    else:
        found = texts[0].lower() if "/" in texts[0] else _MEDIA.get(texts[0].upper(), "")
    if not found or "/" not in found:
        return None
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in (main, sub) if leaf is not None and _filled(leaf))
    return found


def data(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str) -> Any:
    """ED.5 as base64: as it came when ED.4 says so (and it is), else encoded here."""
    leaf, encoding = repetition.leaf(5), repetition.leaf(4)
    if leaf is None or not _filled(leaf):
        return None
    how = encoding.text.strip().lower() if encoding is not None else ""
    spans.append(Span(path, leaf.offset, leaf.length, leaf.locator, rule))
    if how == "base64":
        text = "".join(leaf.text.split())
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            work.doubt(Doubt("doubtful-data", "not base64"), leaf, rule)
            spans.pop()
            return None
        return text
    raw = bytes.fromhex(leaf.text) if how == "hex" and all(char in "0123456789abcdefABCDEF" for char in leaf.text) else leaf.text.encode()
    return base64.b64encode(raw).decode("ascii")


def endpoint(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str) -> Any:
    """The universal id of an application as a URL; a bare name is none."""
    leaves = [repetition.leaf(number) for number in (2, 3)]
    texts = ["" if leaf is None or not _filled(leaf) else leaf.text for leaf in leaves]
    if not texts[0]:
        return None
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves if leaf is not None and _filled(leaf))
    return work.settings.authority("", *texts)


def joined(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str) -> Any:
    """All components as one text, separated by blanks."""
    leaves = [leaf for leaf in repetition.leaves() if _filled(leaf)]
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves)
    return " ".join(leaf.text.strip() for leaf in leaves) or None


def name_text(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str) -> Any:
    """A name as one text: prefix, given names, family name, suffix."""
    leaves = [leaf for number in (5, 2, 3, 1, 4) if (leaf := repetition.leaf(number)) is not None and _filled(leaf)]
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves)
    return " ".join(leaf.text.strip() for leaf in leaves) or None


_BETWEEN = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:-|to)\s*(-?\d+(?:\.\d+)?)")


def reference_range(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str) -> Any:
    """OBX-7 as it is written; low and high beside it when it is two numbers with a dash, in the unit of OBX-6."""
    leaf = repetition.leaf(1)
    if leaf is None or not _filled(leaf):
        return None
    text = leaf.text.strip()
    out: dict[str, Any] = {}
    found = _BETWEEN.fullmatch(text)
    if found is not None and segment.value(2) in ("NM", "SN", "NA", ""):
        unit = segment.value(6, 2) or segment.value(6, 1)
        for side, number in (("low", found[1]), ("high", found[2])):
            out[side] = {"value": Decimal(number)}
            spans.append(Span(f"{path}.{side}.value", leaf.offset, leaf.length, leaf.locator, rule))
            if unit:
                out[side]["unit"] = unit
                unit_leaf = segment.field(6)[0].leaf(2) or segment.field(6)[0].leaf(1)
                if unit_leaf is not None:
                    spans.append(Span(f"{path}.{side}.unit", unit_leaf.offset, unit_leaf.length, unit_leaf.locator, rule))
    out["text"] = text
    spans.append(Span(f"{path}.text", leaf.offset, leaf.length, leaf.locator, rule))
    return out


def lines(work: Work, repetitions: list[Repetition], path: str, spans: list[Span], rule: str) -> Any:
    """Text whose repetitions are lines and whose delimiters were meant as text (ST, TX, FT and the comments of NTE)."""
    text = "\n".join(_plain(work, repetition) for repetition in repetitions).strip()
    spans.extend(Span(path, leaf[0], leaf[1], leaf[2], rule) for repetition in repetitions for leaf in repetition.leaves())
    return None if text in ("", '""') else text


def _plain(work: Work, repetition: Repetition) -> str:
    """A repetition as text again, with the delimiters that stood in it."""
    separators = work.message.separators
    return separators.component.join(
        separators.subcomponent.join("" if leaf is None else leaf[3] for leaf in parts or ()) for parts in repetition.components
    )


_OMB = "urn:oid:2.16.840.1.113883.6.238"
_RACES = frozenset(("1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2135-2", "2186-5"))
_LOCAL = {"H": "2135-2", "N": "2186-5", "NH": "2186-5"}  # table 0189
_TABLES = ("CDCREC", "2.16.840.1.113883.6.238", "HL70005", "HL70189", "")


def omb(work: Work, repetitions: list[Repetition], path: str, spans: list[Span], rule: str) -> Any:
    """Race or ethnicity as US Core says it: the category where the code is one of the OMB's, and what was written as text."""
    parts: list[dict[str, Any]] = []
    texts: list[tuple[str, Leaf]] = []
    for repetition in repetitions:
        code, display, system = repetition.leaf(1), repetition.leaf(2), repetition.leaf(3)
        shown = display if _filled(display) else code
        if shown is None or not _filled(shown):
            continue
        texts.append((shown.text.strip(), shown))
        if code is None or (system is not None and system.text.strip() not in _TABLES):
            continue
        found = code.text.strip() if code.text.strip() in _RACES else _LOCAL.get(code.text.strip(), "") if "PID-22" in rule else ""
        if found:
            coding = {"system": _OMB, "code": found}
            at = f"{path}.extension[{len(parts)}].valueCoding"
            spans.append(Span(f"{at}.code", code.offset, code.length, code.locator, rule))
            if display is not None and _filled(display):
                coding["display"] = display.text.strip()
                spans.append(Span(f"{at}.display", display.offset, display.length, display.locator, rule))
            if system is not None and _filled(system):
                spans.append(Span(f"{at}.system", system.offset, system.length, system.locator, rule))
            parts.append({"url": "ombCategory", "valueCoding": coding})
    if not texts:
        return None
    spans.extend(Span(f"{path}.extension[{len(parts)}].valueString", leaf.offset, leaf.length, leaf.locator, rule) for _, leaf in texts)
    parts.append({"url": "text", "valueString": ", ".join(text for text, _ in texts)})
    return {"extension": parts}


WHOLE = {"lines": lines, "omb": omb}
SPECIAL = {
    "location": location,
    "media_type": media_type,
    "data": data,
    "endpoint": endpoint,
    "joined": joined,
    "name_text": name_text,
    "reference_range": reference_range,
}
