"""CodeSystem, ValueSet and ConceptMap in FHIR JSON (R4, or R5's ConceptMap.relationship) as items of a load; Bundles of them too.

In: one file or a folder of `.json`. Out: items. Refused: what is not one of these resources, and a resource without its URL; a code
system with `content` other than `complete` is marked, so that a code that is not in it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trivet.data.terminology import canonical_system
from trivet.data.vocabulary.items import Edge, Edition, Entry, Item, Link, Property, Term, ValueSet
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound, Usage

__all__ = ["fhir"]

KINDS = ("CodeSystem", "ValueSet", "ConceptMap")
INACTIVE = ("retired", "deprecated", "inactive")


def fhir(folder: Path, release: str) -> tuple[list[Path], Iterator[Item]]:
    """The terminology resources of a file or folder. `release` names the version of resources that do not say theirs."""
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*.json"))
    if not paths:
        raise NotFound("E380", "a file of the release is missing", where=str(folder), why="no .json file")
    return paths, (item for path in paths for item in of_file(path, release))


def of_file(path: Path, release: str) -> Iterator[Item]:
    """The items of one file."""
    try:
        told = jsontext.loads(path.read_bytes())
    except ValueError as error:
        raise Usage("E384", "not JSON", where=str(path), why=str(error)) from None
    if not isinstance(told, dict):
        raise Usage("E385", "not a terminology resource", where=str(path), why=f"one of {', '.join(KINDS)}")
    resources: list[dict[str, Any]]
    resources = [entry.get("resource", {}) for entry in told.get("entry", ())] if told.get("resourceType") == "Bundle" else [told]
    for resource in resources:
        kind = resource.get("resourceType")
        if kind not in KINDS or not resource.get("url"):
            raise Usage("E385", "not a terminology resource", where=str(path), why=f"one of {', '.join(KINDS)} with its url, found {kind}")
        try:
            yield from READERS[kind](resource, release)
        except (KeyError, TypeError, AttributeError) as error:
            why = f"an element without {error}" if isinstance(error, KeyError) else "an element that is not of the shape that FHIR gives it"
            raise Usage(
                "E385", "not a terminology resource", where=f"{path} {resource['url']}", why=why, help="trivet validate FILE"
            ) from None


def code_system(resource: dict[str, Any], release: str) -> Iterator[Item]:
    """A code system with its hierarchy, designations and properties."""
    system = resource["url"]
    whole = resource.get("content", "complete") == "complete"
    version = resource.get("version") or release
    yield Edition(system, version, resource.get("title") or resource.get("name", ""), resource.get("caseSensitive", True), whole)
    stack: list[tuple[dict[str, Any], str]] = [(concept, "") for concept in reversed(resource.get("concept", []))]
    while stack:
        concept, parent = stack.pop()
        code = concept["code"]
        if not isinstance(code, str) or not code.strip():
            raise KeyError("code")
        values = [(one["code"], value_of(one)) for one in concept.get("property", [])]
        said = dict(values)
        inactive = said.get("inactive") == "true" or said.get("status") in INACTIVE
        abstract = said.get("notSelectable") == "true" or said.get("abstract") == "true"
        until = (said.get("retirementDate") or said.get("deprecationDate") or "")[:10]
        yield Entry(system, code, concept.get("display", ""), not inactive, abstract, said.get("effectiveDate", "")[:10], until)
        yield from (Property(system, code, name, value) for name, value in values)
        for one in concept.get("designation", []):
            yield Term(system, code, one["value"], one.get("use", {}).get("code", "synonym"), one.get("language", "en"))
        for above in [parent, *(value for name, value in values if name in ("parent", "subsumedBy"))]:
            if above:
                yield Edge(system, code, above)
        yield from (Edge(system, value, code) for name, value in values if name == "child")
        stack += [(child, code) for child in reversed(concept.get("concept", []))]


def value_of(one: dict[str, Any]) -> str:
    """A property's value as text: a boolean as `true`, a Coding by its code."""
    for name, value in one.items():
        if name.startswith("value"):
            if isinstance(value, bool):
                return str(value).lower()
            return str(value.get("code", "")) if isinstance(value, dict) else str(value)
    return ""


def concept_map(resource: dict[str, Any], release: str) -> Iterator[Item]:
    """The rows of a concept map; unmatched ones say that there is nothing, and are no rows."""
    for group in resource.get("group", []):
        source, target = canonical_system(group.get("source", ""))[0], canonical_system(group.get("target", ""))[0]
        for element in group.get("element", []):
            for one in element.get("target", []):
                relation = one.get("equivalence") or one.get("relationship", "")
                if not one.get("code") or relation in ("unmatched", "disjoint", "not-related-to"):
                    continue
                version = resource.get("version") or release
                yield Link(resource["url"], version, source, element["code"], target, one["code"], one.get("display", ""), relation)


def value_set(resource: dict[str, Any], release: str) -> Iterator[Item]:
    """A value set as it came: it is composed when it is asked."""
    yield ValueSet(resource["url"], resource.get("version") or release, jsontext.dumps(resource).decode())


READERS: dict[str, Callable[[dict[str, Any], str], Iterator[Item]]] = {
    "CodeSystem": code_system,
    "ValueSet": value_set,
    "ConceptMap": concept_map,
}
