"""The one decision point: may this role read this sort of data for this purpose?

In: role, purpose, sort, whether a reason was given. Out: a `Ruling` that names the policies which decided. Policies are Cedar (default
deny, a forbid beats every permit); the shipped ones can be followed by a site's own, which may forbid more or permit more, each by name.
Refused: policies that do not fit the schema, an unknown role or purpose.
"""

from __future__ import annotations

import csv
import io
import json
from functools import lru_cache
from pathlib import Path

import cedarpy

from trivet.contracts.access import Caller, Ruling
from trivet.kernel.errors import Fault, Usage
from trivet.kernel.resources import text

__all__ = ["Decider"]

PACKAGE = ("trivet.maps", "access")


def table(name: str) -> list[dict[str, str]]:
    """Rows of one of the tables."""
    return list(csv.DictReader(io.StringIO(text(*PACKAGE, name))))


class Decider:
    """Policies of the product and of one site. `site` is the word that grants are bound to."""

    def __init__(self, site: str, overlay: Path | None = None) -> None:
        self.site = site
        own = overlay.read_text(encoding="utf-8") if overlay is not None and overlay.is_file() else ""
        self.policies = text(*PACKAGE, "policies.cedar") + "\n" + own
        schema = text(*PACKAGE, "schema.cedarschema")
        try:
            valid = cedarpy.validate_policies(self.policies, schema)
            held = json.loads(cedarpy.policies_to_json_str(self.policies))["staticPolicies"]
        except ValueError as error:
            raise self._unfit(overlay, str(error)) from None
        if not valid.validation_passed:
            raise self._unfit(overlay, "; ".join(str(error) for error in valid.errors)[:500])
        self.annotations: dict[str, dict[str, str]] = {name: policy.get("annotations", {}) for name, policy in held.items()}
        self.roles = {row["role"]: row["who"] for row in table("roles.csv")}
        self.purposes = {row["purpose"]: row["within"] or row["purpose"] for row in table("purposes.csv")}
        self.rule = lru_cache(maxsize=1024)(self._rule)

    @staticmethod
    def _unfit(overlay: Path | None, why: str) -> Fault:
        return Fault("E290", "the access policies cannot be used", where=str(overlay or "maps/access/policies.cedar"), why=why)

    def within(self, purpose: str) -> str:
        """The purpose that a narrower one belongs to. Usage E291 for one that nobody defined."""
        if purpose not in self.purposes:
            raise Usage("E291", f"no such purpose: {purpose}", why="known: " + ", ".join(self.purposes), help="--purpose HOPERAT")
        return self.purposes[purpose]

    def ask(self, caller: Caller, sort: str) -> Ruling:
        """May this caller read data of this sort?"""
        if caller.role not in self.roles:
            raise Usage("E291", f"no such role: {caller.role}", why="known: " + ", ".join(self.roles), help="--role steward")
        ruling: Ruling = self.rule(caller.role, caller.purpose, self.within(caller.purpose), bool(caller.reason.strip()), sort)
        return ruling

    def _rule(self, role: str, purpose: str, within: str, reasoned: bool, sort: str) -> Ruling:
        request = {
            "principal": f'Role::"{role}"',
            "action": 'Action::"read"',
            "resource": f'Sort::"{sort}"',
            "context": {"purpose": purpose, "within": within, "reasoned": reasoned, "site": self.site},
        }
        answer = cedarpy.is_authorized(request, self.policies, [])
        if answer.diagnostics.errors:
            raise Fault("E290", "an access policy broke while it was asked", why="; ".join(map(str, answer.diagnostics.errors))[:500])
        notes = [(name, self.annotations.get(name, {})) for name in answer.diagnostics.reasons]
        names = tuple(sorted(note.get("id", name) for name, note in notes))
        owed = tuple(sorted({note["obligation"] for _, note in notes if "obligation" in note}))
        return Ruling(answer.decision == cedarpy.Decision.Allow, names, owed)
