"""The overlay of a site over the HL7 v2 tables: the CSV files of a folder that has the shape of `maps/hl7v2`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from trivet.integration.overlay import ANSWERS, Overlay, Row, make
from trivet.integration.tables import read
from trivet.kernel.errors import Fault

__all__ = ["site_overlay"]

_FOLDERS = ("segments", "datatypes", "codes")


@cache
def site_overlay(folder: str) -> Overlay | None:
    """What stands in the folder, read once; None when there is nothing. Raises Fault for a file that cannot be an overlay."""
    rows: dict[str, tuple[Row, ...]] = {}
    root = Path(folder)
    for file in sorted(root.rglob("*.csv")):
        place = file.relative_to(root)
        if len(place.parts) > 2 or (len(place.parts) == 2 and place.parts[0] not in _FOLDERS):
            raise Fault("E214", "a site overlay has a table where we have none", where=str(place), why="folders: " + ", ".join(_FOLDERS))
        path = f"hl7v2/{place.as_posix()}"
        rows[path] = read(file.read_text(encoding="utf-8-sig"), str(place), ("supersedes", *ANSWERS))
    return make(rows)
