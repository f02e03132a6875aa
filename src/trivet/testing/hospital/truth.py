"""The truth, written down as it is delivered: planted faults, persons, outcomes. One JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from trivet.testing.hospital.almanac import iso_utc
from trivet.testing.hospital.world import World

__all__ = ["Truth"]

FILES = ("truth.ndjson", "persons.ndjson", "outcomes.ndjson")


class Truth:
    """Three open files, or none where no folder was asked for."""

    def __init__(self, folder: Path | None, world: World) -> None:
        self._folder, self._world = folder, world
        self._files: list[IO[str]] = []
        self._count = 0
        self._last: dict[str, int] = {}

    def __enter__(self) -> Truth:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files = [(self._folder / name).open("w", encoding="utf-8") for name in FILES]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._files:
            file.close()

    def arrived(self, source: str, at: int) -> None:
        """Remember when a source was last heard."""
        self._last[source] = at

    def planted(self, fault: Mapping[str, Any], source: str, filename: str) -> None:
        """A fault that has just been delivered in `filename` of `source`."""
        self._count += 1
        where = {"source": source, "filename": filename}
        for key in ("control_id", "row"):
            if fault.get(key):
                where[key] = fault[key]
        line = {
            "id": f"F{self._count:06d}",
            "kind": fault["kind"],
            "where": where,
            "person": fault.get("person"),
            "expected": fault["expected"],
            "detail": fault.get("detail", {}),
        }
        self._write(0, line)

    def standing(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Faults of a feed or of a map rather than of a message."""
        for fault in faults:
            detail = dict(fault.get("detail", {}))
            if fault["kind"] == "silent_feed" and fault["source"] in self._last:
                detail["last_arrival"] = iso_utc(self._last[fault["source"]])
            self.planted({**fault, "detail": detail}, fault["source"], fault.get("filename", ""))

    def person(self, line: Mapping[str, Any]) -> None:
        """A true person and the identifiers that systems have used for them."""
        self._write(1, line)

    def outcome(self, line: Mapping[str, Any]) -> None:
        """A stay and what became of it."""
        self._write(2, line)

    def _write(self, index: int, line: Mapping[str, Any]) -> None:
        if self._files:
            self._files[index].write(json.dumps(line, ensure_ascii=False) + "\n")
