"""Binds what erases persons: vault and tables in the data room, rows of decisions in governance; and the published table.

In: the house. Out: the implementations. Refused: nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivet.contracts.house import House

__all__ = ["erasures", "husks", "lake"]


def erasures(house: House) -> Any:
    """Who erases, and knows what was erased. A tombstone carries the tables that add up what is gone, those of who is who, and
    those of repairs."""
    from trivet.data.erasure import StoreErasures
    from trivet.data.interfaces.store import TABLES as REGISTER
    from trivet.data.repair.desk import TABLES as REPAIRS
    from trivet.wiring.projections import COUNTED, IDENTITY

    return StoreErasures(house.vault, house.ledger, {**COUNTED, **REGISTER, **IDENTITY, **REPAIRS})


def husks(house: House) -> Any:
    """What decisions about erased persons leave."""
    from trivet.governance.husks import Husks

    return Husks(house.ledger)


def lake(house: House) -> Any:
    """The shelf as an Iceberg table."""
    from trivet.data.lake import Lake

    return Lake(house.store, Path(house.home) / "shelves" / "lake")
