"""Views as SQL: every digit and moment as it came, three-valued comparisons, null rows, recursion as deep as the data, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from trivet.data.engines.duck_views import DuckViews
from trivet.data.engines.views import ReferenceViews
from trivet.data.sof.definition import ViewError
from trivet.data.sof.results import rows
from trivet.data.sof.values import NotCompiled

LEXEMES = ["1.10", "0.0006", "1e-7", "0.100000000000000000001", "120", "-0.0", "1.0E+2", "123456789012345678901234567890.5", "0"]
MOMENTS = ["1970", "1970-06", "1970-06-30", "2024-02-03T10:00:00+05:30", "2024-02-03T10:00:00.120Z", "2024-02-03T23:59:59.999999-11:00"]


@pytest.fixture(scope="module")
def duck() -> Iterator[DuckViews]:
    """DuckDB, one thread."""
    engine = DuckViews(threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def reference() -> ReferenceViews:
    """The evaluator."""
    return ReferenceViews()


def answer(engine: Any, view: dict[str, Any], texts: list[str], *, fallback: bool = False) -> list[tuple[Any, ...]]:
    """The rows of a view over texts."""
    engine.records("records", table=pa.table({"raw": texts}))
    return list(rows(engine.view(view, fallback=fallback)))


def columns(**paths: str) -> dict[str, Any]:
    """One select of columns."""
    return {"column": [{"name": name, "path": path} for name, path in paths.items()]}


def observation(value: str, more: str = "") -> str:
    """An Observation with a quantity, its digits as given."""
    return f'{{"resourceType":"Observation","id":"o","valueQuantity":{{"value":{value},"unit":"mg"}}{more}}}'


def test_every_digit_arrives(duck: DuckViews) -> None:
    """No decimal is rounded, shortened or written anew, in a column, in a list, and inside a repeat."""
    view = {"resource": "Observation", "select": [columns(v="value.ofType(Quantity).value")]}
    assert [str(row[0]) for row in answer(duck, view, [observation(text) for text in LEXEMES])] == [str(Decimal(text)) for text in LEXEMES]
    duck.records("records", table=pa.table({"raw": [observation(text) for text in LEXEMES]}))
    assert duck.view(view)["v"].to_pylist() == LEXEMES
    answered = '"answer":[{"valueDecimal":LEXEME}]'
    item = '{"linkId":"a",' + answered + ',"item":[{"linkId":"b",' + answered + "}]}"
    items = ",".join(item.replace("LEXEME", text) for text in LEXEMES)
    texts = ['{"resourceType":"QuestionnaireResponse","item":[' + items + "]}"]
    found = {"repeat": ["item"], "column": [{"name": "v", "path": "answer.value.ofType(decimal)", "collection": True}]}
    duck.records("records", table=pa.table({"raw": texts}))
    table = duck.view({"resource": "QuestionnaireResponse", "select": [found]})
    assert table["v"].to_pylist() == [[text] for text in LEXEMES for _ in range(2)]


def test_every_moment_arrives(duck: DuckViews) -> None:
    """Precision and offset stay."""
    texts = [f'{{"resourceType":"Observation","effectiveDateTime":"{text}"}}' for text in MOMENTS]
    view = {"resource": "Observation", "select": [columns(at="effective.ofType(dateTime)")]}
    assert [row[0] for row in answer(duck, view, texts)] == MOMENTS


PATHS = {
    "eq": "effective.ofType(dateTime) = @2024-02-03T04:30:00.000Z",
    "before": "effective.ofType(dateTime) < @2024-02-03T10:00:00Z",
    "date": "effective.ofType(dateTime) >= @2024-02-03",
    "year": "effective.ofType(dateTime) < @1971",
    "low": "effective.ofType(dateTime).lowBoundary()",
    "high": "effective.ofType(dateTime).highBoundary()",
    "has": "effective.exists()",
    "kind": "effective is dateTime",
}


def test_moments_compare_as_the_evaluator_compares(duck: DuckViews, reference: ReferenceViews) -> None:
    """Zones are honoured, precision that leaves a question open gives nothing, boundaries are as wide as the precision."""
    texts = [f'{{"resourceType":"Observation","effectiveDateTime":"{text}"}}' for text in MOMENTS] + ['{"resourceType":"Observation"}']
    view = {"resource": "Observation", "select": [columns(**PATHS)]}
    assert answer(duck, view, texts) == answer(reference, view, texts)


ARITHMETIC = {
    "sum": "value.ofType(Quantity).value + 1.25",
    "less": "value.ofType(Quantity).value - 7",
    "times": "value.ofType(Quantity).value * 2.5",
    "over": "value.ofType(Quantity).value / 3",
    "under": "1 / value.ofType(Quantity).value",
    "more": "value.ofType(Quantity).value > 1.1",
    "same": "value.ofType(Quantity).value = 1.1",
    "low": "value.ofType(Quantity).value.lowBoundary()",
    "high": "value.ofType(Quantity).value.highBoundary()",
}


def test_arithmetic_is_exact_with_its_scale(duck: DuckViews, reference: ReferenceViews) -> None:
    """Sums, products, quotients and boundaries have the digits that the evaluator's have, also where nothing is left after the point."""
    texts = [observation(text) for text in ["1.10", "0.0006", "120", "0", "-3", "-0.5", "99999999.999999"]]
    view = {"resource": "Observation", "select": [columns(**ARITHMETIC)]}
    mine, theirs = answer(duck, view, texts), answer(reference, view, texts)
    assert [[str(value) for value in row] for row in mine] == [[str(value) for value in row] for row in theirs]


def test_a_number_beyond_the_engine_stops_the_query(duck: DuckViews) -> None:
    """It is never rounded in silence: only reading it is exact, computing with it is refused."""
    view = {"resource": "Observation", "select": [columns(v="value.ofType(Quantity).value + 1")]}
    with pytest.raises(ViewError, match="beyond"):
        answer(duck, view, [observation("0.100000000000000000001")])


def test_a_repeat_reads_as_deep_as_the_data_goes(duck: DuckViews, reference: ReferenceViews) -> None:
    """Ten levels: the statement that reads four gives way to one that reads more, and the order is the document's."""
    item = '{"linkId":"10"}'
    for level in range(9, 0, -1):
        item = f'{{"linkId":"{level}","item":[{item},{{"linkId":"{level}b"}}]}}'
    texts = [f'{{"resourceType":"QuestionnaireResponse","id":"q","item":[{item}]}}']
    repeat = {"repeat": ["item", "answer.item"], "column": [{"name": "n", "path": "%rowIndex"}, {"name": "link", "path": "linkId"}]}
    view = {"resource": "QuestionnaireResponse", "select": [columns(id="id"), repeat]}
    assert answer(duck, view, texts) == answer(reference, view, texts)
    assert len(answer(duck, view, texts)) == 19


def test_a_row_of_nothing_is_one_row(duck: DuckViews, reference: ReferenceViews) -> None:
    """forEachOrNull around forEach, unions and row numbers: one row where there is nothing, and not one for each part."""
    parts = {"unionAll": [columns(which="'a'"), {"forEach": "telecom", **columns(which="value")}]}
    inner = {"forEach": "telecom", "column": [{"name": "phone", "path": "value"}, {"name": "place", "path": "%rowIndex"}]}
    outer = {"forEachOrNull": "contact", "column": [{"name": "n", "path": "%rowIndex"}], "select": [inner, parts]}
    view = {"resource": "Patient", "select": [columns(id="id"), outer]}
    texts = [
        '{"resourceType":"Patient","id":"1"}',
        '{"resourceType":"Patient","id":"2","contact":[{"telecom":[{"value":"x"},{"value":"y"}]},{}]}',
        '{"resourceType":"Patient","id":"3","contact":[]}',
    ]
    mine, theirs = answer(duck, view, texts), answer(reference, view, texts)
    assert sorted(map(repr, mine)) == sorted(map(repr, theirs))
    assert ("1", 0, None, None, None) in mine


def test_what_has_no_sql_is_refused_or_falls_back_in_sight(duck: DuckViews, reference: ReferenceViews) -> None:
    """Never an approximation: an error with its place, or the evaluator's rows when that was asked for, and the plan says so."""
    view = {"resource": "Patient", "select": [columns(id="id", odd="name.family.first().matches('^A')")]}
    texts = ['{"resourceType":"Patient","id":"1","name":[{"family":"Abc"}]}']
    with pytest.raises(NotCompiled, match="matches"):
        answer(duck, view, texts)
    assert answer(duck, view, texts, fallback=True) == answer(reference, view, texts) == [("1", "true")]
    assert duck.compile(view).fallback == "select[0].column[1]: no SQL for matches()"


@pytest.mark.parametrize("text", ["[1]", '"x"', "{}", '{"id":"1"}', "not json"])
def test_what_is_no_resource_stops_the_query(duck: DuckViews, text: str) -> None:
    """A record that is no FHIR resource is never left out in silence, and the error does not repeat it."""
    view = {"resource": "Patient", "select": [columns(id="id")]}
    with pytest.raises(ViewError, match="a record is") as caught:
        answer(duck, view, ['{"resourceType":"Patient","id":"1"}', text])
    assert text not in caught.value.what or text == "x"


@pytest.mark.parametrize(
    "view",
    [
        {"resource": "Patient", "select": [columns(a="%nobody")]},
        {"resource": "Patient", "where": [{"path": "name.family"}], "select": [columns(a="id")]},
        {"resource": "Patient", "select": [columns(a="deceased.ofType(nothing)")]},
        {"resource": "Nothing", "select": [columns(a="id")]},
        {"resource": "Patient", "select": [{"unionAll": [columns(a="id"), columns(a="active")]}]},
        {"resource": "Patient", "select": [columns(**{"1a": "id"})]},
    ],
)
def test_what_means_nothing_is_refused_before_any_row(duck: DuckViews, view: dict[str, Any]) -> None:
    """Constants nobody defined, conditions that are no truth values, types that do not exist: refused over no data at all."""
    with pytest.raises(ViewError):
        answer(duck, view, [])


def test_the_third_edition_of_a_view_is_read(duck: DuckViews) -> None:
    """SQL on FHIR 3.0.0 names `resourceType` where 2.0.0 names `resource`."""
    view = {"resourceType": "ViewDefinition", "resource": "Patient", "select": [columns(id="id")]}
    assert answer(duck, view, ['{"resourceType":"Patient","id":"1"}']) == [("1",)]
