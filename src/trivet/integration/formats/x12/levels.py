"""270, 271, 276, 277, 278: questions and answers about one person, by the hierarchical levels that they share.

Out: CoverageEligibilityRequest (270), CoverageEligibilityResponse and Coverage (271), Task (276, 277), Claim as preauthorisation
(278), with Patient, Organization, Practitioner.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from trivet.contracts.record import Record, Span
from trivet.integration.formats.x12 import naming
from trivet.integration.formats.x12.fill import Filler
from trivet.integration.formats.x12.slots import Slot
from trivet.integration.formats.x12.walk import Step
from trivet.kernel import jsontext
from trivet.kernel.digest import record_id, sha256
from trivet.kernel.errors import Rejected

__all__ = ["LevelFiller"]

BENEFITS = ["benefits"]


class Levels(NamedTuple):
    """The loops of one set: subscriber's and dependent's levels, and the loops that make a record (empty: the person's level)."""

    subscriber: str
    dependent: str
    makes: tuple[str, ...]
    result: str


LEVELS = {
    "270": Levels("2000C", "2000D", (), "request"),
    "271": Levels("2000C", "2000D", (), "response"),
    "276": Levels("2000D", "2000E", ("2200D", "2200E"), "task"),
    "277": Levels("2000D", "2000E", ("2200D", "2200E"), "task"),
    "278": Levels("2000C", "2000D", ("2000E",), "claim"),
}


class LevelFiller(Filler):
    """Fills the records of one such set."""

    @property
    def levels(self) -> Levels:
        """The loops of this set."""
        return LEVELS[self.guide.set]

    def person(self) -> tuple[str, int]:
        """The person whose level is open: the name and instance of the slot; ("", 0) above all persons."""
        for name, loop in (("dependent", self.levels.dependent), ("subscriber", self.levels.subscriber)):
            if loop in self.open:
                return name, self.open[loop]
        return "", 0

    def slot(self, name: str) -> Slot:
        """A result belongs to the loop that makes it, coverage and patient to the person."""
        who, instance = self.person()
        if name == "patient":
            return self.at(who or "nobody", instance)
        if name == "coverage":
            return self._linked("coverage", instance, None)
        loop = next((loop for loop in self.levels.makes if loop in self.open), "")
        # What stands above the loop that makes the record (the file's time, the person's trace) goes into every record below.
        above = self.slots.get((name, instance)) or self.slots.get((name, 0))
        return self._linked(name, self.open[loop] if loop else instance, above)

    def _linked(self, name: str, instance: int, origin: Slot | None) -> Slot:
        known = self.slots.get((name, instance))
        if known is not None:
            return known
        slot = self.at(name, instance, origin)
        slot.links = {}
        who, level = self.person()
        if who:
            slot.links["patient"] = self.at(who, level)
        if who == "dependent" and self.levels.subscriber in self.open:
            slot.links["holder"] = self.at("subscriber", self.open[self.levels.subscriber])
        for role in ("payer", "requester", "receiver", "billing"):
            found = [other for other in self.order if other.name == role]
            if found:
                slot.links[role] = found[-1]
        return slot

    def party_slot(self, name: str, step: Step) -> Slot:
        """Persons belong to their level, others to their loop."""
        if name in ("subscriber", "dependent"):
            return self.at(name, self.person()[1])
        slot = self.at(name, step.instance)
        if name in ("careteam", "benefitprovider"):
            self.slot(self.levels.result).parties.append(slot)
        return slot

    # ------------------------------------------------------------ records

    def records(self, whole: bool) -> tuple[list[Record], list[Rejected]]:
        """The records of the set. `whole`: also the parties above the persons, which the set's own unit says."""
        records: list[Record] = []
        rejects: list[Rejected] = []
        for slot in list(self.order):
            if slot.name == self.levels.result and "patient" in slot.links and (not self.levels.makes or self._made(slot)):
                patient = slot.links["patient"]
                if not patient.spans:
                    rejects.append(self.refuse("x12-no-patient", "the loop names no person", self.guide.set, slot))
                    continue
                patient.kind = "person"
                records += MAKERS[slot.name](self, slot, patient, slot.links.get("holder"))
        beside, above = ("careteam", "benefitprovider"), ("payer", "requester", "receiver", "billing")
        for slot in self.order:
            if slot.name in ("subscriber", "dependent") and slot.spans:
                slot.kind = "person"
                holder = None if slot.name == "subscriber" else self._above(slot)
                records.append(naming.record(self.profile, slot, holder))
            elif slot.spans and (slot.name in beside or (whole and slot.name in above)):
                records.append(naming.record(self.profile, slot))
        return records, rejects

    def _made(self, slot: Slot) -> bool:
        """Whether this is a record of its own, not what stands above several."""
        return any(found is slot and instance in self.made for (_, instance), found in self.slots.items())

    @property
    def made(self) -> set[int]:
        """Instances of the loops that make records."""
        return self._instances

    def opened(self, step: Step) -> None:
        """A loop that makes a record begins."""
        if step.loop in self.levels.makes:
            self._instances.add(step.instance)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._instances: set[int] = set()

    def fork(self) -> Self:
        """The same state, to go on separately."""
        made = super().fork()
        made._instances = set(self._instances)
        return made

    def _above(self, slot: Slot) -> Slot | None:
        mine = next(instance for (name, instance), found in self.slots.items() if found is slot and name == "dependent")
        above = [instance for name, instance in self.slots if name == "subscriber" and instance < mine]
        return self.slots["subscriber", max(above)] if above else None

    def head(self, kind: str, slot: Slot, patient: Slot, holder: Slot | None) -> dict[str, Any]:
        """Type and id of a result: by its traces where it has any, else by what it says."""
        traces = [one.get("value", "") for one in slot.resource.get("identifier", [])]
        words = traces or [sha256(jsontext.dumps(slot.resource))]
        who = naming.person_id(self.profile, patient, holder)
        return {"resourceType": kind, "id": record_id(self.profile.source, kind, self.guide.set, who, *words)}

    def point_to(self, resource: dict[str, Any], spans: list[Span], path: str, slot: Slot | None) -> None:
        """A reference that FHIR asks for, or the reason why there is none."""
        if slot is None:
            resource[path] = naming.absent()
        else:
            resource[path], more = naming.refer(self.profile, slot, path)
            spans += more


def _eligibility(filler: LevelFiller, slot: Slot, patient: Slot, holder: Slot | None) -> list[Record]:
    asks = slot.name == "request"
    spans = list(slot.spans)
    kind = "CoverageEligibilityRequest" if asks else "CoverageEligibilityResponse"
    resource: dict[str, Any] = {
        **filler.head(kind, slot, patient, holder),
        "status": "active",
        "purpose": BENEFITS,
        "patient": naming.point(filler.profile, patient, holder),
        **slot.resource,
    }
    if "created" not in resource:
        resource["_created"] = naming.absent()
    filler.point_to(resource, spans, "insurer", slot.links.get("payer"))
    if asks:
        filler.point_to(resource, spans, "provider", slot.links.get("requester"))
        return [Record(resource, tuple(spans))]
    filler.point_to(resource, spans, "requestor", slot.links.get("requester"))
    traces = resource.get("identifier", [])
    resource["request"] = {"type": "CoverageEligibilityRequest", "identifier": dict(traces[0])} if traces else naming.absent()
    resource["outcome"] = "error" if resource.get("error") else "complete"
    coverage = _coverage(filler, slot, patient, holder)
    insurance = resource.setdefault("insurance", [{}])[0]
    insurance["coverage"] = {"reference": coverage.key}
    codes = {naming.code_of(benefit.get("type", {})) for item in insurance.get("item", []) for benefit in item.get("benefit", [])}
    if codes & {"1", "2", "3", "4", "5", "6", "7", "8"}:
        # EB01 1 to 5: active; 6 to 8: inactive (data element 1390).
        insurance["inforce"] = bool(codes & {"1", "2", "3", "4", "5"})
    for item in insurance.get("item", []):
        if "category" not in item and "productOrService" not in item:
            item["category"] = naming.absent()
    return [Record(resource, tuple(spans)), coverage]


def _coverage(filler: LevelFiller, slot: Slot, patient: Slot, holder: Slot | None) -> Record:
    """The coverage that an answer speaks of."""
    instance = next(number for (name, number), found in filler.slots.items() if found is slot and name == slot.name)
    known = filler.slots.get(("coverage", instance))
    payer = slot.links.get("payer")
    place, system, value = naming.key_of(holder or patient)
    spans = list(known.spans) if known is not None else []
    who = naming.person_id(filler.profile, patient, holder)
    words = (naming.key_of(payer)[2] if payer is not None else "", system, value, "", who)
    resource: dict[str, Any] = {
        "resourceType": "Coverage",
        "id": record_id(filler.profile.source, "Coverage", *words),
        "status": "active",
        **(known.resource if known is not None else {}),
        "beneficiary": naming.point(filler.profile, patient, holder),
    }
    if place >= 0:
        resource["subscriberId"] = value
        found = [span for span in (holder or patient).spans if span.path == f"identifier[{place}].value"]
        spans += [span._replace(path="subscriberId", rule="x12/subscriber") for span in found]
    reference, more = naming.refer(filler.profile, payer, "payor[0]") if payer is not None else (naming.absent(), [])
    resource["payor"] = [reference]
    return Record(resource, tuple(spans + more))


def _task(filler: LevelFiller, slot: Slot, patient: Slot, holder: Slot | None) -> list[Record]:
    spans = list(slot.spans)
    asks = filler.guide.set == "276"
    resource: dict[str, Any] = {
        **filler.head("Task", slot, patient, holder),
        "status": "requested" if asks else "completed",
        "intent": "order",
        "code": {"coding": [{"system": "urn:trivet:x12:task", "code": "claim-status"}]},
        "for": naming.point(filler.profile, patient, holder),
        **slot.resource,
    }
    requester = slot.links.get("billing") or slot.links.get("receiver")
    if requester is not None:
        filler.point_to(resource, spans, "requester", requester)
    if slot.links.get("payer") is not None:
        filler.point_to(resource, spans, "owner", slot.links["payer"])
    return [Record(resource, tuple(spans))]


def _review(filler: LevelFiller, slot: Slot, patient: Slot, holder: Slot | None) -> list[Record]:
    spans = list(slot.spans)
    resource: dict[str, Any] = {
        **filler.head("Claim", slot, patient, holder),
        "status": "active",
        "type": naming.absent(),
        "use": "preauthorization",
        "patient": naming.point(filler.profile, patient, holder),
        "priority": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/processpriority", "code": "normal"}]},
        **slot.resource,
    }
    if "created" not in resource:
        resource["_created"] = naming.absent()
    filler.point_to(resource, spans, "insurer", slot.links.get("payer"))
    filler.point_to(resource, spans, "provider", slot.links.get("requester"))
    place, system, value = naming.key_of(holder or patient)
    coverage: dict[str, Any] = {"type": "Coverage", **({"identifier": {"system": system, "value": value}} if place >= 0 else {})}
    resource.setdefault("insurance", [{}])[0].update({"sequence": 1, "focal": True, "coverage": coverage})
    for party in slot.parties:
        team = resource.setdefault("careTeam", [])
        if party.spans:
            team.append({"sequence": len(team) + 1, "provider": naming.point(filler.profile, party)})
    for name in ("supportingInfo", "diagnosis", "item"):
        for count, item in enumerate(resource.get(name, []), 1):
            item.setdefault("sequence", count)
            if name == "item":
                item.setdefault("productOrService", naming.absent())
    return [Record(resource, tuple(spans))]


MAKERS = {"request": _eligibility, "response": _eligibility, "task": _task, "claim": _review}
