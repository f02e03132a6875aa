"""How FHIR becomes OMOP, read from `maps/omop`: edges (resource -> table), fields, roles, lists of codes, what is left out, types.

Conventions are overlays: rows that replace rows of `fields.csv`, each with the statement of the guide that it departs from or a reason.
Ours ship in `maps/omop/conventions`, a site's own is any CSV file of the same columns. Fault for a row that means nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from trivet.data.omop.model import cdm
from trivet.data.omop.paths import parsed
from trivet.kernel.errors import Usage
from trivet.kernel.resources import text

__all__ = ["Edge", "Field", "Rules", "read_rules"]

HOWS = frozenset(
    [
        "person",
        "reference",
        "self",
        "id",
        "person_text",
        "text",
        "joined",
        "composite",
        "composite_text",
        "fitting",
        "number",
        "integer",
        "constant",
        "date",
        "datetime",
        "date_part",
        "midnight",
        "moment",
        "after_days",
        "wall",
        "wall_date",
        "wall_datetime",
        "listed",
        "listed0",
        "listed_raw0",
        "listed_source",
        "one_listed",
        "first_listed",
        "coded",
        "coded0",
        "coded_or_none",
        "unit",
        "unit_or_none",
        "type",
        "standard",
        "source",
        "source_code",
        "allergy",
        "reaction",
        "name",
        "name_always",
        "withheld",
        "free_text",
        "nothing",
        "setting",
    ]
)
PREFIX = {
    "condition_occurrence": "condition",
    "drug_exposure": "drug",
    "procedure_occurrence": "procedure",
    "measurement": "measurement",
    "observation": "observation",
    "device_exposure": "device",
    "specimen": "specimen",
}


class Edge(NamedTuple):
    """One way of a resource (or of each of its `each`) into a table. Route `domain`: the standard concept's domain decides."""

    edge: str
    resource: str
    each: str
    code: str
    order: tuple[str, ...]
    table: str
    route: str
    needs: str


class Field(NamedTuple):
    """One value: into `target` (a column, or a role that `roles.csv` names), by `how`, from a path, with an argument."""

    edge: str
    target: str
    how: str
    source: str
    argument: str


@dataclass(slots=True)
class Rules:
    """All tables, indexed. `settings` are targets that begin with @."""

    edges: dict[str, list[Edge]] = field(default_factory=dict)
    fields: dict[tuple[str, str], Field] = field(default_factory=dict)
    roles: dict[str, dict[str, list[tuple[str, str]]]] = field(default_factory=dict)
    codes: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)
    excluded: list[dict[str, str]] = field(default_factory=list)
    types: list[dict[str, str]] = field(default_factory=list)
    settings: dict[tuple[str, str], str] = field(default_factory=dict)
    _of: dict[str, list[Field]] = field(default_factory=dict)

    def of(self, edge: str) -> list[Field]:
        """The fields of an edge; `Observation.component` takes what it does not say itself from `Observation`."""
        if edge not in self._of:
            base = edge.partition(".")[0]
            named = {name: rule for (owner, name), rule in self.fields.items() if edge == "Observation.component" and owner == base}
            named |= {name: rule for (owner, name), rule in self.fields.items() if owner == edge}
            self._of[edge] = list(named.values())
        return self._of[edge]

    def setting(self, edge: str, name: str) -> str:
        """A setting of an edge, of its resource, or of all."""
        for owner in (edge, edge.partition(".")[0], "*"):
            if (owner, name) in self.settings:
                return self.settings[owner, name]
        return ""


def _rows(*path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text("trivet.maps", "omop", *path).splitlines()))


def shipped_conventions(name: str) -> list[dict[str, str]]:
    """The rows of a shipped overlay."""
    return _rows("conventions", f"{name}.csv")


@cache
def _shipped() -> Rules:
    rules = Rules()
    for row in _rows("edges.csv"):
        edge = Edge(**row | {"order": tuple(one.replace("_", " ") for one in row["order"].split())})  # type: ignore[arg-type]
        rules.edges.setdefault(edge.resource, []).append(edge)
    for row in _rows("roles.csv"):
        rules.roles.setdefault(row["table"], {}).setdefault(row["role"], []).append((row["column"], row["as"]))
    for row in _rows("codes.csv"):
        rules.codes.setdefault(row["map"], {})[row["code"]] = (row["vocabulary"], row["concept_code"])
    for name in [name for name in rules.codes if ":" in name]:  # `visit:fhir2omop` is `visit` with the rows that it changes
        rules.codes[name] = {**rules.codes[name.partition(":")[0]], **rules.codes[name]}
    rules.systems = {row["system"]: row["vocabulary"] for row in _rows("systems.csv")}
    rules.domains = {row["domain"]: row["table"] for row in _rows("domains.csv")}
    rules.excluded, rules.types = _rows("excluded.csv"), _rows("types.csv")
    _lay(rules, _rows("fields.csv"), "maps/omop/fields.csv")
    return rules


def read_rules(overlays: Sequence[tuple[str, Iterable[Mapping[str, str]]]] = ()) -> Rules:
    """The shipped rules with overlays, each (name, rows), laid over them in order. Usage for a row that means nothing."""
    base = _shipped()
    rules = Rules(
        base.edges, dict(base.fields), base.roles, base.codes, base.systems, base.domains, base.excluded, base.types, dict(base.settings)
    )
    for name, rows in overlays:
        _lay(rules, rows, name)
    return rules


def _lay(rules: Rules, rows: Iterable[Mapping[str, str]], name: str) -> None:
    known = {edge.edge: edge for edges in rules.edges.values() for edge in edges}
    for number, row in enumerate(rows, 2):
        edge, target, how = row["edge"], row["target"], row["how"]
        where = f"{name}:{number}"
        if how not in HOWS:
            raise Usage("E810", "a row of the OMOP tables names no way to make a value", where=where, why=how)
        if target.startswith("@"):
            rules.settings[edge, target] = row["with"]
            continue
        if edge not in known and edge not in ("ObservationPeriod",):
            raise Usage("E811", "a row of the OMOP tables names no edge", where=where, why=edge)
        if edge in known and not _is_target(rules, known[edge], target):
            raise Usage("E812", "a row of the OMOP tables names no column and no role", where=where, why=f"{edge}.{target}")
        if row["from"] and not row["from"].startswith("@"):
            parsed(row["from"])
        rules.fields[edge, target] = Field(edge, target, how, row["from"], row["with"])


def _is_target(rules: Rules, edge: Edge, target: str) -> bool:
    if edge.route != "domain":
        return target in cdm()[edge.table].names
    return target in ("person", "visit", "provider") or any(target in roles for roles in rules.roles.values())
