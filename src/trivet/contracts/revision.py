"""Old bytes read anew: which settled units, what would come out differently, and who keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from trivet.contracts.envelope import Receipt
from trivet.contracts.parcel import Parcel, Sheet
from trivet.contracts.ports import Tx

__all__ = ["Ahead", "Change", "Chosen", "Read", "Revisions", "Settled"]

Ahead = dict[str, tuple[int, bytes]]
Read = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


class Chosen(NamedTuple):
    """Which settled units: of a source, in a state (empty: any), that came from `since` and before `until` (instant text), read
    by maps or code whose digest begins so (empty: any)."""

    source: str = ""
    state: str = ""
    since: str = ""
    until: str = "~"
    read_by: str = ""


class Settled(NamedTuple):
    """A settled unit: its receipt, the reason of its end state, whether it was taken in part, and the run that settled it."""

    receipt: Receipt
    reason: str
    partial: bool
    run: int


class Change(NamedTuple):
    """One record that would be another one. `kind` is `changed`, `new` or `gone`; `version` the one that stands now (0: none), the
    sheet what would stand; `elements` names the top-level elements that differ, never their values."""

    receipt: int
    source: str
    kind: str
    key: str
    version: int
    elements: tuple[str, ...]
    sheet: Sheet


class Revisions(Protocol):
    """Where record versions are compared with a new reading, and where that is kept."""

    def settled(self, chosen: Chosen, after: int, limit: int) -> list[Settled]: ...

    def changes(self, read: Read, outcomes: Sequence[tuple[Receipt, Parcel]], ahead: Ahead) -> tuple[list[Change], int]: ...

    def keep(self, tx: Tx, changes: Sequence[Change], spans: dict[int, bytes], run: int) -> None: ...

    def resettle(self, tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]], run: int) -> None: ...
