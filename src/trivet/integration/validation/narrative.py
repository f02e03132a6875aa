"""Narrative: XHTML with the elements and attributes that FHIR allows, and something to read (txt-1, txt-2).

http://hl7.org/fhir/R4/narrative.html: chapters 7 to 11 and 15 of HTML 4.0, `a` and `img`, internal styles; no head, body, script,
forms, frames, or deprecated elements. Nothing outside is ever loaded: a document type is refused before it is read.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from functools import cache

from trivet.integration.validation.terms import rows

__all__ = ["Narrative", "look"]

XHTML = "{http://www.w3.org/1999/xhtml}"
ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
OWN = {"amp", "lt", "gt", "quot", "apos"}


@cache
def allowed() -> dict[str, frozenset[str]]:
    """Element -> attributes, those that any element may have among them."""
    made: dict[str, set[str]] = {}
    for row in rows("narrative"):
        for name in row["elements"].split():
            made.setdefault(name, set()).update(row["attributes"].split())
    every = made.pop("*")
    return {name: frozenset(own | every) for name, own in made.items()}


@dataclass(slots=True)
class Narrative:
    """`wrong` as (rule, words); ids that stand inside and local links that lead somewhere inside the resource."""

    wrong: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def look(text: str) -> Narrative:
    """What the narrative breaks. Bounded by the length of the text: no entity of its own, no document type, nothing loaded."""
    out = Narrative()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        out.wrong.append(("txt-1", "a narrative must not have a document type of its own"))
        return out
    if any(found[1] not in OWN for found in ENTITY.finditer(text)):
        out.wrong.append(("txt-1", "an entity of HTML: what is no entity of XML is written as its character"))
        return out
    try:
        root = ET.fromstring(text)  # noqa: S314  without a document type there is nothing to expand
    except (ET.ParseError, ValueError):
        out.wrong.append(("txt-1", "the narrative is not well-formed XHTML"))
        return out
    if root.tag != XHTML + "div":
        words = "the narrative must be a div" if root.tag.rpartition("}")[2] != "div" else "the div must be in the namespace of XHTML"
        out.wrong.append(("txt-1", words))
        return out
    table = allowed()
    full = False
    for node in root.iter():
        tag = node.tag
        if not isinstance(tag, str):
            continue
        name = tag.removeprefix(XHTML)
        if name not in table:
            out.wrong.append(("txt-1", "an element that narrative must not have"))
            continue
        full = full or name == "img" or bool(node.text and node.text.strip()) or bool(node is not root and node.tail and node.tail.strip())
        _attributes(table[name], node, out)
    if not full:
        out.wrong.append(("txt-2", "the narrative says nothing: no text and no picture"))
    return out


def _attributes(table: frozenset[str], node: ET.Element, out: Narrative) -> None:
    for key, value in node.attrib.items():
        if key == "id" or (key == "name" and node.tag == XHTML + "a"):
            out.ids.append(value)
        elif key in ("href", "src") and value.startswith("#"):
            out.links.append(value[1:])
        elif key in ("href", "src") and value.strip().lower().startswith("javascript:"):
            out.wrong.append(("txt-1", "a link that runs a script"))
        if key not in table and not key.startswith("{http://www.w3.org/XML/1998/namespace}"):
            out.wrong.append(("txt-1", "an attribute that narrative must not have"))
