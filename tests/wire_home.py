"""A home with one feed behind a door, for tests of wires."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.flows.poll import Catch
from trivet.flows.receive import process_pending
from trivet.kernel.clock import FrozenClock
from trivet.wiring import sources
from trivet.wiring.build import init_home, open_home
from trivet.wiring.settings import Source, add_source

NOON = FrozenClock("2026-03-01T12:00:00.000000Z")


def wire_home(folder: Path, door: str, wire: dict[str, Any], *, name: str = "feed", **more: Any) -> House:
    """A new home with the feed."""
    home = folder / "home"
    init_home(home, clock=NOON).close()
    add_source(home, name, Source(door=door, wire=wire, **{"owner": "tests", "format": "fhir", **more}))
    return open_home(home, clock=NOON)


def polled(house: House, name: str = "feed", *, sleep: Callable[[float], None] = lambda _: None) -> Catch:
    """One poll without waiting, and everything settled."""
    made = sources.make(house, name, sleep=sleep)
    catch = sources.poll_source(house, name, source=made)  # type: ignore[arg-type]
    process_pending(house)
    return catch


def now(house: House) -> dict[str, tuple[int, int]]:
    """Every record by type and id at the source (first identifier that says it): newest version's number, and whether it is deleted."""
    rows = house.store.read("select key, version, deleted from record_version order by key, version")
    return {key: (version, deleted) for key, version, deleted in rows}
