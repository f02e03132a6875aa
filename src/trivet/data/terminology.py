"""Which standard code a local one means: approved rows only. In, a feed, a code system, a code and a unit; out, a target or nothing.

Rows come from `maps/terminology/*.csv` that are maps (columns feed, system, code, ...) and from the site's `terminology.csv`, the
site's before ours. `{base}` in `system` is the feed's own URI, `*` in `feed` is any feed, a `unit` makes a row hold only for values in
that UCUM unit. A row that is `suggested`, `rejected` or `retired` maps nothing. Also: which code systems are standard, and their aliases.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple

from trivet.kernel.errors import Usage
from trivet.kernel.resources import listing, text

__all__ = ["COLUMNS", "CodeMap", "Target", "canonical_system"]

COLUMNS = (
    "feed",
    "system",
    "code",
    "display",
    "target_system",
    "target_code",
    "target_display",
    "unit",
    "status",
    "approver",
    "since",
    "reason",
)
STATES = ("approved", "suggested", "rejected", "retired")
NOT_MAPS = ("elements.csv", "omop.csv", "specimens.csv", "systems.csv", "targets.csv")
OWN = ("http://terminology.hl7.org/", "http://hl7.org/fhir/")


class Target(NamedTuple):
    """A standard code, and the row that an approver answers for."""

    system: str
    code: str
    display: str
    rule: str


class CodeMap:
    """Approved rows by feed, system, code and unit. Usage when an approved row does not name who approved it."""

    def __init__(self, site: str = "", site_name: str = "site/terminology.csv") -> None:
        self._rows: dict[tuple[str, str, str, str], Target] = {}
        for name in listing("trivet.maps", "terminology", ".csv"):
            if name not in NOT_MAPS:
                self._fill(f"terminology/{name}", text("trivet.maps", "terminology", name))
        if site:
            self._fill(site_name, site)
        self._known = frozenset((system, code) for _, system, code, _ in self._rows)
        self._any_unit = frozenset((feed, system, code) for feed, system, code, _ in self._rows)
        self.find = lru_cache(maxsize=16_384)(self._find)  # a feed says the same few codes again and again

    def _fill(self, name: str, content: str) -> None:
        rows = csv.DictReader(content.splitlines())
        missing = set(COLUMNS) - set(rows.fieldnames or ())
        if missing:
            raise Usage("E271", "the map has not all its columns", where=name, why="missing: " + ", ".join(sorted(missing)))
        for number, row in enumerate(rows, 2):
            if row["status"] not in STATES:
                raise Usage(
                    "E272", f"a map row is {row['status'] or 'without status'}", where=f"{name}:{number}", why="one of " + ", ".join(STATES)
                )
            key = (row["feed"], row["system"], row["code"], row["unit"])
            if row["status"] != "approved":
                if row["status"] == "retired":
                    self._rows.pop(key, None)
                continue
            absent = [
                column for column in ("feed", "system", "code", "target_system", "target_code", "approver", "since") if not row[column]
            ]
            if absent:
                raise Usage("E273", "an approved map row is incomplete", where=f"{name}:{number}", why="empty: " + ", ".join(absent))
            unit = f"|{row['unit']}" if row["unit"] else ""
            rule = f"{name}|{row['feed']}|{row['system']}|{row['code']}{unit}"
            self._rows[key] = Target(row["target_system"], row["target_code"], row["target_display"], rule)

    def known(self, feed: str, base: str, system: str, code: str) -> bool:
        """Is there an approved row for a code, whatever the unit?"""
        local = "{base}" + system.removeprefix(base) if base and system.startswith(base) else system
        return any((source, name, code) in self._any_unit for name in (local, system) for source in (feed, "*"))

    def _find(self, feed: str, base: str, system: str, code: str, unit: str = "") -> Target | None:
        """The approved target of a code: a row for this feed and unit first, then without the unit, then for any feed."""
        local = "{base}" + system.removeprefix(base) if base and system.startswith(base) else system
        for name in dict.fromkeys((local, system)):
            if (name, code) not in self._known:
                continue
            for key in _keys(feed, name, code, unit):
                if key in self._rows:
                    return self._rows[key]
        return None


def _keys(feed: str, system: str, code: str, unit: str) -> Iterable[tuple[str, str, str, str]]:
    for source in (feed, "*"):
        if unit:
            yield source, system, code, unit
        yield source, system, code, ""


@cache
def _systems() -> dict[str, tuple[str, bool]]:
    rows = csv.DictReader(text("trivet.maps", "terminology", "systems.csv").splitlines())
    return {row["alias"]: (row["system"], row["standard"] == "yes") for row in rows}


def canonical_system(system: str) -> tuple[str, bool]:
    """The canonical URI of a code system, and whether it is a standard one; an unknown system is itself, and local."""
    known = _systems().get(system)
    return known if known is not None else (system, system.startswith(OWN))
