"""Raw bytes whose time is over: first a plan, and only when it is accepted they are removed. Records, proofs and commitments stand.

In: the setting `[retention]` (days, sources under a hold). Out: how many units would lose, or lost, their bytes, and how many keep
them and why. Never removed: bytes that are in flight, quarantined or taken in part (somebody may yet read them), of a source under a
hold, under a decision (it could not be explained any more), or delivered by another feed that keeps them. Each removal is a ledger
entry `retention` whose sealed manifest names the units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.retention import Retention
from trivet.contracts.trace import Entry
from trivet.flows.account_for import read_decision
from trivet.flows.reread import under
from trivet.kernel import jsontext
from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.errors import NotFound, Usage

__all__ = ["retain"]

CHUNK = 1_000


def retain(house: House, *, accept: bool, report: Callable[[str], None]) -> dict[str, Any]:
    """The plan as plain data; with `accept` it is also done. Usage when no time is set."""
    settings = house.settings["retention"]
    if not settings["raw_days"]:
        raise Usage("E270", "raw bytes are kept for ever here", why="no time is set", help="[retention] raw_days = 400 in trivet.toml")
    before = instant(parse_instant(house.clock.now()) - timedelta(days=settings["raw_days"]))
    keeper: Retention = house.role("retention")
    rested, sums, runs, after = under_decisions(house, keeper), Counter[str](), list[int](), -1
    while found := keeper.over(before, after, CHUNK):
        after = found[-1].seq
        free = []
        for receipt in found:
            why = "under a hold" if receipt.source in settings["hold"] else "under a decision" if receipt.seq in rested else ""
            sums[why or "over"] += 1
            if not why:
                free.append(receipt)
        free = keeper.alone(free, before, settings["hold"])
        sums["removed"] += len(free)
        if accept and free:
            runs.append(remove(house, keeper, free, before))
        report(f"  {sum(sums[word] for word in ('over', 'under a hold', 'under a decision'))} units looked at")
    kept = {word: sums[word] for word in ("under a hold", "under a decision")} | {"of another feed too": sums["over"] - sums["removed"]}
    waiting = keeper.waiting(before)
    return {"before": before, "accepted": accept, "units": sums["removed"], "kept": kept | waiting, "entries": runs}


def under_decisions(house: House, keeper: Retention) -> set[int]:
    """The units that a decision's features stand on."""
    facts: set[tuple[str, int]] = set()
    for seq, _ in house.ledger.find("decision"):
        try:
            facts.update(under(read_decision(house, str(seq))[1]))
        except NotFound:  # the record was erased with its person: nothing rests on it any more
            continue
    return keeper.units_of(sorted(facts))


def remove(house: House, keeper: Retention, receipts: Sequence[Receipt], before: str) -> int:
    """Remove the bytes of these units, in one transaction with the entry that says so. Gives its position."""
    at = house.clock.now()
    manifest = jsontext.dumps({"before": before, "receipts": [receipt.seq for receipt in receipts]})

    def work(tx: Tx) -> int:
        blob = house.vault.put(tx, manifest, holder="house", kind="retention")
        notes = {"units": str(len(receipts)), "before": before, "blob": blob}
        entry = Entry("retention", at, commitments={"units": house.vault.commit(blob)}, notes=notes)
        seq = house.ledger.append(tx, [entry])[0].seq
        keeper.remove(tx, receipts)
        return seq

    return house.store.write(work)
