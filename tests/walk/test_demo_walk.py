"""The demo on few patients: it ends with a summary that helps, and every planted fault is found or listed with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from trivet.cli.demo import command, lines
from trivet.wiring.unanswered import told

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("patients", "days"), [(100, 120), (150, 730)])
def test_a_small_demo_finds_or_explains_everything_and_says_what_to_do(tmp_path: Path, patients: int, days: int) -> None:
    """Found and blind spots are what was planted, kind by kind; questions that nobody answered come with why and a larger size to try."""
    home = tmp_path / "home"
    done = CliRunner().invoke(command, ["--home", str(home), "--patients", str(patients), "--days", str(days), "--no-serve", "--json"])
    assert done.exit_code == 0, done.output
    story = json.loads(done.stdout.strip().splitlines()[-1])
    faults = story["truth"]["faults"]
    assert faults["found"] + faults["blind_spots"] == faults["planted"]
    for held in faults["by_kind"].values():
        assert held["found"] + len(held["blind_spots"]) == held["planted"]
        assert not held["missed"]
    assert story["truth"]["false_alarms"]["link"] == 0, "nobody is linked to somebody else"
    said = "\n".join(lines(story, story["first_decision"], home, told(story["withheld"], patients)))
    for one in story["withheld"]:
        assert f"{one['withheld']} of {one['of']} {one['use']}: " in said
    if any("no-route" in one["reasons"] for one in story["withheld"]):
        assert "not a fault" in said
        assert "--patients 1000" in said
    assert f"trivet up --home {home}" in said
