"""835: one ExplanationOfBenefit per claim payment, one PaymentReconciliation per remittance, and who pays whom.

Out: ExplanationOfBenefit, Patient, Practitioner or Organization (who rendered), PaymentReconciliation, Organization (payer, payee).
Noticed: a line, a claim or a payment that does not add up (the balancing of the 835, section 1.10.2 of its guides).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trivet.contracts.record import Notice, Record, Span
from trivet.integration.formats.x12 import naming
from trivet.integration.formats.x12.fill import Filler
from trivet.integration.formats.x12.slots import Slot
from trivet.integration.formats.x12.tokens import Segment
from trivet.integration.formats.x12.values import Doubt, number
from trivet.integration.formats.x12.walk import Step
from trivet.integration.valid import Derived
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Rejected

__all__ = ["RemittanceFiller"]

REVERSAL = "22"
ZERO = Decimal(0)


class RemittanceFiller(Filler):
    """Fills the records of one 835 set. `complete`: all claims of the payment are here, or at least their amounts."""

    complete = False
    mixed = frozenset({"2100"})

    def slot(self, name: str) -> Slot:
        """Everything but the payment belongs to the claim that is open."""
        if name == "payment":
            return self.at("payment", 0)
        return self.at(name, self.open.get("2100", 0), self.slots.get((name, 0)) if name == "eob" else None)

    def opened(self, step: Step) -> None:
        """A claim payment begins."""
        if step.loop == "2100":
            benefit = self.slot("eob")
            benefit.offset, benefit.length = step.segment.start, step.segment.end - step.segment.start

    def _party(self, step: Step) -> Slot | None:
        """In 2100 the parties share one loop: who renders is told by NM102."""
        if step.loop == "2100" and step.segment.name == "NM1" and step.segment.value(1) in ("82", "QC", "IL"):
            kind = "practitioner" if step.segment.value(2) == "1" else "organization"
            name = {"82": "careteam", "QC": "patient", "IL": "subscriber"}[step.segment.value(1)]
            self.slot(name).kind = kind if name == "careteam" else "person"
        return super()._party(step)

    def records(self, whole: bool) -> tuple[list[Record], list[Rejected]]:
        """The records of the set. `whole`: also the payment and its parties, which the set's own unit says."""
        records: list[Record] = []
        rejects: list[Rejected] = []
        for (name, instance), slot in list(self.slots.items()):
            if name == "eob" and instance:
                made = self._benefit(slot, instance)
                rejects += [made] if isinstance(made, Rejected) else []
                records += [] if isinstance(made, Rejected) else made
        if whole:
            payment = self.slots.get(("payment", 0))
            records += [self._payment(payment)] if payment is not None and "paymentAmount" in payment.resource else []
            records += [naming.record(self.profile, slot) for slot in self.order if slot.name in ("payer", "payee") and slot.spans]
        return records, rejects

    def _first(self, name: str) -> Slot | None:
        return next((slot for slot in self.order if slot.name == name and slot.spans), None)

    def _benefit(self, slot: Slot, instance: int) -> list[Record] | Rejected:
        resource = slot.resource
        claim = next((one.get("value", "") for one in resource.get("identifier", []) if one.get("system", "").endswith("/claim")), "")
        if not claim or len([one for one in resource.get("total", []) if "amount" in one]) < 2:
            return self.refuse("x12-claim", "a claim payment needs a number, a charge and a payment", "2100/CLP", slot)
        patient = self.slots.get(("patient", instance))
        if patient is None or not patient.spans:
            return self.refuse("x12-no-patient", "the claim payment names no patient", "2100/CLP", slot)
        patient.kind = "person"
        subscriber = self.slots.get(("subscriber", instance))
        payer, payee, careteam = self._first("payer"), self._first("payee"), self.slots.get(("careteam", instance))
        spans, told = list(slot.spans), slot.follows()
        infos = resource.get("supportingInfo", [])
        statuses = [naming.code_of(one.get("code", {})) for one in infos if naming.code_of(one.get("category", {})) == "claimstatus"]
        reversal = REVERSAL in statuses
        number_of_payer = next(
            (one.get("value", "") for one in resource["identifier"] if one.get("system", "").endswith("/payerclaim")), ""
        )
        trace = resource.get("payment", {}).get("identifier", {}).get("value", "")
        made: dict[str, Any] = {
            "resourceType": "ExplanationOfBenefit",
            "id": record_id(self.profile.source, "ExplanationOfBenefit", claim, number_of_payer, trace, "reversal" if reversal else ""),
            "status": "cancelled" if reversal else "active",
            **resource,
            "use": "claim",
            "patient": naming.point(self.profile, patient, subscriber),
            "outcome": "complete",
            "claim": {"reference": f"Claim/{record_id(self.profile.source, 'Claim', claim)}"},
        }
        made["type"] = resource.get("type") or naming.absent()
        if "created" not in made and "date" in made.get("payment", {}):
            made["created"] = made["payment"]["date"]
            spans += [Span("created", *span[1:]) for span in slot.spans if span[0] == "payment.date"]
        elif "created" not in made:
            made["_created"] = naming.absent()
        for name, party in (("insurer", payer), ("provider", payee)):
            made[name], more = naming.refer(self.profile, party, name) if party is not None else (naming.absent(), [])
            spans += more
        for span in slot.spans:
            if span[0] == "identifier[0].value":
                spans += [Span("id", *span[1:4], "x12/id"), Span("claim.reference", *span[1:4], "x12/reference")]
        made["insurance"] = [{"focal": True, "coverage": self._coverage(patient, subscriber, payer)}]
        for name in ("supportingInfo", "item"):
            for count, item in enumerate(made.get(name, []), 1):
                item.setdefault("sequence", count)
                if name == "item":
                    item.setdefault("productOrService", naming.absent())
        records = [naming.party(self.profile, patient, subscriber)]
        if careteam is not None and careteam.spans:
            records.append(naming.party(self.profile, careteam))
            made["careTeam"] = [{"sequence": 1, "provider": naming.point(self.profile, careteam)}]
        # Its shape follows from the claim payment and from who is referred to.
        parties = [naming.follows(one) for one in (payer, payee, patient, subscriber, careteam)]
        cares = careteam is not None and bool(careteam.spans), subscriber is not None and bool(subscriber.spans)
        return [Derived(made, tuple(spans), (self.profile.base, reversal, told, *cares, *parties)), *records]

    def _coverage(self, patient: Slot, subscriber: Slot | None, payer: Slot | None) -> dict[str, Any]:
        """A remittance tells no coverage, only whose number with which payer: a logical reference."""
        place, system, value = naming.key_of(subscriber if subscriber is not None and subscriber.spans else patient)
        reference: dict[str, Any] = {"type": "Coverage"}
        if place >= 0:
            reference["identifier"] = {"system": system, "value": value}
        if payer is not None and isinstance(payer.resource.get("name"), str):
            reference["display"] = payer.resource["name"]
        return reference

    def _payment(self, slot: Slot) -> Record:
        payer, payee = self._first("payer"), self._first("payee")
        spans = list(slot.spans)
        identifier = slot.resource.get("paymentIdentifier", {}).get("value", "")
        resource: dict[str, Any] = {
            "resourceType": "PaymentReconciliation",
            "id": record_id(self.profile.source, "PaymentReconciliation", naming.key_of(payer)[2] if payer else "", identifier),
            "status": "active",
            **slot.resource,
            "outcome": "complete",
        }
        for name, other in (("created", "paymentDate"), ("paymentDate", "created")):
            if name not in resource and other in resource:
                resource[name] = resource[other]
                spans += [span._replace(path=name) for span in slot.spans if span.path == other]
            elif name not in resource:
                resource[f"_{name}"] = naming.absent()
        spans += [span._replace(path="id", rule="x12/id") for span in slot.spans if span.path == "paymentIdentifier.value"]
        for name, party in (("paymentIssuer", payer), ("requestor", payee)):
            if party is not None:
                resource[name], more = naming.refer(self.profile, party, name)
                spans += more
        return Record(resource, tuple(spans))

    # ------------------------------------------------------------ balance

    def balance(self, steps: list[Step], loose: list[Segment]) -> None:
        """Line, claim and payment must add up. `loose` are the stubs of claims that the set's unit keeps (status and amounts only)."""
        line: list[Step] = []
        claim: Step | None = None
        adjusted = ZERO
        paid = [self._number(stub, 4) for stub in loose]
        taken = ZERO
        for step in [*steps, None]:
            name = step[0][0] if step is not None else ""
            if line and (step is None or step.loop != "2110" or name == "SVC"):
                adjusted += self._line(line)
                line = []
            if claim is not None and (step is None or name in ("CLP", "LX", "PLB")):
                self._claim(claim, adjusted)
                claim = None
            if step is None:
                break
            if name == "CLP":
                claim, adjusted = step, ZERO
                paid.append(self._number(step.segment, 4))
            elif name == "CAS" and step.loop == "2100":
                adjusted += self._adjusted(step.segment)
            elif name == "PLB":
                taken += sum((self._number(step.segment, place) for place in range(4, 15, 2)), ZERO)
            elif step.loop == "2110":
                line.append(step)
        self._payment_balance(steps, paid, taken)

    def _number(self, segment: Segment, element: int) -> Decimal:
        """An amount; what is no number has been noticed already."""
        text = segment.value(element)
        try:
            return number(text) if text else ZERO
        except Doubt:
            return ZERO

    def _adjusted(self, segment: Segment) -> Decimal:
        adjusted = ZERO
        for place in range(3, min(19, len(segment.values)), 3):
            adjusted += self._number(segment, place)
        return adjusted

    def _line(self, line: list[Step]) -> Decimal:
        service, adjusted = line[0].segment, ZERO
        for step in line:
            if step[0][0] == "CAS":
                adjusted += self._adjusted(step[0])
        if self._number(service, 2) - adjusted != self._number(service, 3):
            self._unbalanced("line", line[0], 3)
        return adjusted

    def _claim(self, claim: Step, adjusted: Decimal) -> None:
        if self._number(claim.segment, 3) - adjusted != self._number(claim.segment, 4):
            self._unbalanced("claim", claim, 4)

    def _payment_balance(self, steps: list[Step], paid: list[Decimal], taken: Decimal) -> None:
        payment = next((step for step in steps if step.segment.name == "BPR"), None)
        if payment is None or not self.complete:
            return
        if sum(paid, ZERO) - taken != self._number(payment.segment, 2):
            self._unbalanced("payment", payment, 2)

    def _unbalanced(self, what: str, step: Step, element: int) -> None:
        value = step.segment.value(element)
        at = step.segment.place(element) if value else step.segment.start
        where = f"{step.loop}/{step.segment.name}-{element:02d}"
        self.notices.append(Notice("unbalanced", "x12/835", what, where, at, len(value) or 3))
