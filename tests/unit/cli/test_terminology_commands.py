"""`trivet terminology`: load, ask, and the exit codes that a script relies on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import releases
from trivet.cli.main import main
from trivet.wiring.build import init_home, open_home

NOW = "2026-03-01T08:00:00.000000Z"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new home."""
    init_home(tmp_path / "home", synthetic=True, today=NOW).close()
    return tmp_path / "home"


def run(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> tuple[int, Any]:
    """Exit code and JSON answer of a command."""
    with pytest.raises(SystemExit) as end:
        main(["terminology", *words, "--home", str(home), "--json"])
    return int(end.value.code or 0), json.loads(capsys.readouterr().out)


def test_load_then_ask(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A release is loaded once, stands in the ledger with its digest, and answers every question; nothing unknown is valid."""
    folder = releases.snomed(tmp_path / "sct")
    exit_code, loaded = run(capsys, home, "load", "snomed", str(folder))
    assert (exit_code, loaded["editions"][0]["concepts"]) == (0, 6)
    assert run(capsys, home, "load", "snomed", str(folder))[1]["same"]
    house = open_home(home)
    entries = [entry for _, entry in house.ledger.find("terminology.load")]
    house.close()
    assert [(entry["digests"]["files"], entry["notes"]["kind"]) for entry in entries] == [(loaded["digest"], "snomed")]
    assert run(capsys, home, "lookup", "SCT", "30")[1]["parents"] == ["20", "21"]
    assert run(capsys, home, "subsumes", "SCT", "10", "30")[1]["outcome"] == "subsumes"
    assert run(capsys, home, "search", "disorder lung", "--system", "SCT")[1]["hits"][0]["code"] == "21"
    assert any(one["kind"] == "snomed" for one in run(capsys, home, "list")[1]["systems"])
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert run(capsys, home, "expand", gender, "--count", "1")[1]["total"] == 4
    for words, expected in (
        (("SCT", "30"), (0, "valid")),
        (("SCT", "31"), (6, "invalid")),
        (("LOINC", "9001-1"), (7, "unknown")),
        (("LOINC", "9001-1", "SCT", "30"), (0, "valid")),
    ):
        exit_code, told = run(capsys, home, "validate", *words)
        assert (exit_code, told["result"]) == expected
    assert run(capsys, home, "translate", "SCT", "30")[0] == 5


@pytest.mark.parametrize("day", ["2026-13-45", "yesterday", "20260101"])
def test_a_day_that_is_none_is_refused(home: Path, capsys: pytest.CaptureFixture[str], day: str) -> None:
    """What is asked of a day that no calendar has is not answered as of today."""
    gender = "http://hl7.org/fhir/administrative-gender"
    with pytest.raises(SystemExit) as end:
        main(["terminology", "validate", gender, "female", "--at", day, "--home", str(home)])
    assert end.value.code == 2
    assert day in capsys.readouterr().err
    assert run(capsys, home, "validate", gender, "female", "--at", "2026-01-01")[1]["result"] == "valid"


@pytest.mark.parametrize(
    "concept", [[{"code": "a"}, {"display": "no code"}], [{"code": 3}], [{"code": ""}], ["a"], [{"code": "a", "designation": [{}]}]]
)
def test_a_code_system_that_lacks_codes_is_refused_whole(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], concept: list[Any]
) -> None:
    """A concept without a code, or of no shape that FHIR has: an error that names the file and the system, and nothing of it is loaded."""
    path = tmp_path / "system.json"
    path.write_text(
        json.dumps({"resourceType": "CodeSystem", "url": "urn:x", "status": "active", "content": "complete", "concept": concept})
    )
    code, answer = run(capsys, home, "load", "fhir", str(path))
    assert (code, answer["error"]["code"]) == (2, "E385")
    assert "urn:x" in answer["error"]["where"]
    assert run(capsys, home, "lookup", "urn:x", "a")[0] == 5
