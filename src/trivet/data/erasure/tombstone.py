"""What stays of those who were erased: keyed marks, the records that others rest on, and the tables that can no longer be derived.

A tombstone holds everything that a rebuild needs and that destroyed bytes can no longer tell. It is sealed under a holder of its own;
the next erasure writes a new one that says all of it again and destroys this one, so that no older copy outlives a later erasure.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trivet.contracts.parcel import Sheet
from trivet.kernel import jsontext

__all__ = ["Kept", "Tombstone", "blank_body", "packed", "unpacked"]

ERASED = {"system": "urn:trivet:fhir:record", "code": "erased"}
_encode, _decode = msgspec.json.Encoder(), msgspec.json.Decoder()


@dataclass(slots=True)
class Kept:
    """Of one unit what stays on the shelf, by record key, and the lineage of that when the unit itself is gone."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    spans: bytes = b""


@dataclass(slots=True)
class Tombstone:
    """`marks` are keyed digests of erased subjects with the position of their erasure (None: the newest one's), `broken` the ledger
    positions whose bytes are gone, `kept` what stays of units by receipt, `ordinals` the stretches of version numbers in use, `checks` runs
    of the checks without the rows that were about them, `tables` whole tables at the moment of the newest erasure, `acts` who erased, when
    and why."""

    number: int = 0
    marks: dict[str, int | None] = field(default_factory=dict)
    broken: list[int] = field(default_factory=list)
    kept: dict[int, Kept] = field(default_factory=dict)
    ordinals: list[tuple[int, int]] = field(default_factory=list)
    checks: dict[int, str] = field(default_factory=dict)
    tables: dict[str, list[list[Any]]] = field(default_factory=dict)
    acts: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> bytes:
        """One JSON object; bytes in rows are lists of one base64 text."""
        said = {name: getattr(self, name) for name in ("number", "marks", "broken", "ordinals", "checks", "acts")}
        kept = {
            seq: {"sheets": [[*sheet[:7], sheet.digest.hex()] for sheet in one.sheets.values()], "spans": packed(one.spans)}
            for seq, one in self.kept.items()
        }
        tables = {name: [[packed(value) for value in row] for row in rows] for name, rows in self.tables.items()}
        return _encode.encode({**said, "kept": kept, "tables": tables})

    @classmethod
    def from_json(cls, data: bytes, seq: int) -> Tombstone:
        """Read again; what the newest erasure left open is its own position `seq`."""
        said = _decode.decode(data)
        kept = {}
        for number, one in said["kept"].items():
            sheets = [Sheet._make((*row[:7], bytes.fromhex(row[7]))) for row in one["sheets"]]
            kept[int(number)] = Kept({sheet.key: sheet for sheet in sheets}, unpacked(one["spans"]))
        return cls(
            said["number"],
            {mark: seq if since is None else since for mark, since in said["marks"].items()},
            said["broken"],
            kept,
            [(first, last) for first, last in said["ordinals"]],
            {int(run): text for run, text in said["checks"].items()},
            {name: [[unpacked(value) for value in row] for row in rows] for name, rows in said["tables"].items()},
            said["acts"],
        )


def packed(value: Any) -> Any:
    """A column's value as JSON holds it."""
    return [base64.b64encode(value).decode("ascii")] if isinstance(value, bytes) else value


def unpacked(value: Any) -> Any:
    """The same back."""
    return base64.b64decode(value[0]) if isinstance(value, list) else value


def blank_body(kind: str, ident: str, receipt: int, digest: Callable[[bytes], bytes]) -> tuple[str, bytes]:
    """Body and digest of a version that says only that it was erased: what came after it keeps its number."""
    body = jsontext.dumps({"resourceType": kind, "id": ident, "meta": {"versionId": str(receipt), "tag": [ERASED]}})
    return body.decode("utf-8"), digest(body)
