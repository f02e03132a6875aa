"""A projection: tables that can be made again from ledger and vault alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trivet.contracts.house import House

__all__ = ["Projection"]


@dataclass(frozen=True, slots=True)
class Projection:
    """`tables` gives each table with the columns that put its rows in one order (a key), so that it has one digest; parents stand
    before the tables that refer to them. `replay` fills the tables of the house it is given: its store is empty, its vault and
    ledger are the true ones and are only read. Same vault, same ledger, same release: same rows.
    """

    name: str
    tables: Mapping[str, str]
    replay: Callable[[House], None]
