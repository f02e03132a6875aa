"""What governance keeps: who sits where, what was proven, who voted, what may serve. Each is a ledger event with its payload in the vault.

Numbers that were measured are decimal text (`"0.741"`), never binary floats. Instants are RFC 3339 UTC text. `seq` is the
ledger position of the event, -1 before it has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trivet.contracts.prediction import ModelRef

__all__ = [
    "CONDITIONS",
    "LIVE_STAGES",
    "Deed",
    "Evidence",
    "Failing",
    "Grant",
    "Holding",
    "Judgement",
    "Release",
    "Route",
    "Suspension",
    "Vote",
]

CONDITIONS = (
    "suspended",
    "no-grant",
    "artefact",
    "stage",
    "site",
    "role",
    "purpose",
    "population",
    "expired",
    "seat-vacant",
    "ledger-unwritable",
    "governance-stale",
    "gate-error",
)
"""Every condition the gate looks at, in its order."""

LIVE_STAGES = ("pilot", "expanded", "enterprise", "sunset")
"""Stages in which a model's answers may leave the house. In `silent` it may run, unseen."""


@dataclass(frozen=True, slots=True)
class Release:
    """One registered version of a model, bound to bytes.

    `digest` is the SHA-256 of the canonical manifest, `artefact` that of the artefact's bytes. `kind` is `trained`, `score`
    or `rules`; `output` is `probability` or `score`; `tier` T1 (acts by itself) to T4 (administrative). `population` is a
    predicate of the closed language (`age >= 18`) over the feature row. `developers` are principals, `requested_by` too.
    """

    model: str
    version: str
    digest: str
    artefact: str
    kind: str
    output: str
    tier: str
    title: str
    uses: tuple[str, ...]
    population: str
    developers: tuple[str, ...]
    requested_by: str
    lifetime_days: int = 730
    stage: str = "registered"
    seq: int = -1

    @property
    def ref(self) -> ModelRef:
        """The name by which the other rooms know it."""
        return ModelRef(self.model, self.version, self.digest)


@dataclass(frozen=True, slots=True)
class Holding:
    """A seat held: `seat` of the AI system `system` (its model's name) by one principal from `since` on, until `until`."""

    system: str
    seat: str
    principal: str
    since: str
    until: str = ""
    reason: str = ""
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing proven or attested about one release at one site (empty: everywhere) in one population (empty: all of it).

    `kind`: M measured here, V verified, A attested, D declared. `value` with its interval `low`..`high`; `n` cases of which
    `events` had the outcome. `dataset`, `query` and `code` are digests of what it was computed from and with; an M without
    them is refused. `result`: `pass`, `fail`, `insufficient_n` or `error`; only `pass` ever satisfies anything.
    `threshold` was registered at `threshold_at`, before the data window closed at `window_until`.
    """

    requirement: str
    kind: str
    model: str
    version: str
    digest: str
    site: str
    population: str
    metric: str
    value: str
    low: str
    high: str
    n: int
    events: int
    result: str
    dataset: str
    query: str
    code: str
    threshold: str
    threshold_at: str
    window_until: str
    produced_by: str
    produced_at: str
    expires_at: str
    title: str = ""
    rows: dict[str, str] = field(default_factory=dict)
    id: str = ""
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Vote:
    """One seat's word on one transition of one release at one site, bound to the digest of the evidence set that was seen."""

    model: str
    version: str
    digest: str
    site: str
    gate: str
    seat: str
    principal: str
    decision: str
    evidence_set: str
    comment: str
    at: str
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Grant:
    """The permission to serve, issued by a passed gate run and bound to exact bytes.

    `stage` is the stage it permits (`silent`: shadow only). `expires_at` is the earliest of its evidence's expiries and the
    review date; it can be shortened, never extended. `revoked_at` is empty while it stands.
    """

    id: str
    model: str
    version: str
    digest: str
    artefact: str
    stage: str
    uses: tuple[str, ...]
    sites: tuple[str, ...]
    population: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    not_before: str
    expires_at: str
    evidence: tuple[tuple[str, str], ...]
    gate_run: int
    revoked_at: str = ""
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Route:
    """Which model answers for a use at a site (empty: every site), which stand behind it in order, which run unseen beside it."""

    use: str
    site: str
    version: int
    active: ModelRef | None
    fallbacks: tuple[ModelRef, ...]
    shadows: tuple[ModelRef, ...]
    view: str
    instead: str
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Suspension:
    """A model stopped, by whom and why, until somebody else takes it back."""

    model: str
    by: str
    reason: str
    at: str
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Failing:
    """A condition that does not hold: its code, what it says, who can change it and how."""

    code: str
    text: str
    who: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate says about one transition: a pure function of release, evidence, votes, seats, policy and time."""

    gate: str
    model: str
    version: str
    digest: str
    site: str
    stage_from: str
    stage_to: str
    failing: tuple[Failing, ...]
    evidence: tuple[Evidence, ...]
    votes: tuple[Vote, ...]
    evidence_set: str
    expires_at: str
    policy: str
    at: str

    @property
    def passed(self) -> bool:
        """Did every condition hold?"""
        return not self.failing


@dataclass(frozen=True, slots=True)
class Deed:
    """What came of a governance act: the ledger positions it wrote and a line that says it."""

    what: str
    seqs: tuple[int, ...]
    details: dict[str, str] = field(default_factory=dict)
