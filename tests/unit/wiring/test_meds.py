"""A home as a MEDS dataset: valid by the standard's own package, incremental, idempotent, without who refuses and who was erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from meds import CodeMetadataSchema, DataSchema, DatasetMetadataSchema, SubjectSplitSchema

from omop_records import LOINC, coded, patient, record, visit
from trivet.contracts.house import House
from trivet.data.meds import shards
from trivet.data.meds.build import Build, Person, State, build, subject_of
from trivet.data.meds.events import Event, Frame
from trivet.flows.erase import erase
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Fault, Usage
from trivet.wiring.build import init_home
from trivet.wiring.meds import build_meds, split_of

NOW = "2026-03-01T00:00:00.000000Z"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home with twelve persons, a visit and a result each."""
    made = init_home(tmp_path / "home", clock=FrozenClock(NOW))
    for number in range(12):
        about = {"subject": {"reference": f"Patient/p{number}"}}
        person = patient(f"p{number}", name=[{"family": f"Fam{number}", "given": ["Ann"]}], birthDate=f"19{40 + number}-04-17")
        take(made, person, visit(f"v{number}", **about), result(number, 5))
    yield made
    made.close()


def result(number: int, value: float) -> dict[str, Any]:
    """A result of one person."""
    return record(
        "Observation", f"o{number}", status="final", code=coded(LOINC, "2823-3", display="Potassium"),
        effectiveDateTime="2020-01-01T09:00:00Z",
        valueQuantity={"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        subject={"reference": f"Patient/p{number}"},
    )  # fmt: skip


def take(house: House, *resources: dict[str, Any]) -> None:
    """Receive these as one NDJSON file."""
    receive(house, [Delivery("".join(json.dumps(one) + "\n" for one in resources).encode(), "ehr", "fhir", "export.ndjson")])


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the one that says when."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def rows(folder: Path) -> list[dict[str, Any]]:
    """All events of all shards."""
    return [row for path in sorted((folder / "data").rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def person_of(house: House, number: int) -> str:
    """Who the patient of that number is."""
    found = house.store.read(
        "select person from link where subject in (select subject from record_version where body like ?)", (f'%Fam{number}"%',)
    )
    return str(found[0][0])


def test_it_is_what_the_standard_says(house: House, tmp_path: Path) -> None:
    """The published schemas accept every file; every subject stands in one shard, together, in the order of time; every code is
    described."""
    report = build_meds(house, tmp_path / "meds", shards=2)
    assert (report["change"], report["persons"]) == ("whole", {"all": 12, "converted": 12, "removed": 0})
    assert report["events"] == {"GENDER": 12, "LOINC": 12, "MEDS_BIRTH": 12, "VISIT_END": 12, "VISIT_START": 12}
    seen: set[int] = set()
    for path in (tmp_path / "meds" / "data").rglob("*.parquet"):
        table = pq.read_table(path)
        DataSchema.validate(table)
        subjects = table["subject_id"].to_pylist()
        runs = [one for place, one in enumerate(subjects) if place == 0 or subjects[place - 1] != one]
        assert len(runs) == len(set(runs))
        assert not seen & set(runs)
        seen |= set(runs)
        for subject in runs:
            times = table.filter(pa.compute.equal(table["subject_id"], subject))["time"].to_pylist()
            assert times == sorted(times, key=lambda one: (one is not None, one))
    metadata = tmp_path / "meds" / "metadata"
    codes, splits = pq.read_table(metadata / "codes.parquet"), pq.read_table(metadata / "subject_splits.parquet")
    CodeMetadataSchema.validate(codes)
    SubjectSplitSchema.validate(splits)
    DatasetMetadataSchema.validate(json.loads((metadata / "dataset.json").read_text()))
    assert {row["code"] for row in rows(tmp_path / "meds")} == set(codes["code"].to_pylist())
    assert dict(zip(codes["code"].to_pylist(), codes["description"].to_pylist(), strict=True))["LOINC/2823-3"] == "Potassium"
    where = {row["subject_id"]: row["split"] for row in splits.to_pylist()}
    for path in (tmp_path / "meds" / "data").rglob("*.parquet"):
        assert {where[one] for one in pq.read_table(path)["subject_id"].to_pylist()} == {path.parent.name}
    assert {row["known_time"].isoformat() for row in rows(tmp_path / "meds")} == {NOW.rstrip("Z").removesuffix(".000000")}


def test_a_part_equals_the_whole(house: House, tmp_path: Path) -> None:
    """The same again writes nothing; after a change of one person only that one is converted, and every byte equals a build from
    nothing."""
    build_meds(house, tmp_path / "meds")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "meds").rglob("*") if path.is_file()}
    assert build_meds(house, tmp_path / "meds")["change"] == "none"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "meds").rglob("*") if path.is_file()} == before
    take(house, result(3, 9))
    part = build_meds(house, tmp_path / "meds")
    assert (part["change"], part["persons"]["converted"]) == ("part", 1)
    assert sum(path.stat().st_mtime_ns != before[path] for path in (tmp_path / "meds" / "data").rglob("*.parquet")) == 1
    build_meds(house, tmp_path / "fresh")
    assert files(tmp_path / "meds") == files(tmp_path / "fresh")
    assert sorted(row["numeric_value"] for row in rows(tmp_path / "meds") if row["code"] == "LOINC/2823-3") == [5.0] * 11 + [9.0]
    assert [entry["notes"]["change"] for _, entry in house.ledger.find("meds.built")] == ["whole", "part", "whole"]


def test_who_refuses_and_who_is_erased_is_not_in_it(house: House, tmp_path: Path) -> None:
    """Left out by consent, gone by erasure: their rows, their split and their digest are gone with the next build."""
    build_meds(house, tmp_path / "meds")
    one, two = person_of(house, 1), person_of(house, 2)
    erase(house, two, reason="asked", by="ada")
    report = build_meds(house, tmp_path / "meds", left_out=frozenset([one]))
    assert report["persons"] == {"all": 10, "converted": 0, "removed": 2}
    subjects = {subject_of(one), subject_of(two)}
    assert not subjects & {row["subject_id"] for row in rows(tmp_path / "meds")}
    assert not subjects & set(pq.read_table(tmp_path / "meds" / "metadata" / "subject_splits.parquet")["subject_id"].to_pylist())
    [state] = (tmp_path / "home" / "meds").iterdir()
    assert two not in state.read_text()
    build_meds(house, tmp_path / "fresh", left_out=frozenset([one]))
    assert files(tmp_path / "meds") == files(tmp_path / "fresh")


def test_a_folder_that_is_not_what_was_left_is_built_anew(house: House, tmp_path: Path) -> None:
    """Exchanged metadata, a build that was broken off, another split: everything is converted again. Another thing's folder is refused."""
    build_meds(house, tmp_path / "meds")
    (tmp_path / "meds" / "metadata" / "dataset.json").unlink()
    assert build_meds(house, tmp_path / "meds")["change"] == "whole"
    assert build_meds(house, tmp_path / "meds", split=(50, 25, 25))["change"] == "whole"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(Usage) as refused:
        build_meds(house, tmp_path / "other")
    assert refused.value.code == "E941"


@pytest.mark.parametrize("said", ["80,20", "80,10,5", "a,b,c", "-1,1,100"])
def test_a_split_is_three_parts_of_a_hundred(said: str) -> None:
    """Anything else is refused."""
    with pytest.raises(Usage):
        split_of(said)


def test_a_shard_keeps_persons_whole_over_many_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups end between persons; who stays is taken over row for row, however the groups fall."""
    monkeypatch.setattr(shards, "GROUP", 10)
    made = [(subject, shards.table(subject, [Event(None, f"c{n}", float(n)) for n in range(4)])) for subject in range(1, 9)]
    shards.write(tmp_path / "a.parquet", tmp_path / "none", set(), made)
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3
    shards.write(tmp_path / "b.parquet", tmp_path / "a.parquet", {1, 2, 4, 6, 7, 8}, [made[2], made[4]])
    assert (tmp_path / "b.parquet").read_bytes() == (tmp_path / "a.parquet").read_bytes()
    assert shards.write(tmp_path / "c.parquet", tmp_path / "a.parquet", set(), []) == 0
    assert not (tmp_path / "c.parquet").exists()


def test_a_collision_is_never_a_merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two persons of one key stop the build before anything is written."""
    monkeypatch.setattr("trivet.data.meds.build.row_key", lambda _: 7)

    def fetch(wanted: Any) -> Iterator[Any]:
        raise AssertionError(Person)

    with pytest.raises(Fault) as found:
        build({"p-1": "a", "p-2": "b"}, fetch, Frame(), tmp_path / "meds", Build("n", "s", "r", "UTC", NOW), State())
    assert found.value.code == "E940"
    assert not (tmp_path / "meds").exists()
