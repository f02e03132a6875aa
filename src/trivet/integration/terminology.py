"""A FHIR terminology server as a terminology: $lookup, $validate-code, $subsumes, $translate, $expand over HTTP.

In: a base URL. Out: answers of `contracts.terminology`, answered by that URL with the version it named. A server that is down, slow, or
speaks something else gives `unknown` (or Locked, where only an answer will do): never `valid`. Answers that name their version are kept
for `keep` seconds; others, and failures, are asked again. Only codes go out. Source: FHIR R4, operations of CodeSystem, ValueSet and
ConceptMap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from trivet.contracts.terminology import Coding, Concept, Expansion, Subsumption, Translation, Verdict
from trivet.kernel import jsontext
from trivet.kernel.errors import Locked, NotFound

__all__ = ["FhirTerminology"]

FHIR = "application/fhir+json"
OUTCOMES = ("equivalent", "subsumes", "subsumed-by", "not-subsumed")
LARGEST = 10_000  # answers kept
Parameters = dict[str, Any]


class Failed(Exception):
    """The server gave no answer that can be used; `missing` when it says that it does not know the thing."""

    def __init__(self, why: str, missing: bool = False) -> None:
        super().__init__(why)
        self.why, self.missing = why, missing


class FhirTerminology:
    """`open(folder, options)` with `server`, `timeout` and `keep` (seconds) and `clock` (seconds, for the cache)."""

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self.name = str(options["server"]).rstrip("/")
        self._client = httpx.Client(timeout=float(options.get("timeout", 10)), headers={"Accept": FHIR}, follow_redirects=False)
        self._keep, self._clock = float(options.get("keep", 86_400)), options.get("clock", time.monotonic)
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def owns(self, system: str) -> bool:
        """It is asked about every system that nobody nearer has."""
        return bool(system)

    def ask(self, operation: str, **given: str) -> dict[str, Any]:
        """One operation by GET. Failed for anything but a resource with status 200."""
        wanted = {name.replace("_", "-"): value for name, value in given.items() if value}
        try:
            answer = self._client.get(f"{self.name}/{operation}", params=wanted)
        except httpx.HTTPError as error:
            raise Failed(f"the server does not answer ({type(error).__name__})") from None
        try:
            told = jsontext.loads(answer.content)
        except ValueError:
            raise Failed(f"status {answer.status_code}, not JSON") from None
        kind = told.get("resourceType") if isinstance(told, dict) else None
        if answer.status_code != 200 or kind not in ("Parameters", "ValueSet"):
            raise Failed(f"status {answer.status_code}, {kind or 'no resource'}", answer.status_code == 404 and kind == "OperationOutcome")
        found: dict[str, Any] = told
        return found

    def kept(self, key: tuple[str, ...], make: Callable[[], Any], version: Callable[[Any], str]) -> Any:
        """An answer from the cache, or made now and kept when it names its version."""
        held = self._kept.get(key)
        if held is not None and self._clock() - held[0] < self._keep:
            return held[1]
        made = make()
        if version(made):
            if len(self._kept) >= LARGEST:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = (self._clock(), made)
        return made

    def lookup(self, system: str, code: str, version: str = "") -> Concept:
        """What the server knows of a code. NotFound when it says it has none, Locked when it cannot be asked."""

        def make() -> Concept:
            said = self.must("CodeSystem/$lookup", system=system, code=code, version=version)
            values = plain(said)
            names = tuple(
                {"text": part.get("value", ""), "use": "designation", "language": part.get("language", "")}
                for part in parts(said, "designation")
            )
            properties = tuple((part.get("code", ""), str(part.get("value", ""))) for part in parts(said, "property"))
            inactive = dict(properties).get("inactive", "false").lower() == "true"
            return Concept(
                system, values.get("version", version), code, values.get("display", ""), not inactive,
                parents=tuple(value for name, value in properties if name == "parent"),
                designations=names, properties=properties, answered_by=self.name,
            )  # fmt: skip

        found: Concept = self.kept(("lookup", system, code, version), make, lambda made: made.version)
        return found

    def must(self, operation: str, **given: str) -> dict[str, Any]:
        """An operation whose answer is needed."""
        try:
            return self.ask(operation, **given)
        except Failed as error:
            if error.missing:
                raise NotFound("E387", "the terminology server does not know this", where=self.name, why=error.why) from None
            raise Locked("E388", "the terminology server gives no answer", where=self.name, why=error.why, help="try again") from None

    def validate(self, coding: Coding, *, valueset: str = "", at: str = "") -> Verdict:
        """The server's verdict. `unknown` whenever it does not say true or false."""
        key = ("validate", coding.system, coding.code, coding.version, coding.display, valueset, at)

        def make() -> Verdict:
            operation = "ValueSet/$validate-code" if valueset else "CodeSystem/$validate-code"
            about = {"url": valueset, "system": coding.system, "systemVersion": coding.version} if valueset else {
                "url": coding.system, "version": coding.version}  # fmt: skip
            blank: dict[str, Any] = {"system": coding.system, "code": coding.code, "valueset": valueset, "answered_by": self.name}
            try:
                values = plain(self.ask(operation, code=coding.code, display=coding.display, date=at, **about))
            except Failed as error:
                return Verdict("unknown", version=coding.version, messages=(error.why,), **blank)
            messages = tuple(filter(None, (values.get("message"),)))
            if not isinstance(values.get("result"), bool):
                return Verdict("unknown", version=coding.version, messages=("the server says neither true nor false",), **blank)
            version = values.get("version", "")
            messages += () if version else ("the server does not say which version it used",)
            active = not values["inactive"] if isinstance(values.get("inactive"), bool) else None
            result = "valid" if values["result"] else "invalid"
            return Verdict(result, version=version, display=values.get("display", ""), active=active, messages=messages, **blank)  # type: ignore[arg-type]

        found: Verdict = self.kept(key, make, lambda made: made.version if made.result != "unknown" else "")
        return found

    def validate_concept(self, codings: Sequence[Coding], *, valueset: str = "", at: str = "") -> tuple[Verdict, ...]:
        """Each coding, the valid ones first."""
        order = {"valid": 0, "unknown": 1, "invalid": 2}
        return tuple(sorted((self.validate(one, valueset=valueset, at=at) for one in codings), key=lambda verdict: order[verdict.result]))

    def subsumes(self, system: str, code: str, other: str, version: str = "") -> Subsumption:
        """The server's outcome, `unknown` when there is none."""
        try:
            values = plain(self.ask("CodeSystem/$subsumes", system=system, codeA=code, codeB=other, version=version))
        except Failed as error:
            return Subsumption("unknown", system, version, error.why, self.name)
        outcome = str(values.get("outcome", ""))
        if outcome not in OUTCOMES:
            return Subsumption("unknown", system, version, "the server gives no outcome", self.name)
        said = values.get("version", "") or version
        return Subsumption(outcome, system, said, "" if said else "the server does not say which version it used", self.name)

    def translate(self, system: str, code: str, target: str = "") -> tuple[Translation, ...]:
        """The targets that the server's concept maps name."""
        said = self.must("ConceptMap/$translate", system=system, code=code, targetsystem=target)
        found = []
        for part in parts(said, "match"):
            concept = part.get("concept", {})
            coding = Coding(concept.get("system", ""), concept.get("code", ""), concept.get("version", ""), concept.get("display", ""))
            found.append(Translation(str(part.get("source", "")), "", str(part.get("equivalence", "")), coding, self.name))
        return tuple(found)

    def expand(self, url: str, *, version: str = "", text: str = "", active: bool = False, offset: int = 0, count: int = 1000) -> Expansion:
        """One page of the server's expansion."""
        more = {
            "filter": text,
            "activeOnly": "true" if active else "",
            "offset": str(offset),
            "count": str(count),
            "valueSetVersion": version,
        }
        told = self.must("ValueSet/$expand", url=url, **more)
        expansion = told.get("expansion", {})
        codes = tuple(
            Concept(one.get("system", ""), one.get("version", ""), one["code"], one.get("display", ""), not one.get("inactive", False),
                    one.get("abstract", False), answered_by=self.name)
            for one in expansion.get("contains", []) if "code" in one
        )  # fmt: skip
        used = tuple(
            str(one.get("valueUri", "")) for one in expansion.get("parameter", []) if one.get("name") in ("version", "used-codesystem")
        )
        return Expansion(url, told.get("version", version), expansion.get("total", len(codes)), offset, codes, used, self.name)


def plain(said: dict[str, Any]) -> dict[str, Any]:
    """The parameters with one value, by name."""
    return {one["name"]: value_of(one) for one in said.get("parameter", []) if "name" in one and "part" not in one}


def parts(said: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The parameters of a name that have parts, each as a dict of its parts."""
    found = [one for one in said.get("parameter", []) if one.get("name") == name]
    return [{part["name"]: value_of(part) for part in one.get("part", []) if "name" in part} for one in found]


def value_of(one: dict[str, Any]) -> Any:
    """The value of a parameter, whatever its type."""
    return next((value for name, value in one.items() if name.startswith("value")), None)
