"""FHIR R4 write-back over REST: Device, RiskAssessment (or Observation) and Provenance, each made once however often it is sent.

In: a decision. Out: three resources at the destination. Each is a conditional create by identifier (R4 3.1.0.8.1), so a repeat finds
what is there and makes nothing; a repeat also looks first, for servers that do not know `If-None-Exist`. Kept: the
OperationOutcome of a refusal. Refused: two matches there (412), which a person must look at.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from trivet.contracts.outgoing import Letter, Occasion, Outcome, Seat
from trivet.integration.outbound.identity import named
from trivet.integration.outbound.options import checked
from trivet.integration.outbound.resources import assessment, device, provenance
from trivet.integration.outbound.wire import TLS, Answer, Wire
from trivet.kernel.errors import Rejected, Usage
from trivet.kernel.jsontext import dumps, loads

__all__ = ["WriteBackSink"]

MEDIA = "application/fhir+json"
DEFAULTS: dict[str, Any] = {"patient_system": "", "resource": "RiskAssessment", "subject": "identifier", **TLS}


class WriteBackSink:
    """`url` is the server's FHIR base. `subject = "search"` looks the patient up there and refers to it; `identifier` names it only.

    The first line of the secret file, when there is one, is sent as a bearer token.
    """

    def __init__(self, seat: Seat) -> None:
        self.seat, self.options = seat, checked(seat, DEFAULTS)
        where = f"destinations.{seat.destination}.options"
        if self.options["resource"] not in ("RiskAssessment", "Observation"):
            raise Usage("E852", "resource is RiskAssessment or Observation", where=where)
        if self.options["subject"] not in ("identifier", "search") or not self.options["patient_system"]:
            raise Usage("E852", "patient_system is missing, or subject is neither identifier nor search", where=where)
        self.base = seat.url.rstrip("/")
        self._wire = Wire(seat, self.options)

    def render(self, occasion: Occasion) -> bytes | Rejected:
        """A Bundle of what is to be there, references by `urn:uuid` until the other side has given ids."""
        who = named(occasion.patients, self.options["patient_system"])
        if isinstance(who, Rejected):
            return who
        kind = self.options["resource"]
        names = {part: f"urn:trivet:{occasion.key}:{part}" for part in ("device", "answer", "provenance")}
        resources = [
            (names["device"], device(occasion)),
            (names["answer"], assessment(occasion, who, kind, names["device"])),
            (names["provenance"], provenance(occasion, names["answer"], names["device"])),
        ]
        entries = [{"fullUrl": name, "resource": resource} for name, resource in resources]
        try:
            return dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
        except UnicodeEncodeError:
            return Rejected("E858", "text that cannot be encoded")

    def send(self, letter: Letter) -> Outcome:
        """Make one after the other. What was made before a failure is found again at the next attempt."""
        placed: dict[str, str] = {}
        last = Answer(0, {}, b"", "no-answer")
        for entry in loads(letter.body)["entry"]:
            resource = settled(entry["resource"], placed)
            if self.options["subject"] == "search" and "subject" in resource:
                found = self._patient(resource["subject"]["identifier"])
                if isinstance(found, Outcome):
                    return found
                resource["subject"] = {"reference": found}
            made = self._create(resource, letter.attempt > 1)
            if isinstance(made, Outcome):
                return made
            placed[entry["fullUrl"]], last = made
        return Outcome("delivered", f"http-{last.status}", last.body)

    def _create(self, resource: dict[str, Any], look: bool) -> tuple[str, Answer] | Outcome:
        """Where the resource stands at the other side, made now or found there."""
        kind, query = resource["resourceType"], criterion(resource)
        if look:
            found = self._search(kind, query)
            if found is not None:
                return found
        answer = self._call("POST", f"{self.base}/{kind}", dumps(resource), {"If-None-Exist": query, "Prefer": "return=representation"})
        outcome = self._wire.outcome(answer)
        if outcome.result != "delivered":
            return outcome
        place = place_of(kind, answer)
        if place:
            return place, answer
        found = self._search(kind, query)
        return Outcome("later", "no-id-given", answer.body, 0.0, 10) if found is None else found

    def _search(self, kind: str, query: str) -> tuple[str, Answer] | Outcome | None:
        """The one resource that fits, None when there is none; several are a person's work."""
        answer = self._call("GET", f"{self.base}/{kind}?{query}", b"", {})
        outcome = self._wire.outcome(answer)
        if outcome.result != "delivered":
            return outcome if outcome.result == "later" else Outcome("later", outcome.reason, outcome.reply, outcome.wait, 10)
        ids = matches(kind, answer.body)
        if ids is None:
            return Outcome("later", "not-a-searchset", answer.body, 0.0, 10)
        if len(ids) > 1:
            return Outcome("never", "several-there", answer.body)
        return (f"{kind}/{ids[0]}", answer) if ids else None

    def _patient(self, identifier: dict[str, str]) -> str | Outcome:
        """The other side's own reference to the person."""
        found = self._search("Patient", f"identifier={quoted(identifier)}")
        if isinstance(found, Outcome):
            return found
        return Outcome("later", "no-such-patient-there", b"", 0.0, 20) if found is None else found[0]

    def _call(self, method: str, url: str, content: bytes, more: dict[str, str]) -> Answer:
        headers = {"Accept": MEDIA, **more}
        if content:
            headers["Content-Type"] = MEDIA
        tokens = self.seat.secrets()
        if tokens:
            headers["Authorization"] = f"Bearer {tokens[0]}"
        return self._wire.call(method, url, headers, content)

    def close(self) -> None:
        """End the connections."""
        self._wire.close()


def criterion(resource: dict[str, Any]) -> str:
    """By what a resource is known to be there already: its identifier; a Provenance has none in R4, so its target and agent."""
    if resource["resourceType"] == "Provenance":
        return f"target={resource['target'][0]['reference']}&agent={resource['agent'][0]['who']['reference']}"
    return f"identifier={quoted(resource['identifier'][0])}"


def quoted(identifier: dict[str, str]) -> str:
    """`system|value` as a token of a search (R4 3.1.1.4.10), safe in an address."""
    parts = (identifier["system"], identifier["value"])
    escaped = (part.replace("\\", "\\\\").replace("|", "\\|").replace(",", "\\,").replace("$", "\\$") for part in parts)
    return quote("|".join(escaped), safe="")


def settled(value: Any, placed: dict[str, str]) -> Any:
    """A copy in which references to what was placed already are the other side's."""
    if isinstance(value, dict):
        return {key: placed.get(item, item) if key == "reference" else settled(item, placed) for key, item in value.items()}
    return [settled(item, placed) for item in value] if isinstance(value, list) else value


def place_of(kind: str, answer: Answer) -> str:
    """`Kind/id` out of what came back or its Location; empty when neither says."""
    try:
        body = loads(answer.body)
        if isinstance(body, dict) and body.get("resourceType") == kind and isinstance(body.get("id"), str):
            return f"{kind}/{body['id']}"
    except ValueError:
        pass
    parts = answer.headers.get("location", "").split("?")[0].rstrip("/").split("/")
    parts = parts[:-2] if len(parts) > 3 and parts[-2] == "_history" else parts
    return f"{kind}/{parts[-1]}" if len(parts) > 1 and parts[-2] == kind else ""


def matches(kind: str, content: bytes) -> list[str] | None:
    """The ids of one kind in a searchset; None when it is none."""
    try:
        bundle = loads(content)
    except ValueError:
        return None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return None
    found = (entry.get("resource") or {} for entry in bundle.get("entry") or () if isinstance(entry, dict))
    return sorted({str(one["id"]) for one in found if one.get("resourceType") == kind and "id" in one})
