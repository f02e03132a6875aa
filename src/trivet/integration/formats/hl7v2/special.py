"""Data types that a list of rows cannot say: media types, data, reference ranges, telephone numbers in parts, lines of text.

The tables name them like any other transform.
"""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal
from typing import Any

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.compile import SPECIAL, Special, filled
from trivet.integration.formats.hl7v2.convert import stripped
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.formats.hl7v2.watch import Pure, pick
from trivet.integration.formats.hl7v2.watch import joined as join
from trivet.integration.formats.hl7v2.work import Work, uri_of

__all__ = ["WHOLE"]

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


def media_type(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """ED.2 and ED.3 as a MIME type: `application` and `pdf`, or the old names of table 0291."""
    first = int(argument or 2)
    main, sub = repetition.leaf(first), repetition.leaf(first + 1)
    texts = ["" if leaf is None or not filled(leaf) else leaf.text.strip() for leaf in (main, sub)]
    if texts[1]:
        found = (
            texts[1].lower() if "/" in texts[1] else _MEDIA.get(texts[1].upper()) or (f"{texts[0]}/{texts[1]}".lower() if texts[0] else "")
        )
    else:
        found = texts[0].lower() if "/" in texts[0] else _MEDIA.get(texts[0].upper(), "")
    if not found or "/" not in found:
        return None
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in (main, sub) if leaf is not None and filled(leaf))
    return found


def data(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """ED.5 as base64: as it came when ED.4 says so (and it is), else encoded here."""
    leaf, encoding = repetition.leaf(5), repetition.leaf(4)
    if leaf is None or not filled(leaf):
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


def endpoint(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """The universal id of an application as a URL; a bare name is none."""
    leaves = [repetition.leaf(number) for number in (2, 3)]
    texts = ["" if leaf is None or not filled(leaf) else leaf.text for leaf in leaves]
    if not texts[0]:
        return None
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves if leaf is not None and filled(leaf))
    return work.settings.authority("", *texts)


def universal(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """HD.2 and HD.3 as an identifier: a URI where the id is what its type says, else its text under the name of its type."""
    leaf, kind = repetition.leaf(2), repetition.leaf(3)
    if leaf is None or not filled(leaf):
        return None
    text, word = leaf.text.strip(), kind.text.strip() if filled(kind) else ""
    uri = uri_of(text, word.upper())
    bare = bool(work.settings.options.get("bare_oids")) and word.upper() in ("ISO", "", "UUID", "GUID")
    spans.append(Span(f"{path}.value", leaf.offset, leaf.length, leaf.locator, rule))
    system = "urn:ietf:rfc:3986" if uri or bare else work.settings.authority(word, "", "") if word else ""
    if system and kind is not None and filled(kind):
        spans.append(Span(f"{path}.system", kind.offset, kind.length, kind.locator, rule))
    value = text if bare or not uri else uri
    return {"system": system, "value": value} if system else {"value": value}


def telephone(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """A number that came in parts: country, area, local number and extension, as one would dial it."""
    parts = [(mark, leaf) for mark, number in (("+", 5), ("", 6), ("", 7), ("x", 8)) if filled(leaf := repetition.leaf(number)) and leaf]
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for _, leaf in parts)
    return join(work, " ", [pick(work, leaf, _DIALLED[mark]) for mark, leaf in parts]) if parts else None


_DIALLED: dict[str, Pure] = {
    "": lambda text, work: text.strip().lstrip("+"),
    "+": lambda text, work: "+" + text.strip().lstrip("+"),
    "x": lambda text, work: "x" + text.strip().lstrip("+"),
}


def offset_minutes(
    work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = ""
) -> Any:
    """RPT.9 and RPT.10: an offset from an event in whole minutes, the only unit that FHIR has for it."""
    amount, unit = repetition.leaf(9), repetition.leaf(10)
    if amount is None or not filled(amount):
        return None
    factor = {"min": 60, "": 60, "s": 1, "sec": 1, "h": 3600, "hr": 3600, "d": 86400}.get(unit.text.strip().lower() if unit else "")
    if factor is None or not amount.text.strip().isdigit() or int(amount.text) * factor % 60:
        work.doubt(Doubt("doubtful-number", "not a number of minutes"), amount, rule)
        return None
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in (amount, unit) if leaf is not None)
    return int(amount.text) * factor // 60


def joined(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """All components as one text, separated by blanks."""
    leaves = [leaf for leaf in repetition.leaves() if filled(leaf)]
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves)
    return join(work, argument or " ", [pick(work, leaf, stripped) for leaf in leaves]) if leaves else None


def code_and_text(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """Code and text of a coded comment as one line."""
    leaves = [leaf for number in (1, 2) if filled(leaf := repetition.leaf(number))]
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves)
    return join(work, ", ", [pick(work, leaf, stripped) for leaf in leaves]) if leaves else None


def name_text(work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = "") -> Any:
    """A name as one text: prefix, given names, family name, suffix."""
    leaves = [leaf for number in (5, 2, 3, 1, 4) if (leaf := repetition.leaf(number)) is not None and filled(leaf)]
    spans.extend(Span(path, leaf.offset, leaf.length, leaf.locator, rule) for leaf in leaves)
    return join(work, " ", [pick(work, leaf, stripped) for leaf in leaves]) if leaves else None


_BETWEEN = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:-|to)\s*(-?\d+(?:\.\d+)?)")


def reference_range(
    work: Work, segment: Segment, repetition: Repetition, path: str, spans: list[Span], rule: str, argument: str = ""
) -> Any:
    """OBX-7 as it is written; low and high beside it when it is two numbers with a dash, in the unit of OBX-6."""
    leaf = repetition.leaf(1)
    if leaf is None or not filled(leaf):
        return None
    text = pick(work, leaf, stripped)
    out: dict[str, Any] = {}
    low, high = pick(work, leaf, _low), pick(work, leaf, _high)
    if low is not None and segment.value(2) in ("NM", "SN", "NA", ""):
        unit = _unit(work, segment)
        for side, number in (("low", low), ("high", high)):
            out[side] = {"value": number}
            spans.append(Span(f"{path}.{side}.value", leaf.offset, leaf.length, leaf.locator, rule))
            if unit is not None:
                out[side]["unit"] = pick(work, unit, _verbatim)
                unit_leaf = segment.field(6)[0].leaf(2) or segment.field(6)[0].leaf(1)
                if unit_leaf is not None:
                    spans.append(Span(f"{path}.{side}.unit", unit_leaf.offset, unit_leaf.length, unit_leaf.locator, rule))
    out["text"] = text
    spans.append(Span(f"{path}.text", leaf.offset, leaf.length, leaf.locator, rule))
    return out


def _low(text: str, work: Work) -> Decimal | None:
    found = _BETWEEN.fullmatch(text.strip())
    return Decimal(found[1]) if found is not None else None


def _high(text: str, work: Work) -> Decimal | None:
    found = _BETWEEN.fullmatch(text.strip())
    return Decimal(found[2]) if found is not None else None


def _verbatim(text: str, work: Work) -> str:
    return text


def _unit(work: Work, segment: Segment) -> Leaf | None:
    """OBX-6 by its name, else by its code."""
    found = segment.field(6)
    for number in (2, 1):
        leaf = found[0].leaf(number) if found else None
        if leaf is not None and (work.watch is not None or leaf[3]):
            return leaf
    return None


def lines(work: Work, repetitions: list[Repetition], path: str, spans: list[Span], rule: str) -> Any:
    """Text whose repetitions are lines and whose delimiters were meant as text (ST, TX, FT and the comments of NTE)."""
    leaves = [leaf for repetition in repetitions for leaf in repetition.leaves()]
    spans.extend([Span(path, leaf[0], leaf[1], leaf[2], rule) for leaf in leaves])
    if work.watch is not None and len(leaves) == 1 and len(repetitions) == 1 and repetitions[0].length == leaves[0].length:
        return pick(work, leaves[0], stripped)  # one plain text, as most are
    text = "\n".join(_plain(work, repetition) for repetition in repetitions).strip()
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
        shown = display if filled(display) else code
        if shown is None or not filled(shown):
            continue
        texts.append((shown.text.strip(), shown))
        if code is None or (system is not None and system.text.strip() not in _TABLES):
            continue
        found = code.text.strip() if code.text.strip() in _RACES else _LOCAL.get(code.text.strip(), "") if "PID-22" in rule else ""
        if found:
            coding = {"system": _OMB, "code": found}
            at = f"{path}.extension[{len(parts)}].valueCoding"
            spans.append(Span(f"{at}.code", code.offset, code.length, code.locator, rule))
            if display is not None and filled(display):
                coding["display"] = display.text.strip()
                spans.append(Span(f"{at}.display", display.offset, display.length, display.locator, rule))
            if system is not None and filled(system):
                spans.append(Span(f"{at}.system", system.offset, system.length, system.locator, rule))
            parts.append({"url": "ombCategory", "valueCoding": coding})
    if not texts:
        return None
    spans.extend(Span(f"{path}.extension[{len(parts)}].valueString", leaf.offset, leaf.length, leaf.locator, rule) for _, leaf in texts)
    parts.append({"url": "text", "valueString": ", ".join(text for text, _ in texts)})
    return {"extension": parts}


def text64(work: Work, repetitions: list[Repetition], path: str, spans: list[Span], rule: str) -> Any:
    """Text as the data of an attachment."""
    text = lines(work, repetitions, path, spans, rule)
    return None if text is None else base64.b64encode(text.encode()).decode("ascii")


WHOLE = {"lines": lines, "omb": omb, "text64": text64}
_TYPES: dict[str, Special] = {
    "media_type": media_type,
    "data": data,
    "endpoint": endpoint,
    "telephone": telephone,
    "universal": universal,
    "offset_minutes": offset_minutes,
    "joined": joined,
    "code_and_text": code_and_text,
    "name_text": name_text,
    "reference_range": reference_range,
}
SPECIAL.update(_TYPES)
