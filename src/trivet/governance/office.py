"""The office: governance as the rest of the house meets it. Every change is a ledger event; every table can be made again.

In: acts of people and programs, inside one write transaction each. Out: what stands. Refused: what separation of duties,
evidence or votes do not carry. The gate reads what the office wrote; nothing else opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.governance import Deed, Judgement, Route
from trivet.contracts.ports import Clock, Ledger, Store, Tx, Vault
from trivet.governance.decisions import Decisions
from trivet.governance.desk import Desk
from trivet.governance.policy import Policy, read_policy
from trivet.governance.promotion import Promotion
from trivet.governance.releases import Releases
from trivet.governance.routes import Routes
from trivet.governance.seats import Seats
from trivet.governance.state import State
from trivet.governance.votes import Votes
from trivet.kernel.errors import NotFound

__all__ = ["Office"]


class Office:
    """Governance over a store, a vault, a ledger and a clock. `policy` defaults to the shipped tables; `in_force` holds digests
    of what else governs a decision; `leaving` queues what goes out because of it, in the same transaction."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        ledger: Ledger,
        clock: Clock,
        *,
        policy: Policy | None = None,
        in_force: Mapping[str, str] | None = None,
        leaving: Callable[[Tx, DecisionRecord, int], object] | None = None,
    ) -> None:
        self.policy = policy or read_policy()
        self._desk = Desk(store, vault, ledger, clock, self.policy, in_force or {})
        self.seats = Seats(self._desk)
        self.releases = Releases(self._desk)
        self.votes = Votes(self._desk)
        self.routes = Routes(self._desk)
        self._promotion = Promotion(self._desk, self.votes, self.routes)
        self._decisions = Decisions(self._desk, leaving)
        self._route_cache: tuple[int, dict[tuple[str, str], Route | None]] = (-2, {})

    def state(self) -> State:
        """What is committed, as types."""
        return self._desk.state()

    def note(self, tx: Tx, kind: str, act: str, by: str, subject: str, words: Mapping[str, Any]) -> int:
        """Write one governance event of a kind that has no act of its own (`cost`, `hypothesis`). Gives its position."""
        return self._desk.note(tx, kind, act, by, subject, words)

    def ballot(self, model: str, site: str, to: str = "") -> Judgement:
        """What the next step of a model needs and has, now."""
        return self.votes.ballot(self.state(), model, site, to)

    def promote(self, tx: Tx, model: str, use: str, site: str, *, by: str, place: str = "active", to: str = "") -> Deed | Judgement:
        """The next step of a model's life, or the swap of the live model. A judgement that did not pass is given back, recorded."""
        return self._promotion.promote(tx, model, use, site, by=by, place=place, to=to)

    def suspend(self, tx: Tx, model: str, reason: str, *, by: str) -> Deed:
        """Stop a model at once. One person suffices."""
        return self._promotion.suspend(tx, model, reason, by=by)

    def route(self, use: str, site: str, seen: int) -> Route | None:
        """The route of a use (another site's when this one has none), read once for each governance position.

        NotFound E706 for a use nobody defined.
        """
        if use not in self.policy.uses:
            raise NotFound(
                "E706", f"there is no use {use}", why="uses: " + ", ".join(self.policy.uses), help="trivet decide --use USE --person ID"
            )
        if self._route_cache[0] != seen:
            self._route_cache = (seen, {})
        known = self._route_cache[1]
        if (use, site) not in known:
            known[(use, site)] = self.state().nearest_route(use, site)
        return known[(use, site)]

    def in_force(self, route: Route | None) -> dict[str, str]:
        """Digests and positions of what governs a decision beside the grant."""
        laid = {} if route is None else {"route": f"{route.use}@{route.site}#{route.version}", "route_seq": str(route.seq)}
        return {**self._desk.in_force, "policy": self.policy.digest, **laid}

    def decided(self, tx: Tx, record: DecisionRecord, seen: int) -> tuple[DecisionRecord, int]:
        """Make a decision durable with this transaction, under its number. Raises Moved E740 when governance changed since `seen`."""
        return self._decisions.write(tx, record, seen)
