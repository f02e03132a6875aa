"""Record versions as Parquet files beside the store, for reading in bulk. A cache: whatever is lost is written again.

In: the store, a folder. Out: files that hold every version up to an ordinal, and the rest as an Arrow table. A file is durable
before the store's list names it, and files that the list does not name are nobody's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivet.contracts.ports import Store
from trivet.kernel.errors import Locked
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["COLUMNS", "Segments", "arrow"]

COLUMNS = ("ordinal", "key", "type", "id", "version", "subject", "valid_at", "known_seq", "receipt", "source", "deleted", "body")
WHOLE = {"ordinal", "version", "known_seq", "receipt"}
WORTH_A_FILE = 5_000  # versions below which they are read from the store
FULL = 1_000_000  # versions in a file that is not written again
GROWTH = 2  # a file at most so many times as large as what came since is written together with it
GROUP = 20_000  # versions in a row group: what a reader of one receipt or position has to open


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class Segments:
    """The files of one home."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._tail: tuple[tuple[int, int, int], pyarrow.Table] | None = None

    def read(self) -> tuple[list[str], pyarrow.Table]:
        """Files, and the versions behind the last of them. Together they are every version, in order, once.

        What is worth a file is written first: reading it from the store again and again would cost more. Where the folder cannot be
        written (a home that is only looked at), everything is read from the store.
        """
        with contextlib.suppress(OSError, Locked):
            self.publish()
        listed = self._listed()
        after = listed[-1][1] if listed else 0
        last = self._store.read(_sql("record_last"))[0][0]
        place = (after, last, self._store.read(_sql("erase_last"))[0][0])  # an erasure takes rows out of the middle
        if self._tail is None or self._tail[0] != place:
            self._tail = (place, arrow(self._store.read(_sql("record_rows"), (after, last, -1)), COLUMNS))
        return [str(self._folder / file) for _, _, file in listed], self._tail[1]

    def publish(self) -> bool:
        """Write what came since the last file, when it is worth a file. True when it was."""
        listed = self._listed()
        after = listed[-1][1] if listed else 0
        last = self._store.read(_sql("record_last"))[0][0]
        if last - after < WORTH_A_FILE:
            return False
        first = after + 1
        while listed and last - listed[-1][0] < FULL and listed[-1][1] - listed[-1][0] < GROWTH * (last - first):
            first = listed.pop()[0]  # a file is written again only into one that is several times as large: each version a few times
        name = self._write(first, last)

        def work(tx: Any) -> None:
            tx.execute(_sql("segment_remove"), (first,))
            tx.execute(_sql("segment_add"), (first, last, name))

        self._store.write(work)
        self._sweep()
        return True

    def drop(self) -> None:
        """Forget every file: after record versions were erased or made again."""
        self._store.write(lambda tx: tx.execute(_sql("segment_remove"), (0,)))
        self._tail = None
        self._sweep()

    def known(self, as_of: int) -> pyarrow.Table:
        """Every version known at a position, out of the store, in order."""
        return arrow(self._store.read(_sql("record_rows_known"), (as_of,)), COLUMNS)

    def purge(self) -> None:
        """Forget every file and remove it, also one that somebody may be reading: after an erasure."""
        self.drop()
        for path in self._folder.glob("record_version-*"):
            path.unlink(missing_ok=True)

    def check(self) -> list[str]:
        """Files that do not hold exactly the versions that the store holds, row for row."""
        import pyarrow.parquet

        wrong = []
        for first, last, name in self._store.read(_sql("segments")):
            path, after, same = self._folder / name, first - 1, True
            if not path.is_file():
                continue  # a lost file is no loss: the store is read instead
            for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=GROUP):
                rows = self._store.read(_sql("record_rows"), (after, last, batch.num_rows))
                same = same and pyarrow.table([*batch.columns], schema=schema(COLUMNS)).equals(arrow(rows, COLUMNS))
                after = rows[-1][0] if rows else last
            if not same or after != last:
                wrong.append(name)
        return wrong

    def _listed(self) -> list[tuple[int, int, str]]:
        """The files of the list, up to the first that is not there."""
        found = []
        for first, last, file in self._store.read(_sql("segments")):
            if not (self._folder / file).is_file():
                break
            found.append((first, last, file))
        return found

    def _write(self, first: int, last: int) -> str:
        """One file with the versions from `first` to `last`, durable. Its name is new every time."""
        import pyarrow.parquet

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        names = (f"record_version-{first:012d}-{last:012d}-{number}.parquet" for number in count())
        name = next(name for name in names if not (self._folder / name).exists())
        draft = self._folder / f"{name}.draft"
        with (
            pyarrow.parquet.ParquetWriter(draft, schema(COLUMNS), compression="zstd", use_dictionary=["type", "source"]) as writer,
            ThreadPoolExecutor(1) as beside,  # one group is packed outside the interpreter's lock while the next one is read
        ):
            after, writing = first - 1, None
            while after < last:
                rows = self._store.read(_sql("record_rows"), (after, last, GROUP))
                group = arrow(rows, COLUMNS)
                if writing is not None:
                    writing.result()
                writing = beside.submit(writer.write_table, group, row_group_size=GROUP)
                after = rows[-1][0]
            if writing is not None:
                writing.result()
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(self._folder / name)
        return name

    def _sweep(self) -> None:
        """Remove files that the list does not name, except the newest of them: somebody may be reading it."""
        named = {file for _, _, file in self._store.read(_sql("segments"))}
        loose = sorted(
            (path for path in self._folder.glob("record_version-*") if path.name not in named), key=lambda path: path.stat().st_mtime
        )
        for path in loose[:-1]:
            path.unlink(missing_ok=True)


def schema(columns: Sequence[str]) -> pyarrow.Schema:
    """The Arrow types of record version columns."""
    import pyarrow

    kinds = {"deleted": pyarrow.bool_()} | dict.fromkeys(WHOLE, pyarrow.int64())
    return pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in columns])


def arrow(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> pyarrow.Table:
    """Rows of record versions as an Arrow table."""
    import pyarrow

    shape = schema(columns)
    held = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [
        pyarrow.array([bool(value) for value in column] if field.name == "deleted" else column, field.type)
        for field, column in zip(shape, held, strict=True)
    ]
    return pyarrow.table(arrays, schema=shape)
