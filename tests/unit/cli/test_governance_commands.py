"""The governance commands on a real home: what they print, how they end, and that every one of them speaks JSON."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from trivet.cli.main import main
from trivet.contracts.governance import Evidence, Release
from trivet.flows.found import found
from trivet.kernel.digest import digest
from trivet.kernel.resources import text
from trivet.models.registry import adopt
from trivet.wiring.build import init_home

NOW = "2026-03-01T08:00:00.000000Z"


def release(model: str, use: str) -> Release:
    """A version, as a registry would hand it over."""
    made = digest(model)
    return Release(model, "1.0.0", made, made, "score", "score", "T3", model, (use,), "", ("k.datta",), "k.datta")


def proof(model: str, requirement: str) -> Evidence:
    """A passing item."""
    kind = "A" if requirement == "intended-use" else "M"
    data = (digest("data"), digest("query"), digest("code"))
    numbers = ("auroc", "0.74", "0.70", "0.78", 400, 80, "pass")
    times = ("0.7", "2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z", "c.mbeki", NOW, "")
    return Evidence(requirement, kind, model, "1.0.0", digest(model), "site", "", *numbers, *data, *times)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A synthetic home whose clock stands still, founded with the sample staff."""
    made = tmp_path / "home"
    house = init_home(made, synthetic=True, today=NOW)
    uses = {"readmit-gb": "readmission", "lace": "readmission", "news2": "deterioration", "ward-watch": "deterioration"}
    evidence = [proof(model, one) for model in uses for one in ("intended-use", "local-validity", "subgroup-validity")]
    staff = tomllib.loads(text("trivet.maps", "governance", "staff-sample.toml"))
    found(house, staff, [release(model, use) for model, use in uses.items()], evidence)
    house.close()
    return made


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as done:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(done.value.code or 0), captured.out, captured.err


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit code and the one JSON object."""
    code, out, _ = run(capsys, *arguments, "--json")
    return code, json.loads(out)


def test_suspend_promote_approve(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stop, look, vote, bring back: the whole loop of a suspension, with its exit codes."""
    at = ("--home", str(home))
    code, out, _ = run(capsys, "suspend", "readmit-gb", "--reason", "odd", "--as", "j.weber", *at)
    assert (code, out) == (0, "readmit-gb is suspended: 1 grants ended\n")
    assert told(capsys, "suspend", "readmit-gb", *at)[1]["seqs"] == []
    code, answer = told(capsys, "promote", "readmit-gb", "--use", "readmission", *at)
    assert code == 3
    assert answer["error"]["failed"] == "vote:safety_officer, vote:answer, vote:clinical_owner"
    code, answer = told(capsys, "approve", "readmit-gb", *at)
    assert (code, answer["gate"], answer["passed"]) == (0, "G9", False)
    code, _, err = run(capsys, "approve", "readmit-gb", "--seat", "safety_officer", "--as", "j.weber", *at)
    assert (code, "S6" in err or "taking it back" in err) == (3, True)
    code, answer = told(capsys, "approve", "readmit-gb", "--seat", "answer", "--as", "d.rao", *at)
    assert (code, answer["missing"]) == (0, ["vote:safety_officer", "vote:clinical_owner"])
    code, _, err = run(capsys, "promote", "readmit-gb", "--use", "readmission", *at)
    assert code == 3
    assert "missing: Clinical safety officer" in err


def test_one_vote_lets_the_challenger_live(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The model that waits for one vote: refused, voted, promoted."""
    at = ("--home", str(home))
    assert told(capsys, "promote", "ward-watch", *at)[0] == 3
    assert told(capsys, "approve", "ward-watch", "--seat", "administrative_owner", "--as", "h.silva", *at)[1]["missing"] == []
    code, answer = told(capsys, "promote", "ward-watch", "--as", "f.haddad", *at)
    assert (code, answer["details"]["step"]) == (0, "pilot")
    code, answer = told(capsys, "promote", "--list", *at)
    assert {row["model"]: row["stage"] for row in answer["models"]}["ward-watch@1.0.0"] == "pilot"


def test_swapping_is_one_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model with a live grant is swapped in at once, and back again."""
    at = ("--home", str(home))
    code, answer = told(capsys, "promote", "lace", "--use", "readmission", *at)
    assert (code, answer["details"]["step"], len(answer["seqs"])) == (0, "route", 1)
    assert told(capsys, "promote", "readmit-gb", "--use", "readmission", *at)[1]["details"]["step"] == "route"


@pytest.mark.parametrize("command", ["readiness", "debt", "value"])
def test_the_three_numbers_print_and_speak_json(home: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Computed from the home, for people and for programs."""
    code, out, _ = run(capsys, command, "--home", str(home))
    assert (code, bool(out.strip())) == (0, True)
    code, answer = told(capsys, command, "--home", str(home))
    assert code == 0
    assert isinstance(answer, dict)


def test_a_figure_opens_into_its_rows(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A number, its n, how it is calculated, its rows; an unknown one is not found."""
    code, answer = told(capsys, "readiness", "--rows", "owners-filled", "--home", str(home))
    assert (code, answer["value"], answer["n"], answer["good"]) == (0, "91.6", 12, 11)
    assert answer["rows"][0] == {"ok": False, "system": "news2", "seat": "operational_owner", "principal": "", "since": ""}
    assert run(capsys, "readiness", "--rows", "horoscope", "--home", str(home))[0] == 5
    code, answer = told(capsys, "debt", "--kind", "vacant-seat", "--home", str(home))
    assert [item["asset"] for item in answer["items"]] == ["news2: operational_owner"]


NOBODY = [("suspend", "palmistry"), ("promote", "palmistry", "--use", "readmission"), ("approve", "palmistry")]


@pytest.mark.parametrize("arguments", NOBODY)
def test_a_model_nobody_knows_is_not_found(home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """Exit 5, four lines."""
    code, _, err = run(capsys, *arguments, "--home", str(home))
    assert code == 5
    assert err.startswith("error E701")


def test_the_published_relations_answer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every relation of governance can be queried, with the very columns other tools rely on."""
    for name in ("decisions", "denials", "seats", "grants", "evidence", "votes", "routes", "releases", "hypotheses", "costs"):
        assert run(capsys, "query", f"select * from {name}", "--home", str(home))[0] == 0, name
    columns = "decision_id, use, model, person, decided_at, outcome, mode"
    assert run(capsys, "query", f"select {columns} from decisions", "--home", str(home))[0] == 0


def test_a_version_in_the_models_folder_is_registered_and_judged(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new version put into the folder: promote registers it, and says what its first step lacks."""
    folder = home / "models" / "news2"
    folder.parent.mkdir(exist_ok=True)
    adopt("news2", "1.0.0", home / "models")
    shutil.move(folder / "1.0.0", folder / "1.0.1")
    manifest = folder / "1.0.1" / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("version: 1.0.0", "version: 1.0.1"))
    code, answer = told(capsys, "promote", "news2@1.0.1", "--home", str(home))
    assert (code, answer["error"]["failed"]) == (3, "evidence:intended-use, vote:operate")
    assert "news2@1.0.1" in {row["model"] for row in told(capsys, "promote", "--list", "--home", str(home))[1]["models"]}


def test_seats_are_shown_taken_and_vacated(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The vacant seat is filled; a forbidden combination is refused with its rule; a vacated duty stops the model."""
    at = ("--home", str(home))
    code, answer = told(capsys, "seat", *at)
    assert [(row["model"], row["seat"]) for row in answer["seats"] if row["vacant"]] == [("news2", "operational_owner")]
    code, _, err = run(capsys, "seat", "news2", "operational_owner", "--to", "h.silva", *at)
    assert (code, "S4" in err or "three different people" in err) == (3, True)
    assert run(capsys, "seat", "news2", "operational_owner", "--to", "g.novak", *at)[0] == 0
    assert run(capsys, "seat", "news2", "answer", "--vacate", "--reason", "left", *at)[0] == 0
    assert told(capsys, "readiness", "--rows", "duties-filled", *at)[1]["good"] == 19
    assert run(capsys, "seat", "news2", "answer", *at)[0] == 2


def test_init_seats_the_first_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`trivet init --staff FILE` enrols and seats by `founding`, and keeps the file."""
    staff = tmp_path / "staff.toml"
    staff.write_text(text("trivet.maps", "governance", "staff-sample.toml"))
    made = tmp_path / "new"
    assert run(capsys, "init", str(made), "--staff", str(staff))[0] == 0
    assert (made / "site" / "staff.toml").read_bytes() == staff.read_bytes()
    code, answer = told(capsys, "query", "select count(*) as taken from seats", "--home", str(made))
    assert code == 0
    assert "40" in json.dumps(answer)
