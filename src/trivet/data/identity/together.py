"""Two tables that say the same in other columns, brought to columns that can be compared. In, two tables; out, the same two.

A whole name meets given and family name: they are put together. A date without its century meets one with it: the century is left out.
Refused: tables that have not two columns in common.
"""

from __future__ import annotations

import numpy as np

from trivet.data.identity.table import Column, People, coded, kinds
from trivet.kernel.errors import Usage

__all__ = ["together"]

PARTS = ("given", "middle", "family")


def together(one: People, other: People) -> tuple[People, People]:
    """The two tables with what one says whole and the other in parts told in the same way."""
    one, other = _whole(one, other), _whole(other, one)
    one, other = _short(one, other), _short(other, one)
    shared = [field for field in one.columns if field in other.columns]
    if len(shared) < 2:
        raise Usage(
            "E299",
            "the two tables have not two columns in common",
            why=f"common: {', '.join(shared) or 'none'}; the first has {', '.join(one.columns)}; the second has {', '.join(other.columns)}",
            help="--map FIELD=COLUMN for a column that was not recognised",
        )
    return one, other


def _whole(one: People, other: People) -> People:
    """With a whole name, where the other table has nothing else to compare names with."""
    if "name" in one.columns or "name" not in other.columns or {"given", "family"} & other.columns.keys():
        return one
    parts = [one.columns[part].written() for part in PARTS if part in one.columns]
    if not parts or not {"given", "family"} & one.columns.keys():
        return one
    written = [" ".join(part for part in row if part) for row in zip(*parts, strict=True)]
    return People({**one.columns, "name": coded("name", kinds()["name"], written)}, one.rows)


def _short(one: People, other: People) -> People:
    """With dates of birth without century, where most of the other table's have none."""
    held, met = one.columns.get("birth"), other.columns.get("birth")
    if held is None or met is None or _share(met) < 0.5 or _share(held) >= 0.5:
        return one
    written = [value[2:] if len(value) == 8 else value for value in held.written()]
    return People({**one.columns, "birth": coded("birth", held.kind, written)}, one.rows)


def _share(column: Column) -> float:
    """The share of dates that have no century."""
    lengths = np.array([len(value) for value in column.values], dtype=np.int64)
    return float((lengths == 6).mean()) if len(lengths) else 0.0
