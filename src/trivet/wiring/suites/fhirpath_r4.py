"""The FHIRPath test suite for FHIR R4: expressions over example resources, with the values or the refusal expected."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.data.sof.r4 import r4_types
from trivet.kernel.fhirpath import PathError, Types, ask
from trivet.kernel.fhirpath.parser import parse
from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Item, Quantity
from trivet.kernel.jsontext import loads

__all__ = ["run"]

NS = "{http://hl7.org/fhir}"
NOW = "2026-06-30T12:00:00.000Z"
SUITE = "fhirpath-r4"


def from_xml(node: ET.Element, kind: str, types: Types) -> Any:
    """A FHIR XML element as the JSON dict of its type: enough for the suite's examples (no primitive extensions in lists)."""
    made: dict[str, Any] = {}
    if "id" in node.attrib:
        made["id"] = node.attrib["id"]
    if "url" in node.attrib:
        made["url"] = node.attrib["url"]
    for child in node:
        name = child.tag.rpartition("}")[2]
        found = types.resolve(kind, name)
        inner = found[1][0] if found else ""
        if name == "div":
            value: Any = ET.tostring(child, encoding="unicode")
        elif len(child) and child[0].tag.rpartition("}")[2][:1].isupper() and inner == "Resource":
            word = child[0].tag.rpartition("}")[2]
            value = {"resourceType": word, **from_xml(child[0], word, types)}
        elif "value" in child.attrib or (inner and inner[:1].islower() and "." not in inner):
            value = primitive(child.attrib.get("value"), inner)
            extra = from_xml(child, "Element", types)
            if extra:
                made["_" + name] = extra
            if value is None:
                continue
        else:
            value = from_xml(child, inner, types)
        path = f"{kind}.{found[0] if found else name}"
        if path in types.many:
            made.setdefault(name, []).append(value)
        else:
            made[name] = value
    return made


def primitive(value: str | None, kind: str) -> Any:
    """An attribute's text as JSON has it."""
    if value is None:
        return None
    if kind == "boolean":
        return value == "true"
    if kind in ("integer", "positiveInt", "unsignedInt"):
        return int(value)
    return Decimal(value) if kind == "decimal" else value


def resource(folder: Path, name: str) -> Any:
    """An example, out of JSON or XML."""
    path = folder / name
    if not path.exists():
        path = folder / name.replace(".xml", ".json")
    if path.suffix == ".json":
        return loads(path.read_bytes())
    root = ET.parse(path).getroot()  # noqa: S314  a suite's own file
    kind = root.tag.rpartition("}")[2]
    return {"resourceType": kind, **from_xml(root, kind, r4_types())}


def shown(item: Item, types: Types) -> str:
    """An item as the suite writes it."""
    value = types.system(item)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Temporal):
        return ("@T" if value.kind == "Time" else "@") + value.text.removeprefix("T").removesuffix("T")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def same(expected: ET.Element, item: Item, types: Types) -> bool:
    """Does one item fit one expected output? Numbers by value, everything else by its text; the type's name must agree."""
    kind, want = expected.attrib.get("type", ""), (expected.text or "")
    value = types.system(item)
    if kind in ("decimal", "integer") and isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value) == Decimal(want)
    if kind == "Quantity" and isinstance(value, Quantity):
        return str(value) == want
    if kind in ("date", "dateTime", "time") and isinstance(value, Temporal):
        return value.text.removesuffix("T") == want.removeprefix("@").removeprefix("T").removesuffix("T")
    return shown(item, types).removeprefix("@") == want.removeprefix("@")


def case(test: ET.Element, folder: Path, types: Types) -> str:
    """Empty when the case holds, else what was found instead."""
    expression = test.find("expression")
    if expression is None:
        return "no expression"
    invalid = expression.attrib.get("invalid", "")
    try:
        held = resource(folder, test.attrib["inputfile"]) if "inputfile" in test.attrib else {}
        root = types.item("", held) if held else None
        found = ask(parse(expression.text or ""), root, types, root, {}, now=NOW, strict=True, convert=_convert)
    except PathError as error:
        return "" if invalid else f"refused: {error}"
    if invalid and invalid != "false":
        return f"should be refused ({invalid}), gave {len(found)} items"
    outputs = test.findall("output")
    if test.attrib.get("predicate") == "true":
        truth = bool(found) and all(types.system(item) is not False for item in found)
        return "" if outputs and outputs[0].text == str(truth).lower() else f"predicate gave {truth}"
    if len(outputs) != len(found):
        return f"expected {len(outputs)} items, found {len(found)}: {[shown(item, types) for item in found][:3]}"
    rest = list(found)
    for output in outputs:
        fit = next((n for n, item in enumerate(rest) if same(output, item, types)), None) if test.attrib.get("ordered") == "false" else 0
        if fit is None or not same(output, rest[fit], types):
            return f"expected {output.text}, found {[shown(item, types) for item in rest][:3]}"
        rest.pop(fit)
    return ""


def _convert(value: Decimal, unit: str, target: str) -> Decimal | None:
    from trivet.data.units import BadUnit, convert, decimal

    try:
        return decimal(convert(value, unit, target))
    except BadUnit:
        return None


def run(corpora: Path) -> SuiteResult:
    """Every case of the suite, named group/test."""
    types, result, folder = r4_types(), SuiteResult(SUITE), corpora / SUITE / "r4"
    for group in ET.parse(folder / "fhirpath" / "tests-fhir-r4.xml").getroot().findall("group"):  # noqa: S314
        for number, test in enumerate(group.findall("test")):
            name = f"{group.attrib['name']}/{test.attrib.get('name', number)}"
            name = f"{name}#{number}" if name in result.passed or name in result.failed else name
            why = case(test, folder, types)
            if why:
                result.failed[name] = why
            else:
                result.passed.append(name)
    return result
