"""Many units through one format: pure, wherever it is done, with the same bytes out.

In: units of one file and a profile. Out: lines of records, lineage and rejects, and the account of every source element
in places of the FILE. Nothing is read, written or timed here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

import msgspec

from trivet.contracts.envelope import Unit
from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Translation
from trivet.integration.coverage import Tally

__all__ = ["BATCH_BYTES", "BATCH_UNITS", "Batch", "Rendered", "batches", "places", "render"]

BATCH_BYTES = 1 << 20
BATCH_UNITS = 500
_encode = msgspec.json.Encoder(decimal_format="number")


class Batch(NamedTuple):
    """Some units of one file, in order. `first` is the number of the first one, from 1."""

    input: str
    first: int
    units: tuple[Unit, ...]


class Rendered(NamedTuple):
    """What a batch says, as lines to append. `own` sums elements that no other unit names; those of `shared` may come again: by
    default all of a unit with context, for a format that says `owns_its_part` only those in the context."""

    records: bytes
    lineage: bytes
    rejects: bytes
    own: Tally
    shared: list[tuple[int, Element]]
    counts: dict[str, int]
    types: dict[str, int]
    notices: dict[str, int]


def places(unit: Unit) -> Callable[[int], int]:
    """Positions in a unit to positions in its file (`Unit.at`), in logarithmic time however many pieces there are."""
    if len(unit.pieces) == 1:
        begin = unit.pieces[0].offset
        return lambda offset: begin + offset
    starts = [0, *accumulate(piece.length for piece in unit.pieces)]
    shifts = [piece.offset - start for piece, start in zip(unit.pieces, starts, strict=False)]
    if not shifts:
        return lambda offset: offset
    return lambda offset: offset + shifts[min(bisect_right(starts, offset), len(shifts)) - 1]


def batches(name: str, units: Iterable[Unit]) -> Iterator[Batch]:
    """Units of a file in handy portions, so that memory stays bounded whatever the file's size."""
    held: list[Unit] = []
    size, first = 0, 1
    for unit in units:
        held.append(unit)
        size += len(unit.raw)
        if size >= BATCH_BYTES or len(held) >= BATCH_UNITS:
            yield Batch(name, first, tuple(held))
            first, held, size = first + len(held), [], 0
    if held:
        yield Batch(name, first, tuple(held))


def _lines(rows: Iterable[object]) -> bytes:
    return _encode.encode_lines(list(rows))


def _locate(format: Format, locator: str, number: int) -> str:
    """The locator in the file's terms: a table knows its columns, only the file knows the row."""
    return f"r={number};{locator}" if getattr(format, "counts_rows", False) and locator.startswith("c=") else locator


def render(format: Format, profile: SourceProfile, batch: Batch) -> Rendered:
    """Translate a batch and write it down. Same batch, same profile: same bytes."""
    records: list[object] = []
    lineage: list[object] = []
    rejects: list[object] = []
    alone = getattr(format, "owns_its_part", False)
    out = Rendered(b"", b"", b"", Tally(), [], {"units": 0, "partial": 0, "quarantined": 0, "ignored": 0}, {}, {})
    for number, unit in enumerate(batch.units, batch.first):
        translation = format.translate(unit.raw, profile)
        at = places(unit)
        _count(out, translation)
        for record in translation.records:
            kind, key = record.resource["resourceType"], record.resource["id"]
            records.append(record.resource)
            lineage += [
                {
                    "resourceType": kind,
                    "id": key,
                    "path": span.path,
                    "input": batch.input,
                    "offset": at(span.offset),
                    "length": span.length,
                    "locator": _locate(format, span.locator, number),
                    "rule": span.rule,
                }
                for span in record.spans
            ]
        rejects += [
            {
                "input": batch.input,
                "locator": _locate(format, reject.locator, number),
                "offset": at(reject.offset),
                "length": reject.length,
                "code": reject.code,
                "reason": reject.reason,
                "help": reject.help,
            }
            for reject in translation.rejects
        ]
        for element in translation.elements:
            if unit.context and (element.offset < unit.context or not alone):
                out.shared.append((at(element.offset), element))
            else:
                out.own.add(at(element.offset), element)
    return out._replace(records=_lines(records), lineage=_lines(lineage), rejects=_lines(rejects))


def _count(out: Rendered, translation: Translation) -> None:
    out.counts["units"] += 1
    if translation.rejects:
        out.counts["partial" if translation.records else "quarantined"] += 1
    elif translation.ignored:
        out.counts["ignored"] += 1
    for record in translation.records:
        kind = record.resource["resourceType"]
        out.types[kind] = out.types.get(kind, 0) + 1
    for notice in translation.notices:
        out.notices[notice.kind] = out.notices.get(notice.kind, 0) + 1
