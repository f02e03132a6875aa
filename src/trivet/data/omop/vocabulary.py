"""What codes mean in OMOP: concepts, their standard ones, who is below whom. In, (vocabulary, code); out, concepts.

What ships is the few concepts that OHDSI generated itself (`maps/omop/concepts.csv`); an operator's release is laid over it
(`data.engines.athena`). A vocabulary says its release, for the run's metadata (f2o-040).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import NamedTuple

from trivet.kernel.resources import text

__all__ = ["EMBEDDED", "Concept", "Vocabulary", "embedded"]

EMBEDDED = "embedded (no release: only concepts that OHDSI generated)"
RELATIONS = ("Maps to", "Maps to value")


class Concept(NamedTuple):
    """One row of CONCEPT. `standard` is S, C or empty; `invalid` is empty for a valid one."""

    id: int
    name: str
    domain: str
    vocabulary: str
    kind: str
    standard: str
    code: str
    invalid: str = ""


class Vocabulary:
    """Concepts in memory: as many as the records at hand need. `prepare` is where a larger store fetches them."""

    def __init__(self, release: str = EMBEDDED) -> None:
        self.release = release
        self._by_code: dict[tuple[str, str], Concept] = {}
        self._by_id: dict[int, Concept] = {}
        self._maps: dict[tuple[int, str], list[int]] = {}
        self._above: set[tuple[int, int]] = set()

    def add(
        self, concepts: Iterable[Concept], relations: Iterable[tuple[int, int, str]] = (), above: Iterable[tuple[int, int]] = ()
    ) -> None:
        """Lay concepts, their valid `Maps to` relations and (ancestor, descendant) pairs over what is here. A valid concept wins a code."""
        for concept in concepts:
            self._by_id[concept.id] = concept
            held = self._by_code.get((concept.vocabulary, concept.code))
            if held is None or held.invalid or not concept.invalid:
                self._by_code[concept.vocabulary, concept.code] = concept
        for one, other, name in relations:
            targets = self._maps.setdefault((one, name), [])
            if other not in targets:
                targets.append(other)
        self._above.update(above)

    def prepare(self, codes: Iterable[tuple[str, str]]) -> None:
        """Have these at hand. Nothing to do here."""

    def find(self, vocabulary: str, code: str) -> Concept | None:
        """The concept of a code; `concept_id` as vocabulary takes the id itself. None when it is not there."""
        if vocabulary == "concept_id":
            return self._by_id.get(int(code)) if code.isdigit() else None
        return self._by_code.get((vocabulary, code))

    def get(self, number: int) -> Concept | None:
        """The concept of an id."""
        return self._by_id.get(number)

    def standards(self, concept: Concept, relation: str = "Maps to") -> list[Concept]:
        """The valid standard concepts that a concept means, lowest id first; a standard concept means itself."""
        found = [self._by_id[other] for other in self._maps.get((concept.id, relation), ()) if other in self._by_id]
        found = sorted(one for one in found if one.standard == "S" and not one.invalid)
        if not found and relation == "Maps to" and concept.standard == "S" and not concept.invalid:
            return [concept]
        return found

    def below(self, concept: Concept, other: Concept) -> bool:
        """Is `concept` more specific than `other`?"""
        return (other.id, concept.id) in self._above and concept.id != other.id


def shipped() -> list[Concept]:
    """The concepts that ship."""
    rows = csv.DictReader(text("trivet.maps", "omop", "concepts.csv").splitlines())
    return [Concept(int(row["concept_id"]), *list(row.values())[1:]) for row in rows]


def embedded() -> Vocabulary:
    """The vocabulary that ships."""
    made = Vocabulary()
    made.add(shipped())
    return made
