"""C-CDA entry templates: each that the table knows becomes a record of its type, valid by our validator, and no value is unaccounted."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.ccda import CcdaFormat
from trivet.integration.formats.ccda.lineage import stands_for
from trivet.integration.formats.ccda.rules import ROOT, kinds
from trivet.integration.tables import table
from trivet.integration.validation import Validator
from trivet.testing.kits.format import FormatKit, related

PROFILE = SourceProfile("practice", "ccda", zone="America/Chicago", system="https://practice.example")
KIT = FormatKit(CcdaFormat(), PROFILE, lambda span, value, text: related(span, value, text) or stands_for(value, text))
SNOMED = 'codeSystem="2.16.840.1.113883.6.96"'
PEOPLE = (
    '<performer><assignedEntity><id root="2.16.840.1.113883.4.6" extension="1112223334"/><assignedPerson><name><given>Ada</given>'
    "<family>Okoye</family></name></assignedPerson><representedOrganization><id root='2.999.8' extension='o1'/><name>North</name>"
    "</representedOrganization></assignedEntity></performer><author><time value='20240103'/><assignedAuthor><id root='2.999.3' "
    "extension='a1'/><assignedPerson><name><family>Silva</family></name></assignedPerson></assignedAuthor></author>"
)
DRUG = (
    "<manufacturedProduct><manufacturedMaterial><code code='308136' codeSystem='2.16.840.1.113883.6.88' displayName='amlodipine'/>"
    "</manufacturedMaterial></manufacturedProduct>"
)
DEVICE = (
    "<participant typeCode='DEV'><participantRole classCode='MANU'><id root='2.999.9' extension='d1'/><playingDevice>"
    f"<code code='72506001' {SNOMED}/></playingDevice></participantRole></participant>"
)
CONCEPT = f'<value xsi:type="CD" code="195967001" {SNOMED}><translation code="J45.909" codeSystem="2.16.840.1.113883.6.90"/></value>'
AGENT = (
    "<participant typeCode='CSM'><participantRole><playingEntity><code code='7980' codeSystem='2.16.840.1.113883.6.88'/>"
    "</playingEntity></participantRole></participant>"
)
RELATIVE = "<subject><relatedSubject classCode='PRS'><code code='FTH' codeSystem='2.16.840.1.113883.5.111'/></relatedSubject></subject>"
# What an entry holds besides identifier, code, status and time, by kind; nothing listed: a concept as its value.
INSIDE: dict[str, tuple[str, str]] = {
    "allergy": ("observation", f'<value xsi:type="CD" code="416098002" {SNOMED}/>' + PEOPLE + AGENT),
    "medication-request": ("substanceAdministration", f"<consumable>{DRUG}</consumable>{PEOPLE}"),
    "medication-statement": ("substanceAdministration", f"<consumable>{DRUG}</consumable>{PEOPLE}"),
    "immunization": ("substanceAdministration", f"<consumable>{DRUG}</consumable>{PEOPLE}"),
    "dispense": ("supply", f"<product>{DRUG}</product>{PEOPLE}"),
    "supply-order": ("supply", f"<product>{DRUG}</product>{PEOPLE}"),
    "report": ("organizer", PEOPLE),
    "vital-panel": ("organizer", PEOPLE),
    "functional-panel": ("organizer", PEOPLE),
    "procedure": ("procedure", PEOPLE),
    "encounter": ("encounter", PEOPLE),
    "encounter-planned": ("encounter", PEOPLE),
    "planned": ("act", PEOPLE),
    "media": ("observationMedia", "<value mediaType='image/png' representation='B64'>aGVsbG8=</value>"),
    "note": ("act", f"<text>Seen and well.</text>{PEOPLE}"),
    "family": ("organizer", RELATIVE),
    "coverage": ("act", PEOPLE),
    "device-supply": ("supply", DEVICE),
    "care-team": (
        "organizer",
        f"<component><act><templateId root='{ROOT}22.4.500.1'/><code code='85847-2' "
        f"codeSystem='2.16.840.1.113883.6.1'/><statusCode code='active'/>{PEOPLE.partition('<author>')[0]}</act></component>",
    ),
}


def ours(resource: dict[str, Any]) -> bool:
    """Whether a record is that of the entry."""
    held = resource.get("identifier", ())
    return isinstance(held, list) and any(identifier.get("value") == "e1" for identifier in held)


ROWS = [(row["template"], row["mood"], row["kind"]) for row in table("ccda/entries.csv") if row["kind"] in kinds()]


@cache
def judge() -> Validator:
    """The validator, made once."""
    return Validator()


def document(template: str, mood: str, kind: str, attributes: str = "") -> bytes:
    """A document with one entry of a template, in a section that says nothing about it."""
    tag, inside = INSIDE.get(kind, ("observation", CONCEPT + PEOPLE))
    said = mood or ("INT" if kind == "medication-request" else "EVN")
    root = template if template.count(".") > 6 else ROOT + template
    return (
        '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="2.999.1" extension="d1"/><code code="34133-9" '
        'codeSystem="2.16.840.1.113883.6.1"/><effectiveTime value="20240102"/><recordTarget><patientRole><id root="2.999.2" '
        'extension="p7"/><patient><name><family>Ruiz</family></name></patient></patientRole></recordTarget><component><structuredBody>'
        '<component><section><code code="99999-9" codeSystem="2.16.840.1.113883.6.1"/><title>S</title><text>x</text><entry>'
        f'<{tag} moodCode="{said}"{attributes}><templateId root="{root}"/><id root="2.999.4" extension="e1"/>'
        f'<code code="75326-9" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="active"/>'
        f'<effectiveTime xsi:type="IVL_TS"><low value="20240101"/></effectiveTime>{inside}</{tag}>'
        "</entry></section></component></structuredBody></component></ClinicalDocument>"
    ).encode()


def told(raw: bytes) -> Translation:
    """The translation, held to the format kit: every element once, every span true."""
    ((_, one),) = KIT.check(raw)
    return one


@pytest.mark.parametrize(("template", "mood", "kind"), ROWS)
def test_a_template_becomes_a_valid_record(template: str, mood: str, kind: str) -> None:
    """The record's type, its code or value, its identifier; no error by the validator, no reject."""
    one = told(document(template, mood, kind))
    assert one.rejects == ()
    made = [record.resource for record in one.records if record.resource["resourceType"] == kinds()[kind].resource]
    assert any(ours(resource) for resource in made)
    for record in one.records:
        assert [(found.expression, found.message) for found in judge().value(record.resource) if found.is_error] == []
    codes = {element.locator for element in one.elements if element.disposition == "uncovered" and element.locator.endswith("value/@code")}
    assert codes == set()


@pytest.mark.parametrize(("template", "mood", "kind"), ROWS)
def test_a_null_or_negated_template_says_nothing_it_did_not(template: str, mood: str, kind: str) -> None:
    """A statement that is null makes no record of its own; a negated one never makes the record of its opposite."""
    null = told(document(template, mood, kind, ' nullFlavor="NI"'))
    assert all(record.resource["resourceType"] not in ("Condition", "AllergyIntolerance", "Procedure") for record in null.records)
    plain = [record.resource for record in told(document(template, mood, kind)).records]
    negated = told(document(template, mood, kind, ' negationInd="true"'))
    same = [record.resource for record in negated.records if record.resource in plain]
    assert not any(ours(resource) for resource in same)


def test_a_care_team_has_members_with_their_roles() -> None:
    """Members out of the acts inside, one record each."""
    one = told(document("22.4.500", "", "care-team"))
    (team,) = [record.resource for record in one.records if record.resource["resourceType"] == "CareTeam"]
    assert team["status"] == "active"
    assert team["participant"][0]["member"]["reference"].startswith("Practitioner/")
