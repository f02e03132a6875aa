"""The gate in front of every call: may this model answer here, now?

In: a request and the snapshot of governance in memory. Out: `Permit`, or `Refusal` with every condition that failed. No disk,
no network, no lock on the way; any error inside is a refusal. A snapshot that could not be confirmed for longer than its
time to live refuses too: a lost control plane fails to the fallback, never open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trivet.contracts.governance import LIVE_STAGES, Grant
from trivet.contracts.ports import Store
from trivet.contracts.verdict import GateRequest, Permit, Refusal
from trivet.governance.policy import Policy
from trivet.governance.predicate import holds
from trivet.governance.state import State
from trivet.governance.statements import sql

__all__ = ["GovernanceGate", "Snapshot", "evaluate", "snapshot"]

STAGES = {"shadow": ("silent", *LIVE_STAGES)}
UNKNOWN = "Decide without the model, as before it came, and tell the operator."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the gate looks at. `position` is the newest governance event in it; `seats` are of people who are here."""

    position: int
    suspended: frozenset[str] = frozenset()
    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    seats: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    duties: tuple[str, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)


def snapshot(state: State, policy: Policy) -> Snapshot:
    """The state of governance for the gate. Dead grants are left in, so that a refusal can say what they lack."""
    position = state.position()
    grants: dict[str, tuple[Grant, ...]] = {}
    for grant in state.grants():
        grants[grant.digest] = (grant, *grants.get(grant.digest, ()))
    seats: dict[str, dict[str, str]] = {}
    for holding in state.holdings():
        seats.setdefault(holding.system, {})[holding.seat] = holding.principal
    instead = {use.name: use.instead for use in policy.uses.values()}
    instead.update({route.use: route.instead for route in state.routes() if route.instead})
    return Snapshot(position, frozenset(state.suspensions()), grants, state.withdrawn(), seats, policy.duties, instead)


def evaluate(now: Snapshot, request: GateRequest) -> Permit | Refusal:
    """The answer of the gate: a pure function. All conditions are looked at, in order."""
    failed = ["suspended"] if request.model.name in now.suspended else []
    lacks, grant = _nearest(now, request)
    failed += lacks
    seats = now.seats.get(request.model.name, {})
    if any(duty not in seats for duty in now.duties) or not now.duties:
        failed.append("seat-vacant")
    if request.ledger_writable is not True:
        failed.append("ledger-unwritable")
    if failed or grant is None:
        return Refusal(tuple(failed), now.instead.get(request.use, UNKNOWN))
    return Permit(grant.id, dict(seats), grant.expires_at)


def _nearest(now: Snapshot, request: GateRequest) -> tuple[list[str], Grant | None]:
    """The grant that covers the request, or the one that lacks least of it, so that the refusal names what is really missing."""
    grants = now.grants.get(request.model.digest, ())
    here = [grant for grant in grants if request.site in grant.sites] or grants[:1]
    best: tuple[list[str], Grant | None] = (["no-grant"], None)
    for grant in here:
        lacks = _lacks(now, grant, request)
        if not lacks:
            return lacks, grant
        if best[1] is None or len(lacks) < len(best[0]):
            best = (lacks, grant)
    return best


def _lacks(now: Snapshot, grant: Grant, request: GateRequest) -> list[str]:
    """What this grant does not cover of the request."""
    lacks = []
    if grant.revoked_at or request.at < grant.not_before:
        lacks.append("no-grant")
    if not grant.artefact or request.artefact_digest != grant.artefact:
        lacks.append("artefact")
    if grant.stage not in STAGES.get(request.mode, LIVE_STAGES):
        lacks.append("stage")
    if request.site not in grant.sites:
        lacks.append("site")
    if request.role not in grant.roles:
        lacks.append("role")
    if request.purpose not in grant.purposes or request.use not in grant.uses:
        lacks.append("purpose")
    if not _inside(grant.population, request):
        lacks.append("population")
    evidence_dead = any(until <= request.at or item in now.withdrawn for item, until in grant.evidence)
    if request.at >= grant.expires_at or evidence_dead:
        lacks.append("expired")
    return lacks


def _inside(population: str, request: GateRequest) -> bool:
    """Is the person inside the population? What is not known is outside."""
    try:
        return holds(population, request.population)
    except (ValueError, TypeError):
        return False


class GovernanceGate:
    """`contracts.ports.Gate` that keeps its snapshot fresh: asked whether governance moved every `every` seconds.

    `ttl`: seconds after which an unconfirmed snapshot refuses everything. `tick` is a monotonic clock in seconds.
    """

    def __init__(
        self, store: Store, policy: Policy, *, ttl: float = 5.0, every: float = 0.25, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._policy = store, policy
        self._ttl, self._every, self._tick = ttl, every, tick
        self._now = Snapshot(-2)
        self._confirmed = float("-inf")
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.refresh()

    def ask(self, request: GateRequest) -> Permit | Refusal:
        """May this run? Never raises."""
        now = self._now
        try:
            if self._tick() - self._confirmed > self._ttl:
                return Refusal(("governance-stale",), now.instead.get(request.use, UNKNOWN))
            return evaluate(now, request)
        except Exception:
            return Refusal(("gate-error",), UNKNOWN)

    def seen(self) -> int:
        """Position of the newest governance event the gate knows."""
        return self._now.position

    def refresh(self) -> int:
        """Look now whether governance moved, and take in what is new. Gives the position."""
        with self._lock:
            asked_at = self._tick()
            if int(self._store.read(sql("position"))[0][0]) != self._now.position:
                self._now = snapshot(State(self._store.read), self._policy)
            self._confirmed = asked_at
            return self._now.position

    def watch(self) -> None:
        """Keep looking in the background until `close`. Twice is once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="gate", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.refresh()
            except Exception:  # noqa: S112 - not confirmed: after `ttl` the gate refuses, which is what a lost store must do
                continue
