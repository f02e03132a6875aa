"""HTTP as a sink needs it: one client, one deadline for the whole exchange, an answer of bounded size, no redirect followed.

In: a request. Out: status, headers, the first mebibyte of the answer, or a word for why there was none. Never raises for what a
peer does. The environment's proxies are not asked: nothing leaves by a way that nobody named.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from trivet.contracts.outgoing import Outcome, Seat
from trivet.integration.outbound.options import client_tls
from trivet.integration.outbound.tables import status_means
from trivet.kernel.errors import Usage

__all__ = ["TLS", "Answer", "Wire"]

MOST = 1 << 20  # bytes of an answer that are read
TLS: dict[str, Any] = {"tls_authority": "", "tls_certificate": "", "tls_key": ""}


class Answer(NamedTuple):
    """`status` 0: there was none, `trouble` says why."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    trouble: str = ""


class Wire:
    """One client for one destination. Usage E852 when the address is none."""

    def __init__(self, seat: Seat, options: Mapping[str, Any]) -> None:
        import httpx  # with the first destination, not with everything that knows of destinations

        try:
            address = httpx.URL(seat.url)
        except httpx.InvalidURL:
            address = httpx.URL("")
        if address.scheme not in ("http", "https") or not address.host or address.userinfo:
            why = "http(s)://HOST[:PORT]/PATH without a user or a password in it"
            raise Usage("E852", "not an HTTP address", where=f"destinations.{seat.destination}.url", why=why)
        self._seconds, self._now = seat.seconds, seat.now
        verify: Any = client_tls(options) if address.scheme == "https" else False
        self._client = httpx.Client(verify=verify, trust_env=False, follow_redirects=False, timeout=seat.seconds)

    def call(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"", parameters: Mapping[str, str] | None = None
    ) -> Answer:
        """One exchange, over within the destination's seconds whatever the other side does."""
        import httpx

        until = time.monotonic() + self._seconds
        try:
            with self._client.stream(method, url, headers=dict(headers), content=content or None, params=parameters) as response:
                body = bytearray()
                for part in response.iter_raw(65_536):
                    body += part[: MOST - len(body)]
                    if time.monotonic() > until:
                        return Answer(0, {}, b"", "no-answer")
                    if len(body) >= MOST:
                        break
                return Answer(response.status_code, dict(response.headers), bytes(body))
        except httpx.ConnectError:
            return Answer(0, {}, b"", "not-reachable")
        except httpx.TimeoutException:
            return Answer(0, {}, b"", "no-answer")
        except (httpx.HTTPError, httpx.InvalidURL):
            return Answer(0, {}, b"", "connection-lost")

    def outcome(self, answer: Answer) -> Outcome:
        """What an answer means, by the table of statuses; its bytes are kept."""
        if not answer.status:
            return Outcome("later", answer.trouble)
        means = status_means(answer.status)
        return Outcome(means.result, f"http-{answer.status}", answer.body, self._wait(answer.headers), means.tries)

    def _wait(self, headers: Mapping[str, str]) -> float:
        """Retry-After (RFC 9110, 10.2.3): seconds or a date."""
        asked = headers.get("retry-after", "").strip()
        if asked.isdigit():
            return float(asked[:6])
        try:
            return max(0.0, parsedate_to_datetime(asked).timestamp() - self._now()) if asked else 0.0
        except (ValueError, TypeError):
            return 0.0

    def close(self) -> None:
        """End the connections."""
        self._client.close()
