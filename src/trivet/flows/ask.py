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

__all__ = ["Seen", "ask", "permit"]


class Seen(NamedTuple):
    """What came back. `left_out` counts persons who refuse the purpose, `policies` those that permitted it."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    left_out: int
    policies: tuple[str, ...]


def ask(house: House, sql: str, caller: Caller, as_of: int | None = None) -> Seen:
    """The answer, once it is on record that it was asked."""
    try:
        table, lens = house.role("access").seen(sql, caller, as_of)
    except Refused as refused:
        record(house, sql, caller, "refused", {"failed": ",".join(refused.failed) or refused.code})
        raise
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    persons = len(set(table["person"].to_pylist())) if "person" in table.column_names else 0
    if lens.personal:
        owed = {"obligation": ",".join(sorted(lens.obligations))} if lens.obligations else {}
        record(house, sql, caller, "read", {"rows": str(len(rows)), "persons": str(persons), **owed})
    return Seen(table.column_names, rows, len(lens.refused), tuple(sorted(lens.policies)))


def permit(house: House, caller: Caller, act: str, sorts: tuple[str, ...] = ("clinical", "identifying")) -> frozenset[str]:
    """May this caller read every person for `act` (a view, an export)? Gives the persons who refuse the purpose: leave them out.

    On record before anything is read. Refused E292 when a sort of data that it reads is not permitted.
    """
    access = house.role("access")
    rulings = {sort: access.ask(caller, sort) for sort in sorts}
    barred = sorted(sort for sort, ruling in rulings.items() if not ruling.allowed)
    if barred:
        record(house, act, caller, "refused", {"act": act.split(" ")[0], "failed": ",".join(barred)})
        raise Refused(
            "E292",
            f"{caller.role} may not do this for {caller.purpose}",
            failed=tuple(barred),
            where=act,
            why=f"it reads what is {' and '.join(barred)}, and no policy permits that" + ("" if caller.reason else " without a reason"),
            help='--role ROLE --purpose PURPOSE --reason "..."',
        )
    owed = sorted({one for ruling in rulings.values() for one in ruling.obligations})
    left_out = access.left_out(caller.purpose)
    counts = {"act": act.split(" ")[0], "left_out": str(len(left_out)), **({"obligation": ",".join(owed)} if owed else {})}
    record(house, act, caller, "read", counts)
    return frozenset(left_out)


def record(house: House, sql: str, caller: Caller, what: str, counts: dict[str, str]) -> None:
    """One `access` entry. What was typed and why can name a person: it stands in the vault."""
    at = house.clock.now()
    body = canonical({"sql": sql, "reason": caller.reason, "by": caller.by, "at": at})

    def work(tx: Any) -> None:
        blob = house.vault.put(tx, body, holder="house", kind="access")
        notes = {"door": "query", "what": what, "role": caller.role, "purpose": caller.purpose, "blob": blob, **counts}
        house.ledger.append(tx, [Entry("access", at, commitments={"access": house.vault.commit(blob)}, notes=notes)])

    house.store.write(work)
