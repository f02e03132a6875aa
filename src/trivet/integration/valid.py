"""What FHIR R4 forbids in a finished record although the source said it: the last touch, before a record leaves its format.

In: a record. Out: the record as valid FHIR and what had to go, or a reject with the place. Nothing is invented: an element that R4 requires
and the source lacks is said to be unknown (extension data-absent-reason), what R4 does not admit at its place is left out by the name of
R4's rule. Judged by the house's validator; records of a shape that was judged before are not judged again.
"""

from __future__ import annotations

import re
from copy import deepcopy
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from trivet.contracts.record import Notice, Record, Span, Translation
from trivet.integration.validation import Finding, Validator
from trivet.integration.validation.datatypes import URI_SYSTEM
from trivet.integration.validation.primitives import absolute
from trivet.kernel.digest import sha256
from trivet.kernel.errors import Rejected

__all__ = ["Derived", "Lost", "proven", "settle", "settled", "shape_number"]

ROUNDS = 24  # a repair may show the next fault; what takes more is refused
SHAPES = 4096
UNNAMED = "urn:trivet:unnamed"  # an extension whose qualifier the source leaves empty
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
BOUND = ("http://hl7.org/", "http://terminology.hl7.org/", "http://unitsofmeasure.org")
FREE = ("http://hl7.org/fhir/sid/icd-", "http://hl7.org/fhir/sid/ndc")  # whose codes R4 requires nowhere
# Elements whose values are few, and mostly out of a value set that R4 requires.
WORDS = frozenset(
    (
        *("resourceType", "system", "url", "status", "use", "gender", "outcome", "intent", "purpose", "currency", "language", "priority"),
        *("criticality", "category", "type", "mode", "docStatus", "comparator", "periodUnit", "durationUnit", "lifecycleStatus"),
        *("contentType", "confidentiality", "when", "dayOfWeek", "severity", "action", "kind"),
    )
)
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
STEP = re.compile(r"([^.\[]+)(?:\[(\d+)\])?")
NAMES = 2048
DICT, LIST, END = object(), object(), object()  # parts of a shape that no resource holds
_sound: set[Any] = set()
_follow: set[Any] = set()
_numbers: dict[Any, int] = {}
_next = count(1)
_kinds: dict[str, bool] = {}  # False for names of texts of which nothing matters but that they are printable and not padded


class Lost(NamedTuple):
    """What a record had to give up: the rule of R4, the element, and the bytes behind it."""

    rule: str
    path: str
    spans: tuple[Span, ...]


class Derived(Record):
    """A record whose maker says what its shape follows from: two that follow from the same have the same `shape_of`. None says nothing."""

    __slots__ = ("follows",)

    def __init__(self, resource: dict[str, Any], spans: tuple[Span, ...], follows: Any) -> None:
        super().__init__(resource, spans)
        self.follows = follows


@cache
def judge() -> Validator:
    """The validator, made when the first record needs it."""
    return Validator()


def settle(record: Record) -> tuple[Record | None, list[Lost], Rejected | None]:
    """The record as FHIR R4 admits it; without a record, why there can be none."""
    follows = record.follows if type(record) is Derived else None
    if follows is not None and follows in _follow:
        return record, [], None
    shape = shape_of(record.resource)
    if shape in _sound:
        return _known(record, follows)
    wrong = [finding for finding in judge().value(record.resource) if finding.is_error]
    if not wrong:
        if len(_sound) >= SHAPES:
            _sound.clear()
        _sound.add(shape)
        return _known(record, follows)
    return Repair(record).run(wrong)


def _known(record: Record, follows: Any) -> tuple[Record, list[Lost], None]:
    """A record that is sound, and so are others that follow from the same."""
    if follows is not None:
        if len(_follow) >= SHAPES:
            _follow.clear()
        _follow.add(follows)
    return record, [], None


def shape_number(resource: dict[str, Any]) -> int:
    """A number that stands for the shape of a resource; no other shape ever gets it."""
    shape = shape_of(resource)
    found = _numbers.get(shape)
    if found is None:
        if len(_numbers) >= SHAPES:
            _numbers.clear()
        found = _numbers[shape] = next(_next)
    return found


def settled(made: list[Record], about: str) -> tuple[list[Record], dict[int, str], list[Rejected], list[Notice]]:
    """Records as R4 admits them; by place what had to go for it and the rule; the records that had to go whole; what was left out.
    `about` names the format in the notices."""
    records: list[Record] = []
    gone: dict[int, str] = {}
    rejects: list[Rejected] = []
    notices: list[Notice] = []
    for one in made:
        record, lost, reject = settle(one)
        if record is None:
            rejects += [reject] if reject is not None else []
            gone |= {span.offset: "not-fhir" for span in one.spans}
            continue
        records.append(record)
        for rule, path, spans in lost:
            gone |= {span.offset: f"fhir/{rule}" for span in spans}
            for span in spans or one.spans[:1]:
                notices.append(Notice("not-in-fhir", about, f"{rule}:{path}", span.locator, span.offset, span.length))
    return records, gone, rejects, notices


def proven(told: Translation, about: str) -> Translation:
    """A finished translation with its records as R4 admits them; what had to go is rejected by R4's rule."""
    records, gone, rejects, notices = settled(list(told.records), about)
    kept = {span.offset for record in records for span in record.spans} if gone else set()
    elements = (
        told.elements
        if not gone
        else tuple(
            one._replace(disposition="rejected", rule=f"{about}/{gone[one.offset]}")
            if one.disposition == "mapped" and one.offset in gone and one.offset not in kept
            else one
            for one in told.elements
        )
    )
    return Translation(tuple(records), elements, (*told.rejects, *rejects), (*told.notices, *notices), told.ignored)


def shape_of(resource: dict[str, Any]) -> tuple[Any, ...]:
    """What R4's rules depend on: names, kinds of values, the words of small vocabularies, the order of the ends of a period,
    whether what is called a URI is one."""
    out: list[Any] = []
    _dict(resource, out)
    return tuple(out)


def _dict(value: dict[str, Any], out: list[Any]) -> None:
    add, kinds = out.append, _kinds
    for name, inner in value.items():
        add(name)
        if type(inner) is str:
            if kinds.get(name, True) or not inner.isprintable() or inner.strip() != inner or not inner:
                add(_text(inner, name))
            else:
                add(False)
        elif type(inner) is dict:
            add(DICT)
            _dict(inner, out)
            add(END)
        elif type(inner) is list:
            add(LIST)
            _list(inner, name, out)
            add(END)
        else:
            add(_other(inner))
    if "code" in value and (system := str(value.get("system", ""))).startswith(BOUND) and not system.startswith(FREE):
        out += ("=", value["code"])
    if value.get("system") == URI_SYSTEM and type(held := value.get("value")) is str:
        out += ("@", absolute(held))
    if "size" in value and "data" in value:
        out += ("#", value["size"], len(str(value["data"])))
    if "hash" in value and "data" in value:
        out += ("#", str(value["hash"]), sha256(str(value["data"]).encode()))  # the data would be held as long as the shape
    if "start" in value and "end" in value:
        out += ("<", str(value["start"])[:10] <= str(value["end"])[:10])


def _list(value: list[Any], name: str, out: list[Any]) -> None:
    for inner in value:
        if type(inner) is dict:
            out.append(DICT)
            _dict(inner, out)
            out.append(END)
        elif type(inner) is list:
            out.append(LIST)
            _list(inner, name, out)
            out.append(END)
        else:
            out.append(_text(inner, name) if type(inner) is str else _other(inner))


def _text(value: str, name: str) -> Any:
    """What matters of a text under a name; of most nothing but that it is one."""
    if name == "div":  # made by ourselves, of any text
        return bool(value)
    if name == "data":
        return bool(value) and bool(BASE64.fullmatch(value))
    if name in WORDS or not value.isprintable() or value.strip() != value or not value:
        return value
    if name == "reference":
        return value.partition("/")[0]
    if name in ("code", "valueCode"):
        return value if " " in value else False
    if name.endswith(("Date", "DateTime")):
        return len(value)
    if len(_kinds) < NAMES:
        _kinds[name] = False
    return False


def _other(value: Any) -> Any:
    if type(value) is Decimal:
        return value if abs(value.adjusted()) > 12 else None
    return value if type(value) is bool else (value > 0) - (value < 0)


class Repair:
    """One record that R4 refuses. Use once."""

    def __init__(self, record: Record) -> None:
        self.resource: dict[str, Any] = deepcopy(record.resource)
        self.spans = list(record.spans)
        self.lost: list[Lost] = []

    def run(self, wrong: list[Finding]) -> tuple[Record | None, list[Lost], Rejected | None]:
        """Repair until nothing is wrong. What is missing first: a removal may be spared by it."""
        for _ in range(ROUNDS):
            lacking = [finding for finding in wrong if finding.code == "cardinality"]
            done = [self._lacking(finding) for finding in lacking] if lacking else [self._remove(wrong[-1])]
            if not any(done):
                break
            wrong = [finding for finding in judge().value(self.resource) if finding.is_error]
            if not wrong:
                return Record(self.resource, tuple(self.spans)), self.lost, None
        first = wrong[0]
        at = next((span for span in self.spans if span.length), None)
        why = f"no valid FHIR R4 can be made of it: {first.rule}"
        reject = Rejected("not-fhir", why, at.locator, at.offset, at.length) if at else Rejected("not-fhir", why)
        return None, self.lost, reject

    def _lacking(self, finding: Finding) -> bool:
        """Say that a required element is unknown. A sequence is counted."""
        holder, name = self._at(finding.pointer), finding.rule.rpartition(".")[2]
        if not isinstance(holder, dict):
            return False
        if finding.rule == "Extension.url":
            holder["url"] = UNNAMED
            return True
        if name == "sequence":
            number = finding.pointer.rpartition("/")[2]
            holder[name] = int(number) + 1 if number.isdigit() else 1
            return True
        spec = judge().shapes.spec(finding.rule.rpartition(".")[0])
        names = next((either for required, either in spec.required if required == name), ())
        chosen = next((one for one in names if one.endswith("String")), names[0] if names else "")
        member = spec.members.get(chosen)
        if member is None or member.resource or "." in member.kind or member.of is not None:
            return False
        said = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
        if member.test is not None:
            holder[f"_{chosen}"] = [said] if member.many else said
            if member.many:
                holder[chosen] = [None]
        else:
            holder[chosen] = [said] if member.many else said
        return True

    def _remove(self, finding: Finding) -> bool:
        """Leave an element out, with everything in it."""
        steps = [step.replace("~1", "/").replace("~0", "~") for step in finding.pointer.split("/")[1:]]
        holder = self._at(finding.pointer)
        if finding.code == "choice" and isinstance(holder, dict):
            stem = finding.rule.rpartition(".")[2]
            kinds = [name for name in holder if name.removeprefix("_").startswith(stem) and name.removeprefix("_") != stem]
            steps.append(kinds[-1])
        elif finding.code == "unknown-element":
            steps.append(finding.rule)
        if not steps or steps[0] in ("id", "resourceType"):
            return False
        above = self._at("".join(f"/{step}" for step in steps[:-1]))
        last = steps[-1]
        if isinstance(above, list):
            above.pop(int(last))
        elif isinstance(above, dict) and last in above:
            del above[last]
        else:
            return False
        self._forget(steps, isinstance(above, list), finding)
        return True

    def _forget(self, steps: list[str], shifts: bool, finding: Finding) -> None:
        """Spans of what is gone; what stood behind it in a list moves up."""
        gone, kept = [], []
        for span in self.spans:
            mine = steps_of(span.path)
            if mine[: len(steps)] == steps:
                gone.append(span)
                continue
            if shifts and len(mine) >= len(steps) and mine[: len(steps) - 1] == steps[:-1] and int(mine[len(steps) - 1]) > int(steps[-1]):
                mine[len(steps) - 1] = str(int(mine[len(steps) - 1]) - 1)
                span = span._replace(path=path_of(mine))
            kept.append(span)
        self.spans = kept
        self.lost.append(Lost(finding.rule, re.sub(r"\[\d+\]", "", finding.expression), tuple(gone)))

    def _at(self, pointer: str) -> Any:
        node: Any = self.resource
        for step in pointer.split("/")[1:]:
            if isinstance(node, list):
                node = node[int(step)] if step.isdigit() and int(step) < len(node) else None
            else:
                node = node.get(step) if isinstance(node, dict) else None
        return node


def steps_of(path: str) -> list[str]:
    """`item[0].net.value` as steps of a JSON pointer."""
    found = []
    for name, index in STEP.findall(path):
        found += [name, index] if index else [name]
    return found


def path_of(steps: list[str]) -> str:
    """Steps of a JSON pointer as an element path."""
    out = ""
    for step in steps:
        out += f"[{step}]" if step.isdigit() else f".{step}" if out else step
    return out
