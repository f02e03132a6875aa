"""Names, telephones, addresses and dates in one plain form, and the values that are nobody's. Pure; the tables are in `maps/identity`."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache, lru_cache

from trivet.kernel.resources import text

__all__ = [
    "address",
    "birth",
    "digits",
    "identifier",
    "is_test",
    "mail",
    "name",
    "nicknames",
    "placeholder",
    "plain",
    "soundex",
    "suffix",
    "telephone",
]

LETTERS = re.compile(r"[^A-Z0-9 ]+")
TITLES = frozenset({"MR", "MRS", "MS", "MISS", "DR", "MD", "PHD", "RN", "PROF", "REV", "SIR"})
SUFFIXES = {"JR": "JR", "JUNIOR": "JR", "SR": "SR", "SENIOR": "SR", "II": "II", "III": "III", "IV": "IV", "2ND": "II", "3RD": "III"}
DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
CODES = {letter: code for code, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for letter in letters}


@cache
def _placeholders() -> dict[tuple[str, str], str]:
    rows = csv.DictReader(text("trivet.maps", "identity", "placeholders.csv").splitlines())
    return {(row["field"], row["value"]): row["kind"] for row in rows}


def placeholder(field: str, value: str) -> bool:
    """Is this a value that people type when they know none?"""
    return (field, value) in _placeholders()


def is_test(value: str) -> bool:
    """Is this the name of a test patient?"""
    return _placeholders().get(("name", value)) == "test"


def plain(value: str) -> str:
    """Capital letters, digits and single spaces; diacritics folded, apostrophes closed up, other marks to spaces."""
    folded = value if value.isascii() else "".join(mark for mark in unicodedata.normalize("NFKD", value) if not unicodedata.combining(mark))
    return " ".join(LETTERS.sub(" ", folded.upper().replace("'", "").replace("\u2019", "").replace(".", "")).split())


@lru_cache(maxsize=65_536)
def name(value: str) -> str:
    """A name without titles and generation suffixes; empty when it is a placeholder."""
    words = [word for word in plain(value).split() if word not in TITLES]
    while len(words) > 1 and words[-1] in SUFFIXES:
        words.pop()
    joined = " ".join(words)
    return "" if placeholder("name", joined) or placeholder("name", joined.replace(" ", "")) else joined


@lru_cache(maxsize=65_536)
def suffix(value: str) -> str:
    """`JR`, `SR`, `II`, ... at the end of a name or standing alone; empty when there is none."""
    words = plain(value).split()
    return SUFFIXES.get(words[-1], "") if words else ""


@lru_cache(maxsize=65_536)
def birth(value: str) -> str:
    """A full date of birth, `YYYY-MM-DD`; empty for a partial one and for a placeholder."""
    found = DAY.match(value)
    return found[0] if found and not placeholder("birth", found[0]) else ""


def digits(value: str) -> str:
    """The digits of a text."""
    return "".join(filter(str.isdigit, value)) if not value.isdigit() else value


@lru_cache(maxsize=65_536)
def telephone(value: str) -> str:
    """The last ten digits of a telephone number; empty when it is too short or a placeholder."""
    number = digits(value)[-10:]
    if len(number) < 7 or len(set(number)) < 3 or placeholder("telephone", number):
        return ""
    return number


@lru_cache(maxsize=65_536)
def mail(value: str) -> str:
    """A mail address in small letters; empty when it is none."""
    written = value.strip().lower()
    return written if "@" in written[1:-1] else ""


@lru_cache(maxsize=65_536)
def identifier(value: str) -> str:
    """Letters and digits of an identifier; empty when it is a placeholder."""
    written = plain(value).replace(" ", "")
    return "" if placeholder("identifier", written) or not written.strip("0") else written


@cache
def _streets() -> dict[str, str]:
    rows = csv.DictReader(text("trivet.maps", "identity", "streets.csv").splitlines())
    return {row["word"]: row["short"] for row in rows}


@lru_cache(maxsize=65_536)
def address(street: str, place: str) -> str:
    """`12 OAK ST|60601`: the street with its usual short words, and the place (postal code, else city); empty without a street."""
    words = [_streets().get(word, word) for word in plain(street).split()]
    joined = " ".join(words)
    if not joined or placeholder("street", joined):
        return ""
    return f"{joined}|{plain(place)[:5] if place[:5].isdigit() else plain(place)}"


@cache
def nicknames() -> dict[str, frozenset[str]]:
    """Given names that may stand for each other, both ways."""
    groups: dict[str, set[str]] = {}
    for row in csv.DictReader(text("trivet.maps", "identity", "nicknames.csv").splitlines()):
        for short in row["short"].split():
            groups.setdefault(row["name"], set()).add(short)
            groups.setdefault(short, set()).add(row["name"])
    return {key: frozenset(held) for key, held in groups.items()}


@lru_cache(maxsize=65_536)
def soundex(value: str) -> str:
    """American Soundex (U.S. National Archives rule) of a name: `ROBERT` and `RUPERT` are R163."""
    letters = [letter for letter in value if letter.isalpha()]
    if not letters:
        return value[:4]
    out, last = letters[0], CODES.get(letters[0])
    for letter in letters[1:]:
        code = CODES.get(letter)
        if code and code != last:
            out += str(code)
        if letter not in "HW":
            last = code
        if len(out) == 4:
            break
    return out.ljust(4, "0")
