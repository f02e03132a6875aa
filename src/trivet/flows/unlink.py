"""What rested on a link that a human undoes: the decisions made while two persons were taken for one.

In: persons and the ledger position since which they were one. Out: ids of decisions, oldest first. Reads only; a decision that was
erased rests on nothing that anybody can read and is left out.
"""

from __future__ import annotations

from collections.abc import Collection

from trivet.contracts.house import House
from trivet.flows.account_for import read_decision
from trivet.kernel.errors import NotFound

__all__ = ["touched"]


def touched(house: House, persons: Collection[str], since: int) -> list[str]:
    """Decisions about one of these persons that knew what came at position `since` or later."""
    found = []
    for seq, entry in house.ledger.find("decision") if persons else ():
        if seq < since:
            continue
        try:
            _, record = read_decision(house, str(seq))
        except NotFound:
            continue
        if record.person in persons and record.as_of >= since:
            found.append(entry["notes"]["id"])
    return found
