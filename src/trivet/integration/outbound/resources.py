"""A decision as FHIR R4: RiskAssessment (or Observation), the Device that made it, and the Provenance that says so.

In: an occasion and how the person is called there. Out: plain resources. Labelled after HL7's AI Transparency guide: security label
AIAST on what the model asserted, Device.type Artificial-Intelligence, Provenance with the model as agent. Numbers keep their digits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trivet.contracts.outgoing import Occasion
from trivet.integration.outbound.identity import Named

__all__ = ["AIAST", "assessment", "decision_system", "device", "model_system", "provenance"]

Resource = dict[str, Any]
AI = "http://hl7.org/fhir/uv/aitransparency"
LABEL = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
AIAST = LABEL
STATUS = {"P": "preliminary", "F": "final", "C": "corrected", "X": "cancelled"}
ARTIFICIAL = {"coding": [{"system": f"{AI}/CodeSystem/AIdeviceTypeCS", "code": "Artificial-Intelligence"}]}


def decision_system(site: str) -> str:
    """The system of decision ids: they are unique within one site."""
    return f"urn:trivet:decision:{site}"


def model_system(site: str) -> str:
    """The system under which a model's manifest digest identifies it."""
    return f"urn:trivet:model:{site}"


def device(occasion: Occasion) -> Resource:
    """The model's version, identified by the digest of its manifest; the house itself where no model answered."""
    model = occasion.decision.model
    name, version, value = (model.name, model.version, model.digest) if model else ("trivet", "", "trivet")
    made: Resource = {
        "resourceType": "Device",
        "identifier": [{"system": model_system(occasion.site), "value": value}],
        "status": "active",
        "deviceName": [{"name": name, "type": "model-name"}],
        "type": ARTIFICIAL,
    }
    if version:
        made["modelNumber"] = f"{name}@{version}"
        made["version"] = [{"value": version}]
    return made


def assessment(occasion: Occasion, who: Named, kind: str, made_by: str) -> Resource:
    """The decision itself. `kind` is `RiskAssessment` or `Observation`, `made_by` the reference to its Device."""
    decision = occasion.decision
    subject = {"type": "Patient", "identifier": {"system": who.system, "value": who.value}}
    head: Resource = {
        "resourceType": kind,
        "meta": {"security": [LABEL]},
        "identifier": [{"system": decision_system(occasion.site), "value": decision.decision_id}],
        "status": STATUS[occasion.status],
    }
    if decision.prediction is None:
        head.pop("meta")  # nothing was asserted
    code = {"coding": [{"system": "urn:trivet:use", "code": decision.use}], "text": occasion.question or decision.use}
    notes = [{"text": text} for text in said(occasion)]
    if kind == "Observation":
        body = observed(occasion, {**head, "code": code, "subject": subject, "effectiveDateTime": decision.instant}, made_by)
        return {**body, **({"note": notes} if notes else {})}
    body = {**head, "code": code, "subject": subject, "occurrenceDateTime": decision.instant, "performer": {"reference": made_by}}
    if decision.prediction is not None:
        body["prediction"] = [foretold(occasion)]
    return {**body, **({"note": notes} if notes else {})}


def foretold(occasion: Occasion) -> Resource:
    """RiskAssessment.prediction: a probability as per cent (R4: at most 100), a score as its label with the number beside it."""
    prediction = occasion.decision.prediction
    assert prediction is not None
    told: Resource = {"outcome": {"text": occasion.question or occasion.decision.use}}
    value = Decimal(repr(prediction.value))
    if occasion.output == "probability":
        told["probabilityDecimal"] = plain(value * 100)
    told["qualitativeRisk"] = {"text": prediction.label}
    limit = "" if prediction.threshold is None else f"; threshold {plain(Decimal(repr(prediction.threshold)))}"
    told["rationale"] = f"value {plain(value)}{limit}"
    return told


def observed(occasion: Occasion, head: Resource, made_by: str) -> Resource:
    """Observation: the number with its unit, or why there is none."""
    body: Resource = {**head, "issued": occasion.at}
    prediction = occasion.decision.prediction
    if prediction is None:
        absent = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-performed"}
        return {**body, "dataAbsentReason": {"coding": [absent]}, "device": {"reference": made_by}}
    unit = "1" if occasion.output == "probability" else "{score}"
    body["valueQuantity"] = {"value": plain(Decimal(repr(prediction.value))), "system": "http://unitsofmeasure.org", "code": unit}
    body["interpretation"] = [{"text": prediction.label}]
    return {**body, "device": {"reference": made_by}}


def said(occasion: Occasion) -> list[str]:
    """Reasons of an answer, or why there is none and what to do instead; and what it takes the place of."""
    withheld, prediction = occasion.decision.withheld, occasion.decision.prediction
    lines = [f"Takes the place of decision {occasion.earlier}."] if occasion.earlier else []
    if withheld is not None:
        return [*lines, f"No answer: {', '.join(withheld.failed) or withheld.reason}. Instead: {withheld.instead}"]
    if prediction is not None and prediction.reasons:
        lines.append("Because: " + "; ".join(f"{name} {weight:+.3g} ({how})" for name, weight, how in prediction.reasons[:5]))
    return lines


def provenance(occasion: Occasion, target: str, made_by: str) -> Resource:
    """Who made it: AI Transparency's Provenance, and, for a correction, which decision it revises."""
    typed = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    made: Resource = {
        "resourceType": "Provenance",
        "target": [{"reference": target}],
        "recorded": occasion.at,
        "reason": [{"coding": [LABEL]}],
        "activity": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": "CREATE"}]},
        "agent": [{"type": {"coding": [{"system": typed, "code": "author"}]}, "role": [ARTIFICIAL], "who": {"reference": made_by}}],
    }
    if occasion.earlier:
        earlier = {"identifier": {"system": decision_system(occasion.site), "value": occasion.earlier}}
        made["activity"]["coding"][0]["code"] = "UPDATE"
        made["entity"] = [{"role": "revision", "what": earlier}]
    return made


def plain(value: Decimal) -> Decimal:
    """The same number without an exponent and without zeros that say nothing."""
    text = format(value, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
