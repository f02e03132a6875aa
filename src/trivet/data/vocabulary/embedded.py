"""The embedded terminology: lookup, validate, subsumes, translate, expand and search over what is loaded, and UCUM by its grammar.

In: a system (its URI or an alias of `maps/terminology/systems.csv`), a code, and a version or none (then the newest loaded one). Out:
answers of `contracts.terminology`, each with the version that answered. `unknown`: a system or version that is not here, and a code that
is missing from a system of which only a part is here. Source: FHIR R4 terminology service, operations on CodeSystem, ValueSet, ConceptMap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trivet.contracts.terminology import Coding, Concept, Expansion, Hit, Subsumption, Translation, Verdict
from trivet.data.measures import UCUM
from trivet.data.terminology import canonical_system
from trivet.data.units import BadUnit, display, parse
from trivet.data.vocabulary.compose import Compose, member, selected
from trivet.data.vocabulary.library import Held, Library
from trivet.data.vocabulary.shipped import digest_of_tables, shipped, ucum_version
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound, Usage

__all__ = ["Embedded", "open_embedded"]

FILE = "terminology.db"
SPACES = re.compile(r"\s+")


def open_embedded(folder: Path, options: Mapping[str, Any]) -> Embedded:
    """The embedded terminology of a home. What ships is loaded on the first opening, and again when another release ships other tables."""
    library = Library(folder / FILE)
    digest = digest_of_tables()
    if not any(held.kind == "shipped" and held.digest == digest for held in library.editions()):
        library.load(shipped(), digest=digest, kind="shipped", release="", files=("maps/fhir",), at=options.get("at", ""), only=True)
    return Embedded(library)


def folded(name: str) -> str:
    """A display for comparison: case and runs of white space do not matter (FHIR R4, 4.8.9)."""
    return SPACES.sub(" ", name).strip().casefold()


class Embedded:
    """The service over one `Library`."""

    name = "embedded"

    def __init__(self, library: Library) -> None:
        self.library = library

    def close(self) -> None:
        """Give the file back."""
        self.library.close()

    def edition(self, system: str, version: str = "") -> Held | None:
        """The edition that answers for a system: the version that is asked for, else the one loaded last."""
        uri = canonical_system(system)[0]
        found = [held for held in self.library.editions() if held.system == uri and version in ("", held.version)]
        return found[-1] if found else None

    def owns(self, system: str) -> bool:
        """Does this service answer for a system?"""
        return canonical_system(system)[0] == UCUM or self.edition(system) is not None

    def row(self, held: Held, code: str) -> tuple[Any, ...] | None:
        """A concept, its case as the system wants it."""
        found = self.library.rows("concept_one", held.id, code)
        if not found and not held.sensitive:
            found = self.library.rows("concept_folded", held.id, code)
        return found[0] if found else None

    def lookup(self, system: str, code: str, version: str = "") -> Concept:
        """All that is known of a code. NotFound for an unknown system or code."""
        uri = canonical_system(system)[0]
        if uri == UCUM:
            return self.unit(code)
        held = self.edition(uri, version)
        if held is None:
            raise NotFound("E371", "this code system is not loaded", where=uri, why=self.why(uri, version), help="trivet terminology list")
        row = self.row(held, code)
        if row is None:
            raise NotFound(
                "E372",
                "this code system has no such code",
                where=held.system,
                why=f"version {held.version}",
                help="trivet terminology search",
            )
        return self.concept(held, row, whole=True)

    def concept(self, held: Held, row: Sequence[Any], whole: bool = False) -> Concept:
        """A row as a concept; `whole` with names, properties and parents."""
        code, name, active, abstract, since, until = row
        made = {"system": held.system, "version": held.version, "code": code, "display": name, "since": since, "until": until}
        if not whole:
            return Concept(**made, active=bool(active), abstract=bool(abstract))
        terms = self.library.rows("terms_of", held.id, code)
        return Concept(
            **made,
            active=bool(active),
            abstract=bool(abstract),
            parents=tuple(parent for (parent,) in self.library.rows("parents_of", held.id, code)),
            designations=tuple({"text": text, "use": use, "language": language} for text, use, language in terms),
            properties=tuple((name, value) for name, value in self.library.rows("properties_of", held.id, code)),
        )

    def unit(self, code: str) -> Concept:
        """A UCUM code, by the grammar."""
        try:
            parse(code)
        except BadUnit as error:
            raise NotFound(
                "E372", "this code system has no such code", where=UCUM, why=str(error), help="docs/reference/units.md"
            ) from None
        return Concept(UCUM, ucum_version(), code, display(code), True)

    def why(self, system: str, version: str) -> str:
        """Why a system cannot answer."""
        versions = sorted({held.version for held in self.library.editions() if held.system == system})
        return f"version {version} is not here, loaded: {', '.join(versions)}" if versions and version else "unknown code system"

    def validate(self, coding: Coding, *, valueset: str = "", at: str = "") -> Verdict:
        """Is this coding right, in its system or in a value set, on a day (`at`, YYYY-MM-DD) when one is named?"""
        uri = canonical_system(coding.system)[0]
        if not uri:
            return Verdict("unknown", "", "", coding.code, valueset=valueset, messages=("no code system is named",))
        held = None if uri == UCUM else self.edition(uri, coding.version)
        if uri != UCUM and held is None:
            reason = self.why(uri, coding.version)
            return Verdict("unknown", uri, coding.version, coding.code, valueset=valueset, messages=(reason,))
        try:
            found = self.lookup(uri, coding.code, coding.version)
        except NotFound as error:
            part = held is not None and not held.complete
            said: tuple[str, ...] = (
                ("only a part of this code system is here",) if part else (error.args[0], error.why) if uri == UCUM else (error.args[0],)
            )
            version = held.version if held else ucum_version()
            return Verdict("unknown" if part else "invalid", uri, version, coding.code, valueset=valueset, messages=said)
        messages = [*self.about(found, coding), *of_day(found, at)]
        result = "invalid" if any(word.startswith(("display", "abstract", "on ")) for word in messages) else "valid"
        if valueset and result == "valid":
            inside = member(self, valueset, found)
            result = "valid" if inside else "invalid"
            messages += [] if inside else [f"not in value set {valueset}"]
        return Verdict(result, uri, found.version, found.code, found.display, valueset, found.active, tuple(messages))  # type: ignore[arg-type]

    def about(self, found: Concept, coding: Coding) -> list[str]:
        """What is not as it should be with a code that exists."""
        said = [] if found.active else [f"retired: {found.code} is not active in version {found.version}"]
        said += [f"abstract: {found.code} groups others and is not used itself"] if found.abstract else []
        said += [f"written otherwise: {found.code}"] if found.code != coding.code else []
        names = {folded(found.display), *(folded(one["text"]) for one in found.designations)}
        if coding.display and found.system != UCUM and folded(coding.display) not in names:
            said.append(f"display: the name of {found.code} is {found.display}")
        return said

    def validate_concept(self, codings: Sequence[Coding], *, valueset: str = "", at: str = "") -> tuple[Verdict, ...]:
        """Each coding of a CodeableConcept, the ones that are valid first: the concept is right when one is."""
        order = {"valid": 0, "unknown": 1, "invalid": 2}
        return tuple(sorted((self.validate(one, valueset=valueset, at=at) for one in codings), key=lambda verdict: order[verdict.result]))

    def subsumes(self, system: str, code: str, other: str, version: str = "") -> Subsumption:
        """Does A stand above B? Raises NotFound for a code that the system does not have."""
        uri = canonical_system(system)[0]
        held = self.edition(uri, version)
        if held is None:
            return Subsumption("unknown", uri, version, self.why(uri, version))
        one, two = (self.lookup(uri, each, held.version).code for each in (code, other))
        if one == two:
            return Subsumption("equivalent", uri, held.version)
        if self.below(held.id, two, one):
            return Subsumption("subsumes", uri, held.version)
        return Subsumption("subsumed-by" if self.below(held.id, one, two) else "not-subsumed", uri, held.version)

    def below(self, edition: int, code: str, ancestor: str) -> bool:
        """Is a code the ancestor itself, or under it?"""
        return bool(self.library.rows("is_below", edition, code, ancestor))

    def translate(self, system: str, code: str, target: str = "") -> tuple[Translation, ...]:
        """What loaded concept maps make of a code. Nothing found is an empty answer only for a code that was asked of a known map."""
        uri, wanted = canonical_system(system)[0], canonical_system(target)[0] if target else ""
        sources = {row[2] for row in self.library.rows("maps") if wanted in ("", row[3])}
        if uri not in sources:
            raise NotFound(
                "E373", "no concept map is loaded for this", where=uri, why=f"to {wanted or 'any system'}", help="trivet terminology list"
            )
        rows = self.library.rows("translate", uri, code)
        found = [Translation(row[0], row[1], row[5], Coding(row[2], row[3], display=row[4])) for row in rows]
        return tuple(one for one in found if wanted in ("", one.target.system))

    def compose(self, url: str, version: str = "") -> Compose:
        """A value set. NotFound when it is not loaded."""
        url, _, asked = url.partition("|")
        for found, body, _ in self.library.rows("valueset_find", url):
            if (version or asked) in ("", found):
                return Compose(url, found, jsontext.loads(body.encode()))
        raise NotFound("E374", "this value set is not loaded", where=url, why=version or asked, help="trivet terminology load fhir FILE")

    def expand(self, url: str, *, version: str = "", text: str = "", active: bool = False, offset: int = 0, count: int = 1000) -> Expansion:
        """One page of a value set, sorted by system and code. Usage when it cannot be listed."""
        if offset < 0 or count < 0:
            raise Usage("E375", "a page has no negative size", help="--offset 0 --count 1000")
        compose = self.compose(url, version)
        codes = selected(self, compose)
        if active:
            codes = [one for one in codes if one.active]
        if text:
            words = folded(text).split()
            codes = [one for one in codes if all(word in folded(f"{one.code} {one.display}") for word in words)]
        used = tuple(sorted({f"{one.system}|{one.version}" for one in codes}))
        return Expansion(compose.url, compose.version, len(codes), offset, tuple(codes[offset : offset + count]), used)

    def search(self, text: str, system: str, *, version: str = "", limit: int = 20) -> tuple[Hit, ...]:
        """Codes of a system whose names have the words of a text, best first."""
        held = self.edition(system, version)
        if held is None:
            uri = canonical_system(system)[0]
            raise NotFound("E371", "this code system is not loaded", where=uri, why=self.why(uri, version), help="trivet terminology list")
        words = re.findall(r"\w+", text.lower())
        if not words:
            return ()
        found = dict[str, Hit]()
        for joined in (" ".join(f'"{word}"' for word in words), " OR ".join(f'"{word}"*' for word in words)):
            for code, name, score in self.library.rows("search", held.id, joined, limit * 4):
                row = self.row(held, code)
                if row is not None and code not in found:
                    found[code] = Hit(held.system, held.version, code, row[1], name, round(score, 4))
            if len(found) >= limit:
                break
        return tuple(found.values())[:limit]

    def lives(self) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Systems that an operator loaded, with the version that answers, and their codes that are not in force for ever."""
        newest = {held.system: held for held in self.library.editions() if held.kind != "shipped"}
        systems = [(held.system, held.version) for held in newest.values()]
        codes = [
            (held.system, code, bool(active), since, until)
            for held in newest.values()
            for code, active, since, until in self.library.rows("lives", held.id)
        ]
        return systems, codes

    def changes(self, system: str, old: str, new: str) -> list[dict[str, str]]:
        """What a release changed: codes that are gone, retired, back, renamed, new. NotFound for a release that is not here."""
        held = [self.edition(system, version) for version in (old, new)]
        for one, version in zip(held, (old, new), strict=True):
            if one is None:
                uri = canonical_system(system)[0]
                raise NotFound(
                    "E371", "this code system is not loaded", where=uri, why=self.why(uri, version), help="trivet terminology list"
                )
        names = ("code", "before", "after", "change")
        return [dict(zip(names, row, strict=True)) for row in self.library.rows("changes", *(one.id for one in held if one))]


def of_day(found: Concept, at: str) -> list[str]:
    """What a day says against a code: not yet, or no more."""
    day = at[:10]
    if day and found.since and day < found.since:
        return [f"on {day}: {found.code} is valid since {found.since}"]
    if day and found.until and day > found.until:
        return [f"on {day}: {found.code} was valid until {found.until}"]
    return []
