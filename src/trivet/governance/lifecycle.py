"""The gate between two stages of a model's life: a pure function of evidence, votes, seats, policy and time (INV-3).

In: everything it needs, as values. Out: a `Judgement` that names every condition which does not hold, and who can change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trivet.contracts.governance import Evidence, Failing, Judgement, Release, Suspension, Vote
from trivet.governance.evidence import evidence_set, later, unmet
from trivet.governance.grants import expiry
from trivet.governance.policy import Policy, Transition
from trivet.governance.separation import against_vote

__all__ = ["judge", "step_of"]


def step_of(policy: Policy, stage: str, suspended: bool) -> Transition | None:
    """The step that `promote` would take from here."""
    return policy.onward("suspended" if suspended else stage)


def judge(
    policy: Policy,
    step: Transition,
    release: Release,
    versions: Sequence[Release],
    site: str,
    evidence: Sequence[Evidence],
    votes: Sequence[Vote],
    seats: Mapping[str, str],
    suspension: Suspension | None,
    at: str,
) -> Judgement:
    """May `release` take `step` at `site`, at `at`? Same arguments, same judgement, for ever."""
    needed = [name for name in step.evidence if policy.requirements[name].applies(release.kind, release.output)]
    seen, seen_digest = evidence_set(evidence, needed, site)
    failing = [
        Failing(f"seat-vacant:{duty}", f"{policy.seats[duty].title}: {policy.seats[duty].question} Nobody.", (), "seat a person")
        for duty in policy.duties
        if duty not in seats
    ]
    if suspension is not None and step.start != "suspended":
        failing.append(Failing("suspended", f"It stands still since {suspension.at}: {suspension.reason or 'no reason given'}"))
    rests_on = []
    for name in needed:
        why, item = unmet(policy.requirements[name], release, site, [one for one in seen if one.requirement == name], at)
        failing += why
        rests_on += [item] if item is not None else []
    counted, missing = _tally(policy, step, release, versions, site, seen, seen_digest, votes, seats, suspension)
    failing += missing
    return Judgement(
        gate=step.gate,
        model=release.model,
        version=release.version,
        digest=release.digest,
        site=site,
        stage_from=step.start,
        stage_to=step.end,
        failing=tuple(failing),
        evidence=tuple(rests_on),
        votes=tuple(counted),
        evidence_set=seen_digest,
        expires_at=expiry(rests_on, later(at, policy.review[(step.gate, release.tier)])),
        policy=policy.digest,
        at=at,
    )


def _tally(
    policy: Policy,
    step: Transition,
    release: Release,
    versions: Sequence[Release],
    site: str,
    seen: Sequence[Evidence],
    seen_digest: str,
    votes: Sequence[Vote],
    seats: Mapping[str, str],
    suspension: Suspension | None,
) -> tuple[list[Vote], list[Failing]]:
    """Votes that count, and what is missing. A vote counts when its seat is still held by the voter and it saw this evidence."""
    counted, missing = [], []
    since = suspension.seq if suspension is not None else -1
    for seat in step.votes:
        holder = seats.get(seat, "")
        if not holder:
            missing.append(Failing(f"vote:{seat}", f"{policy.seats[seat].title}: the seat is vacant, nobody can vote", (), "seat a person"))
            continue
        cast = [
            vote
            for vote in votes
            if (vote.digest, vote.site, vote.gate, vote.seat, vote.principal) == (release.digest, site, step.gate, seat, holder)
            and vote.seq > since
        ]
        forbidden = against_vote(policy, seat, holder, release, versions, seen, suspension.by if suspension else "")
        last = cast[-1] if cast else None
        command = f"trivet approve {release.model} --seat {seat} --as {holder}"
        if forbidden:
            missing.append(Failing(f"vote:{seat}", f"{policy.seats[seat].title}: {forbidden[0].text}", (holder,), "seat somebody else"))
        elif last is None:
            missing.append(Failing(f"vote:{seat}", f"{policy.seats[seat].title} has not voted", (holder,), command))
        elif last.evidence_set != seen_digest:
            text = f"{policy.seats[seat].title} voted on other evidence (S12)"
            missing.append(Failing(f"vote:{seat}", text, (holder,), command))
        elif last.decision != "approve":
            missing.append(
                Failing(f"vote:{seat}", f"{policy.seats[seat].title} voted against: {last.comment or 'no comment'}", (holder,), command)
            )
        else:
            counted.append(last)
    missing += _apart(policy, counted)
    return counted, missing


def _apart(policy: Policy, counted: Sequence[Vote]) -> list[Failing]:
    """Counted votes that one person cast from two seats which the rules keep apart (S3, S4)."""
    found = []
    for rule in policy.rules:
        if rule.enforced and rule.kind == "seats-apart":
            left = {vote.principal for vote in counted if vote.seat == rule.left}
            both = [vote for vote in counted if vote.seat in rule.right and vote.principal in left]
            found += [Failing(rule.id, f"{rule.text} ({rule.left} and {vote.seat})", (vote.principal,)) for vote in both]
    return found
