"""What `fsck` asks the operational store. In, a store; out, plain rows; nothing is judged here and nothing is changed."""

from __future__ import annotations

from typing import Any

from trivet.contracts.ports import Store
from trivet.kernel.resources import text

__all__ = ["StoreAudit"]


class StoreAudit:
    """Reads whole columns: meant for a check, not for every day."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return self._store.read(text("trivet.data", "sql", "statements", f"audit_{name}.sql"))

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with the file; nothing when it is sound."""
        return [said for (said,) in self._rows("integrity") if said != "ok"]

    def blobs(self) -> list[tuple[str, str, str]]:
        """Address, kind and place (`row`, `file`, `gone`) of every blob."""
        return [(address, kind, place) for address, kind, place in self._rows("blobs")]

    def receipts(self) -> list[tuple[int, str, str, int | None]]:
        """Number, blob, state and run of every receipt."""
        return [(seq, blob, state, run) for seq, blob, state, run in self._rows("receipts")]

    def decisions(self) -> list[tuple[int, str, str]]:
        """Ledger position, id and blob of every decision."""
        return [(seq, name, blob) for seq, name, blob in self._rows("decisions")]

    def versions(self) -> dict[str, list[str]]:
        """Keys of record versions with gaps, without a mapped receipt, without lineage (at most 100 each)."""
        return {name: [key for (key,) in self._rows(f"version_{name}")] for name in ("gaps", "strays", "lineage")}
