"""What each kind of event does to the tables. Pure consequence: nothing here decides, refuses or looks at the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivet.contracts.ports import Tx
from trivet.governance.statements import sql
from trivet.kernel.jsontext import dumps

__all__ = ["PROJECTED", "project"]

Words = dict[str, Any]
Event = dict[str, Any]


def _text(value: Any) -> str:
    return dumps(value).decode("utf-8")


def _principal(tx: Tx, seq: int, event: Event) -> None:
    tx.execute(sql("put_principal"), {**event["words"], "active": int(event["act"] == "enrol"), "seq": seq})


def _seat(tx: Tx, seq: int, event: Event) -> None:
    words = event["words"]
    if event["act"] == "take":
        tx.execute(sql("take_seat"), {**words, "since": event["at"], "seq": seq})
    else:
        tx.execute(sql("leave_seat"), {"system": words["system"], "seat": words["seat"], "reason": words["reason"], "at": event["at"]})


def _release(tx: Tx, seq: int, event: Event) -> None:
    words: Words = event["words"]
    lists = {name: _text(words[name]) for name in ("uses", "developers")}
    tx.execute(sql("add_release"), {**words, **lists, "registered_at": event["at"], "seq": seq})


def _stage(tx: Tx, seq: int, event: Event) -> None:
    tx.execute(sql("put_stage"), {**event["words"], "at": event["at"], "seq": seq})


def _evidence(tx: Tx, seq: int, event: Event) -> None:
    words: Words = event["words"]
    if event["act"] == "withdraw":
        tx.execute(sql("withdraw_evidence"), {"id": words["id"]})
    else:
        columns = (
            "requirement",
            "kind",
            "model",
            "version",
            "digest",
            "site",
            "population",
            "result",
            "produced_by",
            "produced_at",
            "expires_at",
        )
        tx.execute(sql("add_evidence"), {**{name: words[name] for name in columns}, "id": words["id"], "body": _text(words), "seq": seq})


def _vote(tx: Tx, seq: int, event: Event) -> None:
    tx.execute(sql("add_vote"), {**event["words"], "at": event["at"], "seq": seq})


def _gate_run(tx: Tx, seq: int, event: Event) -> None:
    words: Words = event["words"]
    columns = ("gate", "model", "digest", "site", "stage_from", "stage_to", "outcome", "evidence_set", "policy")
    row = {
        **{name: words[name] for name in columns},
        "failing": _text(words["failing"]),
        "at": event["at"],
        "body": _text(words),
        "seq": seq,
    }
    tx.execute(sql("add_gate_run"), row)


def _grant(tx: Tx, seq: int, event: Event) -> None:
    words: Words = event["words"]
    if event["act"] == "issue":
        columns = ("id", "model", "version", "digest", "stage", "not_before", "expires_at")
        tx.execute(sql("add_grant"), {**{name: words[name] for name in columns}, "body": _text(words), "seq": seq})
    elif event["act"] == "shorten":
        tx.execute(sql("shorten_grant"), {"id": words["id"], "expires_at": words["expires_at"]})
    else:
        tx.execute(sql("revoke_grant"), {"id": words["id"], "reason": words["reason"], "at": event["at"]})


def _route(tx: Tx, seq: int, event: Event) -> None:
    words: Words = event["words"]
    lists = {name: _text(words[name]) for name in ("active", "fallbacks", "shadows")}
    tx.execute(sql("add_route"), {**words, **lists, "at": event["at"], "seq": seq})


def _suspension(tx: Tx, seq: int, event: Event) -> None:
    words: Words = event["words"]
    if event["act"] == "suspend":
        tx.execute(
            sql("add_suspension"), {"model": words["model"], "reason": words["reason"], "by": event["by"], "at": event["at"], "seq": seq}
        )
    else:
        tx.execute(sql("lift_suspension"), {"model": words["model"], "at": event["at"], "seq": seq})


def _hypothesis(tx: Tx, seq: int, event: Event) -> None:
    words: Words = event["words"]
    columns = {name: words[name] for name in ("digest", "use", "metric")}
    tx.execute(sql("add_hypothesis"), {**columns, "locked_at": event["at"], "body": _text(words), "seq": seq})


def _cost(tx: Tx, seq: int, event: Event) -> None:
    tx.execute(sql("add_cost"), {**event["words"], "seq": seq})


HANDS: dict[str, Callable[[Tx, int, Event], None]] = {
    "principal": _principal,
    "seat": _seat,
    "model.release": _release,
    "stage": _stage,
    "evidence": _evidence,
    "vote": _vote,
    "gate.run": _gate_run,
    "grant": _grant,
    "route": _route,
    "suspension": _suspension,
    "hypothesis": _hypothesis,
    "cost": _cost,
}
PROJECTED = tuple(HANDS)


def project(tx: Tx, seq: int, event: Event) -> None:
    """Apply one event. A kind nobody knows is an error of ours: KeyError."""
    HANDS[event["kind"]](tx, seq, event)
