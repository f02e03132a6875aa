"""Files that are collected over a day or a week: rows come in by time, files go out when the day or week is over.

A file that grows past `ROWS` rows goes out early, as a part, so that no buffer grows with the number of persons.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from trivet.testing.hospital.chart import SOURCES, Piece
from trivet.testing.hospital.world import World
from trivet.testing.hospital.writers import csvfile, x12

__all__ = ["Batches", "File"]

ROWS = 1000
FULL_STAFFING_DAYS = 28  # the last weeks before the anchor in full; before, the wards where a sampled person lay


@dataclass(frozen=True, slots=True)
class File:
    """A finished file and the truths of its rows, their place filled in."""

    at: int
    source: str
    name: str
    payload: bytes
    truths: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Habit:
    """How often a source sends a file, at what hour of the day after the period (staffing: at 07:45 of the day itself, when the day
    shift has been counted), and what it is called."""

    days: int
    hour: float
    name: str


_HABITS = {
    "beds": _Habit(1, 0.4, "bed_stays-{date}{part}.csv"),
    "staffing": _Habit(1, -16.25, "nurse_staffing-{date}{part}.csv"),
    "appointments": _Habit(7, 5.5, "appointments-{date}{part}.csv"),
    "ehr": _Habit(1, 2.2, "changes-{date}{part}.ndjson"),
    "billing": _Habit(1, 22.0, "claims-{date}{part}.837"),
    "payer": _Habit(7, 9.0, "remit-{group}-{date}{part}.835"),
}
Maker = Callable[[World, str, int, int, list[bytes]], bytes]


def _lines(header: bytes) -> Maker:
    return lambda world, group, day, part, rows: header + b"".join(rows)


def _staffing(world: World, group: str, day: int, part: int, rows: list[bytes]) -> bytes:
    touched = {tuple(row.decode().split(",")[:2]) for row in rows if int(row.decode().rpartition(",")[2]) == day}
    everywhere = day >= world.almanac.day(world.anchor) - FULL_STAFFING_DAYS
    wards = [ward for ward in world.tables.wards if everywhere or (ward.site, ward.code) in touched]
    return csvfile.STAFFING + b"".join(csvfile.staffing_rows(wards, day, world.shifts, world.almanac))


def _claims(world: World, group: str, day: int, part: int, rows: list[bytes]) -> bytes:
    return x12.claim_file(rows, _stamp(world, "billing", day), _number(world, day, part))


def _remits(world: World, group: str, day: int, part: int, rows: list[bytes]) -> bytes:
    index, insurer = next((index, one) for index, one in enumerate(world.tables.insurers) if one.key == group)
    return x12.remit_file(rows, insurer, _stamp(world, "payer", day), _number(world, day, part) + 100_000 * (index + 1))


def _stamp(world: World, source: str, day: int) -> str:
    return world.almanac.text(world.almanac.at(day + 1, _HABITS[source].hour), "%Y%m%d%H%M")


def _number(world: World, day: int, part: int) -> int:
    return (day - world.almanac.day(world.start)) * 20 + part + 1


_MAKERS: dict[str, Maker] = {
    "beds": _lines(csvfile.BEDS),
    "staffing": _staffing,
    "appointments": _lines(csvfile.APPOINTMENTS),
    "ehr": _lines(b""),
    "billing": _claims,
    "payer": _remits,
}


class Batches:
    """Open files by source and group. `due` closes what is over; `add` takes a row."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._first = world.almanac.day(world.start)
        self._rows: dict[tuple[str, str, int], list[Piece]] = {}
        self._parts: dict[tuple[str, str, int], int] = {}
        self._closing: list[tuple[int, str, str, int]] = []
        self._full = world.almanac.day(world.anchor) - FULL_STAFFING_DAYS
        self._open("staffing", "", self._full)

    def add(self, piece: Piece) -> Iterator[File]:
        """Take a row; a full file goes out at once, as a part."""
        habit = _HABITS[piece.source]
        period = (self._world.almanac.day(piece.at) - self._first) // habit.days
        key = (piece.source, piece.name, self._first + (period + 1) * habit.days - 1)
        if piece.source == "staffing" and piece.at >= self._closing_of(key):
            return  # that day's count is out already
        rows = self._rows.get(key) or self._open(*key)
        if piece.source == "staffing" and any(row.payload == piece.payload for row in rows):
            return
        rows.append(piece)
        if len(rows) >= ROWS:
            self._parts[key] = self._parts.get(key, 0) + 1
            yield self._file(key, piece.at, rows, self._parts[key])
            self._rows[key] = []

    def due(self, at: int) -> Iterator[File]:
        """Files whose time has come by `at`, in order."""
        while self._closing and self._closing[0][0] <= at:
            moment, source, group, day = heapq.heappop(self._closing)
            key = (source, group, day)
            rows = self._rows.pop(key)
            part = self._parts.pop(key, 0)
            if source == "staffing" and day >= self._full:
                self._open(source, group, day + 1)
            if rows or (source == "staffing" and day >= self._full):
                yield self._file(key, moment, rows, part and part + 1)

    def _open(self, source: str, group: str, day: int) -> list[Piece]:
        key = (source, group, day)
        if key not in self._rows:
            self._rows[key] = []
            heapq.heappush(self._closing, (self._closing_of(key), source, group, day))
        return self._rows[key]

    def _closing_of(self, key: tuple[str, str, int]) -> int:
        return self._world.almanac.at(key[2] + 1, _HABITS[key[0]].hour)

    def _file(self, key: tuple[str, str, int], at: int, rows: list[Piece], part: int) -> File:
        source, group, day = key
        date = self._world.almanac.text(self._world.almanac.at(day, 12), "%Y%m%d")
        name = _HABITS[source].name.format(date=date, group=group, part=f"-{part:03d}" if part else "")
        truths = []
        for number, row in enumerate(rows, 1):
            if row.truth:
                truths.append({**json.loads(row.truth), "row": number})
        payload = _MAKERS[source](self._world, group, day, part, [row.payload for row in rows])
        assert source in SOURCES
        return File(at, source, name, payload, truths)
