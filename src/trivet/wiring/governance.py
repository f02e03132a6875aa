"""How the office and the gate come to a house."""

from __future__ import annotations

from pathlib import Path

from trivet.contracts.house import House
from trivet.governance.gate import GovernanceGate
from trivet.governance.office import Office
from trivet.governance.policy import read_policy

__all__ = ["gate", "office", "overlay"]

TABLES = ("governance", "lifecycle", "readiness", "debt", "value")


def overlay(house: House) -> dict[str, str]:
    """The site's own tables, which take the place of the shipped ones: `site/governance/uses.csv` and so on."""
    site = Path(house.home) / "site"
    return {
        f"{folder}/{path.name}": path.read_text(encoding="utf-8") for folder in TABLES for path in sorted((site / folder).glob("*.csv"))
    }


def office(house: House) -> Office:
    """Governance, with the site's tables and the digests of code and maps in force."""
    from trivet.wiring.rooms import release

    return Office(house.store, house.vault, house.ledger, house.clock, policy=read_policy(overlay(house)), in_force=release(house))


def gate(house: House) -> GovernanceGate:
    """The gate, which looks four times a second whether governance moved, in this process or another."""
    made = GovernanceGate(house.store, house.office.policy)
    made.watch()
    return made
