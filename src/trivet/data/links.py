"""Who was whom, and since when: every link that ever stood. In, the store; out, Arrow, for whoever must not know later links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet.contracts.ports import Store
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["LinkHistory"]


class LinkHistory:
    """`data.features.Links` over the store: columns subject, person, known_seq, until_seq (null while the link stands)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def history(self) -> pyarrow.Table:
        """Every link, also those that were undone."""
        import pyarrow

        kinds = {"subject": pyarrow.string(), "person": pyarrow.string(), "known_seq": pyarrow.int64(), "until_seq": pyarrow.int64()}
        rows = self._store.read(text("trivet.data", "sql", "statements", "link_history.sql"))
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
        shape = pyarrow.schema(list(kinds.items()))
        return pyarrow.table([pyarrow.array(column, kind) for column, kind in zip(columns, kinds.values(), strict=True)], schema=shape)
