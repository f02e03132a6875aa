"""Runs SQL on FHIR views over files or over a home, on the engine that is asked for.

In: a view (a file, or the name of one that ships), files of resources or a home, an engine's name. Out: columns and rows, or the
statement. Refused: what is no view, no FHIR; a line that is no JSON is named by file and number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trivet.contracts.engine import Compiled, Engine
from trivet.data.sof.definition import ViewError
from trivet.data.sof.results import rows
from trivet.kernel.errors import DataRejected, NotFound, Rejected, Usage
from trivet.kernel.jsontext import loads
from trivet.kernel.resources import listing, text
from trivet.wiring.engines import engine_names, open_engine

if TYPE_CHECKING:
    import pyarrow

    from trivet.contracts.house import House

__all__ = ["compiled", "engine_names", "read_definition", "run_view", "shipped"]


def shipped() -> dict[str, dict[str, Any]]:
    """The views that ship, by name."""
    names = listing("trivet.maps", "views", ".json")
    return {name.removesuffix(".json"): loads(text("trivet.maps", "views", name)) for name in names}


def read_definition(view: str) -> dict[str, Any]:
    """A ViewDefinition from a file, or the shipped one of that name."""
    path = Path(view)
    if not path.is_file():
        if f"{view}.json" in listing("trivet.maps", "views", ".json"):
            return dict(loads(text("trivet.maps", "views", f"{view}.json")))
        raise NotFound("E347", f"no view called {view}", why="neither a file nor the name of a view", help="trivet view list")
    try:
        held = loads(path.read_bytes())
    except ValueError as error:
        raise ViewError(f"not JSON: {error}", view) from None
    if not isinstance(held, dict):
        raise ViewError("a view is an object", view)
    return held


def compiled(view: str, engine: str) -> Compiled:
    """What an engine would run."""
    definition = read_definition(view)
    opened = open_engine(engine)
    try:
        return opened.compile(definition)
    finally:
        opened.close()


@dataclass(slots=True)
class Source:
    """Where the resources are: files of lines, files of raw texts, and documents that must be taken apart."""

    ndjson: list[str] = field(default_factory=list)
    parquet: list[str] = field(default_factory=list)
    documents: list[Path] = field(default_factory=list)


def run_view(
    view: str,
    source: Path | None = None,
    engine: str = "duckdb",
    *,
    house: House | None = None,
    fallback: bool = False,
    left_out: frozenset[str] = frozenset(),
    as_of: int | None = None,
) -> dict[str, Any]:
    """`columns` and `rows` of a view over files, or over the records of a home as of a position but for persons who are `left_out`."""
    definition = read_definition(view)
    if (source is None) == (house is None):
        raise Usage("E348", "a view runs over --input or over --home", help="trivet view run --help")
    where = source and (source if source.is_dir() else source.parent)
    opened = open_engine(engine, folders=[str(where.resolve())] if where else [])
    try:
        files = sorted_files(source) if source else Source()
        table = of_home(house, str(definition.get("resource", "")), left_out, as_of) if house else documents(files.documents)
        opened.records("records", table=table, ndjson=files.ndjson, parquet=files.parquet)
        said = opened.compile(definition)
        found = table_of(opened, definition, files, fallback=fallback)
    finally:
        opened.close()
    answer: dict[str, Any] = {"engine": engine, "columns": found.column_names, "rows": [list(row) for row in rows(found)]}
    if said.fallback:
        answer["fallback"] = f"the reference engine made the rows, {said.fallback}"
    return answer | ({"notes": list(said.notes)} if said.notes else {})


def table_of(engine: Engine, definition: dict[str, Any], files: Source, *, fallback: bool) -> pyarrow.Table:
    """The rows; when a record is not what it should be, the file and line of the first such."""
    try:
        return engine.view(definition, fallback=fallback)
    except ViewError as error:
        if error.what.startswith("a record is "):
            find_bad_line(files)
        raise


def of_home(house: House, resource: str, left_out: frozenset[str] = frozenset(), as_of: int | None = None) -> pyarrow.Table:
    """The newest version known at a position of every record of a type, as its raw text, without those of persons who are left out."""
    import pyarrow

    if not resource.isalpha():
        raise ViewError("a view names its resource", "resource")
    _, found = house.shelf.query(text("trivet.wiring", "sql", "raw_records.sql"), as_of, [resource])
    return pyarrow.table({"raw": pyarrow.array([raw for raw, person in found if person not in left_out], pyarrow.large_string())})


def sorted_files(source: Path) -> Source:
    """The files of a folder by what they hold."""
    found = Source()
    for path in sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]:
        if path.suffix in (".ndjson", ".jsonl"):
            found.ndjson.append(str(path))
        elif path.suffix == ".parquet":
            found.parquet.append(str(path))
        elif path.suffix == ".json" or not source.is_dir():
            found.documents.append(path)
    if source.is_dir() and found == Source():
        raise NotFound("E349", "nothing to read", where=str(source), why="no .ndjson, .jsonl, .json or .parquet file in it")
    return found


def documents(paths: list[Path]) -> pyarrow.Table | None:
    """The resources of documents, each with the bytes it has there."""
    import pyarrow

    if not paths:
        return None
    found = [text for path in paths for text in resources(path)]
    return pyarrow.table({"raw": pyarrow.array(found, pyarrow.large_string())})


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Document(msgspec.Struct):
    resource_type: str = msgspec.field(name="resourceType", default="")
    entry: list[_Entry] = []


def resources(path: Path) -> Iterator[str]:
    """The resource of a document, or those of a Bundle, as text."""
    raw = path.read_bytes()
    try:
        held = msgspec.json.decode(raw, type=_Document)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise DataRejected(Rejected("E342", "not a FHIR resource", str(path))) from None
        raise DataRejected(Rejected("E341", f"not JSON: {error}", str(path))) from None
    if not held.resource_type:
        raise DataRejected(Rejected("E342", "not a FHIR resource", str(path)))
    if held.resource_type == "Bundle":
        yield from (bytes(one.resource).decode() for one in held.entry if bytes(one.resource))
    else:
        yield raw.decode()


def find_bad_line(files: Source) -> None:
    """Raise DataRejected for the first line that is no FHIR resource."""
    for name in files.ndjson:
        with open(name, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        held = msgspec.json.decode(line)
                    except msgspec.DecodeError as error:
                        raise DataRejected(Rejected("E341", f"not JSON: {error}", f"{name}:{number}")) from None
                    if not isinstance(held, dict) or not isinstance(held.get("resourceType"), str):
                        raise DataRejected(Rejected("E342", "not a FHIR resource", f"{name}:{number}"))
