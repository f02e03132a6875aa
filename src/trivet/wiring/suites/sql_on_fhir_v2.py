"""The SQL on FHIR v2 suite: views over a few resources, with the rows or the refusal expected."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow

from trivet.contracts.engine import Engine
from trivet.contracts.suite import SuiteResult
from trivet.data.sof import ViewError
from trivet.data.sof.results import rows
from trivet.kernel.errors import Fault, Usage
from trivet.kernel.jsontext import loads
from trivet.wiring.engines import open_engine

__all__ = ["run"]

SUITE = "sql-on-fhir-v2"
ENGINES = ("reference", "duckdb", "spark")
QUICK: dict[str, dict[str, Any]] = {
    "spark": {"master": "local[1]", "options": {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}}
}
"""A few rows at a time: compiling each statement to Java would take longer than running it."""


def key(row: dict[str, Any]) -> str:
    """A row as text that equal rows share: numbers by value."""
    return repr(sorted((name, shown(value)) for name, value in row.items()))


def shown(value: Any) -> Any:
    """A value as it is compared."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, Decimal)):
        return str(Decimal(value).normalize())
    return [shown(one) for one in value] if isinstance(value, list) else str(value)


def case(test: dict[str, Any], engine: Engine) -> str:
    """Empty when the case holds, else what was found instead."""
    try:
        table = engine.view(test["view"])
    except ViewError as error:
        return "" if test.get("expectError") else f"refused: {error.what}"
    names = table.column_names
    found = [dict(zip(names, row, strict=True)) for row in rows(table)]
    if test.get("expectError"):
        return f"should be refused, gave {len(found)} rows"
    if sorted(map(key, found)) != sorted(map(key, test["expect"])):
        return f"expected {test['expect']!r:.300}, found {found!r:.300}"
    if test.get("expectColumns") and names != test["expectColumns"]:
        return f"expected columns {test['expectColumns']}, found {names}"
    return ""


def run(corpora: Path, engines: Sequence[str] = ENGINES) -> SuiteResult:
    """Every test of every file on every engine that is there, named engine/file/title, and counted by engine."""
    result = SuiteResult(SUITE)
    for name in engines:
        engine = open_engine(name, **QUICK.get(name, {}))
        try:
            engine.records("records")
        except (Fault, Usage) as error:
            result.measures[name] = f"not run: {error.what}; {error.help}"
            continue
        try:
            result.measures[name] = on_engine(engine, corpora, result)
        finally:
            engine.close()
    return result


def on_engine(engine: Engine, corpora: Path, result: SuiteResult) -> str:
    """One engine's cases into the result; says how many hold."""
    held_before, failed_before = len(result.passed), len(result.failed)
    for path in sorted((corpora / SUITE / "tests").glob("*.json")):
        held = msgspec.json.decode(path.read_bytes(), type=_File)
        engine.records("records", table=pyarrow.table({"raw": [bytes(one).decode() for one in held.resources]}))
        for number, raw in enumerate(held.tests):
            test = loads(bytes(raw))
            name = f"{engine.name}/{path.stem}/{test['title']}"
            name = f"{name}#{number}" if name in result.passed or name in result.failed else name
            why = case(test, engine)
            if why:
                result.failed[name] = why
            else:
                result.passed.append(name)
    held_now, failed_now = len(result.passed) - held_before, len(result.failed) - failed_before
    return f"{held_now} of {held_now + failed_now}"


class _File(msgspec.Struct):
    resources: list[msgspec.Raw]
    tests: list[msgspec.Raw]
