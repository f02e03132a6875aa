"""Who is who, for the command line: any table of persons by itself or against another one, and the home's doubts and decisions.

In: paths and names. Out: rows, and the file that was asked for. Refused: tables that do not say who their rows are.
"""

from __future__ import annotations

import codecs
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

    return read_people(_text(path), mapped, str(path))


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise NotFound("E293", "the table cannot be read", where=str(path), why=error.strerror or "") from None
    return _decoded(raw, str(path))


def _decoded(raw: bytes, where: str) -> str:
    """The text of a table: UTF-8, UTF-16 where it says so itself, else the Western European letters of old systems."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw or raw.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise Usage(
            "E293", "the table cannot be read", where=where, why="it is no text: a spreadsheet or an archive", help="save it as CSV (UTF-8)"
        )
    for name in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


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


def both(path: Path, against: Path, mapped: Mapping[str, str]) -> tuple[Any, Any]:
    """The two tables; a column that `mapped` names must stand in one of them at least, and counts where it stands."""
    from trivet.data.identity.table import headers_of, read_people

    texts = [_text(one) for one in (path, against)]
    here, there = (set(headers_of(one)) if mapped else set[str]() for one in texts)
    one, other = (
        {field: name for field, name in mapped.items() if name in own or name not in met} for own, met in ((here, there), (there, here))
    )
    return read_people(texts[0], one, str(path)), read_people(texts[1], other, str(against))


def link_files(path: Path, against: Path, mapped: Mapping[str, str], out: Path, by: Comparing | None = None) -> dict[str, Any]:
    """Decide each row of a table against another; writes `row`, `decision`, `against_row`, `probability`, `reasons`."""
    from trivet.data.identity.resolve import HERE, link_tables

    people, others = both(path, against, mapped)
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
        "fields": list(found.fields),
        "one_to_one": found.once,
        "pairs_compared": found.compared,
        "out": str(out),
    }


def reviews(house: House) -> list[dict[str, Any]]:
    """The doubts that wait for a human: the most urgent first (`reviews.urgency`), then the strongest."""
    columns, rows = house.shelf.query(REVIEWS)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def steward(house: House) -> Any:
    """The desk at which a human decides about persons."""
    from trivet.data.identity.stewardship import Steward as Desk

    return Desk(house.store, house.vault, house.ledger)
