"""Data written by others, through the command line, into one home: nothing lost, nothing crashed, everything accounted for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.long, pytest.mark.corpora]


@pytest.fixture(scope="module")
def home(root: Path, corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that `make walk` leaves behind."""
    made = tmp_path_factory.mktemp("walk") / "home"
    done = subprocess.run([root / "scripts/walk", corpora, made], capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return made


def trivet(home: Path, *arguments: str) -> dict[str, Any]:
    """One command, its JSON answer."""
    command = [sys.executable, "-m", "trivet.cli.main", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TRIVET_HOME": str(home)}, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_sums_balance(home: Path) -> None:
    """Per source landed = mapped + quarantined + ignored, nothing is in flight, and every byte of every file is in some unit."""
    answer = trivet(home, "reconcile")
    assert answer["balanced"]
    lines = {line["source"]: line for line in answer["sources"]}
    assert {"stream", "ehr", "clearing", "warehouse"} <= set(lines)
    assert all(line["in_flight"] == 0 and line["landed"] for line in lines.values())
    assert lines["stream"]["landed"] + lines["stream"]["repeated"] >= 1013
    assert lines["stream"]["quarantined"] == 0


def test_most_of_it_is_understood(home: Path) -> None:
    """What others wrote is mostly mapped: a walk that quarantines everything would balance too."""
    for line in trivet(home, "reconcile")["sources"]:
        assert line["mapped"] >= 0.8 * line["landed"], line


def test_coverage_is_reported_and_the_uncovered_is_listed(home: Path) -> None:
    """Each source has an account of its elements, and every uncovered place names a receipt to look at."""
    rows = trivet(home, "query", "select source, disposition, sum(elements)::bigint as elements from coverage group by all")["rows"]
    assert {row["source"] for row in rows} == {"stream", "ehr", "clearing", "warehouse"}
    listed = trivet(home, "query", "select locator, first from coverage where disposition = 'uncovered'")["rows"]
    assert all(row["locator"] and row["first"] > 0 for row in listed)


def test_the_same_again_changes_nothing(home: Path, corpora: Path) -> None:
    """Receiving the stream a second time lands nothing and adds no version."""
    answer = trivet(home, "receive", str(corpora / "hl7v2-simulated-stream/docs/artifacts/messages.out"), "--source", "stream")
    assert (answer["landed"], answer["versions"]) == (0, 0)
    assert answer["repeated"] >= 1013


def test_a_rebuild_gives_the_same(home: Path) -> None:
    """Vault and ledger alone make every table again, digest for digest."""
    assert trivet(home, "rebuild", "--check")["same"]


def test_the_home_fits_together(home: Path) -> None:
    """fsck finds nothing wrong."""
    assert trivet(home, "fsck")["sound"]
