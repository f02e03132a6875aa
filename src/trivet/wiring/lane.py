"""Batches of many inputs under way at once, and what they say, taken in their order: a folder of small files keeps every process busy.

In: batches with whoever takes what they say, and what is to be done between them. Out: both, in the order in which they were put. Some
batches travel together, because to carry one small message to a process and back costs as much as to translate it. Held at once: what is
under way, a few megabytes for each process. Without processes everything is done at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import cache, partial

from trivet.contracts.envelope import Unit
from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.integration.translate import BATCH_BYTES, BATCH_UNITS, Batch, Rendered, render
from trivet.wiring import formats as registry

__all__ = ["Lane", "work"]

Asked = tuple[str, SourceProfile, Batch]  # a format's name, a profile, a batch


@cache
def loaded(name: str) -> Format:
    """A format in a worker process, loaded once."""
    return registry.get(registry.load((name,)), name)


def work(name: str, profile: SourceProfile, batch: Batch) -> Rendered:
    """One batch in whichever process: the format is found there by its name."""
    return render(loaded(name), profile, batch)


def work_each(asked: Sequence[Asked]) -> list[Rendered]:
    """Some batches in a worker process."""
    return [work(*one) for one in asked]


class Load:
    """Batches that travel together."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.size = self.units = self.taken = 0
        self.said: Future[list[Rendered]] | None = None  # once it is under way

    def add(self, asked: Asked) -> bool:
        """One more. Is it worth a journey now?"""
        self.asked.append(asked)
        self.units += len(asked[2].units)
        self.size += sum(len(unit.raw) for unit in asked[2].units)
        return self.size >= BATCH_BYTES or self.units >= BATCH_UNITS


class Lane:
    """`pool` works on the batches, or nobody does but the caller; at most `ahead` loads are under way."""

    def __init__(self, pool: Executor | None, ahead: int) -> None:
        self._pool, self._ahead = pool, ahead
        self._open, self._under_way = Load(), 0
        self._steps: deque[Callable[[], None]] = deque()

    def put(self, take: Callable[[Rendered], None], form: Format, profile: SourceProfile, batch: Batch) -> None:
        """A batch; `take` is given what it says when its turn comes."""
        if self._pool is None:
            take(render(form, profile, batch))
            return
        units = tuple(Unit(bytes(unit.raw), unit.pieces, unit.context) for unit in batch.units)  # a view of a file cannot travel
        self._steps.append(partial(self._take, take, self._open, len(self._open.asked)))
        if self._open.add((form.name, profile, batch._replace(units=units))):
            self._send(self._pool)
            while self._under_way > self._ahead:
                self._steps.popleft()()

    def then(self, step: Callable[[], None]) -> None:
        """Something to be done after all that was put before."""
        if self._steps:
            self._steps.append(step)
        else:
            step()

    def finish(self) -> None:
        """Everything that is left."""
        if self._pool is not None and self._open.asked:
            self._send(self._pool)
        while self._steps:
            self._steps.popleft()()

    def _send(self, pool: Executor) -> None:
        self._open.said = pool.submit(work_each, self._open.asked)
        self._open = Load()
        self._under_way += 1

    def _take(self, take: Callable[[Rendered], None], load: Load, number: int) -> None:
        """Wait for the load, give what one of its batches says."""
        assert load.said is not None  # it was sent before anything behind it
        take(load.said.result()[number])
        load.taken += 1
        if load.taken == len(load.asked):
            self._under_way -= 1
