"""Verdicts on measurements: thresholds in force, and what is not applicable because there is nothing to speak of.

Verdicts: `pass`, `pass-with-violations` (some rows break it, no more than are let pass), `fail`, `not-applicable`, `error`
(it could not run: never a pass), `not-run` (an earlier stage failed).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trivet.data.dqd.measure import Measured
from trivet.data.dqd.plan import STAGES, Check, as_row

__all__ = ["VERDICTS", "Judged", "failed_stage", "judge", "summary"]

VERDICTS = ("pass", "pass-with-violations", "fail", "error", "not-applicable", "not-run")


@dataclass(frozen=True, slots=True)
class Judged:
    """A check, its measurement and the verdict."""

    check: Check
    measured: Measured
    verdict: str
    why: str

    def as_dict(self) -> dict[str, Any]:
        """The documented form."""
        measured = self.measured
        counts = {"failing": measured.failing, "total": measured.total, "threshold": self.check.threshold}
        return {**as_row(self.check), **counts, "verdict": self.verdict, "why": self.why, "keys": list(measured.keys)}


def judge(checks: Sequence[Check], measured: Mapping[str, Measured]) -> list[Judged]:
    """One verdict for each check that was measured."""
    done = [(check, measured[check.id]) for check in checks if check.id in measured]
    empty_tables, empty_fields = set(), set()
    for check, found in done:
        if check.name == "measureValueCompleteness" and found.state == "measured":
            if found.total == 0:
                empty_tables.add(check.table)
            elif found.failing == found.total:
                empty_fields.add((check.table, check.field))
    absent = {check.table for check, found in done if check.name == "cdmTable" and found.failing}
    return [Judged(check, found, *_verdict(check, found, absent, empty_tables, empty_fields)) for check, found in done]


def _verdict(
    check: Check, found: Measured, absent: set[str], empty_tables: set[str], empty_fields: set[tuple[str, str]]
) -> tuple[str, str]:
    if found.state == "not-run":
        return "not-run", found.why
    if check.name == "measureConditionEraCompleteness" and {"condition_occurrence"} & (absent | empty_tables):
        return "not-applicable", "table condition_occurrence is empty"
    if found.state == "missing":
        return "not-applicable", found.why
    if found.state == "error":
        return "error", found.why
    if check.name not in ("cdmTable", "cdmField", "measurePersonCompleteness", "measureConditionEraCompleteness"):
        if check.table in empty_tables:
            return "not-applicable", f"table {check.table} is empty"
        if check.name != "measureValueCompleteness":
            if (check.table, check.field) in empty_fields:
                return "not-applicable", f"field {check.table}.{check.field} is not populated"
            if check.level == "CONCEPT" and found.total == 0:
                return "not-applicable", f"concept {check.concept} is not in {check.table}"
    if not found.failing:
        return "pass", ""
    share = 100 * found.failing / found.total if found.total else 0.0
    if not check.threshold:
        return "fail", "no row may break it"
    if share > check.threshold:
        return "fail", f"{share:.2f} % break it, {check.threshold:g} % are let pass"
    return "pass-with-violations", f"{share:.2f} % break it, {check.threshold:g} % are let pass"


def failed_stage(judged: Iterable[Judged], stage: str) -> str:
    """Why later stages are not worth their run: a check of this or an earlier stage that is fatal and does not hold. Empty when none."""
    earlier = STAGES[: STAGES.index(stage)]
    for one in judged:
        if one.check.stage in earlier and one.check.severity == "fatal" and one.verdict in ("fail", "error"):
            return f"not run: {one.check.stage} failed"
    return ""


def summary(judged: Iterable[Judged]) -> dict[str, Any]:
    """Counts by verdict, whole and by stage."""
    whole = dict.fromkeys(VERDICTS, 0)
    stages = {stage: dict.fromkeys(VERDICTS, 0) for stage in STAGES}
    for one in judged:
        whole[one.verdict] += 1
        stages[one.check.stage][one.verdict] += 1
    return {"checks": sum(whole.values()), "verdicts": whole, "stages": stages}
