"""Separation of duties, read from `maps/governance/separation.csv` and enforced inside the transaction that would break it.

In: who wants to hold a seat or to vote. Out: nothing. Refused (E710): every forbidden combination, with the rule's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trivet.contracts.governance import Evidence, Failing, Release
from trivet.governance.policy import Policy
from trivet.kernel.errors import Refused

__all__ = ["against_holding", "against_vote", "refuse"]


def against_holding(policy: Policy, seat: str, principal: str, held: Mapping[str, str], releases: Iterable[Release]) -> list[Failing]:
    """Rules that forbid `principal` to take `seat` of a system whose seats are `held` and whose versions are `releases`.

    S9: whoever already holds counts, however they came to hold it.
    """
    developers = {developer for release in releases for developer in release.developers}
    own = {name for name, holder in held.items() if holder == principal and name != seat}
    found = []
    for rule in policy.rules:
        if not rule.enforced:
            continue
        if rule.kind == "seats-apart":
            clash = own & set(rule.right) if seat == rule.left else own & {rule.left} if seat in rule.right else set()
            if clash:
                found.append(Failing(rule.id, f"{rule.text} ({seat} and {', '.join(sorted(clash))})", (principal,)))
        elif rule.kind == "developer-holds" and seat in rule.right and principal in developers:
            found.append(Failing(rule.id, f"{rule.text} ({seat})", (principal,)))
    return found


def against_vote(
    policy: Policy,
    seat: str,
    principal: str,
    release: Release,
    versions: Iterable[Release],
    evidence: Iterable[Evidence],
    suspended_by: str,
) -> list[Failing]:
    """Rules that forbid `principal` to vote from `seat` on `release`, given every version of the model and the evidence seen."""
    developers = {developer for version in versions for developer in version.developers} | set(release.developers)
    producers = {item.produced_by for item in evidence}
    broken = {
        "requester-votes": principal == release.requested_by,
        "developer-votes": principal in developers,
        "producer-votes": principal in producers,
        "resume-by-others": bool(suspended_by) and principal == suspended_by,
    }
    return [
        Failing(rule.id, rule.text, (principal,))
        for rule in policy.rules
        if rule.enforced and broken.get(rule.kind, False) and ("*" in rule.right or seat in rule.right)
    ]


def refuse(what: str, found: list[Failing], where: str) -> None:
    """Raise Refused E710 with the first rule's words when anything was found."""
    if found:
        raise Refused(
            "E710",
            what,
            failed=tuple(dict.fromkeys(item.code for item in found)),
            where=where,
            why=found[0].text,
            help="trivet promote --list",
        )
