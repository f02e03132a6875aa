"""De-identify one resource: rules in their order, then (where the table is closed) everything that no rule named is taken out.

In: a resource as plain JSON. Out: another one, with security labels that say what was done, and a count by rule. Pure: the same
resource, rules and key give the same output anywhere.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from trivet.data.deid.methods import Scope, apply
from trivet.data.deid.paths import compile_rule_path
from trivet.data.deid.rules import Rule, RuleSet
from trivet.data.deid.tree import Node, read_tree
from trivet.kernel.errors import Usage
from trivet.kernel.fhirpath import Types
from trivet.kernel.resources import text

__all__ = ["Deidentifier", "Outcome"]

OBSERVATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
LABELS = {
    "redacted": {"system": OBSERVATION, "code": "REDACTED", "display": "redacted"},
    "abstracted": {"system": OBSERVATION, "code": "ABSTRED", "display": "abstracted"},
    "hashed": {"system": OBSERVATION, "code": "CRYTOHASH", "display": "cryptographic hash function"},
    "encrypted": {"system": OBSERVATION, "code": "MASKED", "display": "masked"},
    "perturbed": {"code": "PERTURBED", "display": "exact value is replaced with another exact value"},
    "substituted": {"code": "SUBSTITUTED", "display": "exact value is replaced with a predefined value"},
    "generalized": {"code": "GENERALIZED", "display": "exact value is replaced with a general value"},
}
PEOPLE = ("subject", "patient", "beneficiary", "individual", "for")


@dataclass(slots=True)
class Outcome:
    """`resource` is the de-identified one; `counts` says how many values each rule (by its path) decided; `marks` what was done."""

    resource: dict[str, Any]
    counts: Counter[str] = field(default_factory=Counter)
    marks: set[str] = field(default_factory=set)


class Deidentifier:
    """Compiled rules. `key` is the export's own secret, `today` the year in which ages are told; `labels` false: no security labels."""

    def __init__(self, rules: RuleSet, types: Types, key: bytes, today: int, *, labels: bool = True) -> None:
        self.rules, self.types, self.key, self.today, self.labels = rules, types, key, today, labels
        self.compiled: list[tuple[Rule, Callable[[Node], list[Node]]]] = []
        for rule in rules.rules:
            try:
                self.compiled.append((rule, compile_rule_path(rule.path, types)))
            except Usage:
                if not rules.skip_errors:
                    raise

    def __call__(self, resource: dict[str, Any], person: str = "") -> Outcome:
        """One resource, with those inside it. `person` names whose it is where the resource itself does not."""
        root = read_tree(resource, self.types)
        scopes = {id(node): self._scope(node, person) for node in root.family() if node.resource}
        marks: dict[int, set[str]] = {}
        outcome = Outcome({})
        for rule, find in self.compiled:
            for node in find(root):
                if node.done and rule.method != "redact":
                    continue
                home = owner(node)
                made = apply(rule.method, node, rule.arguments, scopes[id(home)])
                marks.setdefault(id(home), set()).update(made)
                outcome.counts[rule.path] += 1
        if self.rules.closed:
            self._close(root, marks, outcome)
        if self.labels:
            for node in [one for one in root.family() if one.resource and one.key != "contained"]:
                self._label(node, set().union(*(marks.get(id(one), set()) for one in node.family())))
        outcome.marks = set().union(*marks.values()) if marks else set()
        outcome.resource = root.json()
        return outcome

    def _close(self, root: Node, marks: dict[int, set[str]], outcome: Outcome) -> None:
        """Deny by default: a value that no rule named goes, and one that is not of its element's type (a name where a code stands)."""
        for node in list(root.family()):
            if node.value is not None and not (node.done and fits(node)):
                node.value = None
                marks.setdefault(id(owner(node)), set()).add("redacted")
                outcome.counts["(no rule)"] += 1

    def _scope(self, node: Node, person: str) -> Scope:
        home = owner(node)
        if self.rules.scope == "person":
            name = whose(home) or person or own_id(home)
            drawn = int.from_bytes(hmac.new(self.key, b"trivet deidentify days " + name.encode(), hashlib.sha256).digest()[:8])
        else:
            name = own_id(home) if self.rules.scope == "resource" else ""
            drawn = interchange(name, self.key, self.rules.days)
        days = drawn % (2 * self.rules.days + 1) - self.rules.days
        return Scope(self.rules, self.types, self.key, days, self.today)

    def _label(self, node: Node, marks: set[str]) -> None:
        """Put what was done where FHIR says it stands: `meta.security`."""
        if not marks:
            return
        meta = next((child for child in node.children if child.key == "meta"), None)
        if meta is None:
            meta = Node("meta", "meta", "Meta", node)
            node.children.insert(1, meta)
        known = {child.json().get("code") for child in meta.children if child.key == "security" and not child.empty()}
        for mark, label in LABELS.items():
            if mark in marks and label["code"] not in known:
                made = read_tree({"resourceType": "Meta", "security": [label]}, self.types).children
                meta.children += made


@cache
def required_codes() -> dict[str, frozenset[str]]:
    """Element path -> the codes that may stand there, where FHIR R4 binds it so (binding strength required)."""
    sets: dict[str, set[str]] = {}
    for row in csv.DictReader(io.StringIO(text("trivet.maps", "fhir", "bindings.csv"))):
        sets.setdefault(row["valueset"], set()).update(row["codes"].split())
    rows = csv.DictReader(io.StringIO(text("trivet.maps", "fhir", "elements.csv")))
    bound = {row["path"]: row["valueset"].split("|")[0] for row in rows if row["strength"] == "required"}
    return {path: frozenset(sets[valueset]) for path, valueset in bound.items() if sets.get(valueset)}


SHAPES = {
    "code": re.compile(r"[^\s]+( [^\s]+)*"),
    "id": re.compile(r"[A-Za-z0-9.-]{1,64}"),
    "date": re.compile(r"\d{4}(-\d\d(-\d\d)?)?"),
    "dateTime": re.compile(r"\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?)?)?"),
    "instant": re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?"),
    "time": re.compile(r"[\d:.]+"),
}


def fits(node: Node) -> bool:
    """Is a value what its element's type says? Only then does a rule about the type speak of it."""
    held = node.value
    if node.kind == "boolean":
        return isinstance(held, bool)
    if node.kind in ("integer", "positiveInt", "unsignedInt", "decimal"):
        return isinstance(held, int | Decimal) and not isinstance(held, bool)
    if not isinstance(held, str):
        return False
    bound = required_codes().get(f"{node.parent.kind}.{node.word}") if node.kind == "code" and node.parent is not None else None
    if bound is not None:
        return held in bound
    shape = SHAPES.get(node.kind)
    return node.kind[:1].islower() and (shape is None or shape.fullmatch(held) is not None)


def interchange(name: str, key: bytes, days: int) -> int:
    """The draw of the shared configuration's `resource` scope: a polynomial over name and key, modulo the range."""
    drawn = 0
    for sign in name.encode() + key:
        drawn = (drawn * 131 + sign) % (2 * days + 1)
    return drawn


def owner(node: Node) -> Node:
    """The resource that a node belongs to; a contained one belongs to the one around it."""
    while node.parent is not None and not (node.resource and node.key != "contained"):
        node = node.parent
    return node


def own_id(node: Node) -> str:
    """The resource's id as it came; empty when it has none."""
    return next((str(child.value) for child in node.children if child.key == "id" and child.value is not None), "")


def whose(node: Node) -> str:
    """`Patient/<id>` of the person that a resource speaks of; empty when it does not say."""
    if node.kind == "Patient":
        return "Patient/" + own_id(node)
    for child in node.children:
        if child.word in PEOPLE:
            for one in child.children:
                if one.word == "reference" and isinstance(one.value, str) and "Patient/" in one.value:
                    return "Patient/" + one.value.rpartition("Patient/")[2].partition("/")[0]
    return ""
