"""Who is who, for the command line: any table of persons by itself or against another one, and the home's doubts and decisions.

In: paths and names. Out: rows, and the file that was asked for. Refused: tables that do not say who their rows are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivet.contracts.house import House
from trivet.kernel.errors import NotFound, Usage
from trivet.kernel.resources import text

if TYPE_CHECKING:
    from trivet.data.identity.resolve import Comparing

__all__ = ["deduplicate_file", "link_files", "reviews", "steward"]

REVIEWS = text("trivet.wiring", "sql", "reviews_open.sql")


def _people(path: Path, mapped: Mapping[str, str]) -> Any:
    from trivet.data.identity.table import read_people

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise NotFound("E293", "the table cannot be read", where=str(path), why=error.strerror or "") from None
    try:
        return read_people(raw.decode("utf-8-sig"), mapped, str(path))
    except UnicodeDecodeError:
        return read_people(raw.decode("latin-1"), mapped, str(path))


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    try:
        path.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise Usage("E288", "the result cannot be written", where=str(path), why=error.strerror or "") from None


def deduplicate_file(path: Path, mapped: Mapping[str, str], out: Path, by: Comparing | None = None) -> dict[str, Any]:
    """Group the rows of a table; writes `row`, `cluster`, `probability`. `by` compares the pairs, this process where it is not given."""
    from trivet.data.identity.resolve import HERE, deduplicate

    people = _people(path, mapped)
    found = deduplicate(people, by or HERE)
    rows = [
        (row, cluster, f"{probability:.6f}")
        for row, (cluster, probability) in enumerate(zip(found.clusters, found.probabilities, strict=True))
    ]
    _write(out, ("row", "cluster", "probability"), rows)
    return {
        "rows": people.rows,
        "clusters": len(set(found.clusters)),
        "fields": list(people.columns),
        "pairs_compared": found.compared,
        "matches_expected": round(found.fitted.matches, 1) if found.fitted else 0,
        "out": str(out),
    }


def link_files(path: Path, against: Path, mapped: Mapping[str, str], out: Path, by: Comparing | None = None) -> dict[str, Any]:
    """Decide each row of a table against another; writes `row`, `decision`, `against_row`, `probability`, `reasons`."""
    from trivet.data.identity.resolve import HERE, link_tables

    people, others = _people(path, mapped), _people(against, mapped)
    found = link_tables(people, others, by or HERE)
    rows = [
        (row, one.decision, "" if one.against < 0 else one.against, f"{one.probability:.6f}", one.reasons)
        for row, one in enumerate(found.decisions)
    ]
    _write(out, ("row", "decision", "against_row", "probability", "reasons"), rows)
    counts = {word: sum(one.decision == word for one in found.decisions) for word in ("match", "possible", "no_match")}
    return {
        "rows": people.rows,
        "against": others.rows,
        **counts,
        "fields": [field for field in people.columns if field in others.columns],
        "one_to_one": found.once,
        "pairs_compared": found.compared,
        "out": str(out),
    }


def reviews(house: House) -> list[dict[str, Any]]:
    """The doubts that wait for a human, strongest first."""
    columns, rows = house.shelf.query(REVIEWS)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def steward(house: House) -> Any:
    """The desk at which a human decides about persons."""
    from trivet.data.identity.stewardship import Steward as Desk

    return Desk(house.store, house.vault, house.ledger)
