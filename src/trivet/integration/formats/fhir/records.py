"""Parts of a unit to records: every resource verbatim but for its id and its references, with a span for every leaf.

In: a `Reading`. Out: a `Translation`. What becomes of a Bundle's own elements stands in `maps/fhir/envelope.csv`.
Refused: what is no resource of R4, an entry without one, a deletion of whatever a search finds.
"""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.integration.formats.fhir.bundle import Part, Reading
from trivet.integration.formats.fhir.identify import REFERENCE as FORM
from trivet.integration.formats.fhir.identify import URI, Names, identifier_kind, name_resource
from trivet.integration.formats.fhir.scan import REFERENCE, Found
from trivet.integration.validation import Validator
from trivet.kernel.errors import Rejected
from trivet.kernel.resources import text

__all__ = ["translation"]

RULE_DELETED, RETRACTION = "fhir/deleted", "urn:trivet:retraction"
DELETED = re.compile(r"(?:[a-z][a-z0-9+.-]*:.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[^/?]+)?", re.S)
RULE_ID, RULE_URL, RULE_CONTEXT, RULE_RESPONSE = "fhir/id", "fhir/full-url", "fhir/reference-context", "fhir/response"


@cache
def _judge() -> Validator:
    return Validator()


@cache
def _envelope() -> dict[str, tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(text("trivet.maps.fhir", "envelope.csv")))
    return {row["path"]: (row["disposition"], row["rule"]) for row in rows}


@cache
def envelope_rule(path: str) -> tuple[str, str]:
    """Disposition and rule of an element of a Bundle itself, its numbers as `*`: the row of the longest path above it."""
    path = path.replace("/entry/*/resource", "")
    while path:
        if path in _envelope():
            return _envelope()[path]
        path = path.rpartition("/")[0]
    return "uncovered", ""


def _field(pointer: str) -> str:
    return "/".join("*" if part.isdigit() else part for part in pointer.split("/"))


class Writer:
    """Gathers the translation of one reading. Use once."""

    def __init__(self, reading: Reading, profile: SourceProfile) -> None:
        self.reading = reading
        self.profile = profile
        self.names = Names(profile)
        self.records: list[Record] = []
        self.elements: list[Element] = []
        self.rejects: list[Rejected] = []
        self.notices: list[Notice] = []

    def translation(self) -> Translation:
        """All that the unit says. Names first, because an entry may refer to a later one."""
        for part in self.reading.parts:
            part.reject = part.reject or self.name(part)
        for part in self.reading.parts:
            if part.reject is not None:
                self.refuse(part, part.reject)
            elif part.deletes:
                self.take_back(part)
            elif part.resource is None:
                self.pass_by(part)
            else:
                self.judge(part)
                self.keep(part)
        bundle = self.reading.bundle
        if bundle is not None:
            self.close(bundle)
        silent = bundle is not None and not self.records and not self.rejects
        ignored = "fhir/empty-bundle" if silent else ""
        return Translation(tuple(self.records), tuple(self.elements), tuple(self.rejects), tuple(self.notices), ignored)

    def judge(self, part: Part) -> None:
        """What the resource breaks, each breach a notice at its element: an invalid resource is kept, and known to be so."""
        if self.profile.options.get("validate") is False:
            return
        above = part.pointer + ("/resource" if part.entry else "")
        for found in _judge().errors(part.resource):
            locator = above + found.pointer
            at = next((span for span in part.inside.spans if span.locator == locator or span.locator.startswith(locator + "/")), None)
            offset, length = (at.offset, at.length) if at is not None else (part.offset, part.length)
            self.notices.append(Notice("invalid-fhir", "http://hl7.org/fhir/R4", found.rule, locator or "/", offset, length))

    def name(self, part: Part) -> Rejected | None:
        """Find out what a part is called; or why it cannot be taken."""
        resource, entry = part.resource, part.entry
        if resource is None and entry:
            if part.nested or isinstance(entry.get("response"), dict):
                return None
            kind, original = entry.get("resourceType"), entry.get("id", "")
            if isinstance(kind, str) and identifier_kind(kind) and part.url and isinstance(original, str):
                new_id, _ = name_resource({"resourceType": kind, "id": original}, part.url, self.names)
                self.names.learn(part.url, kind, new_id, original)
                return None
            request = entry.get("request")
            if isinstance(request, dict) and request.get("method") == "DELETE":
                return self.name_deleted(part, request.get("url"))
        if not isinstance(resource, dict):
            return self.wrong(part, "fhir-no-resource", "there is no resource here")
        kind = resource.get("resourceType")
        if not isinstance(kind, str) or not identifier_kind(kind):
            return self.wrong(part, "fhir-resource-type", "resourceType is missing or not a resource of FHIR R4", "resourceType")
        odd = part.inside.odd or part.around.odd
        if odd:
            return self.wrong(part, "fhir-name", f"no element of FHIR can have such a name, at level {odd.count('/')} of the text")
        original = resource.get("id", "")
        if not isinstance(original, str) or ("id" in resource and not original):
            return self.wrong(part, "fhir-id", "an id must be text", "id")
        part.new_id, part.original = name_resource(resource, part.url, self.names)
        if part.url:
            self.names.learn(part.url, kind, part.new_id, part.original)
        self.names.learn_identifiers(resource, part.new_id)
        return None

    def name_deleted(self, part: Part, url: Any) -> Rejected | None:
        """Find out what an entry deletes (a history or an export says so); what a search would have to find is not deleted by a feed."""
        found = DELETED.fullmatch(url if isinstance(url, str) and url else part.url)
        if found is None or not identifier_kind(found["type"]):
            return self.wrong(part, "fhir-deletion", "the entry does not name the one resource that it deletes")
        if self.profile.options.get("deletions") == "refuse":
            return self.wrong(part, "fhir-deletion", "the entry deletes a resource; this feed's deletions are taken by a person")
        part.deletes, part.original = found["type"], found["id"]
        part.new_id = self.names.new_id(part.deletes, part.original)
        return None

    def take_back(self, part: Part) -> None:
        """A deletion: the next version of the record says that its source no longer has it. Earlier versions stay."""
        spans = []
        for element, span in zip(part.around.elements, part.around.spans, strict=True):
            disposition, rule = envelope_rule(_field(element.locator))
            if span.path in ("request.url", "fullUrl") and span.locator.endswith(("/request/url", "/fullUrl")):
                disposition, rule = "mapped", RULE_DELETED
                spans.append(span._replace(path="id", rule=RULE_DELETED))
            self.elements.append(element._replace(disposition=disposition, rule=rule))
        gone = {"resourceType": part.deletes, "id": part.new_id, "meta": {"tag": [{"system": RETRACTION, "code": "deleted-at-source"}]}}
        self.records.append(Record(gone, tuple(spans)))

    def wrong(self, part: Part, code: str, why: str, path: str = "") -> Rejected:
        """A refusal at an element of the part where there is one, else at its first leaf."""
        spans = part.inside.spans + part.around.spans
        at = next((span for span in spans if span.path == path), None) if path else None
        if at is not None:
            return Rejected(code, why, at.locator, at.offset, at.length)
        first = min((span.offset for span in spans), default=part.offset)
        last = max((span.offset + span.length for span in spans), default=part.offset + part.length)
        return Rejected(code, why, part.pointer or "/", first, last - first)

    def refuse(self, part: Part, why: Rejected) -> None:
        """A part that is not taken: its elements are accounted for as rejected."""
        leaves = part.around.elements + part.inside.elements
        if not leaves and part.length:
            leaves = [Element(part.pointer or "/", part.offset, part.length, "rejected", why.code)]
        self.elements += [element._replace(disposition="rejected", rule=why.code) for element in leaves]
        self.rejects.append(why)

    def pass_by(self, part: Part) -> None:
        """An entry without a resource of its own: the name of another one, an answer to an earlier request, a Bundle."""
        for element in part.around.elements:
            disposition, rule = envelope_rule(_field(element.locator))
            if disposition == "mapped":
                disposition, rule = "dropped", RULE_CONTEXT if "resourceType" in part.entry else RULE_RESPONSE
            self.elements.append(element._replace(disposition=disposition, rule=rule))

    def keep(self, part: Part) -> None:
        """A record: the id becomes the house's, what the sender called it stays as an identifier, references follow."""
        resource, spans = part.resource, part.inside.spans
        self.follow(part.inside)
        self.elements += part.inside.elements
        if part.original:
            place = next(number for number, span in enumerate(spans) if span.path == "id")
            spans[place] = spans[place]._replace(rule=RULE_ID)
            system = f"{self.profile.base}/id/{resource['resourceType']}"
            spans.append(spans[place]._replace(path=_remember(resource, system, part.original)))
        for element in part.around.elements:
            disposition, rule = envelope_rule(_field(element.locator))
            self.elements.append(element._replace(disposition=disposition, rule=rule))
            if rule == RULE_URL:
                told = bool(part.original) and part.url.endswith(part.original)
                path = "id" if told else _remember(resource, URI, part.url)
                spans.append(Span(path, element.offset, element.length, element.locator, RULE_URL))
        if "id" in resource:
            resource["id"] = part.new_id
        else:
            resource = {"resourceType": resource["resourceType"], "id": part.new_id, **resource}
        self.records.append(Record(resource, tuple(spans)))

    def follow(self, found: Found) -> None:
        """References in the house's terms; one that leads nowhere stays as it came and is noticed."""
        for holder, name, place in found.links:
            before = holder[name]
            form = FORM.fullmatch(before)
            if name == "url" and not (form and form["type"] == "Binary") and self.names.by_url.get(before, ("",))[0] != "Binary":
                continue
            after, why = self.names.resolve(before)
            span = found.spans[place]
            if why:
                self.notices.append(
                    Notice("unresolved-reference", why, form["type"] if form else "", span.locator, span.offset, span.length)
                )
            elif after != before:
                holder[name] = after
                found.spans[place] = span._replace(rule=REFERENCE)
                found.elements[place] = found.elements[place]._replace(disposition="mapped", rule=REFERENCE)

    def close(self, bundle: dict[str, Any]) -> None:
        """The Bundle itself: a record where it is a clinical document or a message, else only what its rules say."""
        shell = self.reading.shell
        if bundle.get("type") in ("document", "message") or "identifier" in bundle or "signature" in bundle:
            own = {name: value for name, value in bundle.items() if name != "entry"}
            new_id, original = name_resource(own, "", self.names)
            self.follow(shell)
            self.elements += shell.elements
            spans = [span._replace(rule=RULE_ID) if span.path == "id" else span for span in shell.spans]
            if original:
                at = next(span for span in spans if span.path == "id")
                spans.append(at._replace(path=_remember(own, f"{self.profile.base}/id/Bundle", original)))
            self.records.append(Record({"resourceType": "Bundle", **own, "id": new_id}, tuple(spans)))
            return
        for element in shell.elements:
            disposition, rule = envelope_rule(_field(element.locator))
            self.elements.append(element._replace(disposition=disposition, rule=rule))


def _remember(resource: dict[str, Any], system: str, value: str) -> str:
    """Keep a name that the sender uses as an identifier, behind those that are there; the element path where it stands.

    A type without room for one more identifier keeps it as an extension of `meta`.
    """
    kind, present = identifier_kind(resource["resourceType"]), resource.get("identifier")
    if kind == "many" and (present is None or isinstance(present, list)):
        known = resource.setdefault("identifier", [])
        known.append({"system": system, "value": value})
        return f"identifier[{len(known) - 1}].value"
    if kind == "one" and present is None:
        resource["identifier"] = {"system": system, "value": value}
        return "identifier.value"
    meta = resource.setdefault("meta", {})
    extensions = meta.setdefault("extension", []) if isinstance(meta, dict) else None
    if not isinstance(extensions, list):
        return "id"
    extensions.append({"url": system, "valueString": value})
    return f"meta.extension[{len(extensions) - 1}].valueString"


def translation(reading: Reading, profile: SourceProfile) -> Translation:
    """The records, the lineage and the account of one unit."""
    return Writer(reading, profile).translation()
