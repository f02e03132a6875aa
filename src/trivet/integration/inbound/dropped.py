"""Folders that are asked: files as they are, and Parquet files row by row.

In: a folder, what is known of its files. Out: hauls. A file that was written a moment ago is left for the next poll; one that changed is
read again, and what it said before lands once. A file is moved or removed, where the settings say so, only after it is durable.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trivet.contracts.source import Event, File, Haul, Memory, Message, Setting, Wire
from trivet.integration.inbound import folder
from trivet.integration.inbound.rows import drift, shown, unit
from trivet.kernel.errors import Fault, NotFound, Usage

__all__ = ["FolderSource", "ParquetFiles"]

ROWS = 500
AFTER = ("keep", "move", "delete")


class FolderSource:
    """`contracts.source.Source` for `folder:///PATH`."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "pattern": Setting("text", "*", "which files, by name"),
        "after": Setting("text", "keep", "`keep` a file that was taken, `move` it to the folder `taken`, or `delete` it"),
        "settled": Setting("span", 5, "how long a file must have stood unchanged"),
    }

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, wire.settings
        if self.asked["after"] not in AFTER:
            raise Usage("E864", "what happens to a file that was taken", why="keep, move or delete", help='after = "keep"')
        self.root = Path(wire.door.partition("://")[2])

    def probe(self) -> str:
        """The number of files."""
        return f"{len(list(self.files()))} files"

    def files(self) -> Iterator[Path]:
        """Files that are whole, in order."""
        if not self.root.exists():
            raise NotFound("E224", "no such file or folder", where=str(self.root), help="door")
        for path in folder.find([self.root]).files:
            fits = path.match(self.asked["pattern"]) and "taken" not in path.relative_to(self.root).parts[:-1]
            if fits and time.time() - path.stat().st_mtime >= self.asked["settled"]:
                yield path

    def fresh(self, memory: Memory) -> Iterator[tuple[Path, str, str]]:
        """Files that are new or changed, with their name and mark."""
        for path in self.files():
            stat = path.stat()
            name = memory.name(path.relative_to(self.root).as_posix() or path.name)
            mark = f"{stat.st_size} {stat.st_mtime_ns}"
            if memory.known([name]).get(name, ("",))[0] != mark:
                yield path, name, mark

    def pull(self, memory: Memory) -> Iterator[Haul]:
        """One file in each haul."""
        for path, name, mark in self.fresh(memory):
            yield Haul(files=(File(folder.read(path), self.wire.format, str(path), name, mark),))
            self.done(path)

    def done(self, path: Path) -> None:
        """What the settings say to do with a file that is durable."""
        try:
            if self.asked["after"] == "delete":
                path.unlink()
            elif self.asked["after"] == "move":
                taken = self.root / "taken"
                taken.mkdir(exist_ok=True)
                path.replace(taken / path.name)
        except OSError as error:
            raise Fault("E865", "a file that was taken cannot be put away", where=str(self.root), why=error.strerror or "") from None


class ParquetFiles(FolderSource):
    """`contracts.source.Source` for `parquet:///PATH`: each row a unit of its own, values by their exact digits."""

    settings: ClassVar[Mapping[str, Setting]] = {
        **FolderSource.settings,
        "pattern": Setting("text", "*.parquet", "which files, by name"),
        "columns": Setting("names", (), "the columns that are read; all, if not given"),
    }

    def pull(self, memory: Memory) -> Iterator[Haul]:
        """The rows of each file that is new or changed, and at its end the sum: its rows, its digest."""
        state = memory.bookmark()
        for path, name, mark in self.fresh(memory):
            try:
                with path.open("rb") as raw, pq.ParquetFile(raw) as file:
                    yield from self.rows(file, state, f"parquet:{name[:16]}")
                    whole = {"about": f"parquet:{name[:16]}", "rows": str(file.metadata.num_rows), "sha256": digest(path)}
            except (pa.ArrowException, OSError):
                why = "not a whole Parquet file"
                raise Fault("E866", "a Parquet file cannot be read", where=str(path), why=why, help="wait until it is written") from None
            yield Haul(events=(Event("reconciled", whole),), files=(), bookmark=deepcopy(state), names=((name, mark),))
            self.done(path)

    def rows(self, file: Any, state: dict[str, Any], origin: str) -> Iterator[Haul]:
        """All rows, in portions."""
        shape = file.schema_arrow
        columns = {field.name: str(field.type) for field in shape if not self.asked["columns"] or field.name in self.asked["columns"]}
        missing = sorted(set(self.asked["columns"]) - set(columns))
        events = drift(state.get("columns", {}), columns, origin)
        state["columns"] = columns
        if events or missing:
            yield Haul(events=events, bookmark=deepcopy(state))
        if missing:
            why = "missing: " + ", ".join(missing)
            raise Fault("E861", "the table has not what is read from it", where=origin, why=why, help="columns")
        came = 0
        for batch in file.iter_batches(batch_size=ROWS, columns=list(columns)):
            texts = [cells(column) for column in batch.columns]
            units = [unit(list(columns), row) for row in zip(*texts, strict=True)] if texts else []
            came += len(units)
            yield Haul(messages=[Message(raw, "csv", origin, (), context) for raw, context in units])
        if came != file.metadata.num_rows:
            why = f"its foot says {file.metadata.num_rows} rows, {came} came"
            raise Fault("E862", "what came is not what the database has", where=origin, why=why, help="trivet poll")


def cells(column: Any) -> list[str]:
    """A column's values as text: by Arrow itself where it has exact text, so that nanoseconds and decimals stay what they are."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    plain = pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_temporal(kind) or pa.types.is_boolean(kind)
    if plain and not pa.types.is_duration(kind):
        return [text or "" for text in pc.cast(column, pa.string()).to_pylist()]
    return [shown(value) for value in column.to_pylist()]


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
