"""The sample hospital: every delivery of every system, in the order of arrival, and the truth beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trivet.testing.hospital import standing
from trivet.testing.hospital.almanac import DAY, iso_utc
from trivet.testing.hospital.batches import Batches, File
from trivet.testing.hospital.bedlist import BedList
from trivet.testing.hospital.chart import SOURCES, Chart, Piece
from trivet.testing.hospital.delivery import Delivery
from trivet.testing.hospital.life import Life
from trivet.testing.hospital.merge import in_order
from trivet.testing.hospital.person import LIMIT
from trivet.testing.hospital.truth import Truth
from trivet.testing.hospital.world import World, build

__all__ = ["generate"]


def generate(
    patients: int,
    seed: int = 7,
    today: str = "2026-06-30",
    out: Path | None = None,
    *,
    start: str | None = None,
    faults: bool = True,
    scratch: Path | None = None,
) -> Iterator[Delivery]:
    """Deliveries of a hospital of `patients` persons, in order of arrival, up to `today` (noon UTC, or an RFC 3339 instant).

    The same arguments give the same bytes. `start` is the first day (default: 730 days before today); with `start` held,
    a later `today` continues the same history. `out` is a folder for `truth.ndjson` (planted faults), `persons.ndjson`
    (identifiers of each true person) and `outcomes.ndjson` (true readmissions and deteriorations); nothing is written
    without it. `scratch` is where sorted runs may be spilled. Raises ValueError for fewer than 100 persons, or a today
    less than 30 days after start.
    """
    if not 100 <= patients < LIMIT:
        raise ValueError(f"a sample hospital has 100 to {LIMIT - 1} persons")
    world = build(seed, today, start, faults=faults)
    return _deliveries(world, patients, out, scratch)


def _deliveries(world: World, patients: int, out: Path | None, scratch: Path | None) -> Iterator[Delivery]:
    with Truth(out, world) as truth:
        batches, beds = Batches(world), BedList(world.tables.wards)
        for piece in map(beds.settle, in_order(_pieces(world, patients, truth), scratch)):
            for file in batches.due(piece.at):
                yield _send_file(file, truth)
            if world.silent(piece.source, piece.at):
                continue
            truth.arrived(piece.source, piece.at)
            if piece.row:
                for file in batches.add(piece):
                    yield _send_file(file, truth)
                continue
            if piece.truth:
                truth.planted(json.loads(piece.truth), piece.source, piece.name)
            yield Delivery(piece.source, SOURCES[piece.source], piece.name, iso_utc(piece.at), piece.payload)
        for file in batches.due(world.now):
            yield _send_file(file, truth)
        truth.standing(standing.truths(world, patients))


def _send_file(file: File, truth: Truth) -> Delivery:
    for planted in file.truths:
        truth.planted(planted, file.source, file.name)
    return Delivery(file.source, SOURCES[file.source], file.name, iso_utc(file.at), file.payload)


def _pieces(world: World, patients: int, truth: Truth) -> Iterator[Piece]:
    yield from standing.keepalives(world)
    for number in range(patients):
        chart = Life(world, number).run()
        _remember(chart, world, truth)
        for piece in chart.pieces:
            if world.start <= piece.at <= world.now:
                yield piece


def _remember(chart: Chart, world: World, truth: Truth) -> None:
    identifiers = [
        {"source": source, "authority": authority, "value": value}
        for (source, authority, value), at in sorted(chart.identifiers.items())
        if at <= world.now
    ]
    truth.person({**chart.summary, "identifiers": identifiers})
    for outcome in chart.outcomes:
        if outcome["admitted"] > world.now:
            continue
        row: dict[str, Any] = dict(outcome)
        for key in ("admitted", "discharged", "deterioration_at"):
            row[key] = iso_utc(row[key]) if row[key] is not None else None
        row["in_hospital"] = outcome["discharged"] > world.now
        row["observed"] = outcome["discharged"] + 30 * DAY <= world.now
        truth.outcome(row)
