"""Pieces of many lives in order of time, with memory that does not grow: sorted runs on disk, merged.

A run holds at most `limit` bytes (`LIMIT` by default). At most `FAN` runs are merged at a time, so that few files are open.
"""

from __future__ import annotations

import heapq
import marshal
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from trivet.testing.hospital.chart import Piece

__all__ = ["in_order"]

LIMIT = 24_000_000
FAN = 64
_BLOCK = 64


def _spill(pieces: Iterable[Piece], path: Path) -> Path:
    walk = iter(pieces)
    with path.open("wb") as file:
        while block := [tuple(piece) for piece in islice(walk, _BLOCK)]:
            marshal.dump(block, file)
    return path


def _read(path: Path) -> Iterator[Piece]:
    with path.open("rb") as file:
        while True:
            try:
                block = marshal.load(file)  # noqa: S302 - our own run, written a moment ago into a private folder
            except EOFError:
                break
            yield from map(Piece._make, block)
    path.unlink()


def in_order(pieces: Iterable[Piece], scratch: Path | None = None, limit: int = LIMIT) -> Iterator[Piece]:
    """The pieces, sorted. What does not fit goes to a temporary folder (in `scratch`), which is gone at the end."""
    held: list[Piece] = []
    size = 0
    folder: tempfile.TemporaryDirectory[str] | None = None
    runs: list[Path] = []
    try:
        for piece in pieces:
            held.append(piece)
            size += len(piece.payload) + 300
            if size >= limit:
                if folder is None:
                    folder = tempfile.TemporaryDirectory(prefix="trivet-hospital-", dir=scratch)
                held.sort()
                runs.append(_spill(held, Path(folder.name) / f"run-{len(runs):06d}"))
                held, size = [], 0
        held.sort()
        if folder is None:
            yield from held
            return
        runs.append(_spill(held, Path(folder.name) / f"run-{len(runs):06d}"))
        held = []
        level = 0
        while len(runs) > FAN:
            level += 1
            runs = [
                _spill(heapq.merge(*map(_read, runs[first : first + FAN])), Path(folder.name) / f"run-{level}-{first:06d}")
                for first in range(0, len(runs), FAN)
            ]
        yield from heapq.merge(*map(_read, runs))
    finally:
        if folder is not None:
            folder.cleanup()
