"""Linking of tables on an engine: the bytes of one process, whoever compared the pairs and in whatever order."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from trivet.cli.main import cli
from trivet.data.identity import resolve
from trivet.kernel.errors import Usage
from trivet.wiring import bulk_link, linking
from trivet.wiring.engines import open_engine

NAMES = [
    "Abel",
    "Bruno",
    "Carla",
    "Dunja",
    "Émile",
    "Fatima",
    "Gerd",
    "Hanne",
    "Ines",
    "Jakob",
    "Katrin",
    "Lorenz",
    "Mona",
    "Nils",
    "Olga",
    "Petra",
]
STREETS = ["Elm", "Oak", "Ash", "Birch", "Cedar", "Maple", "Pine", "Willow"]


class Backwards:
    """An engine in this process that answers the last part first."""

    def __init__(self) -> None:
        self.parts = 0

    def spread(self, files: list[str], work: Any, shape: pa.Schema, into: str) -> None:
        """Each part's answer is a file of its own."""
        held = pyarrow.parquet.read_table(files[0])
        Path(into).mkdir()
        for row in reversed(range(held.num_rows)):
            self.parts += 1
            for answer in work(iter(held.slice(row, 1).combine_chunks().to_batches())):
                pyarrow.parquet.write_table(pa.Table.from_batches([answer], shape), f"{into}/part-{self.parts}.parquet")


def written(path: Path, seed: int, persons: int = 220) -> Path:
    """A table in which every third person stands twice, once with slips, gaps and given and family name exchanged."""
    rng, lines = random.Random(seed), ["given,family,birth date,street,zip,phone"]
    for number in range(persons):
        row = [
            rng.choice(NAMES),
            rng.choice(NAMES) + rng.choice(STREETS).lower(),
            f"19{rng.randrange(20, 99)}-{rng.randrange(1, 13):02d}-05",
        ]
        row += [f"{rng.randrange(1, 90)} {rng.choice(STREETS)} St", f"{rng.randrange(10000, 10200)}", f"555{rng.randrange(10**6, 10**7)}"]
        lines.append(",".join(row))
        if number % 3 == 0:
            row[1] = row[1][:-2] + row[1][-1] + row[1][-2]
            row[rng.randrange(3, 6)] = ""
            if number % 2:
                row[0], row[1] = row[1], row[0]
            lines.append(",".join(row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 700 pairs, and a model learnt from a thousand of them: both ways of comparing are walked."""
    monkeypatch.setattr(bulk_link, "CHUNK", 700)
    monkeypatch.setattr(resolve, "FIT", 1_000)
    monkeypatch.setattr(resolve, "CHANCE", 20_000)


def both(folder: Path, engine: Any) -> None:
    """By itself and against another table, here and there: the same bytes."""
    one, other = written(folder / "one.csv", 1), written(folder / "other.csv", 2)
    spool = folder / "spool"
    here, there = folder / "here.csv", folder / "there.csv"
    said = linking.deduplicate_file(one, {}, here)
    with bulk_link.SpreadComparing(engine, spool) as by:
        assert linking.deduplicate_file(one, {}, there, by) | {"out": ""} == said | {"out": ""}
    assert said["clusters"] < said["rows"]
    assert there.read_bytes() == here.read_bytes()
    linking.link_files(one, other, {}, here)
    with bulk_link.SpreadComparing(engine, spool) as by:
        linking.link_files(one, other, {}, there, by)
    assert there.read_bytes() == here.read_bytes()
    assert not spool.exists()


def test_parts_of_the_pairs_give_the_bytes_of_all(small: None, tmp_path: Path) -> None:
    """Parts answered last first: clusters, probabilities and reasons are the same, and the spool is gone."""
    engine = Backwards()
    both(tmp_path, engine)
    assert engine.parts > 8


def test_a_table_without_candidates_is_linked_too(tmp_path: Path) -> None:
    """Two rows that share nothing make no pair: two clusters, no part."""
    path, out = tmp_path / "two.csv", tmp_path / "out.csv"
    path.write_text("given,family\nAbel,Winter\nZita,Kron\n", encoding="utf-8")
    engine = Backwards()
    with bulk_link.SpreadComparing(engine, tmp_path / "spool") as by:  # type: ignore[arg-type]
        assert linking.deduplicate_file(path, {}, out, by)["clusters"] == 2
    assert engine.parts == 0


def test_a_home_is_not_linked_on_an_engine(tmp_path: Path) -> None:
    """A home links each record as it comes: an engine is refused before anything is opened; so is one that runs no code of ours."""
    done = CliRunner().invoke(cli, ["link", "--engine", "spark", "--home", str(tmp_path / "none")])
    assert isinstance(done.exception, Usage)
    path = written(tmp_path / "one.csv", 1, 5)
    done = CliRunner().invoke(cli, ["link", "--engine", "duckdb", "--input", str(path), "--out", str(tmp_path / "out.csv")])
    assert isinstance(done.exception, Usage)
    assert done.exception.code == "E355"


@pytest.mark.long
def test_spark_gives_the_bytes_of_one_process(small: None, tmp_path: Path) -> None:
    """The same on two cores of Spark."""
    pytest.importorskip("pyspark", reason="make spark")
    engine = open_engine("spark", master="local[2]")
    try:
        both(tmp_path, engine)
    finally:
        engine.close()
