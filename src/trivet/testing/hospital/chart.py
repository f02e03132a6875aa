"""One person's paper: everything that will be delivered about them, each piece with its moment and its planted fault.

A `Chart` is filled while a life is simulated. Its pieces are plain tuples, so that millions of them can be sorted on disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

from trivet.testing.hospital.almanac import DAY, HOUR, MINUTE
from trivet.testing.hospital.tables import Tables

__all__ = ["CAST", "SOURCES", "Chart", "Piece", "Plan"]

SOURCES = {
    "adt": "hl7v2",
    "lab": "hl7v2",
    "lab_b": "hl7v2",
    "vitals": "hl7v2",
    "ehr": "fhir",
    "practice": "ccda",
    "billing": "x12",
    "payer": "x12",
    "radiology": "dicom",
    "beds": "csv",
    "staffing": "csv",
    "appointments": "csv",
}
_EXTENSION = {"hl7v2": "hl7", "fhir": "json", "ccda": "xml", "dicom": "dcm"}
_TRANSPORT = ("repeated", "late", "out_of_order", "truncated")
CAST = 30  # persons 30, 31, ... are sure to carry the first, second, ... planned fault


class Piece(NamedTuple):
    """One message (`row` false) or one row of a batch file. Sorts by moment, then person, then order of writing."""

    at: int
    number: int
    order: int
    row: bool
    source: str
    name: str
    payload: bytes
    truth: str


class Plan:
    """Which faults a person carries. Each is planted once, at the first thing it can be planted in."""

    def __init__(self, tables: Tables, rng: Random, number: int, active: bool) -> None:
        planned = [(kind, float(str(table["rate"]))) for kind, table in tables.faults.items() if table["rate"]]
        drawn = {kind for kind, rate in planned if rng.random() < rate}
        cast = number - CAST
        self.forced = 0 <= cast < len(planned)
        self._waiting = set() if not active else {planned[cast][0]} if self.forced else drawn

    def has(self, kind: str) -> bool:
        """Is it still to be planted?"""
        return kind in self._waiting

    def take(self, kind: str) -> bool:
        """True the first time a planned fault can be planted."""
        if kind in self._waiting:
            self._waiting.discard(kind)
            return True
        return False


class Chart:
    """Pieces and truths of one person."""

    def __init__(self, tables: Tables, number: int, key: str, plan: Plan, rng: Random) -> None:
        self.tables, self.number, self.key, self.plan, self.rng = tables, number, key, plan, rng
        self.pieces: list[Piece] = []
        self.identifiers: dict[tuple[str, str, str], int] = {}
        self.outcomes: list[Mapping[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self._count = 0
        self._last_control: dict[str, str] = {}

    def control(self, source: str) -> str:
        """A fresh control id (MSH-10), or, where that fault is planned, the one of the message before."""
        self._count += 1
        last = self._last_control.get(source)
        if last is not None and self.plan.take("control_id_reused"):
            return last
        control = f"{source.upper().replace('_', '')}{self.number:07d}{self._count:05d}"
        self._last_control[source] = control
        return control

    def seen(self, source: str, authority: str, value: str, at: int) -> None:
        """A system has used this identifier for the person, first at `at`."""
        key = (source, authority, value)
        self.identifiers[key] = min(at, self.identifiers.get(key, at))

    def truth(self, kind: str, detail: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The written truth of one planted fault; where it was planted is filled in on delivery."""
        return {"kind": kind, "person": self.key, "expected": self.tables.faults[kind]["expected"], "detail": dict(detail or {})}

    def send(
        self, source: str, at: int, payload: str | bytes, *, control: str = "", name: str = "", truth: Mapping[str, Any] | None = None
    ) -> None:
        """Deliver one message at `at`, or as the planned faults of transport will have it."""
        data = payload if isinstance(payload, bytes) else payload.encode()
        extension = _EXTENSION[SOURCES[source]]
        name = control or name
        written = dict(truth) if truth else None
        if written is None and control and SOURCES[source] == "hl7v2":
            at, data, written = self._transport(source, at, data, name)
        if control and self._last_control.get(source) == control and self._seen(name + "." + extension):
            name += "-again"
            written = written or self.truth("control_id_reused", {"control_id": control})
        self._add(at, False, source, f"{name}.{extension}", data, written and {**written, **({"control_id": control} if control else {})})

    def row(self, source: str, at: int, data: bytes, *, truth: Mapping[str, Any] | None = None, name: str = "") -> None:
        """One row (or claim, or resource) of a batch file, ready to be collected at `at`."""
        self._add(at, True, source, name, data, truth)

    def _seen(self, name: str) -> bool:
        return any(piece.name == name for piece in self.pieces)

    def _add(self, at: int, row: bool, source: str, name: str, data: bytes, truth: Mapping[str, Any] | None) -> None:
        text = json.dumps(truth) if truth else ""
        self.pieces.append(Piece(at, self.number, len(self.pieces), row, source, name, data, text))

    def _transport(self, source: str, at: int, data: bytes, name: str) -> tuple[int, bytes, dict[str, Any] | None]:
        for kind in _TRANSPORT:
            if not self.plan.take(kind):
                continue
            if kind == "repeated":
                again = at + self.rng.randrange(2 * MINUTE, 6 * HOUR)
                self._add(
                    again, False, source, f"{name}-repeat.hl7", data, {**self.truth(kind, {"first": f"{name}.hl7"}), "control_id": name}
                )
                return at, data, None
            if kind == "truncated":
                cut = data[: int(len(data) * self.rng.uniform(0.45, 0.8))]
                return at, cut, self.truth(kind, {"bytes": len(cut), "whole": len(data), "inside_segment": not cut.endswith(b"\r")})
            delay = self.rng.randrange(2 * DAY, 6 * DAY) if kind == "late" else self.rng.randrange(14 * HOUR, 30 * HOUR)
            return at + delay, data, self.truth(kind, {"delayed_seconds": delay})
        return at, data, None
