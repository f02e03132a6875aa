"""How the office and the gate come to a house."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.flows.found import seat_people
from trivet.governance.assessment import Assessment
from trivet.governance.gate import GovernanceGate
from trivet.governance.office import Office
from trivet.governance.policy import read_policy
from trivet.kernel.errors import Usage

__all__ = ["assessment", "gate", "office", "overlay", "read_staff", "seat_first"]

TABLES = ("governance", "lifecycle", "readiness", "debt", "value")


def overlay(house: House) -> dict[str, str]:
    """The site's own tables, which take the place of the shipped ones: `site/governance/uses.csv` and so on."""
    site = Path(house.home) / "site"
    return {
        f"{folder}/{path.name}": path.read_text(encoding="utf-8") for folder in TABLES for path in sorted((site / folder).glob("*.csv"))
    }


def office(house: House) -> Office:
    """Governance, with the site's tables and the digests of code and maps in force."""
    policy, leaving = read_policy(overlay(house)), house.role("outbox").put
    return Office(house.store, house.vault, house.ledger, house.clock, policy=policy, in_force=house.role("release"), leaving=leaving)


def assessment(house: House) -> Assessment:
    """Readiness, debt and value, over the published relations."""
    return Assessment(
        house.office, house.shelf.query, lambda: house.ledger.size() - 1, house.clock, house.settings["site"]["id"], overlay(house)
    )


def read_staff(path: Path) -> dict[str, Any]:
    """A staff file: people, seats, how models start. Usage E736 when it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Usage("E736", "the staff file cannot be read", where=str(path), why=str(error)) from None


def seat_first(house: House, staff: Path) -> list[str]:
    """Seat the first people of a home, by `founding`; the file is kept as `site/staff.toml`."""
    words = read_staff(staff)
    kept = Path(house.home) / "site" / "staff.toml"
    kept.write_bytes(staff.read_bytes())
    return seat_people(house, words)


def gate(house: House) -> GovernanceGate:
    """The gate, which looks four times a second whether governance moved, in this process or another."""
    made = GovernanceGate(house.store, house.office.policy)
    made.watch()
    return made
