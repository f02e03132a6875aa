"""What goes out as FHIR is FHIR: our own validator judges every resource, and HL7's AI Transparency guide finds what it asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from outgoing_ward import SYSTEM, patient
from trivet.contracts.decision import DecisionRecord
from trivet.contracts.outgoing import Occasion
from trivet.contracts.prediction import ModelRef, Prediction, Withheld
from trivet.integration.outbound.identity import named
from trivet.integration.outbound.notification import Happened, bundle, readable
from trivet.integration.outbound.resources import assessment, device, provenance
from trivet.integration.outbound.subscriptions import Client, Subscription, read_subscription, topics
from trivet.kernel.errors import Rejected
from trivet.kernel.jsontext import dumps
from trivet.wiring.validate import validate_paths

AT = "2026-03-01T08:00:00.000000Z"
MODEL = ModelRef("readmit-gb", "1", "a" * 64)
SAID = Prediction(MODEL, 0.07, "3fb1eb851eb851ec", "high", 0.2, (("stays", 0.5, "points"),))
NAMES = ("D-000007", "readmission", "p-1", AT, AT, 3, "north", "clinician", "treatment", "scored", "active", None, ())
RECORD = DecisionRecord(*NAMES, MODEL, prediction=SAID)
NONE = replace(RECORD, outcome="withheld", model=None, prediction=None, withheld=Withheld("suspended", ("suspended",), "Use the form."))
ISSUED = Occasion(
    "x", 1, "0123456789abcdef0123", "issued", "F", "D-000007", "", AT, "north", RECORD, "Back?", "probability", (patient("p-1"),)
)
OCCASIONS = {
    "issued": ISSUED,
    "score": replace(ISSUED, output="score"),
    "corrected": replace(ISSUED, event="corrected", status="C", earlier="D-000003", thread="D-000003"),
    "withheld": replace(ISSUED, event="withheld", status="X", decision=NONE),
}


def judged(folder: Path, *resources: dict[str, Any]) -> list[dict[str, Any]]:
    """What the validator finds, errors only."""
    for number, resource in enumerate(resources):
        (folder / f"{number}.json").write_bytes(dumps(resource))
    report = validate_paths([folder])
    assert report.resources == len(resources)
    return [one for one in report.findings if one["severity"] in ("error", "fatal")]


@pytest.mark.parametrize("name", sorted(OCCASIONS))
@pytest.mark.parametrize("kind", ["RiskAssessment", "Observation"])
def test_every_resource_is_valid(tmp_path: Path, name: str, kind: str) -> None:
    """Answer, Device, Provenance, and a notification with the whole resource: no error by the validator, for every kind of event."""
    occasion = OCCASIONS[name]
    who = named(occasion.patients, SYSTEM)
    assert not isinstance(who, Rejected)
    whole = readable(occasion, SYSTEM)
    assert isinstance(whole, dict)
    one = Subscription("sub-1", "c", topics()[0]["topic"], "issued", "*", "active", "", "full-resource", 0, 0, "", AT, "")
    said = bundle(one, "http://127.0.0.1/fhir", "event-notification", AT, 1, [Happened(1, AT, "D-000007", whole)])
    made = [assessment(occasion, who, kind, "Device/1"), device(occasion), provenance(occasion, f"{kind}/1", "Device/1"), whole, said]
    assert judged(tmp_path, *made) == []


def test_labels_of_ai_transparency() -> None:
    """AIAST on what was asserted and on nothing else; the Device's type; the Provenance's reason, agent, role; digits of the number."""
    who = named(ISSUED.patients, SYSTEM)
    assert not isinstance(who, Rejected)
    made = json.loads(dumps(assessment(ISSUED, who, "RiskAssessment", "Device/1")))
    assert made["meta"]["security"][0]["code"] == "AIAST"
    assert "meta" not in assessment(OCCASIONS["withheld"], who, "RiskAssessment", "Device/1")
    assert b'"probabilityDecimal":7,' in dumps(assessment(ISSUED, who, "RiskAssessment", "Device/1"))
    assert "probabilityDecimal" not in json.dumps(json.loads(dumps(assessment(OCCASIONS["score"], who, "RiskAssessment", "Device/1"))))
    said = provenance(OCCASIONS["corrected"], "RiskAssessment/1", "Device/1")
    assert said["reason"][0]["coding"][0]["code"] == "AIAST"
    assert said["agent"][0]["role"][0]["coding"][0]["code"] == "Artificial-Intelligence"
    assert said["entity"][0]["what"]["identifier"]["value"] == "D-000003"
    assert device(ISSUED)["identifier"][0]["value"] == MODEL.digest


def test_the_codes_are_those_of_the_guide(corpora: Path) -> None:
    """The code of the device type and the base of its system stand in the guide's own sources."""
    text = (corpora / "ai-transparency-fhir/input/fsh/AIDevice.fsh").read_text()
    coding = device(ISSUED)["type"]["coding"][0]
    assert f"#{coding['code']} " in text
    assert f"CodeSystem: {coding['system'].rpartition('/')[2]}" in text
    canonical = next(
        line for line in (corpora / "ai-transparency-fhir/sushi-config.yaml").read_text().splitlines() if line.startswith("canonical:")
    )
    assert coding["system"].startswith(canonical.split()[1])


def test_filters_of_a_subscription() -> None:
    """All filters hold together, within what the client may hear of; nothing left is refused."""
    base = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
    client = Client("c", "https://x/y", ("readmission", "deterioration"), "id-only")

    def asked(*filters: str) -> Subscription | Rejected:
        channel = {"type": "rest-hook", "endpoint": "https://x/y/z", "payload": "application/fhir+json"}
        channel |= {"_payload": {"extension": [{"url": f"{base}/backport-payload-content", "valueCode": "id-only"}]}}
        held = {"resourceType": "Subscription", "reason": "r", "criteria": topics()[0]["topic"], "channel": channel}
        held["_criteria"] = {"extension": [{"url": f"{base}/backport-filter-criteria", "valueString": one} for one in filters]}
        return read_subscription(held, client, AT)

    for filters, uses in (((), "deterioration,readmission"), (("RiskAssessment?use=readmission,other",), "readmission")):
        made = asked(*filters)
        assert isinstance(made, Subscription)
        assert made.uses == uses
    assert isinstance(asked("RiskAssessment?use=readmission", "RiskAssessment?use=deterioration"), Rejected)
    assert isinstance(asked("RiskAssessment?use=other"), Rejected)
