"""Raw bytes whose time is over: which they are, and who lets them go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trivet.contracts.envelope import Receipt
from trivet.contracts.ports import Tx

__all__ = ["Retention"]


class Retention(Protocol):
    """`over` are units that came before an instant, ended as mapped in whole or as ignored, and still have their bytes. `alone` leaves
    out those whose bytes another unit has to keep. `waiting` counts what is old and stays because nobody is done with it."""

    def over(self, before: str, after: int, limit: int) -> list[Receipt]: ...

    def alone(self, receipts: Sequence[Receipt], before: str, held: Sequence[str]) -> list[Receipt]: ...

    def waiting(self, before: str) -> dict[str, int]: ...

    def units_of(self, facts: Sequence[tuple[str, int]]) -> set[int]: ...

    def remove(self, tx: Tx, receipts: Sequence[Receipt]) -> None: ...
