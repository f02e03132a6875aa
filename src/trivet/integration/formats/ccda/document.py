"""The document around its statements: patient, authors, Composition with its sections, DocumentReference, a body that is no XML.

In: a `Work`. Out: its records are complete. Every statement of every section is walked once, also inside others.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from trivet.contracts.record import Notice
from trivet.integration.formats.ccda.narrative import xhtml
from trivet.integration.formats.ccda.rules import kind_of, kinds
from trivet.integration.formats.ccda.tree import Node
from trivet.integration.formats.ccda.work import Parts, Unusable, Work
from trivet.kernel.digest import record_id

__all__ = ["document"]

STATEMENTS = frozenset(
    ("observation", "act", "substanceAdministration", "procedure", "encounter", "supply", "organizer", "observationMedia")
)
# What a statement that only holds others (`box`), or that its parent has read (`part`), says about itself.
FRAME = {"box": ("id", "code", "statusCode", "effectiveTime", "text", "title", "author"), "part": ("id", "code", "statusCode")}
BETWEEN = frozenset(("entry", "entryRelationship", "component"))
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def document(work: Work, raw: bytes) -> None:
    """All records of one document."""
    root = work.tree.root
    _patient(work, root)
    work.fill(root, "header")
    encounter = _encounter(work, root)
    value, parts = work.fill(root, "composition")
    identity = work.identify(root, "Composition") or record_id(work.profile.source, "Composition", *work.document)
    value = {"resourceType": "Composition", "id": identity, "status": "final", **value}
    value.setdefault("author", [dict(ABSENT)])
    if work.patient:
        value["subject"] = {"reference": work.patient}
    if encounter:
        value["encounter"] = {"reference": encounter}
    body = root.first("component")
    sections: list[dict[str, Any]] = []
    for holder in body.children if body is not None else ():
        if holder.tag == "structuredBody":
            for component in holder.all("component"):
                _sections(work, component.all("section"), "section", sections, parts)
    if sections:
        value["section"] = sections
    work.add(value, parts)
    _reference(work, root, raw, identity)


def _patient(work: Work, root: Node) -> None:
    target = root.first("recordTarget")
    role = target.first("patientRole") if target is not None else None
    if role is not None:
        work.patient = work.mention("patient", role)
    if not work.patient:
        work.notices.append(Notice("no-patient", "ccda", "recordTarget", root.path, root.offset, 1))


def _encounter(work: Work, root: Node) -> str:
    holder = root.first("componentOf")
    node = holder.first("encompassingEncounter") if holder is not None else None
    if node is None:
        return ""
    try:
        return work.statement(kinds()["encompassing-encounter"], node, [])
    except Unusable as error:
        work.refuse(node, error)
        return ""


def _sections(work: Work, nodes: Iterable[Node], where: str, made: list[dict[str, Any]], parts: Parts) -> None:
    """Sections that say something; a title over nothing is none (cmp-1)."""
    for node in nodes:
        found: Parts = []
        value = _section(work, node, f"{where}[{len(made)}]", found)
        if value.keys() & {"text", "entry", "section"}:
            made.append(value)
            parts += found
        else:
            for _, leaf, _ in found:
                work.fates.setdefault(leaf.offset, ("dropped", "ccda/empty-section"))


def _section(work: Work, node: Node, where: str, parts: Parts) -> dict[str, Any]:
    """One section: its title, code and narrative, its statements as references, its own sections."""
    value, own = work.fill(node, "section")
    parts += [(f"{where}.{path}", leaf, rule) for path, leaf, rule in own]
    text = node.first("text")
    if text is not None:
        if text.words():
            value["text"] = {"status": "generated", "div": xhtml(text)}
        work.settle(text.leaves(), ("carried", "ccda/narrative"))
    made: list[str] = []
    for entry in node.all("entry"):
        for statement in entry.children:
            if statement.tag in STATEMENTS:
                made += _statement(work, statement, node)
    if made and value.pop("emptyReason", None) is not None:  # cmp-2: what has entries is not empty, whatever it says of itself
        for _path, leaf, _ in [part for part in parts if part[0].startswith(f"{where}.emptyReason")]:
            work.fates.setdefault(leaf.offset, ("dropped", "ccda/not-empty-all-the-same"))
        parts[:] = [part for part in parts if not part[0].startswith(f"{where}.emptyReason")]
    if made:
        value["entry"] = [{"reference": key} for key in dict.fromkeys(made)]
    inner = [inside for component in node.all("component") for inside in component.all("section")]
    below: list[dict[str, Any]] = []
    _sections(work, inner, f"{where}.section", below, parts)
    if below:
        value["section"] = below
    return value


def _statement(work: Work, node: Node, section: Node | None) -> list[str]:
    """The records of a statement and of those inside it; the keys that its section lists."""
    name = kind_of(node, section)
    kind = kinds().get(name)
    if node.get("nullFlavor") and kind is not None:
        work.refuse(node, Unusable("a nullFlavor", said=False))
        return []
    below: list[str] = []
    inside = section if kind is None and name in ("", "box") else None
    for holder in node.children:
        if holder.tag in BETWEEN:
            for child in holder.children:
                if child.tag in STATEMENTS:
                    below += _statement(work, child, inside)
    if kind is None:
        if name:
            frame = FRAME[name]
            work.drop((child for child in node.children if child.tag in frame), f"ccda/{name}-frame")
        return below
    try:
        key = work.statement(kind, node, below)
    except Unusable as error:
        work.refuse(node, error)
        return below
    return [key, *(one for one in below if one != key)]


def _reference(work: Work, root: Node, raw: bytes, composition: str) -> None:
    """The document as a DocumentReference; a body that is no XML is its attachment, kept as a Binary."""
    value, parts = work.fill(root, "document-reference")
    identity = record_id(work.profile.source, "DocumentReference", *work.document)
    attachment: dict[str, Any] = {
        "contentType": "text/xml",
        "size": len(raw),
        "hash": base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode(),
    }
    contents: list[dict[str, Any]] = [{"attachment": attachment}]
    body = root.first("component")
    other = body.first("nonXMLBody") if body is not None else None
    text = other.first("text") if other is not None else None
    if text is not None:
        attached = _attached(work, text, parts, identity)
        contents += [{"attachment": attached}] if attached else []
    value = {"resourceType": "DocumentReference", "id": identity, "status": "current", **value, "content": contents}
    if work.patient:
        value["subject"] = {"reference": work.patient}
    value["context"] = {"related": [{"reference": f"Composition/{composition}"}]}
    work.add(value, parts)


def _attached(work: Work, text: Node, parts: Parts, identity: str) -> dict[str, Any]:
    """The attachment of a body that is no XML: text, base64 of any kind, or the name of a file that came beside it."""
    attachment: dict[str, Any] = {}
    kind = text.attrs.get("mediaType")
    if kind is not None and kind.length:
        attachment["contentType"] = kind.text
        parts.append(("content[1].attachment.contentType", kind, "ccda/body/mediaType"))
    reference = text.first("reference")
    named = reference.attrs.get("value") if reference is not None else None
    if named is not None and named.length:
        attachment["url"] = " ".join(named.text.split())
        parts.append(("content[1].attachment.url", named, "ccda/body/reference"))
        return attachment
    words = text.words()
    if not words:
        return attachment
    said = "".join(leaf.text for leaf in words)
    data = "".join(said.split()) if text.get("representation") == "B64" else base64.b64encode(said.encode()).decode()
    for leaf in words:
        work.carry(leaf, "ccda/body")
    key = record_id(work.profile.source, "Binary", *work.document)
    binary: dict[str, Any] = {"resourceType": "Binary", "id": key, "contentType": attachment.get("contentType", "text/plain"), "data": data}
    if work.patient:
        binary["securityContext"] = {"reference": work.patient}
    found: Parts = [("data", words[0], "ccda/body/data")] if text.get("representation") == "B64" else []
    work.add(binary, found)
    attachment["url"] = f"Binary/{key}"
    return attachment
