"""`trivet check` and `trivet link` as other tools call them: one JSON object, documented exit codes, files with the promised columns."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def trivet(*arguments: str, code: int = 0) -> Any:
    """One command: its exit code is checked, its first JSON object given."""
    done = subprocess.run([sys.executable, "-m", "trivet.cli.main", *arguments, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[0])


def twin(name: str, given: str) -> dict[str, Any]:
    """A Patient who shares all but the given name and the number with another one."""
    return {
        "resourceType": "Patient",
        "id": name,
        "name": [{"family": "Ramirez", "given": [given]}],
        "birthDate": "1961-04-17",
        "gender": "female",
        "telecom": [{"system": "phone", "value": "312-555-0142"}],
        "address": [{"line": ["12 Oak St"], "postalCode": "60601"}],
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two twins and a creatinine of 97 mg/dL."""
    folder = tmp_path_factory.mktemp("data")
    home = folder / "home"
    trivet("init", str(home), "--synthetic")
    result = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "subject": {"reference": "Patient/a"},
        "effectiveDateTime": "2026-02-01T08:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
        "valueQuantity": {"value": 97, "unit": "mg/dL"},
    }
    rows = [twin("a", "Elena"), twin("b", "Marta"), result]
    (folder / "export.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    trivet("receive", str(folder / "export.ndjson"), "--source", "ehr", "--format", "fhir", "--home", str(home))
    return home


def test_check_runs_fails_and_opens(home: Path) -> None:
    """A grave check that does not hold is exit 6; opened, it names the row, its receipt and why."""
    answer = trivet("check", "--home", str(home), code=6)
    failing = {check["check"]: check for check in answer["checks"] if check["verdict"] == "fail"}
    assert failing["unit-mixed-up"]["failing"] == 1
    opened = trivet("check", "unit-mixed-up", "--home", str(home))
    assert [row["why"] for row in opened["rows"]] == ["2160-0 in mg/dL would be usual in umol/L"]
    assert trivet("check", "no-such-check", "--home", str(home), code=5)["error"]["code"] == "E291"
    assert {check["check"] for check in trivet("check", "--list", "--home", str(home))["checks"]} >= set(failing)


def test_link_prints_doubts_and_takes_a_decision(home: Path) -> None:
    """Twins wait; nobody decides without a name and a reason; a decision is a ledger position, and is taken once."""
    [doubt] = trivet("link", "--home", str(home))["reviews"]
    assert doubt["rule"] == "twins"
    number = str(doubt["review"])
    assert trivet("link", "--reject", number, "--home", str(home), code=2)["error"]["code"] == "E281"
    decided = trivet("link", "--reject", number, "--actor", "R. Abernathy", "--reason", "two charts", "--home", str(home))
    assert decided["reviews"] == []
    assert len(decided["decisions"]) == 1
    assert (
        trivet("link", "--confirm", number, "--actor", "R. Abernathy", "--reason", "again", "--home", str(home), code=3)["error"]["code"]
        == "E283"
    )


def test_links_decisions_and_checks_are_rebuilt(home: Path) -> None:
    """What the machine linked, what a human decided and what the checks said comes back from vault and ledger, row for row."""
    trivet("link", "--merge", *records(home), "--actor", "R. Abernathy", "--reason", "one chart after all", "--home", str(home))
    trivet("check", "--home", str(home), code=6)
    answer = trivet("rebuild", "--home", str(home))
    rows = {table["table"]: table["rows"] for table in answer["tables"]}
    assert answer["same"], answer["differing"]
    assert min(rows[table] for table in ("link", "link_event", "link_review", "check_run", "check_outcome", "check_row")) > 0


def records(home: Path) -> list[str]:
    """The keys of the two patients."""
    answer = trivet("query", "select distinct key from records where type = 'Patient' order by 1", "--home", str(home))
    return [row["key"] for row in answer["rows"]]


def test_link_a_table_by_itself_and_against_another(tmp_path: Path) -> None:
    """The documented columns, rows counted from 0, one decision for each row, a column named by hand."""
    (tmp_path / "a.csv").write_text(
        "NACHNAME,first name,dob\nRamirez,Elena,1961-04-17\nOkafor,James,1948-11-02\nRamires,Elena,1961-04-17\n"
    )
    (tmp_path / "b.csv").write_text("NACHNAME,first name,dob\nWeiss,Anna,1980-02-02\nOkafor,James,1948-11-02\n")
    mapped = ("--map", "family=NACHNAME")
    answer = trivet("link", "--input", str(tmp_path / "a.csv"), *mapped, "--out", str(tmp_path / "c.csv"))
    assert (answer["rows"], answer["clusters"], answer["fields"]) == (3, 2, ["given", "family", "birth"])
    with (tmp_path / "c.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [list(rows[0]), [row["row"] for row in rows], rows[0]["cluster"] == rows[2]["cluster"]] == [
        ["row", "cluster", "probability"],
        ["0", "1", "2"],
        True,
    ]
    trivet("link", "--input", str(tmp_path / "a.csv"), "--against", str(tmp_path / "b.csv"), *mapped, "--out", str(tmp_path / "d.csv"))
    with (tmp_path / "d.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "decision", "against_row", "probability", "reasons"]
    assert [(row["decision"], row["against_row"]) for row in rows] == [("no_match", ""), ("match", "1"), ("no_match", "")]


def test_a_table_that_is_not_there_or_says_nothing(tmp_path: Path) -> None:
    """Not found, and a usage error that names what was recognised."""
    out = ("--out", str(tmp_path / "o.csv"))
    assert trivet("link", "--input", str(tmp_path / "gone.csv"), *out, code=5)["error"]["code"] == "E293"
    (tmp_path / "colours.csv").write_text("id,colour\n1,red\n")
    assert trivet("link", "--input", str(tmp_path / "colours.csv"), *out, code=2)["error"]["code"] == "E297"
