"""FHIR R4 judged: each class of rule is found at its element, with its bytes; what is right is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trivet.integration.validation import Finding, Options, Validator

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">seen</div>'
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "text": {"status": "generated", "div": DIV},
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-02-28T10:00:00Z",
    "valueQuantity": {"value": 72, "system": "http://unitsofmeasure.org", "code": "/min"},
}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "text": {"status": "generated", "div": DIV},
    "name": [
        {"family": "Rivers", "given": ["Ada", "May"], "_given": [None, {"extension": [{"url": "http://a.test/x", "valueCode": "x"}]}]}
    ],
    "birthDate": "1984-02-29",
    "_birthDate": {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "1984-02-29T03:00:00Z"}]
    },
    "managingOrganization": {"reference": "#org"},
    "contained": [{"resourceType": "Organization", "id": "org", "name": "North"}],
}


def errors(resource: Any, **options: Any) -> list[Finding]:
    """The errors of a resource, read from its text."""
    raw = resource if isinstance(resource, bytes) else json.dumps(resource).encode()
    return [one for one in Validator(Options(**options)).text(raw) if one.is_error]


def changed(given: dict[str, Any], /, **members: Any) -> dict[str, Any]:
    """A copy with other members; None takes one away."""
    made = {**given, **members}
    return {name: value for name, value in made.items() if value is not None}


def asked_when(**answer: Any) -> dict[str, Any]:
    """A questionnaire with an item that depends on whether another has an answer."""
    when = {"question": "a", "operator": "exists", **answer}
    items = [{"linkId": "a", "type": "boolean"}, {"linkId": "b", "type": "string", "enableWhen": [when]}]
    return {"resourceType": "Questionnaire", "status": "draft", "item": items}


def guide(**resource: Any) -> dict[str, Any]:
    """A guide with one resource of one group."""
    held = {"reference": {"reference": "Patient/p"}, "groupingId": "g", "fhirVersion": ["4.0.1"], **resource}
    made = {"name": "X", "status": "draft", "url": "http://a.test/ig", "packageId": "a.b", "fhirVersion": ["4.0.1"]}
    return {"resourceType": "ImplementationGuide", **made, "definition": {"grouping": [{"id": "g", "name": "G"}], "resource": [held]}}


def document(*entries: dict[str, Any], kind: str = "document") -> dict[str, Any]:
    """A Bundle of a document."""
    return {
        "resourceType": "Bundle",
        "type": kind,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
        "timestamp": "2026-01-01T00:00:00Z",
        "entry": list(entries),
    }


COMPOSITION: dict[str, Any] = {
    "fullUrl": "http://a.test/Composition/c",
    "resource": {
        "resourceType": "Composition",
        "id": "c",
        "status": "final",
        "type": {"text": "summary"},
        "subject": {"reference": "Patient/p"},
        "author": [{"reference": "Patient/p"}],
        "date": "2026-01-01",
        "title": "Summary",
    },
}
SUBJECT: dict[str, Any] = {"fullUrl": "http://a.test/Patient/p", "resource": {"resourceType": "Patient", "id": "p"}}


CAPABILITIES: dict[str, Any] = {
    "resourceType": "CapabilityStatement",
    "status": "draft",
    "date": "2026-01-01",
    "kind": "requirements",
    "description": "what is asked of a server",
    "fhirVersion": "4.0.1",
    "format": ["json", "application/fhir+xml"],  # http.html: the short names are formats as well
    "rest": [{"mode": "server"}],
}
BLANKS: dict[str, Any] = {"resourceType": "ValueSet", "status": "draft", "url": "http://a.test/no\u00a0break"}  # \S is ASCII there
UNCERTAIN: list[dict[str, Any]] = [
    # What no sentence of the standard forbids: a URN that is none of RFC 4122, arrays whose rest is empty, paths of servers that are no
    # FHIR servers, code systems with an odd address. All but the first are warnings.
    changed(PATIENT, identifier=[{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:none"}]),
    changed(PATIENT, name=[{"given": ["Ada", "May"], "_given": [{"extension": [{"url": "http://a.test/x", "valueCode": "x"}]}]}]),
    changed(OBSERVATION, subject={"reference": "patients/a_b"}),
    changed(OBSERVATION, code={"coding": [{"system": "http://a.test/ValueSet/x", "code": "1"}]}),
]
HASHED = changed(PATIENT, photo=[{"contentType": "image/png", "data": "YWJj", "size": 3, "hash": "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="}])
RIGHT = [
    OBSERVATION,
    PATIENT,
    document(COMPOSITION, SUBJECT),
    asked_when(answerBoolean=True),
    CAPABILITIES,
    BLANKS,
    guide(),
    HASHED,
    *UNCERTAIN,
]


@pytest.mark.parametrize("resource", RIGHT, ids=lambda one: one["resourceType"])
def test_what_is_right_is_left_alone(resource: dict[str, Any]) -> None:
    """No error and no warning but about narrative for resources that are right."""
    assert [one for one in Validator().text(json.dumps(resource).encode()) if one.is_error] == []


CASES: list[tuple[str, Any, str, str]] = [
    ("missing", changed(OBSERVATION, status=None), "Observation", "Observation.status"),
    ("unknown name", changed(OBSERVATION, colour="red"), "Observation", "colour"),
    ("two of a choice", changed(OBSERVATION, valueString="72"), "Observation", "Observation.value"),
    ("no type of the choice", changed(OBSERVATION, valueQuantity=None, valuePatient={}), "Observation", "valuePatient"),
    ("number in quotes", changed(OBSERVATION, valueQuantity={"value": "72"}), "Observation.value.ofType(Quantity).value", "decimal"),
    ("array for one", changed(OBSERVATION, status=["final"]), "Observation.status", "code"),
    ("one for array", changed(PATIENT, name={"family": "Rivers"}), "Patient.name", "json-type"),
    ("empty array", changed(PATIENT, name=[]), "Patient.name", "empty"),
    ("empty object", changed(PATIENT, name=[{}]), "Patient.name[0]", "ele-1"),
    ("empty text", changed(PATIENT, name=[{"family": ""}]), "Patient.name[0].family", "string"),
    ("null", changed(PATIENT, gender="female", birthDate=None) | {"active": None}, "Patient.active", "boolean"),
    ("no such day", changed(PATIENT, birthDate="2026-02-30"), "Patient.birthDate", "date"),
    (
        "time without zone",
        changed(OBSERVATION, effectiveDateTime="2026-02-28T10:00:00"),
        "Observation.effective.ofType(dateTime)",
        "dateTime",
    ),
    ("id", changed(OBSERVATION, id="a_b"), "Observation.id", "id"),
    ("code with blanks", changed(OBSERVATION, language=" en"), "Observation.language", "code"),
    ("language", changed(OBSERVATION, language="en_US"), "Observation.language", "http://hl7.org/fhir/ValueSet/languages"),
    (
        "media type",
        changed(PATIENT, photo=[{"contentType": "pdf", "url": "http://a.test/x"}]),
        "Patient.photo[0].contentType",
        "http://hl7.org/fhir/ValueSet/mimetypes",
    ),
    ("required code", changed(OBSERVATION, status="done"), "Observation.status", "http://hl7.org/fhir/ValueSet/observation-status"),
    (
        "required concept",
        {
            "resourceType": "AllergyIntolerance",
            "patient": {"reference": "Patient/p"},
            "clinicalStatus": {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]},
        },
        "AllergyIntolerance.clinicalStatus",
        "http://hl7.org/fhir/ValueSet/allergyintolerance-clinical",
    ),
    (
        "code that a system of FHIR does not have",
        changed(
            OBSERVATION, category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "labs"}]}]
        ),
        "Observation.category[0].coding[0].code",
        "http://terminology.hl7.org/CodeSystem/observation-category",
    ),
    (
        "display of another code",
        changed(
            OBSERVATION,
            dataAbsentReason={
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "masked", "display": "Unknown"}]
            },
            valueQuantity=None,
        ),
        "Observation.dataAbsentReason.coding[0].display",
        "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    ),
    (
        "system that is none",
        changed(OBSERVATION, code={"coding": [{"system": "loinc", "code": "1"}]}),
        "Observation.code.coding[0].system",
        "coding-system",
    ),
    ("unit", changed(OBSERVATION, valueQuantity={"value": 1, "code": "/min"}), "Observation.value.ofType(Quantity)", "qty-3"),
    ("target", changed(OBSERVATION, subject={"reference": "Medication/m"}), "Observation.subject", "reference-target"),
    ("type said", changed(OBSERVATION, subject={"reference": "Patient/m", "type": "Group"}), "Observation.subject", "reference-type"),
    ("form of a reference", changed(OBSERVATION, subject={"reference": "p1"}), "Observation.subject", "reference-form"),
    ("ref-1", changed(PATIENT, contained=None), "Patient.managingOrganization", "ref-1"),
    ("dom-3", changed(PATIENT, managingOrganization=None), "Patient.contained[0]", "dom-3"),
    ("pat-1", changed(PATIENT, contact=[{"gender": "female"}]), "Patient.contact[0]", "pat-1"),
    ("obs-6", changed(OBSERVATION, dataAbsentReason={"text": "lost"}), "Observation", "obs-6"),
    ("per-1", changed(PATIENT, name=[{"period": {"start": "2026-02-01", "end": "2026-01-01"}}]), "Patient.name[0].period", "per-1"),
    (
        "txt-1 script",
        changed(PATIENT, text={"status": "generated", "div": DIV.replace("seen", "<script>x</script>")}),
        "Patient.text.div",
        "txt-1",
    ),
    ("txt-1 broken", changed(PATIENT, text={"status": "generated", "div": DIV.replace("seen", "<b>")}), "Patient.text.div", "txt-1"),
    ("txt-1 other namespace", changed(PATIENT, text={"status": "generated", "div": "<div>seen</div>"}), "Patient.text.div", "txt-1"),
    ("txt-1 document type", changed(PATIENT, text={"status": "generated", "div": "<!DOCTYPE div []>" + DIV}), "Patient.text.div", "txt-1"),
    ("txt-2", changed(PATIENT, text={"status": "generated", "div": DIV.replace("seen", " ")}), "Patient.text.div", "txt-2"),
    (
        "narrative link",
        changed(PATIENT, text={"status": "generated", "div": DIV.replace("seen", '<a href="#x">x</a>')}),
        "Patient.text.div",
        "narrative-link",
    ),
    ("ext-1", changed(PATIENT, extension=[{"url": "http://a.test/x"}]), "Patient.extension[0]", "ext-1"),
    ("relative extension", changed(PATIENT, extension=[{"url": "x", "valueCode": "y"}]), "Patient.extension[0].url", "extension-url"),
    (
        "type of an extension",
        changed(
            PATIENT,
            _birthDate={"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDate": "1984-02-29"}]},
        ),
        "Patient.birthDate.extension[0]",
        "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
    ),
    ("uuid", changed(PATIENT, identifier=[{"system": "urn:uuid:1", "value": "1"}]), "Patient.identifier[0].system", "uri"),
    ("oid", changed(PATIENT, identifier=[{"system": "urn:oid:1.02", "value": "1"}]), "Patient.identifier[0].system", "uri"),
    (
        "value that must be a URI",
        changed(PATIENT, identifier=[{"system": "urn:ietf:rfc:3986", "value": "1"}]),
        "Patient.identifier[0].value",
        "identifier-uri",
    ),
    ("size", changed(PATIENT, photo=[{"contentType": "image/png", "data": "YWJj", "size": 4}]), "Patient.photo[0]", "attachment-size"),
    ("base64", changed(PATIENT, photo=[{"contentType": "image/png", "data": "YWJ"}]), "Patient.photo[0]", "base64Binary"),
    ("resource", {"resourceType": "Patience"}, "Resource", "unknown-type"),
    ("no resource", [1], "Resource", "json-type"),
    ("bdl-11", document(SUBJECT), "Bundle", "bdl-11"),
    ("bdl-7", document(COMPOSITION, SUBJECT, SUBJECT), "Bundle", "bdl-7"),
    ("not in the document", document(COMPOSITION), "Bundle.entry[0].resource.subject", "bundle-reference"),
    (
        "not reached",
        document(
            COMPOSITION,
            SUBJECT,
            {"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e1", "resource": {"resourceType": "Device", "id": "d"}},
        ),
        "Bundle.entry[2]",
        "bundle-reach",
    ),
    ("fullUrl", document(COMPOSITION, changed(SUBJECT, fullUrl="http://a.test/Patient/q")), "Bundle.entry[1]", "bundle-full-url"),
    (
        "id of a contained resource",
        changed(PATIENT, contained=[{"resourceType": "Basic", "id": ["c"]}]),
        "Patient.contained[0]",
        "contained-id",
    ),
    ("id of an element", changed(PATIENT, name=[{"id": "a b", "family": "Rivers"}]), "Patient.name[0]", "element-id"),
    (
        "outcome of a search",
        document({**SUBJECT, "search": {"mode": "outcome"}}, kind="searchset"),
        "Bundle.entry[0].resource",
        "search-outcome",
    ),
    (
        "result of a search",
        document(
            {
                "fullUrl": "http://a.test/OperationOutcome/o",
                "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]},
                "search": {"mode": "match"},
            },
            kind="searchset",
        ),
        "Bundle.entry[0].resource",
        "search-outcome",
    ),
    (
        "requests in a collection",
        document({**SUBJECT, "request": {"method": "PUT", "url": "Patient/p"}}, kind="collection"),
        "Bundle",
        "bdl-3",
    ),
    (
        "entry of a collection without fullUrl",
        document({"resource": {"resourceType": "Device", "id": "d"}}, kind="collection"),
        "Bundle.entry[0]",
        "bundle-full-url",
    ),
    (
        "comparator where none may stand",
        changed(OBSERVATION, referenceRange=[{"low": {"value": 1, "comparator": "<"}}]),
        "Observation.referenceRange[0].low",
        "sqty-1",
    ),
    (
        "comparator in a choice",
        {
            "resourceType": "Coverage",
            "status": "active",
            "beneficiary": {"reference": "Patient/p"},
            "payor": [{"reference": "Organization/o"}],
            "costToBeneficiary": [{"valueQuantity": {"value": 1, "comparator": "<"}}],
        },
        "Coverage.costToBeneficiary[0].value.ofType(Quantity)",
        "sqty-1",
    ),
    (
        "hash",
        changed(PATIENT, photo=[{"contentType": "image/png", "data": "YWJj", "hash": "AAAA"}]),
        "Patient.photo[0]",
        "attachment-hash",
    ),
    (
        "concepts where there are none",
        {"resourceType": "CodeSystem", "status": "draft", "content": "not-present", "concept": [{"code": "a"}]},
        "CodeSystem.concept[0]",
        "codesystem-content",
    ),
    (
        "txt-1 entity of HTML",
        changed(PATIENT, text={"status": "generated", "div": DIV.replace("seen", "a&nbsp;b")}),
        "Patient.text.div",
        "txt-1",
    ),
    (
        "txt-1 section 4 of chapter 9",
        changed(PATIENT, text={"status": "generated", "div": DIV.replace("seen", "<del>x</del>")}),
        "Patient.text.div",
        "txt-1",
    ),
    (
        "picture that is not there",
        changed(PATIENT, text={"status": "generated", "div": DIV.replace("seen", '<img src="#x" alt="x"/>')}),
        "Patient.text.div",
        "narrative-link",
    ),
    ("ig-1", guide(groupingId="h"), "ImplementationGuide.definition", "ig-1"),
    ("ig-2", guide(fhirVersion=["4.0.0"]), "ImplementationGuide", "ig-2"),
    ("que-7", asked_when(answerInteger=1), "Questionnaire.item[1].enableWhen[0]", "que-7"),
    ("no requests in a batch", document(SUBJECT, kind="batch"), "Bundle", "bdl-3"),
    ("no answers to a batch", document(SUBJECT, kind="batch-response"), "Bundle", "bdl-4"),
    (
        "version in a fullUrl",
        document({**SUBJECT, "fullUrl": "http://a.test/Patient/p/_history/2"}, kind="collection"),
        "Bundle.entry[0]",
        "bdl-8",
    ),
    (
        "inner resource",
        document(COMPOSITION, changed(SUBJECT, resource={"resourceType": "Patient", "id": "p", "gender": "f"})),
        "Bundle.entry[1].resource.gender",
        "http://hl7.org/fhir/ValueSet/administrative-gender",
    ),
]


@pytest.mark.parametrize(("resource", "expression", "rule"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_rule_at_its_element(resource: Any, expression: str, rule: str) -> None:
    """A breach of one class of rule is an error at its element, under its rule, and no message holds a value of the data."""
    found = errors(resource)
    assert (expression, rule) in [(one.expression, one.rule) for one in found]
    assert not any("Rivers" in one.message for one in found)


TEXTS: list[tuple[str, bytes, str, str, bytes]] = [
    ("comma too many", b'{"resourceType":"Patient","name":[{"given":["Ada",]}]}', "Patient.name[0].given", "json-comma", b","),
    ("comma missing", b'{"resourceType":"Patient" "active":true}', "Patient", "json-comma", b'"'),
    ("name without quotes", b'{resourceType:"Patient"}', "Patient", "json-quotes", b"resourceType"),
    ("value without quotes", b'{"resourceType":"Patient","name":[{"family":Rivers}]}', "Patient.name[0].family", "json-quotes", b"Rivers"),
    ("comment", b'{"resourceType":"Patient" /* now */}', "Patient", "json-comment", b"/* now */"),
    ("wrong close", b'{"resourceType":"Patient","name":[{"family":"Rivers"]}', "Patient.name[0]", "json-close", b"]"),
    ("end", b'{"resourceType":"Patient","name":[', "Patient.name", "json-syntax", b""),
    ("twice", b'{"resourceType":"Patient","active":true,"active" :false}', "Patient", "json-duplicate", b'"active"'),
]


@pytest.mark.parametrize(("raw", "expression", "rule", "there"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS])
def test_faults_of_the_text_have_their_element_and_bytes(raw: bytes, expression: str, rule: str, there: bytes) -> None:
    """What is not JSON is found at the element around it, with its bytes, and the rest is judged all the same."""
    found = next(one for one in errors(raw) if one.rule == rule)
    assert found.expression == expression
    assert raw[found.offset : found.offset + found.length].startswith(there)


def test_every_finding_names_its_bytes() -> None:
    """Offset and length cut the element's own value out of the text, behind a byte order mark too."""
    raw = b"\xef\xbb\xbf" + json.dumps(changed(PATIENT, birthDate="2026-02-30", colour="r\u00f6t"), ensure_ascii=False, indent=1).encode()
    found = {one.rule: one for one in Validator().text(raw) if one.is_error}
    assert raw[found["date"].offset :][: found["date"].length] == b'"2026-02-30"'
    assert raw[found["colour"].offset :][: found["colour"].length] == '"colour": "r\u00f6t"'.encode()
    assert found["date"].pointer == "/birthDate"
    assert found["date"].type == "value"


def test_decimals_keep_their_digits_while_judged() -> None:
    """A value of many digits is compared exactly and refused for nothing."""
    low, high = b"0.10000000000000000001", b"0.10000000000000000000"
    raw = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueRange":{"low":{"value":%s},"high":{"value":%s}}}'
    assert [one.rule for one in errors(raw % (low, high))] == ["rng-2"]
    assert errors(raw % (high, low)) == []


def test_options_decide_about_extensions_and_examples() -> None:
    """An undefined extension is refused only where the caller says so; so is an address of an example."""
    strange = changed(PATIENT, extension=[{"url": "http://a.test/x", "valueCode": "y"}])
    example = changed(PATIENT, extension=[{"url": "http://example.org/x", "valueCode": "y"}])
    assert errors(strange) == []
    assert {one.rule for one in errors(strange, known_extensions=True)} == {"extension-unknown"}
    assert errors(example) == []
    assert "extension-example" in {one.rule for one in errors(example, examples=False)}


def test_strict_asks_what_the_standard_demands_by_code() -> None:
    """A vital sign without category is refused only when strict, and so is a code of LOINC or SNOMED CT with a wrong check digit."""
    assert errors(OBSERVATION) == []
    found = {(one.expression, one.rule) for one in errors(OBSERVATION, strict=True)}
    assert found == {("Observation", "vital-signs/heartrate"), ("Observation.value.ofType(Quantity)", "vital-signs/heartrate")}
    category = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}]
    value = {**OBSERVATION["valueQuantity"], "unit": "per minute"}
    assert errors(changed(OBSERVATION, category=category, valueQuantity=value), strict=True) == []
    for system, right, wrong in (("http://loinc.org", "8867-4", "8867-5"), ("http://snomed.info/sct", "59621000", "59621001")):
        for code, rules in ((right, []), (wrong, [system])):
            resource = {
                "resourceType": "Condition",
                "subject": {"reference": "Patient/p"},
                "code": {"coding": [{"system": system, "code": code}]},
            }
            assert [one.rule for one in errors(resource, strict=True)] == rules
            assert errors(resource) == []


def test_comments_and_markup_are_for_the_caller_to_allow() -> None:
    """A comment is a fault unless allowed; HTML in a text is one only when it is to be refused."""
    assert [one.rule for one in errors(b'{"resourceType":"Patient"/* x */}')] == ["json-comment"]
    assert errors(b'{"resourceType":"Patient"/* x */}', comments=True) == []
    marked = changed(PATIENT, name=[{"text": "<script>x</script>"}])
    assert errors(marked) == []
    assert [(one.expression, one.rule) for one in errors(marked, markup=True)] == [("Patient.name[0].text", "markup")]


def test_units_are_those_of_ucum() -> None:
    """A UCUM code that is none is refused; a unit in another system, or in words, is left alone; values in two units compare."""
    odd = {"value": 1, "system": "http://unitsofmeasure.org", "code": "mcg"}
    assert [one.rule for one in errors(changed(OBSERVATION, valueQuantity=odd))] == ["http://unitsofmeasure.org"]
    assert errors(changed(OBSERVATION, valueQuantity={"value": 1, "unit": "mcg"})) == []
    low, high = ({"value": value, "system": "http://unitsofmeasure.org", "code": code} for value, code in ((2, "mg"), (1500, "ug")))
    assert [one.rule for one in errors(changed(OBSERVATION, valueQuantity=None, valueRange={"low": low, "high": high}))] == ["rng-2"]


def test_deep_nesting_is_a_finding() -> None:
    """A thousand levels end in a finding, not in an exception."""
    raw = b'{"resourceType":"Patient","extension":' + b'[{"url":"http://a.test","extension":' * 1000 + b"[]" + b"}]" * 1000 + b"}"
    assert any("deep" in one.rule for one in errors(raw))
    assert any("deep" in one.rule for one in errors(b"[" * 100_000))
