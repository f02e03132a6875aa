"""Opens and makes homes: the one place where every role gets its implementation.

In, a folder. Out, a `House`. Refused: a folder without a home, a home over something else, a synthetic home that turns real.
A role is made when it is first asked for: opening a home imports neither DuckDB nor ONNX.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.ports import Clock
from trivet.kernel.clock import FrozenClock, SystemClock
from trivet.kernel.errors import NotFound, Refused
from trivet.wiring.journal import recover
from trivet.wiring.rooms import found, refuse_change_of_nature
from trivet.wiring.settings import FILE, Settings, read_settings

__all__ = ["ROLES", "init_home", "make_house", "open_home"]

ROLES: dict[str, str] = {
    # role: module of wiring, function of one argument, the house
    "store": "rooms:store",
    "key_store": "rooms:key_store",
    "vault": "rooms:vault",
    "ledger": "rooms:ledger",
    "checkpoints": "proofs:checkpoints",
    "trail": "proofs:trail",
    "docket": "proofs:docket",
    "archivist": "proofs:archivist",
    "landing": "rooms:landing",
    "intake": "journal:intake",
    "wires": "rooms:wires",
    "shelf": "rooms:shelf",
    "segments": "rooms:segments",
    "revisions": "rooms:revisions",
    "retention": "rooms:retention",
    "query": "rooms:query",
    "access": "access:access",
    "tables": "rooms:tables",
    "audit": "rooms:audit",
    "linker": "rooms:linker",
    "steward": "linking:steward",
    "erasures": "erasing:erasures",
    "husks": "erasing:husks",
    "lake": "erasing:lake",
    "normaliser": "rooms:normaliser",
    "terminology": "terminology:terminology",
    "mapping": "terminology:mapping",
    "checks": "rooms:checks",
    "repairs": "repairing:repairs",
    "formats": "rooms:formats",
    "profiles": "profiles:profiles",
    "workshop": "rooms:workshop",
    "release": "rooms:release",
    "register": "registering:register",
    "inventory": "exporting:inventory",
    "projections": "projections:projections",
    "registry": "models:registry",
    "features": "models:features",
    "shadow": "models:shadow",
    "office": "governance:office",
    "gate": "governance:gate",
    "assessment": "governance:assessment",
    "outbox": "outgoing:outbox",
    "couriers": "outgoing:couriers",
    "subscriptions": "subscribing:subscriptions",
}
FOLDERS = ("keys", "shelves", "models", "site")
TOML = """# Trivet: the settings of this home. Unknown keys are errors. docs/reference/settings.md lists them all.

[site]
id = "{id}"
name = "{name}"
zone = "{zone}"

[home]
synthetic = {synthetic}{today}

[ledger]
origin = "{origin}"
"""


class Binder:
    """Makes each role once, on first use, and closes what can be closed in the opposite order."""

    def __init__(self, roles: Mapping[str, str], given: Mapping[str, Any]) -> None:
        self.roles, self.made, self.order = roles, dict(given), list[Any]()
        self.lock = threading.RLock()
        self.house: House | None = None

    def role(self, name: str) -> Any:
        """The implementation of a role. NotFound when nobody bound the name."""
        with self.lock:
            if name in self.made:
                return self.made[name]
            if name not in self.roles:
                raise NotFound("E120", f"no room plays the role {name}", why="roles: " + ", ".join(sorted(self.roles)))
            module, _, function = self.roles[name].partition(":")
            made = getattr(importlib.import_module(f"trivet.wiring.{module}"), function)(self.house)
            self.made[name] = made
            self.order.append(made)
            return made

    def close(self) -> None:
        """End what was opened, last first; before all, the intake journal, which lands through others what it owes. Twice is once."""
        with self.lock:
            self.order.sort(key=lambda made: made is self.made.get("intake"))
            while self.order:
                close = getattr(self.order.pop(), "close", None)
                if close is not None:
                    close()


def make_house(home: Path, settings: Settings, clock: Clock, given: Mapping[str, Any] | None = None) -> House:
    """A house over a folder; `given` roles are used as they are and not closed."""
    binder = Binder(ROLES, given or {})
    house = House(str(home), settings.plain(), clock, binder.role, binder.close)
    binder.house = house
    return house


def open_home(path: Path, *, clock: Clock | None = None) -> House:
    """The home in a folder, every port bound. NotFound (exit 5) when there is none, Usage when its settings do not fit."""
    if not (path / FILE).is_file():
        raise NotFound("E121", "no home here", where=str(path), why=f"no {FILE}", help=f"trivet init {path}")
    settings = read_settings(path)
    house = make_house(path, settings, clock or house_clock(settings))
    if (path / "home.db").exists():
        refuse_change_of_nature(house)
        recover(house)
    return house


def house_clock(settings: Settings) -> Clock:
    """A synthetic home's today, or the machine's clock."""
    return FrozenClock(settings.today) if settings.today else SystemClock()


def init_home(
    path: Path,
    *,
    site: str = "site",
    name: str = "Unnamed site",
    zone: str = "UTC",
    origin: str = "",
    synthetic: bool = False,
    today: str = "",
    clock: Clock | None = None,
) -> House:
    """Make a home and open it. Refused (exit 3) when the folder already holds a home or anything else.

    The home says once and for all, at ledger position 0, whether it is synthetic.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        what = "a home is here already" if (path / FILE).exists() else "the folder is not empty"
        raise Refused("E122", what, where=str(path), why="a home is made once, in a folder of its own", help="trivet init OTHER-FOLDER")
    for folder in FOLDERS:
        (path / folder).mkdir(parents=True, exist_ok=True)
    (path / "keys").chmod(0o700)
    values = {
        "id": site,
        "name": name.replace("\\", "").replace('"', ""),
        "zone": zone,
        "synthetic": str(synthetic).lower(),
        "today": f'\ntoday = "{today}"' if today else "",
        "origin": origin or f"{site}/trivet",
    }
    (path / FILE).write_text(TOML.format(**values), encoding="utf-8")
    house = open_home(path, clock=clock)
    found(house)
    return house
