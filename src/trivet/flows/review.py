"""A doubt about two records of persons, before a human: what speaks for one person and what against; then what the human says.

In: the number of a review, a reason from the closed list, the door; later a verdict with name and reason. Out: what both records say,
side by side, with the evidence in bits; later the ledger position of the verdict. Refused: an unknown review, a reason that is none,
a doubt that was decided already. That somebody looked is durable in the ledger before anything is shown.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.house import House
from trivet.flows.access import looked
from trivet.kernel import jsontext

__all__ = ["compare", "decide", "doubt"]


def doubt(house: House, review: int) -> dict[str, Any]:
    """What is known of a doubt without looking at a person: kind, rule, bits, state, the two records. NotFound E282."""
    known: dict[str, Any] = house.role("steward").doubt(review)
    return known


def compare(house: House, review: int, reason: str, *, door: str, by: str) -> dict[str, Any]:
    """Both records line by line (`lines`: what, one, other), and the evidence (`evidence`: field, level, bits).

    A conflict has one record only; then `other` is empty. Raises like `doubt` and `looked`.
    """
    asked = doubt(house, review)
    sides = [(asked["person"], asked["subject"]), (asked["other_person"], asked["other"])]
    looked(house, [person for person, _ in sides if person], reason, door=door, by=by)
    one, other = (said(house, person, record) if person else {} for person, record in sides)
    lines = [{"what": what, "one": one.get(what, []), "other": other.get(what, [])} for what in dict.fromkeys([*one, *other])]
    evidence = [{"field": field, "level": level, "bits": float(bits)} for field, level, bits in jsontext.loads(asked["evidence"] or "[]")]
    return {"lines": lines, "evidence": evidence}


def decide(house: House, review: int, *, same: bool, actor: str, reason: str) -> int:
    """Say that two records are one person, or that they are not: never changed back by the machine. Usage E281 without who and why."""
    doubt(house, review)
    position: int = house.role("steward").decide("confirm" if same else "reject", review, actor=actor, reason=reason, at=house.clock.now())
    return position


def said(house: House, person: str, record: str) -> dict[str, list[str]]:
    """What a record says of its person today, in words, by element; what nobody sent is not there."""
    found = [row for row in house.shelf.slice(person, house.ledger.size()) if row["key"] == record]
    if not found:
        return {"Record": ["not on the shelf any more"]}
    patient = found[0]["resource"]
    told = {
        "Name": [worded(name) for name in patient.get("name", [])],
        "Born": [patient.get("birthDate", "")],
        "Gender": [patient.get("gender", "")],
        "Identifier": [f"{one.get('value', '')} ({one.get('system', '') or 'no system'})" for one in patient.get("identifier", [])],
        "Reached at": [one.get("value", "") for one in patient.get("telecom", [])],
        "Lives at": [placed(one) for one in patient.get("address", [])],
        "Died": [str(patient.get("deceasedDateTime") or patient.get("deceasedBoolean") or "")],
        "Sent by": [found[0]["source"]],
    }
    kept = {what: [line for line in lines if line] for what, lines in told.items()}
    return {what: lines for what, lines in kept.items() if lines}


def worded(name: dict[str, Any]) -> str:
    """A name on one line: FAMILY, given names, its use where it has one."""
    text = f"{name.get('family', '').upper()}, {' '.join(name.get('given') or [])}".strip(", ") or name.get("text", "")
    return f"{text} ({name['use']})" if text and name.get("use") else text


def placed(address: dict[str, Any]) -> str:
    """An address on one line."""
    parts = [*(address.get("line") or []), address.get("city"), address.get("state"), address.get("postalCode"), address.get("country")]
    return ", ".join(part for part in parts if part) or address.get("text", "")
