"""A person is erased: no byte of them is found, others stay byte for byte, proofs hold, and a rebuild brings nothing back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from trivet.contracts.house import House
from trivet.contracts.revision import Chosen
from trivet.flows.erase import erase, hold, holds, release
from trivet.flows.fsck import fsck
from trivet.flows.receive import Delivery, receive
from trivet.flows.remap import remap
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound, Refused, Usage
from trivet.kernel.merkle import check_inclusion, leaf_hash
from trivet.wiring.build import init_home, open_home
from trivet.wiring.shadow import rebuild_home

NAME, MRN, BORN = "ZZMARKEDZZ", "QX7740019283", "1931-07-13"
MARKS = [NAME.encode(), NAME.title().encode(), MRN.encode(), BORN.encode(), BORN.replace("-", "").encode(), b"91 Quillfeather"]
NOW = FrozenClock("2026-03-01T08:00:00.000000Z")


def patient(ident: str, mrn: str, family: str, born: str) -> dict[str, Any]:
    """A Patient of the feed."""
    names = [{"family": family, "given": ["Orla"]}]
    numbers = [{"system": "urn:mrn", "value": mrn}]
    address = [{"line": ["91 Quillfeather" if family == NAME else "1 Mill Road"]}]
    return {"resourceType": "Patient", "id": ident, "identifier": numbers, "name": names, "birthDate": born, "address": address}


def seen(ident: str, subject: str, value: str) -> dict[str, Any]:
    """An Observation with a text as value."""
    told = {"resourceType": "Observation", "id": ident, "status": "final", "subject": {"reference": f"Patient/{subject}"}}
    code = {"coding": [{"system": "http://loinc.org", "code": "67775-7"}]}
    return {**told, "code": code, "valueString": value, "effectiveDateTime": "2026-03-01T07:30:00Z"}


def ward(name: str) -> dict[str, Any]:
    """A place."""
    return {"resourceType": "Location", "id": "w1", "name": name}


def bundle(*resources: dict[str, Any]) -> bytes:
    """A collection."""
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}).encode()


A, B, C = patient("a", MRN, NAME, BORN), patient("b", "22", "Larch", "1950-02-03"), patient("c", "33", "Fennel", "1960-04-05")
FEEDS = [
    bundle(A, ward("Four West"), seen("a1", "a", f"{NAME} is tired")),
    bundle(B, ward("Four West"), seen("b1", "b", "alert")),
    bundle(B, A, seen("a2", "a", f"{MRN} shared"), seen("b2", "b", "shared")),
    bundle(C, seen("moved", "a", "whose?")),
    bundle(A, seen("a3", "a", "again"), ward("Four West, new")),
    bundle(C, seen("moved", "c", "hers"), ward("Four West, newest")),
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Three persons; one of them marked, alone in some bundles and with others in the rest."""
    init_home(tmp_path / "home", clock=NOW).close()
    house = open_home(tmp_path / "home", clock=NOW)
    for number, raw in enumerate(FEEDS):
        receive(house, [Delivery(raw, "ehr", "fhir", f"{number}.json")])
    yield house
    house.close()


def person_of(house: House, mrn: str) -> str:
    """The person who has this number."""
    [(person,)] = house.shelf.query("select distinct person from records where type = 'Patient' and body like ?", None, [f'%"{mrn}"%'])[1]
    return str(person)


def found(folder: Path) -> list[tuple[str, bytes]]:
    """Files of the home in which a mark stands, in any case of letters."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.name, mark) for path in files for mark in MARKS if mark.lower() in path.read_bytes().lower()]


def others(house: House) -> list[tuple[Any, ...]]:
    """All versions that are not about the marked one, with all their numbers."""
    return house.store.read(
        "select record_version.*, link.person from record_version join link on link.subject = record_version.subject "
        "where link.person <> ? order by ordinal",
        (person_of(house, MRN),),
    )


def rebuilt(house: House) -> dict[str, Any]:
    """A rebuild that changes nothing."""
    return rebuild_home(house, repair=False, report=lambda _: None)


def test_nothing_of_the_person_is_left_and_everything_of_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an erasure no file holds a mark; others' versions are the same rows; proofs from before verify; fsck and rebuild agree."""
    monkeypatch.setattr("trivet.data.segments.WORTH_A_FILE", 3)
    house.shelf.publish()
    house.checks.run()
    folder = Path(house.home)
    assert any(name.startswith("home.db") for name, _ in found(folder))
    assert any(path.suffix == ".parquet" for path in (folder / "shelves").iterdir())
    size, person = house.ledger.size(), person_of(house, MRN)
    root = house.ledger.root_bytes(size)  # type: ignore[attr-defined]
    before = others(house)
    place = house.store.read("select * from record_version where type = 'Location' order by ordinal")
    proofs = [(seq, house.ledger.body(seq), house.ledger.inclusion(seq, size)) for seq in range(size)]  # type: ignore[attr-defined]
    done = erase(house, person, reason="request", by="officer")
    assert (done["units"], done["subjects"]) == (4, 1)
    assert found(folder) == []
    bulk = [str(pyarrow.parquet.read_table(path).to_pylist()).encode() for path in (folder / "shelves").glob("*.parquet")]
    assert bulk
    assert [mark for mark in MARKS for text in bulk if mark.lower() in text.lower()] == []
    now = [(*row[:13], row[-1]) for row in others_now(house)]
    assert [(*row[:13], row[-1]) for row in before] == now
    assert house.store.read("select * from record_version where type = 'Location' order by ordinal") == place
    for seq, body, path in proofs:
        check_inclusion(seq, size, leaf_hash(body), path, root)
    assert house.ledger.root_bytes(size) == root  # type: ignore[attr-defined]
    told = fsck(house)
    assert told["sound"], [one for one in told["findings"] if one["wrong"]]
    answer = rebuilt(house)
    assert answer["same"], answer["differing"]
    assert house.shelf.slice(person, house.ledger.size()) == []


def others_now(house: House) -> list[tuple[Any, ...]]:
    """All versions about anybody."""
    return house.store.read(
        "select record_version.*, link.person from record_version join link on link.subject = record_version.subject order by ordinal"
    )


def test_a_second_erasure_says_all_of_the_first_again(house: House) -> None:
    """Two persons erased one after the other, messages in between: a rebuild agrees each time, and the older tombstone is gone."""
    erase(house, person_of(house, MRN), reason="one", by="officer")
    receive(house, [Delivery(bundle(C, seen("c9", "c", "later")), "ehr", "fhir", "9.json")])
    assert rebuilt(house)["same"]
    erase(house, person_of(house, "22"), reason="two", by="officer")
    receive(house, [Delivery(bundle(C, seen("c10", "c", "later still")), "ehr", "fhir", "10.json")])
    answer = rebuilt(house)
    assert answer["same"], answer["differing"]
    assert fsck(house)["sound"]
    blobs = [entry["notes"]["blob"] for _, entry in house.ledger.find("erasure")]
    with pytest.raises(NotFound, match="erased"):
        house.vault.get(blobs[0])
    assert {row[0] for row in house.shelf.query("select distinct person from records where person is not null")[1]} == {
        person_of(house, "33")
    }


def test_reading_again_brings_nothing_back(house: House) -> None:
    """A unit that others hold is read again with today's maps: what it says of the erased stays away."""
    person = person_of(house, MRN)
    erase(house, person, reason="request", by="officer")
    assert remap(house, Chosen(), accept=True, report=lambda _: None)["same"]
    assert found(Path(house.home)) == []


def test_the_same_bytes_again_are_a_repeat_and_new_bytes_a_new_beginning(house: House) -> None:
    """What was erased and comes again letter for letter is acknowledged and not kept; a new message is taken in as of somebody new."""
    person = person_of(house, MRN)
    erase(house, person, reason="request", by="officer")
    receive(house, [Delivery(FEEDS[0], "ehr", "fhir", "0.json")])
    assert found(Path(house.home)) == []
    assert house.shelf.slice(person, house.ledger.size()) == []
    receive(house, [Delivery(bundle(A, seen("a7", "a", "back")), "ehr", "fhir", "7.json")])
    again = house.shelf.slice(person_of(house, MRN), house.ledger.size())
    assert {(one["type"], one["version"]) for one in again} == {("Patient", 1), ("Observation", 1)}
    answer = rebuilt(house)
    assert answer["same"], answer["differing"]
    assert fsck(house)["sound"]


def test_a_hold_forbids_it_until_it_is_released(house: House) -> None:
    """A hold on the person, or on the home, refuses with E301; nothing changes meanwhile; released, it is erased."""
    person = person_of(house, MRN)
    for whom in (person, "home"):
        hold(house, whom, reason="case 7", by="counsel")
        before = house.ledger.size()
        with pytest.raises(Refused) as refused:
            erase(house, person, reason="request", by="officer")
        assert (refused.value.code, house.ledger.size()) == ("E301", before)
        assert [one["who"] for one in holds(house).values()] == [whom]
        release(house, whom, reason="closed", by="counsel")
    with pytest.raises(NotFound):
        release(house, person, reason="closed", by="counsel")
    assert erase(house, person, reason="request", by="officer")["units"] == 4


def test_what_is_no_erasure(house: House) -> None:
    """No reason, nobody of that name: nothing is written."""
    size = house.ledger.size()
    with pytest.raises(Usage):
        erase(house, person_of(house, MRN), reason="", by="officer")
    with pytest.raises(NotFound):
        erase(house, "p-nobody", reason="request", by="officer")
    assert house.ledger.size() == size
