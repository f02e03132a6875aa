"""Every projection again, from vault and ledger: the proof that nothing else is needed.

In: a house, an empty shadow of it, the projections. Out: digests of each table before and after. Tables that differ are put
right when asked; the difference is told either way. Refused: a home that somebody else writes to meanwhile.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.profile import SourceProfile
from trivet.contracts.projection import Projection
from trivet.flows.remap import rerun
from trivet.flows.repair import DECIDED, FOUND, replayed
from trivet.flows.settle import blank, output_digest, paired, tasks_of, unkeepable
from trivet.kernel import jsontext
from trivet.kernel.errors import Locked

__all__ = ["rebuild", "replay_received"]

BATCH = 1_000
Event = tuple[int, dict[str, Any]]


def rebuild(
    house: House, shadow: House, projections: Sequence[Projection], *, repair: bool, accept: bool, report: Callable[[str], None]
) -> dict[str, Any]:
    """Make every projection in the shadow, compare, and with `repair` replace what differs.

    Runs that another release made and that come out differently now are a plan, not damage: what was known when decisions were
    made stays as it was, unless `accept` says otherwise. Where raw bytes were removed because their time was over (`expired`), what was
    made of them is compared and left as it is.
    """
    size = house.ledger.size()
    for projection in projections:
        report(f"  {projection.name}")
        projection.replay(shadow)
    if house.ledger.size() != size:
        raise Locked(
            "E250", "something was written meanwhile", why="a rebuild compares one state with itself", help="stop trivet up, try again"
        )
    tables, wrong = [], dict[str, str]()
    for projection in projections:
        for table, order in projection.tables.items():
            rows, before = house.role("tables").digest(house.store, table, order)
            made, after = house.role("tables").digest(shadow.store, table, order)
            tables.append({"projection": projection.name, "table": table, "rows": rows, "rebuilt": made, "before": before, "after": after})
            if before != after:
                wrong |= {name: columns for name, columns in projection.tables.items() if name == table}
    differing = sorted(wrong)
    release = house.role("release")
    runs = [{"run": run, **made, "again": made != release} for run, made in shadow.role("differences")]
    planned = any(run["again"] for run in runs)
    expired = sum(int(entry["notes"]["units"]) for _, entry in house.ledger.find("retention"))
    if expired:  # what was made of bytes that are gone cannot be made again: those tables are compared and left
        lasting = {table for projection in projections if projection.name == "received" for table in projection.tables}
        wrong = {table: columns for table, columns in wrong.items() if table not in lasting}
    repaired = bool(wrong) and repair and (accept or not planned)
    if repaired:
        house.role("tables").replace(house.store, shadow.store, wrong)
        house.role("segments").drop()
    return {
        "ledger": size,
        "same": not differing,
        "planned": planned,
        "repaired": repaired,
        "tables": tables,
        "differing": differing,
        "expired": expired,
        "runs_differing": runs,
        **release,
    }


def replay_received(house: House) -> None:
    """Receipts, deliveries, files, links and record versions, from the ledger's entries in their order."""
    kinds = ("raw.received", "delivery", "file.received", *RUNS, *house.linker.replayed)
    waiting: list[Event] = []
    erased_at = house.role("erasures").newest()[0]
    for event in heapq.merge(*(house.ledger.find(kind) for kind in kinds), key=lambda event: event[0]):
        if event[1]["kind"] in RUNS:
            write(house, waiting)
            RUNS[event[1]["kind"]](house, *event)
            waiting = []
        elif event[1]["kind"] not in house.linker.replayed or event[0] > erased_at:  # what people decided before stands in the tombstone
            waiting.append(event)
        if len(waiting) >= BATCH:
            write(house, waiting)
            waiting = []
    write(house, waiting)


def write(house: House, events: Sequence[Event]) -> None:
    """The rows of some entries, in one transaction."""
    if not events:
        return

    def work(tx: Tx) -> None:
        for seq, entry in events:
            if entry["kind"] == "raw.received":
                house.landing.replay_received(tx, seq, entry)
            elif entry["kind"] == "delivery":
                house.landing.replay_delivery(tx, seq, house.vault.get(entry["notes"]["blob"]))
            elif entry["kind"] == "file.received":
                house.landing.replay_file(tx, seq, entry["notes"]["source"], house.vault.get(entry["notes"]["blob"]))
            else:
                house.linker.replay(tx, seq, entry)

    house.store.write(work)


def again(house: House, run: int, entry: dict[str, Any]) -> None:
    """One run of translate, normalise, link and shelve, with the receipts and profiles it had."""
    manifest = jsontext.loads(house.vault.get(entry["notes"]["blob"]))
    profiles = {name: SourceProfile(**profile) for name, profile in manifest["profiles"].items()}
    receipts = [house.landing.receipt(seq) for seq, *_ in manifest["receipts"]]
    said = {seq: (state, reason, bool(partial)) for seq, state, reason, partial in manifest["receipts"]}
    tasks, erased = tasks_of(house, receipts, profiles)
    erasures = house.role("erasures")
    parcels = house.role("workshop").submit(tasks).result()
    outcomes = [
        (receipt, unkeepable(parcel) if said[receipt.seq][1] == "E243" else parcel)
        for receipt, parcel in paired(receipts, erased, parcels, lambda seq: erasures.instead(seq, blank(*said[seq])))
    ]
    kept = erasures.spare(outcomes)

    def work(tx: Tx) -> None:
        for receipt, parcel in kept if run > erasures.newest()[0] else ():  # earlier links stand in the tombstone
            house.linker.link(tx, receipt, parcel.people)
        house.shelf.write(tx, kept)
        house.landing.settle(tx, kept, run)

    house.store.write(work)
    if not erased and output_digest(outcomes) != manifest["output"]:
        house.role("differences").append((run, manifest["release"]))


def erased_then(house: House, seq: int, _: dict[str, Any]) -> None:
    """An erasure again: what destroyed bytes can no longer tell comes from its tombstone."""
    house.store.write(lambda tx: house.role("erasures").replay(tx, seq))


RUNS = {"norm.run": again, "norm.rerun": rerun, "erasure": erased_then, FOUND: replayed, DECIDED: replayed}
