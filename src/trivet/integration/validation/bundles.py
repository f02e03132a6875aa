"""Bundles: the names of their entries, and that what a document or a message says is inside.

http://hl7.org/fhir/R4/bundle.html (fullUrl, resolving references in Bundles), documents.html, messaging.html; bdl-7.
"""

from __future__ import annotations

from typing import Any

from trivet.integration.validation.check import Resource, Walk
from trivet.integration.validation.datatypes import text
from trivet.integration.validation.finding import Place
from trivet.integration.validation.primitives import absolute
from trivet.integration.validation.references import LITERAL, server

__all__ = ["bundle"]

NEEDS_URL = ("document", "message", "collection", "searchset", "history")
"""bundle.html, resource URL and uniqueness rules: except for transactions and batches, and what answers them."""


class Entries:
    """The entries of one Bundle, by name."""

    def __init__(self, one: Resource) -> None:
        held = one.value.get("entry")
        self.rows: list[tuple[int, dict[str, Any]]] = [
            (number, row) for number, row in enumerate(held if isinstance(held, list) else []) if isinstance(row, dict)
        ]
        self.place: Place = (one.place, "entry")
        self.inner: dict[int, Resource] = {}
        for resource in one.inner:
            # ((bundle, "entry"), number), "resource"
            if resource.place[1] == "resource" and resource.place[0][0] == self.place:
                self.inner[resource.place[0][1]] = resource
        self.by_url: dict[str, list[int]] = {}
        for number, row in self.rows:
            url = text(row, "fullUrl")
            if url:
                self.by_url.setdefault(url, []).append(number)

    def resolve(self, number: int, target: str) -> list[int]:
        """The entries that a reference out of an entry leads to."""
        plain = target.partition("#")[0]
        found = LITERAL.fullmatch(plain)
        if found and not found["server"]:
            url = text(dict(self.rows)[number], "fullUrl")
            base = server(url)
            if not base:
                return []
            plain = base + plain
        listed = self.by_url.get(plain)
        if listed is None and "/_history/" in plain:
            listed = self.by_url.get(plain.partition("/_history/")[0])
        return listed or []


def bundle(walk: Walk, one: Resource) -> None:
    """The rules of a Bundle."""
    kind = text(one.value, "type")
    entries = Entries(one)
    _asked(walk, one, entries, kind)
    urls: dict[tuple[str, str], int] = {}
    wanted = _wanted(walk, one.value) if kind == "searchset" else ""
    for number, row in entries.rows:
        place = (entries.place, number)
        url = text(row, "fullUrl")
        resource = row.get("resource")
        held = resource if isinstance(resource, dict) else {}
        if url:
            _name(walk, url, held, place)
            version = text(held.get("meta"), "versionId")
            if kind != "history" and (url, version) in urls:
                words = "the rule bdl-7 of FHIR R4 does not hold: two entries have the same fullUrl and version"
                walk.found.error("invariant", one.place, words, "bdl-7")
            urls[(url, version)] = number
        elif held and (kind in NEEDS_URL or (kind in ("transaction", "batch") and text(row.get("request"), "method") == "PUT")):
            relative = _unnamed(walk, entries.inner.get(number))
            say = walk.found.error if relative or kind in NEEDS_URL else walk.found.warn
            say("missing", place, "the entry has no fullUrl", "bundle-full-url")
        if kind == "searchset":
            _search(walk, row, held, place, wanted)
    if kind in ("document", "message") and entries.rows:
        _connected(walk, kind, entries)


def _asked(walk: Walk, one: Resource, entries: Entries, kind: str) -> None:
    """bdl-3, bdl-4, bdl-8: requests and responses stand where the Bundle's type has them, and nowhere else; no version in a fullUrl."""
    for rule, name, kinds in (
        ("bdl-3", "request", ("batch", "transaction", "history")),
        ("bdl-4", "response", ("batch-response", "transaction-response", "history")),
    ):
        if any((name in row) != (kind in kinds) for _, row in entries.rows):
            words = f"the rule {rule} of FHIR R4 does not hold: each entry has a {name} in a {', '.join(kinds)}, and in no other Bundle"
            walk.found.error("invariant", one.place, words, rule)
    for number, row in entries.rows:
        if "/_history/" in text(row, "fullUrl"):
            words = "the rule bdl-8 of FHIR R4 does not hold: the fullUrl must not be that of a version"
            walk.found.error("invariant", (entries.place, number), words, "bdl-8")


def _name(walk: Walk, url: str, held: dict[str, Any], place: Place) -> None:
    if not absolute(url):
        walk.found.error("value", place, "the fullUrl must be absolute", "bundle-full-url")
        return
    found = LITERAL.fullmatch(url)
    own = text(held, "id")
    restful = url.startswith(("http://", "https://")) and found is not None and found["type"] in walk.shapes.resources
    if found and restful and own and (found["type"], found["id"]) != (text(held, "resourceType"), own):
        walk.found.error("value", place, "the fullUrl must end with the type and the id of its resource", "bundle-full-url")


def _unnamed(walk: Walk, resource: Resource | None) -> bool:
    """Relative references have nothing to be relative to in an entry without a fullUrl. Whether there is one."""
    seen = False
    for value, place, _ in resource.references if resource is not None else ():
        found = LITERAL.fullmatch(text(value, "reference"))
        if found and not found["server"]:
            walk.found.error("value", place, "a relative reference in an entry without a fullUrl", "bundle-relative")
            seen = True
    return seen


def _wanted(walk: Walk, held: dict[str, Any]) -> str:
    """The type that a search asked for, by its self link; empty when that cannot be told."""
    links = held.get("link")
    for link in links if isinstance(links, list) else []:
        path = text(link, "url").partition("?")[0].rstrip("/").rpartition("/")[2]
        if text(link, "relation") == "self" and path in walk.shapes.resources and "?" in text(link, "url"):
            return path
    return ""


def _search(walk: Walk, row: dict[str, Any], held: dict[str, Any], place: Place, wanted: str) -> None:
    kind = held.get("resourceType")
    if held and not text(held, "id") and kind != "OperationOutcome":
        walk.found.error("missing", (place, "resource"), "a search result must have an id", "search-id")
    mode = text(row.get("search"), "mode")
    if held and mode and (mode == "outcome") != (kind == "OperationOutcome"):
        words = (
            "the outcome of a search is an OperationOutcome" if mode == "outcome" else "an OperationOutcome is no result but its outcome"
        )
        walk.found.error("bundle", (place, "resource"), words, "search-outcome")
    elif wanted and held and mode == "match" and kind != wanted:
        walk.found.error("bundle", (place, "resource"), f"a match of a search for {wanted} must be one", "search-match")


def _connected(walk: Walk, kind: str, entries: Entries) -> None:
    """Every entry is reached from the first one, forwards or backwards; what the first one names is there."""
    links: dict[int, set[int]] = {number: set() for number, _ in entries.rows}
    first = entries.rows[0][0]
    for number, resource in entries.inner.items():
        for holder in (resource, *resource.inner):
            for value, place, member in holder.references:
                target = text(value, "reference")
                if not target or target.startswith("#"):
                    continue
                found = entries.resolve(number, target)
                for other in found:
                    links[number].add(other)
                    links[other].add(number)
                must = number == first and (kind == "document" or member.path == "MessageHeader.focus")
                if (
                    must
                    and not found
                    and not (member.path == "Composition.section.entry" and absolute(target) and not target.startswith("urn:"))
                ):
                    walk.found.error("unresolved", place, f"a {kind} must hold what this reference names", "bundle-reference")
                elif len(found) > 1:
                    walk.found.error("unresolved", place, "more than one entry has the name of this reference", "bundle-reference")
    reached, todo = {first}, [first]
    while todo:
        for other in links[todo.pop()] - reached:
            reached.add(other)
            todo.append(other)
    for number, row in entries.rows:
        if number not in reached and isinstance(row.get("resource"), dict):
            say = walk.found.error if kind == "document" else walk.found.warn
            say("bundle", (entries.place, number), f"nothing in the {kind} leads from its first entry to this one, or back", "bundle-reach")
