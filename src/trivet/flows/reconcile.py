"""Nothing lost, and the sums that show it: per source, what the ledger says came in against what became of it.

In: a house. Out: one line per source, one per source of files, and whether all of it balances. The left side is counted in
the ledger, the right side in the receipts, so that neither can be wrong alone. What is acknowledged and stands in the intake journal is
counted beside them: it is landed a moment later.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from trivet.contracts.house import House

__all__ = ["reconcile"]

STATES = ("mapped", "quarantined", "ignored", "in_flight")


def reconcile(house: House) -> dict[str, Any]:
    """`{"balanced", "sources": [...], "files": [...], "files_off": [...]}`; `off` is what a sum is short of (0 when it balances)."""
    kept, damage = house.role("intake").waiting()
    landed = Counter(entry["notes"]["source"] for _, entry in house.ledger.find("raw.received"))
    counts = house.landing.balance()
    sources = []
    for source in sorted({*landed, *counts, *kept, *house.settings["sources"]}):
        known = counts.get(source, {})
        line: dict[str, Any] = {"source": source, "landed": landed[source]}
        line |= {name: known.get(name, 0) for name in (*STATES, "partial", "delivered", "repeated")}
        line["in_journal"] = kept[source]
        line["off"] = line["landed"] - sum(line[state] for state in STATES)
        line["deliveries_off"] = line["delivered"] - line["repeated"] - line["landed"]
        sources.append(line)
    files, files_off = house.landing.files()
    balanced = not files_off and not damage and not any(line["off"] or line["deliveries_off"] for line in sources)
    return {"balanced": balanced, "sources": sources, "files": files, "files_off": files_off}
