"""Local codes that wait for a human: ranked suggestions with evidence and what hangs on each; and the human's decision, written down.

In: a feed or none, or a decision. Out: the queue with share of volume and decisions affected, or the row that was written. What a map row
changes in settled records is the plan of `remap`, named in the answer; nothing is changed here but the site's map.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.house import House
from trivet.flows.account_for import read_decision
from trivet.flows.reread import under
from trivet.kernel.errors import NotFound

__all__ = ["decide_code", "release_changes", "suggest_codes"]

Key = tuple[str, str, str]


def suggest_codes(house: House, source: str = "", *, codes: int = 50, limit: int = 5) -> dict[str, Any]:
    """The queue, the most frequent code first, each with suggestions, what was dropped and why, and what hangs on it."""
    desk = house.role("mapping")
    queue = desk.queue(source)
    total = sum(local.volume for local in queue)
    rested = decisions_by_code(house) if queue else {}
    suggester = desk.suggester()
    told, missing = [], set[str]()
    for local in queue[:codes]:
        found, dropped, absent = suggester.suggest(local, limit)
        missing.update(absent)
        hang = rested.get((local.source, local.system, local.code), [])
        told.append(
            {
                **{name: getattr(local, name) for name in ("source", "system", "code", "display", "types", "volume", "units")},
                "share": percent(local.volume, total),
                "decisions": len(hang),
                "suggestions": [{**one._asdict(), "score": f"{one.score:.4f}"} for one in found],
                "dropped": [one._asdict() for one in dropped],
            }
        )
    return {"waiting": len(queue), "volume": total, "codes": told, "not_loaded": sorted(missing)}


def decisions_by_code(house: House) -> dict[Key, list[str]]:
    """Decisions that rested on a record with a queued code, by code. One pass over the decisions."""
    uses: dict[tuple[str, int], Key] = house.role("mapping").uses()
    found: dict[Key, list[str]] = {}
    for seq, entry in house.ledger.find("decision") if uses else ():
        try:
            _, record = read_decision(house, str(seq))
        except NotFound:  # erased: it rests on nothing that anybody can read
            continue
        for key in {uses[fact] for fact in under(record) if fact in uses}:
            found.setdefault(key, []).append(entry["notes"]["id"])
    return found


def percent(part: int, whole: int) -> str:
    """A share as text with one decimal."""
    return f"{100 * part / whole:.1f}" if whole else "0.0"


def decide_code(house: House, action: str, choice: Any, *, by: str, reason: str) -> dict[str, Any]:
    """Accept or reject a target for a queued code. The evidence of the suggestion, where it was one, goes into the row."""
    desk = house.role("mapping")
    queue = desk.queue()
    local = next((one for one in queue if (one.source, one.system, one.code) == (choice.source, choice.system, choice.code)), None)
    if local is None:
        known = [one for one in queue if one.code == choice.code]
        why = f"it waits in {known[0].source} under {known[0].system}" if known else "no notice speaks of it"
        raise NotFound("E398", "this local code does not wait", where=choice.source, why=why, help="trivet terminology suggest")
    hang = decisions_by_code(house).get((local.source, local.system, local.code), [])
    found, _, _ = desk.suggester().suggest(local, 50)
    evidence = next((one.evidence for one in found if one.code == choice.target_code), ())
    counted = f"{local.volume} uses, {len(hang)} decisions"
    answer: dict[str, Any] = desk.decide(action, choice, local, by=by, reason=reason, evidence=(*evidence, counted))
    plan = f"trivet remap --source {local.source}"
    return {
        **answer,
        "volume": local.volume,
        "decisions": len(hang),
        "plan": plan if answer["row"]["status"] in ("approved", "retired") else "",
    }


def release_changes(house: House, system: str, old: str, new: str, *, every: bool = False) -> dict[str, Any]:
    """What a release changed, for the codes in use (or for all): each with its uses and the first and last day of them."""
    found = house.role("terminology").embedded.changes(system, old, new)
    uses = {(uri, code): row for uri, code, *row in house.role("mapping").in_use()}
    uri = house.role("terminology").embedded.edition(system, new).system
    told = []
    for one in found:
        count, first, last = uses.get((uri, one["code"]), (0, "", ""))
        if every or count:
            told.append({**one, "uses": count, "first": first, "last": last})
    sums: dict[str, int] = {}
    for one in found:
        sums[one["change"]] = sums.get(one["change"], 0) + 1
    return {"system": uri, "from": old, "to": new, "changes": told, "all": sums}
