"""Raw bytes that are old: found, and let go. In, an instant; out, receipts. Refused: whatever is in flight, quarantined or partial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.ports import Store, Tx
from trivet.kernel import jsontext
from trivet.kernel.resources import text

__all__ = ["StoreRetention"]


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"retention_{name}.sql")


class StoreRetention:
    """`contracts.retention.Retention` over the operational store and the vault."""

    def __init__(self, store: Store, vault: Any) -> None:
        self._store, self._vault = store, vault

    def over(self, before: str, after: int, limit: int) -> list[Receipt]:
        """Units that came before an instant, are done with, and still have their bytes; in the order of their numbers."""
        return [Receipt(*row) for row in self._store.read(_sql("over"), {"before": before, "after": after, "limit": limit})]

    def alone(self, receipts: Sequence[Receipt], before: str, held: Sequence[str]) -> list[Receipt]:
        """Those whose bytes no other unit has to keep: another feed may have delivered the same."""
        asked = {"blobs": _list([receipt.blob for receipt in receipts]), "before": before, "held": _list(held)}
        kept = {blob for (blob,) in self._store.read(_sql("shared"), asked)}
        return [receipt for receipt in receipts if receipt.blob not in kept]

    def waiting(self, before: str) -> dict[str, int]:
        """Old units that keep their bytes because nobody is done with them: `in flight`, `quarantined`, `partial`."""
        found = {str(word): int(count) for word, count in self._store.read(_sql("waiting"), (before,))}
        return {word: found.get(word, 0) for word in ("in flight", "quarantined", "partial")}

    def units_of(self, facts: Sequence[tuple[str, int]]) -> set[int]:
        """The units that these record versions were read from."""
        return {seq for (seq,) in self._store.read(_sql("units"), (_list(facts),))}

    def remove(self, tx: Tx, receipts: Sequence[Receipt]) -> None:
        """Let the bytes of these units go."""
        self._vault.expire(tx, [receipt.blob for receipt in receipts])


def _list(values: Sequence[Any]) -> str:
    return jsontext.dumps(list(values)).decode("utf-8")
