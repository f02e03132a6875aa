"""What data types ask beyond their elements: codes, quantities, identifiers, attachments, extensions, narrative, references.

http://hl7.org/fhir/R4/datatypes.html, references.html, extensibility.html, terminologies.html.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from trivet.integration.validation.check import Resource, Walk
from trivet.integration.validation.finding import Place
from trivet.integration.validation.narrative import look
from trivet.integration.validation.primitives import absolute, is_oid, is_uuid
from trivet.integration.validation.shape import Member
from trivet.integration.validation.terms import terms
from trivet.kernel.checkdigits import luhn, verhoeff
from trivet.kernel.units import is_unit

__all__ = ["CHECKS", "URI_SYSTEM"]

UCUM = "http://unitsofmeasure.org"
LOINC_CODE = re.compile(r"(\d{1,7})-(\d)|(LA|LP|LL|LG|MTHU)\d+(-\d)?", re.A)
SCTID = re.compile(r"\d{6,18}", re.A)
URI_SYSTEM = "urn:ietf:rfc:3986"
BLANK = re.compile(r"\s+")
EXAMPLE = re.compile(r"https?://([a-z0-9-]+\.)*example\.(org|com|net)(/|$)|https?://([a-z0-9-]+\.)*acme\.(org|com)(/|$)")


def text(held: Any, name: str) -> str:
    """A text of an object; empty for anything else."""
    found = held.get(name) if isinstance(held, dict) else None
    return found if isinstance(found, str) else ""


def coding(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """A system that is one, a code that it has, a display name that is the code's."""
    system, code = text(value, "system"), text(value, "code")
    if not system:
        return
    if not absolute(system):
        walk.found.error("value", (place, "system"), "the system of a coding must be an absolute address", "coding-system")
        return
    if "/ValueSet/" in system:
        # Of FHIR's own it is known; others may name a code system as they like.
        say = walk.found.error if system.startswith("http://hl7.org/fhir/ValueSet/") else walk.found.warn
        say("value", (place, "system"), "this is the address of a value set, not of a code system", "coding-system")
        return
    known = terms()
    if code and not genuine(system, code):
        say = walk.found.error if walk.options.strict else walk.found.warn
        say("unknown-code", (place, "code"), "no code of this system: its form or its check digit is wrong", system)
        return
    if not code or system not in known.systems:
        return
    display = known.concept(system, code)
    settled = known.settled(system)
    if display is None:
        say = walk.found.error if settled else walk.found.warn
        say("unknown-code", (place, "code"), "the code system of FHIR R4 does not have this code", system)
        return
    given = text(value, "display")
    if given and display and BLANK.sub(" ", given.strip()).casefold() != BLANK.sub(" ", display.strip()).casefold():
        say = walk.found.error if settled else walk.found.warn
        say("display", (place, "display"), f"the display name is not the code's: {display}", system)
    if member.kind == "Coding" and member.strength == "required" and member.path != "CodeableConcept.coding":
        required(walk, [value], place, member)


def genuine(system: str, code: str) -> bool:
    """Whether a code of LOINC or SNOMED CT can be one; everything else is left to others."""
    if system == "http://loinc.org":
        found = LOINC_CODE.fullmatch(code)
        return found is not None and (found[1] is None or luhn(found[1], found[2]))
    if system == "http://snomed.info/sct" and code.isdigit():
        return SCTID.fullmatch(code) is not None and verhoeff(code)
    return True


def required(walk: Walk, codings: list[Any], place: Place, member: Member) -> None:
    """One of the codings is in the required value set, where the set can be listed."""
    allowed = terms().valuesets.get(member.valueset)
    if allowed is None:
        return
    if not any(text(one, "code") in allowed.get(text(one, "system"), ()) for one in codings):
        walk.found.error("binding", place, "none of the codes is in the required value set", member.valueset)


def concept(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """A required value set needs a coding out of it."""
    if member.strength != "required":
        return
    codings = value.get("coding")
    if isinstance(codings, list) and codings:
        required(walk, codings, place, member)
    elif "extension" not in value:
        allowed = terms().valuesets.get(member.valueset)
        if allowed is not None:
            walk.found.error("binding", place, "a code out of the required value set must stand here", member.valueset)


def quantity(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """A UCUM code that is one."""
    code = text(value, "code")
    if code and text(value, "system") == UCUM and not is_unit(code):
        walk.found.error("unknown-code", place, "not a unit of UCUM", UCUM)


def identifier(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """An absolute system; where it says that the value is a URI, a URI."""
    system, held = text(value, "system"), text(value, "value")
    if system and not absolute(system):
        walk.found.error("value", (place, "system"), "the system of an identifier must be an absolute address", "identifier-system")
    if system == URI_SYSTEM and held and not uri(held):
        # An OID or UUID that is none is still a URI.
        say = walk.found.warn if absolute(held) else walk.found.error
        say("value", (place, "value"), "with this system the value must be a complete URI", "identifier-uri")


def uri(held: str) -> bool:
    """Is it a complete URI, and a UUID or an OID where it says so?"""
    wrong = (held.startswith("urn:uuid:") and not is_uuid(held)) or (held.startswith("urn:oid:") and not is_oid(held))
    return not wrong and absolute(held)


def attachment(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """The size said is the size there, and the hash is its SHA-1."""
    size, digest, data = value.get("size"), text(value, "hash"), text(value, "data")
    if not data or not (isinstance(size, int) or digest):
        return
    try:
        real = base64.b64decode(BLANK.sub("", data), validate=True)
    except ValueError:
        return
    if isinstance(size, int) and len(real) != size:
        walk.found.error("rule", place, "the size said is not the size of the data", "attachment-size")
    said = BLANK.sub("", digest)
    if said and said != base64.b64encode(hashlib.sha1(real, usedforsecurity=False).digest()).decode():
        walk.found.error("rule", place, "the hash said is not the SHA-1 of the data", "attachment-hash")


def narrative(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """XHTML as FHIR allows it."""
    seen = look(value["div"])
    for rule, words in dict.fromkeys(seen.wrong):
        walk.found.error("invariant", place, f"the rule {rule} of FHIR R4 does not hold: {words}", rule)
    one.named += seen.ids
    one.links += [(link, place) for link in seen.links]


def reference(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """Kept for the end: what it leads to may come later."""
    one.references.append((value, place, member))


def extension(walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource) -> None:
    """ext-1, the address, and what a definition says where there is one."""
    nested = "extension" in value
    held = [name for name in value if name.startswith(("value", "_value"))]
    if (nested and held) or (not nested and not held):
        walk.found.error("invariant", place, "the rule ext-1 of FHIR R4 does not hold: an extension has parts or a value", "ext-1")
    url = text(value, "url")
    if not url:
        return
    above = place[0][0] if isinstance(place[1], int) else place[0]
    inside = above != () and isinstance(above[1], int) and above[0] != () and above[0][1] in ("extension", "modifierExtension")
    if not absolute(url):
        if not inside:
            walk.found.error("extension", (place, "url"), "the address of an extension must be absolute", "extension-url")
        return
    defined = terms().extensions.get(url)
    if defined is None:
        undefined(walk, url, place, inside)
        return
    modifier = (place[0] if isinstance(place[1], int) else place)[1] == "modifierExtension"
    if defined.modifier != modifier:
        words = (
            "this extension changes the meaning: it must be a modifierExtension"
            if defined.modifier
            else "this extension is no modifierExtension"
        )
        walk.found.error("extension", place, words, url)
    fits(walk, value, place, defined.parts, "", url)
    walk_context(walk, place, defined, one)


def undefined(walk: Walk, url: str, place: Place, inside: bool) -> None:
    """An extension that the tables do not have: allowed, unless the caller says otherwise."""
    if EXAMPLE.match(url):
        if walk.options.examples:
            return
        walk.found.error("extension", (place, "url"), "the address of an example stands in real data", "extension-example")
    if walk.options.known_extensions:
        walk.found.error("extension", place, "nobody has defined this extension here", "extension-unknown")
    elif url.startswith("http://hl7.org/fhir/StructureDefinition/"):
        walk.found.warn("extension", place, "FHIR R4 does not define this extension", "extension-unknown")


def fits(walk: Walk, value: dict[str, Any], place: Place, parts: dict[str, Any], name: str, url: str) -> None:
    """The value's type, the parts' names and number."""
    part = parts[name]
    held = next((one.removeprefix("_")[5:] for one in value if one.startswith(("value", "_value"))), "")
    if held:
        kinds = {kind[:1].upper() + kind[1:] for kind in part.types}
        if kinds and held not in kinds:
            walk.found.error(
                "extension", place, "the extension holds another type than its definition allows: " + ", ".join(part.types), url
            )
        elif not kinds:
            walk.found.error("extension", place, "by its definition the extension has parts and no value", url)
        elif part.valueset:
            bound_value(walk, value, place, held, part.valueset)
        return
    below = {key[len(name) + 1 if name else 0 :]: key for key in parts if key and (key.startswith(name + "/") if name else "/" not in key)}
    below = {key: whole for key, whole in below.items() if "/" not in key}
    inner = value.get("extension")
    if not below or not isinstance(inner, list):
        return
    seen: dict[str, int] = {}
    for number, one in enumerate(inner):
        key = text(one, "url")
        seen[key] = seen.get(key, 0) + 1
        if key in below and isinstance(one, dict):
            fits(walk, one, ((place, "extension"), number), parts, below[key], url)
        elif key and not absolute(key):
            walk.found.error("extension", ((place, "extension"), number), "the extension has no part of this name", url)
    for key, whole in below.items():
        if seen.get(key, 0) < parts[whole].least:
            walk.found.error("extension", place, f"the part {key} is missing in the extension", url)
        if parts[whole].most.isdigit() and seen.get(key, 0) > int(parts[whole].most):
            walk.found.error("extension", place, f"the part {key} stands too often in the extension", url)


def bound_value(walk: Walk, value: dict[str, Any], place: Place, held: str, valueset: str) -> None:
    """A required value set of an extension."""
    member = Member("value" + held, "value", held, "Extension.value[x]", False, strength="required", valueset=valueset)
    inner, at = value.get("value" + held), (place, "value" + held)
    if held == "Code" and isinstance(inner, str):
        allowed = terms().plain_codes(valueset)
        if allowed is not None and inner not in allowed:
            walk.found.error("binding", at, "a code that the required value set does not have", valueset)
    elif held == "CodeableConcept" and isinstance(inner, dict) and isinstance(inner.get("coding"), list):
        required(walk, inner["coding"], at, member)
    elif held == "Coding" and isinstance(inner, dict):
        required(walk, [inner], at, member)


def walk_context(walk: Walk, place: Place, defined: Any, one: Resource) -> None:
    """Whether the extension may stand on this element."""
    wanted = [path for kind, path in defined.contexts if kind == "element"]
    if len(wanted) != len(defined.contexts) or not wanted:
        return
    names: set[str] = set()
    holder = place[0][0] if isinstance(place[1], int) else place[0]
    steps: list[Any] = []
    at = holder
    while at != one.place and at != ():
        if isinstance(at[1], str):
            steps.append(at[1])
        at = at[0]
    kind, path = one.kind, one.kind
    names |= {kind, *walk.shapes.spec(kind).lines}
    for step in reversed(steps):
        member = walk.shapes.spec(kind).members.get(step)
        if member is None:
            return
        if member.resource:
            return
        member = member.of or member
        names = {member.path, member.path.removesuffix("[x]"), member.kind, "Element"}
        path = f"{path}.{member.step.partition('.ofType')[0]}"
        names |= {path, path + "[x]"} | (set() if member.test else set(walk.shapes.spec(member.kind).lines))
        if member.test:
            names |= set(lines_of(walk, member.kind))
        kind = member.kind if not member.test else "Element"
    names |= {"Element"} if steps else {"Resource"}
    if not names & set(wanted) and not any(word in ("Element", "*") for word in wanted):
        # Places on resources have been added since R4; those on data types have stayed.
        fixed = not any(word.partition(".")[0] in walk.shapes.resources for word in wanted)
        say = walk.found.error if fixed else walk.found.warn
        say("extension", holder, "an extension stands here that by its definition must not", defined.url)


def lines_of(walk: Walk, kind: str) -> list[str]:
    """A primitive type and those above it."""
    out = []
    while kind:
        out.append(kind)
        kind = walk.shapes.types.parents.get(kind, "")
    return out


CHECKS = {
    "Coding": coding,
    "CodeableConcept": concept,
    "Quantity": quantity,
    "Identifier": identifier,
    "Attachment": attachment,
    "xhtml": narrative,
    "Reference": reference,
    "Extension": extension,
}
