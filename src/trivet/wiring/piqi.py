"""PIQI scores of a home's sources, or of FHIR files. In: a house or paths, a rubric, a vocabulary. Out: scores by source, with rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.data.omop.build import coded_in
from trivet.data.omop.rules import read_rules
from trivet.data.piqi import Scores, assess, read_rubric
from trivet.data.piqi.modules import Around
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import text
from trivet.wiring.omop import close_vocabulary, read_fhir, vocabulary_of

__all__ = ["score_files", "score_home"]

CHUNK = 2000
Row = tuple[str, dict[str, Any]]


def score_home(
    house: House,
    rubric: Path | None = None,
    vocabulary: Path | None = None,
    opened: str = "",
    left_out: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Current records of a home by source, without those of persons who are left out; with `opened` the records that fail one criterion,
    with their receipts."""
    sql = text("trivet.data", "sql", "piqi", "home_records.sql")
    _, rows = house.shelf.query(sql, None, (sorted({one.resource for one in read_rubric(rubric)}),))
    receipts = {record: receipt for record, receipt, _, person, _ in rows if person not in left_out}
    held = ((source, jsontext.loads(body)) for _, _, source, person, body in rows if person not in left_out)
    return _scored(held, house.clock.now()[:10], rubric, vocabulary, opened, receipts)


def score_files(
    paths: Sequence[Path], today: str, rubric: Path | None = None, vocabulary: Path | None = None, opened: str = ""
) -> dict[str, Any]:
    """FHIR files, each path a source of its own."""
    held = ((str(path), record) for path in paths for record in read_fhir(path))
    return _scored(held, today, rubric, vocabulary, opened, {})


def _scored(
    rows: Iterable[Row], today: str, path: Path | None, folder: Path | None, opened: str, receipts: dict[str, int]
) -> dict[str, Any]:
    rubric, rules = read_rubric(path), read_rules()
    if opened and opened not in {one.name for one in rubric}:
        raise NotFound("E931", "no such criterion", why=opened, help="trivet piqi --json")
    vocabulary = vocabulary_of(folder, None) if folder else None
    around = Around(today, vocabulary, rules.systems)
    scores: dict[str, Scores] = {}
    failing: list[dict[str, Any]] = []
    try:
        for piece in _pieces(rows):
            if vocabulary is not None:
                vocabulary.prepare(coded_in([record for _, record in piece], rules))
            for source, record in piece:
                results = list(assess(record, rubric, around))
                if results:
                    scores.setdefault(source, Scores()).take(record, results)
                    failing += _opened(opened, source, record, results, receipts) if opened else []
    finally:
        if vocabulary is not None:
            close_vocabulary(vocabulary)
    if opened:
        return {"criterion": opened, "failing": len(failing), "rows": failing}
    return {"today": today, "sources": {source: one.as_dict(rubric) for source, one in sorted(scores.items())}}


def _opened(opened: str, source: str, record: dict[str, Any], results: Iterable[Any], receipts: dict[str, int]) -> Iterator[dict[str, Any]]:
    key = f"{record['resourceType']}/{record.get('id', '')}"
    for one in results:
        if one.criterion.name == opened and one.passed is False:
            yield {"record": key, "source": source, "receipt": receipts.get(key), "why": one.sam}


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    piece: list[Row] = []
    for row in rows:
        piece.append(row)
        if len(piece) == CHUNK:
            yield piece
            piece = []
    if piece:
        yield piece
