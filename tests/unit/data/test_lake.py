"""The shelf as an Iceberg table: append-only, read as plain Parquet, held through tidying, and equal to the store as of then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from trivet.contracts.house import House
from trivet.flows.erase import erase
from trivet.flows.lake import prove, publish
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound, Refused
from trivet.wiring.build import init_home, open_home

NOW = FrozenClock("2026-03-01T08:00:00.000000Z")


def send(house: House, number: int, who: str = "a") -> None:
    """A patient and one measurement, always another."""
    code = {"coding": [{"system": "http://loinc.org", "code": "2951-2"}]}
    quantity = {"value": number, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    one = {"resourceType": "Observation", "id": f"o{who}{number % 3}", "status": "final", "code": code, "valueQuantity": quantity}
    person = {"resourceType": "Patient", "id": who, "identifier": [{"system": "urn:mrn", "value": who}]}
    entries = [{"resource": person}, {"resource": {**one, "subject": {"reference": f"Patient/{who}"}}}]
    raw = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
    receive(house, [Delivery(raw, "ehr", "fhir", f"{number}{who}.json")])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home with a few versions."""
    init_home(tmp_path / "home", clock=NOW).close()
    house = open_home(tmp_path / "home", clock=NOW)
    for number in range(4):
        send(house, number)
    yield house
    house.close()


def test_a_hold_survives_compaction_and_expiry_and_still_says_the_same(house: House) -> None:
    """What was pinned is read back, file for file, after the table was written together and everything else forgotten; what no hold
    names is gone from the disk; the snapshot and the query as of then have one digest, before and after later versions."""
    lake = house.role("lake")
    assert publish(house)["added"]
    assert not publish(house)["added"]
    lake.hold("trial")
    pinned = prove(house, "trial")
    assert pinned["equal"]
    assert pinned["versions"] == house.store.read("select count(*) from record_version")[0][0]
    files = lake.files("trial")
    for number in range(4, 9):
        send(house, number)
        publish(house)
    assert len(lake.files("")) == 6
    told = lake.compact()
    assert (told["files_before"], told["files"]) == (6, 1)
    told = lake.expire()
    assert told["expired"] > 4
    assert told["removed"] > 0
    assert told["holds"] == ["trial"]
    assert lake.files("trial") == files
    assert prove(house, "trial") == pinned
    assert prove(house, "")["equal"]
    assert prove(house, "", pinned["as_of"])["pinned"] == pinned["pinned"]
    on_disk = {str(path) for path in (Path(house.home) / "shelves" / "lake").resolve().rglob("*.parquet")}
    assert on_disk == {*files, *lake.files("")}
    lake.release("trial")
    assert lake.expire()["expired"] == 1
    with pytest.raises(NotFound):
        lake.files("trial")


def test_a_changed_store_is_seen(house: House) -> None:
    """The two proofs are independent: who changes the store after the fact no longer agrees with the snapshot."""
    publish(house)
    house.role("lake").hold("before")
    house.store.write(lambda tx: tx.execute("update record_version set body = replace(body, '\"value\":2', '\"value\":9')"))
    assert not prove(house, "before")["equal"]


def test_an_erasure_waits_for_a_hold_and_then_leaves_nothing(house: House) -> None:
    """While a snapshot is held nobody is erased; afterwards table, statistics and files hold nobody who was erased."""
    send(house, 1, "marked-zz")
    publish(house)
    lake = house.role("lake")
    lake.hold("case")
    with pytest.raises(Refused):
        lake.hold("case")
    [(person,)] = house.store.read(
        "select distinct link.person from link join record_version using (subject) where body like '%marked-zz%'"
    )
    with pytest.raises(Refused) as refused:
        erase(house, person, reason="request", by="officer")
    assert refused.value.code == "E301"
    lake.release("case")
    subjects = {row[0] for row in house.store.read("select subject from link where person = ?", (person,))}
    erase(house, person, reason="request", by="officer")
    assert prove(house, "")["equal"]
    rows = lake.versions("", house.ledger.size()).to_pylist()
    assert rows
    assert not subjects & {row["subject"] for row in rows}
    everything = [path.read_bytes() for path in (Path(house.home) / "shelves").rglob("*") if path.is_file()]
    assert not [one for subject in subjects for one in everything if subject.encode() in one]


def test_nothing_published_says_so(house: House) -> None:
    """Before the first publication there is nothing to hold, to read or to tidy."""
    lake = house.role("lake")
    assert lake.shown() == {"snapshots": [], "holds": []}
    for act in (lake.compact, lake.expire, lambda: lake.hold("x"), lambda: lake.files(""), lambda: lake.release("x")):
        with pytest.raises(NotFound):
            act()


def test_beds_and_claims_are_published_like_everything_else(house: House) -> None:
    """Operational and financial records come through the same contract: a ward, its counted beds and a claim stand in the same table."""
    ward = {"resourceType": "Location", "id": "w1", "name": "Four West"}
    code = {"coding": [{"system": "urn:example:counts", "code": "beds-open"}]}
    beds = {"resourceType": "Observation", "id": "beds", "status": "final", "code": code, "valueInteger": 20}
    beds |= {"subject": {"reference": "Location/w1"}, "effectiveDateTime": "2026-03-01T06:00:00Z"}
    raw = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": ward}, {"resource": beds}]}).encode()
    claim = (
        "ISA*00*          *00*          *ZZ*SENDER001      *ZZ*RECEIVER01     *260301*0915*^*00501*000000101*1*T*:~"
        "GS*HC*SENDER001*RECEIVER01*20260301*0915*101*X*005010X222A1~ST*837*0001*005010X222A1~BHT*0019*00*B0001*20260301*0915*CH~"
        "NM1*41*2*RIVERBEND CLEARING*****46*SENDER001~PER*IC*DESK*TE*5550100000~NM1*40*2*LARCH*****46*RECEIVER01~HL*1**20*1~"
        "NM1*85*2*RIVERBEND CLINIC*****XX*1234567893~N3*10 MILL ROAD~N4*RIVERBEND*OR*970010000~REF*EI*930000001~HL*2*1*22*0~"
        "SBR*P*18*GRP7******MB~NM1*IL*1*FENNEL*ORLA****MI*M1~N3*1 ROAD~N4*RIVERBEND*OR*97001~DMG*D8*19500203*F~"
        "NM1*PR*2*LARCH*****PI*LHP~CLM*RB-1*210.50***11:B:1*Y*A*Y*Y~HI*ABK:I10~LX*1~SV1*HC:99214*210.50*UN*1***1~DTP*472*D8*20260228~"
        "SE*23*0001~GE*1*101~IEA*1*000000101~"
    )
    receive(house, [Delivery(raw, "beds", "fhir", "beds.json"), Delivery(claim.encode(), "billing", "x12", "claim.edi")])
    publish(house)
    rows = house.role("lake").versions("", house.ledger.size()).to_pylist()
    assert {"Location", "Observation", "Claim"} <= {row["type"] for row in rows}
    [bill] = [row["body"] for row in rows if row["type"] == "Claim"]
    assert "210.50" in bill
    assert prove(house, "")["equal"]
