"""Bytes come in, records stand on the shelf: land, acknowledge, translate, normalise, link, shelve, settle.

In: files, or one envelope from a socket. Out: receipts that are durable, and later exactly one end state for each of them.
Refused: nothing. What cannot be understood is kept, quarantined, and said. A crash between landing and settling leaves
receipts in flight, which the next `process_pending` takes up in the order in which they came.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from trivet.contracts.envelope import Envelope, Receipt, Unit
from trivet.contracts.house import House
from trivet.contracts.parcel import Parcel, Task
from trivet.contracts.ports import Tx
from trivet.contracts.profile import SourceProfile
from trivet.contracts.trace import Entry
from trivet.kernel import jsontext
from trivet.kernel.cover import Cover
from trivet.kernel.errors import Locked

__all__ = ["Delivery", "Tally", "accept", "land_file", "output_digest", "process_pending", "receive", "shelve"]

CHUNK = 1_000  # units in one transaction
AHEAD = 3  # chunks under way in the workshop while one is being shelved


class Delivery(NamedTuple):
    """A file as a source handed it over. `format` is a format's name, never `auto`; `origin` is where it came from."""

    raw: bytes
    source: str
    format: str
    origin: str


@dataclass(slots=True)
class Tally:
    """What a call did: `landed` units that are new, `repeated` deliveries of known ones, end states, versions added to the shelf."""

    files: int = 0
    bytes: int = 0
    landed: int = 0
    repeated: int = 0
    states: Counter[str] = field(default_factory=Counter)
    partial: int = 0
    versions: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def receive(house: House, deliveries: Iterable[Delivery], report: Callable[[Tally], None] | None = None) -> Tally:
    """Take files in and bring every receipt in flight to its end."""
    tally = Tally()
    for delivery in deliveries:
        land_file(house, delivery, tally)
        if report:
            report(tally)
    process_pending(house, tally, report)
    house.shelf.publish()
    return tally


def accept(house: House, envelope: Envelope) -> Future[Receipt]:
    """Land one message. The future resolves when it is durable: only then may it be acknowledged."""
    return house.store.submit(lambda tx: house.landing.land(tx, [envelope])[0])


def land_file(house: House, delivery: Delivery, tally: Tally | None = None) -> Tally:
    """Cut a file into units and land them, a thousand in one durable commit; then write down that the file is whole."""
    tally = tally or Tally()
    form = house.formats.get(delivery.format)
    units = form.split(delivery.raw) if form else iter([Unit(delivery.raw, ((0, len(delivery.raw)),))])  # type: ignore[arg-type]
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


def process_pending(house: House, tally: Tally | None = None, report: Callable[[Tally], None] | None = None) -> Tally:
    """Bring every receipt in flight to its end state, in the order of their numbers."""
    tally = tally or Tally()
    under_way: deque[tuple[list[Receipt], dict[str, SourceProfile], Future[list[Parcel]]]] = deque()
    after = -1
    while True:
        while len(under_way) < AHEAD and (receipts := house.landing.pending(CHUNK, after)):
            after = receipts[-1].seq
            under_way.append((receipts, *translate(house, receipts)))
        if not under_way:
            return tally
        receipts, profiles, parcels = under_way.popleft()
        outcomes = list(zip(receipts, parcels.result(), strict=True))
        try:
            tally.versions += shelve(house, outcomes, profiles)
        except Locked as taken:
            if taken.code != "E221":
                raise
            under_way.clear()
            after = -1
            continue
        for _, parcel in outcomes:
            tally.states[parcel.state] += 1
            tally.partial += parcel.partial
            if parcel.reason:
                tally.reasons[parcel.reason] += 1
        if report:
            report(tally)


def translate(house: House, receipts: Sequence[Receipt]) -> tuple[dict[str, SourceProfile], Future[list[Parcel]]]:
    """Hand units to the workshop, with what the site says about their feeds today."""
    profiles, tasks = {}, []
    for receipt in receipts:
        name = f"{receipt.source}/{receipt.format}"
        if name not in profiles:
            known = house.profiles.get(receipt.source) or SourceProfile(receipt.source)
            profiles[name] = replace(known, format=receipt.format, maps_digest=house.role("release")["maps"])
        tasks.append(Task(receipt.seq, house.landing.raw(receipt), profiles[name]))
    return profiles, house.role("workshop").submit(tasks)


def shelve(house: House, outcomes: Sequence[tuple[Receipt, Parcel]], profiles: dict[str, SourceProfile]) -> int:
    """Link, shelve and settle a chunk in one transaction, with the ledger entry that says how it was made."""
    manifest = jsontext.dumps(run_manifest(outcomes, profiles, house.role("release")))
    at = house.clock.now()

    def work(tx: Tx) -> int:
        house.landing.claim(tx, [receipt for receipt, _ in outcomes])
        blob = house.vault.put(tx, manifest, holder="house", kind="norm.run")
        notes = {"code": house.role("release")["code"], "units": str(len(outcomes)), "blob": blob}
        digests = {"maps": house.role("release")["maps"]}
        entry = Entry("norm.run", at, digests=digests, commitments={"run": house.vault.commit(blob)}, notes=notes)
        run = house.ledger.append(tx, [entry])[0].seq
        links = [link for receipt, parcel in outcomes for link in house.linker.link(tx, receipt, parcel.people)]
        if links:
            house.ledger.append(tx, links)
        versions = house.shelf.write(tx, outcomes)
        house.landing.settle(tx, outcomes, run)
        hand_over(house, tx, outcomes)
        return versions

    return house.store.write(work)


def hand_over(house: House, tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]]) -> None:
    """Wrap each unit's bytes with the key of the persons it speaks of, instead of its source's."""
    about = {receipt.blob: {sheet.subject for sheet in parcel.sheets if sheet.subject} for receipt, parcel in outcomes}
    persons = house.linker.persons(tx, sorted(set().union(*about.values())))
    blobs: dict[str, list[str]] = {}
    for blob, subjects in about.items():
        for person in sorted({persons[subject] for subject in subjects if subject in persons}):
            blobs.setdefault(person, []).append(blob)
    for person, held in blobs.items():
        house.vault.rewrap(tx, held, f"person:{person}")


def run_manifest(
    outcomes: Sequence[tuple[Receipt, Parcel]], profiles: dict[str, SourceProfile], release: dict[str, str]
) -> dict[str, object]:
    """All that is needed to do this run again and to see that the same came out."""
    return {
        "receipts": [[receipt.seq, parcel.state, parcel.reason, int(parcel.partial)] for receipt, parcel in outcomes],
        "profiles": {name: asdict(profile) for name, profile in profiles.items()},
        "release": release,
        "output": output_digest(outcomes),
    }


def output_digest(outcomes: Sequence[tuple[Receipt, Parcel]]) -> str:
    """One digest over what a run made of its units."""
    made = hashlib.sha256()
    for receipt, parcel in outcomes:
        made.update(f"{receipt.seq} {parcel.state} {parcel.reason}\n".encode())
        for sheet in parcel.sheets:
            made.update(sheet.digest)
    return made.hexdigest()


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
