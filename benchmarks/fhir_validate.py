"""FHIR validation: resources a second from their bytes, and how many of the planted breaks are found, against `fhir.resources`.

The peer works in an environment of its own: `python -m venv peer && peer/bin/pip install "fhir.resources==8.3.0"`, then
`TRIVET_PEER_FHIR=peer/bin/python python benchmarks/fhir_validate.py`. CPU time of each process, best of three, over the same texts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from trivet.integration.validation import Validator

COUNT = 1500
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Seen and well.</p></div>'
PEER = """
import json, sys, time
from fhir.resources.R4B import get_fhir_model_class
rows = [json.loads(line) for line in sys.stdin]
models = {kind: get_fhir_model_class(kind) for kind in {row[0] for row in rows}}
def judge(kind, text):
    try:
        models[kind].model_validate_json(text)
        return 0
    except Exception:
        return 1
for kind, text in rows[:50]: judge(kind, text)
best = 1e9
for _ in range(3):
    start = time.process_time()
    refused = [judge(kind, text) for kind, text in rows]
    best = min(best, time.process_time() - start)
print(json.dumps([best, refused]))
"""


def sound(number: int) -> list[dict[str, Any]]:
    """Five resources that are right."""
    text, patient = {"status": "generated", "div": DIV}, {"reference": f"Patient/p{number}"}
    return [
        {
            "resourceType": "Patient", "id": f"p{number}", "text": text, "active": True, "gender": "female", "birthDate": "1971-05-01",
            "identifier": [{"use": "official", "system": "urn:oid:1.2.36.146.595.217.0.1", "value": str(number)}],
            "name": [{"use": "official", "family": "Okafor", "given": ["Adaeze", "N"]}],
            "telecom": [{"system": "phone", "value": "555 0100", "use": "home"}],
            "address": [{"line": ["2 Larch Way"], "city": "Salem", "postalCode": "97301", "country": "US"}],
        },
        {
            "resourceType": "Observation", "id": f"o{number}", "text": text, "status": "final", "subject": patient,
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
            "effectiveDateTime": "2026-02-28T10:00:00+01:00",
            "valueQuantity": {"value": 72.50, "unit": "beats/minute", "system": "http://unitsofmeasure.org", "code": "/min"},
            "referenceRange": [{"low": {"value": 60}, "high": {"value": 100}}],
        },
        {
            "resourceType": "Encounter", "id": f"e{number}", "text": text, "status": "finished", "subject": patient,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "period": {"start": "2026-02-28T09:00:00Z", "end": "2026-02-28T10:00:00Z"},
        },
        {
            "resourceType": "Condition", "id": f"c{number}", "text": text, "subject": patient, "onsetDateTime": "2020-01",
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "59621000"}], "text": "Hypertension"},
        },
        {
            "resourceType": "MedicationRequest", "id": f"m{number}", "text": text, "subject": patient,
            "status": "active", "intent": "order",
            "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "197361"}]},
            "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}],
        },
    ]  # fmt: skip


def broken() -> list[tuple[str, dict[str, Any]]]:
    """One break each, by name."""
    patient, observation, encounter, condition, request = sound(0)
    return [
        ("unknown element", {**patient, "colour": "red"}),
        ("missing element", {name: value for name, value in observation.items() if name != "code"}),
        ("two of a choice", {**observation, "valueString": "72"}),
        ("text for a number", {**observation, "valueQuantity": {"value": "72.5"}}),
        ("text for a boolean", {**patient, "active": "true"}),
        ("30 February", {**patient, "birthDate": "2026-02-30"}),
        ("bad id", {**patient, "id": "a_b"}),
        ("required code", {**observation, "status": "done"}),
        ("required concept", {**condition, "clinicalStatus": {"coding": [{"system": "http://snomed.info/sct", "code": "55561003"}]}}),
        ("code that is none", {**observation, "category": [{"coding": [{**observation["category"][0]["coding"][0], "code": "vitals"}]}]}),
        ("reference target", {**observation, "subject": {"reference": "Medication/m"}}),
        ("pat-1", {**patient, "contact": [{"gender": "female"}]}),
        ("obs-6", {**observation, "dataAbsentReason": {"text": "lost"}}),
        ("per-1", {**encounter, "period": {"start": "2026-02-28T11:00:00Z", "end": "2026-02-28T10:00:00Z"}}),
        ("ref-1", {**encounter, "serviceProvider": {"reference": "#o"}}),
        ("dom-3", {**patient, "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}]}),
        ("tim-2", {**request, "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": 1}}}]}),
        ("script in narrative", {**patient, "text": {"status": "generated", "div": DIV.replace("well", "<script>x</script>")}}),
        ("UCUM", {**observation, "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "mcg"}}),
        ("qty-3", {**observation, "valueQuantity": {"value": 1, "code": "/min"}}),
    ]


def main() -> None:
    """Print both rates, their ratio, and what each found."""
    good = [one for number in range(COUNT // 5) for one in sound(number)]
    bad = broken()
    texts = [json.dumps(one).encode() for one in [*good, *(one for _, one in bad)]]
    judge = Validator()
    refused = [any(one.is_error for one in judge.text(text)) for text in texts]
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        for text in texts:
            judge.text(text)
        best = min(best, time.process_time() - start)
    assert not any(refused[: len(good)]), "a sound resource was refused"
    found = sum(refused[len(good) :])
    print(f"trivet: {len(texts) / best:,.0f} resources/s; {found} of {len(bad)} planted breaks found")
    peer = os.environ.get("TRIVET_PEER_FHIR", "")
    if not peer:
        print("fhir.resources: not measured; install it in an environment of its own and set TRIVET_PEER_FHIR to its python")
        return
    rows = "\n".join(json.dumps([json.loads(text)["resourceType"], text.decode()]) for text in texts)
    done = subprocess.run([peer, "-c", PEER], input=rows, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"fhir.resources: {done.stderr.strip().splitlines()[-1]}")
    seconds, theirs = json.loads(done.stdout)
    names = [name for (name, _), one in zip(bad, theirs[len(good) :], strict=True) if not one]
    print(f"fhir.resources: {len(texts) / seconds:,.0f} resources/s; {sum(theirs[len(good) :])} of {len(bad)} found")
    print(f"  not found by it: {', '.join(names)}; sound resources refused by it: {sum(theirs[: len(good)])}")
    print(f"ratio: {seconds / best:.1f} times as many resources a second")


if __name__ == "__main__":
    main()
