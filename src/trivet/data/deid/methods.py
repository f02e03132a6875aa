"""What a rule does with a node. Each gives the mark that the resource's security label then carries.

Dates move by whole days, the same number for everything in one scope; the hour is not kept. Hashes are HMAC-SHA-256 under the
export's own key, so that they join within one export and to nothing else. Sources: 45 CFR 164.514(b)(2); FHIR R4 security labels.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trivet.data.deid.rules import RuleSet
from trivet.data.deid.tree import Node, read_tree
from trivet.kernel.errors import Usage
from trivet.kernel.fhirpath import Types, compile_path
from trivet.kernel.fhirpath.temporal import Temporal

__all__ = ["Scope", "apply"]

DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(T[0-9:.]+)?(Z|[+-]\d\d:\d\d)?")
DATES = ("date", "dateTime", "instant")
REFERENCE = re.compile(r"(#|urn:uuid:|urn:oid:|(?:.*/)?[A-Z][A-Za-z]+/)([^/]+)(?:/_history/.*)?")
OLDEST = 89
"""Ages over 89 are one group: 45 CFR 164.514(b)(2)(i)(C)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is the same for a whole resource: its rules, key, by how many days its dates move, and the year of today."""

    rules: RuleSet
    types: Types
    key: bytes
    days: int
    today: int


def apply(method: str, node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """Do it to a node and what is below it, but to nothing that an earlier rule decided. Gives the marks."""
    if method == "substitute":
        return substitute(node, arguments, scope)
    marks = set[str]()
    for one in list(within(node, into_primitives=method in ("keep", "redact"))):
        if one.done:
            continue
        one.done = method in ("keep", "redact") or one is node or one.value is not None
        if method != "keep" and one.value is not None:
            marks |= VALUES[method](one, arguments, scope)
    return marks


def within(node: Node, *, into_primitives: bool) -> Iterator[Node]:
    """A node and what is below it, but not the resources inside; below a primitive only where its extensions are meant too."""
    yield node
    if into_primitives or not node.primitive():
        for child in node.children:
            if not child.resource:
                yield from within(child, into_primitives=into_primitives)


def redact(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """Take it out; unless it must go `whole`, leave what is safe: the year, an age up to 89, three digits of a ZIP code."""
    held, rules = node.value, scope.rules
    if arguments.get("whole"):
        node.value = None
        return {"redacted"}
    if node.kind in DATES and rules.partial_dates and isinstance(held, str) and DATE.fullmatch(held):
        node.value = held[:4]
        return {"abstracted"}
    if node.parent is not None and node.parent.kind == "Age" and node.word in ("value", "unit", "code", "system") and rules.partial_ages:
        return partial_age(node)
    if node.word == "postalCode" and rules.partial_zips and isinstance(held, str):
        hidden = 0 if held[:3] in rules.restricted_zips else 3
        node.value = held[:hidden] + re.sub(r"\d", "0", held[hidden:])
        return {"abstracted"}
    node.value = None
    return {"redacted"}


def partial_age(node: Node) -> set[str]:
    """An age up to 89 stays; an older one goes, its unit with it."""
    siblings = node.parent.children if node.parent else []
    value = next((one.value for one in siblings if one.word == "value" and one.value is not None), None)
    if value is not None and Decimal(value) <= OLDEST:
        return {"abstracted"}
    node.value = None
    return {"redacted"}


def year(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """The year of a date. With `age`, a year of birth that makes somebody older than that today is taken out."""
    held = DATE.fullmatch(str(node.value))
    if not held or (arguments.get("age") and scope.today - int(held[1]) > int(arguments["age"])):
        node.value = None
        return {"redacted"}
    node.value = held[1]
    return {"abstracted"}


def shift(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """Move a date by the scope's days. A date without its day cannot move: its year stays where the rules allow that."""
    held = DATE.fullmatch(str(node.value))
    if node.kind not in DATES or not held:
        node.value = None
        return {"redacted"}
    if not held[3]:
        node.value = held[1] if scope.rules.partial_dates else None
        return {"abstracted"} if node.value else {"redacted"}
    try:
        moved = date(int(held[1]), int(held[2]), int(held[3])) + timedelta(days=scope.days)
    except (ValueError, OverflowError):
        node.value = None
        return {"redacted"}
    node.value = moved.isoformat() + (f"T00:00:00{held[5] or ''}" if held[4] else "")
    return {"perturbed"}


def digest(text: str, scope: Scope) -> str:
    """HMAC-SHA-256 in hexadecimal."""
    return hmac.new(scope.key, text.encode(), hashlib.sha256).hexdigest()


def hashed(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """A reference keeps its type and has its id hashed; anything else is hashed whole."""
    held = str(node.value)
    if node.word == "display" and node.parent is not None and node.parent.kind == "Reference":
        node.value = None
        return {"redacted"}
    kind, asked, query = held.partition("?")
    place = node.word in ("reference", "fullUrl")
    if place and asked:
        node.value = f"{kind}/{digest(query, scope)}"
    elif place and (found := REFERENCE.fullmatch(held)):
        made = digest(found[2], scope)
        node.value = found[1] + (str(UUID(made[:32])) if found[1] == "urn:uuid:" else made)
    else:
        node.value = digest(held, scope)
    return {"hashed"}


def generalize(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """The first case whose condition holds gives the value; none: `otherValues` says keep or redact."""
    item = scope.types.item(node.kind, node.value)
    for condition, target in dict(arguments.get("cases", {})).items():
        found = compile_path(condition, scope.types)(item)
        if len(found) == 1 and found[0].value is True:
            made = compile_path(str(target), scope.types)(item)
            node.value = plain(made[0].value) if len(made) == 1 else None
            return {"generalized"}
    if arguments.get("otherValues", "redact") == "keep":
        return set()
    node.value = None
    return {"redacted"}


def plain(value: Any) -> Any:
    """A computed value as JSON."""
    return value.text if isinstance(value, Temporal) else value


def perturb(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """A number moved by up to half of `span` (fixed, or proportional to it), the same way for the same key and value; rounded."""
    if isinstance(node.value, bool) or not isinstance(node.value, int | Decimal):
        return redact(node, arguments, scope)
    value = Decimal(node.value)
    drawn = Decimal(int(digest(f"{node.word} {value}", scope)[:12], 16)) / (16**12) - Decimal("0.5")
    span = Decimal(str(arguments.get("span", 1))) * (abs(value) if arguments.get("rangeType") == "proportional" else 1)
    moved = (value + drawn * span).quantize(Decimal(1).scaleb(-int(arguments.get("roundTo", 2))), ROUND_HALF_EVEN)
    node.value = int(moved) if isinstance(node.value, int) else moved
    return {"perturbed"}


def mask(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """Take a value out and say so in its place: the extension data-absent-reason, `masked`."""
    node.value, node.children = None, []
    extension = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
    for child in read_tree({"resourceType": "Element", **extension}, scope.types).children:
        for one in child.family():
            one.done = True
        child.parent = node
        node.children.append(child)
    return {"redacted"}


def encrypt(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """AES-256-GCM under a key derived from the export's; the nonce comes from the value, so that equal values join."""
    held = str(node.value).encode()
    key = hmac.new(scope.key, b"trivet deidentify encrypt", hashlib.sha256).digest()
    nonce = hmac.new(key, held, hashlib.sha256).digest()[:12]
    node.value = (nonce + AESGCM(key).encrypt(nonce, held, None)).hex()
    return {"encrypted"}


def substitute(node: Node, arguments: Mapping[str, Any], scope: Scope) -> set[str]:
    """Another value, or another content, in its place. What an earlier rule decided stays."""
    given = arguments.get("replaceWith")
    if given is None:
        raise Usage("E703", "substitute needs replaceWith", where=node.kind)
    if node.done:
        return set()
    if not isinstance(given, dict):
        node.value, node.done = given, True
        return {"substituted"}
    decided = [kept for child in node.children if (kept := prune(child))]
    held = {child.key for child in decided if child.done}
    fresh = read_tree({"resourceType": node.kind, **given}, scope.types).children
    node.children = [child for child in fresh if child.key not in held] + decided
    for child in fresh:
        child.parent = node
        for one in child.family():
            one.done = True
    node.done = True
    return {"substituted"}


def prune(node: Node) -> Node | None:
    """The node with only what is decided; None when nothing is."""
    if node.done:
        return node
    node.children = [kept for child in node.children if (kept := prune(child))]
    node.value = None
    return node if node.children else None


VALUES = {
    "redact": redact,
    "year": year,
    "dateShift": shift,
    "cryptoHash": hashed,
    "generalize": generalize,
    "perturb": perturb,
    "mask": mask,
    "encrypt": encrypt,
}
