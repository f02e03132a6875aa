"""What single X12 values become. Pure functions; a value that is wrong raises `Doubt`, none is repaired.

Dates are CCYYMMDD (D8), CCYYMMDDHHMM (DT) and CCYYMMDD-CCYYMMDD (RD8); YYMMDD only in ISA. Numbers carry their point.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from trivet.integration.moments import with_offset

__all__ = ["Doubt", "date", "date_time", "dotted", "number", "parts", "procedure_system", "whole"]

NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)")
CPT, HCPCS = "http://www.ama-assn.org/go/cpt", "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


class Doubt(ValueError):
    """A value that is not what its place says. `kind` is the kind of notice."""

    def __init__(self, kind: str, why: str, system: str = "", code: str = "") -> None:
        super().__init__(why)
        self.kind, self.why, self.system, self.code = kind, why, system, code


@lru_cache(maxsize=16384)
def date(text: str) -> str:
    """FHIR date of CCYYMMDD (or of the day of a longer one). Raises Doubt."""
    return _moment(text[:8] if len(text) > 8 and text.isdigit() else text, "%Y%m%d", 8).date().isoformat()


@lru_cache(maxsize=16384)
def date_time(text: str, zone: str) -> str:
    """FHIR dateTime of CCYYMMDDHHMM[SS], or a date of CCYYMMDD. Raises Doubt."""
    if len(text) == 8:
        return date(text)
    if len(text) == 14:
        return with_offset(_moment(text, "%Y%m%d%H%M%S", 14), zone)
    return with_offset(_moment(text, "%Y%m%d%H%M", 12), zone)


def _moment(text: str, form: str, length: int) -> datetime:
    if len(text) != length or not text.isascii() or not text.isdigit():
        raise Doubt("doubtful-date", f"not {length} digits")
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007 (the zone is the feed's, added by the caller)
    except ValueError:
        raise Doubt("doubtful-date", "no such day or time") from None
    if not 1800 <= moment.year <= 2199:
        raise Doubt("doubtful-date", "a year that cannot be meant")
    return moment


def parts(text: str) -> tuple[str, str]:
    """Begin and end of CCYYMMDD-CCYYMMDD; one day is both. Raises Doubt."""
    begin, dash, end = text.partition("-")
    return (date(begin), date(end)) if dash else (date(text), date(text))


@lru_cache(maxsize=16384)
def number(text: str) -> Decimal:
    """The number as written: `100.50` keeps its zero. Raises Doubt."""
    text = text.strip()
    if not NUMBER.fullmatch(text):
        raise Doubt("doubtful-number", "not a number")
    return Decimal(text.rstrip(".") if text.endswith(".") else text)


def whole(text: str) -> int:
    """A whole number, leading zeros allowed. Raises Doubt."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Doubt("doubtful-number", "not a whole number")
    return int(text)


def dotted(code: str, system: str) -> str:
    """An ICD diagnosis code with the point that X12 leaves out: after the third character, the fourth for external causes of ICD-9-CM."""
    place = 4 if system.endswith("icd-9-cm") and code[:1] == "E" else 3
    return f"{code[:place]}.{code[place:]}" if len(code) > place and "." not in code else code


def procedure_system(code: str) -> str:
    """The code system of a HCPCS code: level I is CPT (five characters, the first a digit), level II begins with a letter."""
    return CPT if code[:1].isdigit() else HCPCS
