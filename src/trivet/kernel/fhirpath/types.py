"""Element types of one FHIR release, from rows of `maps/fhir/elements.csv`: what is below an element, and of which type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from trivet.kernel.fhirpath.temporal import Temporal
from trivet.kernel.fhirpath.values import Item, Quantity

__all__ = ["Types"]

SYSTEM = ("Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity")
TEMPORAL = {"date": "Date", "dateTime": "DateTime", "instant": "DateTime", "time": "Time"}
NUMBERS = {"integer", "positiveInt", "unsignedInt", "integer64"}


class Types:
    """`children(type)` and friends. A row has `path`, `max`, `types` (`;` between, `>` before targets) and `same_as`."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self.elements: dict[str, dict[str, tuple[str, ...]]] = {}
        self.many: set[str] = set()
        self.parents: dict[str, str] = {}
        for row in rows:
            parent, _, name = row["path"].rpartition(".")
            if not parent:
                self.parents[name] = row["types"]
                self.elements.setdefault(name, {})
                continue
            kinds = tuple(kind.split(">")[0] for kind in row["types"].split(";") if kind)
            if row["same_as"]:
                kinds = (row["same_as"],)
            elif kinds and kinds[0] in ("BackboneElement", "Element") and "." not in kinds[0]:
                kinds = (row["path"],)
                self.parents[row["path"]] = row["types"]
            self.elements.setdefault(parent, {})[name] = kinds
            if row["max"] != "1":
                self.many.add(row["path"])

    def known(self, name: str) -> bool:
        """Is this a type of the release (`Patient`, `code`), without its namespace?"""
        return name in self.parents

    def is_a(self, kind: str, wanted: str) -> bool:
        """Is one type, or one above it, the other?"""
        while kind:
            if kind == wanted:
                return True
            kind = self.parents.get(kind, "")
        return False

    def spelt_out(self, parent: str, name: str) -> bool:
        """Is this a choice with its type in the name (`valueQuantity`)? JSON has it so, FHIRPath does not."""
        return name not in self.elements.get(parent, {name: ()}) and name + "[x]" not in self.elements[parent]

    def resolve(self, parent: str, name: str) -> tuple[str, tuple[str, ...]] | None:
        """The JSON member behind an element name and its types: `value` of Observation is `value[x]`. None when there is none."""
        table = self.elements.get(parent)
        if table is None:
            return None
        if name in table:
            return name, table[name]
        if name + "[x]" in table:
            return name + "[x]", table[name + "[x]"]
        for choice, kinds in table.items():
            if choice.endswith("[x]") and name.startswith(choice[:-3]):
                kind = name[len(choice) - 3 :]
                found = next((one for one in kinds if one[:1].upper() + one[1:] == kind), None)
                if found:
                    return name, (found,)
        return None

    def children(self, item: Item) -> list[Item]:
        """Every child of an item, in the order of its JSON."""
        if not isinstance(item.value, dict):
            return self.extras(item)
        out: list[Item] = []
        for name in item.value:
            if name != "resourceType" and not (name.startswith("_") and name[1:] in item.value):
                out += self.get(item, name.removeprefix("_"))
        return out

    def extras(self, item: Item) -> list[Item]:
        """Id and extensions of a primitive."""
        return [one for name in ("id", "extension") for one in self.get(item, name)] if item.extra else []

    def get(self, item: Item, name: str) -> list[Item]:
        """The values of one element of an item; empty when there are none."""
        if not isinstance(item.value, dict):
            if item.extra and name in ("id", "extension"):
                held = item.extra.get(name)
                kind = "Extension" if name == "extension" else "string"
                return [self.item(kind, one, None) for one in (held if isinstance(held, list) else [held]) if one is not None]
            return []
        parent = item.type.removeprefix("FHIR.")
        found = self.resolve(parent, name)
        if found is None:
            return self._untyped(item, name)
        member, kinds = found
        if not member.endswith("[x]"):
            return self._values(item.value, member, kinds[0] if kinds else "")
        for kind in kinds:
            word = member[:-3] + kind[:1].upper() + kind[1:]
            if word in item.value or "_" + word in item.value:
                return self._values(item.value, word, kind)
        return []

    def _untyped(self, item: Item, name: str) -> list[Item]:
        """An element of something whose type is not known: by its JSON name, or any choice that starts so."""
        if item.type.removeprefix("FHIR.") in self.elements:
            return []
        return self._values(item.value, name, "") if name in item.value else []

    def _values(self, held: dict[str, Any], member: str, kind: str) -> list[Item]:
        value, extra = held.get(member), held.get("_" + member)
        if isinstance(value, list) or isinstance(extra, list):
            values = value or []
            extras = extra or []
            count = max(len(values), len(extras))
            pairs = [(values[n] if n < len(values) else None, extras[n] if n < len(extras) else None) for n in range(count)]
        else:
            pairs = [(value, extra)]
        return [self.item(kind, one, more) for one, more in pairs if one is not None or more is not None]

    def item(self, kind: str, value: Any, extra: dict[str, Any] | None = None) -> Item:
        """A JSON value as an item of a type. A resource inside (contained, entry) is of its own type."""
        if isinstance(value, dict) and "resourceType" in value:
            return Item(value, "FHIR." + value["resourceType"])
        if kind in SYSTEM and kind != "Quantity":
            kind = kind[:1].lower() + kind[1:]
        if not kind:
            kind = (
                "boolean"
                if isinstance(value, bool)
                else "integer"
                if isinstance(value, int)
                else "decimal"
                if isinstance(value, Decimal)
                else "string"
            )
            kind = "Element" if isinstance(value, dict) else kind
        return Item(value, "FHIR." + kind, extra)

    def system(self, item: Item) -> Any:
        """The system value of an item: what operators work on. A complex element that is no quantity stays itself."""
        value, kind = item.value, item.type
        if kind.startswith("System."):
            return value
        name = kind[5:]
        if name in TEMPORAL and isinstance(value, str):
            return Temporal.read(value, TEMPORAL[name]) or value
        if name == "decimal" and isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        if isinstance(value, dict) and self.is_a(name, "Quantity"):
            return quantity(value)
        return value


def quantity(held: dict[str, Any]) -> Any:
    """A FHIR Quantity as a system one; itself when it has no plain value (a comparator, no value at all)."""
    value = held.get("value")
    if value is None or held.get("comparator"):
        return held
    if held.get("system") == "http://unitsofmeasure.org" or "code" in held:
        return Quantity(Decimal(str(value)), held.get("code") or held.get("unit") or "1")
    return Quantity(Decimal(str(value)), held.get("unit") or "1")
