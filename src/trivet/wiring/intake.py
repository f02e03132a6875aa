"""Files into a home: finds them, names their format, registers a source that nobody knew, and calls the flow.

In: paths, a source's name, a format or `auto`. Out: the flow's tally. Refused: paths that are not there, names that are no names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from trivet.contracts.house import House
from trivet.flows.receive import Delivery, Tally, receive
from trivet.integration.inbound import folder
from trivet.kernel.errors import NotFound
from trivet.wiring import formats
from trivet.wiring.build import open_home
from trivet.wiring.settings import Source, add_source

__all__ = ["UNKNOWN", "deliveries", "receive_paths", "register"]

UNKNOWN = "unknown"  # the format of a file that nothing here recognises: landed whole, quarantined, never dropped


def register(home: Path, name: str, format: str) -> bool:
    """Make sure that the settings name this source. True when it was written in now, with owner unknown and no document."""
    house = open_home(home)
    known = name in house.settings["sources"]
    house.close()
    if not known:
        add_source(home, name, Source(format=format))
    return not known


def deliveries(house: House, files: Sequence[Path], source: str, format: str) -> Iterator[Delivery]:
    """Each file with its format: the one asked for, else the source's, else what the file looks like."""
    asked = format if format != "auto" else house.settings["sources"].get(source, {}).get("format", "auto")
    if asked != "auto" and asked not in house.formats:
        raise NotFound("E312", f"no format called {asked}", why="known: " + ", ".join(house.formats), help="trivet receive --help")
    for path in files:
        raw = folder.read(path)
        found = None if asked != "auto" else formats.detect(dict(house.formats), raw[: formats.HEAD], path.name)
        yield Delivery(raw, source, asked if asked != "auto" else found.name if found else UNKNOWN, str(path))


def receive_paths(
    house: House, paths: Sequence[Path], source: str, format: str = "auto", report: Callable[[Tally], None] | None = None
) -> tuple[Tally, int]:
    """Take in what stands behind the paths. Gives the tally and the number of hidden or unfinished files left alone."""
    found = folder.find(paths)
    return receive(house, deliveries(house, found.files, source, format), report), found.passed_over
