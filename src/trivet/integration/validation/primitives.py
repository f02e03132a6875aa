"""The primitive types of FHIR R4 (http://hl7.org/fhir/R4/datatypes.html#primitive): a value, and what is wrong with it.

A test takes a JSON value and gives None, or (severity, rule, words).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

__all__ = ["SYSTEM_TYPES", "TESTS", "Wrong", "absolute", "is_oid", "is_uuid"]

Wrong = tuple[str, str, str] | None
Test = Callable[[Any], Wrong]

LARGEST = 1024 * 1024
DATE = r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?"
TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
FULL_DATE = re.compile(DATE, re.A)
FULL_DATETIME = re.compile(rf"{DATE}(?:(?<=-\d\d-\d\d)T{TIME}{ZONE})?", re.A)
INSTANT = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)T{TIME}{ZONE}", re.A)
CLOCK = re.compile(TIME, re.A)
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
CODE = re.compile(r"[^\s]+(?: [^\s]+)*")
OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+", re.A)
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ANY_UUID = re.compile(UUID.pattern, re.I)
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S*", re.A)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
BLANK = re.compile(r"\s+", re.A)
SYSTEM_TYPES = {
    "String": "string",
    "Boolean": "boolean",
    "Integer": "integer",
    "Decimal": "decimal",
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
}

NO_TEXT: Wrong = ("error", "json-type", "the value must be a text in quotes")
EMPTY: Wrong = ("error", "empty", "a value must not be an empty text")


def is_oid(text: str) -> bool:
    """Whether this is an OID as a URN."""
    return OID.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Whether this is a UUID as a URN, in letters of any case."""
    return ANY_UUID.fullmatch(text) is not None


def absolute(text: str) -> bool:
    """Whether this is an absolute URI."""
    return SCHEME.fullmatch(text) is not None


def boolean(value: Any) -> Wrong:
    """true or false, without quotes."""
    return None if value is True or value is False else ("error", "json-type", "the value must be true or false, without quotes")


def whole(low: int, high: int, name: str) -> Test:
    """Whole numbers of 32 bits."""
    out: Wrong = ("error", "value", f"not in the range of {name}")

    def test(value: Any) -> Wrong:
        if type(value) is not int:
            return ("error", "value" if isinstance(value, Decimal) else "json-type", "the value must be a whole number, without quotes")
        return None if low <= value <= high else out

    return test


def decimal(value: Any) -> Wrong:
    """Any JSON number."""
    if type(value) is Decimal or type(value) is int:
        return None
    return ("error", "json-type", "the value must be a number, without quotes")


def string(value: Any) -> Wrong:
    """A text of at least one and at most 1024 * 1024 characters."""
    if type(value) is not str:
        return NO_TEXT
    if not value:
        return EMPTY
    if value.isprintable() and value[0] != " " and value[-1] != " ":
        return None if len(value) <= LARGEST else ("error", "value", "a text longer than 1 MB")
    if CONTROL.search(value):
        return ("error", "value", "a text with a control character")
    if len(value) > LARGEST:
        return ("error", "value", "a text longer than 1 MB")
    return ("warning", "blank", "a text with blanks at its beginning or end") if value != value.strip() else None


def markdown(value: Any) -> Wrong:
    """A text that may be laid out."""
    found = string(value)
    return found if found and found[0] == "error" else None


def matching(pattern: re.Pattern[str], words: str) -> Test:
    """Texts of one form."""
    match = pattern.fullmatch
    wrong: Wrong = ("error", "value", words)

    def test(value: Any) -> Wrong:
        if type(value) is not str:
            return NO_TEXT
        if match(value):
            return None
        return wrong if value else EMPTY

    return test


def calendar(pattern: re.Pattern[str], name: str) -> Test:
    """Dates that exist."""
    match = pattern.fullmatch
    form: Wrong = ("error", "value", f"not a {name} as FHIR writes it")

    def test(value: Any) -> Wrong:
        if type(value) is not str:
            return NO_TEXT
        found = match(value)
        if not found:
            return form if value else EMPTY
        year, month, day = found.groups()
        try:
            date(int(year), int(month or 1), int(day or 1))
        except ValueError:
            return ("error", "value", "a day that the calendar does not have")
        return None if 1800 <= int(year) <= 2100 else ("warning", "year", "a year outside 1800 to 2100")

    return test


def uri(value: Any) -> Wrong:
    """A URI (RFC 3986) as far as FHIR fixes it: no blanks, and URNs in full."""
    if type(value) is not str:
        return NO_TEXT
    if not value:
        return EMPTY
    if value[:4] == "http" and value.isascii() and value.isprintable() and " " not in value:
        return None
    if BLANK.search(value):
        return ("error", "value", "a URI with a blank in it")
    low = value[:9].lower()
    if low.startswith(("oid:", "uuid:")):
        return ("error", "value", "an OID or UUID is written as urn:oid: or urn:uuid:")
    if low.startswith("urn:oid:") and not is_oid(value):
        return ("error", "value", "not an OID behind urn:oid:")
    if low.startswith("urn:uuid:") and not is_uuid(value):
        return ("error", "value", "not a UUID behind urn:uuid:")
    return None


def canonical(value: Any) -> Wrong:
    """An absolute URI, perhaps with a version behind a bar; or a fragment."""
    found = uri(value)
    if found or value[0] == "#" or absolute(value):
        return found
    return ("error", "value", "a canonical address must be absolute, or begin with #")


def base64_binary(value: Any) -> Wrong:
    """Base64 (RFC 4648), blanks allowed."""
    if type(value) is not str:
        return NO_TEXT
    if not value:
        return EMPTY
    text = BLANK.sub("", value)
    if len(text) % 4 or not BASE64.fullmatch(text):
        return ("error", "value", "not Base64")
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return ("error", "value", "not Base64")
    return None


code = matching(CODE, "not a code: blanks at its beginning or end, or two together")
TESTS: dict[str, Test] = {
    "base64Binary": base64_binary,
    "boolean": boolean,
    "canonical": canonical,
    "code": code,
    "date": calendar(FULL_DATE, "date"),
    "dateTime": calendar(FULL_DATETIME, "dateTime"),
    "decimal": decimal,
    "id": matching(ID, "not an id: letters, digits, - and ., at most 64"),
    "instant": calendar(INSTANT, "instant"),
    "integer": whole(-(2**31), 2**31 - 1, "integer"),
    "markdown": markdown,
    "oid": matching(OID, "not an OID as a URN"),
    "positiveInt": whole(1, 2**31 - 1, "positiveInt"),
    "string": string,
    "time": matching(CLOCK, "not a time of day as FHIR writes it"),
    "unsignedInt": whole(0, 2**31 - 1, "unsignedInt"),
    "uri": uri,
    "url": uri,
    "uuid": matching(UUID, "not a UUID as a URN, in small letters"),
}
