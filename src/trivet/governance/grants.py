"""Grants: the permission to serve, and its arithmetic. INV-2: a grant never outlives its evidence and is only ever shortened.

In: a passed judgement. Out: the words of a grant. Refused: a judgement that failed, and any extension.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from trivet.contracts.governance import LIVE_STAGES, Evidence, Grant, Judgement, Release
from trivet.governance.policy import Policy
from trivet.kernel.errors import Refused

__all__ = ["expiry", "live", "shortened", "words_of"]


def expiry(evidence: Iterable[Evidence], review_at: str) -> str:
    """The earliest of all evidence expiries and the review date."""
    return min([review_at, *(item.expires_at for item in evidence)])


def words_of(
    policy: Policy, judgement: Judgement, release: Release, number: int, gate_run: int, sites: Sequence[str], uses: Sequence[str]
) -> dict[str, Any]:
    """The words of the grant that a passed judgement gives. Raises Refused E712 for one that did not pass."""
    if not judgement.passed:
        raise Refused(
            "E712", "a grant comes only from a passed gate", failed=tuple(item.code for item in judgement.failing), where=release.model
        )
    asked = [policy.uses[use] for use in uses]
    grant = Grant(
        id=f"G-{number:04d}",
        model=release.model,
        version=release.version,
        digest=release.digest,
        artefact=release.artefact,
        stage=judgement.stage_to,
        uses=tuple(uses),
        sites=tuple(sites),
        population=release.population,
        roles=tuple(sorted({role for use in asked for role in use.roles})),
        purposes=tuple(sorted({purpose for use in asked for purpose in use.purposes})),
        not_before=judgement.at,
        expires_at=judgement.expires_at,
        evidence=tuple((item.id, item.expires_at) for item in judgement.evidence),
        gate_run=gate_run,
    )
    return {name: value for name, value in asdict(grant).items() if name not in ("seq", "revoked_at")}


def shortened(grant: Grant, until: str) -> str:
    """The new end of a grant. Raises Refused E713 for a later one: a longer permission is a new gate run."""
    if until > grant.expires_at:
        raise Refused(
            "E713", "a grant is only ever shortened", where=grant.id, why=f"it ends at {grant.expires_at}", help="trivet promote MODEL"
        )
    return until


def live(grant: Grant, at: str, stages: Sequence[str] = LIVE_STAGES) -> bool:
    """Does it stand at this instant, for one of these stages?"""
    return not grant.revoked_at and grant.stage in stages and grant.not_before <= at < grant.expires_at
