"""OHDSI's checks over an OMOP database. In: where it lies, thresholds, what day it is. Out: judged measurements, or rows of one check."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trivet.data.dqd import Check, Measured, judge, measure, open_rows, read_plan, summary
from trivet.data.dqd.judge import failed_stage
from trivet.data.dqd.plan import STAGES
from trivet.data.engines.cdm import CdmEngine
from trivet.data.omop.model import cdm
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound, Usage

__all__ = ["open_check", "rejudge", "run_checks"]


def shape() -> dict[str, dict[str, str]]:
    """Table -> column -> SQL type."""
    return {name: {column.name: column.sql for column in table.columns} for name, table in cdm().items()}


def run_checks(
    path: Path, today: str, tables: Path | None = None, staged: bool = False, empty: bool = False, keep: int = 100
) -> dict[str, Any]:
    """Measure everything, then judge. With `staged`, a stage after a failed one is not run, and says so. `empty`: see `CdmEngine`."""
    checks = read_plan(tables)
    engine = CdmEngine(path, shape(), empty=empty)
    begun = time.process_time()
    measured: dict[str, Measured] = {}
    try:
        for stage in STAGES:
            mine = [check for check in checks if check.stage == stage]
            why = failed_stage(judge(checks, measured), stage) if staged else ""
            for found in measure(engine, mine, today, keep, why):
                measured[found.id] = found
        ignored, findings = engine.ignored, engine.findings
    finally:
        engine.close()
    return answer(checks, measured) | {
        "today": today,
        "ignored": ignored,
        "findings": findings,
        "cpu_seconds": round(time.process_time() - begun, 2),
    }


def answer(checks: Sequence[Check], measured: dict[str, Measured]) -> dict[str, Any]:
    """The documented form."""
    judged = judge(checks, measured)
    return summary(judged) | {"results": [one.as_dict() | {"state": one.measured.state} for one in judged]}


def rejudge(report: Path, tables: Path | None) -> dict[str, Any]:
    """Other thresholds over measurements that were made before: nothing runs. Usage for a file that is no report."""
    try:
        said = jsontext.loads(report.read_bytes())
        measured = {
            row["id"]: Measured(row["id"], row["state"], row["failing"], row["total"], tuple(row["keys"]), row["why"])
            for row in said["results"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise Usage(
            "E805", "not a report of trivet dqd", where=str(report), why=type(error).__name__, help="trivet dqd PATH --json"
        ) from None
    return answer(read_plan(tables), measured) | {name: said.get(name) for name in ("today", "ignored", "findings", "cpu_seconds")}


def open_check(path: Path, name: str, today: str, tables: Path | None, limit: int) -> list[dict[str, Any]]:
    """The rows that break one check. NotFound for a check nobody knows."""
    found = [check for check in read_plan(tables) if check.id == name.lower()]
    if not found:
        raise NotFound("E806", "no such check", why=name, help="trivet dqd PATH --json")
    engine = CdmEngine(path, shape())
    try:
        return open_rows(engine, found[0], today, limit)
    finally:
        engine.close()
