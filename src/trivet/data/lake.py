"""The shelf as an Iceberg table: record versions, append-only, for whoever reads Iceberg; tags that hold what must not be tidied away.

In: the store, a folder. Out: snapshots; their files as plain Parquet by the table's own plan (copy-on-write, so there are no delete
files); tags `hold/NAME`. Refused: a name twice, a tag that is not there. Online reading does not use it: it is a publication.
Iceberg table format, version 2; catalogue in SQLite beside the table.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivet.contracts.engine import Reading
from trivet.contracts.ports import Store
from trivet.data.segments import COLUMNS, GROUP, arrow, schema
from trivet.kernel.errors import NotFound, Refused
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Lake"]

NAME = "trivet.record_version"
HELD = "hold/"
LAST = "trivet.ordinal"  # in a snapshot's summary: the last version in it
KNOWN = "trivet.known-seq"  # and the ledger position up to which it is everything


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class Lake:
    """The published table of one home."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder

    def publish(self, known: int) -> dict[str, Any]:
        """Append the versions that came since the last snapshot. `known` is the ledger position up to which everything is settled."""
        table = self._table(make=True)
        last = self._store.read(_sql("record_last"))[0][0]
        after = self._last(table)
        if last > after:
            marks = {LAST: str(last), KNOWN: str(known)}
            table.append(self._reader(after, last), snapshot_properties=marks)
        return {"added": last > after, "from": after + 1, "to": last, **self.shown()}

    def compact(self) -> dict[str, Any]:
        """One snapshot with the same versions in as few files as they need."""
        table = self._table()
        before = table.current_snapshot()
        if before is None:
            raise NotFound("E305", "nothing is published", help="trivet shelf publish")
        marks = {name: before.summary[name] for name in (LAST, KNOWN)}
        files = len(self.files(""))
        table.overwrite(self._reader(0, int(marks[LAST])), snapshot_properties=marks)
        return {"files_before": files, "files": len(self.files("")), **self.shown()}

    def expire(self) -> dict[str, Any]:
        """Forget every snapshot but the newest and those that a hold names, and remove the files that nothing names any more."""
        table = self._table()
        newest = table.current_snapshot()
        named = {ref.snapshot_id for ref in table.refs().values()}
        old = [one.snapshot_id for one in table.snapshots() if one.snapshot_id not in named and one is not newest]
        if old:
            table.maintenance.expire_snapshots().by_ids(old).commit()
        return {"expired": len(old), "removed": self._sweep(self._table()), **self.shown()}

    def hold(self, name: str) -> dict[str, Any]:
        """Keep the newest snapshot under a name until it is released. Refused E306 when the name is taken."""
        table = self._table()
        newest = table.current_snapshot()
        if newest is None:
            raise NotFound("E305", "nothing is published", help="trivet shelf publish")
        if HELD + name in table.refs():
            raise Refused("E306", "there is a hold of that name", where=name, help="trivet shelf list")
        table.manage_snapshots().create_tag(newest.snapshot_id, HELD + name).commit()
        return self.shown()

    def release(self, name: str) -> dict[str, Any]:
        """End a hold. NotFound E304 when there is none."""
        table = self._table()
        if HELD + name not in table.refs():
            raise NotFound("E304", "no such hold", where=name, help="trivet shelf list")
        table.manage_snapshots().remove_tag(HELD + name).commit()
        return self.shown()

    def shown(self) -> dict[str, Any]:
        """Snapshots, oldest first, with what they hold, and the holds."""
        if not self._folder.is_dir():
            return {"snapshots": [], "holds": []}
        table = self._table()
        tags = {name.removeprefix(HELD): ref.snapshot_id for name, ref in table.refs().items() if name.startswith(HELD)}
        told: list[dict[str, Any]] = []
        for one in table.snapshots():
            held = sorted(name for name, ident in tags.items() if ident == one.snapshot_id)
            versions = int(one.summary["total-records"])
            told.append({"id": str(one.snapshot_id), "versions": versions, "known_seq": int(one.summary[KNOWN] or -1), "held": held})
        return {"snapshots": [one for one in told if one["known_seq"] >= 0], "holds": sorted(tags)}

    def files(self, name: str) -> list[str]:
        """The Parquet files of the newest snapshot, or of a hold: the table's own plan, readable by anything that reads Parquet."""
        table = self._table()
        return sorted(task.file.file_path.removeprefix("file://") for task in table.scan(snapshot_id=self._ident(table, name)).plan_files())

    def versions(self, name: str, as_of: int, engine: Reading | None = None) -> pyarrow.Table:
        """Record versions of the newest snapshot, or of a hold, known at a position: read as plain Parquet, in their order, by the engine
        that is given, else by an embedded DuckDB."""
        from trivet.data.engines.duck_views import DuckViews

        reader: Reading = engine or DuckViews(threads=1, memory="384MB", folders=[self.folder])
        try:
            reader.parquet("published", self.files(name))
            return reader.sql(_sql("lake_versions").format(as_of=int(as_of)))
        finally:
            if engine is None:
                reader.close()

    @property
    def folder(self) -> str:
        """Where the files are: an engine that reads them must be allowed to."""
        return str(self._folder.resolve())

    def known(self, name: str) -> int:
        """The position up to which a snapshot is everything."""
        table = self._table()
        found = table.snapshot_by_id(self._ident(table, name))
        return int(found.summary[KNOWN])

    def purge(self) -> bool:
        """Remove the table, its snapshots and its files: after an erasure. True when there was one."""
        there = self._folder.is_dir()
        shutil.rmtree(self._folder, ignore_errors=True)
        return there

    def _ident(self, table: Any, name: str) -> int:
        if name and HELD + name not in table.refs():
            raise NotFound("E304", "no such hold", where=name, help="trivet shelf list")
        newest = table.current_snapshot()
        if newest is None:
            raise NotFound("E305", "nothing is published", help="trivet shelf publish")
        return int(table.refs()[HELD + name].snapshot_id if name else newest.snapshot_id)

    def _last(self, table: Any) -> int:
        newest = table.current_snapshot()
        return 0 if newest is None else int(newest.summary[LAST])

    def _reader(self, after: int, last: int) -> pyarrow.RecordBatchReader:
        """Versions behind `after` up to `last`, a few thousand at a time."""
        import pyarrow

        def pages() -> Iterator[pyarrow.RecordBatch]:
            at = after
            while at < last:
                rows = self._store.read(_sql("record_rows"), (at, last, GROUP))
                yield from arrow(rows, COLUMNS).to_batches()
                at = rows[-1][0]

        return pyarrow.RecordBatchReader.from_batches(schema(COLUMNS), pages())

    def _table(self, make: bool = False) -> Any:
        """The table as it stands now."""
        from pyiceberg.catalog.sql import SqlCatalog

        if not make and not self._folder.is_dir():
            raise NotFound("E305", "nothing is published", help="trivet shelf publish")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = self._folder.resolve()
        catalogue = SqlCatalog("home", uri=f"sqlite:///{folder}/catalogue.db", warehouse=f"file://{folder}")
        if make:
            catalogue.create_namespace_if_not_exists("trivet")
            return catalogue.create_table_if_not_exists(NAME, schema(COLUMNS), properties={"write.parquet.compression-codec": "zstd"})
        return catalogue.load_table(NAME)

    def _sweep(self, table: Any) -> int:
        """Remove data files and manifests that no snapshot names. Metadata of the table itself stays."""
        named = set[str]()
        for snapshot in table.snapshots():
            named.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(table.io):
                named.add(manifest.manifest_path)
                named |= {entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)}
        kept = {Path(one.removeprefix("file://")).resolve() for one in named}
        loose = [path for end in ("*.parquet", "*.avro") for path in self._folder.resolve().rglob(end) if path not in kept]
        for path in loose:
            path.unlink()
        return len(loose)
