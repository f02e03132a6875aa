"""A decision id in, the whole story out: what was answered, on what, by which model, under whose authority, and what came after.

Reads only. Every step names its ledger position. Refused: a decision nobody made; one whose record is not what the ledger
committed to (Fault); one that was erased (NotFound).
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.trace import Entry
from trivet.contracts.trail import DecisionPlace, Docket
from trivet.flows.footing import Ground
from trivet.kernel.digest import canonical, commitment
from trivet.kernel.errors import Fault
from trivet.kernel.jsontext import loads

__all__ = ["account_for", "note_access", "read_decision", "remains", "summary"]

Told = dict[str, Any]
WORDS = ("act", "use", "outcome", "mode", "subject", "answered_by", "class")


def account_for(house: House, name: str) -> Told:
    """The story of a decision, by id or ledger position, as plain data.

    `record` (the decision record), `entry` (its ledger entry), `features` (see `footing`), `resolved` (how many values reach
    bytes or a recorded absence), `units` (the raw units behind them), `authority` (grant, route and release entries it rests
    on), `after` (entries that rest on it), `timeline` (all of it in ledger order).
    """
    place, record = read_decision(house, name)
    ground = Ground(house)
    values = record.features.values if record.features is not None else ()
    features = [ground.feature(value) for value in values]
    units = [unit(house, ground, seq) for seq in sorted(ground.receipts)]
    entry = house.ledger.entry(place.seq)
    authority = [line(house, seq) for seq in entry["refs"]]
    after = [line(house, seq) for seq in house.ledger.referring(place.seq)]
    return {
        "decision_id": place.decision_id,
        "seq": place.seq,
        "record": loads(record.to_json()),
        "entry": entry,
        "features": features,
        "resolved": summary(features),
        "units": units,
        "authority": authority,
        "after": after,
        "timeline": timeline(units, authority, {"seq": place.seq, **entry}, after),
    }


def read_decision(house: House, name: str) -> tuple[DecisionPlace, DecisionRecord]:
    """Where a decision stands, and its record, opened against the commitment in the ledger."""
    docket: Docket = house.role("docket")
    place = docket.find(name)
    data = house.vault.get(place.blob)
    said = house.ledger.entry(place.seq)["commitments"].get("record", "")
    if commitment(house.vault.opening(place.blob), "decision", data) != said:
        why = "its bytes do not open the commitment in the ledger"
        raise Fault(
            "E661", "a decision record is not the one that was recorded", where=f"position {place.seq}", why=why, help="trivet fsck"
        )
    return place, DecisionRecord.from_json(data)


def remains(house: House, name: str) -> Told:
    """What is left of a decision about a person who was erased: its entry, and what rests on it. Nothing of the person stands in it."""
    docket: Docket = house.role("docket")
    place = docket.find(name)
    entry = house.ledger.entry(place.seq)
    authority = [line(house, seq) for seq in entry["refs"]]
    after = [line(house, seq) for seq in house.ledger.referring(place.seq)]
    erasures = [{"seq": seq, "at": told["at"]} for seq, told in house.ledger.find("erasure", place.seq)]
    steps = timeline([], authority, {"seq": place.seq, **entry}, after)
    return {"decision_id": place.decision_id, "seq": place.seq, "state": "erased", "entry": entry, "timeline": steps, "erasures": erasures}


def note_access(house: House, story: Told, *, act: str, door: str, by: str) -> int:
    """Write down, durably and before anything is shown, that somebody looks at a decision. Gives the ledger position."""
    at, person = house.clock.now(), story["record"]["person"]
    body = canonical({"person": person, "decision": story["decision_id"], "act": act, "door": door, "by": by, "at": at})

    def work(tx: Tx) -> int:
        blob = house.vault.put(tx, body, holder=f"person:{person}", kind="access")
        notes = {"act": act, "door": door, "id": story["decision_id"], "blob": blob}
        entry = Entry("access", at, refs=(story["seq"],), commitments={"access": house.vault.commit(blob)}, notes=notes)
        return house.ledger.append(tx, [entry])[0].seq

    return house.store.write(work)


def summary(features: list[Told]) -> Told:
    """How many feature values reach bytes or a recorded absence."""
    counts = {word: sum(feature["state"] == word for feature in features) for word in ("bytes", "absence", "erased", "unresolved")}
    whole = len(features)
    reached = counts["bytes"] + counts["absence"]
    return {"features": whole, "resolved": reached, **counts, "percent": f"{100 * reached / whole:.1f}" if whole else "100.0"}


def unit(house: House, ground: Ground, seq: int) -> Told:
    """One raw unit behind the facts: when it came, from where in which file, and how it was read."""
    trace = ground.receipts[seq]
    return {
        "seq": seq,
        "source": trace.receipt.source,
        "format": trace.receipt.format,
        "received_at": trace.receipt.received_at,
        "bytes": trace.size,
        "readable": ground.unit(seq) is not None,
        "run": trace.run,
        "run_entry": None if trace.run is None else house.ledger.entry(trace.run),
        "deliveries": [
            {"seq": one.seq, "origin": one.origin, "at": one.received_at, "pieces": one.pieces, "repeated": one.repeated}
            for one in trace.deliveries
        ],
    }


def line(house: House, seq: int) -> Told:
    """One ledger entry with its position."""
    return {"seq": seq, **house.ledger.entry(seq)}


def timeline(units: list[Told], authority: list[Told], decision: Told, after: list[Told]) -> list[Told]:
    """Everything with a ledger position, in its order: position, kind, instant, words."""
    steps = []
    for one in units:
        steps.append({"seq": one["seq"], "kind": "raw.received", "at": one["received_at"], "what": f"{one['source']} ({one['format']})"})
    for seq, entry in {one["run"]: one["run_entry"] for one in units if one["run_entry"]}.items():
        steps.append({"seq": seq, "kind": entry["kind"], "at": entry["at"], "what": entry["notes"].get("code", "")})
    for entry in (*authority, decision, *after):
        what = " ".join(entry["notes"][word] for word in WORDS if entry["notes"].get(word))
        steps.append({"seq": entry["seq"], "kind": entry["kind"], "at": entry["at"], "what": what})
    return sorted(steps, key=lambda step: step["seq"])
