"""Evidence: is it unaltered? The ledger's head, its newest entries, and the proof of any one of them."""

from __future__ import annotations

from collections.abc import Mapping

from trivet.console.page import Page, Session, number
from trivet.kernel.errors import NotFound
from trivet.wiring import proofs

__all__ = ["evidence", "proof"]

SECTION = "/evidence"


def evidence(session: Session, query: Mapping[str, str]) -> Page:
    """Head, root, newest entries."""
    ledger = session.house.ledger
    page = number(query, "page", 0, 1_000_000)
    kind, last = query.get("kind", ""), session.house.role("checkpoints").last()
    data = {
        "size": ledger.size(),
        "root": ledger.root(),
        "head": last.note if last is not None else "",
        "kinds": session.rows("ledger_kinds"),
        "entries": session.rows("ledger_entries", (kind, kind, page * 50)),
        "kind": kind,
        "page": page,
        "zone": session.house.settings["site"]["zone"],
    }
    return Page("evidence.html", "Evidence", SECTION, data, cli="trivet ledger verify")


def proof(session: Session, query: Mapping[str, str], seq: str) -> Page:
    """One entry with its body and its proof of inclusion in the signed log."""
    ledger = session.house.ledger
    if not seq.isdigit() or int(seq) >= ledger.size():
        raise NotFound("E710", f"no entry {seq}", help="trivet query 'select max(seq) from ledger'")
    data = {"seq": int(seq), "entry": ledger.entry(int(seq)), "proof": proofs.prove_entry(session.house, int(seq))["proof"]}
    crumbs = [("Overview", "/"), ("Evidence", SECTION), (f"entry {seq}", "")]
    return Page("entry.html", f"Entry {seq}", SECTION, data, crumbs, f"trivet ledger prove {seq}")
