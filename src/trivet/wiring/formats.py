"""The formats that are installed, by name, and the one that a file is in.

In: the entry points of group `trivet.formats`. Out: one instance per format. Refused: two plugins under one name, a plugin
that does not load, and any plugin that nobody named: installed is not enough.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.metadata import EntryPoint, entry_points

from trivet.contracts.ports import Format
from trivet.kernel.errors import Fault, NotFound

__all__ = ["HEAD", "ORDER", "detect", "get", "load"]

GROUP = "trivet.formats"
HEAD = 65_536  # bytes of a file that `sniff` may look at
# Sharp signatures before loose ones: any text can pass for a table. Formats that are not named here come just before it.
ORDER = ("dicom", "hl7v2", "x12", "ccda", "fhir", "csv")


def _chosen(allowed: Collection[str]) -> dict[str, EntryPoint]:
    """Our own entry points, and those of other distributions that `allowed` names."""
    chosen: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        ours = entry.value.startswith("trivet.")
        if not ours and entry.name not in allowed:
            continue
        if entry.name in chosen and chosen[entry.name].value != entry.value:
            why = f"{chosen[entry.name].value} and {entry.value}"
            raise Fault("E310", f"two formats are called {entry.name}", why=why, help="uninstall one of them")
        chosen[entry.name] = entry
    return chosen


def load(allowed: Collection[str] = ()) -> dict[str, Format]:
    """Every built-in format and the plugins in `allowed`, in the order in which they are asked to recognise a file."""
    formats: dict[str, Format] = {}
    for name, entry in _chosen(allowed).items():
        try:
            formats[name] = entry.load()()
        except (ImportError, AttributeError, TypeError) as error:
            raise Fault("E311", f"format {name} does not load", where=entry.value, why=str(error), help="trivet doctor") from error
    last = len(ORDER) - 1
    rank = {name: place for place, name in enumerate(ORDER[:-1])} | {ORDER[-1]: last + 1}
    return dict(sorted(formats.items(), key=lambda item: (rank.get(item[0], last), item[0])))


def get(formats: Mapping[str, Format], name: str) -> Format:
    """One format by name. NotFound names the known ones."""
    if name not in formats:
        raise NotFound("E312", f"no format called {name}", why="known: " + ", ".join(formats), help="trivet translate --help")
    return formats[name]


def detect(formats: Mapping[str, Format], head: bytes, filename: str) -> Format | None:
    """The first format that recognises the beginning of a file, or None."""
    return next((form for form in formats.values() if form.sniff(head[:HEAD], filename)), None)
