"""Values of one row, each by the way that `fields.csv` names. In, an item, its choice of concept, the rules; out, a row."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trivet.data.omop import moments
from trivet.data.omop.account import Account
from trivet.data.omop.coding import Choice, codings, known
from trivet.data.omop.model import Column, Table, cdm
from trivet.data.omop.moments import Moment
from trivet.data.omop.paths import across, every, first
from trivet.data.omop.rules import Edge, Field, Rules
from trivet.data.omop.vocabulary import Concept, Vocabulary

if TYPE_CHECKING:
    from trivet.data.omop.frame import Frame

__all__ = ["Maker", "reference_key", "row_key"]

ALLERGY = ("SNOMED", "609328004")  # allergic disposition: what an allergy to a substance of another domain is a case of
FINDINGS = ("Clinical Finding", "Disorder", "Context-dependent", "Situation")  # concept classes that say more than a substance
UNSAID = ("UNK", "ASKU", "NI", "NASK")


def row_key(text: str) -> int:
    """A key of 63 bits out of a resource's type and id (f2o-021): the same on every run."""
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1) or 1


def reference_key(said: Any) -> str:
    """`Type/id` of a literal reference, without server and version; empty for anything else."""
    if not isinstance(said, str) or said.startswith("#"):
        return ""
    parts = said.partition("/_history/")[0].split("/")
    return "/".join(parts[-2:]) if len(parts) >= 2 and parts[-2] and parts[-1] else ""


@dataclass(slots=True)
class Maker:
    """Makes the values of one row."""

    vocabulary: Vocabulary
    rules: Rules
    frame: Frame
    account: Account
    edge: Edge
    table: str
    item: Mapping[str, Any]
    record: Mapping[str, Any]
    choice: Choice | None
    part: str
    imputed: bool = False

    def plain(self) -> dict[str, Any]:
        """A row whose fields name columns."""
        row = {rule.target: self.value(rule, self.shape.column(rule.target)) for rule in self.rules.of(self.edge.edge)}
        return self.typed(row)

    def routed(self, prefix: str) -> dict[str, Any]:
        """A row of a clinical table: concept, source, type, person, visit, provider, and whatever roles the table has a column for."""
        choice, names = self.choice, self.shape.names
        assert choice is not None
        row: dict[str, Any] = {
            self.shape.key: self.own_key(),
            f"{prefix}_concept_id": self.standard(f"{prefix}_concept_id"),
            f"{prefix}_source_value": self.fitted(choice.code or choice.text, f"{prefix}_source_value"),
        }
        if f"{prefix}_source_concept_id" in names:
            row[f"{prefix}_source_concept_id"] = choice.source.id if choice.source else 0
        direct = {"person": "person_id", "visit": "visit_occurrence_id", "provider": "provider_id"}
        roles = self.rules.roles.get(self.table, {})
        moments_by_role: dict[str, Moment | None] = {}
        for rule in self.rules.of(self.edge.edge):
            if rule.target in direct:
                if direct[rule.target] in names:
                    row[direct[rule.target]] = self.value(rule, self.shape.column(direct[rule.target]))
            elif rule.how in ("moment", "after_days", "wall"):
                moments_by_role[rule.target] = self.moment(rule)
            else:
                for column, kind in roles.get(rule.target, []):
                    value = self.value(rule, self.shape.column(column))
                    row[column] = int(value) if kind == "integer" and value is not None else value
        for role, columns in roles.items():
            for column, kind in columns:
                if kind.startswith("date"):
                    row[column] = self.dated(moments_by_role.get(role), moments_by_role.get("start"), kind)
        row[f"{prefix}_type_concept_id"] = self.type()
        return self.typed(row)

    @property
    def shape(self) -> Table:
        """The table's columns."""
        return cdm()[self.table]

    def typed(self, row: dict[str, Any]) -> dict[str, Any]:
        """An imputed date shows in the type concept (f2o-071), also when the type was made before the date."""
        if self.imputed:
            for name in row:
                if name.endswith("_type_concept_id"):
                    row[name] = self.type()
        return row

    def own_key(self) -> int:
        """The key of this row."""
        name = f"{self.record['resourceType']}/{self.record.get('id', '')}"
        return row_key(f"{self.frame.visits.get(name, name)}{self.part}")

    def dated(self, moment: Moment | None, start: Moment | None, kind: str) -> Any:
        """The day or the time of a moment; `_or_start` falls back to the start, as the CDM says for what has no end."""
        if moment is None and kind.endswith("_or_start"):
            moment = start
        if moment is None:
            return None
        return moment.at if kind.startswith("datetime") else moment.day

    def moment(self, rule: Field) -> Moment | None:
        """A date or time of the source; `after_days` adds the days of a supply, the first one included."""
        said = first(self.item, rule.source)
        found = moments.wall(said) if rule.how.startswith("wall") else moments.read(said, self.frame.zone, self.frame.local)
        if found and found.imputed:
            self.imputed = True
        if found and rule.how == "after_days":
            days = first(self.item, rule.argument)
            if not _whole(days) or int(days) < 1:
                return None
            return Moment(found.day + timedelta(days=int(days) - 1), None, found.imputed)
        return found

    def value(self, rule: Field, column: Column) -> Any:
        """One value by its way."""
        return getattr(self, f"_{rule.how}")(rule, column)

    def fitted(self, said: Any, column: str) -> str | None:
        """Text cut to what the column holds, and counted when it did not fit."""
        if said is None:
            return None
        text = {True: "true", False: "false"}.get(said, str(said)) if isinstance(said, bool) else str(said)
        width = self.shape.column(column).width
        if width is not None and len(text) > width:
            self.account.cut[f"{self.table}.{column}"] += 1
            text = text[:width]
        return text

    def unmapped(self, column: str, system: str, code: str) -> int:
        """Concept 0, counted and queued (f2o-032, f2o-063)."""
        self.account.unmapped[f"{self.table}.{column}", system, code] += 1
        return 0

    def standard(self, column: str) -> int:
        """The standard concept of the record's own code."""
        choice = self.choice
        if choice is None:
            return 0
        if choice.standard is not None:
            return choice.standard.id
        return self.unmapped(column, choice.system, choice.code or "(text only)")

    def type(self) -> int:
        """The type concept by resource, category and context (f2o-050 to f2o-053)."""
        kept = self.rules.setting(self.edge.edge, "@type")
        if kept:
            return int(kept)
        for row in self.rules.types:
            if row["resource"] not in ("*", self.edge.resource):
                continue
            if row["path"] == "@imputed":
                holds = self.imputed
            else:
                holds = not row["path"] or any(_matches(str(value), row["values"]) for value in across(self.record, row["path"]))
            if holds:
                found = self.vocabulary.find(row["vocabulary"], row["code"])
                return found.id if found else self.unmapped("type_concept_id", row["vocabulary"], row["code"])
        return self.unmapped("type_concept_id", "Type Concept", self.edge.resource)

    def pick(self, value: Any, domain: str = "") -> tuple[Concept | None, str, str]:
        """The standard concept of CodeableConcepts, with the coding that was asked."""
        asked = ("", "")
        for coding in codings(value):
            if not coding.get("code"):
                continue
            asked = asked if asked[1] else (str(coding.get("system", "")), str(coding["code"]))
            concept = known(self.rules, self.vocabulary, coding)
            for standard in self.vocabulary.standards(concept) if concept else []:
                if not domain or standard.domain == domain:
                    return standard, *asked
        return None, *asked

    def listed(self, rule: Field, raw: bool = False) -> tuple[Concept | None, list[tuple[str, str]]]:
        """The concept of the first value that the list of codes knows; all values that were asked."""
        asked: list[tuple[str, str]] = []
        for value in across(self.item, rule.source):
            system = str(value.get("system", "")) if isinstance(value, Mapping) else ""
            code = str(value.get("code", "")) if isinstance(value, Mapping) else str(value)
            if code in UNSAID and not raw:
                continue
            asked.append((system, code))
            concept = known(self.rules, self.vocabulary, value) if isinstance(value, Mapping) else None
            if concept is None and code in self.rules.codes[rule.argument]:
                concept = self.vocabulary.find(*self.rules.codes[rule.argument][code])
            if concept and not raw:
                concept = next(iter(self.vocabulary.standards(concept)), None)
            if concept:
                return concept, asked
        return None, asked

    # The ways, each named as in fields.csv.

    def _person(self, rule: Field, column: Column) -> int | None:
        key = f"Patient/{self.record.get('id', '')}" if rule.source == "@self" else reference_key(first(self.item, rule.source))
        return row_key(self.frame.persons.get(key, key)) if key.startswith("Patient/") else None

    def _person_text(self, rule: Field, column: Column) -> str | None:
        key = f"Patient/{self.record.get('id', '')}"
        return self.fitted(self.frame.persons.get(key, key).partition("/")[2], column.name)

    def _reference(self, rule: Field, column: Column) -> int | None:
        for said in across(self.item, rule.source):
            key = reference_key(said)
            if key.startswith("PractitionerRole/"):
                key = reference_key(first(self.frame.resources.get(key, {}), "practitioner.reference"))
            if key.startswith(f"{rule.argument}/"):
                return row_key(self.frame.visits.get(key, key))
        return None

    def _self(self, rule: Field, column: Column) -> int:
        return self.own_key()

    def _id(self, rule: Field, column: Column) -> str | None:
        return self.fitted(self.record.get("id"), column.name)

    def _text(self, rule: Field, column: Column) -> str | None:
        return self.fitted(first(self.item, rule.source), column.name)

    def _joined(self, rule: Field, column: Column) -> str | None:
        found = every(self._one_address(rule.source), rule.source)
        return self.fitted(" ".join(map(str, found)), column.name) if found else None

    def _fitting(self, rule: Field, column: Column) -> str | None:
        said = first(self.item, rule.source)
        if said is not None and column.width is not None and len(str(said)) > column.width:
            self.account.lost[self.edge.resource, f"{rule.source} that does not fit {self.table}.{column.name}"] += 1
            return None
        return None if said is None else str(said)

    def _one_address(self, path: str) -> Mapping[str, Any]:
        """The item with its official address, or its first one."""
        addresses = self.item.get("address")
        if not path.startswith("address") or not isinstance(addresses, list) or not addresses:
            return self.item
        official = [one for one in addresses if one.get("use") == "official"]
        return {**self.item, "address": (official or addresses)[0]}

    def _parts(self, rule: Field) -> list[str]:
        item = self._one_address(rule.source)
        return [" ".join(map(str, found)) for path in rule.source.split("|") if (found := every(item, path))]

    def _composite(self, rule: Field, column: Column) -> int | None:
        parts = self._parts(rule)
        return row_key("address|" + "|".join(parts)) if parts else None

    def _composite_text(self, rule: Field, column: Column) -> str | None:
        parts = self._parts(rule)
        return self.fitted(", ".join(parts), column.name) if parts else None

    def _number(self, rule: Field, column: Column) -> float | int | None:
        said = first(self.item, rule.source)
        if not _whole(said):
            return None
        return int(said) if column.type == "integer" else float(said)

    def _integer(self, rule: Field, column: Column) -> int | None:
        said = first(self.item, rule.source)
        return int(said) if _whole(said) else None

    def _constant(self, rule: Field, column: Column) -> Any:
        return int(rule.argument) if column.type == "integer" else rule.argument

    def _nothing(self, rule: Field, column: Column) -> None:
        return None

    _withheld = _nothing

    def _date(self, rule: Field, column: Column) -> Any:
        found = self.moment(rule)
        return found.day if found else None

    def _datetime(self, rule: Field, column: Column) -> Any:
        found = self.moment(rule)
        return found.at if found else None

    _wall_date, _wall_datetime = _date, _datetime

    def _midnight(self, rule: Field, column: Column) -> Any:
        found = moments.wall(first(self.item, rule.source))
        return found.at if found and not found.imputed else None

    def _date_part(self, rule: Field, column: Column) -> int | None:
        parts = str(first(self.item, rule.source) or "").split("T")[0].split("-")
        place = ("year", "month", "day").index(rule.argument)
        return int(parts[place]) if len(parts) > place and parts[place].isdigit() else None

    def _listed(self, rule: Field, column: Column) -> int | None:
        found, asked = self.listed(rule)
        return found.id if found else self.unmapped(column.name, *asked[0]) if asked else None

    def _listed0(self, rule: Field, column: Column) -> int:
        return self._listed(rule, column) or 0

    def _listed_raw0(self, rule: Field, column: Column) -> int:
        found, _ = self.listed(rule, raw=True)
        return found.id if found else 0

    def _listed_source(self, rule: Field, column: Column) -> int:
        found, _ = self.listed(rule, raw=True)
        return found.id if found else 0

    def _first_listed(self, rule: Field, column: Column) -> int:
        found, asked = self.listed(rule)
        return found.id if found else self.unmapped(column.name, *asked[0]) if asked else 0

    def _one_listed(self, rule: Field, column: Column) -> int:
        """0 when several different concepts stand there: one field cannot hold them."""
        found = set()
        for value in every(self.item, rule.source):
            if not isinstance(value, Mapping):
                continue
            code = self.rules.codes[rule.argument].get(str(value.get("code", "")))
            concept = known(self.rules, self.vocabulary, value) or (self.vocabulary.find(*code) if code else None)
            found |= {one.id for one in self.vocabulary.standards(concept)[:1]} if concept else set()
        if len(found) > 1:
            self.account.lost[self.edge.resource, f"several values for {self.table}.{column.name}"] += 1
            return 0
        return self._first_listed(rule, column)

    def _coded(self, rule: Field, column: Column) -> int | None:
        said = every(self.item, rule.source)
        if not said:
            return None
        found, system, code = self.pick(said, rule.argument)
        return found.id if found else self.unmapped(column.name, system, code or "(text only)")

    def _coded0(self, rule: Field, column: Column) -> int:
        return self._coded(rule, column) or 0

    def _coded_or_none(self, rule: Field, column: Column) -> int | None:
        return self._coded(rule, column) or None

    def _unit(self, rule: Field, column: Column) -> int | None:
        quantity = first(self.item, rule.source)
        if not isinstance(quantity, Mapping):
            return None
        said = quantity.get("code") if quantity.get("system", "http://unitsofmeasure.org") == "http://unitsofmeasure.org" else None
        said = said or quantity.get("unit")
        if not said:
            return None
        concept = self.vocabulary.find("UCUM", str(said))
        standard = next(iter(self.vocabulary.standards(concept)), None) if concept else None
        return standard.id if standard else self.unmapped(column.name, "http://unitsofmeasure.org", str(said))

    def _unit_or_none(self, rule: Field, column: Column) -> int | None:
        return self._unit(rule, column) or None

    def _type(self, rule: Field, column: Column) -> int:
        return self.type()

    def _standard(self, rule: Field, column: Column) -> int:
        return self.standard(column.name)

    def _source(self, rule: Field, column: Column) -> int:
        return self.choice.source.id if self.choice and self.choice.source else 0

    def _source_code(self, rule: Field, column: Column) -> str | None:
        return self.fitted(self.choice.code or self.choice.text, column.name) if self.choice else None

    def _allergy(self, rule: Field, column: Column) -> int:
        """A finding ("no known allergies", "allergy to penicillin") is told as it is. An allergy or intolerance to a substance is told by
        its category, as the guide's AllergyMap has it, the substance as the value; without one, as an allergic disposition (f2o-037)."""
        choice = self.choice
        listed = self.rules.codes.get(str(self.item.get("type")), {}) if self.item.get("type") in ("allergy", "intolerance") else {}
        asked = next((listed[one] for one in map(str, every(self.item, "category")) if one in listed), None)
        if (
            choice is None
            or choice.standard is None
            or choice.standard.kind in FINDINGS
            or (choice.standard.domain == "Observation" and not asked)
        ):
            return self.standard(column.name)
        return self._first_of(column, *((asked,) if asked else ()), ALLERGY)

    def _reaction(self, rule: Field, column: Column) -> int:
        """An allergic reaction, to a medicine where the category says so; which one is the value."""
        listed = self.rules.codes["reaction"]
        asked = next((listed[one] for one in map(str, every(self.record, "category")) if one in listed), listed["*"])
        return self._first_of(column, asked, listed["*"])

    def _first_of(self, column: Column, *asked: tuple[str, str]) -> int:
        """The standard concept of the first code that the release knows."""
        for one in asked:
            found = self.vocabulary.find(*one)
            standard = next(iter(self.vocabulary.standards(found)), None) if found else None
            if standard:
                return standard.id
        return self.unmapped(column.name, *asked[0])

    def _name(self, rule: Field, column: Column) -> str | None:
        family, given = first(self.item, f"{rule.source}.family"), first(self.item, f"{rule.source}.given")
        found = ", ".join(str(part) for part in (family, given) if part) or first(self.item, f"{rule.source}.text")
        return self.fitted(found, column.name)

    def _name_always(self, rule: Field, column: Column) -> str | None:
        family, given = first(self.item, f"{rule.source}.family"), first(self.item, f"{rule.source}.given")
        return self.fitted(f"{family or ''}, {given or ''}", column.name)

    def _free_text(self, rule: Field, column: Column) -> str | None:
        """The text itself, or that of the first attachment of words (base64 of UTF-8)."""
        said = first(self.item, rule.source)
        return self.fitted(said if said is not None else _attached(every(self.item, rule.argument) if rule.argument else []), column.name)


def _attached(attachments: list[Any]) -> str | None:
    for one in attachments:
        if isinstance(one, Mapping) and isinstance(one.get("data"), str) and str(one.get("contentType", "text/")).startswith("text/"):
            try:
                return base64.b64decode(one["data"], validate=True).decode("utf-8")
            except ValueError:
                continue
    return None


def _whole(said: Any) -> bool:
    """A number, and no truth value."""
    return isinstance(said, (int, float, Decimal)) and not isinstance(said, bool)


def _matches(value: str, wanted: str) -> bool:
    return wanted == "*" or value in wanted.split("|") or (wanted.endswith("/*") and value.rpartition("/")[0].endswith(wanted[:-2]))
