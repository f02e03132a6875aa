"""Definitions of feature views: in, a YAML file that people approve and the SQL beside it; out, one frozen `View` and its digest.

The file says for each feature its name, meaning, unit, codes, accepted units, how old a reading may be, the range outside of
which a value is a mistake, and what is said when there is none. What SQL needs of that becomes small relations. Refused (Fault):
a key that nobody defined, a feature twice, a range that is none.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pyarrow as pa

from trivet.data.views import STATE, closure, types_read, views_digest
from trivet.kernel import yamltext
from trivet.kernel.digest import digest, sha256
from trivet.kernel.errors import Fault, NotFound
from trivet.kernel.resources import listing, text

__all__ = ["Feature", "View", "definition", "names", "seconds"]

HEAD = {"title", "moment", "statement", "lookback", "sources", "lists", "rows", "tables", "features"}
KEYS = {
    "name",
    "meaning",
    "unit",
    "reading",
    "limit",
    "within",
    "hard",
    "plausible",
    "codes",
    "units",
    "answers",
    "change",
    "ratio",
    "count",
    "absence",
}
SPAN = re.compile(r"(\d+)([hd])")
WORD = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_0-9]+)", re.I)


@dataclass(frozen=True, slots=True)
class Feature:
    """One number of a view. `hard` is the range outside of which a value is a mistake, `plausible` where it usually lies;
    `count` says that 0 is an answer of its own: nothing found is then the value 0 with `absence` as its evidence."""

    name: str
    meaning: str
    unit: str
    absence: str
    hard: tuple[float, float]
    plausible: tuple[float, float]
    count: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A feature view. `sql` names the statements to run, in order: the first puts `record_state` in place, the last is the view itself.
    `places` says that what was counted about places is needed; `types` are the record types and `relations` the tables that the
    statements read."""

    name: str
    title: str
    moment: str
    places: bool
    types: tuple[str, ...]
    features: tuple[Feature, ...]
    sql: tuple[tuple[str, str], ...]
    relations: dict[str, pa.Table] = field(repr=False)
    digest: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        rows = [
            {
                "name": one.name,
                "meaning": one.meaning,
                "unit": one.unit,
                "hard": one.hard,
                "plausible": one.plausible,
                "absence": one.absence,
            }
            for one in self.features
        ]
        return {"name": self.name, "title": self.title, "moment": self.moment, "digest": self.digest, "features": rows}


def names() -> tuple[str, ...]:
    """The shipped feature views."""
    return tuple(name.removesuffix(".yaml") for name in listing("trivet.maps", "features", ".yaml"))


def seconds(span: str) -> int:
    """`24h` -> 86400, `3d` -> 259200. Fault for anything else."""
    found = SPAN.fullmatch(span)
    if found is None:
        raise Fault("E335", "not a span of hours or days", why=span)
    return int(found[1]) * (3600 if found[2] == "h" else 86400)


@cache
def definition(name: str) -> View:
    """The view of that name. NotFound (exit 5) when there is none, Fault when its file is wrong."""
    if name not in names():
        raise NotFound("E334", "no feature view of that name", where=name, why="known: " + ", ".join(names()))
    shipped = text("trivet.maps", "features", f"{name}.yaml")
    data = yamltext.loads(shipped)
    if unknown := set(data) - HEAD | {key for row in data["features"] for key in set(row) - KEYS}:
        raise Fault("E336", f"unknown keys in feature view {name}: {', '.join(sorted(unknown))}", where=f"maps/features/{name}.yaml")
    features = tuple(_feature(row) for row in data["features"])
    if len({one.name for one in features}) < len(features):
        raise Fault("E336", f"a feature stands twice in {name}", where=f"maps/features/{name}.yaml")
    tables = {table: text("trivet.maps", *table.split("/")) for table in data.get("tables", ())}
    own = _statements(data["statement"])
    read = closure("\n".join(statement for _, statement in own))
    sql = ((STATE, _near(data, read)), *own)
    parts = {f"features/{part}": sha256(statement.encode()) for part, statement in sql}
    parts |= {f"maps/{table}": sha256(content.encode()) for table, content in tables.items()}
    made = digest({"definition": sha256(shipped.encode()), "views": views_digest(read), **parts})
    places = any("ratio" in row for row in data["features"])
    return View(name, data["title"], data["moment"], places, types_read(read), features, sql, _relations(data, tables), made)


def _near(data: Mapping[str, Any], read: tuple[str, ...]) -> str:
    """The statement that takes, of all versions, what the cases may see: types, reach in seconds, reach about places."""
    places = max([seconds(row["within"]) for row in data["features"] if "ratio" in row], default=0)
    types = ", ".join(f"'{kind}'" for kind in types_read(read))
    near = text("trivet.data", "sql", "statements", "version_near.sql")
    return near.format(types=types, lookback=seconds(data["lookback"]), places=places)


def _feature(row: Mapping[str, Any]) -> Feature:
    low, high = (float(bound) for bound in row["hard"])
    usual = tuple(float(bound) for bound in row.get("plausible", (low, high)))
    if not low <= usual[0] <= usual[1] <= high:
        raise Fault("E336", f"the ranges of {row['name']} are none")
    return Feature(
        row["name"], row["meaning"], row["unit"], row["absence"], (low, high), (usual[0], usual[1]), bool(row.get("count", False))
    )


def _statements(name: str) -> tuple[tuple[str, str], ...]:
    """The statement of a view after those it reads."""
    files = {
        file.removesuffix(".sql"): text("trivet.data", "sql", "features", file) for file in listing("trivet.data", "sql/features", ".sql")
    }
    ordered: dict[str, str] = {}

    def add(one: str) -> None:
        for other in sorted({word for word in WORD.findall(files[one]) if word in files} - {one}):
            add(other)
        ordered.setdefault(one, files[one])

    add(name)
    return tuple(ordered.items())


def _relations(data: Mapping[str, Any], tables: Mapping[str, str]) -> dict[str, pa.Table]:
    """What the SQL reads of the definition."""
    rows = data["features"]
    made = {
        "feature": pa.table(
            {
                "name": pa.array([row["name"] for row in rows], pa.string()),
                "reading": pa.array([row.get("reading", "") for row in rows], pa.string()),
                "limit_value": pa.array([row.get("limit") for row in rows], pa.float64()),
                "within": pa.array([seconds(row.get("within", data["lookback"])) for row in rows], pa.int64()),
            }
        ),
        "feature_code": _table(
            ("feature", "system", "code"),
            [(row["name"], system, str(code)) for row in rows for system, codes in row.get("codes", {}).items() for code in codes],
        ),
        "feature_unit": _units(rows),
        "feature_answer": _numbers(
            "word", [(row["name"], word, number) for row in rows for word, number in row.get("answers", {}).items()]
        ),
        "feature_change": _changes(rows),
        "feature_ratio": _table(("feature", "part", "system", "code"), _ratios(rows)),
    }
    made |= {name: _table(("item",), [(str(item),) for item in items]) for name, items in data.get("lists", {}).items()}
    made |= {name: _closed(held) for name, held in data.get("rows", {}).items()}
    for name, content in tables.items():
        held = list(csv.DictReader(io.StringIO(content)))
        made[name.rpartition("/")[2].removesuffix(".csv")] = _table(tuple(held[0]), [tuple(row.values()) for row in held])
    return made


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> pa.Table:
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(columns)})


def _numbers(key: str, rows: list[tuple[str, str, float]]) -> pa.Table:
    columns = {"feature": [row[0] for row in rows], key: [str(row[1]) for row in rows]}
    held = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    return pa.table({**held, "number": pa.array([float(row[2]) for row in rows], pa.float64())})


def _ratios(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Which counts a ratio is made of: `of` above, `to` below."""
    return [
        (row["name"], part, system, str(code))
        for row in rows
        for part, codes in row.get("ratio", {}).items()
        for system, held in codes.items()
        for code in held
    ]


def _closed(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows that stand in the definition itself; numbers stay numbers."""
    return pa.table({name: pa.array([row[name] for row in rows]) for name in rows[0]})


def _units(rows: list[dict[str, Any]]) -> pa.Table:
    """Accepted units with what turns a value in them into the feature's: a factor, or `{multiply, add}`."""
    found = []
    for row in rows:
        for unit, rule in row.get("units", {}).items():
            multiply, add = (rule["multiply"], rule["add"]) if isinstance(rule, dict) else (rule, 0)
            found.append((row["name"], unit, float(multiply), float(add)))
    columns = list(zip(*found, strict=True)) if found else [(), (), (), ()]
    kinds = (pa.string(), pa.string(), pa.float64(), pa.float64())
    return pa.table({name: pa.array(columns[at], kinds[at]) for at, name in enumerate(("feature", "unit", "multiply", "add"))})


def _changes(rows: list[dict[str, Any]]) -> pa.Table:
    found = [(row["name"], row["change"]["of"], seconds(row["change"]["over"])) for row in rows if "change" in row]
    held = {"feature": [one[0] for one in found], "source": [one[1] for one in found]}
    columns = {name: pa.array(values, pa.string()) for name, values in held.items()}
    return pa.table({**columns, "over": pa.array([one[2] for one in found], pa.int64())})
