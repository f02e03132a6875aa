"""Bytes come in, records stand on the shelf: land, acknowledge, translate, normalise, link, shelve, settle.

In: files, or one envelope from a socket. Out: receipts that are durable, and later exactly one end state for each of them.
Refused: nothing. What cannot be understood is kept, quarantined, and said. A crash between landing and settling leaves
receipts in flight, which the next `process_pending` takes up in the order in which they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import islice
from typing import NamedTuple

from trivet.contracts.envelope import Envelope, Piece, Receipt, Unit
from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.flows.settle import Settling, Tally, process_pending
from trivet.kernel.cover import Cover
from trivet.kernel.errors import Problem

__all__ = ["Delivery", "Message", "Tally", "accept", "accept_each", "count", "land_file", "process_pending", "receive", "whole"]

CHUNK = 1_000  # units in one transaction
STORE = "E61"  # how codes of the store's own errors begin: they concern all messages alike

Message = tuple[Envelope, "Future[Receipt]"]


class Delivery(NamedTuple):
    """A file as a source handed it over. `format` is a format's name, never `auto`; `origin` is where it came from."""

    raw: bytes
    source: str
    format: str
    origin: str


def receive(house: House, deliveries: Iterable[Delivery], report: Callable[[Tally], None] | None = None) -> Tally:
    """Take files in and bring every receipt in flight to its end."""
    settling = Settling(house, Tally(), report)
    for delivery in deliveries:
        land_file(house, delivery, settling.tally)
        settling.go_on()
        if report:
            report(settling.tally)
    settling.finish()
    house.shelf.publish()
    return settling.tally


def accept(house: House, envelope: Envelope) -> Future[Receipt]:
    """Land one message. The future resolves when it is durable: only then may it be acknowledged."""
    future: Future[Receipt] = Future()
    accept_each(house, [(envelope, future)])
    return future


def accept_each(house: House, messages: Sequence[Message], *, here: bool = False, first: Callable[[], None] = lambda: None) -> None:
    """Land messages together, each as if it had come alone. The future of each resolves when it is durable: only then may it be
    acknowledged. `here` as with the store's `submit`; `first` is asked inside the transaction and raises where others must be landed
    before."""
    envelopes = [envelope for envelope, _ in messages]

    def work(tx: Tx) -> list[Receipt]:
        first()
        return house.landing.land_each(tx, envelopes)

    try:
        landing = house.store.submit(work, here=here)
    except Problem as closed:
        _refuse(messages, closed)
        return
    landing.add_done_callback(partial(_landed, house, messages, first))


def _landed(house: House, messages: Sequence[Message], first: Callable[[], None], landing: Future[list[Receipt]]) -> None:
    """Tell each sender. Where one of many is at fault, and not the store, each is landed by itself: no other suffers for it."""
    error = landing.exception()
    if error is None:
        for (_, future), receipt in zip(messages, landing.result(), strict=True):
            future.set_result(receipt)
    elif len(messages) == 1 or getattr(error, "code", "").startswith(STORE):
        _refuse(messages, error)
    else:
        for message in messages:
            accept_each(house, [message], first=first)


def _refuse(messages: Sequence[Message], error: BaseException) -> None:
    for _, future in messages:
        future.set_exception(error)


def land_file(house: House, delivery: Delivery, tally: Tally | None = None) -> Tally:
    """Cut a file into units and land them, a thousand in one durable commit; then write down that the file is whole."""
    tally = tally or Tally()
    form = house.formats.get(delivery.format)
    units = form.split(delivery.raw) if form else whole(delivery.raw)
    cover, counts, last = Cover(), Counter[str](), None
    for chunk in chunks(units, CHUNK):
        envelopes = [envelope(delivery, unit, house.clock.now()) for unit in chunk]
        for unit in chunk:
            cover.add(unit.pieces)
        if last is not None:
            count(counts, last.result())
        last = house.store.submit(partial(house.landing.land, envelopes=envelopes))
    if last is not None:
        count(counts, last.result())
    size, at = len(delivery.raw), house.clock.now()
    numbers = (size, cover.covered(), counts["units"], counts["repeated"])
    house.store.write(lambda tx: house.landing.close_file(tx, delivery.source, delivery.origin, *numbers, at))
    tally.files, tally.bytes = tally.files + 1, tally.bytes + size
    tally.landed, tally.repeated = tally.landed + counts["landed"], tally.repeated + counts["repeated"]
    return tally


def whole(raw: bytes) -> Iterator[Unit]:
    """A file that nobody can cut is one unit."""
    yield Unit(raw, (Piece(0, len(raw)),))


def envelope(delivery: Delivery, unit: Unit, at: str) -> Envelope:
    """A unit with its origin around it."""
    return Envelope(unit.raw, delivery.source, delivery.format, at, delivery.origin, unit.pieces, unit.context)


def chunks(units: Iterator[Unit], size: int) -> Iterator[list[Unit]]:
    """Units in lists of at most `size`."""
    while chunk := list(islice(units, size)):
        yield chunk


def count(counts: Counter[str], receipts: Sequence[Receipt]) -> None:
    """Count new and repeated units."""
    counts["units"] += len(receipts)
    repeated = sum(receipt.duplicate_of is not None for receipt in receipts)
    counts["repeated"] += repeated
    counts["landed"] += len(receipts) - repeated
