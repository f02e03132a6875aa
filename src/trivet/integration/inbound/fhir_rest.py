"""FHIR R4 REST, polled: searches by type (or by type and patient) since a watermark, or histories with their deletions.

In: a server, types, a bookmark. Out: hauls of one page, each resource as the server wrote it. The watermark is the server's own clock when
a query began, less an overlap; it moves when the query's last page is durable, with that page. A poll that died goes on at the page
it was asked for. Fault, with what came kept and the watermark where it was: garbage, links that go round, a server that repeats itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from trivet.contracts.source import Event, Haul, Memory, Message, Setting, Wire
from trivet.integration.inbound import fetch, smart
from trivet.integration.inbound.fetch import Answer, Fetcher
from trivet.integration.inbound.fhir_page import Entry, Page, outcome, outcome_codes, read_page, wrapped
from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.errors import Fault, Locked, NotFound, Problem, Usage

__all__ = ["FhirPoll", "base_of", "told"]

ACCEPT = "application/fhir+json"
KINDS = ("application/fhir+json", "application/json", "application/json+fhir", "text/json")
SAME = 3  # pages in a row with the same content before the server counts as repeating itself
MODES = ("search", "history")


class Query(NamedTuple):
    """One question. `name` stands in the bookmark (a patient's id is hidden there), `path` and `parameters` go to the server."""

    name: str
    type: str
    path: str
    parameters: dict[str, str]


def base_of(door: str) -> str:
    """The server's address out of a door such as `fhir+https://host/fhir`."""
    return door.partition("+")[2].rstrip("/")


def told(answer: Answer, host: str, about: str) -> Problem:
    """The problem behind an answer that is not what was asked for: codes of its outcome, never its text."""
    codes = outcome_codes(answer.body) if answer.kind in KINDS else {}
    why = ", ".join(sorted({code for _, code in codes})) or f"status {answer.status}"
    if answer.status in (401, 403):
        return Fault(
            "E840", "the server does not let us in", where=f"{host} {about}", why=why, help="client_id, scope; trivet client-key jwks"
        )
    if answer.status == 404:
        return NotFound("E841", "the server knows nothing of that name", where=f"{host} {about}", why=why, help="trivet doctor")
    kind = Locked if answer.status in fetch.AGAIN else Fault
    return kind(
        "E842", "the server refuses the request", where=f"{host} {about}", why=f"{why}, status {answer.status}", help="trivet doctor"
    )


class FhirPoll:
    """`contracts.source.Source` for `fhir+https://HOST/BASE`."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "types": Setting("names", None, "resource types that are asked for"),
        "parameters": Setting("table", {}, "more search parameters by type, such as Observation = \"category=laboratory\""),
        "patients": Setting("names", (), "the server's ids of patients: each type is asked for each of them"),
        "group": Setting("text", "", "a Group whose patients are asked for, instead of a list"),
        "patient_parameter": Setting("text", "patient", "the search parameter that names a patient"),
        "mode": Setting("text", "search", "`search` by _lastUpdated, or `history`, which tells deletions too"),
        "count": Setting("whole", 200, "resources on a page (`_count`)"),
        "overlap": Setting("span", 120, "how far behind the server's clock the next poll begins"),
        "since": Setting("text", "", "where the first poll begins (RFC 3339); everything, if not given"),
        **fetch.SETTINGS,
        **smart.SETTINGS,
    }  # fmt: skip

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, wire.settings
        if self.asked["mode"] not in MODES:
            raise Usage("E843", "a FHIR source is asked by search or by history", why=str(self.asked["mode"]), help='mode = "history"')
        if self.asked["patients"] and self.asked["group"]:
            raise Usage("E843", "patients are given by a list or by a group", why="both are given", help="leave one out")
        base = base_of(wire.door)
        bearer = smart.bearer(wire, base)
        self.server = Fetcher(base, fetch.limits(self.asked), now=wire.now, sleep=wire.sleep, bearer=bearer)

    def probe(self) -> str:
        """The capability statement's version, and a token where one is needed."""
        answer = self.server.get(f"{self.server.base}/metadata", ACCEPT)
        if answer.status != 200 or answer.kind not in KINDS:
            raise told(answer, self.server.host, "metadata")
        version = str(smart.said(answer).get("fhirVersion", "of no version"))
        held = " with a token" if self.server.bearer and self.server.bearer.token() else ""
        return f"FHIR {version if version.replace('.', '').replace('-', '').isalnum() else 'of an odd version'}{held}"

    def pull(self, memory: Memory) -> Iterator[Haul]:
        """Every query, page by page."""
        state = memory.bookmark()
        places = state.setdefault("queries", {})
        for query in self.queries(memory):
            yield from self.crawl(query, places, state)

    def queries(self, memory: Memory) -> Iterator[Query]:
        """What is asked, in order."""
        patients = [*self.asked["patients"], *(self.members() if self.asked["group"] else ())]
        for kind in self.asked["types"]:
            given = {name: values[-1] for name, values in parse_qs(self.asked["parameters"].get(kind, ""), keep_blank_values=True).items()}
            given["_count"] = str(self.asked["count"])
            path = f"{self.server.base}/{quote(kind)}"
            if self.asked["mode"] == "history":
                yield Query(kind, kind, f"{path}/_history", {"_count": given["_count"]})
            elif not patients:
                yield Query(kind, kind, path, given)
            else:
                named = "_id" if kind == "Patient" else self.asked["patient_parameter"]
                for patient in patients:
                    yield Query(f"{kind} {memory.name(patient)[:24]}", kind, path, {**given, named: patient})

    def members(self) -> list[str]:
        """The ids of a group's patients."""
        answer = self.server.get(f"{self.server.base}/Group/{quote(self.asked['group'], safe='')}", ACCEPT)
        if answer.status != 200:
            raise told(answer, self.server.host, "Group")
        listed = smart.said(answer).get("member")
        found = [one.get("entity", {}).get("reference", "") for one in listed or () if isinstance(one, dict) and not one.get("inactive")]
        return [text.rpartition("/")[2] for text in found if "Patient/" in text]

    def first(self, query: Query, since: str) -> str:
        """The address of a query's first page."""
        history = self.asked["mode"] == "history"
        moment = ({"_since": since} if history else {"_lastUpdated": f"ge{since}"}) if since else {}
        return f"{query.path}?{urlencode({**query.parameters, **moment})}"

    def crawl(self, query: Query, places: dict[str, Any], state: dict[str, Any]) -> Iterator[Haul]:
        """One query to its end. A page that was asked for before a crash is asked for again; one that is gone begins the query anew."""
        place = places.get(query.name, {})
        since, asof, url = place.get("since", self.asked["since"]), place.get("asof", ""), place.get("next", "")
        resumed = bool(url)
        crawl = Crawl(query, self.server)
        url = url or self.first(query, since)
        while url:
            answer = self.server.get(url, ACCEPT)
            if resumed and answer.status in (400, 404, 410):
                resumed, asof, url = False, "", self.first(query, since)
                continue
            page, trouble = crawl.read(answer)
            if page is None:
                garbage = Message(answer.body, "fhir", f"{self.server.base}/{query.type}")
                unread = answer.status == 200 and answer.kind in KINDS and read_page(answer.body) is None
                yield Haul(messages=(garbage,) if unread and answer.body.strip() else ())
                raise trouble
            asof = asof or moment_of(answer)
            following = crawl.step(page, url)
            ended = not following
            if ended:
                fresh = asof or crawl.updated
                places[query.name] = {"since": earlier(fresh, self.asked["overlap"], since)}
            elif " " in query.name or self.asked["mode"] == "history":
                pass  # a link could hold a patient's id; a history must be seen from its newest page on
            else:
                places[query.name] = {"since": since, "next": following, "asof": asof}
            events = crawl.events(page, first=crawl.pages == 1 and not resumed, last=ended, whole=not resumed, since=since)
            origin = f"{self.server.base}/{query.type}"
            messages = [Message(wrapped(entry), "fhir", origin) for entry in crawl.fresh(page, self.asked["mode"] == "history")]
            yield Haul(messages=messages, events=events, bookmark=deepcopy(state))
            url = following


class Crawl:
    """Watches over one query: links that go round, pages that repeat, counts."""

    def __init__(self, query: Query, server: Fetcher) -> None:
        self.query, self.server = query, server
        self.asked: set[str] = set()
        self.taken: set[str] = set()
        self.pages, self.came, self.same = 0, 0, 0
        self.last: list[tuple[str, str]] = []
        self.total: int | None = None
        self.updated = ""

    def read(self, answer: Answer) -> tuple[Page | None, Exception]:
        """The page, or the problem that it is none."""
        about = self.query.type
        if answer.status != 200:
            return None, told(answer, self.server.host, about)
        if answer.kind not in KINDS:
            why = "a content type that is not JSON" if answer.kind else "no content type"
            return None, Fault("E844", "the answer is not FHIR", where=f"{self.server.host} {about}", why=why, help="trivet doctor")
        page = read_page(answer.body)
        why = "not a Bundle; it was kept, and quarantined"
        trouble = Fault(
            "E844", "the answer is not FHIR", where=f"{self.server.host} {about}", why=why, help="trivet query 'select * from rejects'"
        )
        if page is not None and any(severity in ("error", "fatal") for severity, _ in page.outcomes):
            why = ", ".join(sorted({code for severity, code in page.outcomes if severity in ("error", "fatal")}))
            return None, Fault("E842", "the server refuses the request", where=f"{self.server.host} {about}", why=why, help="trivet doctor")
        return page, trouble

    def step(self, page: Page, url: str) -> str:
        """The next page's address, or nothing. Fault when the server leads us round."""
        self.pages += 1
        self.asked.add(url)
        seen = [(entry.key, entry.version) if entry.key else ("", str(hash(entry.raw))) for entry in page.entries]
        self.same = self.same + 1 if seen and seen == self.last else 0
        self.last = seen
        self.came += sum(entry.mode in ("", "match") for entry in page.entries)
        self.updated = max([self.updated, *(entry.updated for entry in page.entries)], key=comparable)
        self.total = page.total if self.pages == 1 else self.total
        following = page.links.get("next", "")
        if not following:
            return ""
        following = self.server.resolve(following, url)
        if following in self.asked or self.same >= SAME:
            why = "a page was named again" if following in self.asked else "the same page comes again and again"
            raise Fault("E845", "the server's pages go round", where=f"{self.server.host} {self.query.type}", why=why, help="trivet doctor")
        return following

    def fresh(self, page: Page, history: bool) -> Iterator[Entry]:
        """What is landed. A history tells the newest version first: older ones of the same resource are not news."""
        for entry in page.entries:
            if history and entry.key:
                if entry.key in self.taken:
                    continue
                self.taken.add(entry.key)
            yield entry

    def events(self, page: Page, *, first: bool, last: bool, whole: bool, since: str) -> list[Event]:
        """What somebody should know about this page."""
        events = [outcome(page.outcomes, self.query.type)] if page.outcomes else []
        told_us = parse_qs(urlsplit(page.links.get("self", "")).query)
        if first and since and told_us and not {"_lastUpdated", "_since"} & set(told_us):
            events.append(Event("parameter-ignored", {"about": self.query.type, "parameter": "_lastUpdated"}))
        if last and whole and self.total is not None and self.total != self.came:
            events.append(Event("count-differs", {"about": self.query.type, "said": str(self.total), "came": str(self.came)}))
        return events


def comparable(text: str) -> str:
    """Instant text of an instant, nothing for anything else."""
    try:
        return instant(parse_instant(text))
    except ValueError:
        return ""


def moment_of(answer: Answer) -> str:
    """The server's clock when it answered (RFC 9110 section 6.6.1), as instant text; nothing when it does not say."""
    try:
        return instant(parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC))
    except (ValueError, TypeError):
        return ""


def earlier(moment: str, overlap: int, since: str) -> str:
    """The next watermark: a moment less the overlap, never before the last watermark; that one when no moment is known."""
    try:
        made = (parse_instant(moment) - timedelta(seconds=overlap)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return since
    return made if not since or datetime.fromisoformat(made) >= parse_instant(since) else since
