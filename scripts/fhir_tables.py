"""Makes maps/fhir/elements.csv, constraints.csv and bindings.csv out of HL7's published FHIR R4 definitions (4.0.1, CC0).

usage: python scripts/fhir_tables.py FOLDER OUT
FOLDER holds profiles-types.json, profiles-resources.json, valuesets.json and v3-codesystems.json as HL7 publishes them. Only facts
are carried over: names, cardinalities, types, targets, binding strengths, codes and invariant expressions; no sentence is.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TYPE_URL = "http://hl7.org/fhirpath/System."


def definitions(folder: Path) -> Iterator[dict[str, Any]]:
    """Structure definitions of types and resources that specialise something (no profiles)."""
    for name in ("profiles-types.json", "profiles-resources.json"):
        for entry in json.loads((folder / name).read_text())["entry"]:
            found = entry["resource"]
            if found["resourceType"] == "StructureDefinition" and found.get("derivation", "specialization") == "specialization":
                yield found


def type_words(element: dict[str, Any]) -> str:
    """`Quantity;Reference>Patient>Group`: type codes, targets behind them."""
    words = []
    for kind in element.get("type", []):
        code = kind["code"].removeprefix(TYPE_URL)
        words.append(">".join([code, *(target.rpartition("/")[2] for target in kind.get("targetProfile", []))]))
    return ";".join(words)


def main(folder: Path, out: Path) -> None:
    """Write the three tables."""
    elements, constraints, bound = [], [], set()
    for found in definitions(folder):
        base = found.get("baseDefinition", "").rpartition("/")[2]
        for element in found["snapshot"]["element"]:
            binding = element.get("binding", {})
            valueset = binding.get("valueSet", "").partition("|")[0]
            if binding.get("strength") == "required":
                bound.add(valueset)
            words = type_words(element) if "." in element["path"] else base
            reference = element.get("contentReference", "").removeprefix("#")
            row = (element["path"], element["min"], element["max"], words, reference, binding.get("strength", ""), valueset)
            elements.append(row)
            for rule in element.get("constraint", []):
                if rule.get("source", "").rpartition("/")[2] in ("", found["type"]) and rule.get("expression"):
                    constraints.append((element["path"], rule["key"], rule["severity"], rule["expression"]))
    write(out / "elements.csv", ("path", "min", "max", "types", "same_as", "strength", "valueset"), elements)
    write(out / "constraints.csv", ("path", "key", "severity", "expression"), constraints)
    write(out / "bindings.csv", ("valueset", "system", "codes"), sorted(codes(folder, bound)))


def codes(folder: Path, wanted: set[str]) -> Iterator[tuple[str, str, str]]:
    """Codes of required value sets that can be listed from the definitions alone."""
    systems, sets = {}, {}
    for name in ("valuesets.json", "v3-codesystems.json"):
        for entry in json.loads((folder / name).read_text())["entry"]:
            found = entry["resource"]
            if found["resourceType"] == "CodeSystem":
                systems[found["url"]] = [code for code, _ in walk(found.get("concept", []))]
            elif found["resourceType"] == "ValueSet":
                sets[found["url"]] = found
    for url in sorted(wanted & set(sets)):
        compose = sets[url].get("compose", {})
        if compose.get("exclude") or any("filter" in part or "valueSet" in part or "system" not in part for part in compose["include"]):
            continue
        for part in compose["include"]:
            listed = [concept["code"] for concept in part.get("concept", [])] or systems.get(part["system"])
            if listed:
                yield url, part["system"], " ".join(listed)


def walk(concepts: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every concept with those below it."""
    for concept in concepts:
        yield concept["code"], concept
        yield from walk(concept.get("concept", []))


def write(path: Path, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """A CSV file with a head line."""
    with path.open("w", newline="", encoding="utf-8") as out:
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(head)
        lines.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
