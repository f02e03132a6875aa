"""The floor plan: every role a room can play, and what each promises. Flows are written against this file only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from trivet.contracts.envelope import Envelope, Receipt, Unit
from trivet.contracts.feature import FeatureRow
from trivet.contracts.prediction import ModelRef, Prediction
from trivet.contracts.record import Translation
from trivet.contracts.trace import Entry, Position
from trivet.contracts.verdict import CheckVerdict, GateRequest, Permit, Refusal
from trivet.kernel.errors import Rejected

__all__ = ["Checks", "Clock", "Features", "Format", "Gate", "Landing", "Ledger", "Linker", "Runtime", "Shelf", "Store", "Tx", "Vault"]

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
    """

    def submit(self, work: Callable[[Tx], T]) -> Future[T]: ...

    def write(self, work: Callable[[Tx], T]) -> T: ...

    def read(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]: ...

    def close(self) -> None: ...


class Vault(Protocol):
    """Encrypted bytes by content address. `put` is durable when the transaction is; `get` gives the exact bytes or raises.

    The address is keyed (HMAC), so that it reveals nothing. Every blob has its own data key, wrapped for its `holder`
    (`source:lab`, `person:p-...`, `house`); `rewrap` hands it to another holder, `destroy` makes it unreadable for ever.
    `commit` gives the salted commitment that the ledger carries for the blob, `opening` the salt that opens it.
    """

    def put(self, tx: Tx, data: bytes, *, holder: str, kind: str) -> str: ...

    def get(self, blob: str) -> bytes: ...

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
    """Keeps what came in. Landing the same bytes from the same source twice is landing once."""

    def land(self, tx: Tx, envelopes: Sequence[Envelope]) -> list[Receipt]: ...

    def pending(self, limit: int) -> list[Receipt]: ...

    def raw(self, receipt: Receipt) -> bytes: ...

    def settle(self, tx: Tx, receipt: Receipt, state: str, translation: Translation | None, reason: str) -> None: ...


class Shelf(Protocol):
    """Append-only record versions, bitemporal: when it was true (`valid_at`) and since which ledger position it is known."""

    def write(self, tx: Tx, receipt: Receipt, translation: Translation) -> int: ...

    def slice(self, person: str, as_of: int) -> list[dict[str, Any]]: ...

    def query(self, sql: str, as_of: int | None = None, parameters: Sequence[Any] = ()) -> tuple[list[str], list[Row]]: ...


class Linker(Protocol):
    """Which person is this: links with a reason and a score, doubtful ones queued, every one undoable."""

    def link(self, tx: Tx, receipt: Receipt, translation: Translation) -> list[Entry]: ...


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
    """May this run? Pure and in memory; any error inside is a refusal."""

    def ask(self, request: GateRequest) -> Permit | Refusal: ...
