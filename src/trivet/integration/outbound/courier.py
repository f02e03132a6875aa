"""A courier: hands one destination its messages, oldest first, until it is told to stop.

In: an outbox and a sink. Out: deliveries. One durable commit for each message: the commit that writes down what came of one is
the commit that lets the next one go. A peer that fails is tried again with growing pauses, and only this destination waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.outgoing import Letter, Occasion, Outcome, Sink
from trivet.contracts.ports import Store, Tx
from trivet.integration.outbound.outbox import Done, Message, Outbox
from trivet.kernel.errors import NotFound, Problem, Rejected

__all__ = ["Courier", "Pace"]

Tell = Callable[[Message, DecisionRecord], Occasion]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between looks at an empty queue, the first pause after a failure, the longest one, the longest that a peer may ask for."""

    look: float = 0.25
    first: float = 1.0
    most: float = 300.0
    asked: float = 3600.0

    def pause(self, failures: int, asked: float) -> float:
        """How long to wait after so many failures in a row."""
        grown = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return float(max(grown, min(asked, self.asked)))


class Courier:
    """The loop for one destination. `tell` makes the occasion of a message; `open_sink` makes the sink, in the courier's own thread."""

    def __init__(
        self, name: str, outbox: Outbox, store: Store, tell: Tell, open_sink: Callable[[], Sink], pace: Pace, report: Callable[[str], None]
    ) -> None:
        self.name, self.outbox, self.store, self.tell, self.open_sink = name, outbox, store, tell, open_sink
        self.pace, self.report = pace, report
        self.stopping = threading.Event()
        self.failures = 0

    def run(self) -> None:
        """Until `stopping` is set. A sink that cannot be made, or that breaks, is said and tried again: its secret may not be there yet."""
        while not self.stopping.is_set():
            try:
                self.drain(forever=True)
            except Exception as error:  # a sink's own code may raise anything: its messages wait, and nobody else's
                self.failures += 1
                said = f"{error.code} {error.what}" if isinstance(error, Problem) else type(error).__name__
                self.report(f"outbox {self.name}: {said}")
                self.stopping.wait(self.pace.pause(self.failures, 0.0))

    def drain(self, *, forever: bool) -> int:
        """Deliver until nothing waits, or, without `forever`, until the peer fails. Gives the number delivered."""
        sink, done, count = self.open_sink(), None, 0
        try:
            self.outbox.recover(self.name)
            while not self.stopping.is_set():
                letter, message, person = self._next(sink, done)
                done = None
                if letter is None:
                    if message is not None:  # it may not go: held, superseded or dead; the one behind it may
                        continue
                    if not forever:
                        return count
                    self.stopping.wait(self.pace.look)
                    continue
                assert message is not None
                outcome = sink.send(letter)
                done = ended(message, letter, outcome, person)
                count += done.state == "delivered"
                if done.state != "waiting":
                    self.failures = 0
                    continue
                self._settle(done)
                done = None
                self.failures += 1
                self.report(f"outbox {self.name}: message {message.number} not delivered: {outcome.reason}")
                if not forever:
                    return count
                self.stopping.wait(self.pace.pause(self.failures, outcome.wait))
            return count
        finally:
            if done is not None:
                self._settle(done)
            sink.close()

    def _next(self, sink: Sink, done: Done | None) -> tuple[Letter | None, Message | None, str]:
        """Settle what is done and let the next message go, in one commit."""
        message = self.outbox.head(self.name)
        if message is None:
            if done is not None:
                self._settle(done)
            return None, None, ""
        made = self._made(sink, message)
        if isinstance(made, str):
            if done is not None:
                self._settle(done)
            self.outbox.refuse(message, made)
            self.report(f"outbox {self.name}: message {message.number} cannot be sent: {made}")
            return None, message, ""
        body, record = made

        def work(tx: Tx) -> Letter | None:
            if done is not None:
                self.outbox.end(tx, done)
            return self.outbox.begin(tx, message, body, record.person, record.purpose)

        return self.store.write(work), message, record.person

    def _made(self, sink: Sink, message: Message) -> tuple[bytes, DecisionRecord] | str:
        """The message's bytes and the decision they are about, or why there are none."""
        try:
            record = self.outbox.record(message)
            if message.blob:
                return self.outbox.body(message), record
            made = sink.render(self.tell(message, record))
        except NotFound as gone:
            if gone.code != "E622":
                raise
            return "erased"
        return made.code if isinstance(made, Rejected) else (made, record)

    def _settle(self, done: Done) -> None:
        self.store.write(lambda tx: self.outbox.end(tx, done))


def ended(message: Message, letter: Letter, outcome: Outcome, person: str) -> Done:
    """The state a message takes after an attempt: what is worth no more tries is dead, what may pass waits."""
    state = {"delivered": "delivered", "never": "dead"}.get(outcome.result, "waiting")
    reason = outcome.reason
    if state == "waiting" and 0 < outcome.tries <= letter.attempt:
        state, reason = "dead", f"{outcome.reason}-{letter.attempt}-times"
    return Done(message, letter.attempt, letter.entry, state, outcome.result, reason, outcome.reply, person)
