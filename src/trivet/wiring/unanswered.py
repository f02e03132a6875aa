"""Why a story ended with questions that nobody answered: in words, with the figures, and with what to do.

In: a house whose governance has spoken, and the answers. Out: one entry for each use of which something was withheld. Withholding is what
is right while evidence is missing; a reader must be able to tell that from something broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from trivet.contracts.house import House
from trivet.contracts.prediction import Answer
from trivet.kernel.resources import text

__all__ = ["told", "unanswered"]

FEW = 500  # patients of the sample hospital below which most evidence has too few outcomes
NO_MODEL = "no-route"
WORDS = {
    NO_MODEL: "no model may answer yet, for its evidence does not carry it",
    "population": "the patient is not of those for whom the model was proven",
    "consent": "the patient refuses",
}
RESULTS = {"insufficient_n": "too few cases", "fail": "does not hold"}


def unanswered(house: House, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Each use of which answers were withheld: how many of how many, why, and for want of which evidence of which model."""
    held = [answer for answer in answers if answer.withheld is not None]
    evidence = house.shelf.query(text("trivet.wiring", "sql", "told_evidence.sql"))[1] if held else []
    found = []
    for use in sorted({answer.use for answer in held}):
        reasons = Counter(answer.withheld.reason for answer in held if answer.use == use and answer.withheld is not None)
        models: dict[str, list[dict[str, Any]]] = {}
        for used, model, requirement, result, n, events in evidence if NO_MODEL in reasons else ():
            if used == use:
                models.setdefault(model, []).append({"requirement": requirement, "result": result, "n": int(n), "events": int(events)})
        asked = sum(answer.use == use for answer in answers)
        found.append({"use": use, "withheld": sum(reasons.values()), "of": asked, "reasons": dict(reasons), "models": models})
    return found


def told(found: Sequence[dict[str, Any]], patients: int) -> list[str]:
    """The same in words, and what to do."""
    lines = []
    for one in found:
        why = "; ".join(WORDS.get(reason, reason) for reason in one["reasons"])
        lines.append(f"  withheld    {one['withheld']} of {one['of']} {one['use']}: {why}")
        for model, items in one["models"].items():
            said = dict.fromkeys(f"{item['requirement']} {RESULTS.get(item['result'], item['result'])}" for item in items)
            most = max(items, key=lambda item: item["n"])
            lines.append(f"    {model:<12}{', '.join(said)} ({most['n']} cases here, {most['events']} with the outcome)")
    if any(NO_MODEL in one["reasons"] for one in found):
        lines.append("  This is the gate at work, not a fault: a model answers only where evidence measured here carries it.")
        more = f"{patients} patients have few outcomes; a" if patients < FEW else "A"
        lines.append(f"  {more} larger hospital has more to measure: trivet demo --home ANOTHER --patients {max(2 * FEW, 2 * patients)}")
    return lines
