"""Seats: who holds which duty of which AI system. Exactly one active person each; forbidden combinations are refused by the store."""

from __future__ import annotations

from typing import Any

from trivet.contracts.ports import Tx
from trivet.governance.desk import Desk
from trivet.governance.separation import against_holding, refuse
from trivet.governance.state import State
from trivet.kernel.errors import NotFound, Refused

__all__ = ["Seats"]


class Seats:
    """People and their seats. `system` is the name of a model: every model is a system of its own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def enrol(self, tx: Tx, principal: str, name: str, department: str, profession: str, *, by: str) -> int:
        """Make somebody known, or correct what is known about them."""
        words = {"principal": principal, "name": name, "department": department, "profession": profession}
        return self._desk.note(tx, "principal", "enrol", by, "staff", words)

    def dismiss(self, tx: Tx, principal: str, reason: str, *, by: str) -> list[int]:
        """Somebody leaves: every seat they held is vacant from now on, which stops what those seats blocked."""
        state = State(tx.execute)
        known = next((person for person in state.principals() if person["principal"] == principal), None)
        if known is None:
            raise NotFound("E702", "nobody of that name is enrolled", where=principal)
        left = [self.leave(tx, held.system, held.seat, reason, by=by) for held in state.holdings() if held.principal == principal]
        words = {name: known[name] for name in ("principal", "name", "department", "profession")}
        return [*left, self._desk.note(tx, "principal", "dismiss", by, "staff", words)]

    def take(self, tx: Tx, system: str, seat: str, principal: str, *, by: str, reason: str = "") -> int:
        """Seat one person. Refused E710 by separation of duties, E714 when the seat is held, NotFound for a name nobody knows."""
        policy, state = self._desk.policy, State(tx.execute)
        if seat not in policy.seats:
            raise NotFound("E703", f"there is no seat {seat}", why="seats: " + ", ".join(policy.seats))
        if not state.active(principal):
            raise NotFound("E702", "nobody active of that name is enrolled", where=principal)
        held = state.seats(system)
        if seat in held:
            raise Refused(
                "E714", f"{seat} of {system} is held by {held[seat]}", why="a duty is held by exactly one person", help="vacate it first"
            )
        refuse(
            f"{principal} cannot take {seat} of {system}", against_holding(policy, seat, principal, held, state.releases(system)), system
        )
        words = {"system": system, "seat": seat, "principal": principal, "reason": reason}
        return self._desk.note(tx, "seat", "take", by, system, words)

    def leave(self, tx: Tx, system: str, seat: str, reason: str, *, by: str) -> int:
        """Vacate a seat. NotFound when nobody sits there."""
        if not any(held.seat == seat for held in State(tx.execute).seat_history(system) if not held.until):
            raise NotFound("E703", f"{seat} of {system} is vacant already")
        return self._desk.note(tx, "seat", "leave", by, system, {"system": system, "seat": seat, "reason": reason})

    def board(self, system: str) -> list[dict[str, Any]]:
        """Every seat with who holds it since when, or since when it is vacant."""
        state = self._desk.state()
        held = {holding.seat: holding for holding in state.holdings(system)}
        left: dict[str, str] = {}
        for holding in state.seat_history(system):
            left[holding.seat] = holding.until
        people = {person["principal"]: person for person in state.principals()}
        board = []
        for name, seat in self._desk.policy.seats.items():
            holder = held.get(name)
            person = people.get(holder.principal, {}) if holder else {}
            board.append(
                {
                    "seat": name,
                    "title": seat.title,
                    "kind": seat.kind,
                    "question": seat.question,
                    "blocks_serving": seat.blocks,
                    "principal": holder.principal if holder else "",
                    "name": person.get("name", ""),
                    "department": person.get("department", ""),
                    "since": holder.since if holder else left.get(name, ""),
                    "vacant": holder is None,
                    "seq": holder.seq if holder else -1,
                }
            )
        return board
