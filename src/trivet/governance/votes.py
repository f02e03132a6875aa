"""Votes: one seat's word on the next step of a release, bound to the evidence that was seen (S12)."""

from __future__ import annotations

from trivet.contracts.governance import Judgement, Release, Vote
from trivet.contracts.ports import Tx
from trivet.governance.desk import Desk
from trivet.governance.evidence import evidence_set
from trivet.governance.lifecycle import judge, step_of
from trivet.governance.policy import Transition
from trivet.governance.separation import against_vote, refuse
from trivet.governance.state import State
from trivet.kernel.errors import NotFound, Refused, Usage

__all__ = ["Votes"]

DECISIONS = ("approve", "reject")


class Votes:
    """Ballots and the votes on them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def ballot(self, state: State, model: str, site: str, to: str = "") -> Judgement:
        """What the next step of a model (`name` or `name@version`) at a site needs and has. NotFound when there is no next step."""
        release = state.release(model)
        step = self.step(state, release, site, to)
        return judge(
            self._desk.policy,
            step,
            release,
            state.releases(release.model),
            site,
            state.evidence(release.digest),
            self.standing(state, release),
            state.seats(release.model),
            state.suspensions().get(release.model),
            self._desk.clock.now(),
        )

    def standing(self, state: State, release: Release) -> list[Vote]:
        """Votes cast from the seat as it is held now: whoever left it and came back votes again."""
        since = {held.seat: held.seq for held in state.holdings(release.model)}
        return [vote for vote in state.votes(release.digest) if vote.seq > since.get(vote.seat, -1)]

    def step(self, state: State, release: Release, site: str, to: str = "") -> Transition:
        """The step that is being voted on: the next one, or the one that leads to stage `to`."""
        suspended = release.model in state.suspensions()
        stage = "suspended" if suspended else state.stage(release.digest, site)
        step = self._desk.policy.step(stage, to) if to else step_of(self._desk.policy, stage, suspended)
        if step is None:
            raise NotFound("E705", f"{release.model} has no step from {stage}" + (f" to {to}" if to else ""), where=site)
        return step

    def cast(
        self,
        tx: Tx,
        model: str,
        seat: str,
        principal: str,
        site: str,
        *,
        decision: str = "approve",
        comment: str = "",
        evidence_seen: str = "",
        to: str = "",
    ) -> Vote:
        """One vote. Refused E717 when the seat is not theirs, E718 when the evidence is not what they saw, E710 by separation."""
        if decision not in DECISIONS:
            raise Usage("E719", f"a vote is one of {', '.join(DECISIONS)}")
        policy, state = self._desk.policy, State(tx.execute)
        release = state.release(model)
        step = self.step(state, release, site, to)
        holder = state.seats(release.model).get(seat, "")
        if seat not in step.votes:
            raise Refused("E717", f"{seat} has no vote on {step.gate} of {release.model}", why="who votes: " + ", ".join(step.votes))
        if holder != principal:
            who = holder or "nobody: the seat is vacant"
            raise Refused(
                "E717",
                f"{principal or 'nobody'} does not hold {seat} of {release.model}",
                why=f"held by {who}",
                help="--as " + (holder or "..."),
            )
        needed = [name for name in step.evidence if policy.requirements[name].applies(release.kind, release.output)]
        seen, seen_digest = evidence_set(state.evidence(release.digest), needed, site)
        if evidence_seen and evidence_seen != seen_digest:
            raise Refused(
                "E718",
                "the evidence is not what you saw",
                where=release.model,
                why="something was added or taken back (S12)",
                help="look again",
            )
        suspension = state.suspensions().get(release.model)
        against = against_vote(policy, seat, principal, release, state.releases(release.model), seen, suspension.by if suspension else "")
        refuse(f"{principal} cannot vote from {seat} on {release.model}", against, release.model)
        words = {
            "model": release.model,
            "version": release.version,
            "digest": release.digest,
            "site": site,
            "gate": step.gate,
            "seat": seat,
            "principal": principal,
            "decision": decision,
            "evidence_set": seen_digest,
            "comment": comment,
        }
        seq = self._desk.note(tx, "vote", decision, principal, release.model, words, refs=(release.seq, *(item.seq for item in seen)))
        return next(vote for vote in State(tx.execute).votes(release.digest) if vote.seq == seq)
