"""What a type may hold, laid flat for the walk: one table of JSON names a type, compiled when the type is first met.

From `maps/fhir/elements.csv` (StructureDefinitions of FHIR R4 4.0.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from trivet.integration.validation.primitives import SYSTEM_TYPES, TESTS, Test, Wrong
from trivet.integration.validation.terms import rows, terms
from trivet.kernel.fhirpath import Types

__all__ = ["Member", "Shapes", "Spec", "shapes"]


@dataclass(slots=True)
class Member:
    """One JSON name of a type.

    `step` is the name in FHIRPath, `kind` the type's name; exactly one of `test` (a primitive), `spec` (looked up by the walk) and
    `resource` says how it goes on. `sibling`: this is `_name`, the id and extensions of the primitive `of`.
    """

    name: str
    step: str
    kind: str
    path: str
    many: bool
    test: Test | None = None
    resource: bool = False
    targets: tuple[str, ...] = ()
    strength: str = ""
    valueset: str = ""
    choice: str = ""
    of: Member | None = None
    one_of: Member | None = None
    codes: frozenset[str] | None = None

    @property
    def sibling(self) -> bool:
        """Whether this is the `_name` of a primitive."""
        return self.of is not None


@dataclass(slots=True)
class Spec:
    """A type: its JSON names; what must be there, as (FHIRPath name, JSON names of which one is enough); its ancestors."""

    name: str
    members: dict[str, Member] = field(default_factory=dict)
    required: tuple[tuple[str, tuple[str, ...]], ...] = ()
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    # Value sets that cannot be listed, by the form of their codes: BCP 13, ISO 4217, BCP 47.
    "http://hl7.org/fhir/ValueSet/mimetypes": (re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+*-]+\s*(;.*)?", re.S), "not a media type"),
    "http://hl7.org/fhir/ValueSet/currencies": (re.compile(r"[A-Z]{3}"), "not a currency code"),
    "http://hl7.org/fhir/ValueSet/languages": (
        re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*|[xi](-[A-Za-z0-9]{1,8})+"),
        "not a language code",
    ),
}

FORMATS = frozenset(("xml", "json", "ttl"))
"""The short names of FHIR's own formats (http.html, CapabilityStatement.format), where an element names a format of the interface."""
INTERFACES = ("CapabilityStatement.", "TestScript.", "Endpoint.", "Subscription.")


def bound(kind: str, codes: frozenset[str] | None, valueset: str, short: frozenset[str] = frozenset()) -> Test:
    """A primitive whose code must be one of a list, or of the form of its value set's codes, or one of some short names."""
    plain = TESTS[kind]
    if codes is None and valueset not in FORMS:
        return plain
    if codes is None:
        form, words = FORMS[valueset]

        def formed(value: Any) -> Wrong:
            return plain(value) or (None if form.fullmatch(value) or value in short else ("error", "binding", words))

        return formed
    wrong: Wrong = ("error", "binding", "a code that the required value set does not have")

    def test(value: Any) -> Wrong:
        # A container cannot be looked up in a set.
        if type(value) is str and value in codes:
            return None
        return plain(value) or wrong

    return test


class Shapes:
    """All types of the release."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.below: dict[str, list[dict[str, str]]] = {}
        for row in rows("elements"):
            parent, _, _ = row["path"].rpartition(".")
            self.rows[row["path"]] = row
            self.below.setdefault(parent, []).append(row)
        self.types = Types(self.rows.values())
        self.specs: dict[str, Spec] = {}
        self.resources = frozenset(
            row["path"]
            for row in self.below[""]
            if self.types.is_a(row["path"], "Resource") and row["path"] not in ("Resource", "DomainResource", "MetadataResource")
        )

    def primitive(self, kind: str) -> bool:
        """Whether a type has its value as a JSON value."""
        return kind in TESTS or kind == "xhtml"

    def spec(self, kind: str) -> Spec:
        """A type or the backbone element at a path."""
        found = self.specs.get(kind)
        if found is None:
            found = self.specs[kind] = self._compile(kind)
        return found

    def _compile(self, kind: str) -> Spec:
        made = Spec(kind)
        required = []
        for row in self.below.get(kind, []):
            if row["max"] == "0":
                continue
            name = row["path"].rpartition(".")[2]
            kinds = [word.split(">") for word in row["types"].split(";") if word]
            if row["same_as"]:
                kinds = [[row["same_as"]]]
            choice = name.removesuffix("[x]") if name.endswith("[x]") else ""
            listed: list[str] = []
            for word, *targets in kinds:
                json_name = choice + word[:1].upper() + word[1:] if choice else name
                listed += self._enter(made, row, json_name, choice, word, tuple(targets))
            made.names[choice or name] = tuple(listed)
            if choice:
                made.choices[choice] = tuple(one for one in listed if one[0] != "_")
            if row["min"] != "0":
                required.append((choice or name, tuple(listed)))
        if kind in self.resources:
            made.members["resourceType"] = Member("resourceType", "", "code", kind, False, TESTS["code"])
        made.required = tuple(required)
        made.lines = self._lines(kind)
        return made

    def _enter(self, made: Spec, row: dict[str, str], name: str, choice: str, word: str, targets: tuple[str, ...]) -> list[str]:
        """One JSON name, with its `_name` where the type is primitive; the names entered."""
        path = row["path"]
        parent = made.name
        if word in SYSTEM_TYPES:
            word = "id" if parent in self.resources and name == "id" else SYSTEM_TYPES[word]
            word = "uri" if path == "Extension.url" else word
        elif word in ("BackboneElement", "Element") and path in self.below:
            word = path
        step = f"{choice}.ofType({word})" if choice else name
        member = Member(name, step, word, path, row["max"] != "1", targets=targets, strength=row["strength"], valueset=row["valueset"])
        member.choice = choice
        made.members[name] = member
        if word in ("Resource", "DomainResource") or word in self.resources:
            member.resource = True
            return [name]
        if not self.primitive(word):
            return [name]
        required = row["strength"] == "required" and word in ("code", "uri", "string")
        member.codes = terms().plain_codes(row["valueset"]) if required else None
        short = FORMATS if path.startswith(INTERFACES) else frozenset()
        member.test = xhtml if word == "xhtml" else bound(word, member.codes, row["valueset"] if word == "code" else "", short)
        sibling = Member("_" + name, step, "Element", path, member.many, choice=choice, of=member)
        made.members["_" + name] = sibling
        return [name, "_" + name]

    def _lines(self, kind: str) -> tuple[str, ...]:
        """A type and those above it."""
        out = []
        while kind:
            out.append(kind)
            kind = self.types.parents.get(kind, "")
        return tuple(out)


def xhtml(value: Any) -> Wrong:
    """Narrative is looked at by the narrative's own rules."""
    return TESTS["markdown"](value)


@cache
def shapes() -> Shapes:
    """The shipped tables."""
    return Shapes()
