"""Every act of governance is one ledger entry, its words a blob in the vault, and its trace in the tables: one transaction.

In: a kind, who acts, what about, the words. Out: the ledger position. The tables are projections: `replay` makes them again
from ledger and vault, through the very function that made them the first time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trivet.contracts.ports import Ledger, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.governance.projections import PROJECTED, project
from trivet.governance.statements import sql
from trivet.kernel.digest import canonical, sha256
from trivet.kernel.errors import Fault
from trivet.kernel.jsontext import loads

__all__ = ["Events", "replay"]

HOLDER = "house"
TABLES = {
    # children first, with the columns that put the rows in one order
    "seat": "system, seat, seq",
    "principal": "principal",
    "stage": "digest, site",
    "vote": "seq",
    "gate_run": "seq",
    "serving_grant": "id",
    "route": "use, site, version",
    "suspension": "seq",
    "hypothesis": "digest",
    "cost": "seq",
    "evidence": "id",
    "model_release": "digest",
    "governance_event": "seq",
}


class Events:
    """Writes governance events."""

    def __init__(self, vault: Vault, ledger: Ledger) -> None:
        self._vault, self._ledger = vault, ledger

    def write(
        self, tx: Tx, kind: str, act: str, at: str, by: str, subject: str, words: Mapping[str, Any], refs: tuple[int, ...] = ()
    ) -> int:
        """One event: blob, ledger entry, tables. `subject` is a model, a use or a site, never a person's name. Gives its position."""
        body = canonical({"kind": kind, "act": act, "at": at, "by": by, "subject": subject, "words": dict(words)})
        blob = self._vault.put(tx, body, holder=HOLDER, kind=f"governance.{kind}")
        entry = Entry(kind, at, refs=refs, digests={"payload": sha256(body)}, notes={"act": act, "subject": subject, "blob": blob})
        [place] = self._ledger.append(tx, [entry])
        apply(tx, place.seq, blob, body)
        return place.seq


def apply(tx: Tx, seq: int, blob: str, body: bytes) -> None:
    """Write the traces of one event into the tables."""
    event = loads(body)
    tx.execute(sql("add_event"), (seq, event["kind"], event["at"], event["by"], event["subject"], blob, sha256(body)))
    project(tx, seq, event)


def replay(tx: Tx, vault: Vault, ledger: Ledger) -> int:
    """Empty the office's tables and make them again. Gives the number of events. Fault E721 when a blob is not what its entry says."""
    for table in TABLES:
        tx.execute(sql(f"clear_{table}"))
    count = 0
    for seq, entry in sorted(_entries(ledger)):
        blob = entry["notes"]["blob"]
        body = vault.get(blob)
        if sha256(body) != entry["digests"]["payload"]:
            raise Fault("E721", "a governance event is not what the ledger says", where=f"ledger position {seq}", help="trivet fsck")
        apply(tx, seq, blob, body)
        count += 1
    return count


def _entries(ledger: Ledger) -> Iterator[tuple[int, dict[str, Any]]]:
    for kind in PROJECTED:
        yield from ledger.find(kind)
