"""The terminologies of a home: the embedded one, a FHIR server when the settings name one, plugins of group `trivet.terminologies`.

In: the house. Out: one role that routes by code system. Refused: a plugin that the settings do not name, or that
does not load.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.trace import Entry
from trivet.kernel.errors import Fault, NotFound

__all__ = ["choice", "load", "mapping", "terminology"]

GROUP = "trivet.terminologies"


def opened(name: str, entries: dict[str, EntryPoint], folder: Path, options: dict[str, Any]) -> Any:
    """One terminology. NotFound when nobody installed it, Fault when it does not load."""
    if name not in entries:
        raise NotFound("E389", f"no terminology called {name}", why="known: " + ", ".join(sorted(entries)), help="[plugins] terminologies")
    try:
        made = entries[name].load()
    except (ImportError, AttributeError) as error:
        raise Fault("E390", f"terminology {name} does not load", where=entries[name].value, why=str(error), help="trivet doctor") from error
    return made(folder, options)


def terminology(house: House) -> Any:
    """All that answer, behind one role."""
    from trivet.data.vocabulary.router import Router

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    settings = house.settings["terminology"]
    options = {**settings, "at": house.clock.now()}
    names = [name for name in house.settings["plugins"].get("terminologies", []) if name not in ("embedded", "fhir")]
    names += ["fhir"] if settings["server"] else []
    folder = Path(house.home)
    return Router(opened("embedded", found, folder, options), [opened(name, found, folder, options) for name in names])


def mapping(house: House) -> Any:
    """The desk at which a human decides about local codes."""
    from trivet.data.vocabulary.mapdesk import MapDesk

    site = Path(house.home) / "site"
    return MapDesk(house.store, house.vault, house.ledger, house.clock, site, house.role("terminology"), house.role("query"))


def choice(*parts: str) -> Any:
    """A decision about a local code: source, system, code, target system, target code, unit."""
    from trivet.data.vocabulary.mapdesk import Choice

    return Choice(*parts)


def load(house: House, kind: str, path: Path | None, release: str) -> dict[str, Any]:
    """Load a release, and say in the ledger which bytes it was (`terminology.load`). The very same load again says nothing new."""
    from trivet.data.vocabulary import loading

    done = loading.load(house.role("terminology").embedded.library, kind, path, release, house.clock.now())
    notes = {"kind": kind, "release": done["release"], "editions": str(len(done["editions"])), "items": str(done["items"])}
    entry = Entry("terminology.load", house.clock.now(), digests={"files": done["digest"]}, notes=notes)
    if not done["same"] or not noted(house, done["digest"]):
        done["ledger"] = house.store.write(lambda tx: house.ledger.append(tx, [entry]))[0].seq
    return done


def noted(house: House, digest: str) -> bool:
    """Does the ledger speak of these bytes already? A stop between the load and its entry is made good by the next call."""
    return any(entry["digests"].get("files") == digest for _, entry in house.ledger.find("terminology.load"))
