"""The content of a structured report as lines of text (PS3.3 section C.17.3): each item under its heading, indented by its depth."""

from __future__ import annotations

import warnings
from typing import Any

from trivet.integration.formats.dicom.header import ERRORS, Header

__all__ = ["report_text"]

DEPTH = 40
VALUES = ("TextValue", "PersonName", "DateTime", "Date", "Time", "UID")


def report_text(header: Header) -> str:
    """The text of a report, "" for an object that is none. Items that cannot be read are left out; the object itself is kept."""
    if "ContentSequence" not in header.data:
        return ""
    lines: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _item(header.data, 0, lines)
        except ERRORS:
            return "\n".join(lines)
    return "\n".join(lines)


def _meaning(item: Any, keyword: str) -> str:
    codes = item.get(keyword)
    return str(codes[0].get("CodeMeaning", "") or "") if codes else ""


def _item(item: Any, depth: int, lines: list[str]) -> None:
    if depth > DEPTH:
        return
    said = [str(item.get(name)) for name in VALUES if depth and item.get(name)]
    if meaning := _meaning(item, "ConceptCodeSequence"):
        said.append(meaning)
    for measured in item.get("MeasuredValueSequence") or ():
        unit = _meaning(measured, "MeasurementUnitsCodeSequence")
        said.append(f"{measured.get('NumericValue', '')} {unit}".strip())
    name = _meaning(item, "ConceptNameCodeSequence")
    line = ": ".join(part for part in (name, ", ".join(said)) if part)
    if line:
        lines.append("  " * depth + line)
    for child in item.get("ContentSequence") or ():
        _item(child, depth + 1, lines)
