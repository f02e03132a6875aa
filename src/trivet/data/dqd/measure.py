"""Counts what each check counts: rows that break it (`failing`) of rows it speaks of (`total`). A check that cannot run is an `error`.

The rows themselves are one query away by the same statement (`open_rows`); their keys are kept with the measurement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from trivet.data.dqd.plan import Check
from trivet.data.omop.model import cdm
from trivet.kernel.errors import Fault, Usage
from trivet.kernel.resources import text

__all__ = ["Measured", "measure", "open_rows", "statement"]

GENDER = {"Male": "8507", "Female": "8532"}
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
NUMBERS = re.compile(r"-?[0-9]+(,\s*-?[0-9]+)*")
DAY = re.compile(r"'?(\d{4})(\d\d)(\d\d)'?")
WORD = re.compile(r"[A-Za-z ]+")
DATED = ("date", "datetime")


class Engine(Protocol):
    """What runs SQL over an OMOP database; `columns` is table -> column -> type."""

    columns: dict[str, dict[str, str]]

    def ask(self, sql: str) -> list[tuple[Any, ...]]: ...

    def rows(self, sql: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement. `state`: `measured`, `error` (it could not run; `why`), `missing` (its table or field is not there), `not-run`."""

    id: str
    state: str
    failing: int = 0
    total: int = 0
    keys: tuple[Any, ...] = ()
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The documented form."""
        return asdict(self)


def measure(engine: Engine, checks: Iterable[Check], today: str, keep: int = 100, not_run: str = "") -> Iterator[Measured]:
    """Every check in turn. `today` (YYYY-MM-DD) is what the future is measured against; with `not_run` none is run, for that reason."""
    totals: dict[str, int] = {}
    for check in checks:
        if not_run:
            yield Measured(check.id, "not-run", why=not_run)
            continue
        missing = _missing(engine, check)
        if missing:
            yield Measured(check.id, "missing", why=missing)
            continue
        try:
            yield _one(engine, check, today, keep, totals)
        except Fault as fault:
            yield Measured(check.id, "error", why=fault.why)


def _one(engine: Engine, check: Check, today: str, keep: int, totals: dict[str, int]) -> Measured:
    broken, spoken = statement(check, today, "1"), denominator(check)
    if spoken not in totals:
        totals[spoken] = int(engine.ask(_count(spoken))[0][0])
    failing = int(engine.ask(_count(broken))[0][0])
    keys: tuple[Any, ...] = ()
    if failing and keep:
        keys = tuple(row[0] for row in engine.ask(_limited(statement(check, today, _key(check, engine)), keep)))
    return Measured(check.id, "measured", failing, totals[spoken], keys)


def open_rows(engine: Engine, check: Check, today: str, limit: int) -> list[dict[str, Any]]:
    """The rows that break a check, whole."""
    return engine.rows(_limited(statement(check, today, "t.*"), limit))


def statement(check: Check, today: str, show: str) -> str:
    """The query whose rows break a check, showing `show` of each."""
    return _filled(check.sql, check, today, show)


def denominator(check: Check) -> str:
    """The query whose rows a check speaks of."""
    return _filled(f"denominators/{check.denominator}", check, "2000-01-01", "1")


def _filled(name: str, check: Check, today: str, show: str) -> str:
    *folder, file = name.split("/")
    sql = text("trivet.data", "sql", "dqd", *folder, f"{file}.sql")
    sql = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    number = check.field == "unit_concept_id" and check.table in ("measurement", "observation")
    own = check.other_table in ("", check.table)
    person = check.other_table == "person"
    other = f't."{check.other_field}"' if own else f'o."{check.other_field}"'
    earlier = f"CAST({other} AS DATE)"
    return sql.format(
        show=show,
        table=f'"{check.table}"',
        field=f'"{check.field}"',
        table_text=f"'{check.table}'",
        field_text=f"'{check.field}'",
        other=f'"{check.other_table}"',
        other_field=f'"{check.other_field}"',
        value=_value(check, today),
        as_compared=f'CAST(t."{check.field}" AS DATE)' if check.type in DATED else f't."{check.field}"',
        has_number="t.value_as_number IS NOT NULL" if number else "true",
        join="" if own else f'JOIN "{check.other_table}" AS o ON o.person_id = t.person_id',
        earlier=f"coalesce({earlier}, make_date(CAST(o.year_of_birth AS BIGINT), 6, 1))" if person else earlier,
        concept=_matching(NUMBERS, check.concept, check) if check.level == "CONCEPT" else "0",
        gender=GENDER.get(check.value, "0"),
        wrong_unit="t.unit_concept_id IS NOT NULL"
        if check.value in ("", "NA")
        else f"t.unit_concept_id NOT IN ({_matching(NUMBERS, check.value, check)})"
        if check.name == "plausibleUnitConceptIds"
        else "true",
    )


def _value(check: Check, today: str) -> str:
    """A limit as SQL: a number, a day, or one of the two limits that speak of today. Usage for anything else."""
    if check.name in ("fkDomain", "fkClass"):
        return "'" + _matching(WORD, check.value, check) + "'"
    if not check.name.startswith("plausibleValue"):
        return "NULL"
    said = check.value
    day = DAY.fullmatch(said)
    if said == "DATEADD(dd,1,GETDATE())":
        return f"(DATE '{today}' + 1)"
    if said == "YEAR(GETDATE())+1":
        return str(int(today[:4]) + 1)
    if check.type in DATED and day:
        return f"DATE '{day[1]}-{day[2]}-{day[3]}'"
    return _matching(NUMBER, said, check)


def _matching(pattern: re.Pattern[str], said: str, check: Check) -> str:
    if not pattern.fullmatch(said):
        raise Usage("E804", "a table of checks holds a value that no check understands", where=check.id, why=said)
    return said


def _missing(engine: Engine, check: Check) -> str:
    """What of a check's own table is not there; the two checks that ask for it are never missing."""
    if check.name == "cdmTable" or (check.name == "cdmField" and check.table in engine.columns):
        return ""
    if check.table not in engine.columns:
        return f"table {check.table} is not there"
    if check.field and check.name != "cdmField" and check.field not in engine.columns[check.table]:
        return f"field {check.table}.{check.field} is not there"
    return ""


def _key(check: Check, engine: Engine) -> str:
    """What is kept of a row that breaks a check: its key where it has one, else its first column."""
    table = "person" if check.name == "measurePersonCompleteness" else check.table
    key = cdm()[table].key if table in cdm() else ""
    columns = engine.columns.get(table, {})
    return f't."{key}"' if key in columns else f't."{next(iter(columns))}"' if columns else "1"


def _count(sql: str) -> str:
    return text("trivet.data", "sql", "dqd", "catalogue", "count.sql").format(rows=sql)


def _limited(sql: str, limit: int) -> str:
    return text("trivet.data", "sql", "dqd", "catalogue", "limited.sql").format(rows=sql, limit=int(limit))
