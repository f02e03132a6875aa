"""A person is erased: keys, records, links, rows and files; what is proven about them stays proven. And holds, which forbid it.

In: a person, a reason, who acts. Out: one ledger entry with counts and digests, after everything is done. Refused: a person or a home
under a hold (E301). An erasure cannot be undone; one that was broken off is simply done again.
"""

from __future__ import annotations

from typing import Any

from trivet.contracts.house import House
from trivet.contracts.ports import Tx
from trivet.contracts.trace import Entry
from trivet.flows.settle import process_pending
from trivet.kernel import jsontext
from trivet.kernel.digest import canonical, sha256
from trivet.kernel.errors import Locked, NotFound, Refused, Usage

__all__ = ["HOME", "erase", "hold", "holds", "release"]

HOME = "home"


def erase(house: House, person: str, *, reason: str, by: str) -> dict[str, Any]:
    """Erase one person for ever. Units in flight are settled first: nobody could say yet of whom they speak."""
    if not reason:
        raise Usage("E302", "an erasure needs a reason", help="--reason TEXT")
    refuse_held(house, person)
    process_pending(house)
    erasures, husks, at = house.role("erasures"), house.role("husks"), house.clock.now()

    def work(tx: Tx) -> dict[str, Any]:
        if any(counts["in_flight"] for counts in house.landing.balance().values()) or house.role("intake").waiting()[0]:
            raise Locked("E303", "something is in flight", why="it may speak of the person", help="stop trivet up, or try again")
        subjects = erasures.subjects(tx, person)
        decisions = husks.of(tx, erasures.persons(tx, subjects))
        blob, broken, counts = erasures.erase(tx, person, decisions, {"at": at, "by": by, "reason": reason})
        counts["decisions"] = len(decisions)
        notes = {name: str(count) for name, count in counts.items()}
        entry = Entry(
            "erasure",
            at,
            digests={"broken": sha256(canonical(broken))},
            commitments={"tombstone": house.vault.commit(blob)},
            notes={**notes, "blob": blob},
        )
        seq = house.ledger.append(tx, [entry])[0].seq
        husks.leave(tx, decisions)
        return {"seq": seq, "at": at, **counts}

    done: dict[str, Any] = house.store.write(work)
    house.role("segments").purge()
    house.role("store").scrub()
    house.role("intake").scrub()
    house.shelf.publish()
    if house.role("lake").purge():
        house.role("lake").publish(house.landing.horizon())
    return done


def refuse_held(house: House, person: str) -> None:
    """Refused when the person or the whole home is under a hold."""
    marks = {house.role("erasures").mark(f"hold {one}"): one for one in (person, HOME)}
    if house.role("lake").shown()["holds"]:
        raise Refused(
            "E301", "the published shelf is under a hold", why="its snapshot names the person's records", help="trivet shelf list"
        )
    for mark in holds(house):
        if mark in marks:
            what = "the home" if marks[mark] == HOME else "the person"
            raise Refused("E301", f"{what} is under a legal hold", why="what is held is not erased", help="trivet hold --list")


def holds(house: House) -> dict[str, dict[str, Any]]:
    """Holds in force, by keyed mark: since which position, when, and why."""
    standing: dict[str, dict[str, Any]] = {}
    for seq, entry in house.ledger.find("hold"):
        said = jsontext.loads(house.vault.get(entry["notes"]["blob"]))
        if entry["notes"]["act"] == "hold":
            standing[said["mark"]] = {"seq": seq, "at": entry["at"], **{name: said[name] for name in ("who", "by", "reason")}}
        else:
            standing.pop(said["mark"], None)
    return standing


def hold(house: House, who: str, *, reason: str, by: str) -> int:
    """Forbid erasure of a person, or of anybody (`home`). Gives the ledger position."""
    return note(house, "hold", who, reason, by)


def release(house: House, who: str, *, reason: str, by: str) -> int:
    """End a hold. NotFound E304 when there is none."""
    if house.role("erasures").mark(f"hold {who}") not in holds(house):
        raise NotFound("E304", "no such hold", help="trivet hold --list")
    return note(house, "release", who, reason, by)


def note(house: House, act: str, who: str, reason: str, by: str) -> int:
    """Write down that a hold begins or ends; whom it is about stands in the vault."""
    if not reason:
        raise Usage("E302", "a hold needs a reason", help="--reason TEXT")
    said = jsontext.dumps(
        {"mark": house.role("erasures").mark(f"hold {who}"), "who": who, "by": by, "reason": reason, "at": house.clock.now()}
    )
    at = house.clock.now()

    def work(tx: Tx) -> int:
        blob = house.vault.put(tx, said, holder="house", kind="hold")
        entry = Entry("hold", at, commitments={"hold": house.vault.commit(blob)}, notes={"act": act, "blob": blob})
        return house.ledger.append(tx, [entry])[0].seq

    return house.store.write(work)
