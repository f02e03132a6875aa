"""What single resource types ask beyond their table and their invariants, out of the text of the standard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from trivet.integration.validation.bundles import bundle
from trivet.integration.validation.check import Resource, Walk
from trivet.integration.validation.datatypes import text
from trivet.integration.validation.finding import Place
from trivet.integration.validation.vitals import observation
from trivet.kernel.fhirpath import PathError, parse

__all__ = ["WHOLE"]


def several(held: Any, name: str) -> list[Any]:
    """A list of an object; empty for anything else."""
    found = held.get(name) if isinstance(held, dict) else None
    return found if isinstance(found, list) else []


def search_parameter(walk: Walk, one: Resource) -> None:
    """http://hl7.org/fhir/R4/searchparameter.html: a composite has at least two components; an expression parses."""
    value = one.value
    if text(value, "type") == "composite" and len(several(value, "component")) < 2:
        walk.found.error("rule", one.place, "a composite search parameter has at least two components", "search-composite")
    expression = text(value, "expression")
    if expression:
        bases = [base for base in several(value, "base") if isinstance(base, str)]
        path_of(walk, expression, bases, (one.place, "expression"))


def path_of(walk: Walk, expression: str, bases: list[str], place: Place) -> None:
    """A FHIRPath that parses, and begins with a type that it can be asked of."""
    try:
        parse(expression)
    except (PathError, RecursionError):
        walk.found.error("rule", place, "the expression is not FHIRPath", "fhirpath")
        return
    for part in expression.split("|"):
        word = part.strip().lstrip("(").partition(".")[0].strip()
        if word in walk.shapes.resources and bases and not any(base in (word, "Resource", "DomainResource") for base in bases):
            walk.found.error("rule", place, "the expression begins with a type that is not among the bases", "fhirpath")
            return


def code_system(walk: Walk, one: Resource) -> None:
    """http://hl7.org/fhir/R4/codesystem.html: the count is that of the concepts where all are there; none where none is said to be."""
    concepts = list(deep(several(one.value, "concept"), "concept"))
    count = one.value.get("count")
    if text(one.value, "content") == "not-present" and concepts:
        words = "the code system is said to hold none of its concepts, and holds some"
        walk.found.error("rule", ((one.place, "concept"), 0), words, "codesystem-content")
    if text(one.value, "content") == "complete" and isinstance(count, int) and concepts and count != len(concepts):
        walk.found.error("rule", one.place, "the count is not the number of concepts", "codesystem-count")


def deep(items: list[Any], name: str) -> Iterator[dict[str, Any]]:
    """Objects and those below them."""
    for item in items:
        if isinstance(item, dict):
            yield item
            yield from deep(several(item, name), name)


def structure_definition(walk: Walk, one: Resource) -> None:
    """http://hl7.org/fhir/R4/structuredefinition.html, elementdefinition.html: paths that begin with the type and hold together."""
    value = one.value
    kind = text(value, "type")
    for view in ("differential", "snapshot"):
        elements = several(value.get(view), "element")
        previous: list[str] = []
        for number, element in enumerate(elements):
            path = text(element, "path")
            place = (((one.place, view), "element"), number)
            if path and ".." in path:
                walk.found.error("rule", one.place, "an element's path has an empty step", "path-form")
            previous.append(path)
            if number == 0 and isinstance(element, dict) and "slicing" in element and "." not in path and view == "differential":
                walk.found.error("rule", place, "the root of a profile must not be sliced", "root-slicing")
        if view == "differential" and kind and text(value, "derivation") == "constraint" and text(value, "kind") != "logical":
            _known(walk, kind, elements, one)
            _order(walk, kind, elements, ((one.place, view), "element"))


def _known(walk: Walk, kind: str, elements: list[Any], one: Resource) -> None:
    """Elements of a differential that the type, as R4 has it, does not have."""
    if kind not in walk.shapes.below or kind == "Extension":
        return
    for element in elements:
        path = text(element, "path")
        steps = path.split(".")
        if steps[0] != kind:
            continue
        where = kind
        for step in steps[1:]:
            names = walk.shapes.spec(where).names if where in walk.shapes.below else None
            if names is None:
                break
            name = step.removesuffix("[x]")
            member = walk.shapes.spec(where).members.get(name)
            listed = names.get(name)
            if member is None and not listed:
                walk.found.error("rule", one.place, "an element of the differential is none of the type", "path-unknown")
                return
            member = member or walk.shapes.spec(where).members[listed[0]]  # type: ignore[index]
            if (listed and len(listed) > 2) or member.resource or member.test is not None:
                break
            where = member.kind


BINDABLE = frozenset(
    [
        "code",
        "Coding",
        "CodeableConcept",
        "Quantity",
        "string",
        "uri",
        "Duration",
        "Money",
        "Age",
        "Distance",
        "Count",
        "SimpleQuantity",
        "CodeableReference",
        "Resource",
    ]
)


def _order(walk: Walk, kind: str, elements: list[Any], place: Place) -> None:
    """Elements in the order of the type; bindings only where codes can stand."""
    ranks = {row["path"]: number for number, row in enumerate(walk.shapes.rows.values()) if row["path"].partition(".")[0] == kind}
    listed = [ranks.get(text(element, "path"), -1) for element in elements]
    lowest = len(walk.shapes.rows)
    late: list[int] = []
    for number in range(len(listed) - 1, -1, -1):
        rank = listed[number]
        if rank < 0 or text(elements[number], "path").count(".") != 1:
            continue
        if rank > lowest:
            late.append(number)
        lowest = min(lowest, rank)
    for number in late:
        walk.found.error("rule", (place, number), "the element stands before one that comes earlier in the type", "element-order")
    for number, element in enumerate(elements):
        row = walk.shapes.rows.get(text(element, "path"))
        if row is None or not isinstance(element, dict) or "binding" not in element:
            continue
        kinds = [text(one, "code") for one in several(element, "type")] or [word.partition(">")[0] for word in row["types"].split(";")]
        if not BINDABLE & set(kinds) and all(kinds):
            walk.found.error("rule", (place, number), "a binding on an element whose type has no codes", "binding-type")


def questionnaire_response(walk: Walk, one: Resource) -> None:
    """http://hl7.org/fhir/R4/questionnaireresponse.html: answers to a contained questionnaire are to its questions."""
    link = text(one.value, "questionnaire")
    if not link.startswith("#"):
        return
    form = next((inner.value for inner in one.inner if inner.how == "contained" and inner.value.get("id") == link[1:]), None)
    if form is None or form.get("resourceType") != "Questionnaire":
        walk.found.error("unresolved", (one.place, "questionnaire"), "no contained questionnaire has this id", "questionnaire")
        return
    known = {text(item, "linkId"): item for item in deep(several(form, "item"), "item")}
    _answers(walk, several(one.value, "item"), known, (one.place, "item"))


TYPES = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding", "valueDate", "valueTime", "valueInteger", "valueString", "valueReference"),
    "open-choice": ("valueCoding", "valueString", "valueDate", "valueTime", "valueInteger", "valueReference"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}


def _answers(walk: Walk, items: list[Any], known: dict[str, Any], place: Place) -> None:
    for number, item in enumerate(items):
        at = (place, number)
        asked = known.get(text(item, "linkId"))
        if not isinstance(item, dict) or "linkId" not in item:
            continue
        if asked is None:
            walk.found.error("rule", at, "the questionnaire has no question of this linkId", "questionnaire-link")
            continue
        answers = several(item, "answer")
        kind = text(asked, "type")
        if len(answers) > 1 and asked.get("repeats") is not True:
            walk.found.error("rule", at, "the question takes one answer", "questionnaire-repeats")
        for row, answer in enumerate(answers):
            names = [name for name in answer if name.startswith("value")] if isinstance(answer, dict) else []
            if kind in TYPES and names and names[0] not in TYPES[kind]:
                walk.found.error("rule", ((at, "answer"), row), f"the question takes answers of type {kind}", "questionnaire-answer")
            _answers(walk, several(answer, "item"), known, (((at, "answer"), row), "item"))
        _answers(walk, several(item, "item"), known, (at, "item"))


WHOLE: dict[str, Callable[[Walk, Resource], None]] = {
    "Bundle": bundle,
    "Observation": observation,
    "SearchParameter": search_parameter,
    "CodeSystem": code_system,
    "StructureDefinition": structure_definition,
    "QuestionnaireResponse": questionnaire_response,
}
