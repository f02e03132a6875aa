"""Who answers for which code system: the first that owns it. In, a question; out, the owner's answer, or `unknown` when nobody owns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.terminology import Coding, Concept, Expansion, Hit, Subsumption, Translation, Verdict
from trivet.data.terminology import canonical_system
from trivet.data.vocabulary.embedded import Embedded
from trivet.kernel.errors import NotFound

__all__ = ["Router"]


class Router:
    """The embedded terminology first, then the others in the order of the settings."""

    def __init__(self, embedded: Embedded, others: Sequence[Any]) -> None:
        self.embedded, self.all = embedded, (embedded, *others)

    def close(self) -> None:
        """End all of them."""
        for one in reversed(self.all):
            one.close()

    def owner(self, system: str, version: str = "") -> Any:
        """Who answers: the embedded one when nobody else could, so that it says why not."""
        uri = canonical_system(system)[0]
        for one in self.all:
            if one is self.embedded and version and uri != "" and self.embedded.edition(uri, version) is None and len(self.all) > 1:
                continue  # another version than the one that is here
            if one.owns(uri):
                return one
        return self.embedded

    def lookup(self, system: str, code: str, version: str = "") -> Concept:
        """All that is known of a code."""
        found: Concept = self.owner(system, version).lookup(canonical_system(system)[0], code, version)
        return found

    def validate(self, coding: Coding, *, valueset: str = "", at: str = "") -> Verdict:
        """Is this coding right? A value set that is not here is asked of the others; when there are none it is `unknown`."""
        if valueset:
            for one in self.all:
                try:
                    found: Verdict = one.validate(coding, valueset=valueset, at=at)
                except NotFound as error:
                    reason = f"{error.args[0]}: {error.where}"
                    continue
                if found.result != "unknown" or one is self.all[-1]:
                    return found
                reason = "; ".join(found.messages)
            return Verdict("unknown", coding.system, coding.version, coding.code, valueset=valueset, messages=(reason,))
        found = self.owner(coding.system, coding.version).validate(coding, at=at)
        return found

    def validate_concept(self, codings: Sequence[Coding], *, valueset: str = "", at: str = "") -> tuple[Verdict, ...]:
        """Each coding of a CodeableConcept, the valid ones first."""
        order = {"valid": 0, "unknown": 1, "invalid": 2}
        return tuple(sorted((self.validate(one, valueset=valueset, at=at) for one in codings), key=lambda verdict: order[verdict.result]))

    def subsumes(self, system: str, code: str, other: str, version: str = "") -> Subsumption:
        """Does one code stand above the other?"""
        found: Subsumption = self.owner(system, version).subsumes(canonical_system(system)[0], code, other, version)
        return found

    def translate(self, system: str, code: str, target: str = "") -> tuple[Translation, ...]:
        """What concept maps make of a code: the first terminology that has a map."""
        for one in self.all[:-1]:
            try:
                return tuple(one.translate(system, code, target))
            except NotFound:
                continue
        return tuple(self.all[-1].translate(system, code, target))

    def expand(self, url: str, **asked: Any) -> Expansion:
        """One page of a value set, by the first that has it whole."""
        for one in self.all[:-1]:
            try:
                found: Expansion = one.expand(url, **asked)
                return found
            except NotFound:
                continue
        found = self.all[-1].expand(url, **asked)
        return found

    def search(self, text: str, system: str, *, version: str = "", limit: int = 20) -> tuple[Hit, ...]:
        """Codes by words: only over what is loaded here."""
        return self.embedded.search(text, system, version=version, limit=limit)
