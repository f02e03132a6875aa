"""A source is asked for what is new: land it, remember how far it came, and only then let it go on.

In: a source and its name. Out: a tally; receipts in flight, for `process_pending`. Refused: nothing. A crash anywhere leaves the bookmark
at or before what is durable, never behind it: the next poll brings the rest, and what comes twice lands once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from trivet.contracts.envelope import Envelope
from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.source import File, Haul, Source
from trivet.contracts.trace import Entry
from trivet.flows.receive import Delivery, land_file
from trivet.flows.settle import Tally
from trivet.kernel.errors import Problem

__all__ = ["Catch", "poll", "take"]


@dataclass(slots=True)
class Catch:
    """What a poll brought: hauls, units that are new, units known already, names that are gone, events by kind."""

    hauls: int = 0
    landed: int = 0
    repeated: int = 0
    bytes: int = 0
    gone: int = 0
    events: Counter[str] = field(default_factory=Counter)


def poll(house: House, name: str, source: Source, detect: Callable[[File], str], report: Callable[[Catch], None] | None = None) -> Catch:
    """Bring in everything that is new. How it ended is written down either way; what came before a problem stays."""
    catch, wires = Catch(), house.role("wires")
    try:
        with closing(source.pull(wires.memory(name))) as hauls:  # type: ignore[type-var]
            for haul in hauls:
                take(house, name, haul, detect, catch)
                if report:
                    report(catch)
    except Problem as problem:
        wires.ended(name, house.clock.now(), problem.code, problem.what)
        raise
    wires.ended(name, house.clock.now())
    return catch


def take(house: House, name: str, haul: Haul, detect: Callable[[File], str], catch: Catch | None = None) -> Catch:
    """Make one haul durable: files first, then messages, what is remembered of them, events and the bookmark in one transaction."""
    catch = catch if catch is not None else Catch()
    tally = Tally()
    for file in haul.files:
        land_file(house, Delivery(file.raw, name, detect(file), file.name), tally)
    new, again = house.store.write(partial(keep, house=house, name=name, haul=haul))
    catch.hauls += 1
    catch.landed, catch.repeated = catch.landed + tally.landed + new, catch.repeated + tally.repeated + again
    catch.bytes += tally.bytes + sum(len(message.raw) for message in haul.messages)
    catch.gone += len(haul.gone)
    catch.events.update(event.kind for event in haul.events)
    return catch


def keep(tx: Tx, house: House, name: str, haul: Haul) -> tuple[int, int]:
    """Land the messages and write down what belongs to them. Gives how many are new and how many were known."""
    at, wires = house.clock.now(), house.role("wires")
    envelopes = [Envelope(one.raw, name, one.format, at, one.origin, one.pieces, one.context) for one in haul.messages]
    receipts = house.landing.land(tx, envelopes) if envelopes else []
    named = [(one.name, one.mark, receipt.seq) for one, receipt in zip(haul.messages, receipts, strict=True) if one.name]
    named += [(file.known, file.mark, -1) for file in haul.files if file.known]
    named += [(name, mark, -1) for name, mark in haul.names]
    for whole in haul.whole:
        house.landing.close_file(tx, name, whole.origin, whole.size, whole.covered, whole.units, 0, at)
    if haul.events:
        entries = [Entry("source.event", at, notes={"source": name, "kind": event.kind, **event.words}) for event in haul.events]
        house.ledger.append(tx, entries)
    wires.keep(tx, name, named, haul.gone, haul.bookmark)
    known = sum(receipt.duplicate_of is not None for receipt in receipts)
    return len(receipts) - known, known
