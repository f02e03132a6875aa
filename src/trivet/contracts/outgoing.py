"""What goes out about a decision: why, to whom, as which bytes, and what came of handing it over.

A sink is one way out (HL7 v2 over MLLP, FHIR over REST, a signed webhook). It makes the message and hands it over; it keeps
nothing. What is kept, in which order it goes, and when it is tried again is the outbox's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from trivet.contracts.decision import DecisionRecord
from trivet.kernel.errors import Rejected

__all__ = ["EVENTS", "Letter", "Occasion", "Outcome", "Seat", "Sink"]

EVENTS = ("issued", "corrected", "withheld")
"""What can happen: an answer went out, an answer took the place of an earlier one, no answer could be given."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One reason to send one message to one destination.

    `number` counts the destination's messages from 1 without gaps; `key` is 20 hexadecimal digits, the same for every repeat.
    `status` is the result status (HL7 table 0123: F final, C corrected, X no result). `thread` is the id of the first decision of
    a chain of corrections, `earlier` the decision that this one takes the place of, or empty. `at` never runs backwards within a
    thread. `output` is `probability`, `score` or empty. `patients` are the person's Patient records, the newest known last.
    """

    destination: str
    number: int
    key: str
    event: str
    status: str
    thread: str
    earlier: str
    at: str
    site: str
    decision: DecisionRecord
    question: str = ""
    output: str = ""
    patients: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be handed over: exact bytes, the same at every attempt. `attempt` counts from 1, `entry` is the ledger
    position that says it goes."""

    destination: str
    number: int
    key: str
    attempt: int
    body: bytes
    entry: int = -1


class Outcome(NamedTuple):
    """What came of handing over. `result`: `delivered`; `later` (keep it, try again, at most `tries` times when not 0, not before
    `wait` seconds); `never` (it will not be taken however often it is sent). `reason` is a short word of ours, never theirs."""

    result: str
    reason: str
    reply: bytes = b""
    wait: float = 0.0
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """What a sink is given when it is made. `secrets` reads the lines of the destination's secret file, anew at each call, so that
    keys can be rotated; it raises when others may read the file. `now` gives seconds since 1970: the wire's time, not the house's."""

    destination: str
    url: str
    site: str
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Callable[[], tuple[str, ...]] = tuple
    now: Callable[[], float] = float


class Sink(Protocol):
    """One way out. Made as `factory(seat)`; raises Usage for options it does not know.

    `render` is pure: the same occasion gives the same bytes; what cannot be said to this destination is `Rejected`. `send` hands
    over and waits for the answer that belongs to it, at most as long as the seat says; it never raises for what a peer does.
    """

    def render(self, occasion: Occasion) -> bytes | Rejected: ...

    def send(self, letter: Letter) -> Outcome: ...

    def close(self) -> None: ...
