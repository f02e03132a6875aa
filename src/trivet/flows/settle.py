"""From durable bytes to records on the shelf: translate, normalise, link, shelve, settle, in the order of the receipts.

In: receipts in flight. Out: exactly one end state for each, and a ledger entry that says how it was made. Refused: nothing; what
cannot be understood is quarantined, and said. A fault of ours stops the work and leaves in flight what was in flight.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

from trivet.contracts.envelope import Receipt
from trivet.contracts.house import House
from trivet.contracts.parcel import Parcel, Task
from trivet.contracts.ports import Tx
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.contracts.trace import Entry
from trivet.kernel import jsontext
from trivet.kernel.errors import Locked, Rejected

__all__ = [
    "Settling",
    "Tally",
    "blank",
    "hand_over",
    "output_digest",
    "paired",
    "process_pending",
    "profiles_of",
    "shelve",
    "tasks_of",
    "unkeepable",
]

CHUNK = 1_000  # units in one transaction
AHEAD = 3  # chunks under way in the workshop while one is being shelved


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


Outcome = tuple[Receipt, Parcel]


class UnderWay(NamedTuple):
    """A chunk in the workshop: its receipts, the profiles in force, the units that were erased meanwhile, the parcels to come."""

    receipts: list[Receipt]
    profiles: dict[str, SourceProfile]
    erased: set[int]
    parcels: Future[list[Parcel]]


class Settling:
    """Brings receipts in flight to their end states, in the order of their numbers, while others may still be landing.

    `go_on` hands whole chunks to the workshop and shelves what came back, without waiting for anything; `finish` does the rest.
    """

    def __init__(
        self,
        house: House,
        tally: Tally | None = None,
        report: Callable[[Tally], None] | None = None,
        most: Callable[[], int] = lambda: CHUNK,
    ) -> None:
        self.house, self.tally, self.report, self.most = house, tally or Tally(), report, most
        self.under_way: deque[UnderWay] = deque()
        self.after = -1

    def go_on(self) -> None:
        """Do what can be done now."""
        self._hand_out(whole=True)
        while self.under_way and self.under_way[0].parcels.done():
            self._shelve()
            self._hand_out(whole=True)

    def finish(self) -> Tally:
        """Settle everything that is in flight."""
        while True:
            self._hand_out(whole=False)
            if not self.under_way:
                return self.tally
            self._shelve()

    def _hand_out(self, *, whole: bool) -> None:
        while len(self.under_way) < AHEAD:
            most = self.most()
            receipts = self.house.landing.pending(most, self.after)
            if not receipts or (whole and len(receipts) < most):
                return
            self.after = receipts[-1].seq
            self.under_way.append(UnderWay(receipts, *translate(self.house, receipts)))

    def _shelve(self) -> None:
        receipts, profiles, erased, parcels = self.under_way.popleft()
        outcomes = paired(receipts, erased, parcels.result(), lambda _: blank("quarantined", "E622", False))
        outcomes = self.house.role("erasures").spare(outcomes)
        try:
            outcomes = self._keep(outcomes, profiles)
        except Locked as taken:
            if taken.code != "E221":
                raise
            self.under_way.clear()
            self.after = -1
            return
        for _, parcel in outcomes:
            self.tally.states[parcel.state] += 1
            self.tally.partial += parcel.partial
            if parcel.reason:
                self.tally.reasons[parcel.reason] += 1
        if self.report:
            self.report(self.tally)

    def _keep(self, outcomes: list[Outcome], profiles: dict[str, SourceProfile]) -> list[Outcome]:
        """Shelve a chunk. A unit whose records no table can hold (text that is no Unicode) is looked for and quarantined alone."""
        try:
            self.tally.versions += shelve(self.house, outcomes, profiles)
            return outcomes
        except (ValueError, OverflowError):
            if len(outcomes) > 1:
                middle = len(outcomes) // 2
                return self._keep(outcomes[:middle], profiles) + self._keep(outcomes[middle:], profiles)
            [(receipt, parcel)] = outcomes
            return self._keep([(receipt, unkeepable(parcel))], profiles)


def process_pending(
    house: House,
    tally: Tally | None = None,
    report: Callable[[Tally], None] | None = None,
    most: Callable[[], int] = lambda: CHUNK,
) -> Tally:
    """Bring every receipt in flight to its end state, `most` of them in one transaction, which is asked before each."""
    return Settling(house, tally, report, most).finish()


def translate(house: House, receipts: Sequence[Receipt]) -> tuple[dict[str, SourceProfile], set[int], Future[list[Parcel]]]:
    """Hand units to the workshop, with what the site says about their feeds today. Names the units that were erased meanwhile."""
    profiles = profiles_of(house, receipts)
    tasks, erased = tasks_of(house, receipts, profiles)
    return profiles, erased, house.role("workshop").submit(tasks)


def profiles_of(house: House, receipts: Sequence[Receipt]) -> dict[str, SourceProfile]:
    """What the site says today about the feeds of these units, by `source/format`."""
    profiles: dict[str, SourceProfile] = {}
    for receipt in receipts:
        name = f"{receipt.source}/{receipt.format}"
        if name not in profiles:
            known = house.profiles.get(receipt.source) or SourceProfile(receipt.source)
            profiles[name] = replace(known, format=receipt.format, maps_digest=house.role("release")["maps"])
    return profiles


def tasks_of(house: House, receipts: Sequence[Receipt], profiles: Mapping[str, SourceProfile]) -> tuple[list[Task], set[int]]:
    """The units that can be read, and the numbers of those that were erased."""
    tasks, erased = [], set[int]()
    for receipt, raw in zip(receipts, house.landing.raws(receipts), strict=True):
        if raw is None:
            erased.add(receipt.seq)
        else:
            tasks.append(Task(receipt.seq, raw, profiles[f"{receipt.source}/{receipt.format}"], receipt.received_at[:10]))
    return tasks, erased


def paired(
    receipts: Sequence[Receipt], erased: Container[int], parcels: Sequence[Parcel], instead: Callable[[int], Parcel]
) -> list[tuple[Receipt, Parcel]]:
    """Receipts with their parcels; those that were erased have no other than `instead` gives."""
    made = iter(parcels)
    return [(receipt, instead(receipt.seq) if receipt.seq in erased else next(made)) for receipt in receipts]


def blank(state: str, reason: str, partial: bool) -> Parcel:
    """The parcel of a unit that was erased: its end state stands, its content is gone."""
    return Parcel(state, reason, partial, (), b"", (), (), (), Translation((), ()))


def unkeepable(parcel: Parcel) -> Parcel:
    """The parcel of a unit that was translated into what no table can hold: nothing of it but its traffic, which may be others' too."""
    reject = Rejected("E243", "the records of this unit cannot be kept", help="trivet query 'select * from rejects'")
    return replace(blank("quarantined", "E243", False), rejects=(reject,), traffic=parcel.traffic)


def shelve(house: House, outcomes: Sequence[tuple[Receipt, Parcel]], profiles: dict[str, SourceProfile]) -> int:
    """Link, shelve and settle a chunk in one transaction, with the ledger entry that says how it was made."""
    manifest = jsontext.dumps(run_manifest(outcomes, profiles, house.role("release")))
    at, linker = house.clock.now(), house.linker

    def work(tx: Tx) -> int:
        house.landing.claim(tx, [receipt for receipt, _ in outcomes])
        blob = house.vault.put(tx, manifest, holder="house", kind="norm.run")
        notes = {"code": house.role("release")["code"], "units": str(len(outcomes)), "blob": blob}
        digests = {"maps": house.role("release")["maps"]}
        entry = Entry("norm.run", at, digests=digests, commitments={"run": house.vault.commit(blob)}, notes=notes)
        run = house.ledger.append(tx, [entry])[0].seq
        links = [link for receipt, parcel in outcomes for link in linker.link(tx, receipt, parcel.people)]
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
