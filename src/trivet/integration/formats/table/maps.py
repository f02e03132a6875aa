"""Table maps: CSV files that say which column becomes which element. Ours are shipped; a site's stand in a folder of its own.

A row: `table` (its name), `record` (a label that begins with the resource type, `Encounter` or `Observation:beds`), `source` (a column,
`=text` for a constant, several columns joined by `+` for a key), `target` (an element path, `id` for the key), `how`, `with`, `when` (a
condition of the closed language over columns), `must` (yes: without it the record is rejected). `target` `-` drops a column by this
rule; `how` `carry` keeps it verbatim. Refused (Fault): a row that cannot be read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as Folder

from trivet.integration.tables import compile_condition, parse, places
from trivet.kernel.errors import Fault
from trivet.kernel.resources import listing, text

__all__ = ["Path", "Rule", "Table", "every", "tables"]

COLUMNS = ("table", "record", "source", "target", "how", "with", "when", "must")
Path = tuple[tuple[str, int | None], ...]
STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[(\d+)\])?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row, compiled. `path` are (name, index or None) steps, empty for the key; `holds` takes the row's cells by column."""

    name: str
    columns: tuple[str, ...]
    constant: str | None
    target: str
    path: Path
    how: str
    argument: str
    holds: Callable[[dict[str, str]], bool] | None
    must: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what its records are made of. `needs` are the columns without which it is another table."""

    name: str
    records: dict[str, tuple[Rule, ...]]
    needs: frozenset[str]
    asked: frozenset[str]


@lru_cache(maxsize=64)
def tables(name: str, folder: str) -> tuple[Table, ...]:
    """The tables of a map by the map's name: the site's folder first, then ours. Empty when nobody wrote that map."""
    path = Folder(folder) / f"{name}.csv"
    if folder and path.is_file():
        return tuple(_read(path.read_text(encoding="utf-8"), f"site/tables/{name}.csv"))
    if f"{name}.csv" in listing("trivet.maps", "tables", ".csv"):
        return tuple(_read(text("trivet.maps", "tables", f"{name}.csv"), f"tables/{name}.csv"))
    return ()


@lru_cache(maxsize=8)
def every(folder: str) -> tuple[Table, ...]:
    """All tables of all maps: the site's first, then ours that the site does not replace."""
    mine = sorted(path.stem for path in Folder(folder).glob("*.csv")) if folder and Folder(folder).is_dir() else []
    ours = [name.removesuffix(".csv") for name in listing("trivet.maps", "tables", ".csv")]
    return tuple(table for name in [*mine, *(name for name in ours if name not in mine)] for table in tables(name, folder))


def _read(content: str, where: str) -> list[Table]:
    rows = csv.DictReader(io.StringIO(content))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise Fault("E324", "a table map has other columns", where=where, why="expected " + ", ".join(COLUMNS))
    found: dict[str, dict[str, list[Rule]]] = {}
    for number, row in enumerate(rows, 2):
        rule = _rule(row, f"{where}:{number}")
        found.setdefault(row["table"], {}).setdefault(row["record"], []).append(rule)
    return [_table(name, {label: tuple(rules) for label, rules in records.items()}, where) for name, records in found.items()]


def _table(name: str, records: dict[str, tuple[Rule, ...]], where: str) -> Table:
    rules = [rule for held in records.values() for rule in held]
    for label, held in records.items():
        if label and not any(rule.target == "id" for rule in held):
            raise Fault("E324", "a record of a table map has no key", where=where, why=f"{name} {label} has no row with target id")
    needs = frozenset(column for rule in rules if rule.must for column in rule.columns)
    return Table(name, records, needs, frozenset(column for rule in rules for column in rule.columns))


def _rule(row: dict[str, str], where: str) -> Rule:
    source, target = row["source"], row["target"]
    constant = source[1:] if source.startswith("=") else None
    columns = () if constant is not None else tuple(part.strip() for part in source.split("+"))
    holds = None
    if row["when"]:
        tree = parse(row["when"])
        columns_read = places(tree)
        if not columns_read:
            raise Fault("E324", "a condition reads no column", where=where)
        holds = compile_condition(tree, lambda place: lambda cells: cells.get(place, ""))
    path: list[tuple[str, int | None]] = []
    if target not in ("id", "-", ""):
        for part in target.split("."):
            match = STEP.fullmatch(part)
            if match is None:
                raise Fault("E324", "an element path of a table map cannot be read", where=where, why=target)
            path.append((match[1], None if match[2] is None else int(match[2])))
    return Rule(f"{where}", columns, constant, target, tuple(path), row["how"], row["with"], holds, row["must"] == "yes")
