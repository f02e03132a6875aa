"""Who was whom, and since when: every link that ever stood, and what was known of those it speaks of. In, the store; out, Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trivet.contracts.ports import Store
from trivet.data.segments import arrow
from trivet.kernel import jsontext
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["LinkHistory"]

COLUMNS = ("key", "type", "id", "version", "subject", "person", "valid_at", "known_seq", "receipt", "source", "deleted", "body")


class LinkHistory:
    """`data.features.Links` over the store. What is asked for a few persons costs what they have, however many others there are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def history(self, persons: Sequence[str]) -> pyarrow.Table:
        """Every link of these persons, also those that were undone: subject, person, known_seq, until_seq (null while it stands)."""
        import pyarrow

        kinds = {"subject": pyarrow.string(), "person": pyarrow.string(), "known_seq": pyarrow.int64(), "until_seq": pyarrow.int64()}
        rows = self._store.read(text("trivet.data", "sql", "statements", "link_history.sql"), (_list(persons),))
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
        shape = pyarrow.schema(list(kinds.items()))
        return pyarrow.table([pyarrow.array(column, kind) for column, kind in zip(columns, kinds.values(), strict=True)], schema=shape)

    def versions(self, subjects: Sequence[str], types: Sequence[str], as_of: int) -> pyarrow.Table:
        """Versions of these types, known at a position, of every record that ever was about one of these subjects; without persons."""
        import pyarrow

        asked = {"subjects": _list(subjects), "types": _list(types), "as_of": as_of}
        pages = self._store.pages(text("trivet.data", "sql", "statements", "record_versions_about.sql"), asked)
        return pyarrow.concat_tables([arrow([], COLUMNS), *(arrow(page, COLUMNS) for page in pages)])


def _list(values: Sequence[str]) -> str:
    return jsontext.dumps(list(values)).decode("utf-8")
