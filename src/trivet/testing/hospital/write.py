"""The hospital as files: one folder per source, and a manifest in order of arrival."""

from __future__ import annotations

import json
from pathlib import Path

from trivet.testing.hospital.generate import generate

__all__ = ["write"]


def write(
    folder: Path, patients: int, seed: int = 7, today: str = "2026-06-30", *, start: str | None = None, faults: bool = True
) -> dict[str, int]:
    """Lay the deliveries out under `folder`: `<source>/<year-month>/<filename>`, `manifest.ndjson` (file, source, format, at)
    in order of arrival, and the truth in `truth/`. Returns the number of files per source.

    Raises FileExistsError when the folder holds a manifest already: two hospitals never share one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with (folder / "manifest.ndjson").open("x", encoding="utf-8") as manifest:
        for item in generate(patients, seed, today, folder / "truth", start=start, faults=faults, scratch=folder):
            place = Path(item.source) / item.at[:7] / item.filename
            path = folder / place
            if not path.parent.exists():
                path.parent.mkdir(parents=True)
            path.write_bytes(item.payload)
            line = {"file": place.as_posix(), "source": item.source, "format": item.format, "at": item.at}
            manifest.write(json.dumps(line) + "\n")
            counts[item.source] = counts.get(item.source, 0) + 1
    return dict(sorted(counts.items()))
