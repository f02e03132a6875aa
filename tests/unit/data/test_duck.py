"""The embedded engine: exact decimals, UTC, nothing outside, and errors that hold no values."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from trivet.data.engines.duck import DuckEngine
from trivet.kernel.errors import Fault, Usage

LEXEMES = ["1.10", "0.0006", "1e-7", "0.100000000000000000001", "120", "-0.0", "1.0E+2", "123456789012345678901234567890.5"]
EXACT = """SELECT (json_transform(body, '{"q": {"value": "VARCHAR", "exact": "DECIMAL(38,9)"}}')).q.value AS text FROM body"""


@pytest.fixture
def engine() -> DuckEngine:
    """An engine that sees no folder."""
    return DuckEngine()


def test_decimals_keep_their_digits(engine: DuckEngine) -> None:
    """The one way of reading a JSON decimal that keeps its digits still keeps them in this DuckDB."""
    engine.put("body", pa.table({"body": ['{"q": {"value": ' + text + "}}" for text in LEXEMES]}))
    assert engine.run(EXACT)["text"].to_pylist() == LEXEMES


def test_the_zone_is_utc_whatever_the_machine_says(engine: DuckEngine) -> None:
    """Tests run in Chicago; an offset is honoured and a missing one does not become Chicago's."""
    sql = "SELECT CAST(timezone('UTC', CAST(? AS TIMESTAMPTZ)) AS VARCHAR) AS moment"
    assert engine.run(sql, ["2026-03-01T07:55:00-06:00"])["moment"][0].as_py() == "2026-03-01 13:55:00"
    assert engine.run(sql, ["2026-03-01"])["moment"][0].as_py() == "2026-03-01 00:00:00"


@pytest.mark.parametrize("sql", ["FROM read_csv('/etc/hostname')", "COPY (SELECT 1) TO '/dev/null'", "INSTALL httpfs", "SET threads = 3"])
def test_nothing_outside_is_reached(engine: DuckEngine, sql: str) -> None:
    """Files, extensions and settings are out of reach for any statement."""
    with pytest.raises((Usage, Fault)):
        engine.run(sql)


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "CREATE TABLE t (a INT)", "SET threads = 3", "PRAGMA version", "SELEC 1", ""])
def test_a_typed_query_is_one_select(engine: DuckEngine, sql: str) -> None:
    """What people type may only read."""
    with pytest.raises(Usage):
        engine.ask(sql)


def test_parquet_is_read_from_its_folder_only(tmp_path: Path) -> None:
    """A folder that was given is readable, its neighbour is not."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for folder in ("in", "out"):
        pyarrow.parquet.write_table(pa.table({"a": [1, 2]}), tmp_path / folder / "part.parquet")
    engine = DuckEngine(folders=[str(tmp_path / "in")])
    engine.parquet("part", [str(tmp_path / "in" / "part.parquet")])
    assert engine.run("FROM part")["a"].to_pylist() == [1, 2]
    with pytest.raises(Usage):
        engine.parquet("part", [str(tmp_path / "out" / "part.parquet")])


def test_an_error_holds_no_value(engine: DuckEngine) -> None:
    """A value that cannot be cast does not come back in the error's text."""
    engine.put("body", pa.table({"body": ["Zzyzx"]}))
    with pytest.raises(Fault) as caught:
        engine.run("SELECT CAST(body AS INTEGER) FROM body")
    assert "Zzyzx" not in str(caught.value.as_dict())


def test_more_than_fits_goes_to_the_spill_folder(tmp_path: Path) -> None:
    """A sort larger than the memory it was given ends all the same, and leaves nothing behind."""
    engine = DuckEngine(memory="60MB", spill=str(tmp_path / "spill"))
    found = engine.run("SELECT count(*) AS n FROM (SELECT md5(range::VARCHAR) AS m FROM range(1500000) ORDER BY m) WHERE m > ''")
    assert found["n"].to_pylist() == [1_500_000]
    engine.close()
    assert not list(tmp_path.rglob("duckdb_temp*"))
