"""Decisions: the full record sealed in the vault, its entry in the ledger, its row in the table, one transaction.

In: a record without its number, and the governance position under which the gate said yes. Out: the number and the ledger
position. Refused: `Moved`, when governance changed in between; the caller asks the gate again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from trivet.contracts.decision import Attempt, DecisionRecord
from trivet.contracts.ports import Ledger, Tx, Vault
from trivet.contracts.prediction import ModelRef
from trivet.contracts.trace import Entry
from trivet.contracts.verdict import Refusal
from trivet.governance.desk import Desk
from trivet.governance.state import State
from trivet.governance.statements import sql
from trivet.kernel.errors import Locked, NotFound
from trivet.kernel.jsontext import dumps

__all__ = ["TABLES", "Decisions", "Moved", "husk", "project_decision", "replay_decisions"]

TABLES = {"denial": "seq", "decision": "seq"}


class Moved(Locked):
    """Governance changed between the gate's answer and the record of it. Nothing was written; ask again."""


class Decisions:
    """Writes decision records. `leaving` is told of each one in the same transaction: it queues what goes out because of it."""

    def __init__(self, desk: Desk, leaving: Callable[[Tx, DecisionRecord, int], object] | None = None) -> None:
        self._desk, self._leaving = desk, leaving
        self._grants: dict[str, int] = {}

    def write(self, tx: Tx, record: DecisionRecord, seen: int) -> tuple[DecisionRecord, int]:
        """Give the record its number and make it durable with this transaction. Raises Moved E740, having written nothing."""
        if State(tx.execute).position() != seen:
            raise Moved("E740", "governance changed while this was decided", help="ask again")
        number = int(tx.execute(sql("next_decision"))[0][0])
        record = replace(record, decision_id=f"D-{number:06d}")
        blob = self._desk.vault.put(tx, record.to_json(), holder=f"person:{record.person}", kind="decision")
        denied = denials_of(record)
        entries = [self._entry(tx, record, blob), *(self._denial(record, attempt) for attempt in denied)]
        places = self._desk.ledger.append(tx, entries)
        project_decision(tx, places[0].seq, number, blob, record)
        for place, attempt in zip(places[1:], denied, strict=True):
            project_denial(tx, place.seq, record, attempt)
        if self._leaving is not None and record.mode != "shadow":
            self._leaving(tx, record, places[0].seq)
        return record, places[0].seq

    def _entry(self, tx: Tx, record: DecisionRecord, blob: str) -> Entry:
        permit = next((attempt.permit for attempt in record.attempts if attempt.came_of == "scored"), None)
        digests = {"artefact": record.artefact_digest} if record.artefact_digest else {}
        if record.model is not None:
            digests["model"] = record.model.digest
        if record.features is not None:
            digests["view"] = record.features.view_digest
        notes = {
            "id": record.decision_id,
            "use": record.use,
            "mode": record.mode,
            "outcome": record.outcome,
            "site": record.site,
            "model": record.model.name if record.model else "",
            "version": record.model.version if record.model else "",
            "grant": permit.grant if permit else "",
            "blob": blob,
        }
        laid = record.policy.get("route_seq", "")
        refs = ((self._grant_at(tx, permit.grant),) if permit else ()) + ((int(laid),) if laid else ())
        return Entry("decision", record.decided_at, refs, digests, {"record": self._desk.vault.commit(blob)}, notes)

    def _grant_at(self, tx: Tx, grant: str) -> int:
        """Ledger position of a grant; it never changes, so it is asked for once."""
        if grant not in self._grants:
            self._grants[grant] = int(tx.execute(sql("grant_seq"), (grant,))[0][0])
        return self._grants[grant]

    def _denial(self, record: DecisionRecord, attempt: Attempt) -> Entry:
        notes = {
            "id": record.decision_id,
            "use": record.use,
            "mode": attempt.mode,
            "site": record.site,
            "model": attempt.model.name,
            "version": attempt.model.version,
            "came_of": attempt.came_of,
            "failed": ",".join(_failed(attempt)),
            "answered_by": record.model.name if record.model else "",
        }
        digests = {"model": attempt.model.digest} if attempt.model.digest else {}
        return Entry("denial", record.decided_at, (), digests, {}, notes)


def replay_decisions(tx: Tx, vault: Vault, ledger: Ledger) -> int:
    """Empty the tables of decisions and make them again. Gives the number of decisions.

    A record whose person was erased cannot be opened: its row says what the ledger says, and no more.
    """
    for table in TABLES:
        tx.execute(sql(f"clear_{table}"))
    denials: dict[str, list[int]] = {}
    for seq, entry in ledger.find("denial"):
        denials.setdefault(entry["notes"]["id"], []).append(seq)
    count = 0
    for seq, entry in ledger.find("decision"):
        count += 1
        notes = entry["notes"]
        try:
            record = DecisionRecord.from_json(vault.get(notes["blob"]))
        except NotFound:
            record = husk(entry)
        project_decision(tx, seq, int(notes["id"].removeprefix("D-")), notes["blob"], record)
        denied = denials_of(record)
        for place, attempt in zip(denials.get(notes["id"], ()), denied, strict=False):
            project_denial(tx, place, record, attempt)
    return count


def husk(entry: dict[str, Any]) -> DecisionRecord:
    """What is left of an erased decision."""
    notes, digests = entry["notes"], entry["digests"]
    model = ModelRef(notes["model"], notes["version"], digests["model"]) if "model" in digests else None
    return DecisionRecord(
        notes["id"], notes["use"], "", "", entry["at"], -1, notes["site"], "", "", notes["outcome"], notes["mode"], None, (), model
    )


def project_decision(tx: Tx, seq: int, number: int, blob: str, record: DecisionRecord) -> None:
    """The row by which a decision is found. No value of the person stands in it (INV-14)."""
    scored = next((attempt for attempt in record.attempts if attempt.came_of == "scored"), None)
    asked = record.model or (record.attempts[0].model if record.attempts else None)
    row = {
        "seq": seq,
        "number": number,
        "decision_id": record.decision_id,
        "use": record.use,
        "model": asked.name if asked else "",
        "version": asked.version if asked else "",
        "model_digest": asked.digest if asked else "",
        "person": record.person,
        "site": record.site,
        "instant": record.instant,
        "as_of": record.as_of,
        "decided_at": record.decided_at,
        "outcome": record.outcome,
        "mode": record.mode,
        "reason": record.withheld.reason if record.withheld else "",
        "grant_id": scored.permit.grant if scored and scored.permit else "",
        "caused_by": record.caused_by,
        "blob": blob,
    }
    tx.execute(sql("add_decision"), row)


def project_denial(tx: Tx, seq: int, record: DecisionRecord, attempt: Attempt) -> None:
    """The row of one model that was not called, or did not answer."""
    row = {
        "seq": seq,
        "at": record.decided_at,
        "decision_id": record.decision_id,
        "use": record.use,
        "model": attempt.model.name,
        "version": attempt.model.version,
        "model_digest": attempt.model.digest,
        "site": record.site,
        "mode": attempt.mode,
        "came_of": attempt.came_of,
        "failed": dumps(_failed(attempt)).decode("utf-8"),
        "answered_by": record.model.name if record.model else "",
    }
    tx.execute(sql("add_denial"), row)


def denials_of(record: DecisionRecord) -> list[Attempt]:
    """Every model that did not answer; when none could even be asked for, that itself (a model without a name)."""
    if record.attempts or record.withheld is None:
        return [attempt for attempt in record.attempts if attempt.came_of != "scored"]
    reasons = record.withheld.failed or (record.withheld.reason,)
    return [
        Attempt(ModelRef("", "", ""), "", record.mode, "refused", record.withheld.reason, None, Refusal(reasons, record.withheld.instead))
    ]


def _failed(attempt: Attempt) -> tuple[str, ...]:
    return attempt.refusal.failed if attempt.refusal else (attempt.reason,) if attempt.reason else ()
