"""What the tables allow has no error; one break of any class is found at its element; garbage never raises."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.integration.validation import Validator
from trivet.integration.validation.locate import locate
from trivet.integration.validation.reader import read
from trivet.integration.validation.shape import Spec, shapes
from trivet.kernel import jsontext

KINDS = (
    "Basic", "Condition", "Device", "Encounter", "Endpoint", "EpisodeOfCare", "Flag", "HealthcareService",
    "Location", "Observation", "Patient", "Practitioner", "PractitionerRole", "Schedule", "ServiceRequest", "Slot", "Specimen",
)  # fmt: skip
# Elements that invariants bind to one another: left out, the unit tests have them.
BOUND = {"contained", "extension", "modifierExtension", "text", "meta", "id", "implicitRules", "language", "abatement[x]", "clinicalStatus",
         "verificationStatus", "dataAbsentReason", "orderDetail", "contact", "component", "referenceRange", "evidence", "stage",
         "quantity", "value[x]", "availableTime", "notAvailable"}  # fmt: skip
LETTERS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f", exclude_categories=("Cc", "Z")), min_size=1
)
DAYS = st.dates().filter(lambda day: 1800 <= day.year <= 2100).map(lambda day: day.isoformat())
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "string": LETTERS,
    "markdown": LETTERS,
    "code": st.from_regex(r"[a-z0-9-]+( [a-z]+)?", fullmatch=True),
    "id": st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True),
    "uri": st.from_regex(r"https://[a-z]{1,9}\.test/[a-z0-9]{1,9}", fullmatch=True),
    "url": st.from_regex(r"https://[a-z]{1,9}\.test/[a-z0-9]{1,9}", fullmatch=True),
    "canonical": st.from_regex(r"https://[a-z]{1,9}\.test/[a-z0-9]{1,9}", fullmatch=True),
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000),
    "date": DAYS | DAYS.map(lambda day: day[:7]) | DAYS.map(lambda day: day[:4]),
    "dateTime": DAYS | DAYS.map(lambda day: day + "T23:59:60Z"),
    "instant": DAYS.map(lambda day: day + "T00:00:00.123+14:00"),
    "time": st.times().map(lambda time: time.isoformat()),
    "base64Binary": st.binary(min_size=1).map(lambda data: __import__("base64").b64encode(data).decode()),
}
DATATYPES: dict[str, st.SearchStrategy[Any]] = {
    "CodeableConcept": st.fixed_dictionaries({"text": LETTERS}),
    "Coding": st.fixed_dictionaries({"system": PLAIN["uri"], "code": PLAIN["code"]}),
    "Period": st.fixed_dictionaries({"start": DAYS}),
    "Identifier": st.fixed_dictionaries({"system": PLAIN["uri"], "value": LETTERS}),
    "ContactPoint": st.fixed_dictionaries({"system": st.sampled_from(("phone", "email")), "value": LETTERS}),
    "HumanName": st.fixed_dictionaries({"family": LETTERS, "given": st.lists(LETTERS, min_size=1, max_size=3)}),
    "Address": st.fixed_dictionaries({"city": LETTERS, "line": st.lists(LETTERS, min_size=1, max_size=2)}),
    "Annotation": st.fixed_dictionaries({"text": LETTERS}),
    "Quantity": st.fixed_dictionaries({"value": PLAIN["decimal"], "unit": LETTERS}),
}


@st.composite
def made(draw: st.DrawFn, kind: str, depth: int = 0) -> dict[str, Any]:
    """An object of a type: what must be there, and some of what may."""
    out: dict[str, Any] = {"resourceType": kind} if "." not in kind and depth == 0 else {}
    for row in shapes().below[kind]:
        name = row["path"].rpartition(".")[2]
        must = row["min"] != "0"
        if (name in BOUND and not must) or (not must and (depth > 1 or draw(st.integers(0, 2)) == 0)):
            continue
        words = [word.split(">") for word in row["types"].split(";") if word]
        usable = [
            word for word in words if word[0] in PLAIN or word[0] in DATATYPES or word[0] == "Reference" or row["path"] in shapes().below
        ]
        if not usable:
            continue
        word, *targets = draw(st.sampled_from(usable))
        value = draw(one(row, word, targets, depth))
        if value in ({}, None):
            continue
        json_name = name.removesuffix("[x]") + word[:1].upper() + word[1:] if name.endswith("[x]") else name
        out[json_name] = [value] if row["max"] != "1" else value
    return out


def one(row: dict[str, str], word: str, targets: list[str], depth: int) -> st.SearchStrategy[Any]:
    """A value of an element."""
    spec = shapes().spec(row["path"].rpartition(".")[0])
    member = spec.members.get(row["path"].rpartition(".")[2])
    if member is not None and member.codes:
        return st.sampled_from(sorted(member.codes))
    if row["strength"] == "required" and word in ("CodeableConcept", "code", "Coding"):
        return st.none()
    if word == "Reference":
        kind = "Patient" if not targets or "Resource" in targets else targets[0]
        return PLAIN["id"].map(lambda key: {"reference": f"{kind}/{key}"})
    if word in PLAIN:
        return PLAIN[word]
    if word in DATATYPES:
        return DATATYPES[word]
    return made(row["path"], depth + 1)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """A resource that is right."""
    return draw(made(draw(st.sampled_from(KINDS))))


def errors(resource: Any) -> list[tuple[str, str]]:
    """Element and class of every error."""
    return [(found.expression, found.code) for found in Validator().text(jsontext.dumps(resource)) if found.is_error]


def objects(value: dict[str, Any], spec: Spec, path: str) -> list[tuple[dict[str, Any], Spec, str]]:
    """Every object of a resource with its type and the FHIRPath to it."""
    out = [(value, spec, path)]
    for name, inner in value.items():
        member = spec.members.get(name)
        if member is None or member.test is not None or member.resource or name == "resourceType":
            continue
        for number, item in enumerate(inner if isinstance(inner, list) else [inner]):
            at = f"{path}.{member.step}" + (f"[{number}]" if isinstance(inner, list) else "")
            if isinstance(item, dict):
                out += objects(item, shapes().spec(member.kind), at)
    return out


@settings(max_examples=120, deadline=None)
@given(resources())
def test_what_the_tables_allow_has_no_error(resource: dict[str, Any]) -> None:
    """A resource made out of the element table is accepted."""
    assert errors(resource) == []


@settings(max_examples=150, deadline=None)
@given(resources(), st.data())
def test_a_planted_break_is_found_at_its_element(resource: dict[str, Any], data: st.DataObject) -> None:
    """An unknown name, a missing element, a wrong JSON type, an empty value, a doubled choice: each at the element that has it."""
    value, spec, path = data.draw(st.sampled_from(objects(resource, shapes().spec(resource["resourceType"]), resource["resourceType"])))
    plain = [name for name in value if spec.members[name].test is not None and not spec.members[name].many and name != "resourceType"]
    must = [either for _, either in spec.required if sum(name in value for name in either) == 1]
    kind = data.draw(st.sampled_from(["unknown", "empty", *(["type", "list", "null"] if plain else []), *(["missing"] if must else [])]))
    if kind == "unknown":
        value["colour9"] = "red"
        assert (path, "unknown-element") in errors(resource)
    elif kind == "empty":
        value["extension"] = []
        assert (f"{path}.extension", "empty") in errors(resource)
    elif kind == "missing":
        for name in data.draw(st.sampled_from(must)):
            value.pop(name, None)
        found = errors(resource)
        assert (path, "cardinality") in found or (path, "empty") in found
    else:
        name = data.draw(st.sampled_from(plain))
        value[name] = {"type": {}, "list": [value[name]], "null": None}[kind]
        assert (f"{path}.{spec.members[name].step}", "json-type") in errors(resource)


WORDS = (
    "id",
    "extension",
    "url",
    "reference",
    "contained",
    "text",
    "div",
    "status",
    "entry",
    "resource",
    "fullUrl",
    "coding",
    "system",
    "code",
    "valueQuantity",
    "_birthDate",
    "birthDate",
    "item",
    "answer",
    "element",
    "differential",
    "path",
    "type",
    "questionnaire",
    "link",
    "relation",
    "identifier",
    "value",
    "name",
    "subject",
    "section",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(WORDS) | st.text(max_size=8),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(shapes().resources)), JSON, st.integers(0, 400), st.binary(max_size=6))
def test_garbage_never_raises(kind: str, junk: Any, at: int, noise: bytes) -> None:
    """Any JSON under any type's name, whole or with bytes put in anywhere, is answered with findings."""
    value = {"resourceType": kind, **junk} if isinstance(junk, dict) else junk
    judge = Validator()
    assert isinstance(judge.value(value), list)
    raw = jsontext.dumps(value)
    broken = raw[: at % (len(raw) + 1)] + noise + raw[at % (len(raw) + 1) :]
    for found in judge.text(raw) + judge.text(broken) + judge.text(noise):
        assert json.dumps(found.as_dict())
        assert found.offset <= len(broken)


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from((None, 1)))
def test_two_ways_to_find_bytes_agree(value: Any, indent: int | None) -> None:
    """Looking for a path finds every value where reading with patience finds it, and both cut the value itself out of the text."""
    raw = json.dumps(value, indent=indent, default=float, ensure_ascii=False).encode()
    patient = read(raw)
    assert patient.faults == []
    assert locate(raw, patient.where) == patient.where
    for where in patient.where.values():
        jsontext.loads(raw[where.start : where.end])


def test_numbers_of_any_size_are_findings() -> None:
    """A number that no machine has is refused or kept, never an exception."""
    for number in ("1e999999", "9" * 5000, "-0", "0." + "1" * 5000):
        raw = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}' % number.encode()
        assert isinstance(Validator().text(raw), list)
    assert Validator().value({"resourceType": "Observation", "valueQuantity": {"value": Decimal("NaN")}})
