"""Features of a cohort on an engine: row for row what one process gives, out of parts that hold no more than what was known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from hospital_rows import at, measured, patient
from record_rows import versions
from trivet.data.features import FeatureViews
from trivet.kernel.errors import NotFound, Usage
from trivet.wiring.bulk_features import features_over
from trivet.wiring.engines import open_engine

NOW = at(100)
SINCE = pa.schema([("subject", pa.string()), ("person", pa.string()), ("known_seq", pa.int64()), ("until_seq", pa.int64())])


class Shelf:
    """Persons p-0 to p-N, each with a result that is corrected at position 30; in the protocols of one and of many."""

    def __init__(self, persons: int) -> None:
        self.rows: list[dict[str, Any]] = []
        for number in range(persons):
            about = {"subject": f"Patient/{number}", "person": f"p-{number}"}
            self.rows += [
                patient(1, ident=str(number), **about),
                measured(f"hb{number}", "718-7", 10 + number / 7, "g/dL", at(90), 2, **about),
                measured(f"hb{number}", "718-7", 8.0, "g/dL", at(90), 30, number=2, **about),
            ]

    def history(self, persons: Sequence[str]) -> pa.Table:
        """Every link, from the beginning."""
        rows = [(f"Patient/{who[2:]}", who, 1, None) for who in persons if int(who[2:]) < len(self.rows) // 3]
        return pa.table([pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), SINCE, strict=True)], schema=SINCE)

    def versions(self, of: Any = None, second: Any = None, third: Any = None) -> pa.Table:
        """`Versions` when it is given a person and a position, `Links` when it is given subjects, types and a position."""
        if third is None:
            return versions(*[row for row in self.rows if row["known_seq"] <= second and of in (None, row["person"])])
        return versions(*[row for row in self.rows if row["known_seq"] <= third and row["subject"] in of and row["type"] in second])


class Backwards:
    """An engine in this process that answers the last part first."""

    def __init__(self) -> None:
        self.parts = 0

    def spread(self, files: list[str], work: Any, shape: pa.Schema, into: str) -> None:
        """Each part's answer is a file of its own."""
        held = pa.parquet.read_table(files[0])
        Path(into).mkdir()
        for row in reversed(range(held.num_rows)):
            self.parts += 1
            for answer in work(iter(held.slice(row, 1).combine_chunks().to_batches())):
                pa.parquet.write_table(pa.Table.from_batches([answer], shape), f"{into}/part-{self.parts}.parquet")


@pytest.fixture
def views() -> Iterator[FeatureViews]:
    """Feature views over 450 persons: three parts."""
    shelf = Shelf(450)
    made = FeatureViews(shelf, None, shelf)
    yield made
    made.close()


def cohort() -> list[tuple[str, str, int]]:
    """Every person twice, before and after the correction, in no order of persons."""
    return [(f"p-{number * 7 % 450}", NOW, as_of) for as_of in (40, 10) for number in range(450)]


def test_an_engine_gives_the_rows_of_one_process(views: FeatureViews, tmp_path: Path) -> None:
    """900 cases in three parts, the last answered first: the same rows with the same facts, in the cohort's order, nothing left behind."""
    engine = Backwards()
    here = views.many("readmission", cohort())
    there = list(features_over(engine, views, "readmission", cohort(), tmp_path / "spool"))  # type: ignore[arg-type]
    assert there == here
    assert engine.parts == 3
    assert {value.value for row in there for value in row.values if value.name == "haemoglobin" and row.as_of == 40} == {8.0}
    assert not (tmp_path / "spool").exists()


def test_nobody_is_nobody_on_an_engine_too(views: FeatureViews, tmp_path: Path) -> None:
    """An empty cohort has no rows; an unknown person is not found; views that know no links cannot be taken apart."""
    assert list(features_over(Backwards(), views, "readmission", [], tmp_path / "a")) == []  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        list(features_over(Backwards(), views, "readmission", [("p-1", NOW, 10), ("p-999", NOW, 10)], tmp_path / "b"))  # type: ignore[arg-type]
    with pytest.raises(Usage):
        list(FeatureViews(Shelf(1)).parts("readmission", [("p-0", NOW, 10)]))


@pytest.mark.long
def test_spark_gives_the_rows_of_one_process(views: FeatureViews, tmp_path: Path) -> None:
    """The same on two cores of Spark."""
    pytest.importorskip("pyspark", reason="make spark")
    engine = open_engine("spark", master="local[2]")
    try:
        there = list(features_over(engine, views, "readmission", cohort(), tmp_path / "spool"))  # type: ignore[arg-type]
    finally:
        engine.close()
    assert there == views.many("readmission", cohort())
