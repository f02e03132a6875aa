"""Store, vault, ledger and projections against each other.

In: a house. Out: findings, each with what was looked at, how much of it is wrong, examples by number, why it matters and what
to do. Nothing is repaired here. Numbers and addresses are shown, never content.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trivet.contracts.house import House
from trivet.kernel.errors import Fault, NotFound, Problem
from trivet.kernel.merkle import leaf_hash, node_hash

__all__ = ["fsck"]

Found = dict[str, Any]
Entries = dict[str, list[tuple[int, dict[str, Any]]]]


def fsck(house: House, *, deep: bool = True) -> dict[str, Any]:
    """`{"sound", "ledger", "in_flight", "findings": [...]}`. `deep` also opens every blob."""
    entries: Entries = {kind: list(house.ledger.find(kind)) for kind in ("raw.received", "norm.run", "norm.rerun", "decision")}
    findings = [
        finding("store", house.role("audit").integrity(), 1, "the database file is damaged", "restore home.db from backup"),
        tree(house),
        *received(house, entries),
        *decided(house, entries),
        *blobs(house, deep),
        *shelved(house),
    ]
    if deep:
        wrong = house.role("segments").check()
        findings.append(finding("shelves", wrong, 0, "bulk readers see other versions than the store holds", "remove the shelves folder"))
    kept, damage = house.role("intake").waiting()
    why = "a message that was acknowledged cannot be read any more: its sender must send it again"
    findings.append(finding("intake-journal", damage, sum(kept.values()), why, "keep a copy of intake.journal, then move it away"))
    in_flight = sum(counts["in_flight"] for counts in house.landing.balance().values()) + sum(kept.values())
    sound = all(not found["wrong"] for found in findings if not found["harmless"])
    return {"sound": sound, "ledger": house.ledger.size(), "in_flight": in_flight, "findings": findings}


def finding(name: str, wrong: Iterable[Any], total: int, why: str, help: str, harmless: bool = False) -> Found:
    """One check: how many of how many are wrong, ten examples."""
    held = list(wrong)
    return {"check": name, "wrong": len(held), "of": total, "examples": held[:10], "harmless": harmless, "why": why, "help": help}


def tree(house: House) -> Found:
    """The ledger's root, computed again from the entries' bytes."""
    size, peaks = house.ledger.size(), list[tuple[int, bytes]]()
    wrong: list[Any] = []
    try:
        for _, body in house.ledger.bodies(0, size):
            level, top = 0, leaf_hash(body)
            while peaks and peaks[-1][0] == level:
                top, level = node_hash(peaks.pop()[1], top), level + 1
            peaks.append((level, top))
        root = peaks.pop()[1] if peaks else None
        while root is not None and peaks:
            root = node_hash(peaks.pop()[1], root)
        if root is not None and root.hex() != house.ledger.root(size):
            wrong = ["root"]
    except Problem as problem:
        wrong = [problem.code]
    return finding("ledger-tree", wrong, size, "the entries are not those that were hashed", "trivet ledger verify; restore from backup")


def received(house: House, entries: Entries) -> list[Found]:
    """Entries and receipts tell the same story."""
    receipts = {seq: (blob, state, run) for seq, blob, state, run in house.role("audit").receipts()}
    said = {seq: entry["notes"]["blob"] for seq, entry in entries["raw.received"]}
    runs = {seq for seq, _ in (*entries["norm.run"], *entries["norm.rerun"])}
    missing = [seq for seq, blob in said.items() if receipts.get(seq, ("",))[0] != blob]
    unsaid = [seq for seq in receipts if seq not in said]
    unrun = [
        seq for seq, (_, state, run) in receipts.items() if (state == "landed") != (run is None) or (run is not None and run not in runs)
    ]
    return [
        finding("received-without-receipt", missing, len(said), "something came in that the home forgot", "trivet rebuild"),
        finding("receipt-without-entry", unsaid, len(receipts), "a receipt that nobody can prove", "trivet rebuild"),
        finding("settled-without-run", unrun, len(receipts), "an end state that no run explains", "trivet rebuild"),
    ]


def decided(house: House, entries: Entries) -> list[Found]:
    """Entries and decisions tell the same story."""
    rows = {seq: (name, blob) for seq, name, blob in house.role("audit").decisions()}
    said = {seq: (entry["notes"]["id"], entry["notes"]["blob"]) for seq, entry in entries["decision"]}
    missing = [seq for seq, told in said.items() if rows.get(seq) != told]
    unsaid = [seq for seq in rows if seq not in said]
    return [
        finding("decision-without-row", missing, len(said), "an answer left the house that cannot be found", "trivet rebuild"),
        finding("row-without-decision", unsaid, len(rows), "a decision that nobody can prove", "trivet rebuild"),
    ]


def blobs(house: House, deep: bool) -> list[Found]:
    """Every entry's blob opens to what was committed to, or was erased; every blob is named by an entry."""
    named: dict[str, tuple[int, str]] = {}
    for seq in range(house.ledger.size()):
        entry = house.ledger.entry(seq)
        if "blob" in entry["notes"]:
            named[entry["notes"]["blob"]] = (seq, next(iter(entry.get("commitments", {}).values()), ""))
    held = {address: place for address, _, place in house.role("audit").blobs()}
    lost, damaged, erased = [], [], 0
    for address, (seq, committed) in named.items():
        if address not in held:
            lost.append(seq)
        elif committed and house.vault.commit(address) != committed:
            damaged.append(seq)
        elif deep:
            try:
                house.vault.get(address)
            except NotFound:
                erased += 1
            except Fault:
                damaged.append(seq)
    orphans = [address[:16] for address, place in held.items() if address not in named and place != "gone"]
    return [
        finding(
            "blob-lost", lost, len(named), "the ledger speaks of bytes that are gone without an erasure", "restore home.db from backup"
        ),
        finding("blob-damaged", damaged, len(named), "bytes are not what the ledger committed to", "restore home.db and vault from backup"),
        finding(
            "blob-orphan", orphans, len(held), "bytes that no entry names: harmless, but nobody knows why they are here", "", harmless=True
        ),
        finding("blob-erased", [0] * erased, len(named), "unreadable on purpose, commitments stand", "", harmless=True),
    ]


def shelved(house: House) -> list[Found]:
    """Record versions count without gaps, and each knows where it came from."""
    wrong = house.role("audit").versions()
    return [
        finding("version-gap", wrong["gaps"], 0, "a version of a record is missing", "trivet rebuild"),
        finding("version-stray", wrong["strays"], 0, "a version whose message is not there or was not mapped", "trivet rebuild"),
        finding("version-without-lineage", wrong["lineage"], 0, "a version that cannot name its bytes", "trivet rebuild"),
    ]
