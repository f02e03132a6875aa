"""One row of a table to records, by one table of a map, with an account of every cell."""

from __future__ import annotations

from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.integration.formats.table.maps import Path, Rule, Table
from trivet.integration.formats.table.read import Cell
from trivet.integration.formats.table.values import HOW, BadCell, Unknown
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Fault, Rejected

__all__ = ["Sheet"]

Row = dict[str, Cell]
WIRE = "_trivet_"  # columns that a wire adds to the rows of a table: how often a row changed, and that it is gone
DELETED = f"{WIRE}deleted"


class Sheet:
    """One row on its way to records. Use once."""

    def __init__(self, row: Row, profile: SourceProfile) -> None:
        self.row, self.profile = row, profile
        self.texts = {name: cell.text for name, cell in row.items()}
        self.fate: dict[str, tuple[str, str]] = {}
        self.notices: list[Notice] = []
        self.rejects: list[Rejected] = []

    def make(self, table: Table) -> Translation:
        """All records of the table, and what became of every cell."""
        records = [record for label, rules in table.records.items() if label and (record := self.record(label, rules)) is not None]
        if self.texts.get(DELETED) == "true":
            records = [Record(retracted(record.resource), record.spans) for record in records]
        self.fate |= {name: ("dropped", "table/wire") for name in self.texts if name.startswith(WIRE)}
        for rule in table.records.get("", ()):
            for column in rule.columns:
                self.fate.setdefault(column, ("dropped", rule.name))
        if not records and not self.rejects:
            self.rejects.append(Rejected("table-value", "no record can be made: every key is empty", "row"))
        held = [(name, cell, self.fate.get(name, ("uncovered", ""))) for name, cell in self.row.items() if cell.text]
        elements = tuple(Element(f"c={name}", cell.offset, cell.length, *fate) for name, cell, fate in held)
        return Translation(tuple(records), elements, tuple(self.rejects), tuple(self.notices))

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
        spans, used, wrong = [], [(column, "mapped", key.name) for column in key.columns], None
        for column in key.columns:
            if (cell := self.row.get(column)) and cell.text:
                spans.append(Span("id", cell.offset, cell.length, f"c={column}", key.name))
        for rule in rules:
            if rule is not key and (rule.holds is None or rule.holds(self.texts)):
                wrong = self.apply(resource, rule, spans, used) or wrong
        if wrong is not None:
            self.rejects.append(wrong)
            self.fate.update({column: ("rejected", wrong.code) for column, _, _ in used if column not in self.fate})
            return None
        for column, fate, name in used:
            self.fate[column] = (fate, name)
        return Record(resource, tuple(closed(resource, spans)))

    def apply(self, resource: dict[str, Any], rule: Rule, spans: list[Span], used: list[tuple[str, str, str]]) -> Rejected | None:
        """Put one value in its place. Gives the reject when the record must have it and it is missing or wrong."""
        if rule.how not in HOW:
            raise Fault("E324", "a table map names a way that does not exist", where=rule.name, why=rule.how)
        if rule.constant is not None:
            put(resource, rule.path, HOW[rule.how](rule.constant, rule.argument, self.profile))
            return None
        column = rule.columns[0]
        cell = self.row.get(column)
        if cell is None or not cell.text:
            return Rejected("table-value", f"{column} is empty", f"c={column}", cell.offset if cell else 0, 0) if rule.must else None
        if rule.target == "-":
            self.fate.setdefault(column, ("dropped", rule.name))
            return None
        text = cell.text if len(rule.columns) == 1 else "".join(self.texts.get(name, "") for name in rule.columns)
        try:
            value = HOW[rule.how](text, rule.argument, self.profile)
        except Unknown:
            self.notices.append(Notice("unknown-code", f"{self.profile.base}/{column}", text[:64], f"c={column}", cell.offset, cell.length))
            why = f"{column} has a word that the map does not"
            return Rejected("table-value", why, f"c={column}", cell.offset, cell.length) if rule.must else None
        except BadCell as error:
            return Rejected("table-value", f"{column} is {error}", f"c={column}", cell.offset, cell.length)
        if rule.target.endswith(".end") and isinstance(value, str) and value[:10] < began(resource, rule.path):
            # per-1: exports write the first day of their calendar for an end that is not known.
            self.notices.append(Notice("doubtful-date", f"{self.profile.base}/{column}", "", f"c={column}", cell.offset, cell.length))
            self.fate.setdefault(column, ("dropped", "csv/ends-before-it-begins"))
            return None
        if rule.how == "coding" and "system" not in value:
            self.notices.append(
                Notice("unknown-system", f"{self.profile.base}/{column}", text[:64], f"c={column}", cell.offset, cell.length)
            )
        put(resource, rule.path, value)
        spans.append(Span(rule.target + leaf(value), cell.offset, cell.length, f"c={column}", rule.name))
        fate = "carried" if rule.how == "carry" else "mapped"
        used += [(name, fate, rule.name) for name in rule.columns if self.texts.get(name)]
        return None


def retracted(resource: dict[str, Any]) -> dict[str, Any]:
    """The record as it was known last, taken back: its table no longer has the row."""
    meta = resource.get("meta") or {}
    tags = [{"system": "urn:trivet:retraction", "code": "deleted-at-source"}, *meta.get("tag", [])]
    return {**resource, "meta": {**meta, "tag": tags}}


def leaf(value: Any) -> str:
    """The part of a value that the cell gave, as the end of its element path."""
    if not isinstance(value, dict):
        return ""
    return next(f".{name}" for name in ("value", "code", "reference") if name in value)


def began(resource: dict[str, Any], path: Path) -> str:
    """The day on which the period around an end begins, as far as that is known already."""
    held: Any = resource
    for name, index in path[:-1]:
        held = held.get(name) if isinstance(held, dict) else None
        held = held[index] if index is not None and isinstance(held, list) and index < len(held) else held
    start = held.get("start") if isinstance(held, dict) else None
    return start[:10] if isinstance(start, str) else ""


def put(resource: dict[str, Any], path: Path, value: Any) -> None:
    """Set the element at a path; what is there as an object is added to. List elements in front may stay open until `closed`."""
    held: Any = resource
    last = len(path) - 1
    for place, (name, index) in enumerate(path):
        if index is None:
            if place == last:
                old = held.get(name)
                held[name] = {**old, **value} if isinstance(value, dict) and isinstance(old, dict) else value
                return
            held = held.setdefault(name, {})
            continue
        items = held.setdefault(name, [])
        while len(items) <= index:
            items.append(None)
        old = items[index]
        if place == last:
            items[index] = {**old, **value} if isinstance(value, dict) and isinstance(old, dict) else value
            return
        if old is None:
            items[index] = old = {}
        held = old


def closed(resource: dict[str, Any], spans: list[Span]) -> list[Span]:
    """Lists without the elements that stayed open, and the spans' paths after that: FHIR knows no empty list element."""
    moved: dict[str, str] = {}

    def visit(value: Any, path: str, now: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if isinstance(inner, (dict, list)):
                    visit(inner, f"{path}.{name}" if path else name, f"{now}.{name}" if now else name)
        elif isinstance(value, list):
            kept = [(place, inner) for place, inner in enumerate(value) if inner is not None]
            for number, (place, inner) in enumerate(kept):
                if number != place or path != now:
                    moved[f"{path}[{place}]"] = f"{now}[{number}]"
                visit(inner, f"{path}[{place}]", f"{now}[{number}]")
            value[:] = [inner for _, inner in kept]

    visit(resource, "", "")
    if not moved:
        return spans
    starts = sorted(moved, key=len, reverse=True)
    return [
        next((span._replace(path=moved[start] + span.path[len(start) :]) for start in starts if _under(span.path, start)), span)
        for span in spans
    ]


def _under(path: str, start: str) -> bool:
    return path == start or path.startswith(f"{start}.")
