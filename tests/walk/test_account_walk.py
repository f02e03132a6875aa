"""Explain, replay, dossier and verify on a real home, through the command line: from an answer to the bytes of the bundle."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.walk.test_decide_walk import asked, home  # noqa: F401 - the fixture

from trivet.cli.main import main
from trivet.flows.receive import Delivery, receive
from trivet.wiring.build import open_home

MIND = {
    "resourceType": "Observation",
    "id": "mind",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "67775-7"}]},
    "subject": {"reference": "Patient/x1"},
    "effectiveDateTime": "2026-03-01T07:40:00Z",
    "valueString": "Alert",
}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and standard output of a command."""
    with pytest.raises(SystemExit) as done:
        main(list(words))
    return int(done.value.code or 0), capsys.readouterr().out


def test_from_the_answer_to_the_bytes_and_back(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    """A scored NEWS2: every value reaches bytes or an absence, the replay is bit-equal, the dossier passes in an empty interpreter."""
    house = open_home(home)
    receive(house, [Delivery(json.dumps(MIND).encode(), "ehr", "fhir", "two.json")])
    [person] = {row[0] for row in house.shelf.query("select person from records where person is not null")[1]}
    house.close()
    at = ("--home", str(home))
    assert asked(home, capsys, person, "--at", "2026-03-01T07:35:00Z")[1]["outcome"] == "abstained"
    _, answer = asked(home, capsys, person)
    assert answer["outcome"] == "scored", answer
    name = answer["decision_id"]
    code, out = run(capsys, "explain", name, *at, "--json")
    story = json.loads(out)
    assert code == 0
    assert story["resolved"]["percent"] == "100.0", [one for one in story["features"] if one["state"] not in ("bytes", "absence")]
    assert story["resolved"]["bytes"] > 0
    assert run(capsys, "explain", name, *at)[0] == 0
    code, out = run(capsys, "replay", "--all", *at, "--json")
    told = json.loads(out)
    assert (code, told["equal"], told["replayed"]) == (0, 2, 2), told
    assert [one["class"] for one in told["decisions"]] == ["R3", "R3"]
    assert all(step["state"] == "same" for one in told["decisions"] for step in one["links"])
    code, out = run(capsys, "dossier", name, "--out", str(tmp_path / "case.zip"), *at, "--json")
    made = json.loads(out)
    assert code == 0
    code, out = run(capsys, "verify", str(tmp_path / "case.zip"), "--vkey", made["vkey"], "--json")
    links = {line["link"]: line["state"] for line in json.loads(out)["links"]}
    assert (code, set(links.values()) <= {"PASS", "NOT-DISCLOSED"}) == (0, True), out
    assert {link for link, state in links.items() if state == "NOT-DISCLOSED"} == {"outcome", "display"}
    zipfile.ZipFile(tmp_path / "case.zip").extract("verify.py", tmp_path)
    done = subprocess.run([sys.executable, "-I", "-S", "verify.py", "case.zip"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    code, out = run(capsys, "ledger", "verify", *at, "--json")
    assert (code, json.loads(out)["problems"]) == (0, [])
    assert run(capsys, "explain", "D-777777", *at)[0] == 5
