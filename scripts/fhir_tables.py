"""Makes the tables of maps/fhir out of HL7's published FHIR R4 definitions (4.0.1, CC0).

usage: python scripts/fhir_tables.py FOLDER OUT
FOLDER holds the XML definitions as HL7 publishes them, anywhere below it: profiles-types, profiles-resources, extension-definitions,
valuesets, v3-codesystems and v2-tables (the Maven artefact ca.uhn.hapi.fhir:hapi-fhir-validation-resources-r4 is an archive of
exactly these). Only facts are carried over: names, cardinalities, types, targets, binding strengths, codes with their display
names, and invariant expressions; no sentence is.
"""

from __future__ import annotations

import csv
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TYPE_URL = "http://hl7.org/fhirpath/System."
NS = "{http://hl7.org/fhir}"
ERRATA = {
    # (path, key): the expression as later editions correct it. 4.0.1 compares a list with `in`, misspells `noshow`, is empty
    # instead of true where there is no fullUrl, asks a FHIR element whether it is a value of FHIRPath, and is empty instead of
    # false where an element is absent whose value would be compared.
    ("Timing.repeat", "tim-9"): "offset.empty() or (when.exists() and when.select($this in ('C' | 'CM' | 'CD' | 'CV')).allFalse())",
    ("Appointment", "app-4"): "cancelationReason.exists() implies (status='noshow' or status='cancelled')",
    ("Bundle.entry", "bdl-8"): "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    ("Questionnaire.item.enableWhen", "que-7"): "operator = 'exists' implies (answer is boolean)",
    ("Questionnaire.item", "que-13"): "(repeats.exists() and repeats = true) or initial.count() <= 1",
    ("ValueSet.expansion.contains", "vsd-9"): "code.exists() or (abstract.exists() and abstract = true)",
    ("RiskAssessment.prediction.probability[x]", "ras-1"): " and ".join(
        f"({end}.empty() or ({end}.code.exists() and {end}.system.exists() and {end}.code = '%' and {end}.system = %ucum))"
        for end in ("low", "high")
    ),
    **{
        (f"TestScript.{place}.action.operation", key): "sourceId.exists() or (targetId.count() + url.count() + params.count() = 1)"
        " or (type.code.exists() and type.code in ('capabilities' | 'search' | 'transaction' | 'history'))"
        for place, key in (("setup", "tst-7"), ("test", "tst-8"), ("teardown", "tst-9"))
    },
}
CONTEXTS = {
    # HL7's own definitions put it on the type, not on the type's code.
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type": " ".join(
        ("element:ElementDefinition.type", "element:ElementDefinition.type.code")
    ),
}


def plain(node: ET.Element) -> dict[str, Any]:
    """An XML element as a dict: every child a list of values or dicts."""
    made: dict[str, Any] = dict(node.attrib)
    for child in node:
        if not child.tag.startswith(NS):
            continue
        inner = plain(child)
        made.setdefault(child.tag.removeprefix(NS), []).append(inner["value"] if "value" in child.attrib else inner)
    return made


def first(held: dict[str, Any], name: str, otherwise: str = "") -> Any:
    """The first value of an element."""
    return held.get(name, [otherwise])[0]


def resources(folder: Path, name: str, kind: str) -> Iterator[dict[str, Any]]:
    """Resources of one kind in one of the published files."""
    for entry in ET.parse(next(folder.rglob(name + ".xml"))).getroot().iterfind(f"{NS}entry/{NS}resource/{NS}{kind}"):  # noqa: S314
        yield plain(entry)


def definitions(folder: Path) -> Iterator[dict[str, Any]]:
    """Structure definitions of types and resources that specialise something (no profiles)."""
    for name in ("profiles-types", "profiles-resources"):
        for found in resources(folder, name, "StructureDefinition"):
            if first(found, "derivation", "specialization") == "specialization":
                yield found


def type_words(element: dict[str, Any]) -> str:
    """`Quantity;Reference>Patient>Group`: type codes, targets behind them."""
    words = []
    for kind in element.get("type", []):
        code = first(kind, "code").removeprefix(TYPE_URL)
        words.append(">".join([code, *(target.rpartition("/")[2] for target in kind.get("targetProfile", []))]))
    return ";".join(words)


def expression_of(path: str, rule: dict[str, Any]) -> str:
    """An invariant's expression. A rule about a whole name is anchored, as later editions write it: FHIRPath looks for parts."""
    written = ERRATA.get((path, first(rule, "key")), first(rule, "expression"))
    if first(rule, "key").endswith("-0") or first(rule, "key") in ("eld-19", "eld-20"):
        written = re.sub(r"^(name|path)\.matches\('(.*)'\)$", r"\1.matches('^\2$')", written)
    return str(written)


def hoisted(path: str, words: str, expression: str) -> tuple[str, str]:
    """A rule of a plain value as one of the element above: values are not asked on their own. Narrative has its own rules."""
    if "." not in path or path.endswith("[x]") or not words[:1].islower() or words == "xhtml":
        return path, expression
    above, _, name = path.rpartition(".")
    return above, f"{name}.all({expression})"


def profiles(folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Address -> (key, severity, expression): what the profiles of data types add to their type (SimpleQuantity: no comparator)."""
    made = {}
    for found in resources(folder, "profiles-types", "StructureDefinition"):
        if first(found, "derivation") == "constraint":
            url, root = first(found, "url"), first(found, "snapshot")["element"][0]
            own = [rule for rule in root.get("constraint", []) if first(rule, "source").rpartition("/")[2] in ("", url.rpartition("/")[2])]
            made[url] = [(first(rule, "key"), first(rule, "severity"), first(rule, "expression")) for rule in own]
    return made


def structure(folder: Path, out: Path) -> set[str]:
    """Elements and constraints; the value sets that are required somewhere."""
    elements, constraints, bound = [], [], set()
    demanded = profiles(folder)
    for found in definitions(folder):
        base = first(found, "baseDefinition").rpartition("/")[2]
        for element in first(found, "snapshot")["element"]:
            path, binding = first(element, "path"), first(element, "binding", "") or {}
            valueset = first(binding, "valueSet").partition("|")[0]
            strength = first(binding, "strength")
            if strength == "required":
                bound.add(valueset)
            words = type_words(element) if "." in path else base
            same = first(element, "contentReference").removeprefix("#")
            elements.append((path, first(element, "min"), first(element, "max"), words, same, strength, valueset))
            for rule in element.get("constraint", []):
                if first(rule, "source").rpartition("/")[2] in ("", first(found, "type")) and first(rule, "expression"):
                    place, expression = hoisted(path, words, expression_of(path, rule))
                    constraints.append((place, first(rule, "key"), first(rule, "severity"), expression))
            for profile in (url for kind in element.get("type", []) for url in kind.get("profile", [])):
                constraints += [(path, *rule) for rule in demanded[profile]]
    write(out / "elements.csv", ("path", "min", "max", "types", "same_as", "strength", "valueset"), elements)
    write(out / "constraints.csv", ("path", "key", "severity", "expression"), constraints)
    return bound


def extensions(folder: Path, out: Path) -> set[str]:
    """Extension definitions: where they may stand and what they hold. A part has its name behind the address; depth one and two."""
    rows, bound = [], set()
    for found in resources(folder, "extension-definitions", "StructureDefinition"):
        if first(found, "type") != "Extension":
            continue
        listed = " ".join(f"{first(place, 'type')}:{first(place, 'expression')}" for place in found.get("context", []))
        places = CONTEXTS.get(first(found, "url"), listed)
        parts: dict[str, dict[str, Any]] = {"": {"min": "0", "max": "*", "types": "", "strength": "", "valueset": ""}}
        for element in first(found, "snapshot")["element"]:
            key, path = element["id"], first(element, "path")
            name = "/".join(word.partition(":")[2] for word in key.split(".") if ":" in word and not word.startswith("value"))
            if path.endswith(".extension") and ":" in key.rpartition(".")[2]:
                parts[name] = {"min": first(element, "min"), "max": first(element, "max"), "types": "", "strength": "", "valueset": ""}
            elif path.endswith(".value[x]") and ":" not in key.rpartition(".")[2] and first(element, "max") != "0":
                binding = first(element, "binding", "") or {}
                strength = first(binding, "strength")
                valueset = first(binding, "valueSet").partition("|")[0] if strength == "required" else ""
                parts[name] |= {"types": type_words(element), "strength": strength if valueset else "", "valueset": valueset}
                bound |= {valueset} - {""}
        modifier = any(
            first(one, "path") == "Extension" and first(one, "isModifier") == "true" for one in first(found, "snapshot")["element"]
        )
        for name, part in parts.items():
            own = ("", "") if name else (places, "true" if modifier else "")
            rows.append((first(found, "url"), name, part["min"], part["max"], part["types"], part["strength"], part["valueset"], *own))
    head = ("url", "part", "min", "max", "types", "strength", "valueset", "contexts", "modifier")
    write(out / "extensions.csv", head, sorted(rows))
    return bound


def terminology(folder: Path, out: Path, wanted: set[str]) -> None:
    """Code systems that are complete, with display names; codes of required value sets that can be listed from the definitions alone."""
    systems: dict[str, list[tuple[str, str]]] = {}
    named, sets = [], {}
    for name in ("valuesets", "v3-codesystems", "v2-tables"):
        for found in resources(folder, name, "CodeSystem"):
            if first(found, "content") == "complete" and found.get("concept"):
                systems[first(found, "url")] = listed = list(walk(found["concept"]))
                named.append((first(found, "url"), first(found, "caseSensitive"), len(listed)))
        for found in resources(folder, name, "ValueSet"):
            sets[first(found, "url")] = found
    rows = [(url, code, display) for url in sorted(systems) for code, display in dict(systems[url]).items()]
    write(out / "codesystems.csv", ("system", "case_sensitive", "codes"), sorted(set(named)))
    write(out / "codes.csv", ("system", "code", "display"), rows)
    write(out / "bindings.csv", ("valueset", "system", "codes"), sorted(codes(wanted, sets, systems)))


def codes(wanted: set[str], sets: dict[str, Any], systems: dict[str, list[tuple[str, str]]]) -> Iterator[tuple[str, str, str]]:
    """`valueset, system, codes` for every value set that can be listed."""
    for url in sorted(wanted & set(sets)):
        compose = first(sets[url], "compose", "") or {}
        parts = compose.get("include", [])
        if compose.get("exclude") or any("filter" in part or "valueSet" in part or "system" not in part for part in parts):
            continue
        listed = [([first(one, "code") for one in part.get("concept", [])], first(part, "system")) for part in parts]
        whole = [(found or [code for code, _ in systems.get(system, [])], system) for found, system in listed]
        if all(found for found, _ in whole):
            for found, system in whole:
                yield url, system, " ".join(found)


def walk(concepts: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every concept with those below it: code and display name."""
    for concept in concepts:
        yield first(concept, "code"), first(concept, "display")
        yield from walk(concept.get("concept", []))


def write(path: Path, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """A CSV file with a head line."""
    with path.open("w", newline="", encoding="utf-8") as out:
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(head)
        lines.writerows(rows)


def main(folder: Path, out: Path) -> None:
    """Write the tables."""
    bound = structure(folder, out)
    bound |= extensions(folder, out)
    terminology(folder, out, bound)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
