"""Tables of real databases, SQLite and PostgreSQL, and Parquet files: what is new, what changed, what is gone, and drift, never silent."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from trivet.contracts.house import House
from trivet.flows.reconcile import reconcile
from trivet.integration.inbound.rows import shown
from trivet.kernel.errors import Fault, Locked, Usage
from trivet.wiring import sources
from trivet.wiring.build import open_home
from trivet.wiring.shadow import rebuild_home
from wire_home import NOON, polled, wire_home

MAP = """table,record,source,target,how,with,when,must
beds,Encounter,id,id,,,,yes
beds,Encounter,ward,serviceType.text,,,,
beds,Encounter,=in-progress,status,,,,
beds,Encounter,cost,extension[0].valueString,,,,
beds,Encounter,=urn:cost,extension[0].url,,,cost present,
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own, in a folder of its own, run by whoever is not root. Skips where there is none."""
    found = shutil.which("initdb") or next((str(path) for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), "")
    if not found:
        pytest.skip("PostgreSQL's server programs are not on this machine: apt-get install postgresql")
    programs = Path(found).parent
    folder = Path(tempfile.mkdtemp(prefix="trivet-pg-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
        as_user = {"user": "nobody"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "cwd": "/", **as_user}
    subprocess.run([programs / "initdb", "-D", folder / "data", "-U", "trivet", "--auth=trust", "-E", "UTF8"], **quiet)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    subprocess.run([programs / "pg_ctl", "-D", folder / "data", "-o", options, "-w", "-l", folder / "log", "start"], **quiet)
    try:
        yield f"postgresql+pg8000://trivet@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database with an empty table `beds`."""
    url = f"sqlite:///{tmp_path / 'ward.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    do(engine, "drop table if exists beds", "create table beds (id integer primary key, ward text, cost numeric(12,2), changed timestamp)")
    yield engine
    engine.dispose()


def do(engine: sa.Engine, *statements: str) -> None:
    """Run statements."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def home(tmp_path: Path, engine: sa.Engine, **wire: Any) -> House:
    """A home that polls the table, with a map for it."""
    house = wire_home(tmp_path, f"sql+{engine.url}", {"table": "beds", **wire}, format="csv", table="beds")
    tables = tmp_path / "home/site/tables"
    tables.mkdir(parents=True)
    (tables / "beds.csv").write_text(MAP)
    return house


def wards(house: House) -> list[str]:
    """What the shelf says now, of rows that are there."""
    newest = "select body ->> '$.serviceType.text', deleted, max(version) from record_version group by key"
    return sorted(ward for ward, deleted, _ in house.store.read(newest) if not deleted)


def add(number: int, ward: str, minute: int = 0, cost: str = "1.10") -> str:
    """A row."""
    return f"insert into beds values ({number}, '{ward}', {cost}, '2026-03-01 12:{minute:02d}:00')"


def events(house: House, kind: str) -> list[str]:
    """The words of events of a kind."""
    _, rows = house.shelf.query("select words from source_events where kind = ?", parameters=(kind,))
    return [row[0] for row in rows]


def test_by_what_each_row_says(database: sa.Engine, tmp_path: Path) -> None:
    """New, changed and deleted rows are noticed, unchanged ones cost nothing; a row that goes back to what it was is news again; a row that
    comes back after its deletion too; exact decimals; sums reconciled; a rebuild agrees."""
    do(database, *(add(number, f"W{number}") for number in range(3)))
    house = home(tmp_path, database, sums=["cost"])
    try:
        assert polled(house).landed == 3
        assert wards(house) == ["W0", "W1", "W2"]
        assert polled(house).landed == 0
        for ward in ("X", "W1", "X"):
            do(database, f"update beds set ward = '{ward}' where id = 1")
            assert polled(house).landed == 1
            assert wards(house) == sorted(["W0", "W2", ward])
        do(database, "delete from beds where id in (0, 2)")
        assert polled(house).gone == 2
        assert wards(house) == ["X"]
        assert polled(house).gone == 0
        do(database, add(2, "W2"))
        assert polled(house).landed == 1
        assert wards(house) == ["W2", "X"]
        do(database, "delete from beds where id = 2")
        polled(house)
        assert wards(house) == ["X"]
        raws = [house.landing.raw(house.landing.receipt(seq)) for (seq,) in house.store.read("select seq from receipt")]
        assert any(b",1.10," in raw for raw in raws) or database.dialect.name == "sqlite"
        assert house.store.read("select count(*) from receipt where state <> 'mapped'") == [(0,)]
        assert reconcile(house)["balanced"]
        assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
        assert '"rows":"3"' in events(house, "reconciled")[0]
    finally:
        house.close()


def test_by_a_watermark(database: sa.Engine, tmp_path: Path) -> None:
    """Only rows from the watermark on are read; rows at the very watermark and rows without one are not lost; deletions are noticed."""
    do(database, *(add(number, f"W{number}", number) for number in range(3)))
    house = home(tmp_path, database, mode="watermark", watermark="changed")
    try:
        assert polled(house).landed == 3
        do(database, add(7, "same-minute", 2), "insert into beds (id, ward) values (8, 'never-touched')")
        assert polled(house).landed == 2
        do(database, "update beds set ward = 'moved', changed = '2026-03-01 12:30:00' where id = 0", "delete from beds where id = 1")
        catch = polled(house)
        assert (catch.landed, catch.gone) == (2, 1)
        assert wards(house) == ["W2", "moved", "never-touched", "same-minute"]
        assert polled(house).landed == 0
    finally:
        house.close()


def test_a_table_that_is_loaded_anew_is_not_a_deletion(database: sa.Engine, tmp_path: Path) -> None:
    """When most rows are gone at once nothing is taken back: E867 says how many, and the site decides."""
    do(database, *(add(number, "W") for number in range(130)))
    house = home(tmp_path, database)
    try:
        polled(house)
        do(database, "delete from beds where id >= 5")
        with pytest.raises(Fault) as told:
            polled(house)
        assert (told.value.code, told.value.why[:19]) == ("E867", "125 of 130 rows: a ")
        assert len(wards(house)) == 130
    finally:
        house.close()
    toml = tmp_path / "home/trivet.toml"
    toml.write_text(toml.read_text().replace('"table" = "beds"', '"table" = "beds", most_gone = 100'))
    house = open_home(tmp_path / "home", clock=NOON)
    assert polled(house).gone == 125
    assert len(wards(house)) == 5
    house.close()


def test_drift_is_an_event(database: sa.Engine, tmp_path: Path) -> None:
    """A column that comes, goes or is called otherwise is an event with its name; rows that no longer fit are quarantined with the columns
    they lack; a key that is gone is a fault, and nothing counts as deleted."""
    do(database, add(1, "A"), add(2, "B"))
    house = home(tmp_path, database, key=["id"])
    try:
        polled(house)
        do(database, "alter table beds add column nurse text")
        assert dict(polled(house).events)["schema-drift"] == 1
        assert '"added":"nurse"' in events(house, "schema-drift")[0]
        _, uncovered = house.shelf.query("select locator from coverage where disposition = 'uncovered'")
        assert uncovered == [] or ("c=nurse",) not in uncovered  # it holds nothing yet
        do(database, "alter table beds rename column id to bed")
        with pytest.raises(Fault) as told:
            polled(house)
        assert (told.value.code, told.value.why) == ("E861", "missing: id")
        assert '"removed":"id"' in events(house, "schema-drift")[1]
        assert wards(house) == ["A", "B"]
    finally:
        house.close()
    other = wire_home(tmp_path / "second", f"sql+{database.url}", {"table": "beds"}, format="csv", table="beds")
    tables = tmp_path / "second/home/site/tables"
    tables.mkdir(parents=True)
    (tables / "beds.csv").write_text(MAP)
    assert polled(other).landed == 2
    assert {row[0] for row in other.store.read("select reason from receipt")} == {"table-drift"}
    other.close()


def test_what_cannot_be_read(tmp_path: Path, database: sa.Engine) -> None:
    """No table, no key, a key that is not one, no database: each a clear error, no value of a row in it."""
    do(
        database,
        "drop table if exists notes",
        "create table notes (id integer, note text)",
        "insert into notes values (1, 'CANARY'), (1, 'CANARY2')",
    )
    cases = [({"table": "nowhere"}, "E861"), ({"table": "notes"}, "E861"), ({"table": "notes", "key": ["id"]}, "E861")]
    for number, (wire, code) in enumerate(cases):
        house = wire_home(tmp_path / str(number), f"sql+{database.url}", wire, format="csv")
        with pytest.raises(Fault) as told:
            polled(house)
        assert told.value.code == code
        assert "CANARY" not in str(told.value.as_dict())
        house.close()
    house = wire_home(tmp_path / "gone", "sql+postgresql+pg8000://trivet@127.0.0.1:1/x", {"table": "beds"}, format="csv")
    with pytest.raises(Locked) as away:
        polled(house)
    assert away.value.code == "E863"
    house.close()
    house = wire_home(tmp_path / "secret", "sql+postgresql+pg8000://trivet:hush@127.0.0.1:1/x", {"table": "beds"}, format="csv")
    with pytest.raises(Usage) as open_secret:
        sources.make(house, "feed")
    assert "hush" not in str(open_secret.value.as_dict())
    house.close()


def test_exact_text() -> None:
    """Every kind of value has one text, without rounding."""
    assert shown(Decimal("1.100")) == "1.100"
    assert shown(Decimal("1E+3")) == "1000"
    assert shown(0.1) == "0.1"
    assert shown(datetime(2026, 3, 1, 12, tzinfo=UTC)) == "2026-03-01T12:00:00+00:00"
    assert shown(None) == ""
    assert shown(b"\x00\xff") == "00ff"
    assert shown(True) == "true"
    assert shown({"b": [1, Decimal("2.50")]}) == '{"b": [1, "2.50"]}'


def test_parquet(tmp_path: Path) -> None:
    """Every row of every file lands with exact values, a file is read once; a changed schema is an event; a file that is
    not whole is a fault and costs nothing else."""
    folder = tmp_path / "drop"
    folder.mkdir()
    kinds = {"id": pa.int64(), "ward": pa.dictionary(pa.int32(), pa.string()), "cost": pa.decimal128(12, 2), "at": pa.timestamp("ns")}
    shape, begin = pa.schema(list(kinds.items())), datetime(2026, 3, 1)
    rows = [{"id": n, "ward": f"W{n}", "cost": Decimal("2.50"), "at": begin + timedelta(seconds=n)} for n in range(1200)]
    pq.write_table(pa.Table.from_pylist(rows, shape), folder / "a.parquet")
    house = wire_home(tmp_path, f"parquet://{folder}", {"settled": "0s"}, format="csv", table="beds")
    tables = tmp_path / "home/site/tables"
    tables.mkdir(parents=True)
    (tables / "beds.csv").write_text(MAP)
    try:
        assert polled(house).landed == 1200
        raw = house.landing.raw(house.landing.receipt(house.store.read("select min(seq) from receipt")[0][0]))
        assert raw == b"id,ward,cost,at\n0,W0,2.50,2026-03-01 00:00:00.000000000\n"
        assert polled(house).landed == 0
        pq.write_table(pa.table({"id": [1], "ward": ["Z"]}), folder / "b.parquet")
        catch = polled(house)
        assert (catch.landed, dict(catch.events)) == (1, {"schema-drift": 1, "reconciled": 1})
        assert '"removed":"cost,at"' in events(house, "schema-drift")[0]
        (folder / "c.parquet").write_bytes(b"PAR1 half")
        with pytest.raises(Fault) as told:
            polled(house)
        assert told.value.code == "E866"
        assert reconcile(house)["balanced"]
    finally:
        house.close()


def test_a_folder(tmp_path: Path) -> None:
    """Files of a folder land with their format found out, and are put away only when they are durable."""
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "a.json").write_bytes(b'{"resourceType":"Patient","id":"a"}')
    (folder / "b.tmp").write_bytes(b"half")
    house = wire_home(tmp_path, f"folder://{folder}", {"settled": "0s", "after": "move"}, format="auto")
    try:
        assert polled(house).landed == 1
        assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["a.json", "b.tmp"]
        assert (folder / "taken/a.json").is_file()
        assert polled(house).landed == 0
        assert reconcile(house)["balanced"]
    finally:
        house.close()


def test_a_snapshot_is_what_is_counted(tmp_path: Path) -> None:
    """A writer that changes the table while it is read changes neither the rows nor their count: both are of one moment."""
    path = tmp_path / "ward.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("pragma journal_mode = wal")
        writer.execute("create table beds (id integer primary key, ward text)")
        writer.executemany("insert into beds values (?, ?)", [(number, "W") for number in range(1500)])
        writer.commit()
        house = wire_home(tmp_path, f"sql+sqlite:///{path}", {"table": "beds"}, format="csv", table="beds")
        source = sources.make(house, "feed")
        hauls = source.pull(house.role("wires").memory("feed"))  # type: ignore[union-attr]
        came = len(next(hauls).messages)
        writer.execute("delete from beds where id > 100")
        writer.commit()
        assert came + sum(len(haul.messages) for haul in hauls) == 1500
        house.close()
