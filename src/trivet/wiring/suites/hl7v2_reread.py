"""Reads a value again from the bytes that its span names, by the row that its rule names: words as they were sent, numbers digit by
digit, constants as the table has them. What a suite and the property tests hold every span against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.codes import code_map
from trivet.integration.formats.hl7v2.escapes import Separators, unescape
from trivet.integration.tables import table
from trivet.testing.kits.format import related

__all__ = ["STANDARD", "comes_from", "row_of"]

STANDARD = "|^~\\&"
_SPECIAL = ("PL", "LA1")  # types that are not a list of rows
_KEPT = ("link", "carry", "key", "settle")  # rules that no table has


@cache
def _rows(folder: str, name: str) -> dict[str, dict[str, str]]:
    """Rows of a table by the name that a rule gives them."""
    found: dict[str, dict[str, str]] = {}
    times: dict[str, int] = defaultdict(int)
    for row in table(f"hl7v2/{folder}/{name}.csv", "source", "transform"):
        times[row["source"]] += 1
        found[row["source"] + (f"#{times[row['source']]}" if times[row["source"]] > 1 else "")] = row
    return found


def row_of(rule: str) -> dict[str, str] | None:
    """The row that the last part of a rule names, found in the tables themselves; None for a rule that no table has."""
    last = rule.rpartition(">")[2].partition("@")[0]
    if "/" in last:
        name, _, source = last.partition("/")
        return _rows("segments", name)[source] if name not in _KEPT else None
    cut = min(last.index(mark) for mark in ".$" if mark in last)
    if last[:cut] in _SPECIAL:
        return {"transform": last[:cut], "with": ""}
    return _rows("datatypes", last[:cut])[last[cut:]]


def _coded(row: dict[str, str], value: Any, sent: str) -> bool:
    """Whether a code map makes this value of what was sent (a number where FHIR wants one)."""
    rows = code_map(row["transform"].partition(":")[2]).rows
    found = rows.get(sent) or rows.get(sent.upper())
    return found is not None and str(value) == found.code


def comes_from(marks: str = STANDARD, codec: str = "utf-8") -> Callable[[Span, Any, str], bool]:
    """Whether a value is what its row says of the text of its span, in a message with these separators."""
    use = Separators(*marks[:5])

    def holds(span: Span, value: Any, text: str) -> bool:
        whole = unescape(text, use, codec)
        sent = whole.strip()
        if span.rule.endswith("?"):
            return bool(value == sent)
        row = row_of(span.rule)
        if row is None:
            return span.rule.startswith(("link/", "settle/")) or value == whole
        transform = row["transform"] or "string"
        if transform == "string":
            return bool(value == sent)
        if transform == "=" and "@" not in row.get("with", ""):
            return bool(str(value) == row["with"] or not row["with"])
        if transform == "decimal":
            return bool(value == Decimal(sent) and str(value) == str(Decimal(sent)))
        if transform.startswith("code:"):
            return _coded(row, value, sent)
        if transform in ("date", "dateTime", "instant"):
            return related(span, value, text)
        return bool(text)

    return holds
