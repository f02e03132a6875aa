"""Any table of persons as columns that can be compared. In, CSV text; out, values in plain form by field. Refused: a table without persons.

Columns are recognised by their headers, or named by hand (`headers.py`). A value is brought into plain form once, however
many rows have it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from trivet.data.identity.dates import Order, date, order_of
from trivet.data.identity.headers import kinds, recognised, told
from trivet.data.identity.words import TITLES, digits, mail, placeholder, plain, soundex, telephone
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["Column", "Ints", "People", "Texts", "coded", "headers_of", "kinds", "read_people", "recognised", "stacked"]

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]
BLANK = re.compile(r"\A(?:[ \t]*\r?\n)+")
NAMED = frozenset({"given", "family", "name"})  # where titles are written
LONGEST = 131_072  # characters of a cell; what is longer begins with a quote that nobody closed
EMPTY = frozenset({"", "NULL", "NAN", "NONE", "N A", "NA", "UNKNOWN", "UNK", "MISSING"})
# values in capital letters that are their own plain form, by field or kind: most are, and are passed through; `_value` does the rest
OWN = {
    "phone": re.compile(r"(?=([0-9])\1*(?!\1)([0-9])(?:\1|\2)*(?!\1|\2)[0-9])[0-9]{10}"),
    "ssn": re.compile(r"(?!([0-9])\1*$)[0-9]+"),
    "zip": re.compile(r"[0-9]+"),
    "code": re.compile(r"(?!(.)\1*$)[A-Z0-9]+"),
    "name": re.compile(r"[A-Z0-9]+"),
    "text": re.compile(r"[A-Z0-9]+(?: [A-Z0-9]+)*"),
}


@dataclass(frozen=True)
class Column:
    """One field of a table as numbers: its kind (`name`, `date`, `code`, `text`, `category`), `codes` (row -> place in `values`, -1 for
    none), different `values`, and in how many rows each stands. In two tables the rows of the second follow the first's."""

    field: str
    kind: str
    codes: Ints
    values: list[str]

    @cached_property
    def counts(self) -> Ints:
        """In how many rows each value stands."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values)).astype(np.int64)

    @cached_property
    def texts(self) -> Texts:
        """The values, to be picked by many codes at once."""
        return np.array(self.values, dtype=object)

    @cached_property
    def sounds(self) -> Ints:
        """For each value a number that values of one sound share."""
        numbers: dict[str, int] = {}
        return np.fromiter((numbers.setdefault(soundex(value), len(numbers)) for value in self.values), np.int64, len(self.values))

    def written(self) -> list[str]:
        """The value of each row, empty for none."""
        return [self.values[code] if code >= 0 else "" for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True)
class People:
    """A table: its columns by field, in the order of `columns.csv`, and how many rows it has."""

    columns: Mapping[str, Column]
    rows: int


def headers_of(content: str) -> list[str]:
    """The first line's columns."""
    content, mark = _begun(content)
    return [header.strip() for header in next(csv.reader(io.StringIO(content), delimiter=mark, skipinitialspace=True), [])]


def _begun(content: str) -> tuple[str, str]:
    """A table from its first line that is not blank, with lines that end in a line feed, and the mark between its columns."""
    content = BLANK.sub("", (content if "\n" in content else content.replace("\r", "\n")).removeprefix("\ufeff"))
    first = content[:4096].splitlines()[0] if content else ""
    return content, max(",;\t|", key=first.count)


def read_people(content: str, mapped: Mapping[str, str], where: str) -> People:
    """The persons of a CSV text. Usage when it has no header, no row, or fewer than two columns that say who somebody is."""
    content, mark = _begun(content)
    reader = csv.reader(io.StringIO(content), delimiter=mark, skipinitialspace=True)
    try:
        rows = _bounded(reader)
        headers = [header.strip() for header in next(rows, [])]
        columns = recognised(headers, mapped)
        if len(columns) < 2:
            why = "recognised: " + (", ".join(columns) or "none") + "; " + told(headers, columns)
            raise Usage(
                "E297", "this table does not say who its rows are", where=where, why=why, help="--map family=COLUMN --map birth=COLUMN"
            )
        places = {field: headers.index(header) for field, header in columns.items()}
        found = _by_arrow(content, mark, len(headers), places) or _by_row(rows, places)
    except csv.Error as error:
        raise Usage("E293", "the table cannot be read", where=f"{where}:{reader.line_num}", why=str(error), help="save it as CSV") from None
    count = len(next(iter(found.values()))[1])
    if not count:
        raise Usage("E298", "this table has no rows", where=where, why="behind the header nothing stands", help="a row for each record")
    ordered = {
        field: _column(field, kind, _plain(field, found[field][0]), found[field][1]) for field, kind in kinds().items() if field in found
    }
    return People(_joined(ordered), count)


Raw = dict[str, tuple[list[str], Ints]]  # field -> different values as written, row -> its place among them


def _by_arrow(content: str, mark: str, width: int, places: Mapping[str, int]) -> Raw | None:
    """The columns read at once. None where quotes or a row that is too short or too long ask for the reader that takes a row at a time."""
    if '"' in content or content.count("\r") != content.count("\r\n"):
        return None
    from pyarrow import ArrowInvalid, csv, py_buffer, string

    names = [str(place) for place in range(width)]
    wanted = list(dict.fromkeys(names[place] for place in places.values()))
    try:
        table = csv.read_csv(
            py_buffer(content.encode()),
            csv.ReadOptions(column_names=names, skip_rows=1),
            csv.ParseOptions(delimiter=mark, quote_char=False),
            csv.ConvertOptions(column_types=dict.fromkeys(wanted, string()), include_columns=wanted, strings_can_be_null=False),
        )
    except ArrowInvalid:
        return None
    found: Raw = {}
    for field, place in places.items():
        parts = table.column(names[place]).dictionary_encode().chunks  # one dictionary for all of them
        values = parts[0].dictionary.to_pylist() if parts else []
        codes = [np.frombuffer(part.indices.buffers()[1], np.int32, len(part), part.indices.offset * 4) for part in parts if len(part)]
        found[field] = values, np.concatenate([np.empty(0, dtype=np.int64), *codes])
    return found


def _bounded(reader: Iterable[list[str]]) -> Iterator[list[str]]:
    """Rows whose cells have an end, whatever limit others set for this process. Raises csv.Error."""
    for row in reader:
        if max(map(len, row), default=0) > LONGEST:
            raise csv.Error(f"field larger than field limit ({LONGEST})")
        yield row


def _by_row(reader: Iterable[list[str]], places: Mapping[str, int]) -> Raw:
    """The columns of rows, whatever stands between quotes; what a row lacks is empty, an empty line is no row."""
    held: dict[str, list[int]] = {field: [] for field in places}
    values: dict[str, dict[str, int]] = {field: {} for field in places}
    for row in reader:
        if len(row) > 1 or "".join(row).strip():
            for field, place in places.items():
                known = values[field]
                held[field].append(known.setdefault(row[place] if place < len(row) else "", len(known)))
    return {field: (list(values[field]), np.array(codes, dtype=np.int64)) for field, codes in held.items()}


def _column(field: str, kind: str, values: Sequence[str], codes: Ints) -> Column:
    """A column of values that may be empty or stand there twice."""
    held = list(dict.fromkeys(values))
    if len(held) == len(values):  # nothing stands there twice, as in most long columns
        places = np.arange(len(values))
    else:
        index = {value: place for place, value in enumerate(held)}
        places = np.fromiter(map(index.__getitem__, values), np.int64, len(values))
    if "" in held:
        gap = held.index("")
        places = np.where(places == gap, -1, places - (places > gap))
        del held[gap]
    return Column(field, kind, places[codes], held)


def coded(field: str, kind: str, written: Sequence[str]) -> Column:
    """A column of values in plain form, one for each row."""
    return _column(field, kind, written, np.arange(len(written)))


def stacked(one: Column, other: Column) -> Column:
    """Two tables' column as one: the rows of the other follow."""
    codes = np.where(other.codes >= 0, other.codes + len(one.values), -1)
    places = np.concatenate((one.codes, codes))
    values = [*one.values, *other.values, ""]
    return _column(one.field, one.kind, values, np.where(places >= 0, places, len(values) - 1))


def _joined(columns: dict[str, Column]) -> dict[str, Column]:
    """Birth year, month and day in columns of their own become one date."""
    parts = [columns.get(f"birth_{part}") for part in ("year", "month", "day")]
    if "birth" in columns or any(part is None for part in parts):
        return columns
    values = tuple(
        f"{year.zfill(4)}{month.zfill(2)}{day.zfill(2)}" if year and month and day else ""
        for year, month, day in zip(*(part.written() for part in parts if part is not None), strict=True)
    )
    rest = {field: column for field, column in columns.items() if not field.startswith("birth_")}
    return rest | {"birth": coded("birth", "date", values)}


def _plain(field: str, written: Sequence[str]) -> list[str]:
    """Values in plain form."""
    kind = kinds()[field]
    if kind == "date":
        order = order_of(written)
        return [_date(value, order) for value in written]
    own = OWN.get(field) or (OWN.get(kind) if field != "mail" else None)
    if own is None:
        return [_value(field, value) for value in written]
    odd = _odd()
    match = own.fullmatch
    return [upper if match(upper := value.upper()) and upper not in odd else _value(field, value) for value in written]


@cache
def _odd() -> frozenset[str]:
    """Values that stand for none in some field."""
    rows = csv.DictReader(text("trivet.maps", "identity", "placeholders.csv").splitlines())
    return EMPTY | {row["value"] for row in rows}


def _value(field: str, written: str) -> str:
    """A value in plain form."""
    kind = kinds()[field]
    value = plain(written)
    if value in EMPTY:
        return ""
    if field in NAMED:
        words = value.split()
        value = " ".join(word for word in words if word not in TITLES) or value
    if field == "name" and "," in written:
        value = _turned(written, value)
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


def _turned(written: str, value: str) -> str:
    """`Haas, Anna M` as `ANNA M HAAS`; what stands behind a comma and is only a title or degree stays away."""
    family, _, given = written.partition(",")
    first, last = (" ".join(word for word in plain(part).split() if word not in TITLES) for part in (given, family))
    return f"{first} {last}".strip() or value


def _date(written: str, order: Order) -> str:
    """A date in plain form, empty where it stands for none."""
    if plain(written) in EMPTY:
        return ""
    found = date(written, order)
    return "" if placeholder("birth", f"{found[:4]}-{found[4:6]}-{found[6:]}") else found
