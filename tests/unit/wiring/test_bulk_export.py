"""Bulk Data exports from a real server: every line, once, in bounded memory, through every kind of interruption."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bulk_server import Exporter
from fhir_server import outcome
from loopback import served
from trivet.contracts.house import House
from trivet.flows.reconcile import reconcile
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Fault, Locked, Problem
from trivet.wiring import sources
from trivet.wiring.build import open_home
from trivet.wiring.shadow import rebuild_home
from wire_home import NOON, now, polled, wire_home


@pytest.fixture
def exporter() -> Iterator[tuple[Exporter, str]]:
    """A server and its door."""
    made = Exporter()
    with served(made.app()) as url:
        yield made, f"bulk+{url}/fhir"


def places(first: int, number: int) -> list[dict[str, Any]]:
    """Resources that speak of nobody, so that no time goes into finding out who they are."""
    return [{"resourceType": "Organization", "id": f"p{one}", "name": f"Ode{one}"} for one in range(first, first + number)]


def gone(name: str) -> dict[str, Any]:
    """A line of a `deleted` file."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "DELETE", "url": f"Organization/{name}"}}]}


def bookmark(house: House) -> dict[str, Any]:
    """Where the source stands."""
    found: dict[str, Any] = house.role("wires").memory("feed").bookmark()
    return found


def test_an_export_and_the_next(exporter: tuple[Exporter, str], tmp_path: Path) -> None:
    """Kick-off with its parameters, waiting as asked, every line of every file, deletions taken back, the export ended, and its
    instant the next `_since`; file sums balance byte for byte; what the server says of errors is an event."""
    there, door = exporter
    there.add("output", "a", *places(0, 1500))
    there.add("output", "b", *places(1500, 3))
    there.add(
        "error",
        "e",
        {"resourceType": "OperationOutcome", "id": "oo", "issue": [{"severity": "warning", "code": "processing", "diagnostics": "CANARY"}]},
    )
    there.pending = [
        Response(b"", 202, {"retry-after": "5", "x-progress": "10% of Zebulon's"}),
        Response(b"", 202),
        outcome(429, "throttled", retry_after="3"),
    ]
    waited: list[float] = []
    house = wire_home(tmp_path, door, {"types": ["Patient"], "level": "group", "group": "g1", "filters": ["Patient?active=true"]})
    try:
        catch = polled(house, sleep=waited.append)
        assert catch.landed == 1504
        assert dict(catch.events) == {"server-outcome": 1}
        assert waited == [5.0, 10.0, 3.0]
        assert (
            there.requests[0]
            == "GET /fhir/Group/g1/$export?_outputFormat=application%2Ffhir%2Bndjson&_type=Patient&_typeFilter=Patient%3Factive%3Dtrue"
        )
        assert there.requests[-1] == "DELETE /status/1"
        assert bookmark(house) == {"since": there.instant}
        sums = reconcile(house)
        assert sums["balanced"]
        assert sums["files"][0]["bytes"] == sums["files"][0]["covered"] == sum(map(len, there.files.values()))
        there.parts = {"output": ["b"], "deleted": [], "error": []}
        there.add("deleted", "d", gone("p7"))
        there.instant = "2026-03-02T12:00:00Z"
        assert polled(house).landed == 1
        assert "_since=2026-03-01T12%3A00%3A00Z" in next(one for one in reversed(there.requests) if "$export" in one)
        assert now(house)[f"Organization/{record_id('feed', 'Organization', 'p7')}"] == (2, 1)
        assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
    finally:
        house.close()


def test_odd_lines(exporter: tuple[Exporter, str], tmp_path: Path) -> None:
    """A line that is no JSON is quarantined alone; blank lines, CRLF and a last line without an end cost nothing, not a byte."""
    there, door = exporter
    raw = b'{"resourceType":"Patient","id":"a"}\r\n\n{"resourceType":"Patient","id":\n{"resourceType":"Patient","id":"b"}\n\n'
    raw += b'{"resourceType":"Patient","id":"c"}\n\n \n'
    there.add("output", "a", raw=raw)
    there.add("output", "b", raw=b'{"resourceType":"Patient","id":"d"}')
    house = wire_home(tmp_path, door, {})
    try:
        assert polled(house).landed == 5
        states = dict(house.store.read("select state, count(*) from receipt group by state"))
        assert states == {"mapped": 4, "quarantined": 1}
        assert reconcile(house)["balanced"]
    finally:
        house.close()


@pytest.mark.long
def test_a_connection_that_breaks_goes_on_where_it_stood(exporter: tuple[Exporter, str], tmp_path: Path) -> None:
    """A file that breaks off is asked for again and goes on behind the last durable line; one that changed begins anew; a file that
    always breaks off is E823, and the next poll finishes it without another export."""
    there, door = exporter
    there.add("output", "a", *places(0, 2500))
    whole, cuts = there.files["a"], [1_250]

    def cut(request: Request) -> Response | None:
        if not request.url.path.startswith("/files") or not cuts:
            return None
        content = whole[: len(whole) * cuts.pop(0) // 2500]

        async def pieces() -> Any:
            yield content
            raise OSError("gone")

        return StreamingResponse(pieces(), media_type="application/fhir+ndjson", headers={"content-length": str(len(whole))})

    there.trouble = cut
    house = wire_home(tmp_path, door, {"tries": 2})
    try:
        cuts[:] = [1_250, 100, 100]
        with pytest.raises(Locked) as told:
            polled(house)
        assert told.value.code == "E823"
        assert bookmark(house)["job"]["at"][2] == 1000
        cuts.clear()
        polled(house)
        assert house.store.read("select count(*) from receipt") == [(2500,)]
        assert sum("$export" in one for one in there.requests) == 1
        assert reconcile(house)["balanced"]
        there.add("output", "b", *places(2500, 1500))
        there.parts["output"] = ["b"]
        there.files["b"] = b" " + there.files["b"]
        cut_once = [True]

        def change(request: Request) -> Response | None:
            if request.url.path == "/files/b" and cut_once:
                cut_once.clear()
                content = there.files["b"]
                there.files["b"] = content[1:]

                async def pieces() -> Any:
                    yield content[: len(content) // 2]
                    raise OSError("gone")

                return StreamingResponse(pieces(), media_type="application/fhir+ndjson", headers={"content-length": str(len(content))})
            return None

        there.trouble = change
        polled(house)
        assert len(now(house)) == 4000
    finally:
        house.close()


@pytest.mark.parametrize("strict", [True, False])
def test_another_number_of_lines(exporter: tuple[Exporter, str], tmp_path: Path, strict: bool) -> None:
    """A file with fewer lines than the manifest says ends the export: E847, the instant stays, the next poll asks anew. Or it is noted."""
    there, door = exporter
    there.add("output", "a", *places(0, 3))
    there.counts["a"] = 4
    house = wire_home(tmp_path, door, {} if strict else {"counts": "note"})
    try:
        if strict:
            with pytest.raises(Fault) as told:
                polled(house)
            assert told.value.code == "E847"
            assert bookmark(house) == {}
            there.counts["a"] = 3
            assert polled(house).repeated == 0
        else:
            assert dict(polled(house).events) == {"count-differs": 1}
        assert bookmark(house) == {"since": there.instant}
        assert house.store.read("select count(*) from receipt") == [(3,)]
    finally:
        house.close()


def test_exports_that_fail(exporter: tuple[Exporter, str], tmp_path: Path) -> None:
    """A server that gives an export up is told as such and asked anew; one that is only busy keeps its export; one that is not ready is
    waited for by the next poll; `--abort` ends it at the server."""
    there, door = exporter
    there.add("output", "a", *places(0, 3))
    house = wire_home(tmp_path, door, {"tries": 1, "patience": "10s"})
    try:
        there.pending = [outcome(500, "exception")]
        with pytest.raises(Problem) as told:
            polled(house)
        assert "CANARY" not in str(told.value.as_dict())
        assert bookmark(house) == {}
        there.pending = [outcome(503, "transient")]
        with pytest.raises(Locked):
            polled(house)
        assert bookmark(house)["job"]["status"].endswith("/status/1")
        there.pending = [Response(b"", 202, {"retry-after": "8", "x-progress": "50%"}), Response(b"", 202, {"retry-after": "8"})]
        with pytest.raises(Locked) as late:
            polled(house)
        assert late.value.code == "E848"
        assert bookmark(house)["job"]["progress"] == "50%"
        assert "202" in sources.abandon(house, "feed")
        assert bookmark(house) == {}
        assert polled(house).landed == 3
        there.trouble = lambda request: JSONResponse({"output": []}) if request.url.path == "/status/1" else None
        with pytest.raises(Fault) as odd:
            polled(house)
        assert odd.value.code == "E849"
    finally:
        house.close()


def test_files_on_other_hosts(exporter: tuple[Exporter, str], tmp_path: Path) -> None:
    """A file on a host that nobody named is not fetched; on one that the settings name it is."""
    there, door = exporter
    there.add("output", "a", *places(0, 3))
    store = Exporter(files=there.files)
    with served(store.app()) as elsewhere:
        there.file_base = elsewhere
        house = wire_home(tmp_path / "one", door, {})
        with pytest.raises(Fault) as told:
            polled(house)
        assert told.value.code == "E822"
        house.close()
        house = wire_home(tmp_path / "two", door, {"file_hosts": [elsewhere.removeprefix("http://")]})
        assert polled(house).landed == 3
        house.close()
    assert store.requests == ["GET /files/a"]


@pytest.mark.long
def test_a_large_file_in_bounded_memory_killed_and_finished(tmp_path: Path) -> None:
    """A file of 100 MB, polled by a process that is killed again and again: it ends whole, every line once, and the process stays small."""
    there = Exporter()
    note = "x" * 2_000
    there.add("output", "a", *[{**one, "text": {"status": "generated", "div": note}} for one in places(0, 50_000)])
    chance = random.Random(5)
    with served(there.app()) as url:
        home = Path(wire_home(tmp_path, f"bulk+{url}/fhir", {}).home)
        script = (
            "import sys; from pathlib import Path; from trivet.wiring.build import open_home; from trivet.wiring import sources\n"
            "house = open_home(Path(sys.argv[1])); sources.poll_source(house, 'feed'); house.close()\n"
            "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
        )
        command = [sys.executable, "-c", script, str(home)]
        for _ in range(6):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as polling:
                time.sleep(1 + chance.random() * 4)
                os.kill(polling.pid, signal.SIGKILL)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        # KiB. Not getrusage: its peak survives exec, so a child begins with the size of the test process, which holds the file.
        assert int(done.stdout) < 200 << 10
    house = open_home(home, clock=NOON)
    assert house.store.read("select count(*), count(distinct blob) from receipt") == [(50_000, 50_000)]
    assert "since" in bookmark(house)
    sums = reconcile(house)
    assert sums["balanced"]
    # a poll that was not killed in time has ended its export, and the next one was a new one: whole files, however many
    assert sums["files"][0]["bytes"] % len(there.files["a"]) == 0
    house.close()
    assert resource.getpagesize()
