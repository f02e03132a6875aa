"""Who is who in material of others: one test patient out of many products, and Splink's own weights as the oracle of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home, open_home

NOW = "2026-03-01T00:00:00.000000Z"
SUITE = "ccda-one-patient-40-ehrs"


@pytest.mark.corpora
@pytest.mark.long
def test_one_patient_of_many_products_is_one_person(corpora: Path, tmp_path: Path) -> None:
    """Every document's Alice Newman is the same person, without a doubt left over; where the products disagree about her (four
    social security numbers), each of those records is in view with its source, and nobody's is taken for the truth."""
    clock = FrozenClock(NOW)
    init_home(tmp_path / "home", clock=clock).close()
    house = open_home(tmp_path / "home", clock=clock)
    products = set()
    for path in sorted((corpora / SUITE).rglob("*.xml")):
        product = path.parent.name.lower().replace(" ", "-")
        products.add(product)
        receive(house, [Delivery(path.read_bytes(), product, "ccda", path.name)])
    links = house.store.read("select subject, person from link where until_seq is null")
    assert len(links) == len(products) > 10
    assert len({person for _, person in links}) == 1
    assert house.store.read("select * from link_review where state = 'open'") == []
    verdict = next(one for one in house.checks.run() if one.check == "person-conflict")
    whys = [row["why"] for row in house.checks.rows("person-conflict")]
    house.close()
    assert verdict.failing == len(whys) == 4
    sources = {why.rsplit(", ", 1)[1] for why in whys}
    assert sources == {"360-oncology", "henry-schein", "iopracticeware", "socialcare"}
    assert all("social security number" in why for why in whys)


@pytest.mark.long
def test_our_weights_are_those_of_splink(root: Path) -> None:
    """The same levels, m, u and term frequencies given to both: match weights within 0.01 bit over 20,000 pairs, every level met."""
    peer = os.environ.get("TRIVET_PEER_SPLINK", "")
    if not Path(peer).is_file():
        pytest.skip("Splink is not here: set TRIVET_PEER_SPLINK to the Python of its environment (benchmarks/splink_parity.py says how)")
    done = subprocess.run(
        [sys.executable, str(root / "benchmarks" / "splink_parity.py"), "--peer", peer], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["pairs"] == 20_000
    assert said["max_difference_bits"] <= 0.01
    assert said["never_met"] == []
