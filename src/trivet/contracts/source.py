"""What a wire and the house say to each other: a source hands over what it brings, the house remembers how far it came.

A source never acknowledges, moves a file away or forgets a place by itself: it yields a `Haul`, and is resumed only when everything
in it is durable. So whatever dies in between is brought again, and what is brought again lands once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from trivet.contracts.envelope import Piece

__all__ = ["Event", "File", "Haul", "Listener", "Listening", "Memory", "Message", "Setting", "Source", "Whole", "Wire"]


class Setting(NamedTuple):
    """One setting of a source's `wire` table. `kind`: text, flag, whole, span (seconds of `15m`), names (list of texts), table
    (texts by name). `default` stands when the file says nothing; a text that is required has the default None."""

    kind: str
    default: Any
    meaning: str


class Message(NamedTuple):
    """One unit. `origin` is a machine's or a table's name and goes to the ledger: never a patient's value. `pieces` say where it stood
    in a file. `name` is what it is called at the source and `mark` what it says, both through `Memory.name`, for sources that compare."""

    raw: bytes
    format: str
    origin: str
    pieces: tuple[Piece, ...] = ()
    context: int = 0
    name: str = ""
    mark: str = ""


class File(NamedTuple):
    """A whole file, still to be cut by its format (`auto`: by what it looks like). `name` is kept in the vault. `known` and `mark` as the
    `name` and `mark` of a message."""

    raw: bytes
    format: str
    name: str
    known: str = ""
    mark: str = ""


class Whole(NamedTuple):
    """A file whose units were all handed over as messages: its length, and how many of its bytes they cover."""

    origin: str
    size: int
    covered: int
    units: int


class Event(NamedTuple):
    """Something about the wire that somebody must be able to see later: `schema-drift`, `count-differs`, ... The words are vocabulary,
    names of columns, numbers; never a patient's value."""

    kind: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Haul:
    """What a source hands over at once. Files are made durable first; messages, what is remembered of them, events and the bookmark
    share one transaction. `bookmark` None leaves it as it is; `names` are known from now on, with their marks, `gone` no longer there."""

    messages: Sequence[Message] = ()
    files: Sequence[File] = ()
    whole: Sequence[Whole] = ()
    events: Sequence[Event] = ()
    gone: Sequence[str] = ()
    names: Sequence[tuple[str, str]] = ()
    bookmark: Mapping[str, Any] | None = None


class Memory(Protocol):
    """What the house remembers for one source. `name` hides a text behind a keyed digest: tables of names say nothing about persons.

    `known` gives mark, receipt and number of changes of each name that is known; `names` every known name with its receipt; `raw` the
    bytes of a receipt, None when they were erased.
    """

    def bookmark(self) -> dict[str, Any]: ...

    def name(self, text: str) -> str: ...

    def known(self, names: Sequence[str]) -> dict[str, tuple[str, int, int]]: ...

    def names(self) -> Iterator[tuple[str, int]]: ...

    def raw(self, receipt: int) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Wire:
    """What a source is made of: the feed's name, its door, checked settings of its kind, the home's folder, time, and waiting.

    `now` gives seconds since 1970 of the real clock (tokens expire by it, also in a home whose clock stands still).
    """

    source: str
    door: str
    settings: Mapping[str, Any]
    home: str
    now: Callable[[], float]
    sleep: Callable[[float], None]
    format: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Source(Protocol):
    """A kind of wire that is asked. Made with a `Wire`; raises Usage for settings that do not fit together.

    `pull` yields hauls until there is nothing more for now; Locked means that it may work later, Fault that somebody must look.
    `probe` looks whether the other side is there and lets us in, and says in a line what was found. Neither holds more than a haul.
    """

    settings: ClassVar[Mapping[str, Setting]]

    def pull(self, memory: Memory) -> Iterator[Haul]: ...

    def probe(self) -> str: ...


class Listening(Protocol):
    """An open door."""

    address: str

    def close(self) -> None: ...


@runtime_checkable
class Listener(Protocol):
    """A kind of wire that is spoken to. `land` returns only when the haul is durable and raises otherwise; only then may the other side
    be told that it was taken."""

    settings: ClassVar[Mapping[str, Setting]]

    def listen(self, land: Callable[[Haul], None]) -> Listening: ...

    def probe(self) -> str: ...
