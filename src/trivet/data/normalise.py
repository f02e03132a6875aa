"""Standard codes and UCUM units beside what came. In, a translation; out, the same one with more, or the very same object.

What came is never changed: an approved map row adds a coding behind the local ones, an approved spelling adds `system` and `code` to
a quantity whose `unit` stays as it was written. Where a table names a canonical unit for a code, the converted value stands beside the
original in an extension of the quantity (`CANONICAL`), never in its place. What nobody approved becomes a notice. Every added element
has a span over the bytes it came from, with the map row as its rule. Pure: no clock, no disk after the tables are read.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Notice, Record, Span, Translation
from trivet.data.locations import LOINC, Location, at, codings_of, dotted, loinc_of, replaced, walk
from trivet.data.measures import CANONICAL, UCUM, Paths, canonical_unit, code_elements, converted, quantity_elements, unitless
from trivet.data.terminology import CodeMap, Target, canonical_system
from trivet.data.units import Aliases, BadUnit, parse

__all__ = ["CANONICAL", "MapNormaliser", "Site", "read_site"]

FEW = 48  # spans that are looked through one by one
make = tuple.__new__  # a named tuple without the call of its own constructor


class Site(NamedTuple):
    """The site's own tables as text; empty where it has none."""

    terminology: str = ""
    units: str = ""


def read_site(folder: Path) -> Site:
    """`terminology.csv` and `units.csv` of the site's folder."""
    texts = [
        (folder / name).read_text(encoding="utf-8-sig") if (folder / name).is_file() else "" for name in ("terminology.csv", "units.csv")
    ]
    return Site(*texts)


class Ways(NamedTuple):
    """Where a record type has quantities and concepts: paths, and whether what nobody approved there is worth a notice. `firsts` are the
    first steps of all of them."""

    quantities: Paths
    concepts: Paths
    firsts: frozenset[str]


class MapNormaliser:
    """`contracts.ports.Normaliser` over the shipped tables and a site's overlay. Usage when an approved row is wrong."""

    def __init__(self, site: Path | Site = Site()) -> None:
        tables = read_site(site) if isinstance(site, Path) else site
        self._codes = CodeMap(tables.terminology)
        self._units = Aliases(tables.units)
        self._ways: dict[str, Ways] = {}

    def normalise(self, translation: Translation, profile: SourceProfile) -> Translation:
        """The translation with what approved rows add, and with notices for what nobody approved."""
        records, notices, ways = [], list[Notice](), self._ways
        changed = False
        for record in translation.records:
            held = record.resource
            kind = held["resourceType"]
            way = ways.get(kind)
            if way is None:
                quantities, concepts = quantity_elements(kind), code_elements(kind)
                way = ways[kind] = Ways(quantities, concepts, frozenset(path[0] for path, _ in (*quantities, *concepts)))
            if held.keys().isdisjoint(way.firsts):
                records.append(record)
                continue
            desk = Desk(record, profile, self._codes, self._units)
            loud_ones = []
            for path, loud in way.quantities:
                if path[0] in held:
                    for location, quantity in walk(held, path):
                        desk.unit(location, quantity, loud)
                    if loud:
                        loud_ones.append(path)
            for path, loud in way.concepts:
                if path[0] in held:
                    for location, concept in walk(held, path):
                        desk.concept(location, concept, loud)
            for path in loud_ones:
                for location, quantity in walk(desk.resource, path):
                    desk.canonical(location, quantity)
            records.append(desk.record())
            if desk.notices:
                notices += desk.notices
            changed = changed or desk.changed
        kept = self._still_unknown(translation.notices, profile)
        if not changed and not notices and len(kept) == len(translation.notices):
            return translation
        said = {notice[:4] for notice in kept}
        fresh = tuple([notice for notice in notices if notice[:4] not in said])
        return translation.instead(tuple(records), kept + fresh)

    def _still_unknown(self, notices: tuple[Notice, ...], profile: SourceProfile) -> tuple[Notice, ...]:
        """A format that does not know a code says so; where an approved row knows it, there is nothing to look at."""
        if not any(notice.kind == "unknown-code" for notice in notices):
            return notices
        return tuple(
            notice
            for notice in notices
            if notice.kind != "unknown-code" or not self._codes.known(profile.source, profile.base, notice.system, notice.code)
        )


class Desk:
    """One record being normalised: what is added, where it came from, what somebody must look at."""

    def __init__(self, record: Record, profile: SourceProfile, codes: CodeMap, units: Aliases) -> None:
        self.given, self.resource = record, record.resource
        self._held: tuple[Span, ...] | None = None
        self.feed, self.base = profile.source, profile.base
        self.codes, self.units = codes, units
        self.spans: list[Span] = []
        self.notices: list[Notice] = []
        self.changed = False
        self._places: dict[str, Span] | None = None

    def record(self) -> Record:
        """The record as it is now; the given object when nothing was added."""
        return Record(self.resource, self.given.spans + tuple(self.spans)) if self.changed else self.given

    def unit(self, location: Location, quantity: Any, loud: bool) -> None:
        """Give a quantity its UCUM code, or say that nobody knows its unit."""
        if not isinstance(quantity, dict) or "value" not in quantity:
            return
        system, code, written = quantity.get("system"), quantity.get("code"), quantity.get("unit")
        if system == UCUM and isinstance(code, str):
            if valid(code):
                return
            self.notice("unknown-unit", UCUM, code, location, loud)
            return
        text = written or code
        if not isinstance(text, str) or not text:
            if loud and not self.measures_without_unit(location):
                self.notice("missing-unit", *self.measured(location), location, loud)
            return
        found = self.units.find(text)
        if found is None:
            self.notice("unknown-unit", system or "", text, location, loud)
            return
        if system and system != UCUM:  # somebody else's code system: UCUM goes beside it, not over it
            return
        if code and code != found.code:
            self.notice("unknown-unit", system or "", text, location, loud)
            return
        added = {**quantity, "system": UCUM, "code": found.code}
        self.put(location, added, [name for name in ("system", "code") if name not in quantity], ("unit", "code"), found.rule)

    def concept(self, location: Location, concept: Any, loud: bool) -> None:
        """Add the standard codings that approved rows name, or say that nobody mapped this code."""
        if not isinstance(concept, dict):
            return
        standard, unknown = False, list[tuple[int, str, str]]()
        codings = codings_of(concept)
        present = None
        for number, system, code in codings:
            uri, known = canonical_system(system)
            if known and uri == system:
                standard = True
                continue
            target = self.codes.find(self.feed, self.base, system, code, self.unit_beside(location))
            if target is None and known:
                target = Target(uri, code, concept["coding"][number].get("display", ""), f"terminology/systems.csv|{system}")
            if target is None:
                unknown.append((number, system, code))
                continue
            standard = True
            if present is None:
                present = {(system, code) for _, system, code in codings}
            if (target.system, target.code) not in present:
                present.add((target.system, target.code))
                self.add_coding(location, target, number)
        if loud and not standard:
            for number, system, code in unknown:
                self.notice("unknown-code", system, code, (*location, "coding", number, "code"), loud)
            if not codings:
                self.notice("uncoded", "", dotted(location), location, loud)

    def canonical(self, location: Location, quantity: Any) -> None:
        """Put the value in the code's canonical unit beside the original, in an extension of the quantity."""
        if not isinstance(quantity, dict) or quantity.get("system") != UCUM or not isinstance(quantity.get("value"), (int, Decimal)):
            return
        unit = canonical_unit(loinc := loinc_of(self.beside(location).get("code")))
        if not unit or unit == quantity.get("code"):
            return
        value = converted(loinc, quantity["value"], quantity.get("code", ""), unit)
        if value is None:
            self.notice("unit-does-not-fit", LOINC, f"{loinc} {quantity.get('code', '')}", location, True)
            return
        beside = {"value": value, "unit": unit, "system": UCUM, "code": unit}
        beside |= {"comparator": quantity["comparator"]} if "comparator" in quantity else {}
        held: list[dict[str, Any]] = quantity.get("extension", [])
        if any(extension.get("url") == CANONICAL for extension in held):
            return
        extensions = [*held, {"url": CANONICAL, "valueQuantity": beside}]
        names = [f"extension[{len(extensions) - 1}].valueQuantity.{name}" for name in beside]
        self.put(location, {**quantity, "extension": extensions}, names, ("value",), f"units/canonical.csv|{loinc}")

    def unit_beside(self, location: Location) -> str:
        """The UCUM code of the quantity that stands beside a concept, as it is now."""
        found = self.beside(location).get("valueQuantity")
        return str(found.get("code", "")) if isinstance(found, dict) and found.get("system") == UCUM else ""

    def measured(self, location: Location) -> tuple[str, str]:
        """System and code of what a quantity measures."""
        for _, system, code in codings_of(self.beside(location).get("code")):
            return system, code
        return "", ""

    def beside(self, location: Location) -> dict[str, Any]:
        """The object that holds the thing at a place."""
        found = at(self.resource, location[:-1]) if len(location) > 1 else self.resource
        return found if isinstance(found, dict) else {}

    def measures_without_unit(self, location: Location) -> bool:
        """Is this a thing that has no unit (pH, a ratio, points)?"""
        for _, system, code in codings_of(self.beside(location).get("code")):
            target = self.codes.find(self.feed, self.base, system, code)
            if unitless(target.code if target else code):
                return True
        return False

    def add_coding(self, location: Location, target: Target, origin: int) -> None:
        """One more coding at the end of a concept, with the bytes of the coding that it interprets."""
        concept = at(self.resource, location)
        coding = {"system": target.system, "code": target.code}
        coding |= {"display": target.display} if target.display else {}
        codings = [*concept["coding"], coding]
        names = [f"coding[{len(codings) - 1}].{name}" for name in coding]
        self.put(location, {**concept, "coding": codings}, names, (f"coding[{origin}].code", f"coding[{origin}]"), target.rule)

    def put(self, location: Location, value: Any, names: list[str], origins: tuple[str, ...], rule: str) -> None:
        """Replace a part of the record by a richer one, and give each new element the span of its origin."""
        if len(location) == 1:
            if not self.changed:
                self.resource = dict(self.resource)
            self.resource[str(location[0])] = value  # a copy of our own by now
            prefix = str(location[0])
        else:
            self.resource = replaced(self.resource, location, value)
            prefix = dotted(location)
        self.changed = True
        origin = None
        for name in origins:
            origin = self.place(f"{prefix}.{name}")
            if origin is not None:
                break
        else:
            origin = self.place(prefix)
        if origin is not None:
            _, offset, length, locator, _ = origin
            self.spans += [make(Span, (f"{prefix}.{name}", offset, length, locator, rule)) for name in names]

    def place(self, path: str) -> Span | None:
        """The span of a path, or of the first element below it."""
        held = self._held
        if held is None:
            held = self._held = self.given.spans
        if len(held) <= FEW:
            below = path + "."
            for span in held:
                found = span[0]
                if found == path or found.startswith(below):
                    return span
            return None
        if self._places is None:
            self._places = {}
            for span in held:
                steps = span.path
                while steps and steps not in self._places:
                    self._places[steps] = span
                    steps = steps.rpartition(".")[0]
        return self._places.get(path)

    def notice(self, kind: str, system: str, code: str, location: Location, loud: bool) -> None:
        """Something that a person must look at."""
        if loud:
            span = self.place(dotted(location)) or self.place(dotted(location[:-1])) or Span("", 0, 0, "", "")
            self.notices.append(Notice(kind, system, code, span.locator, span.offset, span.length))


def valid(code: str) -> bool:
    """Is this a UCUM code?"""
    try:
        parse(code)
    except BadUnit:
        return False
    return True
