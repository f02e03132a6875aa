"""Which tables are projections, and how each room makes its own again from vault and ledger.

A room with tables of its own adds a function here that gives a `Projection`, and its name to `PROJECTIONS`. Tables that are
truth (vault, ledger) or a cache (Parquet segments) do not stand here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from trivet.contracts.house import House
from trivet.contracts.projection import Projection
from trivet.flows.rebuild import replay_received

__all__ = ["COUNTED", "IDENTITY", "PROJECTIONS", "projections"]

COUNTED = {"coverage": "source, format, locator, disposition, rule"}
IDENTITY = {
    "identity_record": "id",
    "identity_block": "key, record",
    "identity_term": "field, term",
    "link": "id",
    "link_event": "id",
    "link_review": "id",
    "link_apart": "one, two",
}


def received() -> Projection:
    """What came in, what became of it, who is who, every record version, and what the feeds carry."""
    from trivet.data.interfaces.store import TABLES as REGISTER
    from trivet.data.repair.desk import TABLES as REPAIRS

    tables = {
        "receipt": "seq",
        "delivery": "seq, ordinal",
        "file": "seq",
        "reject": "receipt, ordinal",
        "notice": "receipt, kind, system, code",
        **COUNTED,
        **REGISTER,
        "record_version": "ordinal",
        "lineage": "receipt",
        "lineage_again": "receipt, since",
        **IDENTITY,
        **REPAIRS,
    }
    return Projection("received", tables, replay_received)


def office() -> Projection:
    """Seats, votes, grants, routes: what governance's events did to its tables."""
    from trivet.governance.events import TABLES, replay

    def again(house: House) -> None:
        house.store.write(lambda tx: replay(tx, house.vault, house.ledger))

    return Projection("office", dict(reversed(TABLES.items())), again)


def decisions() -> Projection:
    """What was answered, and what was denied. The outbox is no projection: what left and when is a fact of its own."""
    from trivet.governance.decisions import TABLES, replay_decisions

    def again(house: House) -> None:
        house.store.write(lambda tx: replay_decisions(tx, house.vault, house.ledger))

    return Projection("decisions", dict(reversed(TABLES.items())), again)


def checked() -> Projection:
    """Runs of the quality checks with their verdicts and rows."""
    from trivet.data.quality import TABLES, write

    def again(house: House) -> None:
        for seq, entry in house.ledger.find("check.run"):
            told = house.role("erasures").check_run(seq)
            if told is not None:  # its own words are gone: it had shown rows about a person who is erased
                house.store.write(partial(write, seq=seq, said=told.encode("utf-8")))
                continue
            house.store.write(partial(house.checks.replay, seq=seq, entry=entry))  # type: ignore[attr-defined]

    return Projection("checked", TABLES, again)


def described() -> Projection:
    """What exports of interface engines describe."""
    from trivet.data.interfaces.inventory import EXPORTS, KIND

    def again(house: House) -> None:
        for seq, entry in house.ledger.find(KIND):
            house.store.write(partial(house.role("inventory").replay, seq=seq, entry=entry))

    return Projection("described", EXPORTS, again)


PROJECTIONS: tuple[Callable[[], Projection], ...] = (received, office, decisions, checked, described)


def projections(house: House) -> list[Projection]:
    """Every projection of a home, parents first."""
    return [make() for make in PROJECTIONS]
