"""A Continuity of Care Document (C-CDA R2.1) as a referring practice's system exports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID
from xml.sax.saxutils import escape

from trivet.testing.hospital.person import Registration
from trivet.testing.hospital.tables import Allergy, Condition, Drug

__all__ = ["Summary", "document"]

_ROOT = "2.16.840.1.113883.10.20.22"
_SNOMED = 'codeSystem="2.16.840.1.113883.6.96" codeSystemName="SNOMED CT"'
_LOINC = 'codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC"'
_ICD = 'codeSystem="2.16.840.1.113883.6.90" codeSystemName="ICD-10-CM"'
_RXNORM = 'codeSystem="2.16.840.1.113883.6.88" codeSystemName="RxNorm"'
PRACTICE = "2.999.7"  # the practice's own root, under the arc kept for examples


@dataclass(frozen=True, slots=True)
class Summary:
    """What the practice knows. `stamp` is `YYYYMMDDHHMM+ZZZZ`, `results` are (LOINC, name, value, unit)."""

    key: str
    stamp: str
    card: Registration
    given: str
    conditions: tuple[Condition, ...]
    drugs: tuple[Drug, ...]
    allergies: tuple[Allergy, ...]
    results: tuple[tuple[str, str, str, str], ...]
    smoker: bool
    doctor: tuple[str, str]


def _id(summary: Summary, name: str) -> str:
    number = int(summary.key, 36) % (1 << 63) * 1_000_003 + sum(ord(letter) * 31**index for index, letter in enumerate(name))
    return f'<id root="{UUID(int=number % (1 << 128))}"/>'


def _template(number: str, extension: str = "") -> str:
    dated = f' extension="{extension}"' if extension else ""
    return f'<templateId root="{_ROOT}.{number}"{dated}/>'


def _section(template: str, extension: str, code: str, title: str, rows: Iterable[str], entries: Iterable[str]) -> str:
    items = "".join(f"<item>{escape(row)}</item>" for row in rows) or "<item>None recorded</item>"
    return (
        f'<component><section>{_template(template, extension)}<code code="{code}" {_LOINC}/><title>{title}</title>'
        f"<text><list>{items}</list></text>{''.join(entries)}</section></component>\n"
    )


def _code(code: str, name: str, system: str, tag: str = "code") -> str:
    return f'<{tag} code="{code}" displayName="{escape(name)}" {system}/>'


def _value(code: str, name: str, inside: str = "") -> str:
    return f'<value xsi:type="CD" code="{code}" displayName="{escape(name)}" {_SNOMED}>{inside}</value>'


def _observation(templates: str, identifier: str, code: str, rest: str) -> str:
    return f'<observation classCode="OBS" moodCode="EVN">{templates}{identifier}{code}<statusCode code="completed"/>{rest}</observation>'


def _concern(summary: Summary, template: str, name: str, observation: str) -> str:
    return (
        f'<entry typeCode="DRIV"><act classCode="ACT" moodCode="EVN">{template}{_id(summary, name)}'
        '<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>'
        f'<effectiveTime><low value="{summary.stamp[:8]}"/></effectiveTime>'
        f'<entryRelationship typeCode="SUBJ">{observation}</entryRelationship></act></entry>'
    )


_UNKNOWN_ONSET = '<effectiveTime><low nullFlavor="UNK"/></effectiveTime>'
_ASSERTION = '<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>'


def _problem(summary: Summary, one: Condition, index: int) -> str:
    value = _value(one.snomed, one.display, _code(one.icd10, one.display, _ICD, "translation"))
    inner = _observation(
        _template("4.4", "2015-08-01"), _id(summary, f"po{index}"), _code("55607006", "Problem", _SNOMED), _UNKNOWN_ONSET + value
    )
    return _concern(summary, _template("4.3", "2015-08-01"), f"pc{index}", inner)


def _medicine(summary: Summary, one: Drug, index: int) -> str:
    product = f"<manufacturedMaterial>{_code(one.rxnorm, one.display, _RXNORM)}</manufacturedMaterial>"
    return (
        f'<entry typeCode="DRIV"><substanceAdministration classCode="SBADM" moodCode="INT">{_template("4.16", "2014-06-09")}'
        f'{_id(summary, f"ma{index}")}<text>{escape(one.sig)}</text><statusCode code="active"/>'
        '<effectiveTime xsi:type="IVL_TS"><low nullFlavor="UNK"/></effectiveTime>'
        f'<consumable><manufacturedProduct classCode="MANU">{_template("4.23", "2014-06-09")}{product}</manufacturedProduct></consumable>'
        "</substanceAdministration></entry>"
    )


def _allergy(summary: Summary, one: Allergy, index: int) -> str:
    reaction = _observation(
        _template("4.9", "2014-06-09"), _id(summary, f"ar{index}"), _ASSERTION, _value(one.reaction_snomed, one.reaction)
    )
    substance = _code(one.substance_snomed, one.substance, _SNOMED)
    rest = (
        f"{_UNKNOWN_ONSET}{_value('419199007', 'Allergy to substance')}"
        '<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">'
        f"{substance}</playingEntity></participantRole></participant>"
        f'<entryRelationship typeCode="MFST" inversionInd="true">{reaction}</entryRelationship>'
    )
    inner = _observation(_template("4.7", "2014-06-09"), _id(summary, f"ao{index}"), _ASSERTION, rest)
    return _concern(summary, _template("4.30", "2015-08-01"), f"ac{index}", inner)


def _result(summary: Summary, one: tuple[str, str, str, str], index: int) -> str:
    code, name, value, unit = one
    rest = f'<effectiveTime value="{summary.stamp[:8]}"/><value xsi:type="PQ" value="{value}" unit="{unit}"/>'
    inner = _observation(_template("4.2", "2015-08-01"), _id(summary, f"ro{index}"), _code(code, name, _LOINC), rest)
    return f"<component>{inner}</component>"


def _results(summary: Summary) -> str:
    inside = "".join(_result(summary, one, index) for index, one in enumerate(summary.results))
    return (
        f'<entry typeCode="DRIV"><organizer classCode="BATTERY" moodCode="EVN">{_template("4.1", "2015-08-01")}{_id(summary, "rg")}'
        f'{_code("24323-8", "Comprehensive metabolic panel", _LOINC)}<statusCode code="completed"/>{inside}</organizer></entry>'
    )


def _smoking(summary: Summary) -> str:
    value = _value("449868002", "Smokes tobacco daily") if summary.smoker else _value("266919005", "Never smoked tobacco")
    code = _code("72166-2", "Tobacco smoking status", _LOINC)
    rest = f'<effectiveTime value="{summary.stamp[:8]}"/>{value}'
    return f'<entry typeCode="DRIV">{_observation(_template("4.78", "2014-06-09"), _id(summary, "sm"), code, rest)}</entry>'


def _target(summary: Summary, practice_id: str) -> str:
    card = summary.card
    middle = f"<given>{card.middle}</given>" if card.middle else ""
    return (
        f'<recordTarget><patientRole><id root="{PRACTICE}.1" extension="{practice_id}"/>'
        f'<addr use="HP"><streetAddressLine>{escape(card.street)}</streetAddressLine><city>{escape(card.city)}</city><state>IL</state>'
        f"<postalCode>{card.zip}</postalCode><country>US</country></addr>"
        f'<telecom use="HP" value="tel:+1{card.phone.replace(" ", "")}"/>'
        f'<patient><name use="L"><given>{escape(summary.given)}</given>{middle}<family>{escape(card.family)}</family></name>'
        f'<administrativeGenderCode code="{card.sex}" codeSystem="2.16.840.1.113883.5.1"/>'
        f'<birthTime value="{card.born.replace("-", "")}"/>'
        '<raceCode nullFlavor="UNK"/><ethnicGroupCode nullFlavor="UNK"/></patient></patientRole></recordTarget>\n'
    )


_ORGANISATION = f'<id root="{PRACTICE}"/><name>Cedar Fork Family Practice</name>'
_CONTACT = '<telecom value="tel:+1(312)555-0177"/><addr><city>Cedar Fork</city><state>IL</state></addr>'


def _header(summary: Summary, practice_id: str) -> str:
    family, given = summary.doctor
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
        f'{_template("1.1", "2015-08-01")}{_template("1.2", "2015-08-01")}<id root="{PRACTICE}.9" extension="{summary.key}"/>'
        f"{_code('34133-9', 'Summarization of Episode Note', _LOINC)}<title>Continuity of Care Document</title>"
        f'<effectiveTime value="{summary.stamp}"/><confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>'
        f'<languageCode code="en-US"/>\n{_target(summary, practice_id)}<author><time value="{summary.stamp}"/><assignedAuthor>'
        f'<id root="2.16.840.1.113883.4.6" extension="1669442216"/>{_CONTACT}'
        f"<assignedPerson><name><given>{given}</given><family>{escape(family)}</family></name></assignedPerson>"
        f"<representedOrganization>{_ORGANISATION}</representedOrganization></assignedAuthor></author>"
        f"<custodian><assignedCustodian><representedCustodianOrganization>{_ORGANISATION}{_CONTACT}"
        "</representedCustodianOrganization></assignedCustodian></custodian>\n"
    )


def document(summary: Summary, practice_id: str) -> bytes:
    """The document: header, allergies, medications, problems, results, social history."""
    allergies = [_allergy(summary, one, index) for index, one in enumerate(summary.allergies)]
    drugs = [_medicine(summary, one, index) for index, one in enumerate(summary.drugs)]
    problems = [_problem(summary, one, index) for index, one in enumerate(summary.conditions)]
    measured = [f"{name} {value} {unit}" for _, name, value, unit in summary.results]
    habits = ["Smoker" if summary.smoker else "Never smoked"]
    sections = (
        _section("2.6.1", "2015-08-01", "48765-2", "Allergies", (one.display for one in summary.allergies), allergies),
        _section("2.1.1", "2014-06-09", "10160-0", "Medications", (f"{one.display}: {one.sig}" for one in summary.drugs), drugs),
        _section("2.5.1", "2015-08-01", "11450-4", "Problems", (one.display for one in summary.conditions), problems),
        _section("2.3.1", "2015-08-01", "30954-2", "Results", measured, [_results(summary)] if measured else []),
        _section("2.17", "2015-08-01", "29762-2", "Social History", habits, [_smoking(summary)]),
    )
    body = f"<component><structuredBody>\n{''.join(sections)}</structuredBody></component>\n</ClinicalDocument>\n"
    return (_header(summary, practice_id) + body).encode()
