"""What a page function gives back, and what it may ask: the house through flows and published views, never a room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trivet.contracts.house import House
from trivet.kernel.clock import parse_instant
from trivet.kernel.resources import text

__all__ = ["Page", "Session"]

REVEAL_SECONDS = 15 * 60


@dataclass(slots=True)
class Page:
    """Template, title, section of the navigation, data for both the template and `.json`; `go` sends the browser elsewhere."""

    template: str
    title: str
    section: str
    data: dict[str, Any]
    crumbs: list[tuple[str, str]] = field(default_factory=list)
    cli: str = ""
    go: str = ""


@dataclass(slots=True)
class Session:
    """One console over one house. `revealed` remembers until when a session may see a person's name, and only in memory."""

    house: House
    revealed: dict[tuple[str, str], tuple[str, dict[str, Any]]] = field(default_factory=dict)
    kept: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def once(self, name: str, made: Callable[[], Any]) -> Any:
        """Something dear, made once for each ledger position: nothing that it rests on can change without an entry."""
        size = self.house.ledger.size()
        held = self.kept.get(name)
        if held is None or held[0] != size:
            held = self.kept[name] = (size, made())
        return held[1]

    def rows(self, name: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a statement in `console/sql`, over the published views."""
        columns, found = self.house.shelf.query(text("trivet.console", "sql", name + ".sql"), parameters=parameters)
        return [dict(zip(columns, row, strict=True)) for row in found]

    def row(self, name: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
        """The one row of a statement that always has one."""
        return self.rows(name, parameters)[0]

    def shown(self, who: str, what: str) -> dict[str, Any]:
        """What this session was shown less than 15 minutes ago, after a reason; else nothing."""
        since, shown = self.revealed.get((who, what), ("", {}))
        age = (parse_instant(self.house.clock.now()) - parse_instant(since)).total_seconds() if since else REVEAL_SECONDS
        return shown if age < REVEAL_SECONDS else {}

    def banner(self, who: str, person: str) -> dict[str, Any]:
        """What this session may see of a person now: everything hidden, or what it was shown."""
        shown = self.shown(who, person)
        return {"name": "", "born": "", "gender": "", **shown, "person": person, "revealed": bool(shown)}


def number(query: Mapping[str, str], name: str, default: int, top: int) -> int:
    """A whole number from the address, held between 0 and `top`; anything else is the default."""
    given = query.get(name, "")
    return min(int(given), top) if given.isdigit() else default
