"""What the house remembers of its wires: bookmarks, names with their marks, how the last poll ended.

In: a source's name. Out: `contracts.source.Memory`. Refused: nothing. No projection and no truth: what is lost here is asked for again,
and lands once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from trivet.contracts.ports import Landing, Store, Tx, Vault
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import text

__all__ = ["StoreWires", "WireMemory"]


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class WireMemory:
    """`contracts.source.Memory` of one source."""

    def __init__(self, source: str, store: Store, vault: Vault, landing: Landing) -> None:
        self._source, self._store, self._vault, self._landing = source, store, vault, landing

    def bookmark(self) -> dict[str, Any]:
        """Where to go on from; empty at the very beginning."""
        rows = self._store.read(_sql("wire_one"), (self._source,))
        found: dict[str, Any] = jsontext.loads(rows[0][0]) if rows else {}
        return found

    def name(self, text: str) -> str:
        """A keyed digest of a text: the same text, the same name, in this home only."""
        return self._vault.address(text.encode("utf-8", "surrogatepass"), "wire")

    def known(self, names: Sequence[str]) -> dict[str, tuple[str, int, int]]:
        """Mark, receipt and number of changes of those that are known. The mark of what is gone is empty."""
        rows = self._store.read(_sql("wire_known"), (self._source, jsontext.dumps(list(names)).decode()))
        return {name: (mark, receipt, changes) for name, mark, receipt, changes in rows}

    def names(self) -> Iterator[tuple[str, int]]:
        """Every name that the source still had when it was last looked at, with the receipt of what it said."""
        after = ""
        while rows := self._store.read(_sql("wire_names"), (self._source, after)):
            yield from rows
            after = rows[-1][0]

    def raw(self, receipt: int) -> bytes | None:
        """The bytes of a receipt; None when they were erased."""
        try:
            return self._landing.raw(self._landing.receipt(receipt))
        except NotFound:
            return None


class StoreWires:
    """Writes what sources remember, inside the transaction that lands what they brought."""

    def __init__(self, store: Store, vault: Vault, landing: Landing) -> None:
        self._store, self._vault, self._landing = store, vault, landing

    def memory(self, source: str) -> WireMemory:
        """What is remembered for a source."""
        return WireMemory(source, self._store, self._vault, self._landing)

    def keep(self, tx: Tx, source: str, names: Iterable[tuple[str, str, int]], gone: Iterable[str], bookmark: Any | None = None) -> None:
        """Names with mark and receipt, names that are gone, and where to go on from (None: as before)."""
        tx.executemany(_sql("wire_name_put"), [(source, name, mark, receipt) for name, mark, receipt in names])
        tx.executemany(_sql("wire_name_gone"), [(source, name) for name in gone])
        if bookmark is not None:
            tx.execute(_sql("wire_bookmark"), (source, jsontext.dumps(bookmark).decode()))

    def ended(self, source: str, at: str, code: str = "", what: str = "") -> None:
        """A poll ended: well, or with a problem."""
        said = {"source": source, "at": at, "code": code, "what": what}
        self._store.write(lambda tx: tx.execute(_sql("wire_ended"), said))

    def state(self, source: str) -> dict[str, Any]:
        """How the last poll ended: `polled_at`, `heard_at` (the last one that ended well), `code`, `what`, `failures` in a row."""
        rows = self._store.read(_sql("wire_one"), (source,))
        names = ("polled_at", "heard_at", "code", "what", "failures")
        return dict(zip(names, rows[0][1:], strict=True)) if rows else dict.fromkeys(names)
