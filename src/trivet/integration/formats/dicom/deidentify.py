"""A DICOM object without its person: a table of tags, and everything that it does not name is taken out.

In: the bytes of one Part 10 object. Out: other bytes and a count by method. Refused (`BadDicom`): what is no object, and pixels of
which the header does not say that no name is burnt into them, where pixels are asked for. Unique numbers become others, the same for
the same, so that a study stays one. Private elements go. Source: DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile.

The shared JSON form (`rules` with `tag` and `method`) is read too; there, what no rule names is kept.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import pydicom
from pydicom.datadict import tag_for_keyword

from trivet.integration.formats.dicom.header import ERRORS, BadDicom
from trivet.kernel.errors import Usage
from trivet.kernel.jsontext import loads
from trivet.kernel.resources import text

__all__ = ["DicomRules", "Subject", "deidentify_object", "read_tag_rules", "shipped_tag_rules"]

METHODS = {"keep", "remove", "empty", "uid", "hash", "date", "birth", "age", "mark", "pixels"}
SHARED = {"keep": "keep", "remove": "remove", "redact": "empty", "refreshuid": "uid", "cryptohash": "hash", "dateshift": "date"}
MASK = re.compile(r"\(?([0-9A-Fa-fxX]{4}),?([0-9A-Fa-fxX]{4})\)?")
OLDEST = 89


class DicomRules(NamedTuple):
    """Rows of (pattern of eight digits with `.` for any, or a VR, and the method), in order; `closed`: unnamed elements go."""

    rows: tuple[tuple[re.Pattern[str], str], ...]
    closed: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What one export does with a person: its key, what becomes of dates (`remove`, `shift` or `keep`), whether pixels stay."""

    key: bytes
    dates: str = "remove"
    pixels: bool = False
    days: int = 50


def shipped_tag_rules() -> DicomRules:
    """Our own table."""
    rows = csv.DictReader(io.StringIO(text("trivet.maps", "privacy", "dicom.csv")))
    return DicomRules(tuple((pattern(row["tag"]), row["method"]) for row in rows), closed=True)


def read_tag_rules(content: str, where: str) -> DicomRules:
    """The shared JSON form. Usage E707 for a method or tag that is not read here."""
    rows = []
    for number, rule in enumerate(loads(content).get("rules", ()), 1):
        method = SHARED.get(str(rule.get("method", "")).lower())
        if method is None:
            raise Usage("E707", f"no such method for DICOM: {rule.get('method')}", where=f"{where} rule {number}", why=", ".join(SHARED))
        rows.append((pattern(str(rule.get("tag", ""))), method))
    return DicomRules(tuple(rows), closed=False)


def pattern(tag: str) -> re.Pattern[str]:
    """`(0008,xxxx)`, a keyword, or a VR of two letters, as a pattern over eight digits and the VR."""
    if found := MASK.fullmatch(tag):
        return re.compile(re.sub("[xX]", ".", found[1] + found[2]).upper() + "..")
    if re.fullmatch(r"[A-Z]{2}", tag):
        return re.compile("." * 8 + tag)
    number = tag_for_keyword(tag)
    if number is None:
        raise Usage("E707", f"no such DICOM element: {tag}", help="(0010,0010), PatientName or a VR such as PN")
    return re.compile(f"{number:08X}..")


def deidentify_object(raw: bytes, rules: DicomRules, subject: Subject) -> tuple[bytes, Counter[str]]:
    """One object."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(io.BytesIO(raw), stop_before_pixels=not subject.pixels and rules.closed, force=False)
            days = shift_of(str(data.get("PatientID", "")), subject)
            if rules.closed and subject.pixels and "PixelData" in data and data.get("BurnedInAnnotation") != "NO":
                raise BadDicom("E708", "the header does not say that nothing is burnt into the pixels", 0)
            counts = Counter[str]()
            clean(data, rules, subject, days, counts)
            if rules.closed:
                data.PatientIdentityRemoved = "YES"
                data.DeidentificationMethod = "Trivet table privacy/dicom"
            if "SOPInstanceUID" in data and data.SOPInstanceUID:
                data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
            data.preamble = b"\0" * 128
            out = io.BytesIO()
            data.save_as(out, enforce_file_format=rules.closed)
        except ERRORS as error:
            raise BadDicom("E254", f"the data elements cannot be read: {type(error).__name__}", 0) from None
    return out.getvalue(), counts


def clean(data: Any, rules: DicomRules, subject: Subject, days: int, counts: Counter[str]) -> None:
    """Every element of a data set, and of the ones inside its sequences."""
    for element in list(data):
        code = f"{int(element.tag):08X}{element.VR}"
        method = next((held for wanted, held in rules.rows if wanted.fullmatch(code)), "remove" if rules.closed else "keep")
        if element.tag.is_private and rules.closed:
            method = "remove"
        counts[method] += 1
        if element.VR == "SQ" and method == "keep":
            for item in element.value:
                clean(item, rules, subject, days, counts)
        elif method not in ("keep", "mark"):
            CHANGES[method](data, element, subject, days)


def remove(data: Any, element: Any, subject: Subject, days: int) -> None:
    """Take the element out."""
    del data[element.tag]


def empty(data: Any, element: Any, subject: Subject, days: int) -> None:
    """Leave the element without a value: the object's definition asks for it."""
    data[element.tag].value = [] if element.VR == "SQ" else None if element.VR not in ("UI",) else ""


def uid(data: Any, element: Any, subject: Subject, days: int) -> None:
    """Another unique number, the same for the same (PS3.5 B.2: 2.25 and a 128 bit number)."""
    held = element.value if element.VM > 1 else [element.value] if element.value else []
    made = [f"2.25.{int.from_bytes(keyed(subject, 'uid ' + str(one))[:16])}" for one in held]
    data[element.tag].value = made if len(made) > 1 else made[0] if made else ""


def hashed(data: Any, element: Any, subject: Subject, days: int) -> None:
    """HMAC-SHA-256; as many digits of it as the element's kind has room for."""
    room = {"SH": 16, "CS": 16, "LO": 64, "PN": 64}.get(element.VR, 64)
    data[element.tag].value = keyed(subject, str(element.value)).hex()[:room] if element.value else element.value


def moved(data: Any, element: Any, subject: Subject, days: int) -> None:
    """A date or moment: gone, moved by the person's days, or kept, as the policy says."""
    if subject.dates == "keep":
        return
    held = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(.*)", str(element.value or ""))
    if subject.dates == "remove" or not held or element.VR not in ("DA", "DT"):
        empty(data, element, subject, days)
        return
    try:
        day = date(int(held[1]), int(held[2]), int(held[3])) + timedelta(days=days)
    except (ValueError, OverflowError):
        empty(data, element, subject, days)
        return
    data[element.tag].value = day.strftime("%Y%m%d") + ("000000" if element.VR == "DT" else "")


def birth(data: Any, element: Any, subject: Subject, days: int) -> None:
    """A birth date has no year alone in DICOM: it is emptied, whatever the policy."""
    empty(data, element, subject, days)


def age(data: Any, element: Any, subject: Subject, days: int) -> None:
    """An age over 89 years is taken out (45 CFR 164.514(b)(2)(i)(C))."""
    held = re.fullmatch(r"(\d{3})Y", str(element.value or ""))
    if held and int(held[1]) > OLDEST:
        del data[element.tag]


def pixels(data: Any, element: Any, subject: Subject, days: int) -> None:
    """Pixels stay only where they were asked for."""
    if not subject.pixels:
        del data[element.tag]


CHANGES: Mapping[str, Callable[[Any, Any, Subject, int], None]] = {
    "remove": remove, "empty": empty, "uid": uid, "hash": hashed, "date": moved, "birth": birth, "age": age, "pixels": pixels,
}  # fmt: skip


def keyed(subject: Subject, words: str) -> bytes:
    """HMAC-SHA-256 under the export's key."""
    return hmac.new(subject.key, words.encode(), hashlib.sha256).digest()


def shift_of(patient: str, subject: Subject) -> int:
    """By how many days this person's dates move."""
    drawn = int.from_bytes(keyed(subject, "trivet deidentify days " + patient)[:8])
    return drawn % (2 * subject.days + 1) - subject.days
