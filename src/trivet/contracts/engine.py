"""What an analytic engine offers to whoever has bulk work: relations from raw records, views over them, SQL, Arrow out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Compiled", "Engine", "Reading", "Spreading"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What an engine would run. `notes` name what a reader should know; `fallback` what only the reference engine can compute."""

    engine: str
    sql: str
    plan: tuple[str, ...]
    notes: tuple[str, ...] = ()
    fallback: str = ""


class Engine(Protocol):
    """One engine, open. An entry point of group `trivet.engines` opens one; it is called with `folders=`, where files may be read."""

    name: str

    def records(self, name: str, *, table: pyarrow.Table | None = None, ndjson: Sequence[str] = (), parquet: Sequence[str] = ()) -> None:
        """Make the relation `name` with one column `raw`, the JSON text of a record a row: of all that is given, together."""

    def compile(self, definition: Mapping[str, Any], records: str = "records") -> Compiled:
        """A ViewDefinition compiled and not run. Raises DataRejected (E340) for what means nothing."""

    def view(self, definition: Mapping[str, Any], records: str = "records", *, fallback: bool = False) -> pyarrow.Table:
        """The rows of a ViewDefinition. A decimal column is text, digit for digit, with `fhir = decimal` in its field's metadata."""

    def batches(self, definition: Mapping[str, Any], records: str = "records", *, fallback: bool = False) -> Iterator[pyarrow.RecordBatch]:
        """The same in parts, so that no more than a part need be held."""

    def sql(self, text: str) -> pyarrow.Table:
        """The rows of one SELECT in the engine's own SQL over relations that were made."""

    def close(self) -> None:
        """Give everything back."""


class Reading(Engine, Protocol):
    """An engine that also reads Parquet files as the tables they are. Not every engine does: ask for `parquet` before it is used."""

    def parquet(self, name: str, files: Sequence[str]) -> None:
        """Make the relation `name` of these files, with their columns."""


class Spreading(Engine, Protocol):
    """An engine that also runs our own code on every core it has. Not every engine does: ask for `spread` before it is used."""

    def spread(
        self,
        files: Sequence[str],
        work: Callable[[Iterator[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]],
        shape: pyarrow.Schema,
        into: str,
    ) -> None:
        """The rows of Parquet files through `work`, a row at a time; the rows it gives as Parquet files in the folder `into`.

        `work` can be imported wherever the engine works. `shape` has columns of int64, string and binary.
        Nothing is said of the order, nor of the file a row comes to.
        """
