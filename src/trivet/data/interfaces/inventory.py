"""Interfaces that an engine's export describes, in the register beside those that traffic describes.

In: exports and what was read out of them. Out: rows, and a ledger entry `register.import` for each export; its bytes stand encrypted in the
vault, because engines write secrets and messages into them, and the rows can be made again from there. Refused: nothing; an export that
breaks off is quarantined with its place, and what stands before that place is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivet.contracts.inventory import Interface, Inventory
from trivet.contracts.ports import Ledger, Store, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.kernel import jsontext
from trivet.kernel.resources import text

__all__ = ["EXPORTS", "KIND", "StoreInventory"]

KIND = "register.import"
EXPORTS = {
    "interface_export": "seq",
    "interface": "seq, ordinal",
    "interface_part": "seq, interface, ordinal",
    "interface_finding": "seq, interface, ordinal",
}


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"interface_{name}.sql")


class StoreInventory:
    """Keeps exports. `read` is what understands their bytes."""

    def __init__(self, store: Store, vault: Vault, ledger: Ledger, read: Callable[[bytes], Inventory]) -> None:
        self._store, self._vault, self._ledger, self._read = store, vault, ledger, read

    def add(self, raw: bytes, at: str) -> tuple[int, bool, Inventory]:
        """Keep one export. Gives its position, whether it is new, and what it says; the same bytes again are nothing new."""
        found = self._read(raw)

        def work(tx: Tx) -> tuple[int, bool]:
            known = tx.execute(_sql("known"), (self._vault.address(raw, "export"),))
            if known:
                return known[0][0], False
            blob = self._vault.put(tx, raw, holder="house", kind="export")
            notes = {"blob": blob, "bytes": str(len(raw)), "interfaces": str(len(found.interfaces))}
            entry = Entry(KIND, at, commitments={"export": self._vault.commit(blob)}, notes=notes)
            seq = self._ledger.append(tx, [entry])[0].seq
            self._write(tx, seq, blob, raw, at, found)
            return seq, True

        seq, new = self._store.write(work)
        return seq, new, found

    def replay(self, tx: Tx, seq: int, entry: dict[str, Any]) -> None:
        """The rows of a `register.import` entry, again."""
        raw = self._vault.get(entry["notes"]["blob"])
        self._write(tx, seq, entry["notes"]["blob"], raw, entry["at"], self._read(raw))

    def _write(self, tx: Tx, seq: int, blob: str, raw: bytes, at: str, found: Inventory) -> None:
        said = (
            (found.rejects[0].code, found.rejects[0].reason, found.rejects[0].locator, found.rejects[0].offset) if found.rejects else None
        )
        state = ("quarantined" if said else "read", *(said or ("", "", "", 0)), len(found.interfaces))
        tx.execute(_sql("export_add"), (seq, blob, len(raw), at, *state))
        rows, parts, findings = [], [], []
        for ordinal, one in enumerate(found.interfaces):
            needs = jsontext.dumps(list(one.needs)).decode("utf-8")
            flags = (int(one.enabled), int(one.described), one.modified, needs)
            rows.append((seq, ordinal, one.id, one.name, one.kind, one.engine, one.version, *flags))
            parts += [(seq, ordinal, number, *part) for number, part in enumerate(parts_of(one))]
            findings += [(seq, ordinal, number, *finding) for number, finding in enumerate(one.findings)]
        tx.executemany(_sql("add"), rows)
        tx.executemany(_sql("part_add"), parts)
        tx.executemany(_sql("finding_add"), findings)


def parts_of(one: Interface) -> list[tuple[Any, ...]]:
    """Connectors, steps and scripts as rows: the columns of `interface_part` from `role` on."""
    rows: list[tuple[Any, ...]] = []
    for end in one.connectors:
        wire = (end.endpoint, end.secure, end.queue, end.inbound, end.outbound)
        rows.append((end.role, end.name, end.name, end.transport, int(end.enabled), *wire, 0, 0, 0, end.place))
    for step in one.steps:
        rows.append((step.role, step.of, step.name, step.type, int(step.enabled), "", "", "", "", "", 0, 0, 0, step.place))
    for script in one.scripts:
        size = (script.lines, script.comments, script.dead)
        rows.append(("script", script.of, script.name, script.role, 1, "", "", "", "", "", *size, script.place))
    return rows
