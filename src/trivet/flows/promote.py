"""Take a model to the next stage of its life, or make it the live one of its use. And the vote that comes before.

In: a model, a use, a site, who acts. Out: what was done. Refused (E730, exit 3): a step whose gate did not pass, with every
condition that failed, who can change it and how.
"""

from __future__ import annotations

from trivet.contracts.governance import Deed, Judgement, Vote
from trivet.contracts.house import House
from trivet.kernel.errors import NotFound, Refused

__all__ = ["approve", "introduce", "missing", "promote"]


def promote(house: House, model: str, use: str, site: str, by: str, *, place: str = "active", to: str = "") -> Deed:
    """One step, in one transaction. No other room is touched: what answers is decided by the route, at every single call.

    A version that stands in the home's models folder and that governance does not know yet is registered first.
    """
    introduce(house, model, by)
    said: Deed | Judgement = house.store.write(lambda tx: house.office.promote(tx, model, use, site, by=by, place=place, to=to))
    house.gate.refresh()
    if isinstance(said, Deed):
        return said
    raise Refused(
        "E730",
        f"{said.model} {said.version} may not go from {said.stage_from} to {said.stage_to}",
        failed=tuple(item.code for item in said.failing),
        where=f"{said.gate} at {site}",
        why="; ".join(missing(said)),
        help=next((item.help for item in said.failing if item.help.startswith("trivet")), f"trivet approve {said.model}"),
    )


def introduce(house: House, name: str, by: str) -> None:
    """Register `model` or `model@version` from the home's models folder when governance does not know it. Known: nothing happens."""
    try:
        house.office.state().release(name)
    except NotFound:
        model, _, version = name.partition("@")
        found = [one for one in house.registry.versions() if one.name == model and version in ("", one.version)]
        if not found:
            raise
        release = found[-1].release(by)
        house.store.write(lambda tx: house.office.releases.register(tx, release, by=by))


def approve(
    house: House, model: str, seat: str, by: str, site: str, *, decision: str = "approve", comment: str = "", seen: str = ""
) -> Vote:
    """One vote from one seat, bound to the evidence as it stands, or as it was `seen`."""
    vote: Vote = house.store.write(
        lambda tx: house.office.votes.cast(tx, model, seat, by, site, decision=decision, comment=comment, evidence_seen=seen)
    )
    house.gate.refresh()
    return vote


def missing(said: Judgement) -> list[str]:
    """What stands in the way, one line each."""
    return [f"{item.text}{' (' + ', '.join(item.who) + ')' if item.who else ''}" for item in said.failing]
