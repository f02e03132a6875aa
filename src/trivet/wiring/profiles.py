"""What the site says about its feeds, as the file says it now: one process may register a feed while another one settles.

In, a home. Out, a mapping from source name to profile. Refused: a file that cannot be read; what is in flight waits until it can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.profile import SourceProfile
from trivet.wiring.settings import FILE, read_settings

__all__ = ["LiveProfiles", "profile", "profiles"]


class LiveProfiles(Mapping[str, SourceProfile]):
    """Reads `trivet.toml` again when it has changed."""

    def __init__(self, home: Path, sources: Mapping[str, Any]) -> None:
        self._home = home
        self._seen = self._stamp()
        self._profiles = {name: profile(name, entry) for name, entry in sources.items()}

    def __getitem__(self, name: str) -> SourceProfile:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> dict[str, SourceProfile]:
        stamp = self._stamp()
        if stamp != self._seen:
            sources = read_settings(self._home).plain()["sources"]
            self._profiles = {name: profile(name, entry) for name, entry in sources.items()}
            self._seen = stamp
        return self._profiles

    def _stamp(self) -> tuple[int, int]:
        found = (self._home / FILE).stat()
        return found.st_mtime_ns, found.st_ino


def profile(name: str, entry: Mapping[str, Any]) -> SourceProfile:
    """The part of a source's settings that its format may know."""
    options = dict(entry["options"])
    kind, _, base = entry["door"].partition("+")
    if kind in ("fhir", "bulk", "subscription") and base:
        options.setdefault("fhir_base", base.rstrip("/"))  # so that the server's absolute references lead somewhere
    return SourceProfile(
        source=name,
        format=entry["format"],
        zone=entry["zone"],
        system=entry["system"],
        table=entry["table"],
        options=options,
    )


def profiles(house: House) -> LiveProfiles:
    """The profiles of a home's feeds."""
    return LiveProfiles(Path(house.home), house.settings["sources"])
