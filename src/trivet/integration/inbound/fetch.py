"""One HTTP client for every source that is asked: it waits as it is told to, holds no more than it was allowed to, and goes nowhere else.

In: URLs of one server. Out: answers, whole or as a stream of bytes. Refused: another origin (scheme, host, port), plain HTTP beyond this
machine, bodies over the limit (compressed ones too), a server that does not end. Locked: what may work later. Fault: what will not.
No URL, body or header of an answer stands in an error: they can hold identifiers.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from trivet.contracts.source import Setting
from trivet.kernel.errors import Fault, Locked, Problem, Usage

__all__ = ["SETTINGS", "Answer", "Bearer", "Fetcher", "Limits", "Stream", "limits", "wait_of"]

SETTINGS: dict[str, Setting] = {
    "tries": Setting("whole", 6, "how often a request is made that fails in a way that may pass"),
    "longest_wait": Setting("span", 600, "the longest that `Retry-After` may keep a poll waiting; longer, and the next poll goes on"),
    "timeout": Setting("span", 60, "how long the server may say nothing"),
    "deadline": Setting("span", 900, "how long one answer may take altogether"),
    "largest_mb": Setting("whole", 64, "the largest page or document, unpacked, in MiB"),
    "authority": Setting("text", "", "PEM file with the certificate authority of the server, instead of the machine's own"),
    "certificate": Setting("text", "", "PEM file with our certificate, for mutual TLS"),
    "certificate_key": Setting("text", "", "PEM file with its key"),
    "plain": Setting("flag", False, "allow HTTP without TLS to another machine"),
}
AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
MOVED = frozenset((301, 302, 307, 308))
CHUNK = 1 << 16
HOPS = 5


class Bearer(Protocol):
    """Whoever knows the token of the moment. `spoilt` says that the server did not take it."""

    def token(self) -> str: ...

    def spoilt(self) -> None: ...


class Limits(NamedTuple):
    """How patient, and how large: see `SETTINGS`. Seconds and bytes."""

    tries: int = 6
    longest_wait: float = 600
    timeout: float = 60
    deadline: float = 900
    largest: int = 64 << 20
    authority: str = ""
    certificate: str = ""
    certificate_key: str = ""
    plain: bool = False


def limits(settings: Mapping[str, Any]) -> Limits:
    """The limits that settings ask for."""
    read = {name: settings[name] for name in Limits._fields if name in settings}
    return Limits(**read, largest=settings["largest_mb"] << 20)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, unpacked."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str

    @property
    def kind(self) -> str:
        """The content type without its parameters."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()


class Stream(NamedTuple):
    """An answer whose body is still to come, unpacked as it comes. Reading may raise Locked when the connection breaks."""

    status: int
    headers: httpx.Headers
    chunks: Iterator[bytes]


def loopback(host: str) -> bool:
    """Does the name stay on this machine?"""
    return host in ("localhost", "::1") or host.startswith("127.")


class Fetcher:
    """Asks one server. `base` is its address; only URLs of the same origin are asked, with the bearer's token."""

    def __init__(
        self, base: str, given: Limits, *, now: Callable[[], float], sleep: Callable[[float], None], bearer: Bearer | None = None
    ) -> None:
        self.base, self.limits, self.now, self.sleep, self.bearer = base.rstrip("/"), given, now, sleep, bearer
        parts = urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Usage("E820", "the door of a source is not an address", why="expected KIND+https://HOST/PATH", help="trivet doctor")
        if parts.username or parts.query or parts.fragment:
            raise Usage("E820", "the door of a source holds more than an address", why="no user, query or fragment", help="trivet doctor")
        if parts.scheme == "http" and not given.plain and not loopback(parts.hostname):
            raise Usage("E821", "plain HTTP to another machine", why="anybody on the way can read it", help="https, or plain = true")
        self.host = parts.netloc
        self.client = httpx.Client(
            verify=context(given) if parts.scheme == "https" else True,
            timeout=httpx.Timeout(given.timeout, connect=min(given.timeout, 20)),
            follow_redirects=False,
            trust_env=False,
            headers={"accept-encoding": "gzip", "user-agent": "trivet"},
        )

    def close(self) -> None:
        """End every connection."""
        self.client.close()

    def resolve(self, url: str, at: str = "") -> str:
        """An address that the server gave, made absolute. Fault when it leads to another origin."""
        found = urljoin(at or f"{self.base}/", url)
        if origin(found) != origin(self.base):
            raise Fault("E822", "the server sends us elsewhere", where=self.host, why="a link of another origin is never followed")
        return found

    def get(self, url: str, accept: str = "application/fhir+json", headers: Mapping[str, str] | None = None) -> Answer:
        """One whole answer, whatever its status, once it is one that asking again would not change."""
        return self.ask("GET", url, {"accept": accept, **(headers or {})})

    def ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> Answer:
        """A request, made again while it fails in a way that may pass."""
        for attempt in range(1, self.limits.tries + 1):
            try:
                with self.open(method, url, headers, content, attempt) as stream:
                    body = b"".join(self._bounded(stream.chunks))
                    return Answer(stream.status, stream.headers, body, url)
            except Broken as broken:
                if attempt == self.limits.tries:
                    raise Locked("E823", "the server does not answer", where=self.host, why=broken.why, help="trivet doctor") from None
                self.sleep(2.0 ** (attempt - 1))
        raise AssertionError("unreachable")

    @contextmanager
    def open(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None, attempt: int = 1) -> Iterator[Stream]:
        """An answer as a stream, waited for as the server asks. Raises `Broken` (a Locked) when the connection fails."""
        fresh, hops, turn = True, 0, attempt
        while True:
            token = self.bearer.token() if self.bearer else ""
            sent = {**headers, **({"authorization": f"Bearer {token}"} if token else {})}
            with self._send(method, url, sent, content) as response:
                if response.status_code == 401 and self.bearer and fresh:
                    self.bearer.spoilt()
                    fresh = False
                    continue
                if response.status_code in MOVED and response.headers.get("location") and method == "GET" and hops < HOPS:
                    url, hops = self.resolve(response.headers["location"], url), hops + 1
                    continue
                if response.status_code not in AGAIN or turn >= self.limits.tries:
                    yield Stream(response.status_code, response.headers, self._chunks(response))
                    return
                wait = wait_of(response.headers, self.now())
            wait = min(2.0 ** (turn - 1), 60.0) if wait is None else wait
            if wait > self.limits.longest_wait:
                why = f"it asks to wait {int(wait)} seconds"
                raise Locked("E824", "the server wants to be left alone", where=self.host, why=why, help="the next poll goes on")
            self.sleep(wait)
            turn += 1

    @contextmanager
    def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Iterator[httpx.Response]:
        try:
            with self.client.stream(method, url, headers=dict(headers), content=content) as response:
                yield response
        except httpx.HTTPError as error:
            raise self._told(error) from None

    def _told(self, error: httpx.HTTPError) -> Problem:
        """What went wrong, in our words: a library's text can hold a URL."""
        tls: BaseException | None = error
        while tls is not None:
            if isinstance(tls, ssl.SSLError) or "SSL" in str(tls.args[:1]):
                reason = getattr(tls, "verify_message", "") or getattr(tls, "reason", "") or "no common ground"
                return Fault("E825", "TLS with the server fails", where=self.host, why=str(reason), help='authority = "/path/ca.pem"')
            tls = tls.__cause__ or tls.__context__
        if isinstance(error, httpx.TimeoutException):
            return Broken(self.host, "it says nothing")
        if isinstance(error, httpx.ConnectError):
            return Broken(self.host, "no connection")
        return Broken(self.host, "the connection broke")

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The body, unpacked in pieces of at most `CHUNK` bytes, while the deadline lasts."""
        until = self.now() + self.limits.deadline
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("identity", "", "gzip", "x-gzip"):
            raise Fault("E826", "the answer is packed in a way nobody asked for", where=self.host)

        def raw() -> Iterator[bytes]:
            try:
                for chunk in response.iter_raw():
                    if self.now() > until:
                        raise Broken(self.host, "one answer takes too long")
                    yield chunk
            except httpx.HTTPError as error:
                raise self._told(error) from None

        return unpacked(raw(), self.host) if "gzip" in packed else raw()

    def _bounded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > self.limits.largest:
                why = f"more than {self.limits.largest >> 20} MiB"
                raise Fault("E827", "an answer is too large", where=self.host, why=why, help="a smaller count, or largest_mb")
            yield chunk


class Broken(Locked):
    """A connection that failed: worth another try."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__("E823", "the server does not answer", where=host, why=why, help="trivet doctor")


def unpacked(chunks: Iterable[bytes], host: str) -> Iterator[bytes]:
    """gzip undone, never more than `CHUNK` bytes at a time, however little was sent."""
    work = zlib.decompressobj(31)
    try:
        for chunk in chunks:
            while chunk:
                if work.eof:
                    work = zlib.decompressobj(31)
                yield work.decompress(chunk, CHUNK)
                chunk = work.unconsumed_tail or work.unused_data
            while not work.eof and (more := work.decompress(b"", CHUNK)):
                yield more
    except zlib.error:
        raise Fault("E826", "a packed answer cannot be unpacked", where=host) from None
    if not work.eof:
        raise Broken(host, "a packed answer breaks off")


def wait_of(headers: httpx.Headers, now: float) -> float | None:
    """Seconds of `Retry-After` (RFC 9110 section 10.2.3: seconds or a date); None when there is none that can be read."""
    said = headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now) if said else None
    except (ValueError, OverflowError):
        return None


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Fault for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", "", 0
    return parts.scheme, (parts.hostname or "").lower(), port


def context(given: Limits) -> ssl.SSLContext:
    """TLS as the settings ask: always checked. Usage when a file cannot be used."""
    try:
        made = ssl.create_default_context(cafile=given.authority or None)
        if given.certificate:
            made.load_cert_chain(given.certificate, given.certificate_key or None)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "strerror", "") or "not a PEM file of that kind"
        raise Usage("E828", "a certificate or its key cannot be read", where=given.authority or given.certificate, why=why) from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
