"""A home published as OMOP: incremental, idempotent, traceable, into Parquet, DuckDB and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from omop_records import patient, result, visit
from trivet.contracts.house import House
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Locked, NotFound, Usage
from trivet.wiring.build import init_home, open_home
from trivet.wiring.omop import build_home, source_of
from trivet.wiring.suites.omop_fhir_omop_ig import account

NOW = "2026-03-01T00:00:00.000000Z"
NAMES = {"name": [{"family": "Fam", "given": ["Ann"]}]}
BINARIES = ("initdb", "postgres")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home with two persons and their visits and results."""
    init_home(tmp_path / "home", clock=FrozenClock(NOW)).close()
    house = open_home(tmp_path / "home", clock=FrozenClock(NOW))
    for name in ("p", "q"):
        about = {"subject": {"reference": f"Patient/{name}"}}
        person = patient(name, name=[{"family": f"Fam{name}", "given": ["Ann"]}], birthDate="1961-04-17" if name == "p" else "1948-11-02")
        take(house, person, visit(f"v{name}", **about), result(f"o{name}", **about, encounter={"reference": f"Encounter/v{name}"}))
    yield house
    house.close()


def take(house: House, *resources: dict[str, Any]) -> None:
    """Receive these as one NDJSON file."""
    receive(house, [Delivery("".join(json.dumps(one) + "\n" for one in resources).encode(), "ehr", "fhir", "export.ndjson")])


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All tables of a folder, but the one that says when."""
    return {file.stem: pq.read_table(file).to_pylist() for file in sorted(folder.glob("*.parquet")) if file.stem != "cdm_source"}


@pytest.mark.long
def test_the_same_again_changes_nothing_and_a_part_equals_the_whole(house: House, tmp_path: Path) -> None:
    """A second build writes nothing; after a change of one person only that one is converted, and the files equal a build from nothing."""
    first = build_home(house, "parquet", str(tmp_path / "omop"))
    assert (first["change"], first["persons"]) == ("whole", {"all": 2, "converted": 2, "removed": 0})
    seen = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "omop").iterdir()}
    again = build_home(house, "parquet", str(tmp_path / "omop"))
    assert (again["change"], again["run"]["id"]) == ("none", first["run"]["id"])
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "omop").iterdir()} == seen
    take(house, result("oq", subject={"reference": "Patient/q"}, valueQuantity={"value": 9, "unit": "mg/dL", "code": "mg/dL"}))
    part = build_home(house, "parquet", str(tmp_path / "omop"))
    assert (part["change"], part["persons"]) == ("part", {"all": 2, "converted": 1, "removed": 0})
    build_home(house, "parquet", str(tmp_path / "fresh"))
    assert tables(tmp_path / "omop") == tables(tmp_path / "fresh")
    assert sorted(row["value_as_number"] for row in tables(tmp_path / "omop")["measurement"]) == [5, 9]
    assert len(house.shelf.query("select * from ledger where kind = 'omop.built'")[1]) == 3


def test_a_target_that_is_not_what_was_left_is_built_anew(house: House, tmp_path: Path) -> None:
    """A file that was exchanged or removed in between is not trusted: everything is converted again."""
    build_home(house, "duckdb", str(tmp_path / "omop.duckdb"))
    (tmp_path / "omop.duckdb").unlink()
    assert build_home(house, "duckdb", str(tmp_path / "omop.duckdb"))["change"] == "whole"
    held = duckdb.connect(str(tmp_path / "omop.duckdb"), read_only=True)
    assert held.execute("select count(*) from person").fetchall() == [(2,)]
    held.close()


def test_changed_rules_build_everything_anew(house: House, tmp_path: Path) -> None:
    """Filters and conventions hold for all loads of a target: another rule converts every person again, and the run says which."""
    before = build_home(house, "parquet", str(tmp_path / "omop"))
    after = build_home(house, "parquet", str(tmp_path / "omop"), conventions=["fhir2omop"])
    assert (after["change"], after["persons"]["converted"]) == ("whole", 2)
    assert (before["run"]["rules"] != after["run"]["rules"], after["run"]["conventions"]) == (True, ["fhir2omop"])


def test_a_row_leads_back_to_its_record_and_receipt(house: House, tmp_path: Path) -> None:
    """The map from rows to records stands in the home, readable by its user only, outside the OMOP database; it opens into receipts."""
    build_home(house, "parquet", str(tmp_path / "omop"))
    row = tables(tmp_path / "omop")["measurement"][0]
    [found] = source_of(house, "parquet", str(tmp_path / "omop"), "measurement", row["measurement_id"])
    assert found["record"].startswith("Observation/")
    assert found["receipt"] > 0
    [folder] = [path for path in (Path(house.home) / "omop").iterdir() if (path / "state.json").exists()]
    assert folder.stat().st_mode & 0o077 == 0
    assert not list((tmp_path / "omop").glob("*state*"))
    with pytest.raises(NotFound):
        source_of(house, "parquet", str(tmp_path / "omop"), "measurement", 1)


def test_the_account_of_the_guides_statements_is_complete(root: Path) -> None:
    """56 statements, each once; a test that is named exists, a page that is named exists, a reason is a sentence."""
    rows = account()
    assert len(rows) == len({row["statement"] for row in rows}) == 56
    for row in rows:
        if row["answer"] == "test":
            path, _, name = row["what"].partition("::")
            assert f"def {name}(" in (root / path).read_text(), row["statement"]
        elif row["answer"] == "document":
            named = [word.strip(":;,.()") for word in row["what"].split() if word.startswith(("docs/", "maps/", "(docs/"))]
            assert all((root / name).exists() or (root / "src/trivet" / name).exists() for name in named), row["statement"]
        else:
            assert row["answer"] == "reason"
            assert len(row["what"]) > 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL cluster in a temporary folder, run by a user who is not root. Skips, and says what is missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
    place = next((path for path in reversed(found) if all((path / name).exists() for name in BINARIES)), None)
    place = place or (Path(shutil.which("initdb") or "").parent if shutil.which("initdb") else None)
    if place is None:
        pytest.skip("no PostgreSQL server on this machine: install postgresql (initdb and postgres)")
    pytest.importorskip("pg8000", reason="pip install 'trivet[postgres]'")
    folder = tmp_path_factory.mktemp("pg")
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user called nobody")
        for path in [folder, *folder.parents]:
            if path == Path("/tmp") or path == Path("/"):
                break
            path.chmod(0o755)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = subprocess.run(
        [place / "initdb", "-D", folder / "data", "-U", "etl", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
        capture_output=True, text=True, check=False, cwd="/", **user,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"initdb does not run here: {made.stderr.strip()[-200:]}")
    command = [
        place / "postgres",
        "-D",
        folder / "data",
        "-p",
        str(port),
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "fsync=off",
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **user)
    try:
        for _ in range(200):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            running.poll()
            subprocess.run(["sleep", "0.05"], check=True)
        yield f"postgresql://etl@127.0.0.1:{port}/postgres"
    finally:
        running.terminate()
        running.wait(20)


def asked(url: str, sql: str) -> list[Any]:
    """Rows of one statement."""
    import pg8000.native

    port = int(url.rpartition(":")[2].partition("/")[0])
    connection = pg8000.native.Connection("etl", host="127.0.0.1", port=port, database="postgres")
    try:
        return list(connection.run(sql))
    finally:
        connection.close()


@pytest.mark.long
def test_postgresql_holds_what_parquet_holds(house: House, tmp_path: Path, server: str) -> None:
    """A whole build, the same again, and a part: the schema in a real PostgreSQL equals the files; keys and not-null are its own."""
    url = f"{server}?schema=research"
    assert build_home(house, "postgresql", url)["change"] == "whole"
    assert build_home(house, "postgresql", url)["change"] == "none"
    take(house, result("op", subject={"reference": "Patient/p"}, valueQuantity={"value": 7.5, "unit": "mg/dL"}))
    assert build_home(house, "postgresql", url)["persons"]["converted"] == 1
    build_home(house, "parquet", str(tmp_path / "omop"))
    for name, rows in tables(tmp_path / "omop").items():
        [[count]] = asked(server, f'select count(*) from research."{name}"')
        assert count == len(rows), name
    held = asked(
        server, "select measurement_id, value_as_number, unit_source_value, measurement_datetime from research.measurement order by 1"
    )
    kept = sorted(tables(tmp_path / "omop")["measurement"], key=lambda row: row["measurement_id"])
    assert held == [
        [row[name] for name in ("measurement_id", "value_as_number", "unit_source_value", "measurement_datetime")] for row in kept
    ]
    [[keys]] = asked(
        server,
        "select count(*) from information_schema.table_constraints where table_schema = 'research' and constraint_type = 'PRIMARY KEY'",
    )
    assert keys > 20


def test_a_server_that_is_not_there_and_an_address_that_is_none(house: House) -> None:
    """No server is a locked door (try again), a wrong address a wrong command; neither builds anything."""
    with pytest.raises(Locked):
        build_home(house, "postgresql", "postgresql://etl@127.0.0.1:1/db")
    with pytest.raises(Usage):
        build_home(house, "postgresql", "mysql://etl@127.0.0.1/db")
