"""The ways out that are installed, by name, and the one that a destination of `trivet.toml` names.

In: the entry points of group `trivet.sinks`. Out: a sink made for one destination. Refused: a kind that nobody offers, two plugins
under one name, a plugin that `[plugins] sinks` does not name: installed is not enough, and nothing is loaded that no destination uses.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from trivet.contracts.house import House
from trivet.contracts.outgoing import Seat, Sink
from trivet.integration.outbound.options import read_secrets
from trivet.kernel.errors import Fault, NotFound

__all__ = ["open_sink", "seat_of"]

GROUP = "trivet.sinks"


def factory(kind: str, allowed: list[str]) -> Callable[[Seat], Sink]:
    """What makes sinks of a kind. NotFound E860 when nobody does, Fault E861 when two do or it does not load."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.name == kind and (entry.value.startswith("trivet.") or entry.name in allowed):
            found[entry.value] = entry
    if not found:
        known = sorted({entry.name for entry in entry_points(group=GROUP) if entry.value.startswith("trivet.") or entry.name in allowed})
        raise NotFound("E860", f"no sink of kind {kind}", why="known: " + ", ".join(known), help="[plugins] sinks names installed ones")
    if len(found) > 1:
        raise Fault("E861", f"two sinks are called {kind}", why=" and ".join(sorted(found)), help="uninstall one of them")
    [entry] = found.values()
    try:
        made: Callable[[Seat], Sink] = entry.load()
    except (ImportError, AttributeError) as error:
        raise Fault("E861", f"sink {kind} does not load", where=entry.value, why=str(error), help="trivet doctor") from error
    return made


def seat_of(house: House, name: str) -> Seat:
    """What the settings say about a destination, as its sink is told it. NotFound E862 for a destination that is not there."""
    entry = house.settings["destinations"].get(name)
    if entry is None:
        known = ", ".join(house.settings["destinations"]) or "none"
        raise NotFound("E862", f"no destination {name}", why=f"known: {known}", help="[destinations.NAME] in trivet.toml")
    secrets: Callable[[], tuple[str, ...]] = tuple
    if entry["secret"]:
        secrets = partial(read_secrets, Path(house.home) / entry["secret"])
    return Seat(name, entry["url"], house.settings["site"]["id"], float(entry["timeout"]), entry["options"], secrets, time.time)


def open_sink(house: House, name: str) -> Sink:
    """The sink of a destination, made now."""
    seat = seat_of(house, name)
    return factory(house.settings["destinations"][name]["kind"], house.settings["plugins"].get("sinks", []))(seat)
