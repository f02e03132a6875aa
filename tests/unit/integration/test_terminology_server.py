"""A FHIR terminology server over real HTTP: its answers with their version, and never `valid` when it does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loopback import served
from trivet.contracts.terminology import Coding
from trivet.data.vocabulary import open_embedded
from trivet.data.vocabulary.router import Router
from trivet.integration.terminology import FhirTerminology
from trivet.kernel.errors import Locked, NotFound

SCT, VERSION = "http://snomed.info/sct", "http://snomed.info/sct/900000000000207008/version/20260101"


def parameters(**values: Any) -> dict[str, Any]:
    """A Parameters resource."""
    typed = {bool: "valueBoolean", str: "valueString"}
    return {"resourceType": "Parameters", "parameter": [{"name": name, typed[type(value)]: value} for name, value in values.items()]}


@dataclass
class Shelf:
    """The server: knows one concept. `trouble` may answer instead; `asked` are the requests."""

    trouble: Callable[[], Response | None] = lambda: None
    version: str = VERSION
    asked: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """The routes."""
        return Starlette(routes=[Route("/fhir/{kind}/{operation}", self.answer)])

    def answer(self, request: Request) -> Response:
        """One operation."""
        self.asked.append(str(request.url.query))
        operation, query = request.path_params["operation"], request.query_params
        found = self.trouble()
        return found if found is not None else self.told(operation, query)

    def told(self, operation: str, query: Any) -> Response:
        """The answer to one that is understood."""
        said = {"version": self.version} if self.version else {}
        if operation == "$lookup" and query["code"] != "44054006":
            return JSONResponse({"resourceType": "OperationOutcome", "issue": []}, 404)
        body = {
            "$lookup": parameters(display="Diabetes mellitus type 2", name="SNOMED CT", **said),
            "$validate-code": parameters(result=query.get("code") == "44054006", display="Diabetes mellitus type 2", **said),
            "$subsumes": parameters(outcome="subsumes"),
            "$translate": parameters(result=True)
            | {
                "parameter": [
                    {
                        "name": "match",
                        "part": [
                            {"name": "equivalence", "valueCode": "equivalent"},
                            {"name": "concept", "valueCoding": {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11"}},
                            {"name": "source", "valueUri": "http://example.org/map"},
                        ],
                    }
                ]
            },
            "$expand": {
                "resourceType": "ValueSet",
                "version": "3",
                "expansion": {
                    "total": 9,
                    "parameter": [{"name": "version", "valueUri": f"{SCT}|{VERSION}"}],
                    "contains": [{"system": SCT, "code": "44054006", "display": "Diabetes mellitus type 2"}],
                },
            },
        }[operation]
        return JSONResponse(body)


@pytest.fixture
def shelf() -> Shelf:
    """The server's content."""
    return Shelf()


@pytest.fixture
def server(shelf: Shelf) -> Iterator[FhirTerminology]:
    """A client of it that waits half a second at most."""
    with served(shelf.app()) as url:
        client = FhirTerminology(Path(), {"server": f"{url}/fhir/", "timeout": 0.5})
        yield client
        client.close()


def test_all_operations(server: FhirTerminology) -> None:
    """Every operation's answer comes with the version that the server used, and says who answered."""
    found = server.lookup(SCT, "44054006")
    assert (found.display, found.version, found.answered_by) == ("Diabetes mellitus type 2", VERSION, server.name)
    with pytest.raises(NotFound):
        server.lookup(SCT, "1")
    assert server.validate(Coding(SCT, "44054006")).result == "valid"
    assert server.validate(Coding(SCT, "1"), valueset="http://example.org/vs").result == "invalid"
    assert server.subsumes(SCT, "73211009", "44054006").outcome == "subsumes"
    [match] = server.translate(SCT, "44054006")
    assert (match.relation, match.target.code, match.map) == ("equivalent", "E11", "http://example.org/map")
    page = server.expand("http://example.org/vs", count=1)
    assert (page.total, page.version, page.versions, page.codes[0].code) == (9, "3", (f"{SCT}|{VERSION}",), "44054006")


def slow() -> Response:
    """Longer than anybody waits."""
    time.sleep(1.5)
    return JSONResponse(parameters(result=True, version=VERSION))


TROUBLES: dict[str, Callable[[], Response]] = {
    "down for repair": lambda: JSONResponse({"resourceType": "OperationOutcome"}, 503),
    "not JSON": lambda: Response("<html>welcome</html>", 200),
    "no result": lambda: JSONResponse(parameters(display="x")),
    "a word for a flag": lambda: JSONResponse(parameters(result="true", version=VERSION)),
    "another resource": lambda: JSONResponse({"resourceType": "Patient", "result": True}),
    "a list": lambda: JSONResponse([True]),
    "a true with status 500": lambda: JSONResponse(parameters(result=True, version=VERSION), 500),
    "sent elsewhere": lambda: Response(status_code=302, headers={"location": "http://127.0.0.1:9/"}),
    "too slow": slow,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_never_valid_on_failure(shelf: Shelf, server: FhirTerminology, trouble: str) -> None:
    """Whatever goes wrong, a code is `unknown` with the reason, no failure is kept, and the next call asks again."""
    shelf.trouble = TROUBLES[trouble]
    for valueset in ("", "http://example.org/vs"):
        found = server.validate(Coding(SCT, "44054006"), valueset=valueset)
        assert (found.result, len(found.messages)) == ("unknown", 1), trouble
    assert trouble in ("no result", "a word for a flag") or server.subsumes(SCT, "1", "2").outcome == "unknown"
    shelf.trouble = lambda: None
    assert server.validate(Coding(SCT, "44054006")).result == "valid"


def test_a_server_that_is_not_there() -> None:
    """Nobody listens: unknown, and Locked where an answer is needed."""
    client = FhirTerminology(Path(), {"server": "http://127.0.0.1:9/fhir", "timeout": 0.5})
    assert client.validate(Coding(SCT, "1")).result == "unknown"
    with pytest.raises(Locked):
        client.lookup(SCT, "1")
    with pytest.raises(Locked):
        client.expand("http://example.org/vs")
    client.close()


def test_what_is_kept_names_its_version_and_grows_old(shelf: Shelf) -> None:
    """An answer with its version is asked once until it is too old; one without is asked every time and says so."""
    now = [0.0]
    with served(shelf.app()) as url:
        client = FhirTerminology(Path(), {"server": f"{url}/fhir", "keep": 60, "clock": lambda: now[0]})
        coding = Coding(SCT, "44054006")
        client.validate(coding)
        client.validate(coding)
        assert len(shelf.asked) == 1
        now[0] = 61.0
        shelf.version = ""
        unversioned = client.validate(coding)
        assert unversioned.messages == ("the server does not say which version it used",)
        client.validate(coding)
        assert len(shelf.asked) == 3
        client.close()


def test_the_router_asks_whoever_owns_the_system(shelf: Shelf, tmp_path: Path) -> None:
    """What is loaded is answered here, the rest there; with the server down what it owns is unknown, what is here still answers."""
    with served(shelf.app()) as url:
        remote = FhirTerminology(tmp_path, {"server": f"{url}/fhir", "timeout": 0.5})
        router = Router(open_embedded(tmp_path, {}), [remote])
        gender = "http://hl7.org/fhir/administrative-gender"
        assert router.validate(Coding(gender, "female")).answered_by == "embedded"
        assert router.validate(Coding("SCT", "44054006")).answered_by == remote.name
        assert router.validate(Coding(SCT, "44054006"), valueset="http://example.org/vs").result == "valid"
        assert router.expand("http://example.org/vs").answered_by == remote.name
        shelf.trouble = TROUBLES["down for repair"]
        assert router.validate(Coding(SCT, "73211009")).result == "unknown"
        assert router.validate(Coding(SCT, "73211009"), valueset="http://example.org/other").result == "unknown"
        assert router.validate(Coding(gender, "female")).result == "valid"
        router.close()
