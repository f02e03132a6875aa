"""834: members and what they are enrolled in; 820: what is paid for whom.

Out: Patient and Coverage per member and line of insurance, RelatedPerson, Practitioner (834); PaymentReconciliation and PaymentNotice
(820); Organization.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.record import Record
from trivet.integration.formats.x12 import naming
from trivet.integration.formats.x12.fill import Filler
from trivet.integration.formats.x12.slots import Slot
from trivet.integration.formats.x12.walk import Step
from trivet.kernel import jsontext
from trivet.kernel.digest import record_id, sha256
from trivet.kernel.errors import Rejected

__all__ = ["MemberFiller", "PremiumFiller"]

TERMINATED = "024"
BEGINS, ENDS = ("/x12/356", "/x12/348"), ("/x12/357", "/x12/349")


class MemberFiller(Filler):
    """Fills the records of one 834 set."""

    def slot(self, name: str) -> Slot:
        """Everything belongs to the member; a coverage to its line of insurance, with what is said of the member as a whole."""
        member = self.open.get("2000", 0)
        if name == "coverage" and "2300" in self.open:
            slot = self.at("coverage", self.open["2300"], self.slots.get(("coverage", member)))
            slot.line = member
            return slot
        slot = self.at(name, member, self.slots.get((name, 0)) if name == "coverage" and member else None)
        slot.line = member
        return slot

    def party_slot(self, name: str, step: Step) -> Slot:
        """A mailing address is the member's; other parties stand in their own loop, beside the member."""
        if name in ("member", "mailing"):
            return self.slot("member")
        slot = self.at(name, step.instance)
        slot.line = self.open.get("2000", 0)
        return slot

    def opened(self, step: Step) -> None:
        """A line of insurance is a coverage, also when the line says little."""
        if step.loop == "2300":
            self.slot("coverage")

    def records(self, whole: bool) -> tuple[list[Record], list[Rejected]]:
        """The records of the set. `whole`: also sponsor, payer and broker, which the set's own unit says."""
        records: list[Record] = []
        rejects: list[Rejected] = []
        split = {slot.line for (name, instance), slot in self.slots.items() if name == "coverage" and instance != slot.line}
        for (name, instance), slot in list(self.slots.items()):
            member = self.slots.get(("member", slot.line))
            if name == "coverage" and instance and not (instance == slot.line and instance in split):
                if member is None or not member.spans:
                    rejects.append(self.refuse("x12-no-patient", "the enrolment names no member", "2000/INS", slot))
                else:
                    records.append(self._coverage(slot, member))
            elif name == "member" and slot.spans:
                slot.kind = "person"
                records.append(self._member(slot))
            elif name == "guardian" and slot.spans and member is not None:
                records.append(naming.record(self.profile, slot, None, patient=naming.point(self.profile, member, self._number(member))))
            elif (name in ("careprovider", "employer") and slot.spans) or (whole and name in ("sponsor", "payer", "broker") and slot.spans):
                records.append(naming.record(self.profile, slot))
        return records, rejects

    def _number(self, member: Slot) -> Slot | None:
        """What names a member without a number of his own: the subscriber's number."""
        coverage = self.slots.get(("coverage", member.line))
        if coverage is None or "subscriberId" not in coverage.resource:
            return None
        system = f"{self.profile.base}/member"
        return Slot("number", "person", resource={"identifier": [{"system": system, "value": coverage.resource["subscriberId"]}]})

    def _member(self, member: Slot) -> Record:
        found = naming.record(self.profile, member, self._number(member))
        doctors = [slot for slot in self.order if slot.name == "careprovider" and slot.line == member.line and slot.spans]
        if doctors:
            found.resource["generalPractitioner"] = [naming.point(self.profile, doctor) for doctor in doctors]
        return found

    def _coverage(self, slot: Slot, member: Slot) -> Record:
        payer = next((found for found in self.order if found.name == "payer"), None)
        number = self._number(member)
        spans, resource = list(slot.spans), slot.resource
        group = next((one.get("value", "") for one in resource.get("class", [])), "")
        plan = naming.code_of(resource.get("type", {}))
        names = [one.get("value", "") for one in resource.get("class", []) if naming.code_of(one.get("type", {})) == "plan"]
        who = naming.person_id(self.profile, member, number)
        key = naming.key_of(payer)[2] if payer is not None else ""
        ended = any(one.get("valueCode") == TERMINATED for one in resource.get("extension", []))
        made: dict[str, Any] = {
            "resourceType": "Coverage",
            "id": record_id(self.profile.source, "Coverage", key, who, group, plan, *names),
            "status": "cancelled" if ended else "active",
            **resource,
            "beneficiary": naming.point(self.profile, member, number),
        }
        if "period" not in made:
            for word, endings in (("start", BEGINS), ("end", ENDS)):
                for place, one in enumerate(resource.get("extension", [])):
                    if one.get("url", "").endswith(endings) and "valueDate" in one and word not in made.get("period", {}):
                        made.setdefault("period", {})[word] = one["valueDate"]
                        old = f"extension[{place}].valueDate"
                        spans += [span._replace(path=f"period.{word}") for span in slot.spans if span.path == old]
        period = made.get("period", {})
        if period.get("end", "~") < period.get("start", ""):
            # per-1: an end before the beginning ended something earlier; it stays beside the period, as the source said it.
            made["period"] = {"start": period["start"]}
            held = made["extension"] = [*made.get("extension", []), {"url": f"{self.profile.base}/ended", "valueDate": period["end"]}]
            where = f"extension[{len(held) - 1}].valueDate"
            spans = [span._replace(path=where) if span.path == "period.end" else span for span in spans]
        reference, more = naming.refer(self.profile, payer, "payor[0]") if payer is not None else (naming.absent(), [])
        made["payor"] = [reference]
        sponsor = next((found for found in self.order if found.name == "sponsor"), None)
        if sponsor is not None:
            made["policyHolder"], some = naming.refer(self.profile, sponsor, "policyHolder")
            more = more + some
        return Record(made, tuple(spans + more))


class PremiumFiller(Filler):
    """Fills the records of one 820 set."""

    def slot(self, name: str) -> Slot:
        """A notice per remittance line, the payment for all."""
        if name == "payment":
            return self.at("payment", 0)
        slot = self.at(name, self.open.get("2300B", 0), self.slots.get((name, 0)))
        slot.line = self.open.get("2000B", 0)
        return slot

    def party_slot(self, name: str, step: Step) -> Slot:
        """A member belongs to the entity that is open."""
        return self.at(name, self.open.get("2000B", 0)) if name == "member" else self.at(name, step.instance)

    def records(self, whole: bool) -> tuple[list[Record], list[Rejected]]:
        """Notices and members; with `whole` also the payment and its parties."""
        records: list[Record] = []
        payment = self.slots.get(("payment", 0))
        trace = payment.resource.get("paymentIdentifier", {}).get("value", "") if payment is not None else ""
        payer = next((slot for slot in self.order if slot.name == "payer"), None)
        payee = next((slot for slot in self.order if slot.name == "payee"), None)
        key = naming.key_of(payer)[2] if payer is not None else ""
        paid = record_id(self.profile.source, "PaymentReconciliation", key, trace)
        for (name, instance), slot in list(self.slots.items()):
            if name == "member" and slot.spans:
                records.append(naming.record(self.profile, slot))
            elif name == "notice" and instance and "amount" in slot.resource:
                records.append(self._notice(slot, paid, payee))
            elif whole and name in ("payer", "payee") and slot.spans:
                records.append(naming.record(self.profile, slot))
        if whole and payment is not None and "paymentAmount" in payment.resource:
            dates = {} if "paymentDate" in payment.resource else {"_paymentDate": naming.absent()}
            head = {"resourceType": "PaymentReconciliation", "id": paid, "status": "active", "outcome": "complete"}
            resource = {**head, **payment.resource, **dates, "created": payment.resource.get("paymentDate", "")}
            if not resource["created"]:
                resource = {name: value for name, value in resource.items() if name != "created"} | {"_created": naming.absent()}
            spans = [*payment.spans, *(span._replace(path="created") for span in payment.spans if span.path == "paymentDate")]
            records.append(Record(resource, tuple(spans)))
        return records, []

    def _notice(self, slot: Slot, paid: str, payee: Slot | None) -> Record:
        member = self.slots.get(("member", slot.line))
        who = naming.person_id(self.profile, member, None) if member is not None else ""
        content = sha256(jsontext.dumps(slot.resource))
        resource: dict[str, Any] = {
            "resourceType": "PaymentNotice",
            "id": record_id(self.profile.source, "PaymentNotice", paid, who, content),
            "status": "active",
            **slot.resource,
            "payment": {"reference": f"PaymentReconciliation/{paid}"},
            "recipient": naming.point(self.profile, payee) if payee is not None else naming.absent(),
        }
        spans = list(slot.spans)
        if "paymentDate" in resource:
            resource["created"] = resource["paymentDate"]
            spans += [span._replace(path="created") for span in slot.spans if span.path == "paymentDate"]
        else:
            resource["_created"] = naming.absent()
        if member is not None:
            extension = {"url": "urn:trivet:x12:member", "valueReference": {"reference": f"Patient/{who}"}}
            resource["extension"] = [*resource.get("extension", []), extension]
        return Record(resource, tuple(spans))
