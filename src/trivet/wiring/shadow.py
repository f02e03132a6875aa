"""An empty house beside a house: same vault, same ledger, tables of its own. What a rebuild is made in.

In: a house. Out: the comparison. The shadow's database is removed whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.data.engines.sqlite import SQLiteStore
from trivet.flows.rebuild import rebuild
from trivet.wiring.build import make_house
from trivet.wiring.rooms import schema
from trivet.wiring.settings import read_settings

__all__ = ["rebuild_home"]


def rebuild_home(
    house: House, *, repair: bool, report: Callable[[str], None], accept: bool = False, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Compare, and with `repair` put right (see `flows.rebuild`). `given` are roles that the shadow plays instead of its own."""
    path = Path(house.home) / "rebuild.db"
    remove(path)
    store = SQLiteStore(path, schema())
    differences: list[tuple[int, dict[str, str]]] = []
    shared = {name: house.role(name) for name in ("vault", "ledger", "workshop", "release")}
    shadow = make_house(
        Path(house.home),
        read_settings(Path(house.home)),
        house.clock,
        {"store": store, "differences": differences, **shared, **(given or {})},
    )
    try:
        return rebuild(house, shadow, house.role("projections"), repair=repair, accept=accept, report=report)
    finally:
        shadow.close()
        store.close()
        remove(path)


def remove(path: Path) -> None:
    """A database and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
