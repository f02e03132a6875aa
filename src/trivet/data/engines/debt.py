"""What is promised to stand in the store and does not yet: it goes first into the next transaction, whoever begins it."""

from __future__ import annotations

from typing import Protocol

from trivet.contracts.ports import Tx

__all__ = ["Debt"]


class Debt(Protocol):
    """`owed`: how many pieces of it. `stuck`: the last attempt to pay it failed.

    `pay` does it inside a transaction, before all other work, and gives how many; `paid` is told after the commit that is
    durable, `failed` when there was none. All three run in the thread that has the store's turn, and never read the store another way.
    """

    @property
    def owed(self) -> int: ...

    @property
    def stuck(self) -> bool: ...

    def pay(self, tx: Tx) -> int: ...

    def paid(self, count: int) -> None: ...

    def failed(self, error: BaseException) -> None: ...
