"""The published shelf read by an engine of one's choice, and held against the store as of then.

In: a home, a hold (or the newest snapshot), a position, the name of an engine. Out: the two digests. Refused: an engine that cannot read
Parquet files as they are (E308), and what `flows.lake` refuses.
"""

from __future__ import annotations

from typing import Any, cast

from trivet.contracts.engine import Reading
from trivet.contracts.house import House
from trivet.flows import lake
from trivet.kernel.errors import Usage
from trivet.wiring.engines import open_engine

__all__ = ["prove_by"]


def prove_by(house: House, name: str, as_of: int | None, engine: str) -> dict[str, Any]:
    """`flows.lake.prove`, the files read by that engine."""
    opened = open_engine(engine, folders=[house.role("lake").folder])
    try:
        if not hasattr(opened, "parquet"):
            raise Usage("E308", f"engine {engine} does not read Parquet files", help="trivet shelf prove --engine duckdb")
        return {"engine": engine, **lake.prove(house, name, as_of, cast("Reading", opened))}
    finally:
        opened.close()
