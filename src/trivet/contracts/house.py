"""The house as keys, windows and flows see it: every role bound, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trivet.contracts.ports import Checks, Clock, Features, Format, Landing, Ledger, Linker, Normaliser, Shelf, Store, Vault
from trivet.contracts.profile import SourceProfile

__all__ = ["House"]


@dataclass(frozen=True, slots=True)
class House:
    """One opened home. `home` is its folder, `settings` the checked content of `trivet.toml` as plain data.

    `role` gives the one implementation that wiring bound to a name, made on first use and kept; it raises NotFound for a
    name nobody bound. The properties below are the same roles with their types. `close` ends what was opened, last first.
    """

    home: str
    settings: Mapping[str, Any]
    clock: Clock
    role: Callable[[str], Any]
    close: Callable[[], None]

    @property
    def store(self) -> Store:
        """The operational database."""
        store: Store = self.role("store")
        return store

    @property
    def vault(self) -> Vault:
        """Encrypted bytes by content address."""
        vault: Vault = self.role("vault")
        return vault

    @property
    def ledger(self) -> Ledger:
        """Order and proof."""
        ledger: Ledger = self.role("ledger")
        return ledger

    @property
    def landing(self) -> Landing:
        """What came in, and what became of it."""
        landing: Landing = self.role("landing")
        return landing

    @property
    def shelf(self) -> Shelf:
        """Record versions."""
        shelf: Shelf = self.role("shelf")
        return shelf

    @property
    def linker(self) -> Linker:
        """Who is who."""
        linker: Linker = self.role("linker")
        return linker

    @property
    def checks(self) -> Checks:
        """Quality."""
        checks: Checks = self.role("checks")
        return checks

    @property
    def features(self) -> Features:
        """Feature views."""
        features: Features = self.role("features")
        return features

    @property
    def formats(self) -> Mapping[str, Format]:
        """Formats by name: only those that `trivet.toml` names, all built-in ones when it names none."""
        formats: Mapping[str, Format] = self.role("formats")
        return formats

    @property
    def normaliser(self) -> Normaliser:
        """Standard codes and units beside the local ones."""
        normaliser: Normaliser = self.role("normaliser")
        return normaliser

    @property
    def registry(self) -> Any:
        """Model releases and routes."""
        return self.role("registry")

    @property
    def gate(self) -> Any:
        """May this run, now."""
        return self.role("gate")

    @property
    def office(self) -> Any:
        """Seats, votes, grants: who may, who must."""
        return self.role("office")

    @property
    def profiles(self) -> Mapping[str, SourceProfile]:
        """What the site says about each feed now, by source name: a feed registered meanwhile is there."""
        profiles: Mapping[str, SourceProfile] = self.role("profiles")
        return profiles
