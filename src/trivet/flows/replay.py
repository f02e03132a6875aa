"""One decision again, with what was known then: is every link the same, down to the bits?

In: a decision id. Out: each link with its state, the first that diverges, and the class reached: `R3` bit-equal, `R2` equal
within 1e-9, `R1` the same label, `R0` evidence only (the stored record is intact, the model could not be run again).
The replay is itself recorded. Refused: what `account_for` refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.feature import FeatureRow
from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.prediction import Prediction
from trivet.contracts.trace import Entry
from trivet.contracts.trail import DecisionPlace
from trivet.flows.account_for import read_decision
from trivet.flows.reread import Again, under
from trivet.kernel.errors import NotFound, Problem
from trivet.kernel.ieee754 import bits_of, float_of

__all__ = ["replay", "replay_all", "replay_many"]

Link = dict[str, Any]
Told = dict[str, Any]
TOLERANCE = 1e-9
TOGETHER = 250  # decisions replayed together


def replay(house: House, name: str, *, record: bool = True) -> Told:
    """Run a decision again. With `record` the outcome is written to the ledger (entry `replay`)."""
    return replay_many(house, [name], record=record)[0]


def replay_all(house: House, *, record: bool = True) -> list[Told]:
    """Every decision of the home, in order, a few hundred at a time; those of erased persons have nothing left to run."""
    names = [str(seq) for seq, entry in house.ledger.find("decision") if readable(house, entry["notes"]["blob"])]
    return [one for at in range(0, len(names), TOGETHER) for one in replay_many(house, names[at : at + TOGETHER], record=record)]


def readable(house: House, blob: str) -> bool:
    """Can the record still be opened?"""
    try:
        house.vault.opening(blob)
    except NotFound:
        return False
    return True


def replay_many(house: House, names: Sequence[str], *, record: bool = True) -> list[Told]:
    """Several decisions, what they share read once."""
    read = [read_decision(house, name) for name in names]
    again = Again(house, [decision for _, decision in read])
    told = [compared(house, again, place, decision) for place, decision in read]
    if record:
        waiting = [house.store.submit(partial(append, house, one)) for one in told]
        for one, future in zip(told, waiting, strict=True):
            one["recorded_at"] = future.result()
    return told


def compared(house: House, again: Again, place: DecisionPlace, decision: DecisionRecord) -> Told:
    """One decision, link by link."""
    links: list[Link] = [link("record", "same", "the record opens its commitment in the ledger")]
    if decision.features is not None:
        links += [raw(again, decision), facts(again, decision), features(again, decision.features)]
    links += run(house, decision)
    first = next((one["link"] for one in links if one["state"] in ("different", "gone")), "")
    return {
        "decision_id": place.decision_id,
        "seq": place.seq,
        "equal": not first,
        "class": grade(links),
        "first_difference": first,
        "links": links,
        "recorded_at": None,
    }


def append(house: House, told: Told, tx: Tx) -> int:
    """Write down that a decision was replayed, and with what outcome."""
    notes = {"id": told["decision_id"], "class": told["class"], "equal": str(told["equal"]).lower()}
    notes["first_difference"] = told["first_difference"]
    return house.ledger.append(tx, [Entry("replay", house.clock.now(), refs=(told["seq"],), notes=notes)])[0].seq


def link(name: str, state: str, why: str, **more: Any) -> Link:
    """A link and how it fared: `same`, `different`, `gone` (erased, or no longer here), `none` (there was nothing to compare), or
    `moved` (another release reads the bytes otherwise today; the versions read then still stand, and the features show it)."""
    return {"link": name, "state": state, "why": why, **more}


def raw(again: Again, decision: DecisionRecord) -> Link:
    """Do the stored bytes still open the commitments made when they came?"""
    units = {seq: again.opens(seq) for seq in again.receipts(decision)}
    bad, gone = [seq for seq, state in units.items() if state is False], [seq for seq, state in units.items() if state is None]
    if bad:
        return link("raw", "different", f"{len(bad)} of {len(units)} units do not open their commitments", at=bad)
    if gone:
        return link("raw", "gone", f"{len(gone)} of {len(units)} units are erased", at=gone)
    return link("raw", "same", f"{len(units)} units open their commitments")


def facts(again: Again, decision: DecisionRecord) -> Link:
    """Do the record versions used come out of the bytes again?"""
    states = {(key, version): again.same((key, version)) for key, version in under(decision)}
    bad, gone = [fact for fact, state in states.items() if state is False], [fact for fact, state in states.items() if state is None]
    then = {fact: again.read_by.get(again.ground.versions[fact].receipt, "") for fact in bad}
    told, count = {"at": [f"{key} version {version}" for key, version in bad or gone]}, len(states)
    if bad and all(then.values()):
        by = ", ".join(sorted(set(then.values())))
        why = f"{len(bad)} of {count} record versions were read by {by}; today's code or maps read the bytes otherwise"
        return link("fact", "moved", why, **told)
    if bad:
        return link("fact", "different", f"{len(bad)} of {count} record versions come out otherwise", **told)
    if gone:
        return link("fact", "gone", f"{len(gone)} of {count} record versions are gone, or their units are erased", **told)
    return link("fact", "same", f"{count} record versions come out of the bytes again, letter for letter")


def features(again: Again, row: FeatureRow) -> Link:
    """Ask the view again, as of the recorded position, and compare bits and facts."""
    made = again.rows[row.view, row.person, row.instant, row.as_of]
    if not isinstance(made, FeatureRow):
        return link("feature", "gone", f"the view cannot be asked: {made}")
    if made.view_digest != row.view_digest:
        return link("feature", "different", "the view is another one today", at=[row.view])
    before, after = numbers(row), numbers(made)
    bad = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if bad:
        return link("feature", "different", f"{len(bad)} of {len(before)} features differ", at=bad)
    return link("feature", "same", f"{len(before)} features, bit for bit, from the same facts")


def numbers(row: FeatureRow) -> dict[str, Any]:
    """Each feature's bits with the facts under it."""
    return {value.name: (None if value.value is None else bits_of(value.value), value.contributions) for value in row.values}


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


def grade(links: list[Link]) -> str:
    """What was reached, never more: a link before the output that differs or is gone leaves R0 unless the output itself was run."""
    output = next(one for one in links if one["link"] == "output")
    fine = all(one["state"] in ("same", "none", "moved") for one in links)
    if output["state"] == "none":
        return "R3" if fine else "R0"
    if output["state"] == "gone":
        return "R0"
    if output["state"] == "same":
        return "R3" if fine else "R1"
    return "R2" if output.get("close") and output["label"] else "R1" if output.get("label") else "R0"
