"""Which of several codings speaks for a record, and which standard concepts it means.

The order (f2o-034 to f2o-036): a coding with a standard concept before one without; what the source calls its own choice
(`userSelected`); the vocabulary's rank in `edges.csv`; the more specific of two concepts of one vocabulary; the order of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from trivet.data.omop.paths import every
from trivet.data.omop.rules import Edge, Rules
from trivet.data.omop.vocabulary import Concept, Vocabulary

__all__ = ["Choice", "choose", "codings", "known", "normal"]

REFERRED = {
    "medication": ("medicationCodeableConcept", "medicationReference.reference", "code"),
    "device": ("", "device.reference", "type"),
}


class Choice(NamedTuple):
    """A coding of the source with its concept and one of the standard ones it means; None for what is not there."""

    system: str
    code: str
    source: Concept | None
    standard: Concept | None
    text: str


def normal(vocabulary: str, code: str) -> str:
    """A code as the vocabulary writes it: NDC has eleven digits without dashes."""
    if vocabulary != "NDC" or "-" not in code:
        return code
    parts = code.split("-")
    return "".join(part.zfill(width) for part, width in zip(parts, (5, 4, 2), strict=False)) if len(parts) == 3 else code.replace("-", "")


def known(rules: Rules, vocabulary: Vocabulary, coding: Mapping[str, Any]) -> Concept | None:
    """The concept of a coding."""
    name = rules.systems.get(str(coding.get("system", "")))
    code = str(coding.get("code", ""))
    return vocabulary.find(name, normal(name, code)) if name and code else None


def codings(value: Any) -> Iterator[Mapping[str, Any]]:
    """The codings of CodeableConcepts, or a Coding itself."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            inner = one.get("coding", [one])
            yield from (
                coding
                for coding in (inner if isinstance(inner, list) else [])
                if isinstance(coding, Mapping) and isinstance(coding.get("code"), str)
            )


def choose(
    edge: Edge, item: Mapping[str, Any], vocabulary: Vocabulary, rules: Rules, resources: Mapping[str, Mapping[str, Any]]
) -> list[Choice]:
    """The choices of an item: one for each standard concept, or one without any. Empty when it has neither code nor text."""
    concepts = _concepts(edge, item, resources)
    held = [(coding, known(rules, vocabulary, coding)) for coding in codings(concepts) if coding["code"]]
    text = next((str(one["text"]) for one in concepts if isinstance(one, Mapping) and one.get("text")), "")
    if not held:
        return [Choice("", "", None, None, text)] if text else []
    ranked = sorted(range(len(held)), key=lambda place: _rank(edge, vocabulary, rules, held, place))
    chosen = ranked if rules.setting(edge.edge, "@codings") == "all" else ranked[:1]
    choices: dict[int, Choice] = {}
    for place in chosen:
        coding, concept = held[place]
        for standard in vocabulary.standards(concept) if concept else []:
            choices.setdefault(standard.id, Choice(str(coding.get("system", "")), str(coding["code"]), concept, standard, text))
    if choices:
        return list(choices.values())
    coding, concept = held[ranked[0]]
    return [Choice(str(coding.get("system", "")), str(coding["code"]), concept, None, text)]


def _rank(
    edge: Edge, vocabulary: Vocabulary, rules: Rules, held: list[tuple[Mapping[str, Any], Concept | None]], place: int
) -> tuple[Any, ...]:
    coding, concept = held[place]
    standards = vocabulary.standards(concept) if concept else []
    allowed = rules.setting(edge.edge, "@domains").split()
    usable = [one for one in standards if not allowed or one.domain in allowed]
    name = rules.systems.get(str(coding.get("system", "")), "")
    rank = edge.order.index(name) if name in edge.order else len(edge.order)
    above = sum(
        bool(concept and other and other.vocabulary == concept.vocabulary and vocabulary.below(other, concept)) for _, other in held
    )
    return (not usable, concept is None, coding.get("userSelected") is not True, rank, above, place)


def _concepts(edge: Edge, item: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """The CodeableConcepts of an edge's code, also through a reference to a resource of its own or a contained one."""
    if edge.code not in REFERRED:
        return every(item, edge.code)
    own, reference, code = REFERRED[edge.code]
    if own and own in item:
        return every(item, own)
    found: list[Any] = []
    for said in every(item, reference):
        if str(said).startswith("#"):
            inner = [one for one in every(item, "contained") if isinstance(one, Mapping) and one.get("id") == said[1:]]
            found += [value for one in inner for value in every(one, code)]
        else:
            found += every(resources.get("/".join(str(said).split("/")[-2:]), {}), code)
    return found
