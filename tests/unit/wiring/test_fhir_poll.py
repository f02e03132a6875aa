"""FHIR REST polled from a real server on the loopback: nothing lost, nothing twice, and every misbehaviour told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fhir_server import FHIR, FhirServer, outcome
from loopback import served
from trivet.contracts.house import House
from trivet.flows.reconcile import reconcile
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Fault, Locked, Problem, Usage
from trivet.wiring import sources
from trivet.wiring.shadow import rebuild_home
from wire_home import now, polled, wire_home


@pytest.fixture
def server() -> Iterator[tuple[FhirServer, str]]:
    """A server and its base."""
    made = FhirServer()
    with served(made.app()) as url:
        yield made, f"fhir+{url}/fhir"


def home(folder: Path, door: str, **wire: Any) -> House:
    """A home that polls it; one try where nothing else is said."""
    return wire_home(folder, door, {"types": ["Patient", "Observation"], **wire})


def filled(server: FhirServer, patients: int = 5) -> None:
    """Some patients, each with two observations."""
    for number in range(patients):
        server.put("Patient", f"p{number}", name=[{"family": f"Ode{number}"}])
        for turn in range(2):
            about = {"reference": f"Patient/p{number}"}
            server.put("Observation", f"o{number}-{turn}", status="final", code={"text": "x"}, subject=about, valueQuantity={"value": 1.5})


def key(kind: str, name: str) -> str:
    """The house's key of what the server calls `name`."""
    return f"{kind}/{record_id('feed', kind, name)}"


def state(house: House) -> dict[str, Any]:
    """The bookmark."""
    found: dict[str, Any] = house.role("wires").memory("feed").bookmark()
    return found


def test_pages_watermark_and_a_second_poll(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """Every page is followed; the watermark is the server's clock less the overlap; the next poll asks from there, and what it brings
    again lands once; a changed resource is a new version; the sums balance and a rebuild agrees."""
    there, door = server
    filled(there)
    house = home(tmp_path, door, count=2)
    try:
        catch = polled(house)
        assert (catch.landed, catch.repeated, dict(catch.events)) == (15, 0, {})
        assert state(house)["queries"]["Patient"] == {"since": "2026-03-01T11:58:00Z"}
        there.at += timedelta(seconds=60)
        there.put("Patient", "p1", name=[{"family": "Changed"}])
        catch = polled(house)
        assert (catch.landed, catch.repeated) == (1, 14)
        assert any("_lastUpdated=ge2026-03-01T11%3A58%3A00Z" in one for one in there.requests)
        assert now(house)[key("Patient", "p1")] == (2, 0)
        assert state(house)["queries"]["Observation"] == {"since": "2026-03-01T11:59:00Z"}
        raw = house.landing.raw(house.landing.pending(1)[0]) if house.landing.pending(1) else b""
        assert raw == b""
        assert reconcile(house)["balanced"]
        assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
    finally:
        house.close()


def test_resources_are_landed_as_the_server_wrote_them(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """The unit is the resource's own bytes: odd spacing and the digits of a number are those of the answer."""
    there, door = server
    odd = b'{ "resourceType":"Observation","id":"x",  "status":"final","code":{"text":"y"},"valueQuantity":{"value":1.500} }'
    body = b'{"resourceType":"Bundle","type":"searchset","entry":[{"fullUrl":"u","resource": ' + odd + b' ,"search":{"mode":"match"}}]}'
    there.trouble = lambda request, number: Response(body, media_type=FHIR) if "Observation" in request.url.path else None
    house = home(tmp_path, door)
    try:
        polled(house)
        blobs = [house.landing.raw(house.landing.receipt(seq)) for (seq,) in house.store.read("select seq from receipt")]
        assert blobs == [odd]
    finally:
        house.close()


def test_histories_tell_deletions(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """A history's newest version counts, older ones of it are no news, and a deletion takes the record back: it leaves the person's slice,
    its earlier versions stay, and who it was about stays known."""
    there, door = server
    filled(there, 1)
    there.put("Observation", "o0-0", status="amended", code={"text": "x"}, subject={"reference": "Patient/p0"})
    house = home(tmp_path, door, mode="history", count=2)
    try:
        polled(house)
        [(person,)] = house.store.read("select distinct person from link where until_seq is null")
        held = house.shelf.slice(person, house.landing.horizon())
        assert {one["resource"].get("status") for one in held if one["type"] == "Observation"} == {"amended", "final"}
        assert now(house)[key("Observation", "o0-0")] == (1, 0)
        there.at += timedelta(hours=1)
        there.delete("Observation", "o0-0")
        polled(house)
        assert now(house)[key("Observation", "o0-0")] == (2, 1)
        held = house.shelf.slice(person, house.landing.horizon())
        assert key("Observation", "o0-0") not in {one["key"] for one in held}
        [(subject,)] = house.store.read("select subject from record_version where deleted = 1")
        assert subject == key("Patient", "p0")
        there.at += timedelta(hours=1)
        there.put("Observation", "o0-0", status="final", code={"text": "back"}, subject={"reference": "Patient/p0"})
        polled(house)
        assert now(house)[key("Observation", "o0-0")] == (3, 0)
        assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
    finally:
        house.close()


def test_by_patient(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """Each type is asked for each patient, of a list or of a group, and no patient's id stands in the bookmark."""
    there, door = server
    filled(there)
    member = [
        {"entity": {"reference": "Patient/p1"}},
        {"entity": {"reference": "Patient/p3"}},
        {"entity": {"reference": "Patient/p4"}, "inactive": True},
    ]
    there.put("Group", "g", member=member)
    house = home(tmp_path, door, group="g")
    try:
        assert polled(house).landed == 6
        assert len(state(house)["queries"]) == 4
        assert not any("p1" in name or "p3" in name for name in state(house)["queries"])
    finally:
        house.close()


def test_waiting_as_the_server_asks(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """429 and 503 are waited out, by Retry-After where it is given and doubling where not; too long a wait ends the poll, and the next
    one begins at the page where it stood."""
    there, door = server
    filled(there)
    waited: list[float] = []
    answers = {2: outcome(429, "throttled", retry_after="7"), 3: outcome(503, "transient"), 4: outcome(503, "transient")}
    there.trouble = lambda request, number: answers.get(number)
    house = home(tmp_path, door, count=2, longest_wait="60s")
    try:
        assert polled(house, sleep=waited.append).landed == 15
        assert waited == [7.0, 2.0, 4.0]
        there.at += timedelta(hours=1)
        filled(there)
        before = len(there.requests)
        there.trouble = lambda request, number: outcome(429, "throttled", retry_after="9999") if number == before + 2 else None
        with pytest.raises(Locked) as told:
            polled(house, sleep=waited.append)
        assert told.value.code == "E824"
        assert "_page=2" in state(house)["queries"]["Patient"]["next"]
        assert polled(house).landed == 13
        assert "_page=2" in there.requests[before + 2]
        assert house.role("wires").state("feed")["failures"] == 0
    finally:
        house.close()


def broken(request: Request, body: bytes) -> Response:
    """An answer that breaks off in the middle."""

    async def parts() -> Any:
        yield body[: len(body) // 2]
        raise OSError("gone")

    return StreamingResponse(parts(), media_type=FHIR, headers={"content-length": str(len(body))})


def bundle(*entries: Any, **links: str) -> bytes:
    """A searchset."""
    told = [{"relation": name, "url": url} for name, url in links.items()]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "link": told, "entry": list(entries)}).encode()


PATIENT = {"resource": {"resourceType": "Patient", "id": "p9", "meta": {"versionId": "1"}}}
BOMB = gzip.compress(b" " * (80 << 20))


@pytest.mark.parametrize(
    ("body", "kind", "code", "landed"),
    [
        (b"<html>login</html>", "text/html", "E844", 0),
        (b'{"resourceType":"Bundle","entry":[', FHIR, "E844", 1),
        (b'{"resourceType":"Patient","id":"a"}', FHIR, "E844", 1),
        (b"\x00\xff garbage", FHIR, "E844", 1),
        (bundle(PATIENT, next="http://127.0.0.1:1/elsewhere"), FHIR, "E822", 0),
        (bundle(PATIENT, next="https://evil.example/fhir/Patient"), FHIR, "E822", 0),
        (bundle({"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}}), FHIR, "E842", 0),
    ],
)  # fmt: skip
def test_what_is_no_page(server: tuple[FhirServer, str], tmp_path: Path, body: bytes, kind: str, code: str, landed: int) -> None:
    """Garbage is kept and quarantined, a link elsewhere is not followed, an error in a searchset is an error; the watermark stays."""
    there, door = server
    there.trouble = lambda request, number: Response(body, media_type=kind)
    house = home(tmp_path, door)
    try:
        for _ in range(2):
            with pytest.raises(Fault) as told:
                polled(house)
            assert told.value.code == code
        assert "CANARY" not in str(told.value.as_dict())
        assert house.store.read("select count(*) from receipt") == [(landed,)]
        assert not any("since" in place for place in state(house).get("queries", {}).values())
        assert house.role("wires").state("feed")["failures"] == 2
    finally:
        house.close()


def test_pages_that_go_round(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """A next link that was followed already, and a server that serves the same page under ever new links, end in E845."""
    there, door = server
    house = home(tmp_path, door)
    try:
        there.trouble = lambda request, number: Response(bundle(PATIENT, next=str(request.url)), media_type=FHIR)
        with pytest.raises(Fault) as told:
            polled(house)
        assert told.value.code == "E845"
        there.trouble = lambda request, number: Response(bundle(PATIENT, next=f"{there.base}/Patient?p={number}"), media_type=FHIR)
        with pytest.raises(Fault) as told:
            polled(house)
        assert told.value.code == "E845"
        assert len(there.requests) < 12
    finally:
        house.close()


def test_a_connection_that_breaks_is_tried_again(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """An answer that breaks off in the middle counts for nothing and is asked for again; one that always does is E823."""
    there, door = server
    filled(there)
    house = home(tmp_path, door, tries=3)
    whole = bundle(PATIENT)
    try:
        there.trouble = lambda request, number: broken(request, whole) if number == 1 else None
        assert polled(house).landed == 15
        there.trouble = lambda request, number: broken(request, whole)
        with pytest.raises(Locked) as told:
            polled(house)
        assert (told.value.code, told.value.why) == ("E823", "the connection broke")
    finally:
        house.close()


def test_a_gzip_bomb_is_refused(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """80 MiB in a few kilobytes: refused at the limit, without ever holding it."""
    there, door = server
    there.trouble = lambda request, number: Response(BOMB, media_type=FHIR, headers={"content-encoding": "gzip"})
    house = home(tmp_path, door, largest_mb=2)
    try:
        with pytest.raises(Fault) as told:
            polled(house)
        assert told.value.code == "E827"
        there.trouble = lambda request, number: Response(
            gzip.compress(bundle(PATIENT)), media_type=FHIR, headers={"content-encoding": "gzip"}
        )
        assert polled(house).landed == 1
    finally:
        house.close()


def test_counts_and_ignored_parameters_are_said(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """A total that does not come, a search parameter that the server ignored, and its warnings are events, in words without values."""
    there, door = server
    filled(there)
    there.total = 99
    house = home(tmp_path, door)
    try:
        assert polled(house).events == {"count-differs": 2}
        there.total = None
        warning = {
            "search": {"mode": "outcome"},
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "warning", "code": "not-supported", "diagnostics": "CANARY"}],
            },
        }
        there.trouble = lambda request, number: Response(bundle(warning, PATIENT, self=f"{there.base}/Patient?_count=200"), media_type=FHIR)
        assert polled(house).events == {"server-outcome": 2, "parameter-ignored": 2}
        _, rows = house.shelf.query("select source, kind, words from source_events")
        assert len(rows) == 6
        assert {row[0] for row in rows} == {"feed"}
        assert "CANARY" not in str(rows)
    finally:
        house.close()


def test_settings_are_strict(tmp_path: Path) -> None:
    """A misspelt setting, one of another kind, a missing one, plain HTTP to elsewhere and an unknown kind of door: each names itself."""
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("fhir+https://x.example/fhir", {"type": ["Patient"]}, "E111"),
        ("fhir+https://x.example/fhir", {"types": "Patient"}, "E111"),
        ("fhir+https://x.example/fhir", {}, "E111"),
        ("fhir+https://x.example/fhir", {"types": ["Patient"], "mode": "guess"}, "E843"),
        ("fhir+http://x.example/fhir", {"types": ["Patient"]}, "E821"),
        ("fhir+https://user:secret@x.example/fhir", {"types": ["Patient"]}, "E820"),
        ("carrier-pigeon://x", {}, "E851"),
    ]
    for number, (door, wire, code) in enumerate(wrong):
        house = wire_home(tmp_path / str(number), door, wire)
        with pytest.raises(Usage) as told:
            sources.make(house, "feed")
        assert told.value.code == code
        assert "secret" not in str(told.value.as_dict())
        house.close()


def test_backend_services(server: tuple[FhirServer, str], tmp_path: Path) -> None:
    """A token is minted once and kept; one that the server drops is minted anew; a rotated key signs from the moment it is put to use;
    a key that others may read is refused; a client the server does not know is told apart from a broken one."""
    there, door = server
    filled(there)
    house = home(tmp_path, door, client_id="trivet-client")
    keys = sources.client_keys(house, "keys/client")
    try:
        first = keys.make("ES384")
        there.jwks = keys.jwks()
        assert polled(house).landed == 15
        assert there.minted == 1
        there.trouble = lambda request, number: there.tokens.clear() if "Observation" in request.url.path and there.minted == 2 else None  # type: ignore[func-returns-value]
        there.at += timedelta(hours=1)
        polled(house)
        assert there.minted == 3
        second = keys.make("RS384")
        assert keys.active() == first
        there.jwks = keys.jwks()
        keys.use(second)
        keys.retire(first)
        polled(house)
        assert there.kids[-1] == second
        assert {one["kid"] for one in keys.jwks()["keys"]} == {second}
        assert all("d" not in one for one in keys.jwks()["keys"])
        there.jwks = {"keys": []}
        there.tokens.clear()
        with pytest.raises(Fault) as told:
            polled(house)
        assert (told.value.code, told.value.why) == ("E837", "invalid_client")
        (tmp_path / "home/keys/client" / f"{second}.pem").chmod(0o644)
        with pytest.raises(Problem) as told_too:
            polled(house)
        assert told_too.value.code == "E833"
    finally:
        house.close()
