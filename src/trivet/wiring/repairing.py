"""How repairs get their desk."""

from __future__ import annotations

from typing import Any

from trivet.contracts.house import House

__all__ = ["repairs"]


def repairs(house: House) -> Any:
    """Where repairs are kept."""
    from trivet.data.repair.desk import RepairDesk

    return RepairDesk(house.store, house.role("erasures").mark)
