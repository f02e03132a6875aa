"""Stop a model. In: its name, who stops it, why. Out: what was done, durable; every answer from now on comes without it."""

from __future__ import annotations

from trivet.contracts.governance import Deed
from trivet.contracts.house import House

__all__ = ["suspend"]


def suspend(house: House, model: str, reason: str, by: str) -> Deed:
    """One person suffices (S6). Other processes follow within a second, and no decision is recorded under the old permission."""
    deed: Deed = house.store.write(lambda tx: house.office.suspend(tx, model, reason, by=by))
    house.gate.refresh()
    return deed
