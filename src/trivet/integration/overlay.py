"""A site's rows over the shipped mapping tables: added or put in the place of one of ours, never edited into our files.

A file of an overlay has the path of our table (`segments/PID_Patient.csv`), its columns, and four more: `supersedes` names the row of
ours that this one replaces (empty: it is added at the end), `owner`, `reason` and `ticket` say who answers for it. A row of ours is
named by what it says, `PID-8.1>gender` (source and target), so that a release that moves it does not move the overlay with it. A
file that we do not have is a table of the site alone. Refused: a row without owner, reason or ticket, a row that supersedes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from trivet.kernel.errors import Fault

__all__ = ["ANSWERS", "Overlay", "Row", "in_force", "make", "numbered", "overlaid", "per_overlay", "row_name", "ticket", "under"]

Row = dict[str, str]
P = ParamSpec("P")
T = TypeVar("T")
ANSWERS = ("owner", "reason", "ticket")
_KEYS = {"messages": "segment", "groups": "segment", "coding_systems": "name", "extensions": "name"}
_KEYS |= {"references": "datatype", "location_levels": "component"}


class Overlay(NamedTuple):
    """The rows of a site by the path of the table they belong to, and a digest of all of them."""

    digest: str
    rows: Mapping[str, tuple[Row, ...]]


_IN_FORCE: ContextVar[Overlay | None] = ContextVar("overlay", default=None)


def in_force() -> Overlay | None:
    """The overlay under which tables are read now, None for the shipped tables alone."""
    return _IN_FORCE.get()


@contextmanager
def under(site: Overlay | None) -> Iterator[None]:
    """Read tables, and what was compiled of them, under this overlay."""
    token = _IN_FORCE.set(site)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def per_overlay(function: Callable[P, T]) -> Callable[P, T]:
    """Remember what was made of the tables, for each overlay apart. Arguments are hashable and positional."""
    kept: dict[Any, T] = {}

    @wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
        site = _IN_FORCE.get()
        key = (site.digest if site is not None else "", args, *kwargs.items())
        if key not in kept:
            kept[key] = function(*args, **kwargs)
        return kept[key]

    return remembered


def row_name(path: str, row: Mapping[str, str]) -> str:
    """What a row of a table is called: by what it says, not by where it stands."""
    stem = path.rpartition("/")[2].removesuffix(".csv")
    if "/segments/" in path or "/datatypes/" in path:
        return f"{row['source']}>{row['target']}"
    if stem == "messages":
        return f"{row['segment']}>{row['label'] or row['resource']} {row['map']}".strip()
    return row[_KEYS.get(stem, "source")]


def ticket(row: Mapping[str, str]) -> str:
    """What the rule of a site's row ends with: the ticket under which the site answers for it."""
    return f"@{row['ticket']}" if row.get("ticket") else ""


def numbered(path: str, rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The names of the rows of a table; the second of one name ends with `#2`."""
    seen: dict[str, int] = {}
    for row in rows:
        name = row_name(path, row)
        seen[name] = count = seen.get(name, 0) + 1
        yield f"{name}#{count}" if count > 1 else name


def overlaid(path: str, ours: Sequence[Row], added: Sequence[Row]) -> tuple[Row, ...]:
    """Our rows with the site's in their places, and the site's further rows behind them. Raises Fault for a row that fits nowhere."""
    instead = {row["supersedes"]: row for row in added if row.get("supersedes")}
    rows = [instead.pop(name, row) for name, row in zip(numbered(path, ours), ours, strict=True)]
    if instead:
        where = f"site overlay {path}"
        raise Fault("E214", "a site overlay supersedes a row that is not there", where=where, why=", ".join(sorted(instead)))
    rows += [row for row in added if not row.get("supersedes")]
    return tuple({**dict.fromkeys(ours[0], ""), **row} for row in rows) if ours else tuple(rows)


def make(rows: Mapping[str, tuple[Row, ...]]) -> Overlay | None:
    """An overlay of a site's tables, None when there are none. Raises Fault for a row that nobody answers for."""
    digest = hashlib.sha256()
    for path in sorted(rows):
        for number, row in enumerate(rows[path], 2):
            missing = [name for name in ANSWERS if not row.get(name)]
            if missing:
                raise Fault(
                    "E214", "a row of a site overlay has nobody to answer for it", where=f"{path} line {number}", why=", ".join(missing)
                )
            digest.update(repr((path, sorted(row.items()))).encode())
    return Overlay(digest.hexdigest(), dict(rows)) if rows else None
