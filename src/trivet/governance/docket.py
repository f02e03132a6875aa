"""Which decision is meant: in, its id or its ledger position; out, where it stands. Refused: what nobody decided."""

from __future__ import annotations

from trivet.contracts.ports import Store
from trivet.contracts.trail import DecisionPlace
from trivet.governance.statements import sql
from trivet.kernel.errors import NotFound

__all__ = ["StoreDocket"]


class StoreDocket:
    """`contracts.trail.Docket` over the operational store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, name: str) -> DecisionPlace:
        """By id (`D-000042`) or by ledger position. NotFound E660 otherwise."""
        rows = self._store.read(sql("decision_place"), (name,))
        if not rows:
            raise NotFound("E660", f"no decision {name}", help="trivet query 'select * from decisions'")
        return DecisionPlace(*rows[0])
