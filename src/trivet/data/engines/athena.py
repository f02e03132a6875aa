"""An OHDSI vocabulary release as Athena hands it out (CONCEPT.csv, CONCEPT_RELATIONSHIP.csv, ...): in, the folder; out, a vocabulary.

The files are streamed once into Parquet, sorted for look-up, in a folder of ours; what the records at hand need is fetched from there.
The operator licenses the content; nothing of it ships and nothing is fetched.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from trivet.data.omop.model import Table, vocabulary_tables
from trivet.data.omop.vocabulary import Concept, Vocabulary, shipped
from trivet.kernel.errors import NotFound, Usage
from trivet.kernel.resources import text

__all__ = ["AthenaVocabulary"]

NEEDED = ("concept", "concept_relationship")
ORDER = {"concept": "vocabulary_id, concept_code", "concept_relationship": "concept_id_1", "concept_ancestor": "descendant_concept_id"}
UNNAMED = "a release that does not name itself"


class AthenaVocabulary(Vocabulary):
    """The release in `folder`. `cache` keeps the Parquet files between runs; without it they are made anew in a temporary folder."""

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        super().__init__()
        self.add(shipped())
        self._temporary = tempfile.TemporaryDirectory(prefix="trivet-vocabulary-") if cache is None else None
        self._files = _load(folder, Path(self._temporary.name) if self._temporary else cache or folder)
        self._connection = duckdb.connect(":memory:", config={"threads": "2", "memory_limit": "2GB"})
        for name, file in self._files.items():
            self._connection.execute(_sql("athena_view").format(name=name, file=_quoted(file)))
        self.release = self._release()
        self._asked: set[tuple[str, str]] = set()

    def prepare(self, codes: Iterable[tuple[str, str]]) -> None:
        """Fetch the concepts of these codes, what they map to, and which of them is above which."""
        wanted = sorted(set(codes) - self._asked)
        if not wanted:
            return
        self._asked.update(wanted)
        self._connection.register(
            "wanted", pa.table({"vocabulary_id": [one[0] for one in wanted], "concept_code": [one[1] for one in wanted]})
        )
        found = self._concepts("athena_codes", [])
        ids = [concept.id for concept in found]
        relations = self._connection.execute(_sql("athena_relations"), [ids]).fetchall()
        targets = self._concepts("athena_ids", [[other for _, other, _ in relations]])
        above = self._connection.execute(_sql("athena_above"), [ids]).fetchall() if "concept_ancestor" in self._files else []
        self.add([*targets, *found], relations, above)

    def tables(self) -> Iterator[tuple[Table, Iterator[pa.Table]]]:
        """Every vocabulary table of the release with its rows, in pieces."""
        for table in vocabulary_tables():
            if table.name in self._files:
                file = pq.ParquetFile(self._files[table.name])
                yield table, (pa.Table.from_batches([batch]) for batch in file.iter_batches(100_000))

    def close(self) -> None:
        """Give everything back."""
        self._connection.close()
        if self._temporary:
            self._temporary.cleanup()

    def _concepts(self, name: str, parameters: list[Any]) -> list[Concept]:
        rows = self._connection.execute(_sql(name), parameters).fetchall()
        return [Concept(int(row[0]), *(cell or "" for cell in row[1:])) for row in rows]

    def _release(self) -> str:
        if "vocabulary" not in self._files:
            return UNNAMED
        found = self._connection.execute(_sql("athena_release")).fetchall()
        return str(found[0][0]) if found and found[0][0] else UNNAMED


def _load(folder: Path, cache: Path) -> dict[str, Path]:
    """Parquet files of the release by table; made anew when the release's files changed. NotFound without CONCEPT.csv."""
    given = (
        {file.stem.lower(): file for file in sorted(folder.iterdir()) if file.suffix.lower() in (".csv", ".parquet")}
        if folder.is_dir()
        else {}
    )
    missing = [name for name in NEEDED if name not in given]
    if missing:
        why = "not there: " + ", ".join(f"{name.upper()}.csv" for name in missing)
        raise NotFound("E910", "no vocabulary release here", where=str(folder), why=why, help="https://athena.ohdsi.org: download, unpack")
    seen = "\n".join(f"{name} {file.stat().st_size} {file.stat().st_mtime_ns}" for name, file in given.items())
    place = cache / hashlib.sha256(seen.encode()).hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    found = {}
    for table in vocabulary_tables():
        if table.name not in given:
            continue
        found[table.name] = place / f"{table.name}.parquet"
        if not found[table.name].exists():
            _convert(table, given[table.name], found[table.name])
    return found


def _convert(table: Table, file: Path, target: Path) -> None:
    part = target.with_suffix(".part")
    connection = duckdb.connect(":memory:", config={"threads": "2", "memory_limit": "2GB", "temp_directory": str(target.parent)})
    try:
        columns = ", ".join(_cast(column.name, column.sql) for column in table.columns)
        order = ORDER.get(table.name, table.names[0])
        if file.suffix.lower() == ".parquet":
            source = f"read_parquet({_quoted(file)})"
            connection.execute(
                _sql("athena_load").replace("read_csv({file}, {layout})", source).format(columns=columns, order=order, target=_quoted(part))
            )
        else:
            with file.open(encoding="utf-8-sig") as opened:
                head = opened.readline().rstrip("\r\n")
            tabs = "\t" in head
            names = [name.strip('"').lower() for name in head.split("\t" if tabs else ",")]
            said = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"
            quotes = "delim = '\t', quote = '', escape = ''" if tabs else "delim = ',', quote = '\"', escape = '\"'"
            layout = f"auto_detect = false, header = true, columns = {said}, nullstr = '', {quotes}"
            sql = _sql("athena_load").format(columns=columns, file=_quoted(file), layout=layout, order=order, target=_quoted(part))
            connection.execute(sql)
    except duckdb.Error as error:
        raise Usage("E911", f"{table.name} of the release cannot be read", where=str(file), why=type(error).__name__) from None
    finally:
        connection.close()
    part.rename(target)


def _cast(name: str, kind: str) -> str:
    if kind == "date":
        text_of = f'CAST("{name}" AS VARCHAR)'
        return f"coalesce(TRY_CAST({text_of} AS DATE), TRY_CAST(try_strptime({text_of}, '%Y%m%d') AS DATE)) AS \"{name}\""
    return f'CAST("{name}" AS {"VARCHAR" if kind.startswith("varchar") or kind == "text" else kind}) AS "{name}"'


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "omop", f"{name}.sql")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
