"""HL7 v2.5.1 messages as four systems of the hospital write them: admissions, two laboratories, the monitoring gateway.

Segments end with CR. Times are local without offset, except the monitoring gateway's, which are UTC with one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from trivet.testing.hospital.almanac import Almanac
from trivet.testing.hospital.person import Person, Registration
from trivet.testing.hospital.tables import Lab, Reason, Vital

__all__ = ["PANELS", "Visit", "adt", "escape", "lab_a", "lab_b", "merge", "place", "vitals"]

_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})


def escape(text: str) -> str:
    """Text with HL7's delimiters escaped (section 2.7)."""
    return text.translate(_ESCAPES)


@dataclass(slots=True)
class Visit:
    """One visit as the admission system knows it; changed while the visit goes on."""

    number: str
    kind: str
    site: str
    ward: str
    room: str
    bed: str
    admitted: int
    urgency: str
    service: str
    doctor: tuple[str, str, str]
    reason: Reason | None = None
    discharged: int | None = None
    disposition: str = ""
    secondary: tuple[tuple[str, str], ...] = ()


def _segment(name: str, fields: dict[int, str]) -> str:
    """A segment from its numbered fields; the others stay empty."""
    row = [""] * (max(fields) + 1)
    row[0] = name
    for number, value in fields.items():
        row[number] = value
    return "|".join(row) + "\r"


def place(visit: Visit) -> str:
    """PL: ward, room, bed, facility."""
    return f"{visit.ward}^{visit.room}^{visit.bed}^{visit.site}"


def _pid(card: Registration, person: Person) -> str:
    return _segment(
        "PID",
        {
            1: "1",
            3: f"{card.mrn}^^^SMH^MR",
            5: f"{card.family}^{card.given}^{card.middle}^^^^L".upper(),
            7: card.born.replace("-", ""),
            8: card.sex,
            11: f"{card.street}^^{card.city}^IL^{card.zip}^USA^H".upper(),
            13: f"{card.phone}^PRN^PH",
            15: "SPA" if person.language == "es" else "ENG",
            18: f"{person.account}^^^SMHA^AN",
        },
    )


def _pv1(visit: Visit, almanac: Almanac, financial_class: str, prior: str) -> str:
    key, family, given = visit.doctor
    return _segment(
        "PV1",
        {
            1: "1",
            2: visit.kind,
            3: place(visit),
            4: visit.urgency,
            6: prior,
            7: f"{key}^{family}^{given}^^^^MD",
            10: visit.service,
            18: visit.kind,
            19: f"{visit.number}^^^SMHV^VN",
            20: financial_class,
            36: visit.disposition,
            44: almanac.hl7(visit.admitted),
            45: almanac.hl7(visit.discharged) if visit.discharged is not None else "",
        },
    )


def adt(
    event: str,
    control: str,
    at: int,
    visit: Visit,
    card: Registration,
    person: Person,
    almanac: Almanac,
    *,
    prior: str = "",
    happened: int = 0,
) -> str:
    """An ADT message: A01 admit, A02 transfer, A03 discharge, A04 register, A08 update, A11 cancel admit."""
    structure = {"A04": "ADT_A01", "A08": "ADT_A01", "A11": "ADT_A09"}.get(event, f"ADT_{event}")
    now, then = almanac.hl7(at), almanac.hl7(happened or at)
    insurer = person.insurer
    lines = [
        f"MSH|^~\\&|MERIDIAN|{visit.site}|ENGINE|SMH|{now}||ADT^{event}^{structure}|{control}|P|2.5.1\r",
        f"EVN|{event}|{now}||||{then}|{visit.site}\r",
        _pid(card, person),
        _pv1(visit, almanac, insurer.financial_class, prior),
    ]
    if visit.reason is not None and event in ("A01", "A03", "A08"):
        codes = [(visit.reason.icd10, visit.reason.display), *visit.secondary]
        kind = "F" if event == "A03" else "W"
        for index, (code, display) in enumerate(codes if event == "A03" else codes[:1], 1):
            lines.append(f"DG1|{index}||{code}^{escape(display)}^I10||{then}|{kind}\r")
    if event in ("A01", "A04") and insurer.payer_id:
        policy = person.member if person.number % 2 == 0 else ""
        lines.append(_segment("IN1", {1: "1", 2: insurer.key.upper(), 3: insurer.payer_id, 4: escape(insurer.name), 36: policy}))
    if event in ("A01", "A02", "A03"):
        lines.append(f"ZBE|{visit.number}-{event}|{then}||INSERT|N|{visit.ward}^{visit.service}\r")
    if event == "A01":
        lines.append(f"ZSM|{visit.urgency}|{'ISO' if visit.reason is not None and visit.reason.key == 'pneu' else ''}|{person.language}\r")
    return "".join(lines)


def merge(control: str, at: int, keep: Registration, drop: Registration, person: Person, site: str, almanac: Almanac) -> str:
    """ADT^A40: `drop`'s record number is a second one of the person under `keep`."""
    now = almanac.hl7(at)
    return (
        f"MSH|^~\\&|MERIDIAN|{site}|ENGINE|SMH|{now}||ADT^A40^ADT_A39|{control}|P|2.5.1\r"
        f"EVN|A40|{now}||||{now}|{site}\r{_pid(keep, person)}"
        f"MRG|{drop.mrn}^^^SMH^MR||||||{drop.family}^{drop.given}^{drop.middle}^^^^L\r".upper()
    )


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"


def _flag(value: float, low: float, high: float) -> str:
    return "L" if value < low else "H" if value > high else ""


def _bounds(lab: Lab, female: bool) -> tuple[float, float]:
    return (lab.low_f, lab.high_f) if female else (lab.low, lab.high)


PANELS = {
    "chem": ("BMP", "Basic metabolic panel"),
    "cbc": ("CBC", "Complete blood count"),
    "liver": ("LFT", "Liver panel"),
    "crp": ("CRP", "C-reactive protein"),
    "lact": ("LACT", "Lactate"),
    "cardiac": ("CARD", "Cardiac markers"),
    "a1c": ("A1C", "Glycated hemoglobin"),
    "poc": ("POC", "Point of care"),
}


def lab_a(
    control: str,
    at: int,
    taken: int,
    order: str,
    results: Iterable[tuple[Lab, str, str]],
    visit: Visit,
    card: Registration,
    analyser: str,
    almanac: Almanac,
) -> str:
    """ORU^R01 of laboratory A: `results` are (test, value as written, unit as written)."""
    now, then, female = almanac.hl7(at), almanac.hl7(taken), card.sex == "F"
    pv1 = _segment("PV1", {1: "1", 2: visit.kind, 19: f"{visit.number}^^^SMHV^VN"})
    lines = [
        f"MSH|^~\\&|LABCORE|SMH|ENGINE|SMH|{now}||ORU^R01^ORU_R01|{control}|P|2.5.1\r",
        f"PID|1||{card.mrn}^^^SMH^MR||{card.family}^{card.given}^{card.middle}||{card.born.replace('-', '')}|{card.sex}\r".upper(),
        pv1,
    ]
    panel, group, index = "", 0, 0
    for lab, value, unit in results:
        if lab.panel != panel:
            panel, group, index = lab.panel, group + 1, 0
            code, name = PANELS[panel]
            lines.append(
                f"OBR|{group}|{order}^MERIDIAN|{order}{group}^LABCORE|{code}^{name}^99SMHLAB|||{then}|||||||{then}||||||||{now}||LAB|F\r"
            )
        index += 1
        low, high = _bounds(lab, female)
        standard = f"^{lab.loinc}^{lab.loinc_name}^LN" if lab.a_loinc else ""
        try:
            flag = _flag(float(value), low, high)
        except ValueError:
            flag = ""
        interval = f"{_number(low, lab.a_decimals)}-{_number(high, lab.a_decimals)}"
        lines.append(
            f"OBX|{index}|NM|{lab.a_code}^{lab.display}^99SMHLAB{standard}||{value}|{escape(unit)}|{interval}|{flag}|||F|||{then}||||{analyser}\r"
        )
    return "".join(lines)


def lab_b(
    control: str,
    at: int,
    taken: int,
    order: str,
    results: Iterable[tuple[Lab, str, str]],
    visit: Visit | None,
    card: Registration,
    almanac: Almanac,
) -> str:
    """ORU^R01 of laboratory B: numeric codes, SI units, HL7 v2.3 habits, values already in B's unit."""
    now, then, female = almanac.hl7(at), almanac.hl7(taken), card.sex == "F"
    lines = [
        f"MSH|^~\\&|ANALYTIKA|NGH|ENGINE|SMH|{now}||ORU^R01|{control}|P|2.3\r",
        f"PID|1|{card.mrn}|{card.mrn}^^^SMH^MR~{int(card.mrn) % 999_983:06d}^^^NGH^PI||{card.family}^{card.given}"
        f"||{card.born.replace('-', '')}|{card.sex}\r",
        _segment("PV1", {1: "1", 2: visit.kind, 19: visit.number}) if visit is not None else "",
        f"ORC|RE|{order}\r",
        f"OBR|1|{order}||900^Blood^99NGH|||{then}|||||||||||||||{now}|||F\r",
    ]
    for index, (lab, value, unit) in enumerate(results, 1):
        low, high = (bound * lab.b_factor for bound in _bounds(lab, female))
        try:
            flag = _flag(float(value), low, high)
        except ValueError:
            flag = ""
        interval = f"{_number(low, lab.b_decimals)}-{_number(high, lab.b_decimals)}"
        lines.append(f"OBX|{index}|NM|{lab.b_code}^{lab.display.upper()}^99NGH||{value}|{escape(unit)}|{interval}|{flag}|||F|||{then}\r")
    lines.append(f"ZLB|{order}|NGH|1\r")
    return "".join(lines)


_AVPU = ("Alert", "Confusion", "Voice", "Pain", "Unresponsive")


def vitals(
    control: str, at: int, taken: int, values: dict[str, float], signs: tuple[Vital, ...], visit: Visit, card: Registration, device: str
) -> str:
    """ORU^R01 of the monitoring gateway: one set of vital signs. NGH's thermometers speak Fahrenheit."""
    now = time.strftime("%Y%m%d%H%M%S+0000", time.gmtime(at))
    then = time.strftime("%Y%m%d%H%M%S+0000", time.gmtime(taken))
    lines = [
        f"MSH|^~\\&|VITALINK|{visit.site}|ENGINE|SMH|{now}||ORU^R01^ORU_R01|{control}|P|2.5.1||||||UNICODE UTF-8\r",
        f"PID|1||{card.mrn}^^^SMH^MR||{card.family}^{card.given}\r",
        _segment("PV1", {1: "1", 2: visit.kind, 3: f"{visit.ward}^^^{visit.site}", 19: f"{visit.number}^^^SMHV^VN"}),
        f"OBR|1||{control}|VS^Vital signs^99VITALINK|||{then}||||||||||||||||||F\r",
    ]
    for index, sign in enumerate(signs, 1):
        value = values[sign.key]
        if sign.key == "avpu":
            level = int(value)
            lines.append(
                f"OBX|{index}|CWE|{sign.code}^{sign.display}^99VITALINK||{'ACVPU'[level]}^{_AVPU[level]}^99AVPU||||||F|||{then}||||{device}\r"
            )
            continue
        unit = sign.unit
        if sign.key == "temp" and visit.site == "NGH":
            value, unit = value * 1.8 + 32, "degF"
        lines.append(f"OBX|{index}|NM|{sign.code}^{sign.display}^99VITALINK||{value:.{sign.decimals}f}|{unit}|||||F|||{then}||||{device}\r")
    return "".join(lines)
