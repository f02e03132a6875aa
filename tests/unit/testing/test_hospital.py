"""The sample hospital: the same seed gives the same bytes, in the order of arrival, and every written truth points at a delivery."""

from __future__ import annotations

import hashlib
import json
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from trivet.testing.hospital import Delivery, generate, write

PATIENTS = 120


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Delivery], Path]:
    """Deliveries of a small hospital, and the folder of its truth."""
    folder = tmp_path_factory.mktemp("truth")
    return list(generate(PATIENTS, 7, out=folder)), folder


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of an NDJSON file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def fingerprint(deliveries: list[Delivery]) -> str:
    """One digest over everything that was delivered."""
    made = hashlib.sha256()
    for item in deliveries:
        made.update(f"{item.source} {item.format} {item.filename} {item.at} ".encode() + item.payload)
    return made.hexdigest()


def test_same_seed_same_bytes(hospital: tuple[list[Delivery], Path]) -> None:
    """Determinism: a second run gives the same digest, another seed gives another."""
    assert fingerprint(hospital[0]) == fingerprint(list(generate(PATIENTS, 7)))
    assert fingerprint(hospital[0]) != fingerprint(list(generate(PATIENTS, 8)))


def test_in_order_of_arrival_and_never_after_today(hospital: tuple[list[Delivery], Path]) -> None:
    """Deliveries come by time, none later than noon of today, over at least 23 months."""
    times = [item.at for item in hospital[0]]
    assert times == sorted(times)
    assert times[-1] <= "2026-06-30T12:00:00.000000Z"
    assert times[0] < "2024-08-01"


def test_filenames_are_unique_within_a_source(hospital: tuple[list[Delivery], Path]) -> None:
    """Two deliveries of one source never share a file name."""
    names = [(item.source, item.filename) for item in hospital[0]]
    assert len(names) == len(set(names))


def test_a_later_today_continues_the_same_history() -> None:
    """With the first day held, moving today forward changes nothing that was delivered (but for the feed that is silent today)."""
    early = [item for item in generate(100, 3, today="2025-03-01", start="2024-07-01") if item.at < "2025-03-01T03"]
    late = generate(100, 3, today="2025-04-01", start="2024-07-01")
    assert fingerprint(early) == fingerprint(list(islice(late, len(early))))


def told(patients: int) -> dict[str, list[str]]:
    """What the admission system says about person 7, but for the bed: a bed depends on who else is there."""
    return {
        item.filename: [segment for segment in item.payload.decode().split("\r") if not segment.startswith("PV1")]
        for item in generate(patients, 5)
        if item.source == "adt" and item.filename.startswith("ADT0000007")
    }


def test_persons_do_not_depend_on_how_many_there_are() -> None:
    """Person 7 of a hundred is person 7 of a hundred and fifty."""
    small = told(100)
    assert small
    assert small == told(150)


def test_every_truth_points_at_something_delivered(hospital: tuple[list[Delivery], Path]) -> None:
    """A planted fault that nobody received would be counted against whoever looks for it."""
    delivered = {(item.source, item.filename) for item in hospital[0]}
    for fault in lines(hospital[1] / "truth.ndjson"):
        where = fault["where"]
        if where["filename"] and where["source"] != "site":
            assert (where["source"], where["filename"]) in delivered, fault


def test_too_few_persons_are_refused() -> None:
    """Below a hundred persons the promised faults would not fit."""
    with pytest.raises(ValueError, match="100"):
        generate(99)


def test_written_as_files(tmp_path: Path, hospital: tuple[list[Delivery], Path]) -> None:
    """The manifest lists every file in order of arrival, and the files hold the delivered bytes; a second hospital is refused."""
    counts = write(tmp_path / "h", PATIENTS)
    manifest = lines(tmp_path / "h/manifest.ndjson")
    assert sum(counts.values()) == len(manifest) == len(hospital[0])
    for entry, item in zip(manifest, hospital[0], strict=True):
        assert (tmp_path / "h" / entry["file"]).read_bytes() == item.payload
    with pytest.raises(FileExistsError):
        write(tmp_path / "h", PATIENTS)


def test_no_two_persons_share_a_bed(hospital: tuple[list[Delivery], Path]) -> None:
    """Bed management never says that two persons lie in one bed at a time, and no place-holder is left in any message."""
    assert not any(b"@R:" in item.payload or b"@B:" in item.payload for item in hospital[0])
    stays: dict[str, list[str]] = {}
    for item in hospital[0]:
        if item.source == "beds":
            for line in item.payload.decode().splitlines()[1:]:
                stays[line.split(",")[0]] = line.split(",")
    beds: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for _, _, _, _, ward, room, bed, start, end in stays.values():
        assert room.startswith(ward)
        beds.setdefault((ward, room, bed), []).append((start, end or "9999"))
    for spans in beds.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
