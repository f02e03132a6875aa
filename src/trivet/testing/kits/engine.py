"""What every `Engine` must keep, whoever wrote it: over any view and any records the same rows as the reference engine.

    kit = EngineKit(engine, reference)
    kit.check()                                   # a hundred random views over random records
    kit.compare(view, texts)                      # one of them

`random_view`, `random_texts` and the like take whatever chooses (`random.Random(7).choice`, or Hypothesis), so that a property test
can shrink what it finds. In the records are: missing members, empty lists, places out of range, other time zones, partial dates,
decimals whose scale matters, other resource types in between. Each `check_*` raises AssertionError that says what is broken.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from trivet.contracts.engine import Engine
from trivet.kernel.errors import DataRejected
from trivet.kernel.jsontext import dumps

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Choose", "EngineKit", "random_form_view", "random_forms", "random_texts", "random_view"]

T = TypeVar("T")
Choose = Callable[[Sequence[Any]], Any]

LEXEMES = ["1.10", "0.0006", "120", "-0.5", "0", "7.000", "99999999.99", "0.30"]
EXACT = [*LEXEMES, "0.100000000000000000001", "1e-7", "-0.0", "123456789012345678901234567890.5"]
MOMENTS = ["1970", "1970-06", "2024-02-29", "2024-02-03T10:00:00+05:30", "2024-02-03T04:30:00.000Z", "2024-02-03T23:59:59.999999-11:00"]
WORDS = ["a", "b", "", "it's", 'quo"te', "back\\slash", "Ünïcode 😀", "a 1.50 b", "%"]
ABSENT = None

NUMBER = "value.ofType(Quantity).value"
TRUTHS = [
    f"{NUMBER} > 1.1",
    f"{NUMBER} = 7",
    f"{NUMBER} <= 0.3",
    "effective.ofType(dateTime) < @2024-02-03T12:00:00Z",
    "effective.ofType(dateTime) = @2024-02-03T04:30:00Z",
    "effective.ofType(dateTime) >= @1970",
    "status = 'a'",
    "status != 'b'",
    "status in ('a' | 'b')",
    "component.exists()",
    "component.value.exists()",
    "code.coding.where(system = 'a').empty()",
    "component.code.coding.code.first() = 'a'",
    "component.all(code.exists())",
    "value is Quantity",
    "subject.getReferenceKey(Patient) = 'Patient/1'",
    "code.text.startsWith('a')",
    "code.text.contains('1.50')",
    "note.exists(text = 'b')",
    "value.ofType(boolean)",
    "value.ofType(boolean) or status = 'a'",
]
SINGLES = [
    "id",
    "status",
    "%rowIndex",
    "getResourceKey()",
    "subject.getReferenceKey()",
    "code.coding.first().code",
    "code.coding[1].system",
    "code.coding[7].code",
    "code.coding.last().code",
    "code.coding.code.first()",
    "code.coding.where(system = 'a').code.first()",
    "component.code.coding.count()",
    "component.last().value.ofType(Quantity).value",
    "code.text.length()",
    "code.text.substring(1)",
    "code.text.substring(0, 2)",
    "code.text.indexOf('b')",
    "code.text & '-' & status",
    "note.text.join('|')",
    NUMBER,
    f"{NUMBER} + 1.25",
    f"{NUMBER} - 7",
    f"{NUMBER} * 2.5",
    f"{NUMBER} / 3",
    f"{NUMBER}.lowBoundary()",
    f"{NUMBER}.highBoundary()",
    "value.ofType(integer)",
    "value.ofType(integer) + 1",
    "value.ofType(string)",
    "effective.ofType(dateTime)",
    "effective.ofType(dateTime).lowBoundary()",
    "effective.ofType(dateTime).highBoundary()",
    "effective.ofType(Period).start",
    "iif(component.exists(), 'some', 'none')",
    "extension('u').value.ofType(decimal).first()",
]
LISTS = [
    "code.coding.code",
    "component.code.coding.code",
    "component.value.ofType(Quantity).value",
    "note.text",
    "note.text.distinct()",
    "component.code.coding.where(system = 'a').code",
    "component.skip(1).code.text",
    "component.take(1).code.text",
    "code.coding.code | note.text",
    "component.select(code.text)",
    "component.where(value.ofType(Quantity).value > 0).code.text",
]
EACH = [
    "component",
    "code.coding",
    "note",
    "component.where(value.exists())",
    "component.code.coding",
    "component.first()",
    "component[1]",
    "referenceRange",
]
BELOW = ["$this.exists()", "id", "%rowIndex", "extension.exists()", "%resource.id", "%resource.note.text.first()"]


def quantity(choose: Choose, lexemes: Sequence[str]) -> Any:
    """A Quantity, or nothing."""
    text = choose([*lexemes, ABSENT])
    return ABSENT if text is ABSENT else {"value": Decimal(text), "unit": "mg"}


def concept(choose: Choose) -> Any:
    """A CodeableConcept with some of its parts."""
    coding = [{"system": choose(["a", "b"]), "code": choose(["a", "b", "c"])} for _ in range(choose([0, 1, 2, 3]))]
    return kept({"coding": choose([coding, coding, ABSENT]), "text": choose([*WORDS, ABSENT])})


def kept(held: dict[str, Any]) -> dict[str, Any]:
    """An element without what is absent."""
    return {name: value for name, value in held.items() if value is not ABSENT}


def observation(choose: Choose, number: int, lexemes: Sequence[str]) -> dict[str, Any]:
    """An Observation in which anything may be missing."""
    value: dict[str, Any] = choose(
        [
            {},
            {"valueQuantity": quantity(choose, lexemes)},
            {"valueBoolean": choose([True, False])},
            {"valueInteger": choose([0, -3, 2_000_000_000])},
            {"valueString": choose(WORDS)},
        ]
    )
    when = choose([{}, {"effectiveDateTime": choose(MOMENTS)}, {"effectivePeriod": {"start": choose(MOMENTS)}}])
    parts = [
        kept({"code": choose([concept(choose), ABSENT]), "valueQuantity": quantity(choose, lexemes)}) for _ in range(choose([0, 1, 2]))
    ]
    return kept(
        {
            "resourceType": choose(["Observation", "Observation", "Observation", "Patient"]),
            "id": str(number),
            "extension": choose([ABSENT, [{"url": choose(["u", "v"]), "valueDecimal": Decimal(choose(lexemes))}]]),
            "status": choose([*WORDS, ABSENT]),
            "code": choose([concept(choose), ABSENT]),
            "subject": choose(
                [ABSENT, {"reference": choose(["Patient/1", "Group/2", "http://x.org/fhir/Patient/1/_history/2", "urn:uuid:1"])}]
            ),
            **kept(value),
            **when,
            "note": choose([ABSENT, [], [{"text": choose(WORDS)} for _ in range(choose([1, 2]))]]),
            "component": choose([ABSENT, parts]),
        }
    )


def items(choose: Choose, depth: int, lexemes: Sequence[str]) -> list[dict[str, Any]]:
    """Items of a QuestionnaireResponse, below one another and below answers."""
    found = []
    for _ in range(choose([0, 1, 1, 2]) if depth else 0):
        value = choose([{"valueDecimal": Decimal(choose(lexemes))}, {"valueBoolean": True}, {"valueDate": choose(MOMENTS[:3])}, {}])
        answers = [kept({**value, "item": choose([ABSENT, items(choose, depth - 1, lexemes)])}) for _ in range(choose([0, 1, 2]))]
        below = choose([ABSENT, items(choose, depth - 1, lexemes)])
        made = {"linkId": choose(WORDS), "text": choose([ABSENT, *WORDS]), "item": below, "answer": choose([ABSENT, answers])}
        found.append(kept(made))
    return found


def random_forms(choose: Choose, *, exact: bool = False) -> list[str]:
    """Some QuestionnaireResponses as JSON text, up to six levels deep."""
    lexemes = EXACT if exact else LEXEMES
    found = [{"resourceType": "QuestionnaireResponse", "id": str(n), "item": items(choose, 6, lexemes)} for n in range(choose([1, 2]))]
    return [dumps(one).decode() for one in found]


def random_form_view(choose: Choose) -> dict[str, Any]:
    """A view that goes down: every item with its place, answers beside or below it, in a union, for each or for nothing."""
    paths = choose([["item"], ["item", "answer.item"], ["answer.item", "item"]])
    answer = {"name": "a", "path": "answer.value.ofType(decimal)", "collection": True}
    columns = [{"name": "n", "path": "%rowIndex"}, {"name": "l", "path": "linkId"}, {"name": "t", "path": "text"}, answer]
    way = choose(["forEach", "forEachOrNull"])
    inner = {way: "answer", "column": [{"name": "v", "path": "value.ofType(decimal)"}, {"name": "m", "path": "%rowIndex"}]}
    below = {way: "item", "select": [{"repeat": ["item"], "column": [{"name": "d", "path": "linkId"}]}]}
    down: dict[str, Any] = {"repeat": paths, "column": columns, "select": choose([[], [inner]])}
    head = {"column": [{"name": "id", "path": "id"}, {"name": "c", "path": "item.count()"}]}
    one = [{"name": "l", "path": "linkId"}]
    united = {"unionAll": [{"repeat": paths, "column": one}, {"forEach": "item", "column": one}]}
    return {"resource": "QuestionnaireResponse", "select": [head, *choose([[down], [united], [below], [{**down, "select": []}, below]])]}


def random_texts(choose: Choose, *, exact: bool = False) -> list[str]:
    """Some records as JSON text. `exact`: with decimals that can be read and not computed with."""
    lexemes = EXACT if exact else LEXEMES
    found = (kept(observation(choose, number, lexemes)) for number in range(choose([1, 2, 3, 4])))
    return [dumps(one).decode() for one in found]


def truth(choose: Choose, depth: int = 2) -> str:
    """A condition."""
    if depth == 0 or choose([True, False]):
        return str(choose(TRUTHS))
    joined = f"({truth(choose, depth - 1)}) {choose(['and', 'or', 'xor', 'implies'])} ({truth(choose, depth - 1)})"
    return f"({joined}).not()" if choose([True, False]) else joined


def random_view(choose: Choose) -> dict[str, Any]:
    """A view over Observations: columns, lists, rows for each, unions, conditions."""
    names = iter(f"c{number}" for number in range(100))

    def column(paths: Sequence[str], *, many: bool = False) -> dict[str, Any]:
        made = {"name": next(names), "path": choose(paths)}
        return {**made, "collection": True} if many else made

    def below(depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {choose(["forEach", "forEachOrNull"]): choose(EACH), "column": [column(BELOW), column(["%rowIndex"])]}
        if depth and choose([True, False]):
            inner: dict[str, Any] = {choose(["forEach", "forEachOrNull"]): choose(["extension", "code.coding", "$this"])}
            made["select"] = [{**inner, "column": [column(["id", "%rowIndex"])]}]
        return made

    def united() -> dict[str, Any]:
        name = next(names)
        parts = [
            {choose(["forEach", "forEachOrNull"]): choose(EACH), "column": [{"name": name, "path": choose(["id", "%resource.status"])}]}
        ]
        parts += [{"column": [{"name": name, "path": choose(["id", "status"])}]} for _ in range(choose([0, 1]))]
        return {"unionAll": parts}

    columns = [column(SINGLES) for _ in range(choose([1, 2, 3]))] + [column(LISTS, many=True) for _ in range(choose([0, 1, 2]))]
    columns.append({"name": next(names), "path": truth(choose)})
    selects = [{"column": columns}, *choose([[], [below(1)], [united()], [below(1), united()], [below(0), below(0)]])]
    view: dict[str, Any] = {"resource": "Observation", "select": selects}
    return {**view, "where": [{"path": truth(choose)}]} if choose([True, False]) else view


def must(holds: object, what: str) -> None:
    """AssertionError with its reason, also where Python runs without assertions."""
    if not holds:
        raise AssertionError(what)


def values(table: pyarrow.Table) -> list[str]:
    """Rows as texts that equal rows share, in an order that does not depend on the engine's. Decimals with their digits."""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        decimal = (field.metadata or {}).get(b"fhir") == b"decimal"
        columns.append([digits(value) if decimal else value for value in column.to_pylist()])
    return sorted(repr(row) for row in zip(*columns, strict=True))


def digits(value: Any) -> Any:
    """A decimal's digits in one spelling: 1e-7 and 1E-7 are one."""
    return [digits(one) for one in value] if isinstance(value, list) else value and str(Decimal(value))


@dataclass(frozen=True, slots=True)
class EngineKit:
    """`engine` is what is tested, `reference` the engine by which it is judged."""

    engine: Engine
    reference: Engine

    def check(self, rounds: int = 100, seed: int = 7) -> None:
        """Everything."""
        self.check_digits()
        self.check_moments()
        self.check_strangers()
        for number in range(rounds):
            chance = random.Random(seed * 10_000 + number)
            self.compare(random_view(chance.choice), random_texts(chance.choice))
            self.compare(random_form_view(chance.choice), random_forms(chance.choice))

    def rows(self, engine: Engine, view: dict[str, Any], texts: Sequence[str]) -> list[str] | str:
        """The rows of one engine, or `refused`."""
        import pyarrow

        engine.records("records", table=pyarrow.table({"raw": pyarrow.array(list(texts), pyarrow.large_string())}))
        try:
            return values(engine.view(view))
        except DataRejected:
            return "refused"

    def compare(self, view: dict[str, Any], texts: Sequence[str]) -> None:
        """One view over some records: the same rows, or both refuse."""
        mine, theirs = self.rows(self.engine, view, texts), self.rows(self.reference, view, texts)
        must(mine == theirs, f"{self.engine.name} differs from {self.reference.name}:\n{view}\n{texts}\n{mine}\n{theirs}")

    def check_digits(self) -> None:
        """No decimal is written anew, in a column, in a list, in an extension."""
        paths = [NUMBER, "extension('u').value.ofType(decimal).first()"]
        columns: list[dict[str, Any]] = [{"name": f"c{number}", "path": path} for number, path in enumerate(paths)]
        columns.append({"name": "many", "path": "component.value.ofType(Quantity).value", "collection": True})
        value = f'"valueQuantity":{{"value":{"%s"}}}'
        parts = '"extension":[{"url":"u","valueDecimal":%s}],"component":[{' + value + "},{" + value + "}]"
        texts = ['{"resourceType":"Observation",' + value + "," + parts + "}" for _ in EXACT]
        filled = [text.replace("%s", lexeme) for text, lexeme in zip(texts, EXACT, strict=True)]
        import pyarrow

        self.engine.records("records", table=pyarrow.table({"raw": filled}))
        table = self.engine.view({"resource": "Observation", "select": [{"column": columns}]})
        found = sorted(map(repr, zip(*(column.to_pylist() for column in table.columns), strict=True)))
        must(found == sorted(repr((one, one, [one, one])) for one in EXACT), f"{self.engine.name} changes digits: {found}")

    def check_moments(self) -> None:
        """No date or moment loses its precision or its offset."""
        import pyarrow

        texts = [f'{{"resourceType":"Observation","effectiveDateTime":"{text}"}}' for text in MOMENTS]
        self.engine.records("records", table=pyarrow.table({"raw": texts}))
        path = "effective.ofType(dateTime)"
        table = self.engine.view({"resource": "Observation", "select": [{"column": [{"name": "at", "path": path}]}]})
        must(sorted(table["at"].to_pylist()) == sorted(MOMENTS), f"{self.engine.name} changes moments: {table['at'].to_pylist()}")

    def check_strangers(self) -> None:
        """A record that is no resource stops the view; it is never left out in silence."""
        view = {"resource": "Observation", "select": [{"column": [{"name": "id", "path": "id"}]}]}
        for text in ("[1]", "{}", "nothing", '"x"'):
            found = self.rows(self.engine, view, ['{"resourceType":"Observation","id":"1"}', text])
            must(found == "refused", f"{self.engine.name} leaves out what is no resource: {text}")
