"""FHIR in: verbatim but for ids and references, each leaf with its bytes, a bad part refused alone."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Span, Translation
from trivet.integration.formats.fhir import FhirFormat
from trivet.kernel import jsontext
from trivet.kernel.digest import record_id
from trivet.testing.kits.format import FormatKit, at_path
from trivet.testing.kits.json_places import leaves, verbatim

PROFILE = SourceProfile("ehr", system="https://ehr.example")
FHIR = FhirFormat()
TRANSACTION = Path(__file__).parents[2] / "golden/fhir/transaction.json"


def exactly(span: Span, value: Any, text: str) -> bool:
    """The bytes of a span are the JSON text of the value, references and ids aside."""
    named = span.rule in ("fhir/reference", "fhir/full-url", "fhir/deleted") or (span.rule == "fhir/id" and span.path == "id")
    return bool(text) if named else verbatim(value, text)


KIT = FormatKit(FHIR, PROFILE, related=exactly, leaves=leaves)


def tell(value: Any) -> Translation:
    """Translate a value as JSON, through the kit."""
    return KIT.check_unit(json.dumps(value, ensure_ascii=False).encode())


def test_a_transaction_entry_by_entry() -> None:
    """Two records, one taken back, one entry refused for its type, one passed by; every leaf accounted for, none uncovered."""
    [(_, told)] = KIT.check(TRANSACTION.read_bytes())
    assert [record.resource["resourceType"] for record in told.records] == ["Patient", "Observation", "Condition"]
    assert told.records[2].resource["meta"]["tag"][0]["code"] == "deleted-at-source"
    assert [(reject.code, reject.locator) for reject in told.rejects] == [("fhir-resource-type", "/entry/2/resource/resourceType")]
    assert {element.disposition for element in told.elements} == {"mapped", "carried", "dropped", "rejected"}


def test_only_a_deletion_of_one_named_resource_is_taken() -> None:
    """What a search would have to find is not deleted by a feed, nor is anything where the site says `deletions = "refuse"`."""
    entry = {"request": {"method": "DELETE", "url": "Patient?identifier=x"}}
    told = tell({"resourceType": "Bundle", "type": "history", "entry": [entry]})
    assert [reject.code for reject in told.rejects] == ["fhir-deletion"]
    named = {"resourceType": "Bundle", "type": "history", "entry": [{"request": {"method": "DELETE", "url": "Patient/x"}}]}
    assert [record.key for record in tell(named).records] == [f"Patient/{record_id('ehr', 'Patient', 'x')}"]
    refusing = SourceProfile("ehr", options={"deletions": "refuse"})
    refused = FormatKit(FHIR, refusing, related=exactly, leaves=leaves).check_unit(json.dumps(named).encode())
    assert [reject.code for reject in refused.rejects] == ["fhir-deletion"]


def test_references_follow_and_what_leads_nowhere_is_noticed() -> None:
    """urn:uuid and relative references lead to the house's ids; unknown ones stay as they came, each with a notice."""
    [(_, told)] = KIT.check(TRANSACTION.read_bytes())
    patient, observation, _ = (record.resource for record in told.records)
    original = "0f3b1c1e-0001-4000-8000-000000000001"
    assert patient["id"] == record_id("ehr", "Patient", original)
    assert patient["identifier"][-1] == {"system": "https://ehr.example/id/Patient", "value": original}
    assert observation["subject"]["reference"] == f"Patient/{patient['id']}"
    assert observation["encounter"]["reference"] == f"Encounter/{record_id('ehr', 'Encounter', 'e-1')}"
    assert patient["managingOrganization"]["reference"] == "#o"
    assert observation["performer"][0]["reference"] == "urn:uuid:nobody"
    assert [(one.kind, one.system) for one in told.notices if one.kind != "invalid-fhir"] == [
        ("unresolved-reference", "urn"),
        ("unresolved-reference", "another-server"),
    ]


def test_what_json_can_say_survives() -> None:
    """Trailing zeros, primitive extensions, contained resources, nulls in lists and escapes are in the record as they were sent."""
    [(_, told)] = KIT.check(TRANSACTION.read_bytes())
    patient, observation, _ = (record.resource for record in told.records)
    assert observation["valueQuantity"]["value"] == Decimal("4.10")
    assert jsontext.dumps(observation["valueQuantity"]) == b'{"value":4.10,"unit":"mmol/L"}'
    assert patient["name"][0]["family"] == "O\u2019Dell"
    assert patient["name"][0]["_given"][0] is None
    assert patient["_birthDate"]["extension"][0]["valueDateTime"].endswith("-06:00")
    assert patient["contained"][0]["id"] == "o"


def test_an_entry_without_an_id_is_named_by_its_full_url() -> None:
    """The full URL names the record and stays with it; the same URL gives the same id again."""
    [(_, told)] = KIT.check(TRANSACTION.read_bytes())
    observation = told.records[1]
    url = "urn:uuid:0f3b1c1e-0001-4000-8000-000000000002"
    assert observation.resource["id"] == record_id("ehr", "Observation", "url", url)
    assert observation.resource["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": url}]
    assert any(span.path == "identifier[0].value" for span in observation.spans)


def test_ndjson_is_cut_by_line_and_a_bad_line_is_refused_alone() -> None:
    """The line that is not JSON is one reject with the place where it stops being JSON; the others are records."""
    lines = [b'{"resourceType":"Patient","id":"a"}', b'{"resourceType":"Patient","id":"b",}', b'{"resourceType":"Patient","id":"c"}']
    told = [one for _, one in KIT.check(b"\n".join(lines) + b"\r\n\n")]
    assert [len(one.records) for one in told] == [1, 0, 1]
    assert (told[1].rejects[0].code, told[1].rejects[0].offset) == ("json-malformed", 35)


def test_a_bad_entry_of_a_bundle_is_refused_alone_even_when_it_is_not_json() -> None:
    """A duplicate name, a syntax error and a depth bomb each cost their own entry only."""
    good = b'{"resource":{"resourceType":"Patient","id":"a"}}'
    twice = b'{"resource":{"resourceType":"Patient","id":"b","active":true,"active":false}}'
    wrong = b'{"resource":{"resourceType":"Patient","id":01}}'
    deep = b'{"resource":{"resourceType":"Patient","extension":' + b"[" * 200 + b"]" * 200 + b"}}"
    raw = b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join([good, twice, wrong, deep, good]) + b"]}"
    told = FormatKit(FHIR, PROFILE, related=exactly).check_unit(raw)
    assert len(told.records) == 2
    assert [(one.code, one.locator) for one in told.rejects] == [
        ("json-duplicate-name", "/entry/1"),
        ("json-malformed", "/entry/2"),
        ("json-too-deep", "/entry/3"),
    ]
    assert raw[told.rejects[0].offset : told.rejects[0].offset + 6] == b"active"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"resourceType":"Patient","id":"a"', "json-malformed"),
        (b'{"resourceType":"Patient","id":"a","id":"b"}', "json-duplicate-name"),
        (b'{"resourceType":"Patient","name":[{"family":"\xff"}]}', "json-encoding"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "json-too-deep"),
        (b'{"resourceType":"Patiant","id":"a"}', "fhir-resource-type"),
        (b'{"id":"a"}', "fhir-resource-type"),
        (b'{"resourceType":"Patient","id":7}', "fhir-id"),
        (b"[]", "fhir-no-resource"),
        (b'"Patient"', "fhir-no-resource"),
        (b'{"resourceType":"Bundle","type":"batch","entry":[{}]}', "fhir-no-resource"),
        (b'{"resourceType":"Bundle","type":"batch","entry":[7]}', "fhir-no-resource"),
    ],
)
def test_what_is_not_fhir_is_refused_with_its_place(raw: bytes, code: str) -> None:
    """No record, one reject of the expected code inside the bytes."""
    told = FormatKit(FHIR, PROFILE, related=exactly).check_unit(raw)
    assert told.records == ()
    assert [one.code for one in told.rejects] == [code]


def test_a_document_bundle_keeps_itself_as_a_record() -> None:
    """The identifier and time of a clinical document are facts, not transport."""
    told = tell(
        {
            "resourceType": "Bundle",
            "identifier": {"system": "urn:d", "value": "7"},
            "type": "document",
            "timestamp": "2026-01-02T03:04:05Z",
            "entry": [{"fullUrl": "http://ehr.example/fhir/Composition/1", "resource": {"resourceType": "Composition", "id": "1"}}],
        }
    )
    assert [record.resource["resourceType"] for record in told.records] == ["Composition", "Bundle"]
    assert told.records[1].resource["identifier"]["value"] == "7"
    assert "entry" not in told.records[1].resource


def test_a_search_without_hits_is_ignored_by_a_rule() -> None:
    """Nothing found is said so: a rule, not an empty answer."""
    told = tell({"resourceType": "Bundle", "type": "searchset", "total": 0})
    assert told.ignored == "fhir/empty-bundle"


def test_absolute_references_of_the_same_server_follow() -> None:
    """The server is known from the entries' full URLs or from the profile."""
    server = "https://ehr.example/fhir"
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": f"{server}/Patient/p/_history/3"}}
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"fullUrl": f"{server}/Condition/c", "resource": condition}]}
    expected = f"Patient/{record_id('ehr', 'Patient', 'p')}"
    assert at_path(tell(bundle).records[0].resource, "subject.reference") == expected
    raw, known = json.dumps(condition).encode(), SourceProfile("ehr", options={"fhir_base": server})
    assert at_path(FHIR.translate(raw, known).records[0].resource, "subject.reference") == expected
    assert FHIR.translate(raw, PROFILE).notices[0].kind == "unresolved-reference"


def test_a_search_reference_follows_when_one_entry_answers_it() -> None:
    """`Practitioner?identifier=system|value` leads to the one practitioner who has it."""
    who = {"resourceType": "Practitioner", "id": "x", "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1"}]}
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "participant": [{"individual": {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1"}}],
    }
    told = tell({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": visit}, {"resource": who}]})
    assert at_path(told.records[0].resource, "participant[0].individual.reference") == f"Practitioner/{told.records[1].resource['id']}"


def test_a_bundle_of_several_patients_is_cut_by_entry_and_says_the_same() -> None:
    """One unit per entry, references by URN still followed, the same records as from the whole."""
    entries = []
    for number in range(3):
        url = f"urn:uuid:p{number}"
        entries.append({"fullUrl": url, "resource": {"meta": {"id": "no"}, "id": f"p{number}", "resourceType": "Patient", "active": True}})
        weight = {"resourceType": "Observation", "id": f"o{number}", "subject": {"reference": url}, "valueInteger": number}
        entries.append({"fullUrl": f"urn:uuid:o{number}", "resource": weight})
    raw = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries, "total": 6}, indent=1).encode()
    cut = KIT.check(raw)
    whole = {record.key: record.resource for record in KIT.check_unit(raw).records}
    assert len(cut) == 6
    assert {record.key: record.resource for _, told in cut for record in told.records} == whole
    assert all(not told.rejects and all(one.kind == "invalid-fhir" for one in told.notices) for _, told in cut)
    assert all(len(told.records) == 1 for _, told in cut)


def test_types_without_an_identifier_keep_the_sender_s_id_in_meta() -> None:
    """Provenance has no identifier in R4; the original id is kept as an extension of meta."""
    told = tell({"resourceType": "Provenance", "id": "p", "recorded": "2026-01-01T00:00:00Z"})
    assert told.records[0].resource["meta"]["extension"] == [{"url": "https://ehr.example/id/Provenance", "valueString": "p"}]
    assert "identifier" not in told.records[0].resource


def test_a_binary_that_an_attachment_points_to_stays_reachable() -> None:
    """`Binary/x` in an attachment's url follows like a reference; an extension's url never does."""
    told = tell({"resourceType": "DocumentReference", "id": "d", "content": [{"attachment": {"url": "Binary/x"}}]})
    assert told.records[0].resource["content"][0]["attachment"]["url"] == f"Binary/{record_id('ehr', 'Binary', 'x')}"


def test_broken_bytes_never_raise_and_lose_nothing() -> None:
    """Three hundred broken deliveries: no exception, no byte lost, the same answer twice."""
    samples = [TRANSACTION.read_bytes(), b'{"resourceType":"Patient","id":"a"}\n' * 5]
    FormatKit(FHIR, PROFILE, related=lambda span, value, text: True).torture(samples, rounds=300, seed=11)


def test_an_invalid_resource_is_kept_and_said_to_be_invalid() -> None:
    """A resource that breaks the standard becomes a record all the same; every breach is a notice at its bytes, unless switched off."""
    raw = (
        b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p","birthDate":"2026-02-30"}}]}'
    )
    made = FhirFormat().translate(raw, SourceProfile("s"))
    assert [record.resource["birthDate"] for record in made.records] == ["2026-02-30"]
    assert made.rejects == ()
    [notice] = [one for one in made.notices if one.kind == "invalid-fhir"]
    assert (notice.code, notice.locator) == ("date", "/entry/0/resource/birthDate")
    assert raw[notice.offset :][: notice.length] == b"2026-02-30"
    assert FhirFormat().translate(raw, SourceProfile("s", options={"validate": False})).notices == ()
