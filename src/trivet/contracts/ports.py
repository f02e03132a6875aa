"""The floor plan: every role a room can play, and what each promises. Flows are written against this file only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from trivet.contracts.envelope import Envelope, FileEnd, Receipt, Unit
from trivet.contracts.feature import FeatureRow
from trivet.contracts.parcel import Parcel, Task
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Span, Translation
from trivet.contracts.trace import Entry, Position
from trivet.contracts.verdict import CheckVerdict, GateRequest, Permit, Refusal
from trivet.kernel.errors import Rejected

__all__ = [
    "Checks",
    "Clock",
    "Features",
    "Format",
    "Gate",
    "Landing",
    "Ledger",
    "Linker",
    "Normaliser",
    "Runtime",
    "Shelf",
    "Store",
    "Tx",
    "Vault",
    "Workshop",
]

T = TypeVar("T")
Row = tuple[Any, ...]


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> str: ...


class Tx(Protocol):
    """One open write transaction of the operational store. Parameters are bound, never pasted."""

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...


class Store(Protocol):
    """The operational database. One writer; many small pieces of work share one durable commit (group commit).

    `submit` runs `work` inside a transaction together with whatever else is waiting; the future resolves only after the
    commit is durable. A piece of work that raises is rolled back alone and its error is the future's; the others commit.
    `here`: the caller's own thread may commit before `submit` returns, where nothing waits and that takes a moment only.
    `pages` reads like `read`, a page of rows at a time, so that a table of any size can be gone through.
    `version` is a number that stays the same for as long as nobody, in any process, committed anything.
    """

    def submit(self, work: Callable[[Tx], T], *, here: bool = False) -> Future[T]: ...

    def write(self, work: Callable[[Tx], T]) -> T: ...

    def read(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]: ...

    def pages(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), size: int = ...) -> Iterator[list[Row]]: ...

    def version(self) -> int: ...

    def close(self) -> None: ...


class Vault(Protocol):
    """Encrypted bytes by content address. `put` is durable when the transaction is; `get` gives the exact bytes or raises,
    `get_each` those of many, None for what is erased.

    The address is keyed (HMAC), so that it reveals nothing. Every blob has its own data key, wrapped for its `holder`
    (`source:lab`, `person:p-...`, `house`); `rewrap` hands it from source or house to another holder (persons add up: a shared
    blob), `destroy` makes what only that holder could open unreadable for ever. The same bytes as another kind are another blob.
    `add` is `put` for many addresses at once, of which `found` said that the vault knows none; it gives their commitments.
    `commit` gives the salted commitment that the ledger carries for the blob, `opening` the salt that opens it.
    """

    def address(self, data: bytes, kind: str = "raw") -> str: ...

    def put(self, tx: Tx, data: bytes, *, holder: str, kind: str) -> str: ...

    def found(self, tx: Tx, blobs: Sequence[str]) -> set[str]: ...

    def add(self, tx: Tx, blobs: Sequence[tuple[str, bytes]], *, holder: str, kind: str) -> list[str]: ...

    def get(self, blob: str) -> bytes: ...

    def get_each(self, blobs: Sequence[str]) -> list[bytes | None]: ...

    def commit(self, blob: str) -> str: ...

    def opening(self, blob: str) -> bytes: ...

    def rewrap(self, tx: Tx, blobs: Sequence[str], holder: str) -> None: ...

    def destroy(self, tx: Tx, holder: str) -> int: ...


class Ledger(Protocol):
    """Append-only Merkle log (RFC 6962). Positions are given inside the transaction, so a fork is impossible."""

    def append(self, tx: Tx, entries: Sequence[Entry]) -> list[Position]: ...

    def size(self) -> int: ...

    def root(self, size: int | None = None) -> str: ...

    def entry(self, seq: int) -> dict[str, Any]: ...

    def body(self, seq: int) -> bytes: ...

    def referring(self, seq: int) -> list[int]: ...

    def bodies(self, start: int, end: int) -> Iterator[tuple[int, bytes]]: ...

    def find(self, kind: str, after: int = -1) -> Iterator[tuple[int, dict[str, Any]]]: ...

    def writable(self) -> bool: ...


class Format(Protocol):
    """One format. `split` never loses a byte and never raises for bad bytes; `translate` is pure: no clock, no disk, no state.

    Same bytes, same profile: same ids and the same output, in a thread here or on an executor there.
    """

    name: str

    def sniff(self, head: bytes, filename: str) -> bool: ...

    def split(self, raw: bytes) -> Iterator[Unit]: ...

    def translate(self, raw: bytes, profile: Any) -> Translation: ...

    def write(self, raw: bytes) -> bytes: ...


class Landing(Protocol):
    """Keeps what came in. Landing the same bytes from the same source twice is landing once, counted as a repeated delivery.

    `land` gives one receipt for each envelope, in order; `land_each` does it as if each had come alone, `land_groups` as if each group
    had, and `close_files` is `close_file` for several: both look into the vault and the ledger once. `pending` are receipts in
    flight, oldest first. `settle` gives each receipt its one end state, under the ledger position `run` of the run that did it.
    `horizon` is the last ledger position up to which everything that came in is settled: nothing can become known at or before it
    any more, so it is what a decision may take as its `as_of`.
    """

    def land(self, tx: Tx, envelopes: Sequence[Envelope]) -> list[Receipt]: ...

    def land_each(self, tx: Tx, envelopes: Sequence[Envelope]) -> list[Receipt]: ...

    def land_groups(self, tx: Tx, groups: Sequence[Sequence[Envelope]]) -> list[list[Receipt]]: ...

    def close_files(self, tx: Tx, files: Sequence[FileEnd]) -> list[int]: ...

    def close_file(self, tx: Tx, source: str, origin: str, size: int, covered: int, units: int, repeats: int, at: str) -> int: ...

    def pending(self, limit: int, after: int = -1) -> list[Receipt]: ...

    def receipt(self, seq: int) -> Receipt: ...

    def raw(self, receipt: Receipt) -> bytes: ...

    def raws(self, receipts: Sequence[Receipt]) -> list[bytes | None]: ...

    def claim(self, tx: Tx, receipts: Sequence[Receipt]) -> None: ...

    def settle(self, tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]], run: int) -> None: ...

    def horizon(self) -> int: ...

    def balance(self) -> dict[str, dict[str, Any]]: ...

    def files(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]: ...

    def replay_received(self, tx: Tx, seq: int, entry: dict[str, Any]) -> None: ...

    def replay_delivery(self, tx: Tx, seq: int, manifest: bytes) -> None: ...

    def replay_file(self, tx: Tx, seq: int, source: str, manifest: bytes) -> None: ...


class Workshop(Protocol):
    """Translates, normalises and packs units: in this process or in a pool of them, with the same parcels out either way."""

    def submit(self, tasks: Sequence[Task]) -> Future[list[Parcel]]: ...

    def close(self) -> None: ...


class Normaliser(Protocol):
    """Adds standard codes and UCUM units beside what came; what it does not know becomes a notice, never a guess. Pure."""

    def normalise(self, translation: Translation, profile: SourceProfile) -> Translation: ...


class Shelf(Protocol):
    """Append-only record versions, bitemporal: when it was true (`valid_at`) and since which ledger position it is known.

    `write` adds a version only where the body differs from the newest one, so a replay adds nothing; it gives the number added.
    `slice` is what was known of one person: the newest version of each record with `known_seq <= as_of`, as dicts.
    `versions` is the relation `record_version` with column `person`, as an Arrow table. `query` is read-only SQL over the
    published views.
    """

    def write(self, tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]]) -> int: ...

    def slice(self, person: str, as_of: int) -> list[dict[str, Any]]: ...

    def versions(self, person: str | None = None, as_of: int | None = None) -> Any: ...

    def lineage(self, key: str, version: int) -> tuple[Span, ...]: ...

    def query(self, sql: str, as_of: int | None = None, parameters: Sequence[Any] = ()) -> tuple[list[str], list[Row]]: ...

    def publish(self) -> None: ...


class Linker(Protocol):
    """Which person is this: links with a reason and a score, doubtful ones queued, every one undoable.

    `persons` gives the person of each `Patient/<id>` that has one, as the transaction sees it. What people decided about links
    stands in ledger entries of the kinds `replayed`; `replay` writes the rows of one of them again.
    """

    replayed: tuple[str, ...]

    def link(self, tx: Tx, receipt: Receipt, translation: Translation) -> list[Entry]: ...

    def persons(self, tx: Tx, subjects: Sequence[str]) -> dict[str, str]: ...

    def replay(self, tx: Tx, seq: int, entry: dict[str, Any]) -> None: ...


class Checks(Protocol):
    """Quality checks over tables. A check that cannot run gives `error`, never `pass`."""

    def run(self, as_of: int | None = None) -> list[CheckVerdict]: ...


class Features(Protocol):
    """A published feature view, evaluated for one person's slice or for a cohort: the same definition, the same numbers."""

    def view(self, name: str) -> dict[str, Any]: ...

    def one(self, view: str, person: str, instant: str, as_of: int) -> FeatureRow: ...

    def many(self, view: str, cohort: Sequence[tuple[str, str, int]]) -> list[FeatureRow]: ...


class Runtime(Protocol):
    """A loaded model: numbers in, an answer out. Raises for anything it cannot score; never guesses."""

    ref: ModelRef
    artefact_digest: str

    def predict(self, row: FeatureRow) -> Prediction | Rejected: ...


class Gate(Protocol):
    """May this run? Pure and in memory; any error inside is a refusal.

    `seen` is the ledger position of the newest governance event the gate knows: what was decided under it is recorded only
    while that is still the newest. `refresh` looks now whether governance moved.
    """

    def ask(self, request: GateRequest) -> Permit | Refusal: ...

    def seen(self) -> int: ...

    def refresh(self) -> int: ...
