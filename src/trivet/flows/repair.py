"""Repairs: checks propose, a person decides, the ledger keeps it. Nothing is ever repaired by itself.

In: what breaks the checks now; or a decision with who and why. Out: proposals with their evidence; a new record version that names its
repair,
known since the decision; the decisions that had rested on the repaired version. Refused: a decision without name or reason (E364), one
that was taken already (E365). A rebuild makes the same again: the entries `repair.found` and `repair.decided` carry what is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trivet.contracts.access import Caller
from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.record import Record, Translation
from trivet.contracts.repair import Edit, Proposal
from trivet.contracts.trace import Entry
from trivet.flows.ask import allowed, look, record
from trivet.flows.map_codes import decide_code, suggest_codes
from trivet.flows.remap import decisions
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound, Refused, Usage

__all__ = ["DECIDED", "FOUND", "decide", "find", "look_at", "look_over", "replayed"]

FOUND, DECIDED = "repair.found", "repair.decided"
STATES = {"accept": "open", "reject": "open", "undo": "accepted"}
CODE = "code-unmapped"


def find(house: House, as_of: int | None = None) -> dict[str, int]:
    """Propose what can be repaired now and was not proposed before. Gives how many of each kind."""
    desk = house.role("repairs")
    checks: Any = house.checks
    found: dict[str, Proposal] = desk.proposed(checks.opened(desk.checks(), as_of))
    found |= {name: one for one in codes(house) if (name := desk.name(one)) not in {row["repair"] for row in desk.rows()}}
    about: dict[str, list[str]] = {}
    for name, one in sorted(found.items()):
        about.setdefault(one.subject, []).append(name)
    at = house.clock.now()

    def work(tx: Tx) -> None:
        for subject, names in about.items():
            rows = [{"id": name, **found[name]._asdict(), "edits": [edit._asdict() for edit in found[name].edits]} for name in names]
            said = jsontext.dumps({"subject": subject, "at": at, "proposals": rows})
            blob = house.vault.put(tx, said, holder="house", kind=FOUND)
            notes = {"proposals": str(len(names)), "kinds": ",".join(sorted({found[name].kind for name in names})), "blob": blob}
            entry = Entry(FOUND, at, commitments={"repairs": house.vault.commit(blob)}, notes=notes)
            desk.add(tx, house.ledger.append(tx, [entry])[0].seq, jsontext.loads(said))

    if about:
        house.store.write(work)
    counts: dict[str, int] = {}
    for one in found.values():
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return dict(sorted(counts.items()))


def codes(house: House) -> list[Proposal]:
    """Local codes with one suggestion that is the very name, or approved elsewhere, and no second one as good."""
    made = []
    for local in suggest_codes(house, codes=1_000)["codes"]:
        best = [one for one in local["suggestions"] if float(one["score"]) >= 1.0]
        if len(best) != 1:
            continue
        one = best[0]
        place = {name: local[name] for name in ("source", "system", "code", "display")}
        edit = Edit("map", place, {"system": one["system"], "code": one["code"], "display": one["display"]})
        evidence = (*one["evidence"], f"{local['volume']} uses, {local['share']} % of what waits", f"{local['decisions']} decisions")
        made.append(Proposal("map-code", CODE, "", 0, "", (edit,), evidence))
    return made


def look_over(house: House, caller: Caller) -> tuple[list[dict[str, Any]], int]:
    """The repairs that this caller may know of, as the relation `repairs` shows them, with what became of each since; and how many persons
    consent left out. On record first. Refused E292."""
    desk = house.role("repairs")
    seen = look(house, desk.listed(), caller)
    states = {row["repair"]: row["state"] for row in desk.rows()}
    return [{**row, "state": states[row["repair"]]} for row in seen.table.to_pylist()], seen.left_out


def look_at(house: House, name: str, caller: Caller) -> dict[str, Any]:
    """One repair with its values, for who may see them; on record first. Refused E292, and E132 by the person's own consent."""
    desk = house.role("repairs")
    row: dict[str, Any] = desk.row(name)
    if row["record"]:
        owed = allowed(house, caller, f"repair {name}", ("clinical", "identifying"))
        if desk.whose(name) in house.role("access").left_out(caller.purpose):
            record(house, f"repair {name}", caller, "refused", {"act": "repair", "failed": "consent"})
            raise Refused("E132", f"this person refuses {caller.purpose}", failed=("consent",), why="an active consent says so")
        record(house, f"repair {name}", caller, "read", {"act": "repair", "rows": "1", "persons": "1", **owed})
    return row


def decide(house: House, name: str, act: str, *, by: str, reason: str) -> dict[str, Any]:
    """Accept, reject or undo one repair. Gives its state, the version that was made, and the decisions that had rested on the one
    before."""
    if not by.strip() or not reason.strip():
        raise Usage("E364", "a decision about a repair needs who and why", help="--by NAME --reason TEXT")
    desk = house.role("repairs")
    row = desk.row(name)
    if row["state"] != STATES[act] and not (act == "reject" and row["state"] == "stale"):
        if row["state"] == "stale":
            raise Refused("E361", "the record is no longer what the proposal saw", where=row["record"], help="trivet repair find")
        if row["state"] == "overtaken" and act == "undo":
            raise Refused(
                "E362", "the repaired version was overtaken", where=row["record"], why="a newer version stands; nothing is to be undone"
            )
        raise Refused("E365", f"this repair is {row['state']} already", where=name, help=f"trivet repair show {name}")
    at = house.clock.now()
    said = {
        "id": name,
        "act": act,
        "by": by.strip(),
        "reason": reason.strip(),
        "at": at,
        "record": row["record"],
        "subject": row["subject"],
    }
    told: dict[str, Any] = {}
    if row["kind"] == "map-code":
        told = mapped(house, row, act, by=by, reason=reason)
        said["act"] = "vote" if told.get("approvals_missing") else act
    elif act != "reject":
        said["made"] = desk.made(row, act)
    body = jsontext.dumps(said)

    def work(tx: Tx) -> int:
        blob = house.vault.put(tx, body, holder="house", kind=DECIDED)
        notes = {"id": name, "act": said["act"], "kind": row["kind"], "blob": blob}
        entry = Entry(DECIDED, at, refs=(row["found"],), commitments={"decision": house.vault.commit(blob)}, notes=notes)
        seq = house.ledger.append(tx, [entry])[0].seq
        links = done(house, tx, seq, said)
        if links:
            house.ledger.append(tx, links)
        return seq

    seq = house.store.write(work)
    if "made" in said:
        house.shelf.publish()
    before = row["made"] if act == "undo" else row["version"]
    rested = decisions(house, {(row["record"], before)}) if "made" in said else []
    made = said["made"]["version"] if "made" in said else None
    return {"repair": name, "act": said["act"], "ledger": seq, "record": row["record"], "version": made, "decisions": rested, **told}


def mapped(house: House, row: Mapping[str, Any], act: str, *, by: str, reason: str) -> dict[str, Any]:
    """A map row is decided where map rows are decided, by its rules: validity, two approvers where a dose may hang on it."""
    choice, local = house.role("repairs").map_row(row)
    if act == "undo":  # after the remap the code no longer waits: the row is retired by its own words
        answer: dict[str, Any] = house.role("mapping").decide("reject", choice, local, by=by, reason=reason)
        return {"status": answer["row"]["status"], "plan": f"trivet remap --source {choice.source}"}
    answer = decide_code(house, act, choice, by=by, reason=reason)
    return {"status": answer["row"]["status"], "approvals_missing": answer["approvals_missing"], "plan": answer["plan"]}


def done(house: House, tx: Tx, seq: int, said: Mapping[str, Any], *, linked: bool = True) -> list[Entry]:
    """What a decision does to the tables. Gives the entries of links that follow from another Patient record."""
    patient = house.role("repairs").decide(tx, seq, said)
    if patient is None or not linked:
        return []
    receipt = replace(house.landing.receipt(patient["receipt"]), seq=seq)
    return house.linker.link(tx, receipt, Translation((Record(patient["resource"], ()),), ()))


def replayed(house: House, seq: int, entry: Mapping[str, Any]) -> None:
    """An entry of either kind again, for a rebuild. What was about a person who is erased is not made again."""
    try:
        said = jsontext.loads(house.vault.get(entry["notes"]["blob"]))
    except NotFound as gone:
        if gone.code != "E622":
            raise
        return
    if entry["kind"] == FOUND:
        house.store.write(lambda tx: house.role("repairs").add(tx, seq, said))
        return
    linked = seq > house.role("erasures").newest()[0]
    house.store.write(lambda tx: done(house, tx, seq, said, linked=linked) and None)
