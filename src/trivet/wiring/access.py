"""The role `access`: policies, consents and lenses of one home.

In: the house. Out: what a caller may see, and whether a person refuses a purpose. The site's own policies stand in
`site/access/policies.cedar`, after the shipped ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivet.contracts.access import Caller, Ruling
from trivet.contracts.house import House
from trivet.data.access import Consents, Decider, Lens

__all__ = ["Access", "access"]


class Access:
    """One home's decision point."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.decider = Decider(house.settings["site"]["id"], Path(house.home) / "site" / "access" / "policies.cedar")
        self.consents = Consents(house.store, self.decider.purposes)

    def caller(self, role: str = "", purpose: str = "", reason: str = "", by: str = "") -> Caller:
        """A caller; what is left out is what the settings say of whoever does not say."""
        given = self._house.settings["access"]
        return Caller(role or given["role"], purpose or given["purpose"], reason, by)

    def ask(self, caller: Caller, sort: str) -> Ruling:
        """May this caller read data of this sort?"""
        return self.decider.ask(caller, sort)

    def refuses(self, person: str, purpose: str) -> str:
        """The record by which a person refuses a purpose now; empty when nothing does."""
        return self.consents.of(person, purpose, self._house.clock.now())

    def left_out(self, purpose: str) -> frozenset[str]:
        """Everybody who refuses a purpose now."""
        return frozenset(self.consents.refused(purpose, self._house.clock.now()))

    def seen(self, sql: str, caller: Caller, as_of: int | None) -> tuple[Any, Lens]:
        """The rows of a query as the caller may see them, as an Arrow table, and the lens that was used."""
        lens = Lens(self.decider, caller, self.left_out(caller.purpose))
        return self._house.role("query").seen(sql, lens, as_of), lens


def access(house: House) -> Access:
    """The home's decision point."""
    return Access(house)
