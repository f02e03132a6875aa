"""Files and folders that somebody hands over or drops.

In: paths. Out: files in a stable order, whole. Refused: a path that is not there. Hidden files and half-written ones
(`.part`, `.tmp`, `.draft`) are left alone, and counted so that it can be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trivet.kernel.errors import Fault, NotFound

__all__ = ["Found", "find", "read"]

UNFINISHED = (".part", ".tmp", ".draft", ".crdownload")


@dataclass(slots=True)
class Found:
    """Files to take in, and how many were passed over because they are hidden or unfinished."""

    files: list[Path] = field(default_factory=list)
    passed_over: int = 0


def find(paths: Iterable[Path]) -> Found:
    """The files behind paths; folders are walked, names in order. NotFound names a path that is not there."""
    found = Found()
    for path in paths:
        if not path.exists():
            raise NotFound("E224", "no such file or folder", where=str(path))
        for file in walk(path):
            if path.is_dir() and (file.name.startswith(".") or file.suffix.lower() in UNFINISHED):
                found.passed_over += 1
            else:
                found.files.append(file)
    return found


def walk(path: Path) -> Iterator[Path]:
    """A file itself, or every file under a folder in name order."""
    if path.is_file():
        yield path
        return
    for inner in sorted(path.iterdir()):
        yield from walk(inner)


def read(path: Path) -> bytes:
    """A file's bytes. Fault when the disk does not give them."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault("E225", "a file cannot be read", where=str(path), why=error.strerror or "") from None
