"""HL7 v2 to records: what each family becomes, what is refused alone, and that every element is accounted for once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import DISPOSITIONS, Translation
from trivet.integration.formats.hl7v2.format import Hl7v2Format
from trivet.integration.formats.hl7v2.reader import Message
from trivet.kernel.digest import record_id

FEED = SourceProfile("lab", zone="America/Chicago", system="https://north.example/fhir")
HEAD = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260301075500||{kind}|M1|P|2.5.1\r"
PID = "PID|1||100^^^NORTH^MR||Ode^Ann^B.^Jr||19800229|F|||1 Main St^^Oak^IL^60301^USA^H||^PRN^PH^^1^312^5550100\r"
STAY = {1: "1", 2: "I", 3: "ICU^2^B^NORTH", 7: "77^Hart^Lou^^^Dr^^^NORTH", 19: "V55^^^NORTH^VN", 44: "20260228101500"}
PV1 = "PV1|" + "|".join(STAY.get(number, "") for number in range(1, 45)) + "\r"
ORDER = "ORC|RE|P1^EHR|F1^LAB||CM\rOBR|1|P1^EHR|F1^LAB|24331-1^Lipids^LN|||20260301060000|||||||||||||||20260301075000||LAB|F\r"


def message(kind: str, *segments: str) -> bytes:
    """A message of a kind from segments that end with CR."""
    return (HEAD.format(kind=kind) + "".join(segments)).encode()


def translated(raw: bytes, profile: SourceProfile = FEED) -> Translation:
    """Translate, and hold the account to its rule: every leaf exactly once, every span inside the message."""
    done = Hl7v2Format().translate(raw, profile)
    read = Message(raw)
    leaves = [(leaf.locator, leaf.offset, leaf.length) for segment in read.segments for leaf in segment.leaves()]
    assert [(element.locator, element.offset, element.length) for element in done.elements] == leaves
    assert {element.disposition for element in done.elements} <= set(DISPOSITIONS)
    for record in done.records:
        for span in record.spans:
            assert value_at(record.resource, span.path) is not None, span
            assert read.span(span.locator) == (span.offset, span.length) if "-" in span.locator else span.length == 3
    mapped = {span.offset for record in done.records for span in record.spans}
    assert {element.offset for element in done.elements if element.disposition in ("mapped", "carried")} <= mapped
    return done


def value_at(node: Any, path: str) -> Any:
    """The element at a path with indices."""
    for step in path.split("."):
        key, _, index = step.partition("[")
        node = node[key]
        if index:
            node = node[int(index.rstrip("]"))]
    return node


def only(done: Translation, kind: str) -> dict[str, Any]:
    """The one record of a type."""
    found = [record.resource for record in done.records if record.resource["resourceType"] == kind]
    assert len(found) == 1, [record.key for record in done.records]
    return found[0]


def disposition(done: Translation, locator: str) -> str:
    """What became of one element."""
    return next(element.disposition for element in done.elements if element.locator == locator)


def test_admission() -> None:
    """A01: the patient and the stay, with identifiers, local times in the feed's zone, and ids made of the feed's identifiers."""
    done = translated(message("ADT^A01^ADT_A01", "EVN|A01|20260301\r", PID, PV1))
    patient, stay = only(done, "Patient"), only(done, "Encounter")
    assert patient["id"] == record_id("lab", "Patient", "NORTH", "100")
    assert patient["identifier"][0]["value"] == "100"
    assert patient["identifier"][0]["system"] == "https://north.example/fhir/id/NORTH"
    assert patient["identifier"][0]["type"]["coding"][0]["code"] == "MR"
    assert patient["name"] == [{"family": "Ode", "given": ["Ann", "B."], "suffix": ["Jr"]}]
    assert (patient["birthDate"], patient["gender"]) == ("1980-02-29", "female")
    assert stay["id"] == record_id("lab", "Encounter", "NORTH", "V55")
    assert stay["status"] == "in-progress"
    assert stay["class"]["code"] == "IMP"
    assert stay["period"] == {"start": "2026-02-28T10:15:00-06:00"}
    assert stay["subject"] == {"reference": f"Patient/{patient['id']}"}
    assert stay["participant"][0]["type"][0]["coding"][0]["code"] == "ATND"
    assert done.rejects == ()


@pytest.mark.parametrize(
    ("event", "status", "end"),
    [("A01", "in-progress", ""), ("A03", "finished", "20260302"), ("A11", "cancelled", ""), ("A08", "in-progress", "")],
)
def test_status_of_a_stay_follows_the_event(event: str, status: str, end: str) -> None:
    """Discharge finishes, cancel cancels, an update keeps the patient in."""
    done = translated(message(f"ADT^{event}", PID, PV1.rstrip("\r") + f"|{end}\r"))
    assert only(done, "Encounter")["status"] == status


def test_merge() -> None:
    """A40: the patient that stays points at the one that is gone, which is inactive; both keep their own id."""
    done = translated(message("ADT^A40^ADT_A39", PID, "MRG|900^^^NORTH^MR\r"))
    patients = {record.resource["id"]: record.resource for record in done.records if record.resource["resourceType"] == "Patient"}
    stays, gone = patients[record_id("lab", "Patient", "NORTH", "100")], patients[record_id("lab", "Patient", "NORTH", "900")]
    assert gone["active"] is False
    assert gone["link"] == [{"other": {"reference": f"Patient/{stays['id']}"}, "type": "replaced-by"}]
    assert stays["link"] == [{"other": {"reference": f"Patient/{gone['id']}"}, "type": "replaces"}]


def test_result() -> None:
    """R01: report, request and results hang together; the number keeps its digits, the unit is as it was sent."""
    obx = "OBX|1|NM|2093-3^Cholesterol^LN^CHOL^Chol^L||5.10|mmol/L|3.5 - 5.0|H|||F|||20260301060500\r"
    done = translated(message("ORU^R01^ORU_R01", PID, PV1, ORDER, obx, "NTE|1||first~second\r"))
    result, report, patient = only(done, "Observation"), only(done, "DiagnosticReport"), only(done, "Patient")
    assert result["valueQuantity"] == {"value": Decimal("5.10"), "unit": "mmol/L"}
    assert str(result["valueQuantity"]["value"]) == "5.10"
    assert [coding["system"] for coding in result["code"]["coding"]] == ["http://loinc.org", "https://north.example/fhir/code/L"]
    assert result["referenceRange"] == [
        {"low": {"value": Decimal("3.5"), "unit": "mmol/L"}, "high": {"value": Decimal("5.0"), "unit": "mmol/L"}, "text": "3.5 - 5.0"}
    ]
    assert result["interpretation"][0]["coding"][0]["code"] == "H"
    assert result["effectiveDateTime"] == "2026-03-01T06:05:00-06:00"
    assert result["note"] == [{"text": "first\nsecond"}]
    assert result["subject"] == report["subject"] == {"reference": f"Patient/{patient['id']}"}
    assert report["status"] == "final"
    assert report["issued"] == "2026-03-01T07:50:00-06:00"
    assert report["result"] == [{"reference": f"Observation/{result['id']}"}]
    assert report["basedOn"] == [{"reference": f"ServiceRequest/{only(done, 'ServiceRequest')['id']}"}]
    assert disposition(done, "OBX[1]-5[1]") == "mapped"


@pytest.mark.parametrize(
    ("kind", "value", "element", "expected"),
    [
        ("ST", "no growth", "valueString", "no growth"),
        ("TX", "a~b", "valueString", "a\nb"),
        (
            "CE",
            "260385009^Negative^SCT",
            "valueCodeableConcept",
            {"coding": [{"code": "260385009", "display": "Negative", "system": "http://snomed.info/sct"}]},
        ),
        ("SN", ">^100", "valueQuantity", {"comparator": ">", "value": Decimal("100"), "unit": "mg"}),
        (
            "SN",
            "^1^:^8",
            "valueRatio",
            {"numerator": {"value": Decimal("1"), "unit": "mg"}, "denominator": {"value": Decimal("8"), "unit": "mg"}},
        ),
        ("NM", "<0.50", "valueQuantity", {"comparator": "<", "value": Decimal("0.50"), "unit": "mg"}),
        ("DT", "202603", "valueDateTime", "2026-03"),
        ("TM", "0730", "valueTime", "07:30:00"),
    ],
)
def test_values_by_their_declared_type(kind: str, value: str, element: str, expected: Any) -> None:
    """OBX-2 decides how OBX-5 is read; precision and digits are kept."""
    done = translated(message("ORU^R01", PID, ORDER, f"OBX|1|{kind}|X^Y^L||{value}|mg|||||F\r"))
    assert only(done, "Observation")[element] == expected


def test_one_bad_result_is_refused_alone() -> None:
    """A number that is none refuses its own observation, with the place and without the value; the others stand."""
    bad = "OBX|1|NM|A^A^L||twelve|mg|||||F\r"
    good = "OBX|2|NM|B^B^L||12|mg|||||F\r"
    done = translated(message("ORU^R01", PID, ORDER, bad, good))
    assert only(done, "Observation")["valueQuantity"]["value"] == 12
    assert [(reject.code, reject.locator) for reject in done.rejects] == [("hl7v2-value", "OBX[1]-5[1]")]
    assert "twelve" not in repr(done.rejects)
    assert {element.disposition for element in done.elements if element.locator.startswith("OBX[1]")} == {"rejected"}
    assert len(only(done, "DiagnosticReport")["result"]) == 1


def test_an_impossible_optional_date_is_noticed() -> None:
    """A date that cannot be is left out and noticed; the record around it stands."""
    done = translated(message("ADT^A01", PID.replace("19800229", "19810229"), PV1))
    assert "birthDate" not in only(done, "Patient")
    assert [(notice.kind, notice.locator) for notice in done.notices] == [("doubtful-date", "PID[1]-7[1]")]
    assert disposition(done, "PID[1]-7[1]") == "rejected"


def test_unknown_codes_are_kept_and_noticed() -> None:
    """A code that no map knows stays in the record as it came, and is queued."""
    done = translated(message("ADT^A01", PID.replace("|F|", "|ZZ|"), PV1.replace("|I|", "|Q|")))
    patient, stay = only(done, "Patient"), only(done, "Encounter")
    assert "gender" not in patient
    assert patient["_gender"]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "ZZ"
    assert stay["class"]["code"] == "Q"
    assert stay["status"] == "unknown"
    assert {(notice.kind, notice.code) for notice in done.notices} == {("unknown-code", "ZZ"), ("unknown-code", "Q")}
    assert disposition(done, "PID[1]-8[1]") == "carried"


def test_null_is_not_a_value() -> None:
    """HL7's null says that something is gone: it becomes nothing, by rule, and never the text of two quotes."""
    done = translated(message("ADT^A08", 'PID|1||100^^^NORTH^MR||Ode^Ann||""|""|||""^^""\r', PV1))
    assert {"birthDate", "gender", "address"}.isdisjoint(only(done, "Patient"))
    assert disposition(done, "PID[1]-7[1]") == "dropped"
    assert b'""' not in repr(done.records).encode()


def test_times_without_offset_take_the_senders() -> None:
    """The offset of MSH-7 holds for the message (chapter 2A, DTM); else the zone of the feed, with its summer time."""
    offset = message("ADT^A01", PID, PV1).replace(b"20260301075500|", b"20260301075500+0530|")
    assert only(translated(offset), "Encounter")["period"]["start"] == "2026-02-28T10:15:00+05:30"
    summer = message("ADT^A01", PID, PV1.replace("20260228101500", "202607281015"))
    assert only(translated(summer), "Encounter")["period"]["start"] == "2026-07-28T10:15:00-05:00"


def test_z_segments_are_carried() -> None:
    """What only this site knows is kept with the patient, word for word, and said."""
    done = translated(message("ADT^A01", PID, PV1, "ZBD|bed 7^east|dirty\r"))
    kept = only(done, "Basic")
    assert kept["subject"]["reference"].startswith("Patient/")
    assert [one["valueString"] for one in kept["extension"]] == ["bed 7", "east", "dirty"]
    assert disposition(done, "ZBD[1]-1[1].2") == "carried"
    assert Counter(notice.kind for notice in done.notices)["z-segment"] == 1


def test_the_site_names_its_authorities() -> None:
    """Assigning authorities that the site lists get its systems; the record's id does not depend on that."""
    named = SourceProfile("lab", options={"authorities": {"NORTH": "https://north.example/mrn"}})
    patient = only(translated(message("ADT^A01", PID), named), "Patient")
    assert patient["identifier"][0]["system"] == "https://north.example/mrn"
    assert patient["id"] == record_id("lab", "Patient", "NORTH", "100")


def test_the_same_bytes_give_the_same_records() -> None:
    """Translation is a function: a replay changes nothing."""
    raw = message("ORU^R01", PID, PV1, ORDER, "OBX|1|NM|A^A^L||1|mg|||||F\r")
    assert translated(raw) == translated(raw)


def test_what_is_said_twice_in_a_name_stays_one_however_often_the_shape_was_met() -> None:
    """XCN-7 and XCN-21 are the same suffix: once, row by row and by the form that is learned from it; another one beside it stays."""

    def collector(degree: str, suffix: str) -> str:
        name = f"1^Ode&&Ode^Ann^B^2ND^DR^{degree}^SRC^^^^NPI^^^^^^^^^{suffix}"
        return message("ORU^R01", PID, f"OBR|1|||1^x||||||{name}|||||||||||||||F\r")

    for degree, suffix, told in (("MD", "MD", ["2ND", "MD"]), ("MD", "PhD", ["2ND", "MD", "PhD"]), ("RN", "RN", ["2ND", "RN"])):
        for _ in range(4):
            found = [
                record.resource["name"][0] for record in translated(collector(degree, suffix)).records if record.key.startswith("Pract")
            ]
            assert [one["suffix"] for one in found] == [told]


def test_results_of_the_same_kind_do_not_swallow_each_other() -> None:
    """Two results that no identifier tells apart stay two."""
    done = translated(message("ORU^R01", PID, ORDER, "OBX||NM|A^A^L||1|mg|||||F\r", "OBX||NM|A^A^L||2|mg|||||F\r"))
    assert sum(record.resource["resourceType"] == "Observation" for record in done.records) == 2


def test_bytes_that_are_no_message_are_quarantined() -> None:
    """Garbage gives no record, one reject over all of it, and no exception; a batch header is ignored by rule."""
    for raw in (b"", b"\x00\xff", b"PID|1||2"):
        done = Hl7v2Format().translate(raw, FEED)
        assert not done.records
        assert [reject.code for reject in done.rejects] == ["hl7v2-no-header"]
    envelope = Hl7v2Format().translate(b"FHS|^~\\&|A|B\rFTS", FEED)
    assert envelope.ignored == "hl7v2.batch-envelope"
    assert {element.disposition for element in envelope.elements} == {"dropped"}


AGAIN = (
    "PID|1||100^^^NORTH^MR~5^^^SSA^SS||Ode^Ann||19700102|F||2106-3^White^CDCREC|1 Main^^Oak^IL||^PRN^PH^^1^708^5551234|||M||9^^^NORTH^AN\r",
    "PID|1||100^^^NORTH^MR||Ode^Ann^B||1970|Q\r",
    "PD1||||7^Hart^Lou^^^Dr^^^NORTH\r",
    "NK1|1|Ode^Lou|SPO^Spouse^HL70063||^PRN^PH^^1^708^5559876\r",
    "PV1|1|I|ICU^1^A^NORTH|E||4E^2^B^NORTH|7^Hart^Lou^^^Dr^^^NORTH||7^Hart^L^^^Dr^^^NORTH|MED|||||||||V1^^^NORTH^VN\r",
    "PV1|1|I|ICU^1^B^NORTH|E|||8^Hart^Lou^^^Dr^^^NORTH||||||||||||V1^^^NORTH^VN|||||||||||||||||||||||||202602281015\r",
    "AL1|1|DA|7980^Penicillin^RXNORM|SV|Hives\r",
    "DG1|1||N17.9^Acute kidney failure^I10|||A\r",
    "IN1|1|PPO^Preferred|C1^^^PAYER|Blue Plan||||||||||||SEL\r",
    "ORC|RE|P1^EHR|F1^LAB||CM\r",
    "OBR|1|P1^EHR|F1^LAB|24331-1^Panel^LN|||202602281015|||||||||7^Hart^Lou^^^Dr^^^NORTH\r",
    "OBX|1|NM|718-7^Hemoglobin^LN||13.5|g/dL|12-16|N|||F|||202602281015\r",
    "OBX|1|NM|718-7^Hemoglobin^LN||x|g/dL|12-16|N|||F|||2026022810x\r",
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["ADT^A01", "ADT^A08", "ORU^R01"]), st.lists(st.sampled_from(AGAIN), max_size=7)), max_size=4),
    st.uuids(),
)
def test_what_is_remembered_changes_nothing(feed: list[tuple[str, list[str]]], fresh: Any) -> None:
    """A message in the middle of a feed, all of it met before, gives what it gives to a feed that never met anything."""
    used = SourceProfile("lab", options={"feed": str(fresh)})
    raws = [message(kind, *segments) for kind, segments in feed]
    for _ in range(3):
        for raw in raws:
            translated(raw, used)
    for number, raw in enumerate(raws):
        assert translated(raw, used) == translated(raw, SourceProfile("lab", options={"feed": f"{fresh}/{number}"}))


def test_a_text_under_other_delimiters_is_another_text() -> None:
    """What was remembered of `Ode^Ann` where `^` delimits is not told where the header says that `!` does."""
    feed = SourceProfile("lab", options={"feed": "delimiters"})
    usual = message("ADT^A01", PID)
    for _ in range(3):
        translated(usual, feed)
    patient = only(translated(usual.replace(b"|^~", b"|!~").replace(b"ADT^A01", b"ADT!A01"), feed), "Patient")
    assert patient["name"][0]["family"] == "Ode^Ann^B.^Jr"


def test_a_remembered_performer_names_the_bytes_behind_the_reference() -> None:
    """A laboratory that OBX-15 names and OBX-23 names again: the reference to it has both spans, also told from memory."""
    feed = SourceProfile("lab", options={"feed": "performer"})
    raw = message("ORU^R01", PID, ORDER, "OBX|1|NM|A^A^L||1|mg|||||F||||LAB1^Main||||||||Main^^LAB1\r")
    for _ in range(3):
        done = translated(raw, feed)
        rules = [span.rule for record in done.records for span in record.spans if span.path == "performer[0].reference"]
        assert rules == ["OBX_Observation/OBX-15", "link/Performer"]


def test_a_blank_at_the_very_end_is_no_part_of_a_value() -> None:
    """The last value of a delivery without a line end: learned or not, the blank behind it is left out."""
    raw = message("ORU^R01", PID, "SFT|Lab ")
    for _ in range(4):
        assert [record.resource["manufacturer"] for record in translated(raw).records if "manufacturer" in record.resource] == ["Lab"]


@pytest.mark.parametrize(
    ("ends", "cut"), [("\r", False), ("\n", False), ("\r\n", False), ("\r\x1c\r", False), ("", True), ("\x1c\r", True)]
)
def test_a_feed_that_always_ends_its_messages_notices_one_that_was_cut(ends: str, cut: bool) -> None:
    """Where the profile says that every message ends with its terminator, one without it is noticed with its last segment, framed or not;
    what came is kept all the same, and a feed that says nothing is read as before."""
    raw = message("ORU^R01", PID, ORDER.removesuffix("\r")) + ends.encode()
    plain = translated(raw)
    assert not [notice for notice in plain.notices if notice.kind == "truncated"]
    done = translated(raw, replace(FEED, options={"terminated": True}))
    said = [notice for notice in done.notices if notice.kind == "truncated"]
    assert [(notice.code, notice.locator) for notice in said] == ([("OBR", "OBR[1]")] if cut else [])
    assert [record.resource for record in done.records] == [record.resource for record in plain.records]
