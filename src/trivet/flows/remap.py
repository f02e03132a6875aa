"""Settled units read again with today's maps: first a plan, and only when it is accepted new record versions.

In: which units (source, time of arrival, state, the maps that read them). Out: what would be another record, which quarantined
units can be read now, and which decisions rested on what changes. With `accept` this is done, chunk by chunk, each with a ledger entry
`norm.rerun`; what was known before stays known as it was. When nothing changes nothing is written. Left alone: units that were
erased, and units that today's maps cannot read any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.house import House
from trivet.contracts.parcel import Parcel
from trivet.contracts.ports import Tx
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.contracts.revision import Ahead, Chosen, Read, Revisions, Settled
from trivet.contracts.trace import Entry
from trivet.flows.account_for import read_decision
from trivet.flows.reread import under
from trivet.flows.settle import blank, hand_over, output_digest, paired, profiles_of, tasks_of
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound

__all__ = ["remap", "rerun"]

CHUNK = 1_000  # units in one transaction
SHOWN = 1_000  # changes and decisions listed; all are counted
Outcome = tuple[Receipt, Parcel]


def remap(house: House, chosen: Chosen, *, accept: bool, report: Callable[[str], None]) -> dict[str, Any]:
    """The plan as plain data; with `accept` it is also done. `same` says that nothing would change."""
    ahead: Ahead = {}
    sums, states, coverage = Counter[str](), Counter[str](), Counter[str]()
    shown: list[dict[str, Any]] = []
    touched: set[tuple[str, int]] = set()
    runs: list[int] = []
    for units, outcomes, profiles, erased in chunks(house, chosen):
        sums["units"] += len(units)
        sums["erased"] += erased
        better, worse = moved(units, outcomes)
        sums["worse"] += len(worse)
        states.update(f"{unit.receipt.state} to {parcel.state}" for unit, (_, parcel) in better)
        again = [
            outcome for outcome in outcomes if outcome[1].state == "mapped" or outcome[0].seq in {one.receipt.seq for one, _ in better}
        ]
        again = [outcome for outcome in again if outcome[0].seq not in worse]
        for line in (line for _, parcel in outcomes for line in parcel.coverage):
            coverage[line.disposition] += line.elements
        found, overtaken = revisions(house).changes(house.store.read, again, {} if accept else ahead)
        sums["overtaken"] += overtaken
        for change in found:
            sums[change.kind] += 1
            touched.add((change.key, change.version))
            if len(shown) < SHOWN:
                shown.append({name: value for name, value in change._asdict().items() if name != "sheet"})
        if accept and (found or better):
            wanted = {change.receipt for change in found} | {unit.receipt.seq for unit, _ in better}
            differing = [outcome for outcome in again if outcome[0].seq in wanted]
            runs.append(done(house, differing, [outcome for _, outcome in better], profiles))
        report(f"  {sums['units']} units read again, {sums['changed'] + sums['new'] + sums['gone']} records differ")
    rested = decisions(house, touched)
    if runs:
        house.shelf.publish()
    return {
        "accepted": bool(runs),
        "same": not (sums["changed"] or sums["new"] or sums["gone"] or states),
        **{name: sums[name] for name in ("units", "erased", "worse", "overtaken", "changed", "new", "gone")},
        "states": dict(sorted(states.items())),
        "coverage": dict(sorted(coverage.items())),
        "changes": shown,
        "decisions": {"count": len(rested), "ids": rested[:SHOWN]},
        "runs": runs,
        **house.role("release"),
    }


def revisions(house: House) -> Revisions:
    """Who compares and keeps."""
    found: Revisions = house.role("revisions")
    return found


def chunks(house: House, chosen: Chosen) -> Iterator[tuple[list[Settled], list[Outcome], dict[str, SourceProfile], int]]:
    """The chosen units in their order, each with what today's maps make of it. Erased ones have nothing to be read."""
    after, read_by = -1, dict[int, bool]()
    while units := revisions(house).settled(chosen, after, CHUNK):
        after = units[-1].receipt.seq
        units = [unit for unit in units if by(house, unit.run, chosen.read_by, read_by)]
        receipts = [unit.receipt for unit in units]
        profiles = profiles_of(house, receipts)
        tasks, erased = tasks_of(house, receipts, profiles)
        parcels = house.role("workshop").submit(tasks).result()
        outcomes = paired(receipts, erased, parcels, lambda _: blank("quarantined", "E622", False))
        outcomes = house.role("erasures").spare(outcomes)
        kept = [outcome for outcome in outcomes if outcome[0].seq not in erased]
        yield [unit for unit in units if unit.receipt.seq not in erased], kept, profiles, len(erased)


def by(house: House, run: int, wanted: str, known: dict[int, bool]) -> bool:
    """Was this run done by the maps or the code that are asked for?"""
    if wanted and run not in known:
        entry = house.ledger.entry(run)
        known[run] = entry["digests"]["maps"].startswith(wanted) or entry["notes"]["code"].startswith(wanted)
    return not wanted or known[run]


def moved(units: Sequence[Settled], outcomes: Sequence[Outcome]) -> tuple[list[tuple[Settled, Outcome]], set[int]]:
    """Units that were quarantined and can be read now; and the numbers of those that could be read and cannot any more."""
    better, worse = [], set[int]()
    for unit, outcome in zip(units, outcomes, strict=True):
        before, after = unit.receipt.state, outcome[1].state
        if before == "quarantined" and after != "quarantined":
            better.append((unit, outcome))
        elif before != after and before != "quarantined":
            worse.add(unit.receipt.seq)
    return better, worse


def done(house: House, again: Sequence[Outcome], better: Sequence[Outcome], profiles: dict[str, SourceProfile]) -> int:
    """One chunk in one transaction, with the ledger entry that says how it was made. Gives its position."""
    release = house.role("release")
    said = {
        "receipts": [receipt.seq for receipt, _ in again],
        "better": [receipt.seq for receipt, _ in better],
        "profiles": {name: asdict(profile) for name, profile in profiles.items()},
        "release": release,
        "output": output_digest(again),
    }
    at, manifest = house.clock.now(), jsontext.dumps(said)

    def work(tx: Tx) -> int:
        blob = house.vault.put(tx, manifest, holder="house", kind="norm.rerun")
        notes = {"code": release["code"], "units": str(len(again)), "released": str(len(better)), "blob": blob}
        entry = Entry("norm.rerun", at, digests={"maps": release["maps"]}, commitments={"run": house.vault.commit(blob)}, notes=notes)
        run = house.ledger.append(tx, [entry])[0].seq
        links = applied(house, tx, again, better, run)
        if links:
            house.ledger.append(tx, links)
        hand_over(house, tx, better)
        return run

    return house.store.write(work)


def applied(house: House, tx: Tx, again: Sequence[Outcome], better: Sequence[Outcome], run: int, *, linked: bool = True) -> list[Entry]:
    """Compare once more inside the transaction, and keep what differs. Links that follow are known since the run. Gives their entries.

    Not `linked` where the links come from elsewhere: a rebuild takes those that stood at an erasure from its tombstone.
    """
    read: Read = tx.execute
    found, _ = revisions(house).changes(read, again, {})
    keys: dict[int, set[str]] = {}
    for change in found:
        keys.setdefault(change.receipt, set()).add(change.key)
    links: list[Entry] = []
    for receipt, parcel in again:
        people = tuple(record for record in parcel.people.records if record.key in keys.get(receipt.seq, ()))
        if people and linked:
            links += house.linker.link(tx, replace(receipt, seq=run), Translation(people, ()))
    revisions(house).keep(tx, found, {receipt.seq: parcel.spans for receipt, parcel in again}, run)
    revisions(house).resettle(tx, better, run)
    return links


def rerun(house: House, run: int, entry: dict[str, Any]) -> None:
    """A `norm.rerun` entry again, for a rebuild: the same units, the same profiles, the same position."""
    said = jsontext.loads(house.vault.get(entry["notes"]["blob"]))
    profiles = {name: SourceProfile(**profile) for name, profile in said["profiles"].items()}
    receipts = [house.landing.receipt(seq) for seq in said["receipts"]]
    tasks, erased = tasks_of(house, receipts, profiles)
    made = house.role("workshop").submit(tasks).result()
    outcomes = [one for one in paired(receipts, erased, made, lambda _: blank("quarantined", "E622", False)) if one[0].seq not in erased]
    erasures, told = house.role("erasures"), outcomes
    outcomes = erasures.spare(outcomes)
    better = [one for one in outcomes if one[0].seq in set(said["better"]) and one[0].state == "quarantined"]
    house.store.write(lambda tx: applied(house, tx, outcomes, better, run, linked=run > erasures.newest()[0]))
    if not erased and output_digest(told) != said["output"]:
        house.role("differences").append((run, said["release"]))


def decisions(house: House, touched: set[tuple[str, int]]) -> list[str]:
    """Decisions that rested on one of these record versions."""
    rested = []
    for seq, entry in house.ledger.find("decision") if touched else ():
        try:
            _, record = read_decision(house, str(seq))
        except NotFound:  # erased: it rests on nothing that anybody can read
            continue
        if touched.intersection(under(record)):
            rested.append(entry["notes"]["id"])
    return rested
