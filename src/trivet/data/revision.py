"""Record versions against a new reading of the units they came from.

In: parcels of units read anew. Out: the records that would be others; kept, they are new versions, known since the run that read
them and not before. Refused: rewriting what was known. A record of which a later unit spoke is the later unit's: an earlier one
never speaks again over it. What a unit no longer says of a record that only it spoke of last is taken back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.parcel import Parcel, Sheet
from trivet.contracts.ports import Store, Tx
from trivet.contracts.revision import Ahead, Change, Chosen, Read, Settled
from trivet.data.coverage import coverage_rows
from trivet.kernel import jsontext
from trivet.kernel.resources import text

__all__ = ["StoreRevisions"]

TAKEN_BACK = {"system": "urn:trivet:fhir:record", "code": "taken-back"}


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class StoreRevisions:
    """`contracts.revision.Revisions` over the operational store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def settled(self, chosen: Chosen, after: int, limit: int) -> list[Settled]:
        """Settled units behind position `after`, in the order of their numbers. `read_by` is the caller's to look at."""
        asked = {"after": after, "limit": limit, **chosen._asdict()}
        del asked["read_by"]
        rows = self._store.read(_sql("receipt_settled"), asked)
        return [Settled(Receipt(*row[:6]), row[6], bool(row[7]), row[8]) for row in rows]

    def changes(self, read: Read, outcomes: Sequence[tuple[Receipt, Parcel]], ahead: Ahead) -> tuple[list[Change], int]:
        """What would be another record after these units, in their order, and how many readings a later unit has overtaken.

        `ahead` says of what earlier calls found and nobody kept yet by which unit it is and with which digest; this call adds to it.
        """
        said = [(receipt, {sheet.key: sheet for sheet in parcel.sheets}) for receipt, parcel in outcomes]
        last: dict[int, list[str]] = {}
        for number, key in read(_sql("record_last_said"), (_list([receipt.seq for receipt, _ in said]),)):
            last.setdefault(number, []).append(key)
        wanted = {key for _, sheets in said for key in sheets} | {key for keys in last.values() for key in keys}
        stands = {row[0]: row[1:] for row in read(_sql("record_spoken"), (_list(sorted(wanted)),))}
        found: list[Change] = []
        overtaken = 0
        for receipt, sheets in said:
            gone = [key for key in last.get(receipt.seq, ()) if key not in sheets]
            for sheet in (*sheets.values(), *(taken_back(key, stands[key]) for key in gone)):
                now = stands.get(sheet.key)
                spoken, digest = ahead.get(sheet.key) or ((now[8], now[1]) if now else (-1, b""))
                if spoken > receipt.seq:
                    overtaken += digest != sheet.digest
                elif digest != sheet.digest:
                    kind = "gone" if sheet.key in gone else "changed" if spoken >= 0 else "new"
                    elements = differing(now[7] if now else "{}", sheet.body)
                    found.append(Change(receipt.seq, receipt.source, kind, sheet.key, now[0] if now else 0, elements, sheet))
                    ahead[sheet.key] = (receipt.seq, sheet.digest)
        return found, overtaken

    def keep(self, tx: Tx, changes: Sequence[Change], spans: dict[int, bytes], run: int) -> None:
        """New versions of these records, known since `run`, with the spans of their units' new reading."""
        added: dict[str, int] = {}
        rows = []
        for change in changes:
            sheet = change.sheet
            added[change.key] = added.get(change.key, change.version) + 1
            name = (sheet.key, sheet.type, sheet.id, added[change.key], sheet.subject, sheet.valid_at)
            rows.append((*name, run, change.receipt, change.source, sheet.deleted, sheet.digest, sheet.body))
        tx.executemany(_sql("record_add"), rows)
        units = sorted({change.receipt for change in changes})
        tx.executemany(_sql("lineage_again_add"), [(unit, run, spans[unit]) for unit in units])

    def resettle(self, tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]], run: int) -> None:
        """Units that were quarantined and can be read now: their new end state, rejects, notices and coverage."""
        for receipt, parcel in outcomes:
            tx.execute(_sql("receipt_settle"), (parcel.state, parcel.reason, int(parcel.partial), run, receipt.seq))
            tx.execute(_sql("reject_forget"), (receipt.seq,))
            tx.execute(_sql("notice_forget"), (receipt.seq,))
            places = [(one.code, one.reason, one.locator, one.offset, one.length, one.help) for one in parcel.rejects]
            tx.executemany(_sql("reject_add"), [(receipt.seq, ordinal, *place) for ordinal, place in enumerate(places)])
            tx.executemany(_sql("notice_add"), [(receipt.seq, *notice) for notice in parcel.notices])
        tx.executemany(_sql("coverage_add"), coverage_rows(outcomes))


def taken_back(key: str, stands: Sequence[Any]) -> Sheet:
    """The last version of a record that its unit, read anew, does not speak of."""
    _, _, _, subject, kind, ident, _, _, _ = stands
    body = jsontext.dumps({"resourceType": kind, "id": ident, "meta": {"tag": [TAKEN_BACK]}})
    return Sheet(key, kind, ident, subject or "", "", 1, body.decode("utf-8"), hashlib.sha256(body).digest())


def differing(before: str, after: str) -> tuple[str, ...]:
    """Names of the top-level elements that differ."""
    one, two = jsontext.loads(before), jsontext.loads(after)
    return tuple(sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name) and name not in ("resourceType", "id")))


def _list(values: Sequence[Any]) -> str:
    return jsontext.dumps(list(values)).decode("utf-8")
