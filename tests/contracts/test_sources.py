"""Every kind of source that ships keeps what the kit asks: nothing lost wherever it dies, nothing acknowledged before it is durable."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bulk_server import Exporter
from fhir_server import FhirServer
from loopback import served
from trivet.contracts.source import Source, Wire
from trivet.integration.inbound.bulk import BulkExport
from trivet.integration.inbound.dropped import FolderSource, ParquetFiles
from trivet.integration.inbound.fhir_rest import FhirPoll
from trivet.integration.inbound.rows import unit
from trivet.integration.inbound.sql import SqlTable
from trivet.testing.kits.source import SourceKit


def opener(kind: Any, door: str, home: Path, **wire: Any) -> Callable[[], Source]:
    """Makes a source anew."""
    settings = {name: setting.default for name, setting in kind.settings.items()} | wire
    return lambda: kind(Wire("feed", door, settings, str(home), lambda: 1_772_366_400.0, lambda _: None, "auto"))  # type: ignore[no-any-return]


def test_a_fhir_server(tmp_path: Path) -> None:
    """FHIR REST in pages."""
    there = FhirServer()
    for number in range(7):
        there.put("Patient", f"p{number}", name=[{"family": "X"}])
    expected = [json.dumps(one.told(), ensure_ascii=False, separators=(",", ":")).encode() for one in there.versions]
    with served(there.app()) as url:
        SourceKit(opener(FhirPoll, f"fhir+{url}/fhir", tmp_path, types=["Patient"], count=2), expected).check()


def at(number: int) -> str:
    """A minute of a day."""
    return f"2026-03-01T{number // 60:02d}:{number % 60:02d}"


def test_a_database(tmp_path: Path) -> None:
    """SQL, by hash and by watermark."""
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("create table t (id integer primary key, at text)")
        made.executemany("insert into t values (?, ?)", [(number, at(number)) for number in range(1_200)])
        made.commit()
    for more in ({}, {"mode": "watermark", "watermark": "at"}):
        expected = [unit(["id", "at"], [str(number), at(number)], 1)[0] for number in range(1_200)]
        SourceKit(opener(SqlTable, f"sql+sqlite:///{path}", tmp_path, table="t", **more), expected, deaths=4).check()


def test_folders(tmp_path: Path) -> None:
    """Files, put away only when they are durable; Parquet rows."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_bytes(b"file %d" % number)
    SourceKit(opener(FolderSource, f"folder://{folder}", tmp_path, settled=-1), [b"file 0", b"file 1", b"file 2"]).check()
    told = [0]
    kit = SourceKit(opener(FolderSource, f"folder://{folder}", tmp_path, settled=-1, after="delete"), [b"file 0"], lambda: told[0])
    kit.check_settings()
    told[0] = 3 - len(list(folder.iterdir()))
    SourceKit(kit.open_it, [b"file 0"], lambda: 3 - len(list(folder.iterdir()))).check_lands_everything()
    pq.write_table(pa.table({"id": list(range(700))}), tmp_path / "a.parquet")
    expected = [unit(["id"], [str(number)])[0] for number in range(700)]
    SourceKit(opener(ParquetFiles, f"parquet://{tmp_path}", tmp_path, settled=-1), expected).check()


def test_a_source_that_forgets_is_found_out(tmp_path: Path) -> None:
    """A source that remembers its place before what it brings is durable fails the kit."""

    class Hasty(FolderSource):
        """Puts a file away before it is durable."""

        def pull(self, memory: Any) -> Any:
            for path, name, mark in list(self.fresh(memory)):
                content = path.read_bytes()
                path.unlink()
                yield from [self.haul(content, name, mark)]

        def haul(self, content: bytes, name: str, mark: str) -> Any:
            from trivet.contracts.source import File, Haul

            return Haul(files=(File(content, "auto", "x", name, mark),))

    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"a")
    kit = SourceKit(opener(Hasty, f"folder://{folder}", tmp_path, settled=-1), [b"a"], lambda: int(not list(folder.iterdir())))
    with pytest.raises(AssertionError, match="before it was durable"):
        kit.check_lands_everything()


def test_a_bulk_export(tmp_path: Path) -> None:
    """Bulk Data: a server that keeps its files."""
    there = Exporter()
    there.add("output", "a", *[{"resourceType": "Organization", "id": f"p{number}"} for number in range(2_500)])
    with served(there.app()) as url:
        SourceKit(opener(BulkExport, f"bulk+{url}/fhir", tmp_path), there.files["a"].splitlines(keepends=True), deaths=6).check()
