"""Erasing a person from vault and tables, and keeping that so: `erase`, and for a rebuild `spare`, `instead`, `replay`.

In: a person, inside one transaction. Out: a tombstone to be named by a ledger entry. What others say and hold stays byte for byte, with
its version numbers; records about nobody that only the erased units told (wards, organisations, clinicians) stay, because others rest on
them. Refused: nothing here; holds and reasons are the flow's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.parcel import Parcel, Sheet
from trivet.contracts.ports import Ledger, Tx
from trivet.contracts.record import Translation
from trivet.data.erasure.persons import forget_person
from trivet.data.erasure.statements import sql, texts
from trivet.data.erasure.tombstone import Kept, Tombstone, blank_body
from trivet.data.parcel import close_raw, open_all, sheet
from trivet.data.quality import unwrite, write
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound

__all__ = ["KIND", "StoreErasures"]

KIND = "erasure"
ABOUT_NOBODY = {"Location", "Organization", "Practitioner", "PractitionerRole", "HealthcareService", "Medication", "Substance", "Device"}
SHEET = ("key", "type", "id", "subject", "valid_at", "known_seq", "receipt", "deleted", "digest", "body")


def sha256(data: bytes) -> bytes:
    """Thirty-two bytes."""
    return hashlib.sha256(data).digest()


class StoreErasures:
    """`tables` are the projections (table -> order) that a tombstone carries whole, because erased bytes can no longer give them."""

    def __init__(self, vault: Any, ledger: Ledger, tables: Mapping[str, str]) -> None:
        self._vault, self._ledger, self._tables = vault, ledger, tables
        self._newest: tuple[int, Tombstone] = (-1, Tombstone())

    def newest(self) -> tuple[int, Tombstone]:
        """Position and tombstone of the last erasure; -1 and an empty one when there was none."""
        for seq, entry in list(self._ledger.find(KIND, self._newest[0]))[-1:]:
            self._newest = (seq, Tombstone.from_json(self._vault.get(entry["notes"]["blob"]), seq))
        return self._newest

    def mark(self, word: str) -> str:
        """A keyed digest: says nothing to who has not the house's secret."""
        return str(self._vault.address(word.encode(), KIND))

    # what a rebuild and a later reading ask

    def spare(self, outcomes: Sequence[tuple[Receipt, Parcel]]) -> list[tuple[Receipt, Parcel]]:
        """The parcels without what they say of persons who were erased since the units came."""
        stone = self.newest()[1]
        return [(receipt, self._spared(stone, receipt, parcel)) for receipt, parcel in outcomes] if stone.marks else list(outcomes)

    def _spared(self, stone: Tombstone, receipt: Receipt, parcel: Parcel) -> Parcel:
        since = {one: stone.marks.get(self.mark(one), -1) for one in {sheet.subject for sheet in parcel.sheets if sheet.subject}}
        gone = {one for one, at in since.items() if at is not None and receipt.seq < at}
        if not gone:
            return parcel
        kept = stone.kept.get(receipt.seq, Kept()).sheets
        sheets = [kept.get(one.key) if one.subject in gone else one for one in parcel.sheets]
        people = [record for record in parcel.people.records if sheet(record, "UTC").subject not in gone]
        return replace(parcel, sheets=tuple(one for one in sheets if one is not None), people=Translation(tuple(people), ()))

    def instead(self, seq: int, parcel: Parcel) -> Parcel:
        """The parcel of a unit whose bytes are gone: what others rest on stays."""
        kept = self.newest()[1].kept.get(seq)
        return parcel if kept is None else replace(parcel, sheets=tuple(kept.sheets.values()), spans=kept.spans)

    def check_run(self, seq: int) -> str | None:
        """A run of the checks without its rows about the erased; None when it showed none."""
        return self.newest()[1].checks.get(seq)

    def replay(self, tx: Tx, seq: int) -> None:
        """The newest erasure again: version numbers as they were, and the tables that can no longer be derived."""
        newest, stone = self.newest()
        if seq != newest:
            return
        place, moved = 1, list[tuple[int, int, int]]()
        for first, last in stone.ordinals:
            moved.append((first - place, place, place + last - first))
            place += last - first + 1
        tx.executemany(sql("erase_shift"), [one for one in moved if one[0]])
        tx.execute(sql("erase_shifted"))
        for name, rows in stone.tables.items():
            if name not in self._tables:  # one of an earlier release
                continue
            tx.execute(texts("table_empty", table=name))
            if rows:
                tx.executemany(texts("table_fill", table=name, marks=", ".join("?" * len(rows[0]))), rows)

    # the erasure itself

    def subjects(self, tx: Tx, person: str) -> list[str]:
        """The Patient records of a person. NotFound E300 when nobody knows it."""
        found = [subject for subject, _ in self._members(tx, person)]
        if not found:
            raise NotFound("E300", "no such person", where=person, help="trivet query 'select person from persons'")
        return found

    def persons(self, tx: Tx, subjects: Sequence[str]) -> list[str]:
        """The persons that these records ever stood with and that nobody else bears."""
        ever = [person for (person,) in tx.execute(sql("erase_persons"), (_list(subjects),))]
        living = {person for (person,) in tx.execute(sql("erase_living"), (_list(ever), _list(subjects)))}
        return [person for person in ever if person not in living]

    def erase(self, tx: Tx, person: str, broken: Sequence[int], act: Mapping[str, Any]) -> tuple[str, list[int], dict[str, int]]:
        """Destroy, remove and keep. Gives the tombstone's address, the positions whose bytes are gone (with `broken`, that break besides),
        and counts."""
        newest, old = self.newest()
        members = self._members(tx, person)
        subjects = [subject for subject, _ in members]
        doomed = self.persons(tx, subjects)
        held = f"person:{person}"
        self._take_decisions(tx, subjects, newest, held)
        units = self._hand_over(tx, subjects, doomed, held)
        runs = self._checks_of(tx, subjects, doomed, units, old)
        for run in runs:
            self._take(tx, self._ledger.entry(run)["notes"]["blob"], held)
        for one in dict.fromkeys((*doomed, person)):
            self._vault.destroy(tx, f"person:{one}")
        gone = [seq for (seq,) in tx.execute(sql("erase_gone"), (_list(units),))]
        stone = replace(old, number=old.number + 1, marks=dict(old.marks), checks=old.checks | runs, kept=dict(old.kept))
        forget_person(tx, members, subjects)
        records = self._shelf(tx, stone, subjects, units, set(gone))
        for run, said in runs.items():
            unwrite(tx, run)
            write(tx, run, said.encode("utf-8"))
        stone.marks |= dict.fromkeys((self.mark(subject) for subject in subjects), None)
        fresh = sorted({*gone, *broken})
        stone.broken = sorted({*old.broken, *fresh})
        stone.ordinals = [(first, last) for first, last in tx.execute(sql("erase_islands"))]
        stone.tables = {name: self._rows(tx, name, order) for name, order in self._tables.items()}
        counts = {"units": len(gone), "records": records, "subjects": len(subjects), "checks": len(runs)}
        stone.acts = [*old.acts, {**act, **counts}]
        blob = self._vault.put(tx, stone.to_json(), holder=f"{KIND}:{stone.number}", kind=KIND)
        if old.number:
            self._vault.destroy(tx, f"{KIND}:{old.number}")
        return blob, fresh, counts

    def _members(self, tx: Tx, person: str) -> list[tuple[str, tuple[int, str]]]:
        return [(subject, (number, packed)) for subject, number, packed in tx.execute(sql("erase_subjects"), (person,))]

    def _hand_over(self, tx: Tx, subjects: Sequence[str], doomed: Sequence[str], held: str) -> list[int]:
        """Units that speak of the person: others whom they speak of can open them, and where there are none, only the person can."""
        holders = [f"person:{one}" for one in doomed]
        units = tx.execute(sql("erase_units"), {"subjects": _list(subjects), "holders": _list(holders)})
        others: dict[int, list[str]] = {}
        for seq, person in tx.execute(sql("erase_others"), (_list([seq for seq, _ in units]), _list(subjects))):
            others.setdefault(seq, []).append(f"person:{person}")
        ever = {f"person:{person}" for (person,) in tx.execute(sql("erase_persons"), (_list(subjects),))}
        for seq, blob in units:
            for holder in others.get(seq, ()):
                self._rewrap(tx, blob, holder)
            if seq not in others:
                self._take(tx, blob, held, sorted(ever - set(holders) - {held}))
        return [seq for seq, _ in units]

    def _rewrap(self, tx: Tx, blob: str, holder: str) -> bool:
        try:
            self._vault.rewrap(tx, [blob], holder)
        except NotFound:  # erased already, by an erasure that was broken off
            return False
        return True

    def _take(self, tx: Tx, blob: str, holder: str, stale: Sequence[str] = ()) -> None:
        """Let only `holder` open the blob."""
        if self._rewrap(tx, blob, holder):
            for one in stale:
                self._vault.release(tx, [blob], one)

    def _take_decisions(self, tx: Tx, subjects: Sequence[str], newest: int, held: str) -> None:
        """What humans decided about links of the person, and about repairs of the person's records."""
        for kind in ("repair.found", "repair.decided"):
            for _, entry in self._ledger.find(kind):
                try:
                    about_them = jsontext.loads(self._vault.get(entry["notes"]["blob"]))["subject"] in subjects
                except NotFound:
                    continue
                if about_them:
                    self._take(tx, entry["notes"]["blob"], held)
        touched, about = set(subjects), {"subjects": _list(subjects)}
        reviews = {number for (number,) in tx.execute(sql("erase_reviews_of"), about)}
        events = {number for (number,) in tx.execute(sql("erase_events_of"), about)}
        for _, entry in self._ledger.find("link.decision"):
            try:
                said = jsontext.loads(self._vault.get(entry["notes"]["blob"]))
            except NotFound:
                continue
            names = {str(said["target"]), said["other"]} & touched
            number = int(said["target"]) if str(said["target"]).isdigit() else -1
            if names or (number in events if said["action"] == "unmerge" else number in reviews):
                self._take(tx, entry["notes"]["blob"], held)

    def _checks_of(self, tx: Tx, subjects: Sequence[str], doomed: Sequence[str], units: Sequence[int], old: Tombstone) -> dict[int, str]:
        """Runs of the checks that show rows about the person, as they are without those rows."""
        keys = {row[1] for row in tx.execute(sql("erase_versions"), (_list(units), _list(subjects))) if row[4] in subjects}
        about = {*keys, *subjects, *doomed}
        # a unit may speak of others too: its number alone condemns a row only when nobody else can open the unit
        alone = set(units) - {seq for seq, _ in tx.execute(sql("erase_others"), (_list(units), _list(subjects)))}
        found = {}
        for (run,) in tx.execute(sql("erase_check_runs"), {"keys": _list(sorted(about)), "gone": _list(sorted(alone))}):
            said = jsontext.loads(old.checks.get(run) or self._vault.get(self._ledger.entry(run)["notes"]["blob"]))
            for check in said["checks"]:
                check["rows"] = [row for row in check["rows"] if row[0] not in about and row[1] not in alone]
            found[run] = jsontext.dumps(said).decode("utf-8")
        return found

    def _shelf(self, tx: Tx, stone: Tombstone, subjects: Sequence[str], units: Sequence[int], gone: set[int]) -> int:
        """Remove record versions and lineage. Gives the number of versions that are no longer there."""
        rows = [
            (row[0], dict(zip(SHEET, row[1:], strict=True))) for row in tx.execute(sql("erase_versions"), (_list(units), _list(subjects)))
        ]
        mine = set(subjects)
        asked = {"keys": _list(sorted({row["key"] for _, row in rows})), "subjects": _list(subjects), "gone": _list(sorted(gone))}
        shared = {key for (key,) in tx.execute(sql("erase_shared"), asked)}
        removed, fresh = [], dict[int, Kept]()
        for ordinal, row in rows:
            about_them = row["subject"] in mine
            if not about_them and row["receipt"] not in gone:
                continue
            if about_them and row["key"] in shared:
                row["body"], row["digest"] = blank_body(row["type"], row["id"], row["receipt"], sha256)
                row |= {"subject": None, "valid_at": None, "deleted": 0}
                tx.execute(sql("erase_blank"), (row["digest"], row["body"], ordinal))
            elif about_them or not (row["subject"] or row["key"] in shared or row["type"] in ABOUT_NOBODY):
                removed.append(ordinal)
                continue
            if row["known_seq"] == row["receipt"]:
                fresh.setdefault(row["receipt"], Kept()).sheets[row["key"]] = _sheet(row)
        tx.execute(sql("erase_version"), (_list(removed),))
        tx.execute(sql("erase_repair"), (_list(subjects),))
        tx.execute(sql("erase_repair_version"))
        for seq in sorted(gone):
            self._lineage(tx, seq, fresh.get(seq))
        for seq in units:
            before, now = stone.kept.pop(seq, Kept()), fresh.get(seq, Kept())
            sheets = {key: one for key, one in before.sheets.items() if one.subject not in mine} | now.sheets
            if sheets:
                stone.kept[seq] = Kept(sheets, now.spans or before.spans)
        return len(removed)

    def _lineage(self, tx: Tx, seq: int, kept: Kept | None) -> None:
        """Of a unit that is gone only the spans of what stays; its rejects and notices point into nothing now."""
        for name in ("reject_forget", "notice_forget"):
            tx.execute(texts(name), (seq,))
        tx.execute(sql("erase_lineage_again"), (seq,) * 2)
        found = tx.execute(sql("erase_spans"), (seq,))
        if kept is None or not found:
            tx.execute(sql("erase_lineage"), (seq,))
            return
        kept.spans = close_raw({key: spans for key, spans in open_all(found[0][0]).items() if key in kept.sheets})
        tx.execute(texts("lineage_add"), (seq, kept.spans))

    def _rows(self, tx: Tx, table: str, order: str) -> list[list[Any]]:
        return [list(row) for row in tx.execute(texts("table_rows", table=table, order=order), (-1, 0))]


def _sheet(row: Mapping[str, Any]) -> Sheet:
    told = (row["key"], row["type"], row["id"], row["subject"] or "", row["valid_at"] or "")
    return Sheet(*told, row["deleted"], row["body"], row["digest"])


def _list(values: Sequence[Any]) -> str:
    return jsontext.dumps(list(values)).decode("utf-8")
