"""`trivet up`: the doors and the one thread that brings to its end what came in through them.

In: a house, an ASGI application for the pages (or none). Out: nothing until SIGTERM or SIGINT; then the doors close, what was
acknowledged is settled, and the house can be closed. Refused: a door that is not of a kind we know.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from trivet.contracts.house import House
from trivet.flows.receive import CHUNK, Delivery, land_file, process_pending
from trivet.integration.inbound.http import receive_route
from trivet.kernel.errors import Problem, Usage
from trivet.wiring import formats
from trivet.wiring.intake import UNKNOWN
from trivet.wiring.subscribing import door_routes

__all__ = ["Settler", "door_token", "http_address", "serve"]

FEW = 64  # receipts settled in one transaction while messages come in
TURN = 0.000_2  # seconds after which a busy thread lets another have its turn: an acknowledgement needs several of them


class Settler:
    """Settles receipts in the background, in their order, whenever it is woken or a little time has passed.

    A fault that nobody foresaw ends it; `ended` is told, and `stop` raises it: a house that cannot settle closes its doors.
    """

    def __init__(self, house: House, report: Callable[[str], None], every: float = 1.0) -> None:
        self.house, self.report, self.every = house, report, every
        self.woken, self.ending = threading.Event(), False
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="settler")
        self.work: Future[None] | None = None

    def start(self, ended: Callable[[], None]) -> None:
        """Begin."""
        self.work = self.pool.submit(self._run)
        self.work.add_done_callback(lambda _: ended())

    def wake(self) -> None:
        """Something came in."""
        self.woken.set()

    def stop(self) -> None:
        """Settle what is in flight, then end. Raises what ended it before."""
        self.ending = True
        self.woken.set()
        try:
            if self.work is not None:
                self.work.result()
        finally:
            self.pool.shutdown()

    def _most(self) -> int:
        """How many receipts are settled in one transaction: few while others come in, because their senders wait for its end."""
        coming = self.woken.is_set() and not self.ending
        if coming:
            self.woken.clear()  # what it told of is durable, and found by whoever looks now
        return FEW if coming else CHUNK

    def _run(self) -> None:
        signed_at = time.monotonic()
        every = self.house.settings["ledger"]["checkpoint_every"]
        while True:
            self.woken.wait(self.every)
            self.woken.clear()
            last = self.ending
            try:
                if process_pending(self.house, most=self._most).versions:
                    self.house.shelf.publish()
                if last or time.monotonic() - signed_at >= every:
                    self.house.role("checkpoints").sign()
                    signed_at = time.monotonic()
            except Problem as problem:  # what is in flight stays in flight and is tried again
                self.report(f"settling: {problem.code} {problem.what}")
            if last:
                return


def http_address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8470`. Usage for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise Usage("E140", "an address is host:port", why=text, help='[doors] http = "127.0.0.1:8470"')
    return host.strip("[]"), int(port)


def loopback(host: str) -> bool:
    """Can only this machine reach it?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def door_token(home: Path, host: str) -> str:
    """The token of the HTTP door: none on the loopback, else the one in `keys/door.token`, made when it is first needed."""
    if loopback(host):
        return ""
    path = home / "keys" / "door.token"
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()


def take(house: House, settler: Settler, body: bytes, source: str, name: str) -> dict[str, Any]:
    """Land one file that came through the HTTP door."""
    form = house.settings["sources"][source]["format"]
    if form == "auto":
        found = formats.detect(dict(house.formats), body[: formats.HEAD], name)
        form = found.name if found else UNKNOWN
    tally = land_file(house, Delivery(body, source, form, f"http:{name}"))
    settler.wake()
    return {"source": source, "format": form, "bytes": tally.bytes, "landed": tally.landed, "repeated": tally.repeated}


def application(house: House, settler: Settler, token: str, pages: ASGIApp | None) -> Starlette:
    """The HTTP door, and the pages behind it."""
    from trivet.wiring.sources import notify

    known = house.settings["sources"].__contains__
    receiving = receive_route(lambda *given: take(house, settler, *given), known, token)
    app = Starlette(routes=[receiving, *notify(house, settler.wake), *door_routes(house)])
    if pages is not None:
        app.mount("/", pages)
    return app


class Server(uvicorn.Server):
    """A server that leaves the signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured here."""
        yield


async def mllp_doors(house: House, settler: Settler, report: Callable[[str], None]) -> list[Any]:
    """One MLLP listener for each source that names one."""
    doors = []
    for source, entry in house.settings["sources"].items():
        if entry["door"].startswith("mllp://"):
            from trivet.wiring.mllp import open_door

            doors.append(await open_door(house, source, urlsplit(entry["door"]), settler.wake, report))
    return doors


def wires(house: House, settler: Settler, report: Callable[[str], None]) -> tuple[list[Any], Any]:
    """Doors of every other kind: those that are spoken to are opened, those that are asked are polled on their schedule."""
    from trivet.contracts.source import Source
    from trivet.wiring import sources

    schedule, opened = sources.Schedule(house, settler.wake, report), []
    made = {name: sources.make(house, name, sleep=schedule.pause) for name in sources.wired(house)}
    for name, wire in made.items():
        if not isinstance(wire, Source):
            opened.append(sources.listen(house, name, wire, settler.wake))
            report(f"{sources.kind_of(house.settings['sources'][name]['door'])}  {name}  {opened[-1].address}")
    for name, wire in made.items():
        every = house.settings["sources"][name]["every"]
        if isinstance(wire, Source) and every:
            schedule.start(name, wire, every)
            report(f"poll  {name}  every {every} s")
    return opened, schedule


async def run(house: House, settler: Settler, pages: ASGIApp | None, address: tuple[str, int], report: Callable[[str], None]) -> None:
    """Open the doors, wait for the end, close them."""
    doors = await mllp_doors(house, settler, report)
    listening, schedule = wires(house, settler, report)
    token = door_token(Path(house.home), address[0])
    tls = {name: house.settings["doors"][key] or None for name, key in (("ssl_certfile", "tls_certificate"), ("ssl_keyfile", "tls_key"))}
    config = uvicorn.Config(
        application(house, settler, token, pages),
        *address,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        **tls,  # type: ignore[arg-type]
    )
    server = Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    settler.start(lambda: setattr(server, "should_exit", True))
    report(
        f"http  {'https' if tls['ssl_certfile'] else 'http'}://{address[0]}:{address[1]}"
        + ("  (token in keys/door.token)" if token else "")
    )
    for door in doors:
        report(f"mllp  {door.source}  {door.host}:{door.port}")
    try:
        await server.serve()
    finally:
        schedule.stop()
        for listener in listening:
            listener.close()
        for door in doors:
            await door.close()


def serve(house: House, pages: ASGIApp | None, report: Callable[[str], None], http: str = "") -> None:
    """Until SIGTERM. What was acknowledged by then is settled before this returns."""
    sys.setswitchinterval(TURN)
    settler = Settler(house, report)
    house.role("couriers").start(report)
    try:
        asyncio.run(run(house, settler, pages, http_address(http or house.settings["doors"]["http"]), report))
    except OSError as error:
        raise Problem("E142", "a door cannot be opened", why=error.strerror or str(error), help="trivet doctor") from None
    finally:
        house.role("couriers").stop()
        settler.stop()
