"""The list of checks, and how measurements are judged. In: the approved table, a site's changes, counts; out, verdicts with a reason.

Stages follow Tuva's order: structure (can it be read and joined), logic (does it say what can be), analysis (is it as it used to be).
A check names the structure checks that it rests on (`rests_on`); where one of them fails, it is `not-run`: neither pass nor silence.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["STAGES", "Check", "Measured", "failed_structure", "judged", "shipped_checks", "site_checks"]

STAGES = ("structure", "logic", "analysis")
Rows = tuple[tuple[str, int | None, str], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table of checks. `threshold` is the share of failing rows that is still let pass."""

    check: str
    stage: str
    table: str
    rests_on: str
    threshold: float
    severity: str
    owner: str
    kahn: str
    hdqt: str
    why: str

    @property
    def sql(self) -> str:
        """The query of this check."""
        return text("trivet.data", "sql", "checks", f"{self.check}.sql")

    def held_by(self, failed: Sequence[str]) -> list[str]:
        """The failed structure checks that this one rests on."""
        return [name for name in self.rests_on.split() if name in failed]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one check counted. `total` None: not measured. `short` rows speak of too few to say anything. `broken`: it cannot run."""

    check: Check
    failing: int = 0
    total: int | None = None
    short: int = 0
    rows: Rows = ()
    broken: bool = False

    @property
    def own(self) -> str:
        """The verdict by its own counts and the threshold in force."""
        if self.broken:
            return "error"
        if not self.total:
            return "insufficient" if self.short else "not-applicable"
        return "fail" if self.failing > self.check.threshold * self.total else "pass"


def failed_structure(measured: Sequence[Measured]) -> list[str]:
    """Structure checks that do not hold under the thresholds in force."""
    return [one.check.check for one in measured if one.check.stage == "structure" and one.own in ("fail", "error")]


def judged(measured: Sequence[Measured]) -> list[tuple[Measured, str, str]]:
    """Each measurement with its verdict and, where it has none of its own, why."""
    failed, found = failed_structure(measured), []
    for one in measured:
        held = one.check.held_by(failed)
        if held:
            found.append((one, "not-run", "structure failed: " + ", ".join(held)))
        elif one.total is None and not one.broken:
            found.append((one, "not-run", "structure holds now; trivet check measures it"))
        else:
            found.append((one, one.own, f"{one.short} rows speak of too few" if one.short else ""))
    return found


def rows_of(folder: str, name: str) -> list[dict[str, str]]:
    """The rows of an approved table."""
    return list(csv.DictReader(text("trivet.maps", folder, name).splitlines()))


@cache
def shipped_checks() -> tuple[Check, ...]:
    """The checks that ship, in their order."""
    return tuple(Check(**row | {"threshold": float(row["threshold"])}) for row in rows_of("quality", "checks.csv"))  # type: ignore[arg-type]


def site_checks(folder: Path) -> tuple[Check, ...]:
    """The checks with a site's own thresholds, severities and owners. Usage for a check that nobody knows."""
    path = folder / "checks.csv"
    own = {row["check"]: row for row in csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())} if path.is_file() else {}
    unknown = own.keys() - {check.check for check in shipped_checks()}
    if unknown:
        raise Usage("E290", "no such check: " + ", ".join(sorted(unknown)), where=str(path), help="trivet check --list")
    merged = []
    for check in shipped_checks():
        row = own.get(check.check, {})
        given: dict[str, Any] = {name: row[name] for name in ("severity", "owner", "why") if row.get(name)}
        threshold = float(row["threshold"]) if row.get("threshold") else check.threshold
        fields = {name: getattr(check, name) for name in Check.__slots__} | given | {"threshold": threshold}
        merged.append(Check(**fields))
    return tuple(merged)
