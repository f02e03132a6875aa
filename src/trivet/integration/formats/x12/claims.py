"""837: a claim with its patient, coverage, payer, providers and places, from the loops of the professional and institutional guides.

Out: Claim, Patient, Coverage, Organization, Practitioner, Location, RelatedPerson. Refused: a claim without a number, a total or a
patient.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trivet.contracts.record import Notice, Record, Span
from trivet.integration.formats.x12 import naming
from trivet.integration.formats.x12.fill import Filler
from trivet.integration.formats.x12.slots import Slot
from trivet.integration.formats.x12.walk import Step
from trivet.integration.valid import Derived
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Rejected

__all__ = ["ClaimFiller"]

CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
PRIORITY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/processpriority", "code": "normal"}]}
ROLE = "http://terminology.hl7.org/CodeSystem/claimcareteamrole"
ROLES = {"rendering": "primary", "supervising": "supervisor"}
VOID = "8"  # CLM05-3: the claim takes back an earlier one
OWN_ROLE = "urn:trivet:x12:care-team-role"


class ClaimFiller(Filler):
    """Fills the records of one 837 set."""

    heeds = ("supportingInfo", "item")

    def slot(self, name: str) -> Slot:
        """Claim by 2300, patient and coverage by the hierarchical level that is open."""
        if name == "claim":
            return self.at("claim", self.open.get("2300", 0), self.slots.get(("claim", 0)))
        if name == "patient":
            return self.at("patient", self.open["2000C"]) if "2000C" in self.open else self.at("subscriber", self.open.get("2000B", 0))
        if name == "coverage":
            outer = self.open.get("2000B", 0)
            return self.at("coverage", self.open.get("2000C", outer), self.slots.get(("coverage", outer)))
        return self.at(name, self.open.get("2000A" if name == "billing" else "2320", 0))

    def party_slot(self, name: str, step: Step) -> Slot:
        """Persons and payer belong to their hierarchical level; all others to their own loop."""
        level = {"subscriber": "2000B", "payer": "2000B", "patient": "2000C", "billing": "2000A"}.get(name)
        slot = self.at(name, self.open.get(level, 0) if level else step.instance)
        if name in ("othersubscriber", "otherpayer"):
            self.slot("othercoverage").links[name] = slot
        elif name in ("careteam", "facility", "pickup", "dropoff") and "2300" in self.open:
            self.slot("claim").parties.append(slot)
            slot.links["claim"] = self.slot("claim")
            slot.line = self.open.get("2400", 0)
        return slot

    def opened(self, step: Step) -> None:
        """A claim takes with it who is who at the time it begins."""
        if step.loop == "2300":
            claim = self.slot("claim")
            level = {"subscriber": "2000B", "payer": "2000B", "billing": "2000A"}
            claim.links = {
                name: found for name, loop in level.items() if (found := self.slots.get((name, self.open.get(loop, 0)))) is not None
            }
            claim.links |= {"patient": self.slot("patient"), "coverage": self.slot("coverage")}
            claim.offset, claim.length = step.segment.start, step.segment.end - step.segment.start
        elif step.loop == "2320" and "2300" in self.open:
            self.slot("claim").parties.append(self.slot("othercoverage"))

    def placed(self, slot: Slot, path: str) -> None:
        """What a service line adds to the claim is pointed to from the line."""
        if slot.name == "claim" and path.startswith("supportingInfo[") and "2400" in self.open:
            item = slot.resource["item"][slot.labels["item", ("2400", self.open["2400"], -2)]] if self._line(slot) else None
            number = int(path[15 : path.index("]")]) + 1
            if item is not None and number not in item.setdefault("informationSequence", []):
                item["informationSequence"].append(number)
                slot.trail.append(("line", slot.labels["item", ("2400", self.open["2400"], -2)]))

    def heeding(self) -> bool:
        """Only a service line is pointed from."""
        return "2400" in self.open

    def _line(self, slot: Slot) -> bool:
        return ("item", ("2400", self.open["2400"], -2)) in slot.labels

    # ------------------------------------------------------------ records

    def records(self, whole: bool) -> tuple[list[Record], list[Rejected]]:
        """The records of the set. `whole`: also those of the levels above the persons, which the set's own unit says."""
        records: list[Record] = []
        rejects: list[Rejected] = []
        for slot in list(self.order):
            if slot.name == "claim" and "patient" in slot.links:
                made = self._claim(slot)
                rejects += [made] if isinstance(made, Rejected) else []
                records += [] if isinstance(made, Rejected) else made
        seen = {record.key for record in records}
        if whole:
            above = ("submitter", "receiver", "billing", "payto", "paytoplan")
            records += [naming.party(self.profile, slot) for slot in self.order if slot.name in above and slot.spans]
        return records + self._persons(seen), rejects

    def _persons(self, seen: set[str]) -> list[Record]:
        """Subscribers, payers and coverage of levels without a claim of their own: they are told once, with or without claims."""
        records = []
        for (name, instance), slot in self.slots.items():
            if name == "subscriber" and slot.spans:
                records.append(naming.party(self.profile, slot))
            elif name == "patient" and slot.spans:
                holder = self._holder(instance)
                records.append(naming.party(self.profile, slot, holder))
            elif name == "payer" and slot.spans:
                records.append(naming.party(self.profile, slot))
            elif name == "responsible" and slot.spans:
                patient = self._holder(instance)
                more = {"patient": naming.point(self.profile, patient)} if patient is not None else {"patient": naming.absent()}
                records.append(naming.record(self.profile, slot, None, **more))
        return [record for record in records if record.key not in seen]

    def _holder(self, instance: int) -> Slot | None:
        """The subscriber above a dependent: the last one opened before."""
        above = [number for name, number in self.slots if name == "subscriber" and number < instance]
        return self.slots["subscriber", max(above)] if above else None

    def _claim(self, slot: Slot) -> list[Record] | Rejected:
        patient, subscriber = slot.links["patient"], slot.links.get("subscriber")
        number = next((one.get("value", "") for one in slot.resource.get("identifier", []) if one.get("system", "").endswith("/claim")), "")
        if not number or "total" not in slot.resource:
            return self.refuse("x12-claim", "a claim needs a number and a total", "2300/CLM", slot)
        if not patient.spans:
            return self.refuse("x12-no-patient", "the claim names no patient", "2300/CLM", slot)
        holder = subscriber if subscriber is not patient else None
        spans, told = list(slot.spans), slot.follows()
        resource: dict[str, Any] = {
            "resourceType": "Claim",
            "id": record_id(self.profile.source, "Claim", number),
            "status": "active",
            "type": {"coding": [{"system": CLAIM_TYPE, "code": self.guide.kind}]},
            "use": "claim",
            "patient": naming.point(self.profile, patient, holder),
            "priority": PRIORITY,
            **{name: value for name, value in slot.resource.items() if name != "total"},
        }
        infos = slot.resource.get("supportingInfo", [])
        codes = {(naming.code_of(one.get("category", {})), naming.code_of(one.get("code", {}))) for one in infos}
        if ("frequency", VOID) in codes:
            resource["status"] = "cancelled"
        spans += [span._replace(path="id", rule="x12/id") for span in slot.spans if span.path == "identifier[0].value"]
        for name, role in (("insurer", "payer"), ("provider", "billing")):
            party = slot.links.get(role)
            resource[name], more = naming.refer(self.profile, party, name) if party is not None else (naming.absent(), [])
            spans += more
        if "created" not in resource:
            resource["_created"] = naming.absent()
        records = [naming.party(self.profile, patient, holder)]
        records += self._coverages(slot, resource, spans, patient, holder)
        records += self._providers(slot, resource, spans)
        for name in ("supportingInfo", "diagnosis", "procedure", "item"):
            for count, item in enumerate(resource.get(name, []), 1):
                item.setdefault("sequence", count)
                if name == "item":
                    item.setdefault("productOrService", naming.absent())
        resource["total"] = slot.resource["total"]
        self._balance(slot, resource)
        # Its shape follows from the claim, from who is referred to, and from where the parties stand.
        places = [(one.name, one.role, naming.follows(one), self._item(slot, one), bool(one.spans)) for one in slot.parties]
        links = [naming.follows(slot.links.get(role)) for role in ("payer", "billing")]
        basis = self.profile.base, resource["status"], self.guide.kind, told, *links, *places
        return [Derived(resource, tuple(spans), basis), *records]

    def _coverages(self, slot: Slot, claim: dict[str, Any], spans: list[Span], patient: Slot, holder: Slot | None) -> list[Record]:
        """The destination payer's coverage, focal, then the others."""
        records = []
        insurance = claim.setdefault("insurance", [{}])
        own = self.coverage(slot.links["coverage"], patient, holder, slot.links.get("payer"))
        records.append(own)
        insurance[0].update({"sequence": 1, "focal": True, "coverage": {"reference": own.key}})
        payer = slot.links.get("payer")
        records += [naming.party(self.profile, payer)] if payer is not None and payer.spans else []
        for other in [party for party in slot.parties if party.name == "othercoverage"]:
            payer, subscriber = other.links.get("otherpayer"), other.links.get("othersubscriber")
            found = self.coverage(other, patient, holder, payer, subscriber)
            records += [found, *([naming.party(self.profile, payer)] if payer is not None else [])]
            insurance.append({"sequence": len(insurance) + 1, "focal": False, "coverage": {"reference": found.key}})
        return records

    def coverage(self, slot: Slot, patient: Slot, holder: Slot | None, payer: Slot | None, other: Slot | None = None) -> Record:
        """A Coverage: whose, with which payer, under which number. The number of another payer's subscriber is only told here."""
        subscriber = other or holder or patient
        place, system, value = naming.key_of(subscriber)
        spans = list(slot.spans)
        group = next((one.get("value", "") for one in slot.resource.get("class", [])), "")
        words = (naming.key_of(payer)[2] if payer is not None else "", system, value, group)
        resource: dict[str, Any] = {
            "resourceType": "Coverage",
            "id": record_id(self.profile.source, "Coverage", *words, naming.person_id(self.profile, patient, holder)),
            "status": "active",
            **slot.resource,
            "beneficiary": naming.point(self.profile, patient, holder),
        }
        if place >= 0:
            resource["subscriberId"] = value
            found = [span for span in subscriber.spans if span.path == f"identifier[{place}].value"]
            spans += [span._replace(path="subscriberId", rule="x12/subscriber") for span in found]
            spans += [span._replace(path="id", rule="x12/id") for span in found]
        if other is None:
            resource["subscriber"] = naming.point(self.profile, subscriber)
        else:
            names = other.resource.get("name", [])[:1]
            resource["extension"] = [{"url": "urn:trivet:x12:subscriber", "valueHumanName": name} for name in names]
            spans += [
                span._replace(path=f"extension[0].valueHumanName{span.path[7:]}", rule="x12/subscriber")
                for span in other.spans
                if span.path.startswith("name[0].")
            ]
        resource["payor"] = [naming.absent()]
        if payer is not None:
            reference, more = naming.refer(self.profile, payer, "payor[0]")
            resource["payor"] = [reference]
            spans += more
        basis = self.profile.base, slot.follows(), place >= 0, subscriber.follows(), naming.follows(payer), naming.follows(other)
        return Derived(resource, tuple(spans), basis)

    def _providers(self, slot: Slot, claim: dict[str, Any], spans: list[Span]) -> list[Record]:
        """Care team and places, of the claim and of its lines."""
        records = []
        for party in slot.parties:
            if party.name == "othercoverage" or not party.spans:
                continue
            records.append(naming.party(self.profile, party))
            line = self._item(slot, party)
            item = claim["item"][line] if line is not None else None
            if party.name != "careteam":
                self._place(claim, item, party)
                continue
            team = claim.setdefault("careTeam", [])
            role = ROLES.get(party.role)
            coding = {"system": ROLE, "code": role} if role else {"system": OWN_ROLE, "code": party.role}
            team.append({"sequence": len(team) + 1, "provider": naming.point(self.profile, party), "role": {"coding": [coding]}})
            if item is not None:
                item.setdefault("careTeamSequence", []).append(len(team))
        return records

    def _item(self, claim: Slot, party: Slot) -> int | None:
        """The service line of a claim in whose loop a party stands."""
        return claim.labels.get(("item", ("2400", party.line, -2))) if party.line else None

    def _place(self, claim: dict[str, Any], item: dict[str, Any] | None, party: Slot) -> None:
        reference = naming.point(self.profile, party)
        if item is not None:
            item.setdefault("locationReference", reference)
        elif party.name == "facility":
            claim.setdefault("facility", reference)
        else:
            extension = {"url": f"urn:trivet:x12:{party.name}", "valueReference": reference}
            claim.setdefault("extension", []).append(extension)

    def _balance(self, slot: Slot, claim: dict[str, Any]) -> None:
        """The lines must add up to the claim (the total claim charge amount, CLM02)."""
        lines = [item.get("net", {}).get("value") for item in claim.get("item", [])]
        if lines and all(isinstance(line, Decimal) for line in lines) and sum(lines) != claim["total"]["value"]:
            at = next(span for span in slot.spans if span.path == "total.value")
            self.notices.append(Notice("unbalanced", "x12/837", "claim-total", at.locator, at.offset, at.length))
