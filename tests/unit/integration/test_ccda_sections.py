"""Every section of the US Core set, told by template with its extension (R2.1), without (R1.1), and by the section's code alone; referrals,
pictures and embedded documents; sections that say that nothing is known."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.ccda import CcdaFormat
from trivet.integration.formats.ccda.lineage import stands_for
from trivet.integration.formats.ccda.rules import ROOT
from trivet.integration.validation import Validator
from trivet.testing.kits.format import FormatKit, related

PROFILE = SourceProfile("practice", "ccda", zone="America/Chicago", system="https://practice.example")
KIT = FormatKit(CcdaFormat(), PROFILE, lambda span, value, text: related(span, value, text) or stands_for(value, text))
JUDGE = Validator()
SNOMED, LOINC, RXNORM, CVX = (f"2.16.840.1.113883.{end}" for end in ("6.96", "6.1", "6.88", "12.292"))


def code(value: str, system: str, name: str = "code", **more: str) -> str:
    """A coded element."""
    said = " ".join(f'{key}="{one}"' for key, one in more.items())
    return f'<{name} {said} code="{value}" codeSystem="{system}"/>'


def drug(value: str, system: str) -> str:
    """What is given."""
    return f"<manufacturedProduct><manufacturedMaterial>{code(value, system)}</manufacturedMaterial></manufacturedProduct>"


CONCEPT = f'<value xsi:type="CD" code="59621000" codeSystem="{SNOMED}"/>'
AMOUNT = '<value xsi:type="PQ" value="7.10" unit="mmol/L"/>'
AGENT = (
    "<participant typeCode='CSM'><participantRole classCode='MANU'><playingEntity classCode='MMAT'>"
    f"{code('7980', RXNORM)}</playingEntity></participantRole></participant>"
)
DEVICE = (
    "<participant typeCode='DEV'><participantRole classCode='MANU'><id root='2.999.9' extension='d1'/><playingDevice>"
    f"{code('72506001', SNOMED)}</playingDevice></participantRole></participant>"
)
FATHER = f"<subject><relatedSubject classCode='PRS'>{code('FTH', '2.16.840.1.113883.5.111')}</relatedSubject></subject>"
ILL = f"<component><observation classCode='OBS' moodCode='EVN'>{{template}}<id root='2.999.2' extension='f'/>{code('55607006', SNOMED)}"
ILL += f"<statusCode code='completed'/>{CONCEPT}</observation></component>"
# Section code, section template, statement's tag, mood, template, what it holds besides, the record's type, whether the code alone tells.
SECTIONS: dict[str, tuple[str, str, str, str, str, str, str, bool]] = {
    "problems": ("11450-4", "22.2.5.1", "observation", "EVN", "22.4.4", CONCEPT, "Condition", True),
    "allergies": ("48765-2", "22.2.6.1", "observation", "EVN", "22.4.7", code("419199007", SNOMED, "value", **{"xsi:type": "CD"}) + AGENT,
                  "AllergyIntolerance", True),
    "medications": ("10160-0", "22.2.1.1", "substanceAdministration", "INT", "22.4.16",
                    f"<consumable>{drug('308136', RXNORM)}</consumable>",
                    "MedicationRequest", True),
    "immunisations": ("11369-6", "22.2.2.1", "substanceAdministration", "EVN", "22.4.52", f"<consumable>{drug('88', CVX)}</consumable>",
                      "Immunization", True),
    "results": ("30954-2", "22.2.3.1", "observation", "EVN", "22.4.2", AMOUNT, "Observation", True),
    "vital signs": ("8716-3", "22.2.4.1", "observation", "EVN", "22.4.27", AMOUNT, "Observation", True),
    "procedures": ("47519-4", "22.2.7.1", "procedure", "EVN", "22.4.14", "", "Procedure", True),
    "encounters": ("46240-8", "22.2.22.1", "encounter", "EVN", "22.4.49", "", "Encounter", True),
    "social history": ("29762-2", "22.2.17", "observation", "EVN", "22.4.38", CONCEPT, "Observation", True),
    "plan": ("18776-5", "22.2.10", "act", "INT", "22.4.39", "", "ServiceRequest", True),
    "goals": ("61146-7", "22.2.60", "observation", "GOL", "22.4.121", CONCEPT, "Goal", True),
    "notes": ("11488-4", "22.2.65", "act", "EVN", "22.4.202", "<text mediaType='text/plain'>Seen and well.</text>",
              "DocumentReference", False),
    "devices": ("46264-8", "22.2.23", "supply", "EVN", "22.4.50", DEVICE, "DeviceUseStatement", True),
    "functional status": ("47420-5", "22.2.14", "observation", "EVN", "22.4.67", CONCEPT, "Observation", True),
    "mental status": ("10190-7", "22.2.56", "observation", "EVN", "22.4.74", CONCEPT, "Observation", True),
    "family history": ("10157-6", "22.2.15", "organizer", "EVN", "22.4.45",
                       FATHER + ILL.format(template=f"<templateId root='{ROOT}22.4.46'/>"),
                       "FamilyMemberHistory", True),
    "payers": ("48768-6", "22.2.18", "act", "EVN", "22.4.61", "", "Coverage", False),
    "care teams": ("85847-2", "22.2.500", "organizer", "EVN", "22.4.500", "", "CareTeam", True),
    "advance directives": ("42348-3", "22.2.21.1", "observation", "EVN", "22.4.48", CONCEPT, "Observation", True),
    "health concerns": ("75310-3", "22.2.58", "observation", "EVN", "22.4.4", CONCEPT, "Condition", True),
    "discharge diagnosis": ("11535-2", "22.2.24", "observation", "EVN", "22.4.4", CONCEPT, "Condition", True),
    "reason for referral": ("42349-1", "", "act", "INT", "22.4.140", "", "ServiceRequest", True),
}  # fmt: skip


def document(section: str) -> bytes:
    """A document with one section."""
    return (
        '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="2.999.1" extension="doc"/>'
        f'{code("34133-9", LOINC)}<title>Summary</title><effectiveTime value="20240105"/><recordTarget><patientRole>'
        '<id root="2.999.5" extension="p1"/><patient><name><given>Ada</given><family>Okoye</family></name>'
        '<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19700501"/></patient></patientRole>'
        f"</recordTarget><component><structuredBody><component>{section}</component></structuredBody></component></ClinicalDocument>"
    ).encode()


def entry(tag: str, mood: str, template: str, inside: str, extension: str = "") -> str:
    """A statement."""
    more = f' extension="{extension}"' if extension else ""
    named = f'<templateId root="{ROOT}{template}"{more}/>' if template else ""
    about = "" if tag in ("substanceAdministration", "supply", "organizer") else code("29463-7", LOINC)
    head = f'<{tag} classCode="X" moodCode="{mood}">{named}<id root="2.999.2" extension="e1"/>{about}'
    return f'<entry>{head}<statusCode code="completed"/><effectiveTime value="20240103"/>{inside}</{tag}></entry>'


def section(number: str, template: str, entries: str, attributes: str = "", extension: str = "") -> str:
    """A section with its narrative."""
    more = f' extension="{extension}"' if extension else ""
    named = f'<templateId root="{ROOT}{template}"{more}/>' if template else ""
    words = "<title>T</title><text><paragraph>Words of it.</paragraph></text>"
    return f"<section{attributes}>{named}{code(number, LOINC)}{words}{entries}</section>"


def told(raw: bytes) -> Translation:
    """The translation, held to the kit and to the validator."""
    ((_, one),) = KIT.check(raw)
    for record in one.records:
        assert [(found.expression, found.message) for found in JUDGE.value(record.resource) if found.is_error] == []
    return one


def mine(one: Translation) -> list[dict[str, Any]]:
    """Records of the entry, by its identifier."""
    return [
        record.resource
        for record in one.records
        for held in [record.resource.get("identifier")]
        if isinstance(held, list) and any(identifier.get("value") == "e1" for identifier in held)
    ]


@pytest.mark.parametrize("style", ["R2.1", "R1.1", "code only"])
@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_its_records(name: str, style: str) -> None:
    """One record of the right type, valid, with the patient; the narrative is kept; nothing of the entry's code or value is unread."""
    number, holder, tag, mood, template, inside, kind, alone = SECTIONS[name]
    if style == "code only" and not alone:
        pytest.skip("the section's code alone does not tell what its statements are")
    extension = "2015-08-01" if style == "R2.1" else ""
    statement = entry(tag, mood, template if style != "code only" else "", inside, extension)
    one = told(document(section(number, holder if style != "code only" else "", statement, extension=extension)))
    assert one.rejects == ()
    [record] = mine(one)
    assert record["resourceType"] == kind
    assert any("Patient/" in str(value) for value in record.values())
    [composition] = [made.resource for made in one.records if made.resource["resourceType"] == "Composition"]
    assert "Words of it." in composition["section"][0]["text"]["div"]
    assert composition["section"][0]["entry"][0]["reference"] == f"{kind}/{record['id']}"
    values = ("value/@code", "value/@value", f"/{tag}/code/@code", "manufacturedMaterial/code/@code")
    unread = {element.locator for element in one.elements if element.disposition == "uncovered" and element.locator.endswith(values)}
    assert unread == set()


def test_a_ccd_of_2007_is_read_by_its_own_templates() -> None:
    """Problem and family history of CCD (10.20.1.*): the family's illness is the relative's, no result of the patient."""
    simple = "<templateId root='1.3.6.1.4.1.19376.1.5.3.1.4.13'/>"
    ill = ILL.format(template=f"{simple}<templateId root='{ROOT}1.22'/>")
    one = told(document(section("10157-6", "1.4", entry("organizer", "EVN", "1.23", FATHER + ill))))
    [relative] = mine(one)
    assert relative["resourceType"] == "FamilyMemberHistory"
    assert not [record for record in one.records if record.resource["resourceType"] == "Observation"]
    assert mine(told(document(section("11450-4", "1.11", entry("observation", "EVN", "1.28", CONCEPT)))))[0]["resourceType"] == "Condition"
    raw = document(section("30954-2", "1.14", entry("observation", "EVN", "", simple + AMOUNT)))
    assert mine(told(raw))[0]["resourceType"] == "Observation"


def test_a_referral_is_a_request_with_its_reason_and_where_to() -> None:
    """Patient Referral Act: a ServiceRequest, its priority, what for, and who it goes to."""
    where = (
        "<participant typeCode='REFT'><participantRole><id root='2.999.3' extension='h1'/><playingEntity><name>Heart Clinic</name>"
        "</playingEntity></participantRole></participant>"
    )
    why = f"<entryRelationship typeCode='RSON'><observation classCode='OBS' moodCode='EVN'><templateId root='{ROOT}22.4.19'/>"
    why += f"{code('ASSERTION', '2.16.840.1.113883.5.4')}<statusCode code='completed'/>{CONCEPT}</observation></entryRelationship>"
    inside = code("A", "2.16.840.1.113883.5.7", "priorityCode") + where + why
    one = told(document(section("42349-1", "", entry("act", "RQO", "22.4.140", inside))))
    [request] = mine(one)
    assert (request["resourceType"], request["intent"], request["priority"]) == ("ServiceRequest", "order", "asap")
    assert request["reasonCode"][0]["coding"][0]["code"] == "59621000"
    assert request["performer"][0]["reference"].startswith("Practitioner/")


@pytest.mark.parametrize("kind", ["application/pdf", "image/png"])
def test_a_picture_or_a_document_inside_is_kept_byte_by_byte(kind: str) -> None:
    """observationMedia: a Media with its type and every byte; the section points to it."""
    data = base64.b64encode(bytes(range(256))).decode()
    value = f"<value xsi:type='ED' mediaType='{kind}' representation='B64'>{data[:100]}\n{data[100:]}</value>"
    head = "<observationMedia classCode='OBS' moodCode='EVN' ID='M1'><id root='2.999.2' extension='e1'/>"
    media = f"<entry>{head}{value}</observationMedia></entry>"
    one = told(document(section("18748-4", "", media)))
    [made] = mine(one)
    assert made["resourceType"] == "Media"
    assert made["content"]["contentType"] == kind
    assert base64.b64decode(made["content"]["data"]) == bytes(range(256))
    named = media.replace(f">{data[:100]}\n{data[100:]}<", "><reference value='scan.png'/><")
    [made] = mine(told(document(section("18748-4", "", named))))
    assert made["content"]["url"] == "scan.png"


def test_a_section_that_says_nothing_is_known_makes_no_record() -> None:
    """nullFlavor on a section or an entry, and the negated statement of no known problem: no Condition out of nothing."""
    empty = told(document(section("11450-4", "22.2.5.1", "", ' nullFlavor="NI"')))
    assert not [record for record in empty.records if record.resource["resourceType"] == "Condition"]
    statement = entry("observation", "EVN", "22.4.4", CONCEPT).replace("<observation ", '<observation nullFlavor="NI" ', 1)
    null = told(document(section("11450-4", "22.2.5.1", statement)))
    assert mine(null) == []
    assert [notice.kind for notice in null.notices] == ["no-information"]
    value = '<value xsi:type="CD" nullFlavor="UNK"/>'
    unknown = told(document(section("11450-4", "22.2.5.1", entry("observation", "EVN", "22.4.4", value))))
    assert mine(unknown) == []
    result = told(
        document(section("30954-2", "22.2.3.1", entry("observation", "EVN", "22.4.2", '<value xsi:type="PQ" nullFlavor="UNK"/>')))
    )
    [absent] = mine(result)
    assert "valueQuantity" not in absent
    assert absent["dataAbsentReason"]["coding"][0]["code"] == "unknown"
