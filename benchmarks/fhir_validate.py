"""FHIR validation: resources and megabytes a second from their bytes, and how many planted breaks are found, against `fhir.resources`.

The peer works in an environment of its own: `python -m venv peer && peer/bin/pip install "fhir.resources==8.3.0"`, then
`TRIVET_PEER_FHIR=peer/bin/python python benchmarks/fhir_validate.py`. CPU time, the two taking turns over the same texts:

- small: five types, about 400 bytes each; ids, names and numbers differ from one to the next
- hospital: the EHR export of the sample hospital of 100 persons, resource by resource
- patient: one of 4.6 kB with narrative, extensions, identifiers, contacts, each with its own words
- synthea: bundles of others, resource by resource, where TRIVET_CORPORA names a folder that has them

Ours remembers verdicts on small elements, so each set is timed twice: on resources that the process meets for the first time (after
others of the same types), and again on the same; what it remembers is forgotten before each of three rounds. Best of three of all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from trivet.integration.validation import Validator
from trivet.integration.validation.validator import swift
from trivet.testing.hospital import generate

COUNT = 1500
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Seen and well.</p></div>'
PEER = """
import json, sys, time
from fhir.resources.R4B import get_fhir_model_class
models = {}
def judge(kind, text):
    try:
        models[kind].model_validate_json(text)
        return 0
    except Exception:
        return 1
for line in sys.stdin:
    rows = json.loads(line)
    models |= {kind: get_fhir_model_class(kind) for kind in {row[0] for row in rows} - set(models)}
    start = time.process_time()
    refused = [judge(kind, text) for kind, text in rows]
    print(json.dumps([time.process_time() - start, refused]), flush=True)
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


def patient(number: int) -> dict[str, Any]:
    """A Patient of about 4.6 kB; whatever is a person's is this person's alone."""
    us_core, base = "http://hl7.org/fhir/us/core/StructureDefinition/", "http://hl7.org/fhir/StructureDefinition/"
    races = (("2106-3", "White"), ("2054-5", "Black or African American"), ("2028-9", "Asian"))
    code, race = races[number % 3]
    omb = {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": race}
    words = f"Person {number}, seen {number % 28 + 1} times"
    return {
        "resourceType": "Patient", "id": f"p{number}",
        "meta": {"versionId": str(number % 9 + 1), "lastUpdated": f"2026-02-{number % 28 + 1:02d}T10:{number % 60:02d}:00.000+00:00",
                 "profile": [us_core + "us-core-patient"]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><table class="grid"><tbody>' + "".join(
            f"<tr><td>{name}</td><td><b>{words}</b>, line {row}</td></tr>"
            for row, name in enumerate(("Name", "Address", "Contact", "Seen"))
        ) + "</tbody></table></div>"},
        "extension": [
            {"url": us_core + "us-core-race",
             "extension": [{"url": "ombCategory", "valueCoding": omb}, {"url": "text", "valueString": race}]},
            {"url": base + "patient-mothersMaidenName", "valueString": f"Maiden{number}"},
            {"url": us_core + "us-core-birthsex", "valueCode": "F"},
            {"url": base + "patient-birthPlace", "valueAddress": {"city": f"Town{number}", "country": "US"}},
        ],
        "identifier": [
            {"use": use, "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": kind}], "text": kind},
             "system": f"urn:oid:2.16.840.1.113883.19.{place}", "value": f"{number}-{place}",
             "period": {"start": f"20{number % 20 + 10}-01-01"}, "assigner": {"display": "North Hospital"}}
            for place, (use, kind) in enumerate((("usual", "MR"), ("official", "SS"), ("secondary", "DL"), ("secondary", "PPN")))
        ],
        "active": True,
        "name": [{"use": "official", "family": f"Okafor{number}", "given": [f"Adaeze{number}", "N"], "prefix": ["Ms."]},
                 {"use": "maiden", "family": f"Maiden{number}", "given": [f"Adaeze{number}"], "period": {"end": "2002-05"}}],
        "telecom": [{"system": "phone", "value": f"555 {number:07d}", "use": use, "rank": rank}
                    for rank, use in enumerate(("home", "work", "mobile"), 1)],
        "gender": "female", "birthDate": f"19{number % 60 + 30}-0{number % 9 + 1}-1{number % 10}", "deceasedBoolean": False,
        "address": [{"use": use, "type": "both", "text": f"{number} {street}, Salem", "line": [f"{number} {street}"],
                     "city": "Salem", "district": "Marion", "state": "OR", "postalCode": f"97{number % 1000:03d}", "country": "US",
                     "period": {"start": "2012-03-04", "end": "2031-01-01"}}
                    for use, street in (("home", "Larch Way"), ("work", "Oak St"))],
        "maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}], "text": "M"},
        "multipleBirthInteger": 2,
        "contact": [
            {"relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}]}],
             "name": {"family": f"Okafor{number}", "given": [given]}, "telecom": [{"system": "phone", "value": f"556 {number:07d}"}],
             "address": {"line": [f"{number} Larch Way"], "city": "Salem"}, "gender": "male", "period": {"start": "2012"}}
            for given in ("Chidi", "Emeka")
        ],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en-US"}], "text": "English"}, "preferred": True}],
        "generalPractitioner": [{"reference": f"Practitioner/d{number % 50}", "display": "Dr. Ray"}],
        "managingOrganization": {"reference": "Organization/north", "display": "North Hospital"},
    }  # fmt: skip


def texts(resources: list[dict[str, Any]]) -> list[bytes]:
    """As JSON on one line each, without blanks, as servers write NDJSON."""
    return [json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode() for one in resources]


def inside(raw: bytes) -> list[dict[str, Any]]:
    """A Bundle's resources, or those of NDJSON."""
    held = (
        [json.loads(line) for line in raw.splitlines()] if not raw.lstrip().startswith(b'{"resourceType":"Bundle"') else [json.loads(raw)]
    )
    return [one for outer in held for one in ([entry["resource"] for entry in outer["entry"]] if "entry" in outer else [outer])]


def sets() -> dict[str, tuple[list[bytes], list[bytes]]]:
    """Name -> (resources to begin with, resources that are timed)."""
    made = {
        "small": (texts([one for number in range(40) for one in sound(number)]),
                  texts([one for number in range(40, 40 + COUNT // 5) for one in sound(number)])),
        "patient": (texts([patient(number) for number in range(20)]), texts([patient(number) for number in range(20, 320)])),
    }  # fmt: skip
    feed = [one for delivery in generate(100) if delivery.source == "ehr" for one in inside(delivery.payload)]
    made["hospital"] = (texts(feed[0::3]), texts(feed[1::3] + feed[2::3]))
    folder = Path(os.environ.get("TRIVET_CORPORA", "")) / "synthea-fhir-r4-bundles"
    if os.environ.get("TRIVET_CORPORA") and folder.is_dir():
        others = [one["resource"] for file in sorted(folder.rglob("*.json")) for one in json.loads(file.read_bytes())["entry"]]
        made["synthea"] = (texts(others[0::2]), texts(others[1::2]))
    return made


def timed(judge: Validator, rows: list[bytes]) -> float:
    """Seconds of CPU for some texts."""
    start = time.process_time()
    for text in rows:
        judge.text(text)
    return time.process_time() - start


class Peer:
    """`fhir.resources` in a process of its own."""

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen([python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, rows: list[bytes]) -> tuple[float, list[int]]:
        """Seconds of CPU, and which texts it refuses."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        listed = [[json.loads(text)["resourceType"], text.decode()] for text in rows]
        self.process.stdin.write(json.dumps(listed) + "\n")
        self.process.stdin.flush()
        seconds, refused = json.loads(self.process.stdout.readline())
        return seconds, refused


def main() -> None:
    """Print rates and ratios of each set, and what each found of the breaks."""
    judge, bad, python = Validator(), broken(), os.environ.get("TRIVET_PEER_FHIR", "")
    peer = Peer(python) if python else None
    ours, other = 0.0, 0.0
    for name, (first, rows) in sets().items():
        news, size, theirs, again = [], sum(map(len, rows)), [], []
        for _ in range(3):
            swift.cache_clear()  # nothing is remembered
            judge = Validator()
            for _ in range(8):
                timed(judge, first)  # readers are made
            news.append(timed(judge, rows))
            again.append(timed(judge, rows))
            if peer is not None:
                theirs.append(peer.ask(rows)[0])
        new = min(news)
        line = (
            f"{name}: {len(rows)} of {size / len(rows):.0f} bytes; trivet {len(rows) / new:,.0f}/s, {size / new / 1e6:.0f} MB/s new to it; "
        )
        line += f"{len(rows) / min(again):,.0f}/s, {size / min(again) / 1e6:.0f} MB/s seen before"
        if theirs:
            ours, other = ours + new, other + min(theirs)
            line += f"; fhir.resources {len(rows) / min(theirs):,.0f}/s, {size / min(theirs) / 1e6:.1f} MB/s"
            line += f"; ratio {min(theirs) / new:.1f} and {min(theirs) / min(again):.1f}"
        print(line)
    if ours:
        print(f"all sets, new to it: {ours * 1000:.0f} ms against {other * 1000:.0f}; ratio {other / ours:.1f}")
    found = [any(one.is_error for one in judge.text(text)) for text in texts([one for _, one in bad])]
    good = [text for name, (first, rows) in sets().items() for text in first + rows if name != "synthea"]
    assert not any(one.is_error for text in good for one in judge.text(text)), "a sound resource was refused"
    print(f"planted breaks: trivet {sum(found)} of {len(bad)}")
    if peer is None:
        print("fhir.resources: not measured; install it in an environment of its own and set TRIVET_PEER_FHIR to its python")
        return
    refused = peer.ask(texts([one for _, one in bad]))[1]
    names = [name for (name, _), one in zip(bad, refused, strict=True) if not one]
    print(f"planted breaks: fhir.resources {sum(refused)} of {len(bad)}, not found by it: {', '.join(names)}")
    peer.process.terminate()


if __name__ == "__main__":
    sys.exit(main())
