"""Rules of de-identification as data: a place, what is done with it, and why.

Two forms are read. Ours is a CSV with the columns `path`, `method`, `argument`, `class` (the identifier class of 45 CFR 164.514(b)(2)(i)
that the rule answers) and `why`; what no rule names is taken out. The other is the JSON configuration that FHIR anonymizers share
(`fhirPathRules`, `parameters`), in which what no rule names is kept. The first rule that names a node decides it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trivet.kernel.errors import Usage
from trivet.kernel.jsontext import loads
from trivet.kernel.resources import text

__all__ = ["METHODS", "Rule", "RuleSet", "policies", "read_rules", "shipped"]

METHODS = ("keep", "redact", "cryptoHash", "dateShift", "year", "substitute", "generalize", "perturb", "mask", "encrypt")
COLUMNS = {"path", "method", "argument", "class", "why"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `arguments` are the method's own (`cases`, `replaceWith`, `span`, ...)."""

    path: str
    method: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    identifier_class: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`closed`: what no rule names is taken out. `partial_*`: redaction keeps a year, an age up to 89, three digits of a ZIP code.

    `scope` is `person` (intervals within one person's records survive) or `resource`; `days` the most that a date is moved by.
    """

    name: str
    rules: tuple[Rule, ...]
    closed: bool = True
    partial_dates: bool = True
    partial_ages: bool = True
    partial_zips: bool = True
    restricted_zips: frozenset[str] = frozenset()
    scope: str = "person"
    days: int = 50
    skip_errors: bool = False


def read_rules(path: Path, restricted: frozenset[str] = frozenset()) -> RuleSet:
    """A rule file of either form. Usage E702 for what is neither, E703 for a method that nobody defined."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(
            "E702", "the rules cannot be read", where=str(path), why=type(error).__name__, help="trivet deidentify --help"
        ) from None
    return (
        parse_json(path.stem, content, str(path)) if content.lstrip()[:1] == "{" else parse_csv(path.stem, content, str(path), restricted)
    )


def shipped(policy: str) -> RuleSet:
    """One of our own policies by name: what holds for all, then its rows about dates. Usage E702 for a name that is none."""
    rows = csv.DictReader(io.StringIO(text("trivet.maps", "privacy", "policies.csv")))
    own = [row for row in rows if row["policy"] == policy]
    if not own:
        raise Usage("E702", f"no policy named {policy}", why="known: " + ", ".join(policies()), help="trivet deidentify --help")
    restricted = {row["zip3"] for row in csv.DictReader(io.StringIO(text("trivet.maps", "privacy", "restricted_zips.csv")))}
    shared = csv.DictReader(io.StringIO(text("trivet.maps", "privacy", "elements.csv")))
    rules = [rule_of(row, f"{policy}:{number}") for number, row in enumerate([*shared, *own], 1)]
    return RuleSet(policy, tuple(rules), restricted_zips=frozenset(restricted))


def policies() -> list[str]:
    """The names of the policies that ship."""
    rows = csv.DictReader(io.StringIO(text("trivet.maps", "privacy", "policies.csv")))
    return sorted({row["policy"] for row in rows})


def rule_of(row: Mapping[str, str], where: str) -> Rule:
    """One row of our own form."""
    try:
        argument = loads(row["argument"]) if row["argument"] else {}
    except ValueError as error:
        raise Usage("E702", "a rule's argument is not JSON", where=where, why=str(error)) from None
    return Rule(row["path"], known(row["method"], where), argument, row["class"], row["why"])


def parse_csv(name: str, content: str, where: str, restricted: frozenset[str] = frozenset()) -> RuleSet:
    """Our own form."""
    rows = csv.DictReader(io.StringIO(content))
    if set(rows.fieldnames or ()) != COLUMNS:
        raise Usage("E702", "the rules have other columns", where=where, why="needs " + ", ".join(sorted(COLUMNS)))
    rules = tuple(rule_of(row, f"{where}:{line}") for line, row in enumerate(rows, 2))
    return RuleSet(name, rules, restricted_zips=restricted)


def parse_json(name: str, content: str, where: str) -> RuleSet:
    """The shared JSON form. Its methods are spelt without regard to case."""
    try:
        held = loads(content)
        given = held["fhirPathRules"]
    except (ValueError, KeyError, TypeError) as error:
        raise Usage("E702", "the rules are not a configuration with fhirPathRules", where=where, why=str(error)) from None
    parameters = held.get("parameters") or {}
    rules = []
    for number, entry in enumerate(given, 1):
        place = f"{where} rule {number}"
        if not isinstance(entry, dict) or "path" not in entry or "method" not in entry:
            raise Usage("E702", "a rule needs path and method", where=place)
        arguments = {key: value for key, value in entry.items() if key not in ("path", "method")}
        rules.append(Rule(str(entry["path"]), known(str(entry["method"]), place), arguments))
    return RuleSet(
        name,
        tuple(rules),
        closed=False,
        partial_dates=bool(parameters.get("enablePartialDatesForRedact", False)),
        partial_ages=bool(parameters.get("enablePartialAgesForRedact", False)),
        partial_zips=bool(parameters.get("enablePartialZipCodesForRedact", False)),
        restricted_zips=frozenset(parameters.get("restrictedZipCodeTabulationAreas", ())),
        scope=str(parameters.get("dateShiftScope", "resource")).lower(),
        skip_errors=held.get("processingErrors") == "skip",
    )


def known(method: str, where: str) -> str:
    """The method as it is spelt here."""
    found = next((one for one in METHODS if one.lower() == method.lower()), None)
    if found is None:
        raise Usage("E703", f"no such method: {method}", where=where, why="known: " + ", ".join(METHODS))
    return found
