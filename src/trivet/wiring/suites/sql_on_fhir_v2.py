"""The SQL on FHIR v2 suite: views over a few resources, with the rows or the refusal expected."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.data.sof import ViewError, ViewRunner, read_view
from trivet.kernel.jsontext import loads
from trivet.wiring.suites.fhirpath_r4 import r4_types

__all__ = ["run"]

SUITE = "sql-on-fhir-v2"


def rows_of(view: Any, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a ViewDefinition by column name."""
    read = read_view(view)
    return [dict(zip(read.names(), row, strict=True)) for row in ViewRunner(read, r4_types()).rows(resources)]


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


def case(test: dict[str, Any], resources: list[dict[str, Any]]) -> str:
    """Empty when the case holds, else what was found instead."""
    try:
        found = rows_of(test["view"], resources)
    except ViewError as error:
        return "" if test.get("expectError") else f"refused: {error.what}"
    if test.get("expectError"):
        return f"should be refused, gave {len(found)} rows"
    if sorted(map(key, found)) != sorted(map(key, test["expect"])):
        return f"expected {test['expect']!r:.300}, found {found!r:.300}"
    if test.get("expectColumns") and found and list(found[0]) != test["expectColumns"]:
        return f"expected columns {test['expectColumns']}, found {list(found[0])}"
    return ""


def run(corpora: Path) -> SuiteResult:
    """Every test of every file, named file/title."""
    result = SuiteResult(SUITE)
    for path in sorted((corpora / SUITE / "tests").glob("*.json")):
        held = loads(path.read_bytes())
        for number, test in enumerate(held["tests"]):
            name = f"{path.stem}/{test['title']}"
            name = f"{name}#{number}" if name in result.passed or name in result.failed else name
            why = case(test, held["resources"])
            if why:
                result.failed[name] = why
            else:
                result.passed.append(name)
    return result
