"""Releases: versions of models, known to governance before anything else may happen to them."""

from __future__ import annotations

from dataclasses import asdict

from trivet.contracts.governance import Evidence, Release
from trivet.contracts.ports import Tx
from trivet.governance.desk import Desk
from trivet.governance.evidence import complete, words_of
from trivet.governance.grants import shortened
from trivet.governance.predicate import parse
from trivet.governance.separation import against_holding, refuse
from trivet.governance.state import State
from trivet.kernel.errors import NotFound, Refused, Usage

__all__ = ["Releases"]


class Releases:
    """Registers versions and what is proven about them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def register(self, tx: Tx, release: Release, *, by: str) -> int:
        """Record one version. Registering the same digest again is registering it once (its position is given).

        Refused E715 when the version is known with other bytes, E710 when one of its developers holds a seat that rules on
        it (S2); Usage E716 when its population is not a predicate or a use is unknown.
        """
        state = State(tx.execute)
        for known in state.releases(release.model):
            if known.digest == release.digest:
                return known.seq
            if known.version == release.version:
                raise Refused(
                    "E715", f"{release.model} {release.version} is registered with other bytes", why="a version is bound to its digest"
                )
        unknown = [use for use in release.uses if use not in self._desk.policy.uses]
        if unknown or not release.uses:
            raise Usage("E716", f"{release.model} names a use that nobody defined: {', '.join(unknown) or 'none at all'}")
        try:
            parse(release.population)
        except ValueError as error:
            raise Usage("E716", f"the population of {release.model} is not a predicate", why=str(error)) from None
        for seat, holder in state.seats(release.model).items():
            refuse(
                f"{release.model} {release.version} cannot be registered while {holder} sits on {seat}",
                against_holding(self._desk.policy, seat, holder, {}, [release]),
                release.model,
            )
        words = {name: value for name, value in asdict(release).items() if name not in ("seq", "stage")}
        return self._desk.note(tx, "model.release", "register", by, release.model, words)

    def prove(self, tx: Tx, item: Evidence, *, by: str) -> Evidence:
        """Record one item about a registered release, with its expiry. The same item again is the item that stands."""
        state = State(tx.execute)
        release = next((known for known in state.releases(item.model) if known.digest == item.digest), None)
        if release is None:
            raise NotFound("E701", f"no release {item.model} {item.version} with that digest")
        words = words_of(complete(self._desk.policy, release, item))
        known = next((one for one in state.evidence(item.digest) if one.id == words["id"]), None)
        if known is None:
            seq = self._desk.note(tx, "evidence", "record", by, item.model, words, refs=(release.seq,))
            known = next(one for one in State(tx.execute).evidence(item.digest) if one.seq == seq)
        return known

    def withdraw(self, tx: Tx, evidence_id: str, reason: str, *, by: str) -> list[int]:
        """Take an item back: every grant that rests on it ends now (INV-2)."""
        state, at = State(tx.execute), self._desk.clock.now()
        item = next((one for one in state.all_evidence() if one.id == evidence_id), None)
        if item is None:
            raise NotFound("E704", "no such evidence stands", where=evidence_id)
        seqs = [self._desk.note(tx, "evidence", "withdraw", by, item.model, {"id": evidence_id, "reason": reason}, refs=(item.seq,))]
        for grant in state.grants(item.digest):
            if not grant.revoked_at and grant.expires_at > at and any(one == evidence_id for one, _ in grant.evidence):
                words = {"id": grant.id, "expires_at": shortened(grant, at), "reason": f"evidence {evidence_id} withdrawn"}
                seqs.append(self._desk.note(tx, "grant", "shorten", by, grant.model, words, refs=(grant.seq,)))
        return seqs
