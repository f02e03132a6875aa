"""Exports of interface engines into a home's register.

In: files and folders. Out: what each describes, as plain data. Refused: nothing; a file that cannot be read whole is quarantined with its
place, and told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.inventory import Interface, Inventory
from trivet.data.interfaces.inventory import StoreInventory
from trivet.integration.exports.mirth import read
from trivet.kernel.errors import NotFound

__all__ = ["import_exports", "inventory", "plain"]


def inventory(house: House) -> StoreInventory:
    """Where a home keeps what exports describe."""
    return StoreInventory(house.store, house.vault, house.ledger, read)


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are given; of folders every XML file, in the order of their names. NotFound for what is not there."""
    for path in paths:
        if not path.exists():
            raise NotFound("E815", "no such file or folder", help="trivet register import FOLDER")
        if path.is_dir():
            yield from (child for child in sorted(path.rglob("*")) if child.is_file() and child.suffix.lower() == ".xml")
        else:
            yield path


def import_exports(house: House, paths: Iterable[Path]) -> dict[str, Any]:
    """Keep every export, and say what they describe. An export that is there already is read and not kept again."""
    exports, interfaces = [], list[dict[str, Any]]()
    for number, path in enumerate(files(paths), 1):
        raw = path.read_bytes()
        seq, new, found = house.role("inventory").add(raw, house.clock.now())
        exports.append(told(number, seq, new, found))
        interfaces += [plain(one) for one in found.interfaces]
    findings = Counter(finding["kind"] for one in interfaces for finding in one["findings"])
    return {
        "exports": exports,
        "quarantined": sum(export["state"] == "quarantined" for export in exports),
        "interfaces": interfaces,
        "findings": dict(sorted(findings.items())),
    }


def told(number: int, seq: int, new: bool, found: Inventory) -> dict[str, Any]:
    """One export: its number among those given (a file's name may name a person), what became of it."""
    reject = found.rejects[0] if found.rejects else None
    return {
        "export": number,
        "seq": seq,
        "new": new,
        "state": "quarantined" if reject else "read",
        "interfaces": len(found.interfaces),
        "code": reject.code if reject else "",
        "reason": reject.reason if reject else "",
        "place": reject.locator if reject else "",
        "byte": reject.offset if reject else None,
    }


def plain(one: Interface) -> dict[str, Any]:
    """An interface as plain data."""
    return {
        "id": one.id,
        "name": one.name,
        "kind": one.kind,
        "origin": "export",
        "engine": one.engine,
        "version": one.version,
        "enabled": one.enabled,
        "described": one.described,
        "modified": one.modified,
        "connectors": [end._asdict() for end in one.connectors],
        "steps": [step._asdict() for step in one.steps],
        "scripts": [script._asdict() for script in one.scripts],
        "findings": [finding._asdict() for finding in one.findings],
        "needs": list(one.needs),
    }
