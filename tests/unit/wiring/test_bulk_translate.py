"""`trivet translate` on an engine: the same four files, byte for byte, in whatever order the engine works; and on Spark itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from trivet.cli.main import cli
from trivet.contracts.profile import SourceProfile
from trivet.kernel.errors import NotFound, Usage
from trivet.testing.hospital import generate
from trivet.wiring.bulk_translate import translate_on, translate_over
from trivet.wiring.translate import translate_paths

FEED = SourceProfile("feed")
TRIVET = (sys.executable, "-c", "from trivet.cli.main import main; main()")
PATIENT = b'{"resourceType":"Patient","id":"%d","birthDate":"1950-06","multipleBirthInteger":%d}\n'
TABLE = b"mrn,name,odd\n" + b"".join(b"%d,Doe,\n" % number for number in range(700))
CUT = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\rPID|1||77^^^H^MR||Doe^Jo\r"


class Backwards:
    """An engine in this process that works from the last row to the first and writes many small files."""

    name = "backwards"

    def spread(self, files: list[str], work: Callable[..., Iterator[Any]], shape: pyarrow.Schema, into: str) -> None:
        """Row by row, each answer a file of its own, named against the order."""
        held = pyarrow.parquet.read_table(files[0])
        Path(into).mkdir()
        for row in reversed(range(held.num_rows)):
            for answer in work(iter(held.slice(row, 1).combine_chunks().to_batches())):
                pyarrow.parquet.write_table(pyarrow.Table.from_batches([answer], shape), f"{into}/part-{held.num_rows - row:04}.parquet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lines, a table of two batches, messages, and files that are not taken."""
    into = tmp_path / "in"
    into.mkdir()
    (into / "a.ndjson").write_bytes(b"".join(PATIENT % (number, number) for number in range(1200)) + b"{broken\n")
    (into / "b.csv").write_bytes(TABLE)
    (into / "c.hl7").write_bytes(CUT * 3)
    (into / "d.bin").write_bytes(b"\x00\x01")
    (into / "e.csv").write_bytes(b"")
    return into


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, the hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_engine_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Records, lineage, rejects and coverage are those of the pool, although the rows came back in the opposite order."""
    told: list[str] = []
    here = translate_paths([folder], tmp_path / "pool", FEED)
    there = translate_over(Backwards(), [folder], tmp_path / "engine", FEED, tell=lambda done: told.append(done.format))  # type: ignore[arg-type]
    assert content(tmp_path / "engine") == content(tmp_path / "pool")
    assert there.as_dict() == here.as_dict()
    assert there.rejects >= 3
    assert len(told) == 5


def test_processes_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Seven hundred small files and some large ones, with what is not taken between them: two processes say what one says, in the same
    order, and every input is told of when its turn comes."""
    for number in range(700):
        kind = (("json", PATIENT % (number, number)), ("hl7", CUT * (number % 3 + 1)), ("bin", b"\x00"), ("csv", b""))[number % 4]
        (folder / f"{number:03}.{kind[0]}").write_bytes(kind[1])
    told: dict[int, list[tuple[str, int]]] = {1: [], 2: []}
    for workers, heard in told.items():
        translate_paths(
            [folder],
            tmp_path / str(workers),
            FEED,
            workers=workers,
            tell=lambda done, heard=heard: heard.append((done.input, done.rejects)),
        )
    assert content(tmp_path / "2") == content(tmp_path / "1")
    assert told[1] == told[2]
    assert len(told[1]) == 705


def test_nothing_to_translate_is_said_as_the_pool_says_it(tmp_path: Path) -> None:
    """An empty file alone: one reject, no row for the engine, nothing left of the spool."""
    (tmp_path / "empty.csv").write_bytes(b"")
    translate_paths([tmp_path / "empty.csv"], tmp_path / "pool", FEED)
    translate_over(Backwards(), [tmp_path / "empty.csv"], tmp_path / "engine", FEED)  # type: ignore[arg-type]
    assert content(tmp_path / "engine") == content(tmp_path / "pool")


def test_an_engine_of_sql_only_is_refused(folder: Path, tmp_path: Path) -> None:
    """DuckDB translates nothing, and an unknown name is no engine; neither leaves anything behind."""
    with pytest.raises(Usage) as caught:
        translate_on("duckdb", [folder], tmp_path / "out", FEED)
    assert caught.value.code == "E355"
    with pytest.raises(NotFound, match="no engine"):
        translate_on("abacus", [folder], tmp_path / "out", FEED)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_spark_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Two hundred people of the sample hospital, every format it sends, and what is not taken, on two cores of Spark."""
    pytest.importorskip("pyspark", reason="make spark")
    for sent in generate(200, today="2026-06-30", start="2026-05-15"):
        path = folder / sent.source / sent.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sent.payload)
    translate_paths([folder], tmp_path / "pool", FEED, workers=2)
    done = subprocess.run(
        [*TRIVET, "translate", folder, "--source", "feed", "--engine", "spark", "--workers", "2", "--out", tmp_path / "spark"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr.decode()
    assert content(tmp_path / "spark") == content(tmp_path / "pool")


@pytest.mark.long
def test_without_java_the_error_says_what_helps(folder: Path, tmp_path: Path) -> None:
    """Four lines that name `make spark`, and no trace of Python's."""
    pytest.importorskip("pyspark", reason="make spark")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "env", "uname", "ls", "grep", "sed"):
        (tools / name).symlink_to(next(path for path in (Path("/usr/bin") / name, Path("/bin") / name) if path.exists()))
    environment = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"} | {"PATH": str(tools)}
    done = subprocess.run(
        [*TRIVET, "translate", folder, "--engine", "spark", "--out", tmp_path / "out"],
        capture_output=True,
        check=False,
        env=environment,
    )
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "E344" in said
    assert "make spark" in said
    assert "Traceback" not in said


def test_the_command_knows_its_engines(folder: Path, tmp_path: Path) -> None:
    """`--engine pool` is what it was; an unknown engine is not found."""
    assert CliRunner().invoke(cli, ["translate", str(folder), "--engine", "pool", "--out", str(tmp_path / "a")]).exit_code == 4
    done = CliRunner().invoke(cli, ["translate", str(folder), "--engine", "abacus", "--out", str(tmp_path / "b")])
    assert isinstance(done.exception, NotFound)
