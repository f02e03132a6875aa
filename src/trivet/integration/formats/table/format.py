"""`csv`: rows of tables to records. A row is a unit; its header stands in front of it, so that it means something alone.

In: delimited text. Out: records by the table map that the feed's settings name (`table = "NAME"`), chosen among that map's tables by the
header. Refused, row by row, with the cell: a value that is not what its column should hold; and a whole row when its header fits no table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivet.contracts.envelope import Piece, Unit
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.integration.formats.table.maps import Rule, Table, tables
from trivet.integration.formats.table.read import BOM, Cell, cells, delimiter, lines
from trivet.integration.formats.table.values import HOW, BadCell, Unknown
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Fault, Rejected

__all__ = ["TableFormat"]

Row = dict[str, Cell]


class TableFormat:
    """`contracts.ports.Format` for delimited text."""

    name = "csv"

    def __init__(self, folder: str = "") -> None:
        """`folder` holds the site's own table maps, which come before ours; without it only ours are known."""
        self.folder = folder

    def sniff(self, head: bytes, filename: str) -> bool:
        """A name that says so, or a first line with at least three cells and no control characters."""
        if filename.lower().endswith((".csv", ".tsv", ".psv")):
            return True
        first = head.removeprefix(BOM).split(b"\n", 1)[0]
        return (
            first.count(delimiter(first)) >= 2
            and all(byte >= 32 or byte in (9, 13) for byte in first)
            and first[:1] not in (b"{", b"[", b"<")
        )

    def split(self, raw: bytes) -> Iterator[Unit]:
        """The header line in front of each row. Blank lines go with the row before them; a header alone is a unit of its own."""
        found = list(lines(raw))
        if not found:
            return
        head, rows = found[0], found[1:]
        context = raw[head[0] : head[1]]
        groups: list[list[int]] = []
        for start, end in rows:
            if groups and not raw[start:end].strip():
                groups[-1][1] = end
            else:
                groups.append([start, end])
        if not groups:
            yield Unit(raw, (Piece(0, len(raw)),))
            return
        for start, end in groups:
            yield Unit(context + raw[start:end], (Piece(head[0], len(context)), Piece(start, end - start)), len(context))

    def translate(self, raw: bytes, profile: Any) -> Translation:
        """One header and one row."""
        places = list(lines(raw))
        if len(places) < 2 or not raw[places[1][0] :].strip():
            return Translation((), (), ignored="csv/header-only")
        sign = delimiter(raw[: places[0][1]])
        header, values = cells(raw, *places[0], sign), cells(raw, *places[1], sign)
        for part in (header, values):
            if isinstance(part, int):
                return _whole(raw, Rejected("E226", "the row is not UTF-8, or a quote never closes", "row", part, len(raw) - part))
        assert isinstance(header, list)
        assert isinstance(values, list)
        if len(header) != len(values):
            why = f"the header has {len(header)} columns, the row {len(values)}"
            return _whole(raw, Rejected("E227", why, "row", places[1][0], places[1][1] - places[1][0]))
        row = {name.text: cell for name, cell in zip(header, values, strict=True)}
        table = choose(tables(profile.table or profile.source, self.folder), set(row))
        if table is None:
            why = "no table of the feed's map has these columns"
            return _whole(raw, Rejected("E228", why, "header", 0, places[0][1], help="trivet translate --profile: set table"))
        return Sheet(row, profile).make(table)

    def write(self, raw: bytes) -> bytes:
        """The unit again, byte for byte: rows are kept as they came."""
        return raw


def choose(known: tuple[Table, ...], columns: set[str]) -> Table | None:
    """The table whose needed columns are all there, the one that knows most of the columns first."""
    fitting = [table for table in known if table.needs <= columns]
    return max(fitting, key=lambda table: len(table.asked & columns), default=None)


def _whole(raw: bytes, reject: Rejected) -> Translation:
    element = Element(reject.locator, reject.offset, reject.length, "rejected", reject.code)
    return Translation((), (element,), (reject,))


class Sheet:
    """One row on its way to records."""

    def __init__(self, row: Row, profile: Any) -> None:
        self.row, self.profile = row, profile
        self.texts = {name: cell.text for name, cell in row.items()}
        self.fate: dict[str, tuple[str, str]] = {}
        self.notices: list[Notice] = []
        self.rejects: list[Rejected] = []

    def make(self, table: Table) -> Translation:
        """All records of the table, and what became of every cell."""
        records = [record for label, rules in table.records.items() if label and (record := self.record(label, rules)) is not None]
        for rule in table.records.get("", ()):
            self.plain(rule)
        if not records and not self.rejects:
            self.rejects.append(Rejected("E229", "no record can be made: every key is empty", "row"))
        held = [(name, cell, self.fate.get(name, ("uncovered", ""))) for name, cell in self.row.items() if cell.text]
        elements = tuple(Element(f"c={name}", cell.offset, cell.length, *fate) for name, cell, fate in held)
        return Translation(tuple(records), elements, tuple(self.rejects), tuple(self.notices))

    def plain(self, rule: Rule) -> None:
        """A column that belongs to no record: dropped by this rule."""
        for column in rule.columns:
            self.fate.setdefault(column, ("dropped", rule.name))

    def record(self, label: str, rules: tuple[Rule, ...]) -> Record | None:
        """One record; None when its key is empty, a condition of its key does not hold, or something it must have is missing."""
        kind = label.partition(":")[0]
        key = next(rule for rule in rules if rule.target == "id")
        if key.holds is not None and not key.holds(self.texts):
            return None
        parts = [key.constant] if key.constant is not None else [self.texts.get(column, "") for column in key.columns]
        if not any(parts):
            return None
        resource: dict[str, Any] = {"resourceType": kind, "id": record_id(self.profile.source, kind, *[part or "" for part in parts])}
        spans, used, wrong = [], [(column, key.name) for column in key.columns], None
        for column in key.columns:
            if cell := self.row.get(column):
                spans.append(Span("id", cell.offset, cell.length, f"c={column}", key.name))
        for rule in rules:
            if rule is key or (rule.holds is not None and not rule.holds(self.texts)):
                continue
            done = self.apply(resource, rule, spans, used)
            wrong = wrong or done
        if wrong is not None:
            self.rejects.append(wrong)
            self.fate.update({column: ("rejected", wrong.code) for column, _ in used if column not in self.fate})
            return None
        for column, name in used:
            self.fate[column] = ("mapped", name)
        return Record(resource, tuple(spans))

    def apply(self, resource: dict[str, Any], rule: Rule, spans: list[Span], used: list[tuple[str, str]]) -> Rejected | None:
        """Put one value in its place. Gives the reject when the record must have it and it is missing or wrong."""
        if rule.constant is not None:
            put(resource, rule.path, HOW[rule.how](rule.constant, rule.argument, self.profile))
            return None
        column = rule.columns[0]
        cell = self.row.get(column)
        if cell is None or not cell.text:
            return Rejected("E229", f"{column} is empty", f"c={column}", cell.offset if cell else 0, 0) if rule.must else None
        if rule.target == "-":
            self.fate.setdefault(column, ("dropped", rule.name))
            return None
        if rule.how not in HOW:
            raise Fault("E225", "a table map names a way that does not exist", where=rule.name, why=rule.how)
        text = "".join(self.texts.get(name, "") for name in rule.columns)
        try:
            value = HOW[rule.how](text, rule.argument, self.profile)
        except Unknown:
            self.notices.append(Notice("unknown-code", f"{self.profile.base}/{column}", text[:64], f"c={column}", cell.offset, cell.length))
            self.fate.setdefault(column, ("carried", rule.name))
            return (
                Rejected("E229", f"{column} has a word that the map does not", f"c={column}", cell.offset, cell.length)
                if rule.must
                else None
            )
        except BadCell as error:
            return Rejected("E229", f"{column} is {error}", f"c={column}", cell.offset, cell.length)
        put(resource, rule.path, value)
        spans += leaves(rule.target, value, cell, column, rule.name)
        used += [(name, rule.name) for name in rule.columns if self.texts.get(name)]
        return None


def leaves(path: str, value: Any, cell: Cell, column: str, rule: str) -> list[Span]:
    """A span for the value, or for the parts of it that the cell gave."""
    if not isinstance(value, dict):
        return [Span(path, cell.offset, cell.length, f"c={column}", rule)]
    part = "value" if "value" in value else "reference"
    return [Span(f"{path}.{part}", cell.offset, cell.length, f"c={column}", rule)]


def put(resource: dict[str, Any], path: tuple[tuple[str, int | None], ...], value: Any) -> None:
    """Set the element at a path; what is there as an object is added to."""
    held: Any = resource
    for place, (name, index) in enumerate(path):
        last = place == len(path) - 1
        if index is None:
            if last:
                held[name] = {**held[name], **value} if isinstance(value, dict) and isinstance(held.get(name), dict) else value
                return
            held = held.setdefault(name, {})
            continue
        items = held.setdefault(name, [])
        while len(items) <= index:
            items.append({} if not last or isinstance(value, dict) else None)
        if last:
            items[index] = {**items[index], **value} if isinstance(value, dict) else value
            return
        held = items[index]
