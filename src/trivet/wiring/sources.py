"""Sources behind doors: the kinds that are installed, and the one that a feed's door names, with its settings checked.

In: the entry points of group `trivet.sources`, `door` and `wire` of a source in `trivet.toml`. Out: a `Source` (asked) or a `Listener`
(spoken to). Refused: kinds nobody installed or named, settings nobody defined (with file and line), two polls of one source at once.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

from starlette.routing import Route

from trivet.contracts.house import House
from trivet.contracts.source import File, Haul, Listener, Listening, Message, Setting, Source, Wire
from trivet.flows.poll import Catch, poll, take
from trivet.integration.inbound.smart import ClientKeys, jwks_text
from trivet.kernel.errors import Fault, Locked, NotFound, Problem, Usage
from trivet.wiring import formats
from trivet.wiring.settings import FILE, KINDS, Reader

__all__ = ["Schedule", "abandon", "client_keys", "jwks_text", "kind_of", "listen", "make", "notify", "poll_source", "pollable", "wired"]

GROUP = "trivet.sources"
SLOWEST = 3600.0  # seconds between two tries of a source that keeps failing


def kind_of(door: str) -> str:
    """`fhir` of `fhir+https://...`, `dicom` of `dicom://...`."""
    return door.partition(":")[0].partition("+")[0]


def _entry(kind: str, allowed: list[str]) -> EntryPoint:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.value.startswith("trivet.") or entry.name in allowed:
            if entry.name in found and found[entry.name].value != entry.value:
                why = f"{found[entry.name].value} and {entry.value}"
                raise Fault("E850", f"two kinds of source are called {entry.name}", why=why, help="uninstall one of them")
            found[entry.name] = entry
    if kind not in found:
        why = "known: mllp, " + ", ".join(sorted(found))
        raise Usage("E851", f"no door of the kind {kind or 'that has no name'}", why=why, help='door = "fhir+https://HOST/BASE"')
    return found[kind]


def checked(house: House, name: str, given: Mapping[str, Any], known: Mapping[str, Setting]) -> dict[str, Any]:
    """A wire's settings with what was not said filled in. Usage, with the line, for what nobody defined and what does not fit."""
    values = {}
    reader, table = Reader(Path(house.home) / FILE), f"sources.{name}.wire"
    for key, value in given.items():
        if key not in known:
            raise reader.wrong(table, key, "unknown setting", "known here: " + ", ".join(sorted(known)))
        try:
            values[key] = KINDS[known[key].kind](value)
        except (TypeError, ValueError) as error:
            raise reader.wrong(table, key, "wrong value", str(error)) from None
    for key, setting in known.items():
        if setting.default is None and key not in values:
            raise reader.wrong(table, key, "missing setting", setting.meaning)
        values.setdefault(key, setting.default)
    return values


def make(house: House, name: str, *, sleep: Callable[[float], None] = time.sleep) -> Source | Listener:
    """The source or listener behind a feed's door."""
    sources = house.settings["sources"]
    if name not in sources:
        raise NotFound("E852", f"no source {name}", why="known: " + ", ".join(sorted(sources)), help="edit trivet.toml")
    given = sources[name]
    entry = _entry(kind_of(given["door"]), house.settings["plugins"].get("sources", []))
    try:
        kind = entry.load()
        known = kind.settings
    except (ImportError, AttributeError) as error:
        raise Fault("E853", f"source {entry.name} does not load", where=entry.value, why=str(error), help="trivet doctor") from error
    settings = checked(house, name, given["wire"], known)
    wire = Wire(name, given["door"], settings, house.home, time.time, sleep, given["format"], given["options"])
    made: Source | Listener = kind(wire)
    return made


def pollable(house: House) -> list[str]:
    """The sources whose door is asked."""
    return [name for name in wired(house) if isinstance(make(house, name), Source)]


def wired(house: House) -> list[str]:
    """The sources with a door of an installed kind; MLLP has its own."""
    return [name for name, entry in house.settings["sources"].items() if entry["door"] and kind_of(entry["door"]) != "mllp"]


def detector(house: House) -> Callable[[File], str]:
    """Names the format of a file that does not say it."""

    def detect(file: File) -> str:
        if file.format != "auto":
            return file.format
        found = formats.detect(dict(house.formats), file.raw[: formats.HEAD], file.name)
        return found.name if found else "unknown"

    return detect


@contextmanager
def alone(house: House, name: str) -> Iterator[None]:
    """Only one poll of a source at a time, whoever asks. Locked when another one is under way."""
    folder = Path(house.home) / "polls"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Locked("E854", f"source {name} is being polled", why="by another process", help="wait for it") from None
        yield


def poll_source(house: House, name: str, report: Callable[[Catch], None] | None = None, source: Source | None = None) -> Catch:
    """Ask one source for everything that is new. Usage for a door that is not asked but spoken to."""
    made = source or make(house, name)
    if not isinstance(made, Source):
        raise Usage("E855", f"source {name} is not asked, it speaks", why=house.settings["sources"][name]["door"], help="trivet up")
    with alone(house, name):
        return poll(house, name, made, detector(house), report)


def abandon(house: House, name: str) -> str:
    """Give up what a source has under way at the other side. Gives what was done, in a word."""
    made, wires = make(house, name), house.role("wires")
    end = getattr(made, "abandon", None)
    if end is None:
        return "nothing is ever under way there"
    with alone(house, name):
        bookmark, done = end(wires.memory(name))
        house.store.write(lambda tx: wires.keep(tx, name, (), (), bookmark))
    return str(done)


def client_keys(house: House, folder: str) -> ClientKeys:
    """The keys by which servers know this house."""
    return ClientKeys(Path(house.home) / folder)


def notify(house: House, wake: Callable[[], None]) -> list[Route]:
    """The route by which servers of subscriptions speak to us; none where no source has such a door."""
    from trivet.integration.inbound.subscription import SubscriptionSource, subscription_route

    made = {name: make(house, name) for name in wired(house) if kind_of(house.settings["sources"][name]["door"]) == "subscription"}
    held: dict[str, SubscriptionSource] = {name: cast(SubscriptionSource, source) for name, source in made.items()}
    locks, detect = {name: threading.Lock() for name in held}, detector(house)

    def secret(name: str) -> tuple[str, bytes]:
        if name not in held:
            raise NotFound("E261", f"no source {name}", help="name it in trivet.toml")
        return held[name].asked["header"], held[name].secret()

    def heard(name: str, body: bytes) -> bool:
        with locks[name]:
            try:
                haul, missing = held[name].heard(body, house.role("wires").memory(name))
            except Usage:
                take(house, name, Haul(messages=(Message(body, "fhir", held[name].about),) if body.strip() else ()), detect)
                raise
            take(house, name, haul, detect)
        wake()
        return missing

    def behind(name: str) -> None:
        try:
            poll_source(house, name, source=held[name])
        except Problem:  # written down by the poll itself; the next notification or poll asks again
            pass
        wake()

    return [subscription_route(secret, heard, behind)] if held else []


def listen(house: House, name: str, listener: Listener, wake: Callable[[], None]) -> Listening:
    """Open a door. What comes in through it is durable before the other side is told so."""
    detect = detector(house)

    def land(haul: Haul) -> None:
        take(house, name, haul, detect)
        wake()

    return listener.listen(land)


class Schedule:
    """Polls each source on its own thread, every `every` seconds; after a problem sooner, and then ever more slowly."""

    def __init__(self, house: House, wake: Callable[[], None], report: Callable[[str], None]) -> None:
        self.house, self.wake, self.report = house, wake, report
        self.ending = threading.Event()
        self.threads: list[threading.Thread] = []

    def pause(self, seconds: float) -> None:
        """Wait as a server asks, unless the house closes meanwhile."""
        if self.ending.wait(seconds):
            raise Stopped

    def start(self, name: str, source: Source, every: float) -> None:
        """Begin with one source."""
        thread = threading.Thread(target=self._run, args=(name, source, every), name=f"poll-{name}", daemon=True)
        self.threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """No new poll begins; one that is under way ends at its next haul."""
        self.ending.set()
        for thread in self.threads:
            thread.join(20)

    def _run(self, name: str, source: Source, every: float) -> None:
        failed = 0
        while not self.ending.is_set():
            try:
                catch = poll_source(self.house, name, self._watch, source)
                failed = 0
                if catch.landed or catch.events:
                    self.report(f"poll  {name}  {catch.landed} new, {catch.repeated} known, {sum(catch.events.values())} events")
            except Stopped:
                return
            except Problem as problem:
                failed += 1
                self.report(f"poll  {name}  {problem.code} {problem.what}")
            except Exception as error:  # a source of others may raise anything: it is said, and asked again later
                failed += 1
                self.house.role("wires").ended(name, self.house.clock.now(), "E856", f"the source broke: {type(error).__name__}")
                self.report(f"poll  {name}  E856 the source broke: {type(error).__name__}")
            self.ending.wait(every if not failed else min(max(every, 30.0 * 2 ** min(failed, 10)), max(every, SLOWEST)))

    def _watch(self, catch: Catch) -> None:
        self.wake()
        if self.ending.is_set():
            raise Stopped


class Stopped(BaseException):
    """The house closes: a poll ends between two hauls, where nothing can be lost."""
