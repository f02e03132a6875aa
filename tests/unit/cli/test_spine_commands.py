"""The commands of the spine as other tools call them: one JSON object on standard output, documented exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trivet.wiring.build import open_home

ADMISSION = (
    "MSH|^~\\&|ADT|HOSP|TRIVET|HOSP|20260301080000||ADT^A01^ADT_A01|{number}|P|2.5.1\r"
    "EVN|A01|20260301080000\r"
    "PID|1||{number:06d}^^^HOSP^MR||CANARY{number}^PAT||19700101|F\r"
    "PV1|1|I|W1^1^1^HOSP||||||||||||||||V{number}|||||||||||||||||||||||||20260301080000\r"
)


def trivet(*arguments: str, code: int = 0) -> Any:
    """One command: its exit code is checked, its JSON answer given."""
    done = subprocess.run([sys.executable, "-m", "trivet.cli.main", *arguments, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "CANARY" not in done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that took in three admissions and one file that nobody understands."""
    folder = tmp_path_factory.mktemp("cli")
    home = folder / "home"
    made = trivet("init", str(home), "--site", "main", "--synthetic")
    assert (made["site"], made["synthetic"]) == ("main", True)
    (folder / "adt.hl7").write_text("".join(ADMISSION.format(number=number) for number in range(3)))
    (folder / "odd.bin").write_bytes(b"\x00\x01\x02")
    answer = trivet("receive", str(folder / "adt.hl7"), str(folder / "odd.bin"), "--source", "admissions", "--home", str(home))
    assert (answer["landed"], answer["mapped"], answer["quarantined"], answer["source_registered"]) == (4, 3, 1, True)
    again = trivet("receive", str(folder / "adt.hl7"), "--source", "admissions", "--format", "hl7v2", "--home", str(home))
    assert (again["landed"], again["repeated"], again["versions"], again["source_registered"]) == (0, 3, 0, False)
    return home


def test_reconcile(home: Path) -> None:
    """The sums balance and are told by source."""
    answer = trivet("reconcile", "--home", str(home))
    assert answer["balanced"]
    [line] = answer["sources"]
    assert (line["source"], line["landed"], line["mapped"], line["quarantined"], line["off"]) == ("admissions", 4, 3, 1, 0)


def test_query(home: Path) -> None:
    """Published views answer, as of a position too; what is no SELECT is a usage error, as JSON."""
    answer = trivet("query", "select state, count(*) as n from messages group by all order by all", "--home", str(home))
    assert answer["columns"] == ["state", "n"]
    assert answer["rows"] == [{"state": "mapped", "n": 3}, {"state": "quarantined", "n": 1}]
    assert trivet("query", "select * from messages", "--as-of", "0", "--home", str(home))["rows"] == []
    assert trivet("query", "select * from messages", "--as-of", "2001-01-01", "--home", str(home))["rows"] == []
    later = trivet("query", "select count(*) as n from messages", "--as-of", "2999-01-01T00:00:00Z", "--home", str(home))
    assert later["rows"] == [{"n": 4}]
    assert trivet("query", "drop table messages", "--home", str(home), code=2)["error"]["code"]
    assert trivet("query", "select 1", "--as-of", "soon", "--home", str(home), code=2)["error"]["code"] == "E131"


def test_the_views_that_other_tools_count_on(home: Path) -> None:
    """Each promised view is there with the promised columns, filled or not."""
    promised = {
        "decisions": "decision_id use model person decided_at outcome mode",
        "messages": "receipt source format received_at state reason partial bytes",
        "records": "key type id version person valid_at known_seq receipt source body",
        "persons": "person",
        "checks": "check_id table_name failing total threshold verdict severity run_at",
        "links": "person",
        "notices": "receipt kind system code",
        "coverage": "source locator disposition rule elements",
        "ledger": "seq kind at",
        "sources": "source format owner documented",
    }
    house = open_home(home)
    for view, columns in promised.items():
        assert set(columns.split()) <= set(house.shelf.query(f"select * from {view} limit 1")[0]), view
    house.close()


def test_fsck_rebuild_and_doctor(home: Path) -> None:
    """A sound home is sound, and every projection comes out the same."""
    assert trivet("fsck", "--home", str(home))["sound"]
    assert trivet("rebuild", "--check", "--home", str(home))["same"]
    assert trivet("doctor", "--home", str(home))["sound"]


def test_exit_codes(home: Path, tmp_path: Path) -> None:
    """No home is 5, a second home in one place is 3, a missing file 5, an unknown format 5, a broken setting 2."""
    assert trivet("reconcile", "--home", str(tmp_path / "nowhere"), code=5)["error"]["code"] == "E121"
    assert trivet("init", str(home), code=3)["error"]["code"] == "E122"
    assert trivet("receive", str(tmp_path / "nothing"), "--source", "admissions", "--home", str(home), code=5)["error"]["code"] == "E224"
    assert trivet("receive", str(home / "trivet.toml"), "--source", "x", "--format", "morse", "--home", str(home), code=5)["error"]["code"]
    broken = tmp_path / "broken"
    trivet("init", str(broken))
    (broken / "trivet.toml").write_text("[site]\nzoen = 'UTC'\n")
    problem = trivet("reconcile", "--home", str(broken), code=2)["error"]
    assert problem["where"].endswith("trivet.toml:2")


def test_no_value_of_a_patient_in_the_ledger(home: Path) -> None:
    """The marked name stands in the records and nowhere in the ledger's entries."""
    assert trivet("query", "select count(*) as n from records where body like '%CANARY%'", "--home", str(home))["rows"][0]["n"] > 0
    house = open_home(home)
    entries = b"".join(body for _, body in house.ledger.bodies(0, house.ledger.size()))
    house.close()
    assert b"CANARY" not in entries
    assert b"adt.hl7" not in entries
