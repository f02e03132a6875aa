"""Many deliveries at once, each with the moment it arrived: history from an archive, or a sample hospital's two years.

In: deliveries in the order of their arrival. Out: receipts in the same order, a thousand units in one durable commit, then every
unit brought to its end state. The same promises as `receive`; only the acknowledgement is for the batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from trivet.contracts.envelope import Envelope, FileEnd, Receipt, Unit
from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.flows.receive import Delivery, count
from trivet.flows.settle import Settling, Tally
from trivet.kernel.cover import Cover

__all__ = ["Arrival", "load"]

BATCH = 1_000  # units in one commit


class Arrival(NamedTuple):
    """A delivery and when it came (instant text). A `message` came alone through a socket: it belongs to no file."""

    delivery: Delivery
    at: str
    message: bool


class Cut(NamedTuple):
    """An arrival cut into units."""

    arrival: Arrival
    units: tuple[Unit, ...]


def load(house: House, arrivals: Iterable[Arrival], report: Callable[[Tally], None] | None = None) -> Tally:
    """Land everything, then settle it."""
    settling, formats = Settling(house, Tally(), report), house.formats
    tally, waiting, size = settling.tally, list[Cut](), 0
    for arrival in arrivals:
        form = formats.get(arrival.delivery.format)
        raw = arrival.delivery.raw
        units = tuple(form.split(raw)) if form else (Unit(raw, ((0, len(raw)),)),)  # type: ignore[arg-type]
        waiting.append(Cut(arrival, units))
        size += len(units)
        if size >= BATCH:
            land(house, waiting, tally)
            settling.go_on()
            waiting, size = [], 0
            if report:
                report(tally)
    if waiting:
        land(house, waiting, tally)
    return settling.finish()


def land(house: House, batch: Sequence[Cut], tally: Tally) -> None:
    """One durable commit for a batch, in order; runs of messages are landed together."""
    landing = house.landing

    def work(tx: Tx) -> Counter[str]:
        counts, whole = Counter[str](), list[FileEnd]()
        groups, cuts = in_groups(batch)
        for cut, receipts in zip(cuts, landing.land_groups(tx, groups), strict=True):
            count(counts, receipts)
            if cut is not None:
                whole.append(taken(cut, receipts))
        landing.close_files(tx, whole)
        return counts

    counts = house.store.write(work)
    files = [cut for cut in batch if not cut.arrival.message]
    tally.files, tally.bytes = tally.files + len(files), tally.bytes + sum(len(cut.arrival.delivery.raw) for cut in batch)
    tally.landed, tally.repeated = tally.landed + counts["landed"], tally.repeated + counts["repeated"]


def in_groups(batch: Sequence[Cut]) -> tuple[list[list[Envelope]], list[Cut | None]]:
    """Envelopes that are landed together: each file, and each run of messages between files; with them the file, or None."""
    groups, cuts = list[list[Envelope]](), list[Cut | None]()
    for cut in batch:
        alone = cut.arrival.message and len(cut.units) == 1
        if alone and cuts and cuts[-1] is None:
            groups[-1].append(envelope(cut.arrival, cut.units[0]))
        else:
            groups.append([envelope(cut.arrival, unit) for unit in cut.units])
            cuts.append(None if alone else cut)
    return groups, cuts


def taken(cut: Cut, receipts: Sequence[Receipt]) -> FileEnd:
    """The line that says that a file is whole."""
    delivery, cover = cut.arrival.delivery, Cover()
    for unit in cut.units:
        cover.add(unit.pieces)
    repeats = sum(receipt.duplicate_of is not None for receipt in receipts)
    return FileEnd(delivery.source, delivery.origin, len(delivery.raw), cover.covered(), len(cut.units), repeats, cut.arrival.at)


def envelope(arrival: Arrival, unit: Unit) -> Envelope:
    """A unit with its origin around it; a message of its own has none."""
    delivery = arrival.delivery
    if arrival.message:
        return Envelope(unit.raw, delivery.source, delivery.format, arrival.at)
    return Envelope(unit.raw, delivery.source, delivery.format, arrival.at, delivery.origin, unit.pieces, unit.context)
