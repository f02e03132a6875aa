"""The first acts of governance in a home: people, seats, models, evidence, votes, routes, as a staff file says.

In: the staff file as plain data, releases, evidence. Out: one line for each act, refusals included. Everything goes through the
office's own doors: whoever is missing stays missing, a gate that does not pass does not pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trivet.contracts.governance import Evidence, Judgement, Release
from trivet.contracts.house import House
from trivet.kernel.errors import NotFound, Refused

__all__ = ["FOUNDING", "bring_up", "found", "leave", "register", "seat_people"]

FOUNDING = "founding"
STEPS = 6  # no model takes more steps than a life has stages


def found(
    house: House, staff: Mapping[str, Any], releases: Sequence[Release] = (), evidence: Sequence[Evidence] = (), site: str = ""
) -> list[str]:
    """Everything in its order: people, seats, models with their evidence, hypotheses, then each model as far as votes carry it."""
    place = site or house.settings["site"]["id"]
    done = seat_people(house, staff)
    done += register(house, releases, evidence)
    done += [_lock(house, words) for words in staff.get("hypotheses", ())]
    done += [_cost(house, words) for words in staff.get("costs", ())]
    for model, plan in staff.get("models", {}).items():
        done += bring_up(house, model, plan, place)
    done += leave(house, staff)
    house.gate.refresh()
    return done


def seat_people(house: House, staff: Mapping[str, Any]) -> list[str]:
    """Enrol everybody and seat them; a seat that stays empty in the file stays empty here."""
    people, seats = house.office.seats, staff.get("seats", {})

    def work(tx: Any) -> list[str]:
        for person in staff.get("people", ()):
            people.enrol(tx, person["principal"], person["name"], person["department"], person.get("profession", ""), by=FOUNDING)
        taken = [(system, seat, who) for system, held in seats.items() for seat, who in held.items() if who]
        for system, seat, who in taken:
            people.take(tx, system, seat, who, by=FOUNDING)
        return [f"{len(staff.get('people', ()))} people enrolled, {len(taken)} seats taken"]

    return house.store.write(work)


def register(house: House, releases: Sequence[Release], evidence: Sequence[Evidence]) -> list[str]:
    """Register versions, then what is proven about them."""

    def work(tx: Any) -> list[str]:
        for release in releases:
            house.office.releases.register(tx, release, by=release.requested_by)
        kept = [house.office.releases.prove(tx, item, by=item.produced_by) for item in evidence]
        return [f"{len(releases)} releases registered, {len(kept)} items of evidence"]

    return house.store.write(work)


def bring_up(house: House, model: str, plan: Mapping[str, Any], site: str) -> list[str]:
    """Vote and promote, step by step, up to the stage that the plan names. `absent` seats do not vote: there it stops, waiting."""
    done, absent = list[str](), set(plan.get("absent", ()))
    if model not in {release.model for release in house.office.state().releases()}:
        return [f"{model} is not registered: there is no such version here"]
    use, place, goal = plan["use"], plan.get("place", "active"), plan.get("stage", "pilot")
    for _ in range(STEPS):
        state = house.office.state()
        if state.stage(state.release(model).digest, site) == goal:
            return done
        try:
            ballot = house.office.ballot(model, site)
        except NotFound:
            return done
        held = state.seats(state.release(model).model)
        live = ballot.stage_to != "silent"
        for seat in house.office.policy.step(ballot.stage_from, ballot.stage_to).votes:
            if seat in held and not (live and seat in absent):
                done += _vote(house, model, seat, held[seat], site)
        if live and absent:
            lacks = [item.code for item in house.office.ballot(model, site).failing]
            return [*done, f"{model} waits at {ballot.stage_from}: {', '.join(lacks)}"]
        said = house.store.write(lambda tx: house.office.promote(tx, model, use, site, by=f"local:{FOUNDING}", place=place))
        if isinstance(said, Judgement):
            return [*done, f"{model} stays at {said.stage_from}: {'; '.join(item.text for item in said.failing)}"]
        done.append(said.what)
    return done


def leave(house: House, staff: Mapping[str, Any]) -> list[str]:
    """People who have left since: their seats are vacant from now on."""

    def work(tx: Any) -> list[str]:
        gone = list(staff.get("leaving", ()))
        for one in gone:
            house.office.seats.leave(tx, one["system"], one["seat"], one.get("reason", ""), by=FOUNDING)
        return [f"{one['seat']} of {one['system']} is vacant" for one in gone]

    return house.store.write(work)


def _vote(house: House, model: str, seat: str, who: str, site: str) -> list[str]:
    try:
        house.store.write(lambda tx: house.office.votes.cast(tx, model, seat, who, site))
    except Refused as refused:
        return [f"{seat} of {model} could not vote: {refused.why}"]
    return []


def _lock(house: House, words: Mapping[str, Any]) -> str:
    house.store.write(lambda tx: house.role("assessment").lock(tx, words, by=FOUNDING))
    return f"value hypothesis of {words.get('use', '')} locked"


def _cost(house: House, words: Mapping[str, Any]) -> str:
    house.store.write(lambda tx: house.role("assessment").enter_cost(tx, words, by=FOUNDING))
    return f"cost of {words.get('use', '') or 'the house'} kept: {words.get('kind', '')}"
