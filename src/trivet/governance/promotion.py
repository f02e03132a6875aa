"""Promotion and suspension: the two acts that change what answers. Each is one transaction and touches nothing but governance.

In: a model, a use, a site, who acts. Out: a `Deed`. Refused (E730): a step whose gate did not pass; the gate run is kept.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from trivet.contracts.governance import LIVE_STAGES, Deed, Grant, Judgement, Release
from trivet.contracts.ports import Tx
from trivet.governance.desk import Desk
from trivet.governance.grants import live, words_of
from trivet.governance.routes import Routes
from trivet.governance.state import State
from trivet.governance.votes import Votes
from trivet.kernel.errors import Refused, Usage

__all__ = ["Promotion"]


class Promotion:
    """Takes models through their life."""

    def __init__(self, desk: Desk, votes: Votes, routes: Routes) -> None:
        self._desk, self._votes, self._routes = desk, votes, routes

    def promote(self, tx: Tx, model: str, use: str, site: str, *, by: str, place: str = "active", to: str = "") -> Deed | Judgement:
        """Make a version the live one of a use (or stand it behind, `place="fallback"`).

        With a live grant that covers use and site this is a new route and nothing else. Without one it is the next step of
        its life: the gate runs over evidence and votes, and a pass gives stage, grant and route together. Gives the judgement
        when it did not pass, after recording the run.
        """
        state = State(tx.execute)
        release = state.release(model)
        if use not in release.uses:
            raise Usage("E731", f"{release.model} is not made for {use}", why="it is made for " + ", ".join(release.uses))
        if not by.startswith("local:") and by not in state.seats(release.model).values():
            who = ", ".join(f"{holder} ({seat})" for seat, holder in state.seats(release.model).items()) or "nobody: every seat is vacant"
            raise Refused("E732", f"{by} holds no seat of {release.model}", why=f"who may: {who}", failed=("seat",))
        suspended = release.model in state.suspensions()
        if not suspended and not to and self._covering(state, release, use, site):
            seq = self._routes.lay(tx, use, site, release.ref, place, by=by, refs=(release.seq,))
            return Deed(f"{release.model} {release.version} is {_said(place)} {use} at {site}", (seq,), {"step": "route"})
        judgement = self._votes.ballot(state, model, site, to)
        run = self._desk.note(
            tx, "gate.run", "passed" if judgement.passed else "refused", by, release.model, _run_words(judgement), (release.seq,)
        )
        if not judgement.passed:
            return judgement
        return self._effects(tx, judgement, release, use, site, place, run, by)

    def suspend(self, tx: Tx, model: str, reason: str, *, by: str) -> Deed:
        """Stop every version of a model, at once and everywhere: every grant of it ends. One person suffices (S6). Twice is once."""
        state = State(tx.execute)
        name = state.release(model).model
        standing = state.suspensions().get(name)
        if standing is not None:
            return Deed(f"{name} stands still since {standing.at}", (), {"since": standing.at, "reason": standing.reason})
        seqs = [self._desk.note(tx, "suspension", "suspend", by, name, {"model": name, "reason": reason})]
        for grant in state.grants():
            if grant.model == name and not grant.revoked_at:
                words = {"id": grant.id, "reason": "suspended"}
                seqs.append(self._desk.note(tx, "grant", "revoke", by, name, words, refs=(grant.seq, seqs[0])))
        return Deed(f"{name} is suspended", tuple(seqs), {"reason": reason, "grants_revoked": str(len(seqs) - 1)})

    def _covering(self, state: State, release: Release, use: str, site: str) -> Grant | None:
        at = self._desk.clock.now()
        return next(
            (
                grant
                for grant in reversed(state.grants(release.digest))
                if live(grant, at, LIVE_STAGES) and use in grant.uses and site in grant.sites
            ),
            None,
        )

    def _effects(self, tx: Tx, judgement: Judgement, release: Release, use: str, site: str, place: str, run: int, by: str) -> Deed:
        """What a passed gate does, by the transition's `effect`."""
        state, policy = State(tx.execute), self._desk.policy
        step = policy.step(judgement.stage_from, judgement.stage_to)
        effect = step.effect if step is not None else ""
        seqs = [run]
        if judgement.stage_from == "suspended":
            seqs.append(
                self._desk.note(tx, "suspension", "lift", by, release.model, {"model": release.model, "reason": judgement.gate}, (run,))
            )
        stage = {"digest": release.digest, "site": site, "stage": judgement.stage_to, "model": release.model}
        seqs.append(self._desk.note(tx, "stage", judgement.stage_to, by, release.model, stage, (run,)))
        if effect in ("grant", "grant-shadow", "revoke"):
            for old in state.grants(release.digest):
                if not old.revoked_at and set(old.sites) == {site}:
                    words = {"id": old.id, "reason": f"superseded at {judgement.gate}"}
                    seqs.append(self._desk.note(tx, "grant", "revoke", by, release.model, words, (old.seq, run)))
        if effect in ("grant", "grant-shadow"):
            number = len(state.grants()) + 1
            uses = [use, *(other for other in release.uses if other != use)]
            words = words_of(policy, judgement, release, number, run, (site,), uses)
            proof = tuple(item.seq for item in judgement.evidence) + tuple(vote.seq for vote in judgement.votes)
            seqs.append(self._desk.note(tx, "grant", "issue", by, release.model, words, (run, *proof)))
            where = "shadow" if effect == "grant-shadow" else place
            seqs.append(self._routes.lay(tx, use, site, release.ref, where, by=by, refs=(seqs[-1],)))
            said = f"{release.model} {release.version} is {_said(where)} {use} at {site}, until {judgement.expires_at}"
            return Deed(said, tuple(seqs), {"step": judgement.stage_to, "grant": words["id"], "expires_at": judgement.expires_at})
        return Deed(f"{release.model} {release.version} is {judgement.stage_to} at {site}", tuple(seqs), {"step": judgement.stage_to})


def _said(place: str) -> str:
    return {"active": "the live model of", "fallback": "behind the live model of", "shadow": "in shadow beside"}[place]


def _run_words(judgement: Judgement) -> dict[str, Any]:
    """What was judged and what it rested on: enough to judge again (INV-3)."""
    words = asdict(judgement)
    words["outcome"] = "passed" if judgement.passed else "refused"
    words["failing"] = [asdict(item) for item in judgement.failing]
    words["evidence"] = [[item.id, item.expires_at] for item in judgement.evidence]
    words["votes"] = [[vote.seat, vote.principal, vote.seq] for vote in judgement.votes]
    return words
