"""Runs a SQL on FHIR view over files. In: a view file, files of resources. Out: columns and rows. Refused: what is no view, no FHIR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trivet.data.sof import ViewError, ViewRunner, read_view
from trivet.kernel.errors import DataRejected, Rejected
from trivet.kernel.jsontext import loads
from trivet.wiring.suites.fhirpath_r4 import r4_types

__all__ = ["run_view"]


def run_view(view: Path, source: Path) -> dict[str, Any]:
    """`columns` and `rows` of a view over a file or a folder of files."""
    try:
        read = read_view(loads(view.read_bytes()))
    except ValueError as error:
        raise ViewError(f"not JSON: {error}", str(view)) from None
    runner = ViewRunner(read, r4_types())
    return {"engine": "reference", "columns": runner.names, "rows": [list(row) for row in runner.rows(resources(source))]}


def resources(source: Path) -> Iterator[dict[str, Any]]:
    """Every resource of a file or folder, out of bundles and lines."""
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    for path in files:
        raw = path.read_bytes()
        lines = raw.splitlines() if path.suffix == ".ndjson" else [raw]
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield from entries(line, f"{path}:{number}")


def entries(text: bytes, where: str) -> Iterator[dict[str, Any]]:
    """The resource of a document, or those of a Bundle."""
    try:
        held = loads(text)
    except ValueError as error:
        raise DataRejected(Rejected("E341", f"not JSON: {error}", where)) from None
    if not isinstance(held, dict) or "resourceType" not in held:
        raise DataRejected(Rejected("E342", "not a FHIR resource", where))
    if held["resourceType"] == "Bundle":
        yield from (entry["resource"] for entry in held.get("entry", []) if "resource" in entry)
    else:
        yield held
