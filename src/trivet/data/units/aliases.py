"""Spellings of units that are not UCUM, read as UCUM by approved rows only. In, what a feed wrote; out, a code or nothing.

Rows come from `maps/units/aliases.csv` and from the site's `units.csv` (columns alias, code, status, approver, since, reason),
the site's before ours. A lenient parser would guess; a table that somebody approved does not. A `refused` row says that a text
is not to be read at all, though UCUM would (`G/L` is gauss per litre to UCUM and something else to every laboratory).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from trivet.kernel.errors import Usage
from trivet.kernel.resources import text
from trivet.kernel.units import BadUnit, parse

__all__ = ["Alias", "Aliases"]


FACTOR = re.compile(r"(?!1/|1$)\d+(?![\d*^])")
"""A number in front of a unit: UCUM allows `9/L`, but in a feed it is half of something (`10^9/L` cut at the circumflex)."""


class Alias(NamedTuple):
    """A UCUM code and the row that said so (empty when the text is UCUM itself)."""

    code: str
    rule: str


class Aliases:
    """The approved rows, ours and a site's. Usage when an approved row names a code that UCUM does not know."""

    def __init__(self, site: str = "", site_name: str = "site/units.csv") -> None:
        self._rows: dict[str, Alias | None] = {}
        self._fill("units/aliases.csv", text("trivet.maps", "units", "aliases.csv"))
        if site:
            self._fill(site_name, site)
        self.find = lru_cache(maxsize=4096)(self._find)

    def _fill(self, name: str, content: str) -> None:
        for number, row in enumerate(csv.DictReader(content.splitlines()), 2):
            if row["status"] == "refused":
                self._rows[row["alias"]] = None
            if row["status"] != "approved":
                continue
            try:
                parse(row["code"])
            except BadUnit as error:
                raise Usage("E274", "an approved unit is not UCUM", where=f"{name}:{number}", why=str(error)) from None
            self._rows[row["alias"]] = Alias(row["code"], f"{name}|{row['alias']}")

    def _find(self, written: str) -> Alias | None:
        """The UCUM code of a text as a feed wrote it; None when nobody approved a reading."""
        for reading in _readings(written):
            if reading in self._rows:
                return self._rows[reading]
        if FACTOR.match(written):
            return None
        try:
            return Alias(parse(written).code, "ucum")
        except BadUnit:
            return None


def _readings(written: str) -> Iterable[str]:
    yield written
    trimmed = written.strip()
    if trimmed != written:
        yield trimmed
