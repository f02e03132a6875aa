"""The outbox: what must leave the house because of a decision, in order, until somebody has it.

In: decisions, inside the transaction that makes them durable. Out: messages, one at a time for each destination, oldest first.
Nothing is handed over before the ledger says so (`sent`), and what came of it is in the ledger too (`acknowledged`,
`unacknowledged`); a crash in between leaves a message that is sent again under the same key. Refused: to forget anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, NamedTuple

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.outgoing import Letter
from trivet.contracts.ports import Clock, Ledger, Store, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.integration.outbound.statements import sql
from trivet.integration.outbound.tables import Destination, Routing
from trivet.kernel.digest import digest
from trivet.kernel.errors import NotFound, Refused

__all__ = ["STATES", "Done", "Message", "Outbox"]

STATES = ("waiting", "sending", "delivered", "dead", "held", "superseded")
HELD, CONSENT = "suspended", "consent"


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox. It holds no value of a person; `blob` is the vault address of its bytes once they are made."""

    destination: str
    number: int
    key: str
    seq: int
    decision_id: str
    event: str
    use: str
    model: str
    status: str
    thread: str
    earlier: str
    at: str
    state: str
    attempts: int
    reason: str
    blob: str
    sent_seq: int
    done_at: str

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Done(NamedTuple):
    """What came of one attempt: the message with the attempt it was, the state it takes now, a reason and the bytes of the answer."""

    message: Message
    attempt: int
    sent_seq: int
    state: str
    result: str
    reason: str
    reply: bytes
    person: str


class Outbox:
    """`out_message` and `out_attempt` over store, vault and ledger.

    `listed` gives the destinations, those of the settings and those that subscribed; `stopped` the models that stand still, as the
    transaction sees it; `refuses(person, purpose)` the consent that refuses now, empty when none does. `origin` names this house, so that
    no two houses make the same key.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        ledger: Ledger,
        clock: Clock,
        routing: Routing,
        listed: Callable[[Tx], Sequence[Destination]],
        stopped: Callable[[Tx], frozenset[str]],
        origin: str,
        refuses: Callable[[str, str], str] = lambda person, purpose: "",
    ) -> None:
        self._store, self._vault, self._ledger, self._clock = store, vault, ledger, clock
        self._routing, self._listed, self._stopped, self._origin = routing, listed, stopped, origin
        self._refuses = refuses

    def put(self, tx: Tx, record: DecisionRecord, seq: int) -> int:
        """Queue what goes out about a decision whose entry stands at `seq` in this transaction. Gives how many messages that are."""
        if record.mode == "shadow":
            return 0
        event = "withheld" if record.prediction is None else "corrected" if record.caused_by else "issued"
        asked = record.model or (record.attempts[0].model if record.attempts else None)
        count = 0
        for to in self._listed(tx):
            status = self._routing.status(to, record.use, event)
            if not status:
                continue
            number = int(tx.execute(sql("out_next"), (to.name,))[0][0])
            thread, at = self._thread(tx, to.name, record)
            row = {
                "destination": to.name,
                "number": number,
                "key": self._key(to.name, number, record.decision_id, 0),
                "seq": seq,
                "decision_id": record.decision_id,
                "event": event,
                "use": record.use,
                "model": asked.name if asked else "",
                "status": status,
                "thread": thread,
                "earlier": record.caused_by,
                "at": at,
            }
            tx.execute(sql("out_add"), row)
            count += 1
        return count

    def _thread(self, tx: Tx, destination: str, record: DecisionRecord) -> tuple[str, str]:
        """The chain of corrections this belongs to, and a time that is not before what was said in it already (OBR-22)."""
        if not record.caused_by:
            return record.decision_id, record.decided_at
        rows = tx.execute(sql("out_thread"), (destination, record.caused_by))
        return (rows[0][0], max(rows[0][1], record.decided_at)) if rows else (record.caused_by, record.decided_at)

    def _key(self, destination: str, number: int, decision: str, again: int) -> str:
        return digest([self._origin, destination, number, decision, again])[:20]

    def head(self, destination: str) -> Message | None:
        """The oldest message that waits; the one that is being sent does not."""
        rows = self._store.read(sql("out_head"), (destination,))
        return Message(*rows[0]) if rows else None

    def body(self, message: Message) -> bytes:
        """The message's bytes. NotFound E622 when its person was erased, Fault when they are damaged."""
        return self._vault.get(message.blob)

    def record(self, message: Message) -> DecisionRecord:
        """The decision that the message is about. NotFound E622 when its person was erased."""
        return DecisionRecord.from_json(self._vault.get(self._ledger.entry(message.seq)["notes"]["blob"]))

    def begin(self, tx: Tx, message: Message, body: bytes, person: str, purpose: str) -> Letter | None:
        """Write down that the message goes out now. None when it must not: taken back meanwhile, its model stands still, its person refuses
        its purpose by now, or what takes its place was delivered before it. After this transaction, and not before, the letter may be
        handed over."""
        rows = tx.execute(sql("out_still"), (message.destination, message.number))
        if not rows:
            return None
        if message.event != "withheld" and message.model in self._stopped(tx):
            self._act(tx, message, "held", HELD, "")
            return None
        if message.event != "withheld" and self._refuses(person, purpose):
            self._act(tx, message, "held", CONSENT, "")
            return None
        if tx.execute(sql("out_later"), (message.destination, message.thread, message.number))[0][0]:
            self._act(tx, message, "superseded", "late-status", "")
            return None
        attempt = int(rows[0][0]) + 1
        blob = message.blob or self._vault.put(tx, body, holder=f"person:{person}", kind="outgoing")
        at = self._clock.now()
        notes = {**_names(message), "key": message.key, "attempt": str(attempt), "blob": blob}
        entry = Entry("sent", at, (message.seq,), {}, {"body": self._vault.commit(blob)}, notes)
        seq = self._ledger.append(tx, [entry])[0].seq
        name = {"destination": message.destination, "number": message.number}
        tx.execute(sql("out_begin"), {**name, "blob": blob, "sent_seq": seq})
        tx.execute(sql("out_attempt_add"), (message.destination, message.number, attempt, at, seq))
        return Letter(message.destination, message.number, message.key, attempt, body, seq)

    def end(self, tx: Tx, done: Done) -> None:
        """Write down what came of an attempt."""
        message, at = done.message, self._clock.now()
        blob = self._vault.put(tx, done.reply, holder=f"person:{done.person}", kind="reply") if done.reply else ""
        notes = {**_names(message), "attempt": str(done.attempt), "reason": done.reason, "then": done.state}
        notes |= {"blob": blob} if blob else {}
        kind = "acknowledged" if done.state == "delivered" else "unacknowledged"
        sealed = {"reply": self._vault.commit(blob)} if blob else {}
        refs = (done.sent_seq,) if done.sent_seq >= 0 else (message.seq,)
        seq = self._ledger.append(tx, [Entry(kind, at, refs, {}, sealed, notes)])[0].seq
        name = {"destination": message.destination, "number": message.number}
        ended = at if done.state in ("delivered", "dead") else ""
        tx.execute(sql("out_end"), {**name, "state": done.state, "reason": done.reason, "done_at": ended})
        row = {**name, "attempt": done.attempt, "at": at, "result": done.result, "reason": done.reason, "end_seq": seq, "reply": blob}
        tx.execute(sql("out_attempt_end"), row)

    def recover(self, destination: str) -> int:
        """After a crash: what was being sent may or may not have arrived; it waits again, under the same key. Whoever calls this
        holds the destination alone. Gives how many messages that were."""
        cut = self._store.read(sql("out_sending"), (destination,))
        for number, attempt, sent, _ in cut:
            done = Done(self.message(destination, number), attempt, sent, "waiting", "later", "interrupted", b"", "")
            self._store.write(partial(self.end, done=done))
        return len(cut)

    def refuse(self, message: Message, reason: str) -> None:
        """What cannot be said to this destination is dead before it was ever sent."""
        self._store.write(lambda tx: self.end(tx, Done(message, message.attempts, -1, "dead", "never", reason, b"", "")))

    def resend(self, destination: str, number: int, by: str, *, fresh: bool = False) -> Message:
        """Let a dead, held or delivered message wait again: the same bytes under the same key. `fresh` makes new bytes under a new key,
        for a message that was refused as it was. Refused E853 while its model stands still, or while it is on its way; E859 while its
        person refuses its purpose."""
        message = self.message(destination, number)
        if message.event != "withheld" and message.state not in ("waiting", "sending"):
            self._consented(message)

        def work(tx: Tx) -> None:
            if message.state in ("waiting", "sending"):
                raise Refused("E853", "the message is on its way", why=f"it is {message.state}", help="trivet outbox list")
            if message.event != "withheld" and message.model in self._stopped(tx):
                help = f"trivet promote {message.model} --use {message.use}"
                raise Refused("E853", "its model stands still", failed=(HELD,), why=f"{message.model} is suspended", help=help)
            key = self._key(destination, number, message.decision_id, message.attempts + 1) if fresh else message.key
            self._act(tx, message, "waiting", "resent" if not fresh else "resent-fresh", by)
            blob = "" if fresh else message.blob
            tx.execute(sql("out_again"), {"destination": destination, "number": number, "key": key, "blob": blob})

        self._store.write(work)
        return self.message(destination, number)

    def _consented(self, message: Message) -> None:
        try:
            record = self.record(message)
        except NotFound:  # erased: it ends as such when its turn comes
            return
        if self._refuses(record.person, record.purpose):
            why = f"an active consent refuses {record.purpose}"
            raise Refused("E859", "its person refuses the purpose", failed=(CONSENT,), why=why, help="trivet outbox list --state held")

    def _act(self, tx: Tx, message: Message, state: str, reason: str, by: str) -> None:
        """Something is decided about a message without sending it."""
        at = self._clock.now()
        notes = {**_names(message), "then": state, "reason": reason, "by": by}
        self._ledger.append(tx, [Entry("outbox", at, (message.seq,), {}, {}, notes)])
        name = {"destination": message.destination, "number": message.number}
        tx.execute(sql("out_end"), {**name, "state": state, "reason": reason, "done_at": "" if state == "waiting" else at})

    def message(self, destination: str, number: int) -> Message:
        """One message. NotFound E851 when there is none."""
        rows = self._store.read(sql("out_one"), (destination, number))
        if not rows:
            raise NotFound("E851", "no such message", where=f"{destination} {number}", help="trivet outbox list")
        return Message(*rows[0])

    def messages(self, destination: str = "", state: str = "", decision: str = "", limit: int = 100) -> list[Message]:
        """Messages by destination and number."""
        wanted = {"destination": destination, "state": state, "decision": decision, "limit": limit}
        return [Message(*row) for row in self._store.read(sql("out_list"), wanted)]

    def between(self, destination: str, since: int, until: int, limit: int) -> list[Message]:
        """A destination's messages by number, both ends included."""
        return [Message(*row) for row in self._store.read(sql("out_range"), (destination, since, until, limit))]

    def last(self, destination: str) -> int:
        """The number of the newest message a destination was given; 0 before the first."""
        return int(self._store.read(sql("out_last"), (destination,))[0][0])

    def attempts(self, destination: str, number: int) -> list[dict[str, Any]]:
        """Every attempt, oldest first."""
        names = ("attempt", "at", "sent_seq", "ended_at", "result", "reason", "end_seq", "reply")
        return [dict(zip(names, row, strict=True)) for row in self._store.read(sql("out_attempts"), (destination, number))]

    def summary(self) -> list[dict[str, Any]]:
        """Per destination: how many wait, were delivered, are dead, held or superseded; since when the oldest waits; the last failure."""
        names = ("destination", "waiting", "delivered", "dead", "held", "superseded", "oldest", "last_delivered", "last_failure")
        return [dict(zip(names, row, strict=True)) for row in self._store.read(sql("out_summary"))]

    def prune(self, before: str) -> int:
        """Forget rows of what was delivered before an instant. What is unsent stays: the table itself refuses. Gives the number."""

        def work(tx: Tx) -> int:
            gone = tx.execute(sql("out_prune"), (before,))
            tx.executemany(sql("out_prune_attempts"), gone)
            if gone:
                notes = {"then": "pruned", "messages": str(len(gone)), "before": before}
                self._ledger.append(tx, [Entry("outbox", self._clock.now(), notes=notes)])
            return len(gone)

        return self._store.write(work)


def _names(message: Message) -> dict[str, str]:
    return {"destination": message.destination, "number": str(message.number), "id": message.decision_id, "use": message.use}
