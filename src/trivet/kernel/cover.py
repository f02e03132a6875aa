"""Which bytes of a file are covered by stretches of it. Pure arithmetic over half-open intervals."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

__all__ = ["Cover"]


class Cover:
    """Disjoint intervals in order. Stretches mostly come one behind the other, so there is mostly one interval."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, pieces: Iterable[tuple[int, int]]) -> None:
        """Count in stretches of (offset, length)."""
        for offset, length in pieces:
            if length <= 0:
                continue
            if self._ends and self._starts[-1] <= offset <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], offset + length)
            else:
                self._merge(offset, offset + length)

    def _merge(self, start: int, end: int) -> None:
        first = bisect_left(self._ends, start)
        last = first
        while last < len(self._starts) and self._starts[last] <= end:
            start, end = min(start, self._starts[last]), max(end, self._ends[last])
            last += 1
        self._starts[first:last], self._ends[first:last] = [start], [end]

    def covered(self) -> int:
        """Bytes covered."""
        return sum(self._ends) - sum(self._starts)

    def gaps(self, size: int) -> list[tuple[int, int]]:
        """Stretches of a file of `size` bytes that nothing covers, as (offset, length)."""
        edges = [0, *(edge for pair in zip(self._starts, self._ends, strict=True) for edge in pair), size]
        return [(start, end - start) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]
