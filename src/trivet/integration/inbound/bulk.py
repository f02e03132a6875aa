"""FHIR Bulk Data export (STU 1 and 2): kick off, wait, stream every file to the landing, remember the export's instant for the next one.

In: a server, a level, a bookmark. Out: hauls of lines, byte for byte. The export's address is durable before it is waited for, its manifest
before a file is read, and its place in each file with the lines that led there: a crash goes on there, after looking that the server
still serves the same bytes. `_since` moves when every file is whole. Fault: another number of lines than the manifest says, files on hosts
that nobody named, a server that gives an export up.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from trivet.contracts.envelope import Piece
from trivet.contracts.source import Event, Haul, Memory, Message, Setting, Whole, Wire
from trivet.integration.inbound import fetch, smart
from trivet.integration.inbound.fetch import Broken, Fetcher, Stream
from trivet.integration.inbound.fhir_page import outcome, outcome_codes
from trivet.integration.inbound.fhir_rest import ACCEPT, KINDS, base_of, told
from trivet.kernel import jsontext
from trivet.kernel.clock import parse_instant
from trivet.kernel.errors import Fault, Locked, Problem, Usage

__all__ = ["BulkExport"]

NDJSON = (
    "application/fhir+ndjson",
    "application/ndjson",
    "application/x-ndjson",
    "application/octet-stream",
    "binary/octet-stream",
    "text/plain",
)
LINES, BYTES = 1_000, 4 << 20  # of one haul
PROGRESS = re.compile(r"\d{1,3} ?%")
LEVELS = ("system", "patient", "group")
PARTS = ("output", "deleted", "error")


class BulkExport:
    """`contracts.source.Source` for `bulk+https://HOST/BASE`."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "level": Setting("text", "system", "`system`, `patient` or `group`"),
        "group": Setting("text", "", "the Group's id, at level `group`"),
        "types": Setting("names", (), "resource types (`_type`); everything the server has, if not given"),
        "filters": Setting("names", (), "`_typeFilter` queries, such as Observation?category=laboratory"),
        "since": Setting("text", "", "where the first export begins (RFC 3339); everything, if not given"),
        "patience": Setting("span", 86_400, "how long one poll waits for an export; the next one goes on waiting"),
        "file_hosts": Setting("names", (), "other hosts (HOST or HOST:PORT) that may serve the files"),
        "counts": Setting("text", "strict", "`strict`: other than the manifest's numbers of lines are a fault; `note`: an event"),
        **fetch.SETTINGS,
        **smart.SETTINGS,
    }  # fmt: skip

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, wire.settings
        if self.asked["level"] not in LEVELS or bool(self.asked["group"]) != (self.asked["level"] == "group"):
            raise Usage("E846", "an export is of a system, of patients, or of a group that is named", help='level = "group", group = "ID"')
        if self.asked["counts"] not in ("strict", "note"):
            raise Usage("E846", "counts are strict or noted", why=str(self.asked["counts"]), help='counts = "strict"')
        base = base_of(wire.door)
        self.bearer = smart.bearer(wire, base)
        self.server = self._fetcher(base, self.bearer)

    def _fetcher(self, base: str, bearer: Any) -> Fetcher:
        return Fetcher(base, fetch.limits(self.asked), now=self.wire.now, sleep=self.wire.sleep, bearer=bearer)

    def probe(self) -> str:
        """The capability statement's version, and a token where one is needed."""
        answer = self.server.get(f"{self.server.base}/metadata", ACCEPT)
        if answer.status != 200 or answer.kind not in KINDS:
            raise told(answer, self.server.host, "metadata")
        return "answers, with a token" if self.bearer and self.bearer.token() else "answers"

    def pull(self, memory: Memory) -> Iterator[Haul]:
        """One export, from wherever the last poll left it to its end. One that the server lost is forgotten: the next poll begins anew."""
        state = memory.bookmark()
        try:
            yield from self.export(state)
        except Lost as lost:
            job = state.pop("job")
            self.cancel(job["status"])
            yield Haul(bookmark=state, events=(Event("export-lost", {"code": lost.problem.code, "why": lost.problem.why}),))
            raise lost.problem from None

    def export(self, state: dict[str, Any]) -> Iterator[Haul]:
        """The steps of an export; each is remembered before the next begins."""
        if "job" not in state:
            state["job"] = self.kick_off(state.get("since") or self.asked["since"])
            yield Haul(bookmark=deepcopy(state))
        job = state["job"]
        if "files" not in job:
            for progress in self.wait(job):
                job["progress"] = progress
                yield Haul(bookmark=deepcopy(state))
            yield Haul(bookmark=deepcopy(state))
        while job["at"][0] < len(job["files"]):
            yield from self.file(state)
        self.cancel(job["status"])
        yield Haul(bookmark={"since": job["instant"]})

    def abandon(self, memory: Memory) -> tuple[dict[str, Any], str]:
        """Give up the export under way: the server is told, the next poll begins another one."""
        state = memory.bookmark()
        job = state.pop("job", None)
        if job is None:
            return state, "no export was under way"
        return state, f"the export was given up; the server answered {self.cancel(job['status'])}"

    def kick_off(self, since: str) -> dict[str, Any]:
        """Ask for an export. Gives the job: where its status stands."""
        where = {"system": "", "patient": "/Patient", "group": f"/Group/{quote(self.asked['group'], safe='')}"}[self.asked["level"]]
        asked = [("_outputFormat", "application/fhir+ndjson")]
        asked += [("_type", ",".join(self.asked["types"]))] if self.asked["types"] else []
        asked += [("_typeFilter", one) for one in self.asked["filters"]]
        asked += [("_since", since)] if since else []
        answer = self.server.get(f"{self.server.base}{where}/$export?{urlencode(asked)}", ACCEPT, {"prefer": "respond-async"})
        if answer.status != 202 or not answer.headers.get("content-location"):
            raise told(answer, self.server.host, "$export")
        return {"status": self.server.resolve(answer.headers["content-location"]), "since": since}

    def wait(self, job: dict[str, Any]) -> Iterator[str]:
        """Wait for the manifest, as patiently as the settings and `Retry-After` say; yields how far it is when that changes."""
        waited, pause, last = 0.0, 1.0, ""
        while True:
            answer = self.server.get(job["status"], "application/json")
            if answer.status == 200:
                self.manifest(job, answer)
                return
            if answer.status != 202:
                problem = told(answer, self.server.host, "export status")
                transient = answer.status in (401, 403, 429, 503, 504) or any(code == "transient" for _, code in outcome_codes(answer.body))
                raise problem if transient else Lost(problem)
            found = PROGRESS.search(answer.headers.get("x-progress", ""))
            if found and found[0] != last:
                last = found[0]
                yield last
            said = fetch.wait_of(answer.headers, self.wire.now())
            pause = min(pause * 2, 60.0) if said is None else max(said, 0.1)
            if waited + pause > self.asked["patience"]:
                raise Locked(
                    "E848",
                    "the export is not ready",
                    where=self.server.host,
                    why=last or "the server does not say how far it is",
                    help="the next poll goes on",
                )
            self.wire.sleep(pause)
            waited += pause

    def manifest(self, job: dict[str, Any], answer: fetch.Answer) -> None:
        """Read the manifest, all of its pages, into the job."""
        files: list[list[Any]] = []
        instant, needs_token, pages = "", True, 0
        while True:
            said = smart.said(answer)
            try:
                instant = instant or str(said["transactionTime"])
                parse_instant(instant)
                needs_token = bool(said.get("requiresAccessToken", True))
                for part in PARTS:
                    files += [[part, str(one["url"]), one.get("count")] for one in said.get(part) or ()]
            except (KeyError, TypeError, ValueError):
                why = "no transactionTime, or an entry without url"
                raise Fault(
                    "E849", "the manifest of an export cannot be read", where=self.server.host, why=why, help="trivet doctor"
                ) from None
            following = next(
                (one.get("url") for one in said.get("link") or () if isinstance(one, dict) and one.get("relation") == "next"), ""
            )
            pages += 1
            if not following or pages > 10_000:
                break
            answer = self.server.get(self.server.resolve(following), "application/json")
        files.sort(key=lambda file: PARTS.index(file[0]))
        job |= {"files": files, "instant": instant, "token": needs_token, "at": [0, 0, 0, ""]}

    def fetcher(self, url: str, needs_token: bool) -> Fetcher:
        """Who fetches a file: from the server itself, or from a host that the settings name; with the token only where it is asked for."""
        bearer = self.bearer if needs_token else None
        if fetch.origin(url) == fetch.origin(self.server.base):
            return self._fetcher(self.server.base, bearer)
        parts = urlsplit(url)
        if parts.netloc not in self.asked["file_hosts"]:
            raise Fault(
                "E822",
                "the server sends us elsewhere",
                where=self.server.host,
                why="a file stands on a host that nobody named",
                help="file_hosts",
            )
        return self._fetcher(f"{parts.scheme}://{parts.netloc}", bearer)

    def file(self, state: dict[str, Any]) -> Iterator[Haul]:
        """The rest of the file at hand, haul by haul; a connection that breaks is taken up where the last haul ended."""
        job = state["job"]
        number = job["at"][0]
        part, url, count = job["files"][number]
        origin = f"{self.server.base}/$export/{part}/{number}"
        fetcher, tries = self.fetcher(url, job["token"]), 0
        try:
            while job["at"][0] == number:
                before = job["at"][1]
                try:
                    with fetcher.open("GET", url, {"accept": "application/fhir+ndjson"}) as stream:
                        yield from self.lines(stream, state, part, origin, count)
                except Broken:
                    tries = tries + 1 if job["at"][1] == before else 1
                    if tries >= fetcher.limits.tries:
                        raise
                    self.wire.sleep(2.0 ** (tries - 1))
        finally:
            fetcher.close()

    def lines(self, stream: Stream, state: dict[str, Any], part: str, origin: str, count: Any) -> Iterator[Haul]:
        """Hauls of lines out of one answer, and the file's end."""
        job = state["job"]
        if stream.status != 200:
            answer = fetch.Answer(stream.status, stream.headers, b"", "")
            problem = told(answer, self.server.host, "export file")
            raise problem if stream.status in fetch.AGAIN or stream.status == 401 else Lost(problem)
        kind = stream.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and kind not in NDJSON and kind not in KINDS:
            raise Fault("E844", "the answer is not FHIR", where=f"{self.server.host} export file", why="a content type that is not NDJSON")
        number, done, _, digest = job["at"]
        seen, skip = hashlib.sha256(), done
        held, waiting = b"", Pack(origin, part, done)
        for chunk in stream.chunks:
            if skip:
                head, chunk = chunk[:skip], chunk[skip:]
                seen.update(head)
                skip -= len(head)
                if not skip and seen.hexdigest() != digest:
                    job["at"] = [number, 0, 0, ""]
                    raise Broken(self.server.host, "a file changed while it was read")
            *lines, held = (held + chunk).split(b"\n")
            for line in lines:
                waiting.add(line + b"\n")
                if waiting.full():
                    yield self._haul(waiting, seen, state)
                    waiting = Pack(origin, part, job["at"][1])
            if len(held) > self.server.limits.largest:
                raise Fault("E827", "an answer is too large", where=self.server.host, why="one line of an export", help="largest_mb")
        if skip:
            raise Broken(self.server.host, "a file became shorter while it was read")
        if held:
            if held.strip() and not whole_json(held):
                raise Broken(self.server.host, "a file ends inside a line")
            waiting.add(held)
        waiting.end()
        yield self._end(waiting, seen, state, count)

    def _haul(self, pack: Pack, seen: Any, state: dict[str, Any], events: tuple[Event, ...] = (), whole: tuple[Whole, ...] = ()) -> Haul:
        job = state["job"]
        number, done, lines, _ = job["at"]
        for message in pack.messages:
            seen.update(message.raw)
        told_us = (outcome(pack.outcomes, "export"),) if pack.outcomes else ()
        job["at"] = [number, done + pack.size, lines + len(pack.messages), seen.hexdigest()]
        if whole:
            whole = (whole[0]._replace(size=job["at"][1], covered=job["at"][1], units=job["at"][2]),)
            job["at"] = [number + 1, 0, 0, ""]
        return Haul(messages=pack.messages, whole=whole, events=(*told_us, *events), bookmark=deepcopy(state))

    def _end(self, pack: Pack, seen: Any, state: dict[str, Any], count: Any) -> Haul:
        """The last haul of a file. Its number of lines must be the manifest's."""
        job = state["job"]
        came = job["at"][2] + len(pack.messages)
        differs = isinstance(count, int) and not isinstance(count, bool) and count != came
        if differs and self.asked["counts"] == "strict":
            why = f"a file has {came} lines, the manifest says {count}"
            raise Lost(Fault("E847", "an export is not whole", where=self.server.host, why=why, help='counts = "note"'))
        said = (Event("count-differs", {"about": "export", "said": str(count), "came": str(came)}),) if differs else ()
        return self._haul(pack, seen, state, said, (Whole(pack.origin, 0, 0, 0),))

    def cancel(self, status: str) -> int:
        """Tell the server that the export is no longer needed. Gives its answer's status; 0 when there was none."""
        try:
            return self.server.ask("DELETE", status, {"accept": ACCEPT}).status
        except (Locked, Fault):
            return 0


class Lost(Exception):
    """An export that will never be whole: another one must be asked for."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


class Pack:
    """Lines on their way into one haul. A blank line goes with the one behind it, at the very end with the one before."""

    def __init__(self, origin: str, part: str, offset: int) -> None:
        self.origin, self.part, self.offset = origin, part, offset
        self.messages: list[Message] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.size, self.blank = 0, b""

    def add(self, line: bytes) -> None:
        """One line with its end."""
        if not line.strip():
            self.blank += line
            return
        raw, self.blank = self.blank + line, b""
        self._put(raw)
        if self.part == "error":
            self.outcomes.update(outcome_codes(line))

    def _put(self, raw: bytes) -> None:
        self.messages.append(Message(raw, "fhir", self.origin, (Piece(self.offset + self.size, len(raw)),)))
        self.size += len(raw)

    def end(self) -> None:
        """Nothing follows: what is blank goes with the last line."""
        if self.blank and self.messages:
            last = self.messages.pop()
            self.size -= len(last.raw)
            raw, self.blank = last.raw + self.blank, b""
            self._put(raw)

    def full(self) -> bool:
        """Is it time to make these durable?"""
        return not self.blank and (len(self.messages) >= LINES or self.size >= BYTES)


def whole_json(line: bytes) -> bool:
    """A last line without an end of line: is all of it there?"""
    try:
        jsontext.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
