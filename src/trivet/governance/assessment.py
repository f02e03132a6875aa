"""Readiness, debt and value of one home, as of now: what the command line, the console and an export ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from trivet.contracts.figure import Readiness, ValueResult
from trivet.contracts.ports import Clock, Tx
from trivet.governance.debt import debt
from trivet.governance.measured import Meter, Query, given
from trivet.governance.office import Office
from trivet.governance.readiness import readiness
from trivet.governance.value import hypothesis_words, value

__all__ = ["Assessment"]


class Assessment:
    """`query` is the shelf's; `position` gives the ledger position that the numbers speak of."""

    def __init__(
        self, office: Office, query: Query, position: Callable[[], int], clock: Clock, site: str, overlay: Mapping[str, str] | None = None
    ) -> None:
        self._office, self._query, self._position, self._clock = office, query, position, clock
        self._site, self._overlay = site, overlay or {}

    def meter(self) -> Meter:
        """A meter over this home, now."""
        return Meter(self._query, given(self._office.policy, self._clock.now(), self._site), self._position())

    def readiness(self) -> Readiness:
        """What is ready."""
        return readiness(self.meter(), self._clock.now(), self._overlay)

    def debt(self) -> dict[str, Any]:
        """What is owed."""
        return debt(self.meter(), self._overlay)

    def value(self) -> list[ValueResult]:
        """What each use returns."""
        state = self._office.state()
        tiers: dict[str, str] = {}
        for release in state.releases():
            for use in release.uses:
                tiers[use] = min(tiers.get(use, "T4"), release.tier)
        return value(self.meter(), state.hypotheses(), state.costs(), tiers, self._overlay)

    def drill_cohort(self, use: str) -> list[tuple[str, str]]:
        """Persons and instants of the newest answers of a use: whom its fallback is tried on."""
        return [(row["person"], row["instant"]) for row in self.meter().rows("meters", "drill-cohort") if row["use"] == use]

    def lock(self, tx: Tx, words: Mapping[str, str], *, by: str) -> int:
        """Lock a value hypothesis by its digest, now. Gives its ledger position."""
        made = hypothesis_words(words)
        return self._office.note(tx, "hypothesis", "lock", by, made["use"], made)

    def enter_cost(self, tx: Tx, words: Mapping[str, str], *, by: str) -> int:
        """Keep a cost: use, kind, source (`invoice` or `estimate`), amount, currency, since, until, note."""
        names = ("use", "kind", "source", "amount", "currency", "since", "until", "note")
        return self._office.note(tx, "cost", "enter", by, words.get("use", "") or "house", {name: words.get(name, "") for name in names})

    def plain(self) -> dict[str, Any]:
        """All three as plain data."""
        return {"readiness": asdict(self.readiness()), "debt": _plain_debt(self.debt()), "value": [asdict(one) for one in self.value()]}


def _plain_debt(owed: dict[str, Any]) -> dict[str, Any]:
    return {**owed, "items": [asdict(item) for item in owed["items"]]}
