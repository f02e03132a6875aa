"""Any table of persons as columns that can be compared. In, CSV text; out, values in plain form by field. Refused: a table without persons.

Columns are recognised by their headers (`maps/identity/columns.csv`), or named by `--map FIELD=COLUMN`. Identifiers of rows, labels of
clusters and everything else that nobody named are left alone: they say nothing about who somebody is.
"""

from __future__ import annotations

import csv
import io
import re
from calendar import month_abbr
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from trivet.data.identity.words import digits, mail, placeholder, plain, telephone
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["Column", "People", "kinds", "read_people", "recognised"]

WORD = re.compile(r"[^a-z0-9]+")
PARTS = re.compile(r"\d+")
MONTHS = {name.upper(): f"{number:02d}" for number, name in enumerate(month_abbr[1:], 1)}
EMPTY = frozenset({"", "NULL", "NAN", "NONE", "N A", "NA", "UNKNOWN", "UNK", "MISSING"})


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a table: its kind (`name`, `date`, `code`, `text`, `category`) and a value for each row, empty when there is none."""

    field: str
    kind: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class People:
    """A table: its columns by field, in the order of `columns.csv`, and how many rows it has."""

    columns: Mapping[str, Column]
    rows: int


@cache
def kinds() -> dict[str, str]:
    """Field -> kind of everything that can be compared."""
    return {row["field"]: row["kind"] for row in _table()}


@cache
def _table() -> list[dict[str, str]]:
    return list(csv.DictReader(text("trivet.maps", "identity", "columns.csv").splitlines()))


def recognised(headers: Sequence[str], mapped: Mapping[str, str]) -> dict[str, str]:
    """Field -> header. `mapped` wins over recognition. Usage for a field that nobody knows or a header that is not there."""
    known = {WORD.sub("_", header.strip().lower()).strip("_"): header for header in reversed(headers)}
    found: dict[str, str] = {}
    for row in _table():
        for name in row["headers"].split():
            if name in known and known[name] not in found.values():
                found[row["field"]] = known[name]
                break
    for field, header in mapped.items():
        if field not in kinds():
            raise Usage("E295", f"no field named {field}", why="fields: " + ", ".join(kinds()), help="--map family=LAST_NAME")
        if header not in headers:
            raise Usage("E296", f"no column named {header}", why="columns: " + ", ".join(headers), help=f"--map {field}=COLUMN")
        found = {name: held for name, held in found.items() if held != header}
        found[field] = header
    return found


def read_people(content: str, mapped: Mapping[str, str], where: str) -> People:
    """The persons of a CSV text. Usage when it has no header, no row, or fewer than two columns that say who somebody is."""
    sample = content[:4096]
    first = sample.splitlines()[0] if sample else ""
    mark = max(",;\t|", key=first.count)
    reader = csv.reader(io.StringIO(content), delimiter=mark, skipinitialspace=True)
    headers = [header.strip().removeprefix("\ufeff") for header in next(reader, [])]
    columns = recognised(headers, mapped)
    if len(columns) < 2:
        why = "recognised: " + (", ".join(columns) or "none") + "; columns: " + ", ".join(headers)
        raise Usage("E297", "this table does not say who its rows are", where=where, why=why, help="--map family=COLUMN --map birth=COLUMN")
    places = {field: headers.index(header) for field, header in columns.items()}
    held: dict[str, list[str]] = {field: [] for field in places}
    count = 0
    for row in reader:
        if not row:
            continue
        count += 1
        for field, place in places.items():
            held[field].append(_value(field, row[place]) if place < len(row) else "")
    if not count:
        raise Usage("E298", "this table has no rows", where=where)
    ordered = {field: Column(field, kind, tuple(held[field])) for field, kind in kinds().items() if field in held}
    return People(_joined(ordered, count), count)


def _joined(columns: dict[str, Column], count: int) -> dict[str, Column]:
    """Birth year, month and day in columns of their own become one date."""
    parts = [columns.get(f"birth_{part}") for part in ("year", "month", "day")]
    if "birth" in columns or any(part is None for part in parts):
        return columns
    values = tuple(
        f"{year.zfill(4)}{month.zfill(2)}{day.zfill(2)}" if year and month and day else ""
        for year, month, day in zip(*(part.values for part in parts if part is not None), strict=True)
    )
    rest = {field: column for field, column in columns.items() if not field.startswith("birth_")}
    return rest | {"birth": Column("birth", "date", values)}


@lru_cache(maxsize=262_144)
def _value(field: str, written: str) -> str:
    """A value in plain form."""
    kind = kinds()[field]
    value = plain(written)
    if value in EMPTY:
        return ""
    if kind == "date":
        found = date(written)
        return "" if placeholder("birth", f"{found[:4]}-{found[4:6]}-{found[6:]}") else found
    if kind == "name" and (placeholder("name", value) or placeholder("name", value.replace(" ", ""))):
        return ""
    if field == "phone":
        return telephone(written)
    if field == "mail":
        return mail(written)
    if kind == "code":
        found = (digits(value) if field in ("ssn", "zip") and digits(value) else value).replace(" ", "")
        return "" if field in ("ssn", "identifier") and (placeholder("identifier", found) or len(set(found)) == 1) else found
    if field == "street" and placeholder("street", value):
        return ""
    if field == "sex":
        return value[:1]
    return value


def date(written: str) -> str:
    """`YYYYMMDD` of the usual ways to write a date; the digits as they stand when the order cannot be told."""
    numbers = PARTS.findall(written)
    named = next((month for name, month in MONTHS.items() if name in written.upper()), "")
    if named and len(numbers) == 2:
        day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 else (numbers[0], numbers[1])
        return f"{year}{named}{day.zfill(2)}"
    if len(numbers) >= 3 and len(numbers[0]) == 4:
        return f"{numbers[0]}{numbers[1].zfill(2)}{numbers[2].zfill(2)}"
    if len(numbers) == 3 and len(numbers[2]) == 4:
        first, second = numbers[0].zfill(2), numbers[1].zfill(2)
        month, day = (second, first) if int(first) > 12 or "." in written else (first, second)
        return f"{numbers[2]}{month}{day}"
    return "".join(numbers)
