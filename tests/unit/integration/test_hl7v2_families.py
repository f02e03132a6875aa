"""HL7 v2 families that few feeds send: analyser results, master files of staff, referrals with their comments, places with addresses."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.hl7v2.format import Hl7v2Format
from trivet.kernel import jsontext
from trivet.wiring.suites.hl7v2_cases import Account, check
from trivet.wiring.validate import house_validator

FEED = SourceProfile("families", zone="UTC")
HEAD = "MSH|^~\\&|APP|NORTH|EHR|NORTH|20260301075500||{kind}|M1|P|2.5.1\r"
PID = "PID|1||100^^^NORTH^MR||Ode^Ann\r"


def told(kind: str, *segments: str) -> Translation:
    """A message translated; it is accounted for, its spans re-read and its records are valid R4."""
    raw = (HEAD.format(kind=kind) + "".join(f"{segment}\r" for segment in segments)).encode()
    assert check(raw, FEED, Account())[1] == ""
    done = Hl7v2Format().translate(raw, FEED)
    for record in done.records:
        assert not [finding for finding in house_validator().text(jsontext.dumps(record.resource)) if finding.is_error]
    return done


def every(done: Translation, kind: str) -> list[dict[str, Any]]:
    """Records of a type, in order."""
    return [record.resource for record in done.records if record.resource["resourceType"] == kind]


def code(resource: dict[str, Any]) -> str:
    """The first code."""
    return str(resource["code"]["coding"][0]["code"])


@pytest.mark.parametrize("event", ["OUL^R22^OUL_R22", "OUL^R23^OUL_R23", "OUL^R24^OUL_R24"])
def test_an_analyser_s_result_belongs_to_its_own_order(event: str) -> None:
    """OUL has the ORC behind the OBR: it speaks of that order, and the results that follow are not those of the next one."""
    orders = [
        *("OBR|1|P1||GLU^Glucose^L", "PRT|1|AD||PO|9^Lee", "ORC|SC|P1|||CM||||20260301070000", "OBX|1|NM|GLU^Glucose^L||5.1|mmol/L|||||F"),
        *("OBR|2|P2||ALB^Albumin^L", "ORC|SC|P2|||IP", "OBX|1|NM|ALB^Albumin^L||43|g/L|||||F"),
    ]
    done = told(event, PID.strip(), "SPM|1|S1||SER", *orders)
    requests = {code(one): one for one in every(done, "ServiceRequest")}
    assert {name: one["status"] for name, one in requests.items()} == {"GLU": "completed", "ALB": "active"}
    assert requests["GLU"]["authoredOn"] == "2026-03-01T07:00:00Z"
    for result in every(done, "Observation"):
        assert result["basedOn"] == [{"reference": f"ServiceRequest/{requests[code(result)]['id']}"}]
    results = {one["id"]: code(one) for one in every(done, "Observation")}
    for report in every(done, "DiagnosticReport"):
        assert [results[one["reference"].partition("/")[2]] for one in report["result"]] == [code(report)]


def test_an_analyser_that_sends_the_order_first_is_understood_too() -> None:
    """The ORC before its OBR, against the standard, and an ORC that says nothing of the state."""
    done = told(
        *("OUL^R22", "SPM|1|S1||SER", "ORC|NW|P1|||CM", "OBR|1|P1||GLU^Glucose^L", "ORC|SC|P2", "OBR|2|P2||ALB^Albumin^L"),
        *("OBX|1|NM|ALB^Albumin^L||43|g/L|||||F", "OBR|3|P3||K^Potassium^L", "ORC|ZZ|P3"),
    )
    assert {code(one): one["status"] for one in every(done, "ServiceRequest")} == {"GLU": "completed", "ALB": "active", "K": "unknown"}


@pytest.mark.parametrize(("sent", "text"), [("One~Two~~Four", "One\nTwo\n\nFour"), ("~Two", "Two")])
def test_lines_of_a_document_are_one_attachment(sent: str, text: str) -> None:
    """Repetitions of a text are its lines: one attachment with all of them, none that has a type and no content."""
    done = told("MDM^T02", PID.strip(), "TXA|1|CN|TX|20260301||||||||D1|||||AU", f"OBX|1|TX|N^Note^L||{sent}||||||F")
    (document,) = every(done, "DocumentReference")
    attached = [content["attachment"] for content in document["content"]]
    assert [base64.b64decode(one["data"]).decode() for one in attached if "data" in one] == [text]
    assert len(attached) == 2  # the document as TXA tells of it, and its text


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({11: "P^^^SITE^^^^^9 Main St^Apt 2^Elm^TX^75001^USA^M"}, ["9 Main St", "Apt 2"]),
        ({11: "P^^^SITE^^^^^9 Main St&Apt 2&Elm"}, ["9 Main St", "Apt 2"]),
        ({27: "P^^^SITE", 28: "9 Main St^Apt 2^Elm^TX^75001^USA^M"}, ["9 Main St", "Apt 2"]),
    ],
)
def test_where_a_dose_was_given_has_its_address(fields: dict[int, str], line: list[str]) -> None:
    """RXA-11 is a place with its address behind it (LA2, or the address as one component), RXA-27 is one whose address is RXA-28."""
    given = {1: "0", 2: "1", 3: "20260301", 5: "88^Influenza^CVX", 6: "0.5", 20: "CP", **fields}
    done = told("VXU^V04", PID.strip(), "ORC|RE||1^N", "RXA|" + "|".join(given.get(number, "") for number in range(1, 29)))
    (dose,) = every(done, "Immunization")
    (place,) = [one for one in every(done, "Location") if dose["location"]["reference"].endswith(one["id"])]
    assert place["name"] == "P"
    assert place["address"]["line"] == line
    assert place["address"]["city"] == "Elm"
    assert not [one for one in done.elements if one.locator.startswith(("RXA[1]-11", "RXA[1]-28")) and one.disposition == "uncovered"]


def test_a_comment_on_a_diagnosis_is_a_note_of_it() -> None:
    """What is written behind a DG1 is said of that diagnosis."""
    done = told("ADT^A01", PID.strip(), "PV1|1|I", "DG1|1||R10.4^Pain^I10", "NTE|1||Since the morning.")
    (pain,) = every(done, "Condition")
    assert [note["text"] for note in pain["note"]] == ["Since the morning."]


@pytest.mark.parametrize(
    "before", [("DG1|1||R10.4^Pain^I10",), ("OBR|1|P1||GLU^Glucose^L", "OBX|1|NM|GLU^Glucose^L||5|mmol/L|||||F", "PV1|1|O")]
)
def test_the_comment_at_the_end_of_a_referral_is_the_referral_s(before: tuple[str, ...]) -> None:
    """REF ends with its comments, behind the visit or the diagnosis: they are not those of the last result."""
    done = told("REF^I12", "RF1|P|S|||^|R1^N", "PRD|RP|Holm^Anja", PID.strip(), *before, "NTE|1||Please see urgently.")
    noted = {one["resourceType"]: one["note"][0]["text"] for record in done.records if "note" in (one := record.resource)}
    assert noted == {"ServiceRequest": "Please see urgently."}


def test_a_referral_without_its_own_segment_keeps_its_comment_with_the_diagnosis() -> None:
    """Some referrals have no RF1: what stands behind the diagnosis is a note of it, not lost."""
    done = told("REF^I12", "PRD|RP|Holm^Anja", PID.strip(), "DG1|1||R10.4^Pain^I10", "NTE|1||Suspect appendicitis.")
    assert every(done, "Condition")[0]["note"] == [{"text": "Suspect appendicitis."}]


def test_a_master_file_of_staff_makes_practitioners() -> None:
    """MFN^M02: who somebody is (STF), what he does and where (PRA); the number that orders name him by is the same person's."""
    done = told(
        *("MFN^M02", "MFI|PRA||UPD", "MFE|MAD|||7"),
        "STF|7|77^^^NORTH^DN|Hart^Lou^M||F|19700501|A||||1 Oak St^^Elm^TX^75001||||lou@north.example",
        *("PRA|7|GRP^Heart Group^L|PH|Y|Cardiology^Board~Internal Medicine||||||", "MFE|MDC|||8", "STF|8|78^^^NORTH^DN|Hat^Li|||||A"),
    )
    lou, li = every(done, "Practitioner")
    assert lou["active"] is True
    assert li["active"] is False
    assert (lou["gender"], lou["birthDate"], lou["address"][0]["city"]) == ("female", "1970-05-01", "Elm")
    assert lou["telecom"] == [{"value": "lou@north.example", "system": "email"}]
    (role,) = every(done, "PractitionerRole")
    assert role["practitioner"] == {"reference": f"Practitioner/{lou['id']}"}
    assert [one["text"] for one in role["specialty"]] == ["Cardiology", "Internal Medicine"]
    stay = told("ADT^A01", PID.strip(), "PV1|1|I|||||77^Hart^Lou^^^^^^NORTH")
    assert [one["id"] for one in every(stay, "Practitioner")] == [lou["id"]]


def test_a_dose_to_give_is_an_order_of_its_own() -> None:
    """RGV: each RXG is one dose of an order, with its rate, route and comment; the prescription of that number is another record."""
    done = told(
        *("RGV^O15", PID.strip(), "ORC|RE|P1^EHR", "RXG|1|||7^Heparin^L|100||mL^^UCUM||||||||10|mL/h^^UCUM", "RXR|IV^Intravenous^HL70162"),
        *("NTE|1||Slowly.", "RXG|2|||7^Heparin^L|50|60|mL^^UCUM", "RXR|SC"),
    )
    first, second = every(done, "MedicationRequest")
    assert (first["intent"], first["identifier"][0]["value"]) == ("instance-order", "P1")
    (dose,) = first["dosageInstruction"]
    assert dose["doseAndRate"][0]["doseQuantity"]["value"] == 100
    assert dose["doseAndRate"][0]["rateQuantity"]["unit"] == "mL/h"
    assert dose["route"]["coding"][0]["code"] == "IV"
    assert second["dosageInstruction"][0]["doseAndRate"][0]["doseRange"]["high"]["value"] == 60
    assert second["dosageInstruction"][0]["route"]["coding"][0]["code"] == "SC"
    (drug,) = every(done, "Medication")
    assert code(drug) == "7"
    assert {one["medicationReference"]["reference"] for one in (first, second)} == {f"Medication/{drug['id']}"}
    order = told("RDE^O11", PID.strip(), "ORC|NW|P1^EHR", "RXE||7^Heparin^L|100||mL")
    assert every(order, "MedicationRequest")[0]["id"] not in {first["id"], second["id"]}


def test_a_registry_s_answer_is_read_as_its_reports_are() -> None:
    """RSP^K11 of a vaccination history: what is observed of a dose belongs to it, eligibility and funding are the dose's own."""
    body = (
        *(PID.strip(), "ORC|RE||1^IIS", "RXA|0|1|20180813||107^DTaP^CVX|999.0|||01^Historical^NIP0001"),
        *("OBX|1|CE|30956-7^Vaccine type^LN|1|107^DTaP^CVX||||||F", "OBX|2|CE|64994-7^Eligibility^LN|1|V02^Medicaid^HL70064||||||F"),
    )
    for done in (told("VXU^V04", *body), told("RSP^K11", "MSA|AA|1", "QAK|Q|OK", *body)):
        (dose,) = every(done, "Immunization")
        assert dose["programEligibility"][0]["coding"][0]["code"] == "V02"
        assert "doseQuantity" not in dose  # 999 says that nobody knows
        (seen,) = every(done, "Observation")
        assert seen["partOf"] == [{"reference": f"Immunization/{dose['id']}"}]


def test_an_analyser_s_work_order_is_no_vaccination() -> None:
    """RSP^K11 of a laboratory: its observations belong to the order."""
    done = told("RSP^K11", "MSA|AA|1", "QAK|Q|OK", PID.strip(), "ORC|NW|P1", "OBR|1|P1||GLU^Glucose^L", "OBX|1|NM|W^Weight^L||70|kg|||||F")
    assert every(done, "Observation")[0]["basedOn"] == [{"reference": f"ServiceRequest/{every(done, 'ServiceRequest')[0]['id']}"}]


@pytest.mark.parametrize(
    ("sent", "time"),
    [
        ("20160709233647448", "2016-07-09T23:36:47.448Z"),
        ("20180606085743785+0800", "2018-06-06T08:57:43.785+08:00"),
        ("2016070923364744", ""),
    ],
)
def test_milliseconds_without_their_point(sent: str, time: str) -> None:
    """Seventeen digits are a moment with milliseconds, as many senders write it; sixteen are anything."""
    done = told("ADT^A01", PID.strip(), f"PV1|1|I{'|' * 42}{sent}")
    assert every(done, "Encounter")[0].get("period", {}).get("start", "") == time
