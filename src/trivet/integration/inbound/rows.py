"""Rows of tables as text, the way a table format reads them: a header line and one row, each value by its exact digits.

In: column names and values. Out: CSV bytes (RFC 4180), the same for the same row, for ever. Nothing is rounded: decimals keep their lexeme,
binary floats are written by their shortest exact form, instants in ISO 8601, bytes in hexadecimal. An absent value is an empty cell.
"""

from __future__ import annotations

import csv
import datetime as dates
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from trivet.contracts.source import Event

__all__ = ["CHANGE", "DELETED", "drift", "line", "shown", "unit", "withdrawn"]

CHANGE, DELETED = "_trivet_change", "_trivet_deleted"


def shown(value: Any) -> str:
    """One value as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dates.datetime, dates.date, dates.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (int, float, uuid.UUID)):
        return repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=shown)
    return str(value)


def line(cells: Sequence[str]) -> str:
    """One line of cells; every cell that could be misread stands in quotes."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_MINIMAL).writerow(cells)
    return out.getvalue()


def unit(header: Sequence[str], cells: Sequence[str], change: int = 0) -> tuple[bytes, int]:
    """A header and a row; with the number of the row's change where changes are counted, so that a row that goes back to what it was is
    news again. Gives the bytes, and how many of them are the header's."""
    names, values = ([*header, CHANGE], [*cells, str(change)]) if change else (header, cells)
    first = line(names).encode("utf-8", "surrogatepass")
    return first + line(values).encode("utf-8", "surrogatepass"), len(first)


def withdrawn(raw: bytes) -> bytes:
    """The unit that takes a row back: as it was landed last, counted once more, and marked as gone."""
    header, cells = list(csv.reader(io.StringIO(raw.decode("utf-8", "surrogatepass"), newline="")))[:2]
    row = dict(zip(header, cells, strict=True))
    change = int(row.pop(CHANGE, "0") or 0) + 1
    row.pop(DELETED, None)
    names = [*row, CHANGE, DELETED]
    return (line(names) + line([*row.values(), str(change), "true"])).encode("utf-8", "surrogatepass")


def drift(before: Mapping[str, str], after: Mapping[str, str], about: str) -> list[Event]:
    """An event that names what changed in a table's columns, if anything did. Columns are by name and type."""
    if not before or dict(before) == dict(after):
        return []
    words = {
        "added": ",".join(name for name in after if name not in before),
        "removed": ",".join(name for name in before if name not in after),
        "changed": ",".join(f"{name}:{before[name]}>{kind}" for name, kind in after.items() if before.get(name, kind) != kind),
    }
    return (
        [Event("schema-drift", {"about": about, **{name: said[:2000] for name, said in words.items() if said}})]
        if any(words.values())
        else []
    )
