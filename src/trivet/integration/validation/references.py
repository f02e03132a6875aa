"""References and contained resources: their form, their target's type, and whether what they name is there.

http://hl7.org/fhir/R4/references.html; ref-1, dom-2, dom-3 of the StructureDefinitions.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from trivet.integration.validation.check import Resource, Walk
from trivet.integration.validation.datatypes import text
from trivet.integration.validation.finding import Place
from trivet.integration.validation.shape import Member

__all__ = ["LITERAL", "check", "named_type"]

LITERAL = re.compile(
    r"(?P<server>[A-Za-z][A-Za-z0-9+.-]*:.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?(#.+)?",
    re.S,
)
CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?.+", re.S)
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def named_type(walk: Walk, target: str) -> str:
    """The type that a reference names; empty when it names none."""
    found = LITERAL.fullmatch(target) or CONDITIONAL.fullmatch(target)
    kind = found["type"] if found else ""
    return kind if kind in walk.shapes.resources else ""


def check(walk: Walk, one: Resource) -> None:
    """References, contained resources and local links of a resource that was walked."""
    root = one.root
    contained = {inner.value["id"]: inner for inner in root.inner if inner.how == "contained" and isinstance(inner.value.get("id"), str)}
    for value, place, member in one.references:
        _reference(walk, value, place, member, one, root, contained)
    for link, place in one.links:
        there = link in one.named or link in contained or link in one.ids or link == text(one.value, "id")
        if link and not there and not any(link in inner.named for inner in one.inner):
            walk.found.error("unresolved", place, "a link inside the narrative leads nowhere", "narrative-link")
    if one.how == "contained":
        _inside(walk, one)
        return
    _contained(walk, one, contained)


def _reference(
    walk: Walk, value: dict[str, Any], place: Place, member: Member, one: Resource, root: Resource, contained: dict[str, Resource]
) -> None:
    target = text(value, "reference")
    said = text(value, "type")
    kind = ""
    if target.startswith("#"):
        name = target[1:]
        if not name:
            kind = root.kind
        elif name in contained:
            kind = contained[name].kind
        elif walk.options.contained:
            walk.found.error("invariant", place, "the rule ref-1 of FHIR R4 does not hold: no contained resource has this id", "ref-1")
    elif target:
        kind = named_type(walk, target)
        if not kind and not SCHEME.match(target):
            # A path of several steps may lead to something on a server that is no FHIR server; a single word leads nowhere.
            say = walk.found.warn if "/" in target.partition("?")[0] else walk.found.error
            say("value", place, "a relative reference must be the type and the id of a resource", "reference-form")
    if said and said in walk.shapes.resources:
        if kind and kind != said:
            walk.found.error("reference-target", place, "the type said is not the type that the reference names", "reference-type")
        kind = kind or said
    if kind and member.targets and "Resource" not in member.targets and kind not in member.targets:
        allowed = ", ".join(member.targets)
        walk.found.error(
            "reference-target", place, f"a reference to {kind} must not stand here; allowed are: {allowed}", "reference-target"
        )


def _inside(walk: Walk, one: Resource) -> None:
    """What a contained resource must not have."""
    if "contained" in one.value:
        walk.found.error(
            "invariant", one.place, "the rule dom-2 of FHIR R4 does not hold: contained resources stand in one another", "dom-2"
        )
    if not isinstance(one.value.get("id"), str):
        walk.found.error("missing", one.place, "a contained resource must have an id", "contained-id")


def _contained(walk: Walk, one: Resource, contained: dict[str, Resource]) -> None:
    """dom-3: every contained resource is referred to from the one that holds it, or refers to it."""
    inner = [held for held in one.inner if held.how == "contained"]
    if not inner:
        return
    seen: set[str] = set()
    for held in inner:
        own = held.value.get("id")
        if isinstance(own, str):
            if own in seen:
                walk.found.error("rule", held.place, "two contained resources have the same id", "contained-id")
            seen.add(own)
    referred: set[str] = set()
    for holder in (one, *inner):
        referred |= {text(value, "reference")[1:] for value, _, _ in holder.references if text(value, "reference").startswith("#")}
        referred |= holder.texts
    for held in inner:
        own = held.value.get("id")
        back = any(text(value, "reference") == "#" for value, _, _ in held.references) or "" in held.texts
        if not back and not (isinstance(own, str) and own in referred):
            words = "the rule dom-3 of FHIR R4 does not hold: nothing refers to the contained resource, and it does not refer to its holder"
            walk.found.error("invariant", held.place, words, "dom-3")


def server(url: str) -> str:
    """The base of a RESTful address; empty for anything else."""
    found = LITERAL.fullmatch(url)
    return found["server"] or "" if found and urlsplit(url).scheme in ("http", "https") else ""
