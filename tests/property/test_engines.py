"""Random views over random records: every engine gives the rows of the reference engine, row for row, digit for digit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trivet.contracts.engine import Engine
from trivet.kernel.errors import Fault, Usage
from trivet.testing.kits.engine import EngineKit, random_form_view, random_forms, random_texts, random_view
from trivet.wiring.engines import open_engine

PLAIN = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


@pytest.fixture(scope="module")
def reference() -> Engine:
    """The evaluator."""
    return open_engine("reference")


@pytest.fixture(scope="module")
def duck() -> Iterator[Engine]:
    """DuckDB on one thread."""
    engine = open_engine("duckdb", threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def spark() -> Iterator[Engine]:
    """One Spark session for all tests. Skips, and says so, where there is none."""
    try:
        engine = open_engine("spark", master="local[1]", options=PLAIN)
        engine.records("records")
    except (Fault, Usage) as error:
        pytest.skip(f"{error.what}: {error.help}")
    yield engine
    engine.close()


def same(kit: EngineKit, data: Any) -> None:
    """One random view over random records."""

    def choose(options: Any) -> Any:
        return data.draw(st.sampled_from(list(options)))

    if choose([True, True, True, False]):
        kit.compare(random_view(choose), random_texts(choose))
    else:
        kit.compare(random_form_view(choose), random_forms(choose))


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_duckdb_gives_the_rows_of_the_reference(duck: Engine, reference: Engine, data: Any) -> None:
    """Nulls, empty lists, missing members, places out of range, zones, partial dates and scales make no difference."""
    same(EngineKit(duck, reference), data)


def test_duckdb_keeps_the_kit(duck: Engine, reference: Engine) -> None:
    """Digits, moments, strangers and the kit's own views."""
    EngineKit(duck, reference).check(rounds=5)


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck))
def test_duckdb_gives_the_rows_of_the_reference_many_times(duck: Engine, reference: Engine, data: Any) -> None:
    """The same, often."""
    same(EngineKit(duck, reference), data)


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_spark_gives_the_rows_of_the_reference(spark: Engine, reference: Engine, data: Any) -> None:
    """The same on Spark."""
    same(EngineKit(spark, reference), data)


@pytest.mark.long
def test_spark_keeps_the_kit(spark: Engine, reference: Engine) -> None:
    """Digits, moments, strangers and the kit's own views on Spark."""
    EngineKit(spark, reference).check(rounds=20)
