"""What decisions stood on, made again: units translated anew, feature views asked anew, shared by decisions replayed together.

In: decision records. Out: record bodies as they come out of the bytes today, and feature rows as of the recorded positions.
Refused: nothing; what cannot be had is said to be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.feature import FeatureRow
from trivet.contracts.house import House
from trivet.contracts.parcel import Task
from trivet.contracts.profile import SourceProfile
from trivet.flows.footing import Ground
from trivet.kernel.digest import commitment
from trivet.kernel.errors import NotFound, Problem
from trivet.kernel.jsontext import loads

__all__ = ["Again", "under"]

Fact = tuple[str, int]


class Again:
    """The same facts and features, made now. `missing` are record versions that are no longer there."""

    def __init__(self, house: House, records: Sequence[DecisionRecord]) -> None:
        self.house, self.ground = house, Ground(house)
        self.missing: set[Fact] = set()
        self._runs: dict[int, dict[str, Any]] = {}
        for record in records:
            for fact in under(record):
                self._touch(fact)
        self.read_by: dict[int, str] = {}
        self.made = self._translate()
        self.rows = self._ask([record.features for record in records if record.features is not None])

    def _touch(self, fact: Fact) -> None:
        try:
            self.ground.receipt(self.ground.version(*fact).receipt)
        except NotFound:
            self.missing.add(fact)

    def receipts(self, record: DecisionRecord) -> list[int]:
        """The units behind a decision."""
        return sorted({self.ground.versions[fact].receipt for fact in under(record) if fact not in self.missing})

    def opens(self, seq: int) -> bool | None:
        """Do the stored bytes of a unit open the commitment made when it came? None when they are erased."""
        data = self.ground.unit(seq)
        if data is None:
            return None
        said = self.house.ledger.entry(seq)["commitments"].get("raw")
        return bool(commitment(self.house.vault.opening(self.ground.receipts[seq].receipt.blob), "raw", data) == said)

    def same(self, fact: Fact) -> bool | None:
        """Does this record version come out of its unit again, letter for letter? None when version or unit are gone."""
        if fact in self.missing:
            return None
        version = self.ground.versions[fact]
        if self.ground.unit(version.receipt) is None:
            return None
        return self.made.get((version.receipt, version.key)) == version.body

    def _translate(self) -> dict[tuple[int, str], str]:
        """Every unit again, with the profile of the run that read it first."""
        tasks, release = [], self.house.role("release")
        for seq, trace in self.ground.receipts.items():
            data = self.ground.unit(seq)
            if data is None or trace.run is None:
                continue
            run = self._run(trace.run)
            said = run["profiles"][f"{trace.receipt.source}/{trace.receipt.format}"]
            tasks.append(Task(seq, data, SourceProfile(**said)))
            if run["release"] != release:
                self.read_by[seq] = run["release"]["code"]
        parcels = self.house.role("workshop").submit(tasks).result() if tasks else []
        return {(task.seq, sheet.key): sheet.body for task, parcel in zip(tasks, parcels, strict=True) for sheet in parcel.sheets}

    def _run(self, seq: int) -> dict[str, Any]:
        """What a normalisation run wrote about itself, once."""
        if seq not in self._runs:
            self._runs[seq] = loads(self.house.vault.get(self.house.ledger.entry(seq)["notes"]["blob"]))
        return self._runs[seq]

    def _ask(self, rows: Sequence[FeatureRow]) -> dict[tuple[str, str, str, int], FeatureRow | str]:
        """Every row again, in one question for each view; a code where the view cannot be asked."""
        answers: dict[tuple[str, str, str, int], FeatureRow | str] = {}
        for view in {row.view for row in rows}:
            cases = sorted({(row.person, row.instant, row.as_of) for row in rows if row.view == view})
            try:
                found: Sequence[FeatureRow | str] = self.house.features.many(view, cases) if len(cases) > 1 else [self._one(view, cases[0])]
            except Problem:
                found = [self._one(view, case) for case in cases]
            answers |= {(view, *case): row for case, row in zip(cases, found, strict=True)}
        return answers

    def _one(self, view: str, case: tuple[str, str, int]) -> FeatureRow | str:
        try:
            return self.house.features.one(view, *case)
        except Problem as problem:
            return problem.code


def under(record: DecisionRecord) -> list[Fact]:
    """The record versions that a decision's features name."""
    values = record.features.values if record.features is not None else ()
    return sorted({(fact.record, fact.version) for value in values for fact in value.contributions})
