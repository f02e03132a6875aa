"""One decision again, with what was known then: is every link the same, down to the bits?

In: a decision id. Out: each link with its state, the first that diverges, and the class reached: `R3` bit-equal, `R2` equal
within 1e-9, `R1` the same label, `R0` evidence only (the stored record is intact, the model could not be run again).
The replay is itself recorded. Refused: what `account_for` refuses.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.feature import FeatureRow
from trivet.contracts.house import House
from trivet.contracts.parcel import Task
from trivet.contracts.prediction import Prediction
from trivet.contracts.profile import SourceProfile
from trivet.contracts.trace import Entry
from trivet.flows.account_for import read_decision
from trivet.flows.footing import Ground
from trivet.kernel.digest import commitment
from trivet.kernel.errors import Problem
from trivet.kernel.ieee754 import bits_of, float_of
from trivet.kernel.jsontext import loads

__all__ = ["replay", "replay_all"]

Link = dict[str, Any]
TOLERANCE = 1e-9


def replay(house: House, name: str, *, record: bool = True) -> dict[str, Any]:
    """Run a decision again. With `record` the outcome is written to the ledger (entry `replay`)."""
    place, decision = read_decision(house, name)
    links: list[Link] = [link("record", "same", "the record opens its commitment in the ledger")]
    ground = Ground(house)
    if decision.features is not None:
        stand(ground, decision.features)
        links += [raw(house, ground), facts(house, ground), features(house, decision.features)]
    links += run(house, decision)
    first = next((one["link"] for one in links if one["state"] in ("different", "gone")), "")
    reached = grade(decision, links)
    told = {
        "decision_id": place.decision_id,
        "seq": place.seq,
        "equal": not first,
        "class": reached,
        "first_difference": first,
        "links": links,
        "recorded_at": None,
    }
    if record:
        notes = {"id": place.decision_id, "class": reached, "equal": str(not first).lower(), "first_difference": first}
        entry = Entry("replay", house.clock.now(), refs=(place.seq,), notes=notes)
        told["recorded_at"] = house.store.write(lambda tx: house.ledger.append(tx, [entry]))[0].seq
    return told


def replay_all(house: House, *, record: bool = True) -> list[dict[str, Any]]:
    """Every decision of the home, in order."""
    return [replay(house, str(seq), record=record) for seq, _ in house.ledger.find("decision")]


def link(name: str, state: str, why: str, **more: Any) -> Link:
    """A link and how it fared: `same`, `different`, `gone` (erased, or no longer here), `none` (there was nothing to compare)."""
    return {"link": name, "state": state, "why": why, **more}


def stand(ground: Ground, row: FeatureRow) -> None:
    """Read every record version behind the row, and the receipt of each."""
    for value in row.values:
        for fact in value.contributions:
            ground.fact(fact)


def raw(house: House, ground: Ground) -> Link:
    """Do the stored bytes still open the commitments made when they came?"""
    bad, gone = [], []
    for seq, trace in ground.receipts.items():
        data = ground.unit(seq)
        if data is None:
            gone.append(seq)
            continue
        said = house.ledger.entry(seq)["commitments"].get("raw")
        if commitment(house.vault.opening(trace.receipt.blob), "raw", data) != said:
            bad.append(seq)
    count = len(ground.receipts)
    if bad:
        return link("raw", "different", f"{len(bad)} of {count} units do not open their commitments", at=bad)
    if gone:
        return link("raw", "gone", f"{len(gone)} of {count} units are erased", at=gone)
    return link("raw", "same", f"{count} units open their commitments")


def facts(house: House, ground: Ground) -> Link:
    """Read the units again, with the profiles of the runs that read them, and compare the record versions used."""
    tasks, release = [], house.role("release")
    changed = set()
    for seq, trace in ground.receipts.items():
        data = ground.unit(seq)
        if data is None or trace.run is None:
            continue
        run = loads(house.vault.get(house.ledger.entry(trace.run)["notes"]["blob"]))
        said = run["profiles"][f"{trace.receipt.source}/{trace.receipt.format}"]
        tasks.append(Task(seq, data, SourceProfile(**said)))
        if run["release"] != release:
            changed.add(run["release"]["code"])
    parcels = house.role("workshop").submit(tasks).result() if tasks else []
    made = {(task.seq, sheet.key): sheet.body for task, parcel in zip(tasks, parcels, strict=True) for sheet in parcel.sheets}
    bad = sorted({f"{one.key} version {one.version}" for one in ground.versions.values() if made.get((one.receipt, one.key)) != one.body})
    count = len(ground.versions)
    if bad and changed:
        why = f"{len(bad)} of {count} record versions come out otherwise under today's maps and code; read then by {sorted(changed)}"
        return link("fact", "different", why, at=bad)
    if bad:
        return link("fact", "different", f"{len(bad)} of {count} record versions come out otherwise", at=bad)
    return link("fact", "same", f"{count} record versions come out of the bytes again, letter for letter")


def features(house: House, row: FeatureRow) -> Link:
    """Ask the view again, as of the recorded position, and compare bits and facts."""
    try:
        again = house.features.one(row.view, row.person, row.instant, row.as_of)
    except Problem as problem:
        return link("feature", "gone", f"the view cannot be asked: {problem.code}")
    if again.view_digest != row.view_digest:
        return link("feature", "different", "the view is another one today", at=[row.view])
    before = {value.name: (value.value if value.value is None else bits_of(value.value), value.contributions) for value in row.values}
    after = {value.name: (value.value if value.value is None else bits_of(value.value), value.contributions) for value in again.values}
    bad = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if bad:
        return link("feature", "different", f"{len(bad)} of {len(before)} features differ", at=bad)
    return link("feature", "same", f"{len(before)} features, bit for bit, from the same facts")


def run(house: House, decision: DecisionRecord) -> list[Link]:
    """Load the model that was called last and ask it again: the same bits, or the same rejection."""
    called = next((one for one in reversed(decision.attempts) if one.came_of in ("scored", "rejected")), None)
    if called is None or decision.features is None:
        return [
            link("model", "none", "no model was called"),
            link("output", "none", "there was no output; the refusal stands in the record"),
        ]
    try:
        runtime = house.registry.runtime(called.model)
    except Problem as problem:
        return [link("model", "gone", f"the model cannot be loaded: {problem.code}"), link("output", "gone", "it was not run")]
    if runtime.artefact_digest != called.artefact_digest:
        return [link("model", "different", "the artefact's bytes are others"), link("output", "gone", "it was not run")]
    now = dict(getattr(runtime, "facts", {})) if decision.prediction is not None else decision.runtime
    moved = sorted(name for name in now.keys() | decision.runtime.keys() if now.get(name) != decision.runtime.get(name))
    why = "the same artefact" + (f"; the runtime differs in {', '.join(moved)}" if moved else " on the same runtime")
    model = link("model", "same", why, moved=moved)
    output = runtime.predict(decision.features)
    if isinstance(output, Prediction) and decision.prediction is not None:
        return [model, compare(decision.prediction, output)]
    if isinstance(output, Prediction) or decision.prediction is not None:
        return [model, link("output", "different", "it scores now" if isinstance(output, Prediction) else f"it rejects now: {output.code}")]
    said = f"{output.code}:{output.locator}" if output.locator else output.code
    return [model, link("output", "same" if said == called.reason else "different", f"it rejects the row again: {said}", label=False)]


def compare(before: Prediction, after: Prediction) -> Link:
    """Bits, then the label."""
    found = {"before": before.bits, "after": after.bits, "label": before.label == after.label}
    if before.bits == after.bits and found["label"]:
        return link("output", "same", f"bit-equal: {before.bits}", **found)
    close = abs(float_of(before.bits) - float_of(after.bits)) <= TOLERANCE
    return link("output", "different", "other bits" + (", the same within 1e-9" if close else ""), close=close, **found)


def grade(decision: DecisionRecord, links: list[Link]) -> str:
    """What was reached, never more: a link before the output that differs or is gone leaves R0 unless the output itself was run."""
    output = next(one for one in links if one["link"] == "output")
    if output["state"] == "none":
        return "R3" if all(one["state"] in ("same", "none") for one in links) else "R0"
    if output["state"] == "gone":
        return "R0"
    if output["state"] == "same":
        return "R3" if all(one["state"] == "same" for one in links) else "R1"
    return "R2" if output.get("close") and output["label"] else "R1" if output.get("label") else "R0"
