"""One object's header to records: Patient, ImagingStudy with its series and instance, DocumentReference for a structured report.

In: a `Header`. Out: records with spans, and what became of every data element. Each object gives an ImagingStudy of its own (its id is
made of study, series and instance), under the study's UID as identifier: so no instance replaces another. What no row of
`maps/dicom/elements.csv` names is carried in extensions, private elements too, up to `CARRIED` bytes.
"""

from __future__ import annotations

import base64
import re
import struct
from datetime import datetime
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.integration.formats.dicom.header import ERRORS, Header, Place
from trivet.integration.formats.dicom.report import report_text
from trivet.integration.moments import with_offset
from trivet.integration.tables import table
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Rejected

__all__ = ["Study"]

CARRIED = 4096
DCM = "http://dicom.nema.org/resources/ontology/DCM"
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
PIXELS = tuple(struct.pack(f"{order}HH", 0x7FE0, one) for order in "<>" for one in (0x0008, 0x0009, 0x0010))
SEX = {"M": "male", "F": "female", "O": "other"}
DATE = re.compile(r"(\d{4})[.]?(\d\d)[.]?(\d\d)")
TIME = re.compile(r"(\d\d):?(\d\d)?:?(\d\d)?(\.\d{1,6})?")
ZONE = re.compile(r"[+-]\d{4}")
STEP = re.compile(r"([A-Za-z]+)(?:\[(\d+)\])?")
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def put(resource: dict[str, Any], path: str, value: Any) -> None:
    """Set the element at a path; lists grow by one at a time."""
    held: Any = resource
    steps = STEP.findall(path)
    for index, (name, number) in enumerate(steps):
        last = index == len(steps) - 1
        if not number:
            held[name] = value if last else held.get(name, {})
            held = held[name]
            continue
        items = held.setdefault(name, [])
        if len(items) <= int(number):
            items.append({})
        if last:
            items[-1] = value
        held = items[min(int(number), len(items) - 1)]


class Study:
    """Gathers the translation of one object. Use once."""

    def __init__(self, raw: bytes, header: Header, profile: SourceProfile) -> None:
        self.raw, self.header, self.profile = raw, header, profile
        self.places = {place.keyword: place for place in header.places if place.keyword}
        self.fates: dict[str, tuple[str, str]] = {}
        self.spans: dict[str, list[Span]] = {"Patient": [], "ImagingStudy": []}
        self.rejects: list[Rejected] = []
        self.refused: set[str] = set()
        self.notices: list[Notice] = []

    def value(self, keyword: str) -> Any:
        """The value of an element, None when it is empty or not there; a value that cannot be read is rejected."""
        if keyword not in self.header.data or (keyword not in self.places and not self.header.deflated):
            return None
        try:
            value = self.header.value(keyword)
        except ERRORS:
            self.reject(keyword, "the value is not one of its kind")
            return None
        return None if value is None or str(value).strip(" \0") == "" else value

    def text(self, keyword: str) -> str:
        """The value as text; several values stand between backslashes, as they do in the object."""
        value = self.value(keyword)
        if value is None:
            return ""
        parts = value if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else [value]
        return "\\".join(str(part).strip(" \0") for part in parts)

    def reject(self, keyword: str, why: str) -> None:
        """One element is not taken."""
        if keyword in self.refused:
            return
        self.refused.add(keyword)
        place = self.places.get(keyword)
        offset, length = (place.offset, place.length) if place is not None else (0, 0)
        self.rejects.append(Rejected("E256", why, keyword, offset, length))
        if place is not None:
            self.fates[place.tag] = ("rejected", "E256")

    def span(self, record: str, path: str, keyword: str, rule: str = "") -> None:
        """An element came from a data element."""
        place = self.places.get(keyword)
        if place is not None:
            name = rule or f"dicom/{keyword}"
            self.spans[record].append(Span(path, place.offset, place.length, keyword, name))
            self.fates[place.tag] = ("mapped", name)

    # rows

    def made(self, keyword: str, how: str) -> tuple[Any, tuple[str, ...]] | None:
        """What a row makes of an element, and the places inside it that the element gives."""
        text = self.text(keyword)
        if not text:
            return None
        if how == "integer":
            if re.fullmatch(r"\+?\d{1,12}", text):
                return int(text), ("",)
            self.reject(keyword, "not a whole number")
            return None
        if how in ("uid", "plain-uid"):
            if re.fullmatch(r"[0-9.]{1,64}", text) is None:
                self.reject(keyword, "not a UID")
                return None
            return (f"urn:oid:{text}" if how == "uid" else text), ("",)
        if how == "date":
            day = _day(text)
            if not day:
                self.reject(keyword, "not a date")
                return None
            return day, ("",)
        if how == "sex":
            if text not in SEX:
                place = self.places.get(keyword)
                if place is not None:
                    self.notices.append(Notice("unknown-code", "dicom/PatientSex", text[:16], keyword, place.offset, place.length))
                return None
            return SEX[text], ("",)
        if how == "name":
            return _name(text)
        said = " ".join(re.sub(r"[\^=]+", " ", text).split()) if how == "person" else text
        return (said, ("",)) if said else None

    def fill(self, record: str) -> dict[str, Any]:
        """The elements that the table's rows make for a record."""
        resource: dict[str, Any] = {}
        for row in table("dicom/elements.csv", "record", "target", "keyword", "how"):
            if row["record"] != record:
                continue
            made = self.made(row["keyword"], row["how"])
            if made is None:
                continue
            target = row["target"]
            if target == "identifier[1].value" and not resource.get("identifier"):
                target = "identifier[0].value"
            put(resource, target, made[0])
            for part in made[1]:
                self.span(record, f"{target}.{part}" if part else target, row["keyword"])
        return resource

    # records

    def patient(self) -> Record | None:
        """The patient under the archive's own number, or under name and birth date where there is none."""
        resource = self.fill("Patient")
        number, issuer = self.text("PatientID"), self.text("IssuerOfPatientID")
        if not resource:
            return None
        base = f"{self.profile.base}/patient-id"
        if number:
            system = f"{base}/{re.sub(r'[^A-Za-z0-9._-]+', '-', issuer)}" if issuer else base
            resource["identifier"][0] = {"system": system, "value": number}
            if issuer:
                resource["identifier"][0]["assigner"] = {"display": issuer}
                self.span("Patient", "identifier[0].assigner.display", "IssuerOfPatientID")
            identity = record_id(self.profile.source, "Patient", issuer, number)
        else:
            said = (self.text("PatientName"), self.text("PatientBirthDate"), self.text("StudyInstanceUID"))
            identity = record_id(self.profile.source, "Patient", "name", *said)
        return Record({"resourceType": "Patient", "id": identity, **resource}, tuple(self.spans["Patient"]))

    def study(self, subject: dict[str, Any]) -> Record | None:
        """The study with one series and one instance; None, and a reject, without the UIDs that name them."""
        resource = self.fill("ImagingStudy")
        uids = [self.text(name) for name in UIDS if name not in self.refused]
        if not all(uids) or len(uids) < len(UIDS):
            if not self.rejects:
                self.rejects.append(Rejected("E257", "no study, series or instance UID", "StudyInstanceUID", 0, 0))
            held = {span.offset for span in self.spans["Patient"]}
            lost = [place for place in self.header.places if self.fates.get(place.tag, ("",))[0] == "mapped" and place.offset not in held]
            self.fates.update({place.tag: ("rejected", "E257") for place in lost})
            return None
        identity = record_id(self.profile.source, "ImagingStudy", *uids)
        resource["identifier"][0]["system"] = "urn:dicom:uid"
        for one in resource["identifier"][1:]:
            one["system"] = f"{self.profile.base}/accession"
            one["type"] = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
        series = resource["series"][0]
        if "modality" in series:
            series["modality"]["system"] = DCM
            resource["modality"] = [dict(series["modality"])]
            self.span("ImagingStudy", "modality[0].code", "Modality")
        else:
            series["modality"] = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
        if "sopClass" in series["instance"][0]:
            series["instance"][0]["sopClass"]["system"] = "urn:ietf:rfc:3986"
        self.started(resource, "", "Study")
        self.started(series, "series[0].", "Series")
        return Record(
            {"resourceType": "ImagingStudy", "id": identity, "status": "available", "subject": subject, **resource},
            tuple(self.spans["ImagingStudy"]),
        )

    def started(self, resource: dict[str, Any], prefix: str, level: str) -> None:
        """When the study or the series began, as exact as date, time and offset say."""
        date, time, zone = self.text(f"{level}Date"), self.text(f"{level}Time"), self.text("TimezoneOffsetFromUTC")
        if not date:
            return
        day, clock = _day(date), TIME.fullmatch(time)
        if not day:
            self.reject(f"{level}Date", "not a date")
            return
        resource["started"] = day
        self.span("ImagingStudy", f"{prefix}started", f"{level}Date")
        if clock is None or clock[2] is None:
            if time and clock is None:
                self.reject(f"{level}Time", "not a time")
            return
        full = f"{day}T{clock[1]}:{clock[2]}:{clock[3] or '00'}"
        try:
            when = datetime.fromisoformat(full)
        except ValueError:
            self.reject(f"{level}Time", "not a time")
            return
        stated = ZONE.fullmatch(zone)
        away = f"{zone[:3]}:{zone[3:]}" if stated else with_offset(when, self.profile.zone)[19:]
        resource["started"] = f"{full}{clock[4] or ''}{away}"
        self.span("ImagingStudy", f"{prefix}started", f"{level}Time")
        if stated:
            self.span("ImagingStudy", f"{prefix}started", "TimezoneOffsetFromUTC")

    def report(self, study: Record, subject: dict[str, Any]) -> Record | None:
        """A structured report as a document of its text."""
        text = report_text(self.header)
        if not text:
            return None
        place = self.places.get("ContentSequence")
        if place is not None:
            self.fates[place.tag] = ("carried", "dicom/report-text")
        identity = record_id(self.profile.source, "DocumentReference", self.text("SOPInstanceUID"))
        resource: dict[str, Any] = {"resourceType": "DocumentReference", "id": identity, "status": "current", "subject": subject}
        title = text.partition("\n")[0]
        resource["content"] = [
            {"attachment": {"contentType": "text/plain; charset=utf-8", "data": base64.b64encode(text.encode()).decode()}}
        ]
        resource["description"] = title[:200]
        resource["context"] = {"related": [{"reference": study.key}]}
        return Record(resource, ())

    # the whole

    def translation(self) -> Translation:
        """All records, and every element of the object once."""
        patient = self.patient()
        if patient is not None:
            subject: dict[str, Any] = {"reference": patient.key}
        else:
            subject = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
            self.notices.append(Notice("no-patient", "dicom", "PatientID", "PatientID", 0, 0))
        study = self.study(subject)
        records = [patient] if patient is not None else []
        if study is not None:
            report = self.report(study, subject)
            self.carry(study.resource)
            records += [study] if report is None else [study, report]
        return Translation(tuple(records), tuple(self.elements()), tuple(self.rejects), tuple(self.notices))

    def carry(self, resource: dict[str, Any]) -> None:
        """Elements that no row names, private ones too, in extensions of the study."""
        kept = []
        for place in self.header.places:
            if place.tag in self.fates or place.length > CARRIED or place.keyword in ("PixelData", "SpecificCharacterSet"):
                continue
            value = self.raw[place.offset : place.offset + place.length]
            url = f"{self.profile.base}/dicom/{place.tag}"
            plain = value.decode("ascii", "replace") if not place.sequence else "\ufffd"
            if plain.isprintable() and "\ufffd" not in plain:
                kept.append({"url": url, "valueString": plain})
            else:
                kept.append({"url": url, "valueBase64Binary": base64.b64encode(value).decode()})
            self.fates[place.tag] = ("carried", "dicom/element" if place.keyword else "dicom/private-element")
        if kept:
            resource["extension"] = kept

    def elements(self) -> list[Element]:
        """The account: preamble, file head, data elements, and the rest, which is pixels."""
        header, found = self.header, []
        if self.raw[:128].strip(b"\0"):
            found.append(Element("preamble", 0, 128, "dropped", "dicom/preamble"))
        found += [Element(place.keyword or place.tag, place.offset, place.length, "dropped", "dicom/file-meta") for place in header.meta]
        for place in header.places:
            fate = self.fates.get(place.tag) or _structural(place)
            found.append(Element(place.keyword or place.tag, place.offset, place.length, *fate))
        if header.rest < len(self.raw):
            pixels = self.raw[header.rest : header.rest + 4] in PIXELS
            rule = ("carried", "dicom/deflated") if header.deflated else ("dropped", "dicom/pixels") if pixels else ("uncovered", "")
            found.append(Element("rest", header.rest, len(self.raw) - header.rest, *rule))
        kept: list[Element] = []
        for element in sorted(found, key=lambda one: one.offset):  # lengths that contradict each other: the earlier element has the bytes
            if not kept or element.offset >= kept[-1].offset + kept[-1].length:
                kept.append(element)
        return kept


def _structural(place: Place) -> tuple[str, str]:
    if place.number & 0xFFFF == 0:
        return "dropped", "dicom/group-length"
    if place.keyword == "SpecificCharacterSet":
        return "dropped", "dicom/character-set"
    return "uncovered", ""


def _day(text: str) -> str:
    found = DATE.fullmatch(text)
    if found is None:
        return ""
    try:
        datetime(int(found[1]), int(found[2]), int(found[3]))  # noqa: DTZ001
    except ValueError:
        return ""
    return f"{found[1]}-{found[2]}-{found[3]}"


def _name(text: str) -> tuple[Any, tuple[str, ...]] | None:
    """PN of PS3.5 section 6.2: family, given, middle, prefix, suffix; the alphabetic form, else the first that is there."""
    form = next((one for one in text.split("=") if one.strip("^ ")), "")
    family, given, middle, prefix, suffix = ([*form.split("^"), "", "", "", "", ""])[:5]
    value: dict[str, Any] = {}
    if family.strip():
        value["family"] = family.strip()
    if names := [one for part in (given, middle) for one in part.split()]:
        value["given"] = names
    for name, part in (("prefix", prefix), ("suffix", suffix)):
        if part.strip():
            value[name] = [part.strip()]
    if not value:
        return None
    paths = [f"{name}[{index}]" for name in value if name != "family" for index in range(len(value[name]))]
    return value, ("family", *paths) if "family" in value else tuple(paths)
