"""What documents of other makers showed: each case is a small statement of our own, its record, and no leaf of its facts uncovered."""

from __future__ import annotations

from typing import Any

import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.ccda import CcdaFormat
from trivet.integration.formats.ccda.lineage import stands_for
from trivet.integration.formats.ccda.rules import ROOT
from trivet.integration.validation import Validator
from trivet.testing.kits.format import FormatKit, related

PROFILE = SourceProfile("practice", "ccda", zone="UTC", system="https://practice.example")
KIT = FormatKit(CcdaFormat(), PROFILE, lambda span, value, text: related(span, value, text) or stands_for(value, text))
JUDGE = Validator()
SNOMED, RXNORM = 'codeSystem="2.16.840.1.113883.6.96"', 'codeSystem="2.16.840.1.113883.6.88"'
LOINC = 'codeSystem="2.16.840.1.113883.6.1"'
DRUG = (
    f'<consumable><manufacturedProduct><manufacturedMaterial><code code="197361" {RXNORM} displayName="amlodipine 5 MG"/>'
    "</manufacturedMaterial></manufacturedProduct></consumable>"
)
LATEX = (
    '<participant typeCode="CSM"><participantRole><playingEntity><code code="111088007" codeSystem="2.16.840.1.113883.6.96"/>'
    "<name>Latex gloves</name></playingEntity></participantRole></participant>"
)
ACTIVE = f'<entryRelationship typeCode="REFR"><observation><templateId root="{ROOT}22.4.6"/><value xsi:type="CD" code="55561003" {SNOMED}/>'
ACTIVE += "</observation></entryRelationship>"


def one(template: str, tag: str, mood: str, inside: str) -> str:
    """A statement of a template."""
    root = template if template.count(".") > 6 else ROOT + template
    return f'<{tag} moodCode="{mood}"><templateId root="{root}"/><id root="2.999.4" extension="e1"/>{inside}</{tag}>'


def told(entry: str, head: str = "", narrative: str = "x") -> tuple[Translation, list[dict[str, Any]]]:
    """The translation, held to the format kit and to the validator, and its records."""
    raw = (
        '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="2.999.1" extension="d1"/><code code="34133-9" '
        f'{LOINC}/><effectiveTime value="20240102"/><recordTarget><patientRole><id root="2.999.2" extension="p7"/><patient><name>'
        f"<family>Ruiz</family></name>{head}</patient></patientRole></recordTarget><component><structuredBody><component><section>"
        f'<code code="99999-9" {LOINC}/><title>S</title><text>{narrative}</text><entry>{entry}</entry></section></component>'
        "</structuredBody></component></ClinicalDocument>"
    ).encode()
    ((_, done),) = KIT.check(raw)
    for record in done.records:
        assert [(found.expression, found.message) for found in JUDGE.value(record.resource) if found.is_error] == []
    return done, [record.resource for record in done.records]


def at(resource: dict[str, Any], path: str) -> Any:
    """The element at a dotted path; numbers count in lists."""
    held: Any = resource
    for step in path.split("."):
        held = held[int(step)] if step.isdigit() else held[step]
    return held


CONCERN = f'<act moodCode="EVN"><templateId root="{ROOT}22.4.%s"/><statusCode code="active"/><entryRelationship typeCode="SUBJ">%s'
CONCERN += "</entryRelationship></act>"
PNEUMONIA = f'<value xsi:type="CD" code="233604007" {SNOMED}>%s</value>'
SEVERE = f'<entryRelationship><observation><templateId root="{ROOT}22.4.8"/><value xsi:type="CD" code="24484000" {SNOMED}/></observation>'
SEVERE += "</entryRelationship>"
SITE = f'<qualifier><name code="363698007"/><value code="41224006" {SNOMED}/></qualifier>'
ENDED = '<effectiveTime><low value="2012"/><high value="2013"/></effectiveTime>'
AGE = f'<entryRelationship><observation><templateId root="{ROOT}22.4.31"/><value xsi:type="PQ" value="65" unit="a"/></observation>'
AGE += "</entryRelationship>"
SUPPLY = (
    f'<entryRelationship typeCode="REFR"><supply moodCode="INT"><templateId root="{ROOT}22.4.17"/><id root="2.999.4" extension="s1"/>'
    '<statusCode code="completed"/><effectiveTime xsi:type="IVL_TS"><low value="20240101"/></effectiveTime><repeatNumber value="3"/>'
    '<quantity value="30"/></supply></entryRelationship>'
)
SIG = f'<entryRelationship><substanceAdministration><templateId root="{ROOT}22.4.147"/><code code="76662-6" {LOINC}/>'
SIG += "<text>one at night</text></substanceAdministration></entryRelationship>"
EVERY = (
    '<effectiveTime xsi:type="PIVL_TS" operator="A"><period><low value="4" unit="h"/><high value="6" unit="h"/></period></effectiveTime>'
)
NIGHT = '<effectiveTime xsi:type="EIVL_TS" operator="A"><event code="HS"/><offset value="1" unit="h"/></effectiveTime>'
RANGE = "<referenceRange><observationRange>%s</observationRange></referenceRange>"
LOW = '<value><high value="2" unit="mmol/L"/></value><interpretationCode code="L"/>'
GLUCOSE = f'<code code="2345-7" {LOINC}/><statusCode code="completed"/><effectiveTime value="20240101"/>'
ITEM = f'<entryRelationship><observation><templateId root="{ROOT}22.4.86"/><code code="44250-9" {LOINC}/><value xsi:type="INT" value="2"/>'
ITEM += "</observation></entryRelationship>"
VISIT = '<code code="99213" codeSystem="2.16.840.1.113883.6.12"/><effectiveTime value="20240101"/><performer><sdtc:functionCode '
VISIT += 'code="PCP" codeSystem="2.16.840.1.113883.5.88"/><assignedEntity><id root="2.999.3" extension="1"/></assignedEntity></performer>'
POLICY = (
    f'<act moodCode="EVN"><templateId root="{ROOT}22.4.60"/><entryRelationship><sequenceNumber value="2"/>%s</entryRelationship></act>'
    % one(
        "22.4.61",
        "act",
        "EVN",
        f'<performer><templateId root="{ROOT}22.4.87"/><assignedEntity><id root="2.999.9" extension="payer"/><addr><city>Reno</city></addr>'
        "<representedOrganization><name>Good Insurance</name></representedOrganization></assignedEntity></performer>"
        '<participant typeCode="HLD"><participantRole><id root="2.999.9" extension="m1"/><playingEntity><name><family>Ruiz</family></name>'
        '<sdtc:birthTime value="19700101"/></playingEntity></participantRole></participant><entryRelationship typeCode="REFR">'
        '<act moodCode="DEF"><id root="2.999.9" extension="plan-7"/></act></entryRelationship>',
    )
)
RELATIVE = (
    '<subject><relatedSubject><code code="FTH" codeSystem="2.16.840.1.113883.5.111"/></relatedSubject></subject><component><observation>'
    '<effectiveTime value="1967"/>' + PNEUMONIA % "" + "</observation></component>"
)
SHOT = '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.12"/>'
PULSE = '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.13.2"/>'
UNNAMED = LATEX.replace('code="111088007"', 'code="UNK" nullFlavor="UNK"').replace(
    "/><name>", "><originalText>not coded</originalText></code><name>"
)
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an ended problem is not active, whatever its status says": (
        CONCERN % ("3", one("22.4.4", "observation", "EVN", ENDED + PNEUMONIA % "" + ACTIVE)),
        "Condition",
        {"clinicalStatus.coding.0.code": "inactive", "abatementDateTime": "2013"},
    ),
    "a status that is only a word": (
        CONCERN
        % (
            "3",
            one("22.4.4", "observation", "EVN", PNEUMONIA % "" + ACTIVE).replace(
                f'<value xsi:type="CD" code="55561003" {SNOMED}/>', "<value xsi:type='CD'><originalText>INACTIVE</originalText></value>"
            ),
        ),
        "Condition",
        {"clinicalStatus.coding.0.code": "inactive"},
    ),
    "a finding site inside the code": (
        one("22.4.4", "observation", "EVN", PNEUMONIA % SITE),
        "Condition",
        {"bodySite.0.coding.0.code": "41224006"},
    ),
    "the age at which a problem began": (
        one("22.4.4", "observation", "EVN", PNEUMONIA % "" + AGE),
        "Condition",
        {"onsetAge.value": 65, "onsetAge.code": "a"},
    ),
    "a problem that is only words": (
        one("22.4.4", "observation", "EVN", '<value xsi:type="ED"><reference value="#p1"/></value>'),
        "Condition",
        {"code.text": "Lung infection"},
    ),
    "a problem whose words are in the narrative": (
        one("22.4.4", "observation", "EVN", '<text><reference value="#p1"/></text><value xsi:type="CD"/>'),
        "Condition",
        {"code.text": "Lung infection"},
    ),
    "a health concern": (
        CONCERN % ("132", one("22.4.4", "observation", "EVN", PNEUMONIA % "")),
        "Condition",
        {"category.0.coding.0.code": "health-concern"},
    ),
    "an alert under the problem's template of CCD": (
        one("1.28", "observation", "EVN", f'<templateId root="{ROOT}1.18"/><value xsi:type="CD"/>{LATEX}'),
        "AllergyIntolerance",
        {"code.text": "Latex gloves", "code.coding.0.code": "111088007"},
    ),
    "a severity without a reaction": (
        one("22.4.7", "observation", "EVN", f'<value xsi:type="CD" code="282100009" {SNOMED}/>{LATEX}{SEVERE}'),
        "AllergyIntolerance",
        {"reaction.0.severity": "severe"},
    ),
    "an allergy that ended": (
        one("22.4.7", "observation", "EVN", f'{ENDED}<value xsi:type="CD" code="419199007" {SNOMED}/>{LATEX}'),
        "AllergyIntolerance",
        {"extension.0.valueDateTime": "2013", "clinicalStatus.coding.0.code": "resolved"},
    ),
    "how often, as a range, when, and only if needed": (
        one("22.4.16", "substanceAdministration", "INT", f'<statusCode code="active"/>{EVERY}{NIGHT}{DRUG}<precondition/>{SIG}{SUPPLY}'),
        "MedicationRequest",
        {
            "dosageInstruction.0.text": "one at night",
            "dosageInstruction.0.asNeededBoolean": True,
            "dosageInstruction.0.timing.repeat.period": 4,
            "dosageInstruction.0.timing.repeat.periodMax": 6,
            "dosageInstruction.0.timing.repeat.periodUnit": "h",
            "dosageInstruction.0.timing.repeat.when.0": "HS",
            "dosageInstruction.0.timing.repeat.offset": 60,
            "dispenseRequest.numberOfRepeatsAllowed": 2,
            "dispenseRequest.quantity.value": 30,
            "dispenseRequest.validityPeriod.start": "2024-01-01",
        },
    ),
    "an order inside a medication that is taken": (
        one("22.4.16", "substanceAdministration", "EVN", f'<statusCode code="active"/>{DRUG}{SUPPLY}'),
        "MedicationRequest",
        {
            "intent": "order",
            "identifier.0.value": "s1",
            "medicationCodeableConcept.coding.0.code": "197361",
            "dispenseRequest.numberOfRepeatsAllowed": 2,
        },
    ),
    "a quantity that only its translation says": (
        one(
            "22.4.2",
            "observation",
            "EVN",
            GLUCOSE + '<value xsi:type="PQ" nullFlavor="OTH"><translation value="5.4"><originalText>per field</originalText></translation>'
            "</value>" + RANGE % '<value>3.9-5.8</value><interpretationCode code="N"/>',
        ),
        "Observation",
        {"valueQuantity.unit": "per field", "referenceRange.0.text": "3.9-5.8"},
    ),
    "a range that is not the normal one says so": (
        one(
            "22.4.2", "observation", "EVN", GLUCOSE + RANGE % '<value><high value="2" unit="mmol/L"/></value><interpretationCode code="L"/>'
        ),
        "Observation",
        {"referenceRange.0.type.coding.0.code": "L", "referenceRange.0.high.value": 2},
    ),
    "a panel without a code": (
        one("22.4.1", "organizer", "EVN", f"<component>{one('22.4.2', 'observation', 'EVN', GLUCOSE)}</component>"),
        "DiagnosticReport",
        {"result.0.reference": None},
    ),
    "the items of a scale": (
        one("22.4.69", "observation", "EVN", f'<code code="44249-1" {LOINC}/><value xsi:type="INT" value="9"/>{ITEM}'),
        "Observation",
        {"component.0.code.coding.0.code": "44250-9", "component.0.valueInteger": 2},
    ),
    "an encounter by its time and its billing code": (
        one("22.4.49", "encounter", "EVN", VISIT),
        "Encounter",
        {"status": "finished", "class.code": "AMB", "participant.0.type.0.coding.0.code": "PCP"},
    ),
    "a coverage with its payer and its holder": (
        POLICY,
        "Coverage",
        {"order": 2, "class.0.value": "plan-7", "policyHolder.reference": None},
    ),
    "what a relative had, since when": (
        one("22.4.45", "organizer", "EVN", RELATIVE),
        "FamilyMemberHistory",
        {"condition.0.onsetString": "1967"},
    ),
    "a code that is a nullFlavor is none": (
        one("22.4.7", "observation", "EVN", f'<value xsi:type="CD" code="419199007" {SNOMED}/>{UNNAMED}'),
        "AllergyIntolerance",
        {"code": {"text": "Latex gloves"}},
    ),
    "a vaccination under the medication's template of CCD": (
        one("1.24", "substanceAdministration", "EVN", f'{SHOT}<code code="IMMUNIZ"/><effectiveTime value="2012"/>{DRUG}'),
        "Immunization",
        {"vaccineCode.coding.0.code": "197361"},
    ),
    "a vital sign under the result's template of CCD": (
        one("1.31", "observation", "EVN", f"{PULSE}{GLUCOSE}"),
        "Observation",
        {"category.0.coding.0.code": "vital-signs"},
    ),
    "a code system by its name": (
        one("22.4.4", "observation", "EVN", (PNEUMONIA % "").replace("2.16.840.1.113883.6.96", "SNOMED-CT")),
        "Condition",
        {"code.coding.0.system": "http://snomed.info/sct"},
    ),
    "whether a woman is pregnant": (
        one("15.3.8", "observation", "EVN", f'<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>{PNEUMONIA % ""}'),
        "Observation",
        {"code.coding.0.code": "82810-3"},
    ),
    "a note is a clinical note": (
        one("22.4.202", "act", "EVN", f'<code code="34109-9" {LOINC}/><text>Seen.</text>'),
        "DocumentReference",
        {"category.0.coding.0.code": "clinical-note"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_other_makers_say_is_there(name: str) -> None:
    """The record has what the statement says, is valid, nothing is rejected, and no code, value or unit of the entry is uncovered."""
    entry, kind, wanted = CASES[name]
    done, made = told(entry, narrative='<content ID="p1">Lung infection</content>')
    assert done.rejects == ()
    found = [resource for resource in made if resource["resourceType"] == kind and "masterIdentifier" not in resource]
    for path, value in wanted.items():
        assert any(value is None or at(resource, path) == value for resource in found if at(resource, path) is not None), path
    left = [one.locator for one in done.elements if one.disposition == "uncovered" and "/entry/" in one.locator]
    left = [place for place in left if "nullFlavor" not in name or "playingEntity/code" not in place]  # said, and of no use
    assert [place for place in left if place.rpartition("/")[2] in ("@code", "@value", "@unit", "text()")] == []


def test_an_order_is_what_the_statement_rests_on() -> None:
    """A supply order inside a medication taken is a request of its own, and the statement names it; inside a request it is part of it."""
    _, made = told(CASES["an order inside a medication that is taken"][0])
    (statement,) = [one for one in made if one["resourceType"] == "MedicationStatement"]
    (order,) = [one for one in made if one["resourceType"] == "MedicationRequest"]
    assert statement["basedOn"] == [{"reference": f"MedicationRequest/{order['id']}"}]
    _, made = told(CASES["how often, as a range, when, and only if needed"][0])
    assert len([one for one in made if one["resourceType"] == "MedicationRequest"]) == 1


def test_a_payer_is_an_organization_where_it_lives() -> None:
    """The payer's name, number and address, not a practitioner; the holder is a person related to the patient."""
    _, made = told(POLICY)
    (payer,) = [one for one in made if one["resourceType"] == "Organization"]
    assert (payer["name"], payer["address"][0]["city"], payer["identifier"][0]["value"]) == ("Good Insurance", "Reno", "payer")
    (coverage,) = [one for one in made if one["resourceType"] == "Coverage"]
    assert coverage["payor"] == [{"reference": f"Organization/{payer['id']}"}]
    (holder,) = [one for one in made if one["resourceType"] == "RelatedPerson"]
    assert (holder["birthDate"], coverage["policyHolder"]["reference"]) == ("1970-01-01", f"RelatedPerson/{holder['id']}")


def test_who_acts_for_whom_and_in_which_encounter() -> None:
    """A performer's organization, the one it is part of, the role that joins them; a reference to an encounter only where it is told."""
    org = '<representedOrganization><id root="2.999.8" extension="o1"/><name>North</name><asOrganizationPartOf><wholeOrganization>'
    org += '<id root="2.999.8" extension="o2"/><name>All</name></wholeOrganization></asOrganizationPartOf></representedOrganization>'
    who = (
        f'<performer><assignedEntity><id root="2.999.3" extension="d1"/><code code="207Q00000X" codeSystem="2.16.840.1.113883.6.101"/>{org}'
    )
    who += "</assignedEntity></performer>"
    seen = (
        '<entryRelationship><encounter classCode="ENC" moodCode="EVN"><id root="2.999.5" extension="%s"/></encounter></entryRelationship>'
    )
    code = f'<code code="80146002" {SNOMED}/><statusCode code="completed"/>'
    visit = one("22.4.49", "encounter", "EVN", VISIT).replace('"2.999.4" extension="e1"', '"2.999.5" extension="v1"')
    for known in ("v1", "v2"):
        _, made = told(one("22.4.14", "procedure", "EVN", code + who + seen % known) + f"</entry><entry>{visit}")
        (procedure,) = [one for one in made if one["resourceType"] == "Procedure"]
        (role,) = [one for one in made if one["resourceType"] == "PractitionerRole"]
        (encounter,) = [one for one in made if one["resourceType"] == "Encounter"]
        assert procedure.get("encounter") == ({"reference": f"Encounter/{encounter['id']}"} if known == "v1" else None)
        assert role["practitioner"] == procedure["performer"][0]["actor"]
        named = {f"Organization/{one['id']}": one for one in made if one["resourceType"] == "Organization"}
        place = named[role["organization"]["reference"]]
        assert (place["name"], named[place["partOf"]["reference"]]["name"]) == ("North", "All")
        assert role["code"][0]["coding"][0]["code"] == "207Q00000X"


def test_a_number_that_is_missing_is_nobody() -> None:
    """Two people whose identifiers are the root of the NPI alone are two people, and neither has that root for a number."""
    npi = "2.16.840.1.113883.4.6"
    who = "<performer><assignedEntity><id root='%s'/><assignedPerson><name><family>%s</family></name></assignedPerson></assignedEntity>"
    who += "</performer>"
    code = f'<code code="80146002" {SNOMED}/><statusCode code="completed"/>'
    _, made = told(one("22.4.14", "procedure", "EVN", code + who % (npi, "Okoye") + who % (npi, "Silva")))
    people = [one for one in made if one["resourceType"] == "Practitioner"]
    assert sorted(one["name"][0]["family"] for one in people) == ["Okoye", "Silva"]
    assert not any("identifier" in one for one in people)


def test_who_wrote_a_comment_and_when() -> None:
    """A comment's author and time; a pager; a guardian's role; the time of birth; races of the wide and of the narrow list."""
    said = "<author><time value='20240103'/><assignedAuthor><id root='2.999.3' extension='a1'/><telecom use='PG' value='tel:555'/>"
    said += "</assignedAuthor>"
    note = f'<entryRelationship><act><templateId root="{ROOT}22.4.64"/><text>Stable.</text>{said}</author></act></entryRelationship>'
    head = (
        '<birthTime value="197005010830"/><raceCode code="2106-3" codeSystem="2.16.840.1.113883.6.238" displayName="White"/><sdtc:raceCode '
        'code="2054-5" codeSystem="2.16.840.1.113883.6.238"/><sdtc:raceCode code="2108-9" codeSystem="2.16.840.1.113883.6.238"/><guardian>'
        "<guardianPerson><name><family>Ruiz</family></name></guardianPerson></guardian>"
    )
    _, made = told(one("22.4.4", "observation", "EVN", PNEUMONIA % "" + note), head)
    (problem,) = [one for one in made if one["resourceType"] == "Condition"]
    (author,) = [one for one in made if one["resourceType"] == "Practitioner"]
    assert problem["note"] == [{"text": "Stable.", "time": "2024-01-03", "authorReference": {"reference": f"Practitioner/{author['id']}"}}]
    assert author["telecom"] == [{"system": "pager", "value": "555"}]
    (patient,) = [one for one in made if one["resourceType"] == "Patient"]
    assert patient["_birthDate"]["extension"][0]["valueDateTime"] == "1970-05-01T08:30:00Z"
    assert patient["contact"][0]["relationship"][0]["coding"][0]["code"] == "GUARD"
    (race,) = [one for one in patient["extension"] if one["url"].endswith("us-core-race")]
    found = [(one["url"], one["valueCoding"]["code"]) for one in race["extension"] if "valueCoding" in one]
    assert found == [("ombCategory", "2106-3"), ("ombCategory", "2054-5"), ("detailed", "2108-9")]


def test_of_several_authors_the_last_is_the_recorder() -> None:
    """The last author records, the first one's time counts (the guide); a date as XML writes it is a date; a side is said in words."""
    who = "<author><time value='%s'/><assignedAuthor><id root='2.999.3' extension='%s'/></assignedAuthor></author>"
    arm = f'<targetSiteCode code="368209003" {SNOMED} displayName="Upper arm"><qualifier><name code="272741003"/><value code="7771000" '
    arm += 'displayName="Left"/></qualifier></targetSiteCode>'
    since = '<effectiveTime><low value="2023-02-14"/></effectiveTime>'
    done, made = told(one("22.4.4", "observation", "EVN", since + PNEUMONIA % "" + arm + who % ("20240105", "b") + who % ("20240107", "c")))
    (problem,) = [one for one in made if one["resourceType"] == "Condition"]
    named = {f"Practitioner/{one['id']}": one["identifier"][0]["value"] for one in made if one["resourceType"] == "Practitioner"}
    assert (problem["recordedDate"], named[problem["recorder"]["reference"]]) == ("2024-01-05", "c")
    assert (problem["onsetDateTime"], problem["bodySite"][0]["text"]) == ("2023-02-14", "Upper arm, Left")
    assert done.rejects == ()


def test_the_sex_at_birth_is_said_of_the_patient() -> None:
    """The observations of the section are extensions of the patient, as the guide has it, and stay observations."""
    born = f'<code code="76689-9" {LOINC}/><statusCode code="completed"/><value xsi:type="CD" code="F" codeSystem="2.16.840.1.113883.5.1"/>'
    felt = f'<code code="76691-5" {LOINC}/><statusCode code="completed"/><value xsi:type="CD" code="446141000124107" {SNOMED}/>'
    entries = f"{one('22.4.200', 'observation', 'EVN', born)}</entry><entry>{one('34.3.45', 'observation', 'EVN', felt)}"
    _, made = told(entries)
    (patient,) = [one for one in made if one["resourceType"] == "Patient"]
    said = {one["url"].rpartition("/")[2]: one for one in patient["extension"]}
    assert said["us-core-birthsex"]["valueCode"] == "F"
    assert said["us-core-genderIdentity"]["valueCodeableConcept"]["coding"][0]["code"] == "446141000124107"
    assert len([one for one in made if one["resourceType"] == "Observation"]) == 2


def test_how_well_a_language_is_spoken() -> None:
    """Mode and level of a language as HL7's extension, and the time in which a name was in use."""
    head = (
        '<languageCommunication><languageCode code="es"/><modeCode code="ESP" codeSystem="2.16.840.1.113883.5.60"/><proficiencyLevelCode '
        'code="G" codeSystem="2.16.840.1.113883.5.61"/></languageCommunication>'
    )
    done, made = told(CASES["a finding site inside the code"][0], head)
    (patient,) = [one for one in made if one["resourceType"] == "Patient"]
    (said,) = patient["communication"][0]["extension"]
    assert {one["url"]: one["valueCoding"]["code"] for one in said["extension"]} == {"level": "G", "type": "ESP"}
    assert not [one.locator for one in done.elements if one.disposition == "uncovered" and "languageCommunication" in one.locator]
