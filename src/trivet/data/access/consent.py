"""What a person consented to: FHIR R4 Consent resources as they stand now, held against a purpose.

In: a person and a purpose. Out: may their data be read for it? No consent on file is no refusal: the law of the site decides that, in
policies. Among a person's active consents the strictest counts. A refusal whose limits are not understood here (an actor, a code, a label)
counts as a whole refusal, a permission with such limits as none: a mistake is always on the person's side. Source: FHIR R4 Consent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trivet.contracts.ports import Store
from trivet.kernel import jsontext
from trivet.kernel.resources import text

__all__ = ["Consents", "refuses"]

LIMITS = ("actor", "action", "securityLabel", "class", "code", "data")
OPT_OUT = {"OPTOUT", "OPTOUTE", "DISSENT"}


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class Consents:
    """Reads consents out of the store whenever it is asked: what was withdrawn a moment ago counts."""

    def __init__(self, store: Store, within: Mapping[str, str]) -> None:
        self._store, self._within = store, within

    def refused(self, purpose: str, now: str) -> dict[str, str]:
        """Every person whose consent refuses a purpose at an instant, with the key of the record that says so."""
        return self._judge(self._store.read(_sql("consent_all")), purpose, now)

    def of(self, person: str, purpose: str, now: str) -> str:
        """The key of the record by which this person refuses; empty when nothing does."""
        return self._judge(self._store.read(_sql("consent_of"), (person,)), purpose, now).get(person, "")

    def _judge(self, rows: Iterable[tuple[Any, ...]], purpose: str, now: str) -> dict[str, str]:
        wanted = {purpose, self._within.get(purpose, purpose)}
        return {person: key for person, key, body in rows if person and refuses(jsontext.loads(body), wanted, now)}


def refuses(consent: Mapping[str, Any], purposes: set[str], now: str) -> bool:
    """Does one consent refuse any of these purposes (a purpose and the one it lies within) at an instant?"""
    if consent.get("status") != "active":
        return False
    provision = consent.get("provision") or {}
    rule = {coding.get("code") for coding in (consent.get("policyRule") or {}).get("coding", ())}
    base = provision.get("type") or ("deny" if rule & OPT_OUT else "permit")
    if not covers(provision.get("period"), now):
        return False
    named = codes(provision)
    if base == "deny":
        about = not named or bool(named & purposes)
        return about and not any(excepts(inner, purposes, now) for inner in provision.get("provision", ()))
    return any(denies(inner, purposes, now) for inner in provision.get("provision", ())) or bool(named and not named & purposes)


def excepts(provision: Mapping[str, Any], purposes: set[str], now: str) -> bool:
    """Is this an exception from a refusal that permits the purpose, wholly and now?"""
    permits = provision.get("type", "permit") == "permit" and covers(provision.get("period"), now)
    if not permits or any(provision.get(limit) for limit in LIMITS):
        return False
    named = codes(provision)
    inner = any(denies(one, purposes, now) for one in provision.get("provision", ()))
    return (not named or bool(named & purposes)) and not inner


def denies(provision: Mapping[str, Any], purposes: set[str], now: str) -> bool:
    """Is this an exception from a permission that refuses the purpose now, or any part of it?"""
    if not covers(provision.get("period"), now):
        return False
    named = codes(provision)
    if provision.get("type") == "deny" and (not named or named & purposes):
        return not any(excepts(one, purposes, now) for one in provision.get("provision", ()))
    return any(denies(one, purposes, now) for one in provision.get("provision", ()))


def codes(provision: Mapping[str, Any]) -> set[str]:
    """The purposes that a provision names."""
    return {str(one.get("code")) for one in provision.get("purpose", ())}


def covers(period: Mapping[str, Any] | None, now: str) -> bool:
    """Does a period cover an instant? An open end is open; a day counts to its end."""
    start, end = str((period or {}).get("start", "")), str((period or {}).get("end", ""))
    return (not start or start[:10] <= now[:10]) and (not end or now[:10] <= end[:10].ljust(10, "9"))
