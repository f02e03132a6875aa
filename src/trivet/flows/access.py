"""Somebody looks at who a person is: the reason is durable in the ledger before the name is shown.

In: a person, a reason from the closed list, the door. Out: name, birth date and gender. Refused: an unknown reason, an unknown person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.trace import Entry
from trivet.kernel.digest import canonical
from trivet.kernel.errors import NotFound, Usage

__all__ = ["REASONS", "looked", "reveal"]

REASONS = ("treatment", "quality review", "complaint", "audit")


def reveal(house: House, person: str, reason: str, *, door: str, by: str) -> dict[str, Any]:
    """Name, birth date and gender as the newest record with a name gives them. Usage E760 without a reason, NotFound E761."""
    known(reason)
    patients = [row for row in house.shelf.slice(person, house.ledger.size()) if row["type"] == "Patient"]
    if not patients:
        raise NotFound("E761", "no such person", help="trivet query 'select person from persons'")
    looked(house, [person], reason, door=door, by=by)
    return demographics([row["resource"] for row in patients])


def known(reason: str) -> None:
    """Usage E760 for a reason that is none of the list."""
    if reason not in REASONS:
        raise Usage("E760", "a reason is needed", why="one of: " + ", ".join(REASONS))


def looked(house: House, persons: Sequence[str], reason: str, *, door: str, by: str) -> None:
    """Write down that somebody looks at these persons: one entry each, durable when this returns. Usage E760 without a reason."""
    known(reason)
    at = house.clock.now()

    def work(tx: Tx) -> None:
        for person in dict.fromkeys(persons):
            body = canonical({"person": person, "reason": reason, "door": door, "by": by, "at": at})
            blob = house.vault.put(tx, body, holder=f"person:{person}", kind="access")
            notes = {"door": door, "reason": reason, "blob": blob}
            house.ledger.append(tx, [Entry("access", at, commitments={"access": house.vault.commit(blob)}, notes=notes)])

    house.store.write(work)


def demographics(patients: list[dict[str, Any]]) -> dict[str, Any]:
    """What the newest patient record that has a name says. An element that nobody sent stays empty."""
    told = next((patient for patient in reversed(patients) if patient.get("name")), patients[-1])
    name: dict[str, Any] = next(iter(told.get("name") or []), {})
    given = " ".join(name.get("given") or [])
    shown = f"{name.get('family', '').upper()}, {given}".strip(", ") or name.get("text", "")
    return {"name": shown, "born": told.get("birthDate", ""), "gender": told.get("gender", "")}
