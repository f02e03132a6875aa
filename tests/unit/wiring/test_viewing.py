"""`trivet view`: files of every kind, a home's records, the statement and its plan, and errors with their file and line."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from trivet.cli.main import cli
from trivet.kernel.errors import DataRejected, NotFound, Usage
from trivet.wiring.build import open_home
from trivet.wiring.engines import engine_names, open_engine
from trivet.wiring.viewing import compiled, run_view, shipped

PATIENT = '{"resourceType":"Patient","id":"1","birthDate":"1950-06"}'
WEIGHT = '{"resourceType":"Observation","id":"2","valueQuantity":{"value":70.10},"valueString":"in vain"}'
VIEW = {
    "resource": "Observation",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "v", "path": "value.ofType(Quantity).value"}]}],
}


@pytest.fixture
def view(tmp_path: Path) -> str:
    """A view over Observations."""
    path = tmp_path / "view.json"
    path.write_text(json.dumps(VIEW))
    return str(path)


@pytest.mark.parametrize("engine", ["duckdb", "reference"])
def test_a_folder_is_read_whole(tmp_path: Path, view: str, engine: str) -> None:
    """Lines, bundles, single resources and Parquet of raw texts, all in one folder, each decimal with its digits."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.ndjson").write_text(f"{PATIENT}\n\n{WEIGHT}\n")
    (folder / "b.json").write_text(f'{{"resourceType":"Bundle","entry":[{{"resource":{WEIGHT}}},{{"fullUrl":"x"}}]}}')
    (folder / "c.json").write_text(WEIGHT)
    pyarrow.parquet.write_table(pyarrow.table({"raw": [WEIGHT, PATIENT]}), folder / "d.parquet")
    answer = run_view(view, folder, engine)
    assert answer["columns"] == ["id", "v"]
    assert [[key, str(value)] for key, value in answer["rows"]] == [["2", "70.10"]] * 4


@pytest.mark.parametrize(("line", "code"), [("{bad", "E341"), ("[1]", "E342"), ('{"id":"9"}', "E342")])
@pytest.mark.parametrize("engine", ["duckdb", "reference"])
def test_a_bad_line_is_named(tmp_path: Path, view: str, engine: str, line: str, code: str) -> None:
    """The file and the number of the line, and not a word of what stands in it."""
    path = tmp_path / "in.ndjson"
    path.write_text(f"{PATIENT}\n{line}\n")
    with pytest.raises(DataRejected) as caught:
        run_view(view, path, engine)
    assert caught.value.code == code
    assert caught.value.where == f"{path}:2"


def test_what_is_asked_for_must_be_there(tmp_path: Path, view: str) -> None:
    """An unknown view, an unknown engine, nothing to read, two places to read from: each says what to do."""
    with pytest.raises(NotFound, match="no view"):
        run_view("no-such-view", tmp_path)
    with pytest.raises(NotFound, match="no engine"):
        run_view(view, tmp_path, "abacus")
    with pytest.raises(Usage):
        run_view(view)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="nothing to read"):
        run_view(view, tmp_path / "empty")
    assert {"duckdb", "reference", "spark"} <= set(engine_names())


def test_an_engine_answers_sql_over_records() -> None:
    """The same door serves other bulk work: relations, SQL, Arrow out."""
    engine = open_engine("duckdb", threads=1)
    engine.records("mine", table=pyarrow.table({"raw": [PATIENT, WEIGHT]}))
    assert engine.sql("SELECT count(*) AS n FROM mine")["n"].to_pylist() == [2]
    with pytest.raises(Usage):
        engine.sql("CREATE TABLE t (a INT)")
    engine.close()


def test_the_statement_can_be_read(view: str) -> None:
    """`compile` gives SQL and plan, and says what has none; a name that a type does not have is noted."""
    said = compiled(view, "duckdb")
    assert "json_transform" in said.sql
    assert "column v: decimal" in said.plan
    done = CliRunner().invoke(cli, ["view", "compile", "us-core-questionnaire-response"])
    assert done.exit_code == 0, done.output
    assert "everything below" in done.output
    listed = json.loads(CliRunner().invoke(cli, ["view", "list", "--json"]).output)["views"]
    assert {one["name"] for one in listed} == set(shipped())


def test_a_home_is_read_by_a_shipped_view(tmp_path: Path) -> None:
    """The newest version of each record of the view's type; what was received twice or changed is one row."""
    home = tmp_path / "home"
    runner = CliRunner()
    assert runner.invoke(cli, ["init", str(home), "--synthetic"]).exit_code == 0
    first, second = tmp_path / "one.ndjson", tmp_path / "two.ndjson"
    first.write_text(PATIENT + "\n")
    second.write_text(PATIENT.replace("1950-06", "1950-07") + "\n")
    for path in (first, second):
        done = runner.invoke(cli, ["receive", str(path), "--source", "ehr", "--format", "fhir", "--home", str(home)])
        assert done.exit_code == 0, done.output
    done = runner.invoke(cli, ["view", "run", "us-core-patient", "--home", str(home), "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.output, parse_float=Decimal)
    assert [row[answer["columns"].index("birth_date")] for row in answer["rows"]] == ["1950-07"]
    house = open_home(home)
    [(known,)] = house.shelf.query("SELECT max(known_seq) FROM record_version WHERE type = 'Patient'")[1]
    house.close()
    before = known - 1
    earlier = runner.invoke(cli, ["view", "run", "us-core-patient", "--home", str(home), "--as-of", str(before), "--json"])
    assert [row[answer["columns"].index("birth_date")] for row in json.loads(earlier.output)["rows"]] == ["1950-06"]
    assert isinstance(runner.invoke(cli, ["view", "run", "us-core-patient", "--input", str(first), "--as-of", "1"]).exception, Usage)
