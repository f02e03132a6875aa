"""`csv`: rows of tables to records. A row is a unit; its header stands in front of it, so that it means something alone.

In: delimited text. Out: records by a table map: the one that the feed's settings name (`table = "NAME"`), else the one called like the
feed, else whichever map knows the header. Refused, row by row, with the cell: a value that is not what its column should hold; and a
whole row when its header fits no table (drift: the missing columns are named).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from trivet.contracts.envelope import Piece, Unit
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Translation
from trivet.integration.formats.table.maps import Table, every, tables
from trivet.integration.formats.table.read import BOM, Cell, cells, delimiter, rows
from trivet.integration.formats.table.sheet import Sheet
from trivet.integration.valid import proven
from trivet.kernel.errors import Rejected

__all__ = ["TableFormat"]

LONGEST = 1 << 20  # bytes of a header line
BLANK = b" \t\r\n"
DATA = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*|.*\d{6,}.*")  # what is no name of a column: a number, a date, a person's number


class Header(NamedTuple):
    """A header line, read: what separates cells, the columns' names (unique), or the offset of what cannot be read."""

    sign: bytes
    names: tuple[str, ...]
    wrong: int = -1


class TableFormat:
    """`contracts.ports.Format` for delimited text."""

    name = "csv"
    reads_buffers = True
    counts_rows = True
    owns_its_part = True

    def __init__(self, folder: str = "") -> None:
        """`folder` holds the site's own table maps, which come before ours; `options.maps_dir` of a feed comes before both."""
        self.folder = folder

    def sniff(self, head: bytes, filename: str) -> bool:
        """A name that says so, or a first line with at least three cells and no control characters."""
        if filename.lower().endswith((".csv", ".tsv", ".psv", ".tab")):
            return True
        first = head.removeprefix(BOM).split(b"\n", 1)[0]
        return (
            first.count(delimiter(first)) >= 2
            and all(byte >= 32 or byte in (9, 13) for byte in first)
            and first[:1] not in (b"{", b"[", b"<")
        )

    def split(self, raw: Any) -> Iterator[Unit]:
        """The header line in front of each row. Blank lines go with the row before them; a header alone is a unit of its own."""
        if not len(raw):
            return
        sign = delimiter(bytes(raw[:LONGEST]).split(b"\n", 1)[0])
        found = rows(raw, sign)
        _, head = next(found)
        held: tuple[int, int] | None = None
        context, any_row = bytes(raw[:head]), False
        for start, end in found:
            if held is not None and not raw[start:end].strip(BLANK):
                held = held[0], end
                continue
            if held is not None:
                yield _unit(raw, context, *held)
            held, any_row = (start, end), True
        if held is not None:
            yield _unit(raw, context, *held)
        if not any_row:
            yield Unit(context, (Piece(0, head),))

    def translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        """One header and one row."""
        line = raw[:LONGEST].split(b"\n", 1)[0]
        found = rows(raw, delimiter(line))
        _, end = next(found, (0, 0))
        header = _header(raw[:end])
        row = next(((first, last) for first, last in found if raw[first:last].strip(BLANK)), None)
        if row is None or header.wrong >= 0 or len(raw) == end:
            return self._headless(raw, header, end)
        values = cells(raw, *row, header.sign)
        if isinstance(values, int):
            return _whole(Rejected("table-cell", "a cell is not UTF-8, or its quote never closes", "row", values, row[1] - values), row)
        if len(header.names) != len(values):
            why = f"the header has {len(header.names)} columns, the row {len(values)}"
            return _whole(Rejected("table-width", why, "row", row[0], row[1] - row[0]), row)
        folder = str(profile.options.get("maps_dir", "")) or self.folder
        table, why = choose(profile.table, profile.source, folder, header.names)
        if table is None:
            return _unmapped(
                Rejected("table-drift", why, "header", 0, end, help="trivet translate --profile: set table"), header.names, values
            )
        return proven(Sheet(dict(zip(header.names, values, strict=True)), profile).make(table), "table")

    def _headless(self, raw: bytes, header: Header, end: int) -> Translation:
        """A header without a row, or one that cannot be read."""
        if header.wrong >= 0:
            reject = Rejected("table-cell", "the header is not UTF-8, or a quote never closes", "header", header.wrong, end - header.wrong)
            return _whole(reject, (0, len(raw)))
        return Translation((), (), ignored="csv/header-only")

    def write(self, raw: bytes) -> bytes:
        """The unit again, byte for byte: rows are kept as they came."""
        return bytes(raw)


def _unit(raw: Any, context: bytes, start: int, end: int) -> Unit:
    return Unit(context + raw[start:end], (Piece(0, len(context)), Piece(start, end - start)), len(context))


def _whole(reject: Rejected, row: tuple[int, int]) -> Translation:
    element = Element(reject.locator, row[0], row[1] - row[0], "rejected", reject.code)
    return Translation((), (element,) if element.length else (), (reject,))


def _unmapped(reject: Rejected, names: Sequence[str], values: Sequence[Cell]) -> Translation:
    """A row that no map reads, cell by cell, so that whoever writes the map sees what there is."""
    shown = _columns(tuple(names))
    cells = [(name, cell) for name, cell in zip(shown, values, strict=True) if cell.length]
    return Translation(
        (), tuple(Element(f"c={name}", cell.offset, cell.length, "rejected", reject.code) for name, cell in cells), (reject,)
    )


@lru_cache(maxsize=256)
def _columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of columns, or their numbers where the first line is a row itself: numbers and dates in it are values, and so are its words."""
    if any(DATA.fullmatch(name) for name in names):
        return tuple(f"#{place}" for place in range(1, len(names) + 1))
    return names


@lru_cache(maxsize=256)
def _header(line: bytes) -> Header:
    """A header line, read once for all rows that stand under it. A second column of the same name is called `name#2`."""
    sign = delimiter(line[:LONGEST].split(b"\n", 1)[0])
    found = cells(line, 0, len(line), sign)
    if isinstance(found, int):
        return Header(sign, (), found)
    names: list[str] = []
    for place, cell in enumerate(found, 1):
        name = cell.text or f"#{place}"
        names.append(name if name not in names else next(f"{name}#{n}" for n in range(2, len(found) + 2) if f"{name}#{n}" not in names))
    return Header(sign, tuple(names))


@lru_cache(maxsize=256)
def choose(name: str, source: str, folder: str, names: tuple[str, ...]) -> tuple[Table | None, str]:
    """The table whose needed columns are all there, the one that knows most of the columns first; or None and why."""
    columns = frozenset(names)
    known = tables(name or source, folder)
    if not known and not name:
        known = every(folder)
    fitting = [table for table in known if table.needs <= columns]
    if fitting:
        return max(fitting, key=lambda table: len(table.asked & columns)), ""
    if not known:
        return None, f"there is no table map called {name or source}"
    near = max(known, key=lambda table: len(table.asked & columns))
    if not near.asked & columns:
        return None, "no table of the feed's map has any of these columns"
    lacking = ", ".join(sorted(near.needs - columns))
    return None, f"the header fits no table; the nearest is {near.name}, which needs the columns {lacking}"
