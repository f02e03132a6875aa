"""The quick way through the validator: whatever it answers is what the walk finds, for every type of resource and however it is broken."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.integration.validation import Options, Validator
from trivet.integration.validation.shape import Spec, shapes
from trivet.integration.validation.terms import terms
from trivet.kernel import jsontext

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">seen</div>'
CODINGS: list[dict[str, Any]] = [
    {"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"},
    {"system": "http://loinc.org", "code": "8867-5"},
    {"system": "http://snomed.info/sct", "code": "59621000"},
    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs", "display": "Vital Signs"},
    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs", "display": "other"},
    {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR", "display": "x"},
    {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"},
    {"system": "relative", "code": "x"},
    {"code": "x", "extension": [{"url": "http://a.test/x", "valueCode": "x"}]},
    {"display": "free"},
]
REFERENCES = [
    "Patient/1",
    "Group/g",
    "Practitioner/x-1",
    "Medication/m",
    "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
    "#c",
    "#",
    "Nobody/1",
]
REFERENCES += [
    "http://a.test/fhir/Patient/1",
    "http://a.test/fhir/Patient/1/_history/2",
    "Patient?identifier=1",
    "patient",
    "Observation/a b",
]
GOOD: dict[str, list[Any]] = {
    "base64Binary": ["AAEC", "aGVsbG8="],
    "boolean": [True, False],
    "canonical": ["http://a.test/x|1", "#q"],
    "code": ["x", "a b"],
    "date": ["2026-02-28", "2024-02-29", "1999", "2026-11"],
    "dateTime": ["2026-02-28T10:00:00Z", "2026-02-28T09:59:59.5+01:00", "2026-02", "2024-02-29", "2026-02-28T10:00:00+00:00"],
    "decimal": [0, 1.5, -2, 72.50, 120],
    "id": ["a-1", "B.2"],
    "instant": ["2026-02-28T10:00:00Z", "2015-02-07T13:28:17.239+02:00"],
    "integer": [0, 5, -3],
    "markdown": ["some *text*", "line\nline"],
    "oid": ["urn:oid:1.2.3"],
    "positiveInt": [1, 7],
    "string": ["text", "Åse", "a: b", 'say "x"', "two\nlines"],
    "time": ["10:00:00"],
    "unsignedInt": [0, 9],
    "uri": ["http://a.test/x", "urn:oid:1.2.3", "#frag"],
    "url": ["http://a.test/x", "mailto:a@a.test"],
    "uuid": ["urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"],
    "xhtml": [DIV, '<div xmlns="http://www.w3.org/1999/xhtml"><p class="a" id="b">x</p><a href="#b">y</a></div>', "<div>x</div>"],
}
ODD: list[Any] = [
    "",
    " x",
    "x ",
    "\u00a0x",
    "x\n",
    "a  b",
    "x\u0001",
    None,
    0,
    -1,
    1.0,
    1e3,
    True,
    [],
    {},
    [[]],
    ["x"],
    [None],
    "2026-02-30",
    "2025-02-29",
    "24:00",
]
ODD += [
    "2026-02-28T10:00:00",
    "1750-01-01",
    "{}",
    '":',
    "#x",
    2**31,
    {"id": "x"},
    {"extension": []},
    {"value": 1},
    "urn:oid:x",
    "http://a b",
]


EXTENSIONS: list[dict[str, Any]] = [
    {"url": "http://a.test/x", "valueString": "x"},
    {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"city": "x"}},
    {"url": "http://hl7.org/fhir/StructureDefinition/humanname-mothers-family", "valueString": "x"},
    {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"},
    {"url": "http://hl7.org/fhir/StructureDefinition/nobody-knows", "valueInteger": 1},
    {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Rivers"},
    {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueDecimal": 1.5},
    {"url": "http://a.test/x", "valueDecimal": 12.25},
    {"url": "http://a.test/x", "valueString": " y"},
    {"url": "http://a.test/x", "valueInteger": 77},
    {"url": "http://a.test/x", "valueDateTime": "2026-02-30"},
    {"url": "http://a.test/x", "valueIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:x"}},
    {"url": "http://a.test/x", "valueAddress": {"line": ["1 Larch Way", " x"], "city": "Salem", "period": {"start": "2026"}}},
    {"url": "http://a.test/x", "extension": [{"url": "part", "valueDecimal": 2.5}, {"url": "other", "valueString": "y"}]},
]
TAGS = ["p", "b", "td", "br/", "script", "!-- > x < --", 'a href="#n"', 'p id="n"', 'i title="a > b"', "![CDATA[ > y < ]]"]
BETWEEN = ["", " ", "word", "a &amp; b", "x > y", "]]>", "&bad;", "\u00a0", "two\nlines", "\ufffe", "\t", "&#160;"]
FORMED = {"languages": "en-GB", "mimetypes": "text/plain", "currencies": "USD"}


class Maker:
    """Resources of any type by chance, from the tables: mostly right, sometimes not."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def element(self, spec: Spec, depth: int, extra: float) -> dict[str, Any]:
        """What must be there, and some of what may."""
        chance, out = self.chance, {}
        must = {listed for name, listed in spec.required}
        for listed in spec.names.values():
            if not listed or (listed not in must and chance.random() > extra):
                continue
            name = chance.choice([one for one in listed if one[0] != "_"] or list(listed))
            if (name == "extension" and chance.random() < 0.8) or (name == "id" and depth and chance.random() < 0.95):
                continue
            member = spec.members[name]
            if member.resource:
                continue
            count = chance.choice([1, 1, 2]) if member.many else 1
            made = [self.value(member, depth) for _ in range(count)]
            out[name] = made if member.many else made[0]
            if chance.random() < 0.02 and "_" + name in spec.members:
                beside: Any = {"extension": [{"url": "http://a.test/x", "valueCode": "x"}]}
                out["_" + name] = [beside] if member.many else beside
        return out

    def value(self, member: Any, depth: int) -> Any:
        """One value of an element."""
        chance, kind = self.chance, member.kind
        if member.test is not None:
            if member.codes and chance.random() < 0.99:
                return chance.choice(sorted(member.codes))
            formed = FORMED.get(member.valueset.rpartition("/")[2])
            if kind == "code" and formed:
                return formed
            return GOOD[kind][0] if chance.random() < 0.6 else chance.choice(GOOD[kind])
        if kind == "Coding":
            return deepcopy(chance.choice(CODINGS))
        if kind == "CodeableConcept" and member.strength == "required" and chance.random() < 0.9:
            system, codes = chance.choice(sorted((terms().valuesets.get(member.valueset) or {"http://a.test/s": ["x"]}).items()))
            return {"coding": [{"system": system, "code": chance.choice(sorted(codes) or ["x"])}]}
        if kind == "CodeableConcept":
            return {"coding": [deepcopy(chance.choice(CODINGS))]} if chance.random() < 0.8 else {"text": "free"}
        if kind == "Reference":
            targets = [f"{one}/1" for one in member.targets if one != "Resource"]
            return {"reference": chance.choice(targets if targets and chance.random() < 0.97 else REFERENCES)}
        if kind == "Extension":
            return deepcopy(chance.choice(EXTENSIONS))
        return self.element(shapes().spec(kind), depth + 1, 0.25 if depth < 3 else 0.05)

    def resource(self, kind: str) -> dict[str, Any]:
        """A resource of a type."""
        made = {"resourceType": kind, **self.element(shapes().spec(kind), 0, self.chance.choice([0.2, 0.5]))}
        if "text" in shapes().spec(kind).members and self.chance.random() < 0.5:
            made["text"] = {"status": "generated", "div": DIV if self.chance.random() < 0.5 else self.narrative()}
        if "contained" in shapes().spec(kind).members and self.chance.random() < 0.3:
            self.contain(made)
        return made

    def contain(self, made: dict[str, Any]) -> None:
        """Something contained, in most cases referred to or referring back."""
        chance = self.chance
        kind = chance.choice(COMMON)
        inner = {**self.element(shapes().spec(kind), 1, 0.1), "resourceType": kind, "id": "c"}
        if chance.random() < 0.2:
            inner["meta"] = chance.choice([{"profile": ["http://a.test/p"]}, {"versionId": "1"}])
        for held, name in ((made, "#c"), (inner, "#")):
            links = [where for where, key in self.places(held) if key == "reference" and isinstance(where, dict)]
            if links and chance.random() < 0.6:
                chance.choice(links)["reference"] = name
        made["contained"] = [inner]

    def narrative(self) -> str:
        """Tags and words by chance, mostly well nested."""
        chance, open_tags, out = self.chance, ["div"], ['<div xmlns="http://www.w3.org/1999/xhtml">']
        for _ in range(chance.randrange(6)):
            tag = chance.choice(
                ["p", "b", "td", "br/", "script", "!-- > x < --", 'a href="#n"', 'p id="n"', 'i title="a > b"', "![CDATA[ > y < ]]"]
            )
            out.append(f"<{tag if chance.random() < 0.6 else 'p'}>")
            if tag[0] != "!" and tag[-1] != "/" and out[-1][1:3] != "br":
                open_tags.append(out[-1][1:-1].split()[0])
            out.append(
                chance.choice(["", " ", "word", "a &amp; b", "x > y", "]]>", "&bad;", "\u00a0", "two\nlines", "\ufffe", "\t", "&#160;"])
            )
            if len(open_tags) > 1 and chance.random() < 0.6:
                out.append(f"</{open_tags.pop()}>")
        while open_tags:
            out.append(f"</{open_tags.pop()}>")
        return "".join(out) if chance.random() < 0.95 else "".join(out[:-1])

    def places(self, held: Any) -> list[tuple[Any, Any]]:
        """Every (container, key) below a value."""
        out: list[tuple[Any, Any]] = []
        for key in list(held) if isinstance(held, dict) else range(len(held)) if isinstance(held, list) else ():
            out.append((held, key))
            out += self.places(held[key])
        return out

    def broken(self, made: dict[str, Any]) -> None:
        """One change, wherever chance wants it."""
        chance = self.chance
        where, key = chance.choice(self.places(made))
        how = chance.randrange(7)
        if how == 0:
            del where[key]
        elif how == 1:
            where[key] = deepcopy(chance.choice(ODD))
        elif how == 2:
            where[key] = [where[key]] if not isinstance(where[key], list) else where[key][0] if where[key] else {}
        elif how == 3 and isinstance(where, dict):
            where[
                chance.choice(["colour", "id", "extension", "_" + str(key), "valueString", "valueBoolean", "contained", "fhir_comments"])
            ] = deepcopy(chance.choice(ODD))
        elif how == 4 and isinstance(where, dict):
            where[str(key) + "x"] = where.pop(key)
        elif how == 5 and isinstance(where[key], str):
            where[key] = chance.choice(
                [where[key] + " ", " " + where[key], where[key].upper(), where[key] + "\t", where[key] + "x", "\u2003" + where[key]]
            )
        elif how == 6 and isinstance(where[key], (int, float)):
            where[key] = chance.choice([str(where[key]), -where[key], where[key] + 0.5, 10**12])


def texts(made: dict[str, Any], chance: random.Random) -> list[bytes]:
    """A resource in several spellings, one of them with a name that stands twice."""
    compact = json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()
    out = [compact, json.dumps(made).encode(), json.dumps(made, indent=1).encode() + b"\n"]
    places = [(where, key) for where, key in Maker(chance).places(made) if isinstance(where, dict)]
    where, key = chance.choice(places)
    name = json.dumps(key).encode()
    again = b"{" + name + chance.choice([b":1,", b" :1,", b':"a\\u0022:",', b":-0,", b":{},"])
    spelt = json.dumps(where, separators=(",", ":"), ensure_ascii=False).encode()
    out.append(compact.replace(spelt, again + spelt[1:], 1))
    return out


def ready(options: Options | None = None) -> Validator:
    """A validator that makes a reader for a type as soon as it meets it."""
    made = Validator(options)
    made.swift.few = 0
    return made


def agree(judge: Validator, raw: bytes) -> bool:
    """Whether the quick way answered; what it answers must be what the walk finds."""
    quick, found = judge.swift.text(raw), judge.text(raw)
    if quick is not None:
        assert sorted(found) == sorted(judge.walked(raw)), raw.decode()
    return quick is not None


@settings(deadline=None, max_examples=90)
@given(st.integers(0, 2**32))
def test_the_quick_way_says_what_the_walk_says(seed: int) -> None:
    """Any resource of any type, whole and after each of some random breaks, in several spellings."""
    chance = random.Random(seed)
    maker, judge = Maker(chance), ready(Options(strict=chance.random() < 0.3, known_extensions=chance.random() < 0.1))
    made = maker.resource(chance.choice(chance.choice([sorted(shapes().resources), COMMON])))
    for _ in range(5):
        for raw in texts(made, chance):
            agree(judge, raw)
        maker.broken(made)
        if len(made) < 2:
            break


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32))
def test_a_bundle_gets_the_findings_of_the_walk(seed: int) -> None:
    """Bundles of random entries, some broken: the same findings at the same bytes whether the resources were answered for or walked."""
    chance = random.Random(seed)
    maker, judge = Maker(chance), ready()
    entries: list[Any] = [
        {"fullUrl": f"http://a.test/x/{number}", "resource": maker.resource(chance.choice(COMMON))} for number in range(4)
    ]
    entries[0]["resource"] = {"resourceType": "Basic", "id": "1", "code": {"text": "x"}}
    made = {
        "resourceType": "Bundle",
        "type": chance.choice(["collection", "searchset", "history", "transaction", "batch"]),
        "entry": entries,
    }
    for _ in range(3):
        for raw in texts(made, chance):
            assert sorted(judge.text(raw)) == sorted(judge.walked(raw)), raw.decode()
        maker.broken(made)


COMMON = ["Patient", "Observation", "Encounter", "Condition", "MedicationRequest", "Procedure", "DiagnosticReport", "Claim", "Organization"]


def test_ordinary_resources_take_the_quick_way() -> None:
    """The agreement above is not that of a quick way that never answers: a good part of random resources of common types is answered."""
    judge, answered = ready(), 0
    for number in range(200):
        maker = Maker(random.Random(number))
        made = maker.resource(COMMON[number % len(COMMON)])
        answered += agree(judge, json.dumps(made, separators=(",", ":")).encode())
    assert answered > 20


@pytest.mark.corpora
def test_the_external_resources_get_the_same_findings(corpora: Path) -> None:
    """Every resource of the suites written by others, alone and out of its Bundle, under the options of the house and strict ones."""
    judges = (ready(), ready(Options(strict=True, known_extensions=True)))
    answered = 0
    folders = (
        "fhir-validation-r4",
        "synthea-fhir-r4-bundles",
        "omop-fhir2omop-cases",
        "fhir-deid-etl-expected",
        "hl7v2-and-ccda-to-fhir-pairs",
    )
    for raw in (raw for folder in folders for file in sorted((corpora / folder).rglob("*.json")) for raw in resources(file.read_bytes())):
        for judge in judges:
            answered += agree(judge, raw)
    assert answered > 1000


def resources(raw: bytes) -> list[bytes]:
    """A text, and the resources of its entries."""
    try:
        held = jsontext.loads(raw)
    except ValueError:
        return [raw]
    entries = held.get("entry") if isinstance(held, dict) else None
    return [
        raw,
        *(jsontext.dumps(one["resource"]) for one in entries or () if isinstance(one, dict) and isinstance(one.get("resource"), dict)),
    ]
