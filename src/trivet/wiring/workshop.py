"""Translate, normalise, pack: the pure middle of `receive`, in this process or in a pool of processes.

In: units with their profiles. Out: a future of parcels in the same order. A unit that breaks its format is quarantined
alone, with the class of the error and nothing of its text, which could hold a patient's value.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from trivet.contracts.parcel import Parcel, Task
from trivet.contracts.ports import Format, Normaliser
from trivet.contracts.traffic import Traffic
from trivet.data.interfaces.store import gathered
from trivet.data.parcel import failed, pack
from trivet.kernel.errors import Fault, NotFound, Rejected
from trivet.wiring.formats import load

__all__ = ["PoolWorkshop", "make_formats", "make_normaliser", "make_parcels", "parcel_of"]

WORTH_A_POOL = 400  # units below which starting processes costs more than it saves
PORTION = 100  # units a process takes at a time
PIPE = 1 << 20  # bytes on their way to or from a process; what Linux allows to anybody
SWEPT = 2_000_000  # bytes of units between two collections: a FHIR bundle leaves some thirty times its size in circles

_rooms: tuple[dict[str, Format], Normaliser] | None = None
_unswept = 0  # bytes of units since the last collection


def make_formats(plugins: dict[str, list[str]], home: str = "") -> dict[str, Format]:
    """Built-in formats and the plugins that the settings name; the maps of the home's site come before ours."""
    from trivet.integration.formats.hl7v2 import Hl7v2Format
    from trivet.integration.formats.table import TableFormat

    formats = load(plugins.get("formats", ()))
    for name, folder, form in (("csv", "tables", TableFormat), ("hl7v2", "hl7v2", Hl7v2Format)):
        own = Path(home) / "site" / folder
        if home and own.is_dir():
            formats[name] = form(str(own))
    return formats


def make_normaliser(home: str) -> Normaliser:
    """Codes and units, with the overlays of the home's site."""
    from trivet.data.normalise import MapNormaliser

    made: Normaliser = MapNormaliser(Path(home) / "site")
    return made


def parcel_of(task: Task, formats: dict[str, Format], normaliser: Normaliser) -> Parcel:
    """One unit, from bytes to parcel."""
    form = formats.get(task.profile.format)
    if form is None:
        return failed(Rejected("E240", "nobody here knows this format", help="trivet receive --format NAME", length=len(task.raw)))
    try:
        return pack(normaliser.normalise(form.translate(task.raw, task.profile), task.profile), task.profile, task.raw)
    except Fault:  # ours, such as a broken map table: it would break every unit, so it stops the work, and nothing is settled
        raise
    except Exception as error:  # the inbound loop: one bad unit never stops the others
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno}" if where else ""
        return failed(Rejected("E241", f"the format broke on this unit: {type(error).__name__} at {place}", length=len(task.raw)))


def start(plugins: dict[str, list[str]], home: str) -> None:
    """What a pool process loads once; it does not outlive the process that asked for it, however that one ended."""
    global _rooms
    atexit.register(os._exit, 0)  # runs last: taking the tables apart object by object would keep the parent waiting for seconds
    threading.Thread(target=end_with_parent, daemon=True).start()
    _rooms = make_formats(plugins, home), make_normaliser(home)
    gc.freeze()  # the tables stay for good; the collector need not look at them again
    gc.disable()  # `make_parcels` collects by bytes: among hundreds of thousands of small tuples a third of the time would go into looking


def end_with_parent() -> None:
    """Wait until the parent is gone, killed for instance, and go too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def make_parcels(tasks: Sequence[Task]) -> list[Parcel]:
    """A portion of units in a pool process."""
    global _unswept
    if _rooms is None:
        raise NotFound("E242", "the workshop was not started")
    if _unswept >= SWEPT:  # now, when the last portion is sent and gone
        gc.collect()
        gc.freeze()  # what units have taught by now stays too
        _unswept = 0
    _unswept += sum(len(task.raw) for task in tasks)
    shared: dict[Any, Any] = {}
    parcels = [parcel_of(task, *_rooms) for task in tasks]
    traffic = gathered(
        ((task.profile.source, task.profile.format, task.day), parcel.traffic) for task, parcel in zip(tasks, parcels, strict=True)
    )
    return [share(parcel, shared, traffic) for parcel, traffic in zip(parcels, traffic, strict=True)]


def share(parcel: Parcel, shared: dict[Any, Any], traffic: Traffic) -> Parcel:
    """The same parcel, with equal sheets of a portion as one object, so that they travel between processes once."""
    sheets = tuple([shared.setdefault((*sheet[:6], sheet.digest), sheet) for sheet in parcel.sheets])
    return replace(parcel, sheets=sheets, traffic=traffic)


class PoolWorkshop:
    """`contracts.ports.Workshop`: small work at once and here, much work in `workers` processes that live until `close`."""

    def __init__(self, formats: dict[str, Format], normaliser: Normaliser, workers: int, starting: tuple[Any, ...]) -> None:
        self._formats, self._normaliser = formats, normaliser
        self._workers, self._starting = workers, starting
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, tasks: Sequence[Task]) -> Future[list[Parcel]]:
        """Parcels in the order of the tasks."""
        if self._pool is None and (self._workers < 1 or len(tasks) < WORTH_A_POOL):
            done: Future[list[Parcel]] = Future()
            done.set_result([parcel_of(task, self._formats, self._normaliser) for task in tasks])
            return done
        pool = self._pool or self._open()
        return joined([pool.submit(make_parcels, tasks[first : first + PORTION]) for first in range(0, len(tasks), PORTION)])

    def warm(self) -> None:
        """Start the processes now: whoever knows that much work comes need not wait for them when it does."""
        if self._pool is None and self._workers > 0:
            pool = self._open()
            for _ in range(self._workers):
                pool.submit(make_parcels, ())

    def _open(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads and open stores
        gc.set_threshold(100_000, 20, 20)  # parcels arrive in bulk: the collector of this process looks less often
        self._pool = ProcessPoolExecutor(self._workers, context, initializer=start, initargs=self._starting)
        widen(self._pool)
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def widen(pool: ProcessPoolExecutor) -> None:
    """Let a portion travel in one piece. Through a pipe of 64 KB it crosses in twenty, and for each its process waits until this one,
    busy as it is, comes to read. Where the system does not allow it, the pipe stays as it is."""
    for name in ("_call_queue", "_result_queue"):
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(getattr(pool, name)._writer.fileno(), fcntl.F_SETPIPE_SZ, PIPE)


def joined(futures: Sequence[Future[list[Parcel]]]) -> Future[list[Parcel]]:
    """One future over several, in their order."""
    return Joined(futures)


class Joined(Future[list[Parcel]]):
    """Resolves by asking its parts."""

    def __init__(self, futures: Sequence[Future[list[Parcel]]]) -> None:
        super().__init__()
        self._parts = futures

    def done(self) -> bool:
        return all(part.done() for part in self._parts)

    def result(self, timeout: float | None = None) -> list[Parcel]:
        return [parcel for part in self._parts for parcel in part.result(timeout)]
