"""The analytic engines that are installed, by name.

In: the entry points of group `trivet.engines`, each a function that opens an engine when it is given `folders`. Out: one, open.
Refused: a name that nobody installed, a plugin that nobody named in `trivet.toml`, and one that does not load.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from trivet.contracts.engine import Engine
from trivet.kernel.errors import Fault, NotFound

__all__ = ["engine_names", "open_engine"]

GROUP = "trivet.engines"


def _chosen(allowed: Collection[str]) -> dict[str, EntryPoint]:
    """Our own engines, and those of other distributions that `allowed` names."""
    found = list(entry_points(group=GROUP))
    chosen = {entry.name: entry for entry in found if not entry.value.startswith("trivet.") and entry.name in allowed}
    return chosen | {entry.name: entry for entry in found if entry.value.startswith("trivet.")}


def engine_names(allowed: Collection[str] = ()) -> tuple[str, ...]:
    """The engines that can be asked for."""
    return tuple(sorted(_chosen(allowed)))


def open_engine(name: str, *, allowed: Collection[str] = (), folders: Sequence[str] = (), **options: Any) -> Engine:
    """An engine that may read `folders`. `options` are the engine's own (threads, memory, session, master)."""
    chosen = _chosen(allowed)
    if name not in chosen:
        raise NotFound("E345", f"no engine called {name}", why="known: " + ", ".join(sorted(chosen)), help="trivet view run --help")
    try:
        made = chosen[name].load()
    except (ImportError, AttributeError) as error:
        raise Fault("E346", f"engine {name} does not load", where=chosen[name].value, why=str(error), help="trivet doctor") from error
    engine: Engine = made(folders=folders, **options)
    return engine
