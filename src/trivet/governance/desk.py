"""What every part of the office works with: the store, the events, the clock, the policy in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trivet.contracts.ports import Clock, Ledger, Store, Tx, Vault
from trivet.governance.events import Events
from trivet.governance.policy import Policy
from trivet.governance.state import State

__all__ = ["Desk"]


@dataclass(slots=True)
class Desk:
    """Ports and policy. `in_force` holds digests of what else governs a decision (the map release, for one)."""

    store: Store
    vault: Vault
    ledger: Ledger
    clock: Clock
    policy: Policy
    in_force: Mapping[str, str] = field(default_factory=dict)
    events: Events = field(init=False)

    def __post_init__(self) -> None:
        self.events = Events(self.vault, self.ledger)

    def state(self) -> State:
        """What is committed."""
        return State(self.store.read)

    def note(self, tx: Tx, kind: str, act: str, by: str, subject: str, words: Mapping[str, Any], refs: tuple[int, ...] = ()) -> int:
        """Write one event, now."""
        return self.events.write(tx, kind, act, self.clock.now(), by, subject, words, refs)
