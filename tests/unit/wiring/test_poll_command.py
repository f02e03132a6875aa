"""`trivet poll`, `trivet client-key` and `trivet doctor` against a real server; a poll that is killed; `trivet up` on its schedule."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fhir_server import FhirServer
from loopback import served
from trivet.flows.fsck import fsck
from trivet.flows.reconcile import reconcile
from trivet.wiring.build import open_home
from wire_home import NOON, wire_home

TRIVET = [sys.executable, "-m", "trivet.cli.main"]


def said(*arguments: str | Path) -> tuple[int, dict[str, object]]:
    """Exit code and answer of a command."""
    done = subprocess.run([*TRIVET, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}


def many(there: FhirServer, number: int) -> None:
    """Patients."""
    for one in range(number):
        there.put("Patient", f"p{one}", name=[{"family": f"Ode{one}"}])


@pytest.mark.long
def test_poll_doctor_and_keys(tmp_path: Path) -> None:
    """One poll lands and settles; doctor says that the server answers; a server that is gone is exit 7 and, in doctor, a remedy."""
    there = FhirServer()
    many(there, 3)
    with served(there.app()) as url:
        home = Path(wire_home(tmp_path, f"fhir+{url}/fhir", {"types": ["Patient"], "tries": 1}).home)
        code, answer = said("poll", "--home", home)
        assert code == 0
        assert answer["sources"]["feed"]["landed"] == 3  # type: ignore[index]
        assert answer["settled"] == {"mapped": 3}
        _, findings = said("doctor", "--home", home)
        door = next(one for one in findings["findings"] if one["check"] == "door-feed")  # type: ignore[attr-defined]
        assert (door["state"], door["found"]) == ("ok", "FHIR 4.0.1")
    code, answer = said("poll", "feed", "--home", home)
    assert code == 7
    assert answer["sources"]["feed"]["error"]["code"] == "E823"  # type: ignore[index]
    _, findings = said("doctor", "--home", home)
    wrong = {one["check"]: one for one in findings["findings"] if one["state"] == "wrong"}  # type: ignore[attr-defined]
    assert wrong["door-feed"]["remedy"]
    assert "1 polls failed" in wrong["poll-feed"]["found"]
    assert said("poll", "nobody", "--home", home)[0] == 5
    code, made = said("client-key", "new", "--home", home)
    assert (code, len(str(made["kid"]))) == (0, 32)
    assert said("client-key", "jwks", "--home", home)[1]["keys"][0]["crv"] == "P-384"  # type: ignore[index]
    assert said("client-key", "retire", str(made["kid"]), "--home", home)[0] == 2


@pytest.mark.long
def test_up_polls_on_its_schedule(tmp_path: Path) -> None:
    """`trivet up` asks by itself; what is new at the server arrives without anybody's doing; SIGTERM ends it."""
    there = FhirServer()
    many(there, 2)
    with served(there.app()) as url:
        home = Path(wire_home(tmp_path, f"fhir+{url}/fhir", {"types": ["Patient"]}, every=1).home)
        up = subprocess.Popen(
            [*TRIVET, "up", "--home", str(home), "--http", "127.0.0.1:0", "--no-console"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            settled(home, 2)
            many(there, 3)
            settled(home, 5)
        finally:
            up.send_signal(signal.SIGTERM)
            assert up.wait(30) == 0


def settled(home: Path, versions: int) -> None:
    """Wait until so many versions are on the shelf."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        house = open_home(home, clock=NOON)
        found = house.store.read("select count(*) from record_version")[0][0]
        house.close()
        if found >= versions:
            return
        time.sleep(0.2)
    raise AssertionError(f"{found} of {versions}")


@pytest.mark.long
def test_a_killed_poll_is_finished_by_the_next(tmp_path: Path) -> None:
    """kill -9 at random moments of many polls: in the end everything is there once, the watermark is right, the sums balance."""
    there = FhirServer()
    many(there, 3_000)
    chance = random.Random(11)
    with served(there.app()) as url:
        home = Path(wire_home(tmp_path, f"fhir+{url}/fhir", {"types": ["Patient"], "count": 50}).home)
        command = [*TRIVET, "poll", "--home", str(home)]
        for _ in range(int(os.environ.get("TRIVET_ROUNDS", "20"))):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as polling:
                time.sleep(0.5 + chance.random() * 2)
                os.killpg(polling.pid, signal.SIGKILL)
        assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    house = open_home(home)
    assert house.store.read("select count(distinct blob), count(*) from receipt") == [(3_000, 3_000)]
    assert house.store.read("select count(*) from record_version") == [(3_000,)]
    assert fsck(house)["sound"]
    assert reconcile(house)["balanced"]
    assert "next" not in house.role("wires").memory("feed").bookmark()["queries"]["Patient"]
    house.close()
