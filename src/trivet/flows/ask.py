"""Somebody queries what is published: as their role and purpose allow, and on record when the rows speak of persons.

In: one SELECT and a caller. Out: columns and rows, and how many persons' rows consent left out. Refused: what no policy permits; that is
on record too. The entry is durable before the rows are shown; it holds no row and no text of the query, the vault holds the query.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from trivet.contracts.access import Caller
from trivet.contracts.house import House
from trivet.contracts.trace import Entry
from trivet.kernel.digest import canonical
from trivet.kernel.errors import Refused

__all__ = ["Looked", "Seen", "allowed", "ask", "look", "permit", "record"]


class Seen(NamedTuple):
    """What came back. `left_out` counts persons who refuse the purpose, `policies` those that permitted it."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    left_out: int
    policies: tuple[str, ...]


class Looked(NamedTuple):
    """The same as an Arrow table."""

    table: Any
    left_out: int
    policies: tuple[str, ...]


def ask(house: House, sql: str, caller: Caller, as_of: int | None = None) -> Seen:
    """The answer, once it is on record that it was asked."""
    looked = look(house, sql, caller, as_of)
    rows = list(zip(*(column.to_pylist() for column in looked.table.columns), strict=True))
    return Seen(looked.table.column_names, rows, looked.left_out, looked.policies)


def look(house: House, sql: str, caller: Caller, as_of: int | None = None) -> Looked:
    """The answer as columns, once it is on record that it was asked."""
    try:
        table, lens = house.role("access").seen(sql, caller, as_of)
    except Refused as refused:
        record(house, sql, caller, "refused", {"failed": ",".join(refused.failed) or refused.code})
        raise
    persons = len(table["person"].unique()) if "person" in table.column_names else 0
    if lens.personal:
        owed = {"obligation": ",".join(sorted(lens.obligations))} if lens.obligations else {}
        record(house, sql, caller, "read", {"rows": str(table.num_rows), "persons": str(persons), **owed})
    return Looked(table, len(lens.refused), tuple(sorted(lens.policies)))


def permit(house: House, caller: Caller, act: str, sorts: tuple[str, ...] = ("clinical", "identifying")) -> frozenset[str]:
    """May this caller read every person for `act` (a view, an export)? Gives the persons who refuse the purpose: leave them out.

    On record before anything is read. Refused E292 when a sort of data that it reads is not permitted.
    """
    access = house.role("access")
    owed = allowed(house, caller, act, sorts)
    left_out = access.left_out(caller.purpose)
    record(house, act, caller, "read", {"act": act.split(" ")[0], "left_out": str(len(left_out)), **owed})
    return frozenset(left_out)


def allowed(house: House, caller: Caller, act: str, sorts: tuple[str, ...], holder: str = "house") -> dict[str, str]:
    """What a permit for these sorts asks for in return, as the record says it. Refused E292, on record, when one is not permitted."""
    rulings = {sort: house.role("access").ask(caller, sort) for sort in sorts}
    barred = sorted(sort for sort, ruling in rulings.items() if not ruling.allowed)
    if barred:
        record(house, act, caller, "refused", {"act": act.split(" ")[0], "failed": ",".join(barred)}, holder)
        raise Refused(
            "E292",
            f"{caller.role} may not do this for {caller.purpose}",
            failed=tuple(barred),
            where=act,
            why=f"it reads what is {' and '.join(barred)}, and no policy permits that" + ("" if caller.reason else " without a reason"),
            help='--role ROLE --purpose PURPOSE --reason "..."',
        )
    owed = sorted({one for ruling in rulings.values() for one in ruling.obligations})
    return {"obligation": ",".join(owed)} if owed else {}


def record(house: House, sql: str, caller: Caller, what: str, counts: dict[str, str], holder: str = "house") -> None:
    """One `access` entry. What was typed and why can name a person: it stands in the vault, held by whoever it is about."""
    at = house.clock.now()
    body = canonical({"sql": sql, "reason": caller.reason, "by": caller.by, "at": at})

    def work(tx: Any) -> None:
        blob = house.vault.put(tx, body, holder=holder, kind="access")
        notes = {"door": "query", "what": what, "role": caller.role, "purpose": caller.purpose, "blob": blob, **counts}
        house.ledger.append(tx, [Entry("access", at, commitments={"access": house.vault.commit(blob)}, notes=notes)])

    house.store.write(work)
