"""Where repairs are kept: proposals found, what people decided, and the versions that acceptances made.

In, inside a transaction: proposals, decisions. Out: rows of `repair`, new record versions that name their repair, known since the decision.
The version that was repaired stays as it was. What the source said is remembered beside: whoever says the same again changes nothing, and a
reading by other maps is compared with it. Refused: to decide twice, to repair what moved on, to undo what was overtaken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trivet.contracts.ports import Store, Tx
from trivet.contracts.record import Record
from trivet.contracts.repair import Edit, Proposal
from trivet.data.parcel import sheet
from trivet.data.repair.edits import edited
from trivet.data.repair.propose import Held, kinds, propose
from trivet.data.vocabulary.mapdesk import Choice
from trivet.data.vocabulary.suggest import Local
from trivet.kernel import jsontext
from trivet.kernel.errors import NotFound, Refused
from trivet.kernel.resources import text

__all__ = ["TABLES", "RepairDesk"]

TABLES = {"repair": "id", "repair_version": "record, version"}
COLUMNS = ("repair", "found", "kind", "check", "record", "version", "subject", "edits", "evidence", "state", "decided", "made", "newest")


class Stands(NamedTuple):
    """One version of a record."""

    version: int
    type: str
    id: str
    subject: str | None
    valid_at: str | None
    known: int
    receipt: int
    source: str
    deleted: int
    digest: bytes
    body: str
    said: bytes | None


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class RepairDesk:
    """Repairs of one home. `mark` gives keyed digests: an id says nothing to who has not the house's secret."""

    def __init__(self, store: Store, mark: Any) -> None:
        self._store, self._mark = store, mark

    def checks(self) -> list[str]:
        """The checks whose rows can be repaired in records."""
        return [check for check, row in kinds().items() if row["kind"] != "map-code"]

    def proposed(self, opened: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Proposal]:
        """Repairs of rows that break checks, by id: without those that are known, or that a person declined in an earlier form."""
        declined = {_likeness(row) for row in self.rows() if row["state"] in ("rejected", "undone")}
        known = {row["repair"] for row in self.rows()}
        found: dict[str, Proposal] = {}
        for check, rows in opened.items():
            for row in rows:
                held = self.held(row["record"] or "")
                one = propose(check, row["why"] or "", held) if held else None
                if one is None or _likeness(one._asdict()) in declined:
                    continue
                name = self.name(one)
                if name not in known:
                    found[name] = one
        return found

    def name(self, one: Proposal) -> str:
        """The id of a proposal: the same of the same edits of the same version."""
        told = jsontext.dumps([one.kind, one.record, one.version, [list(edit) for edit in one.edits]]).decode()
        return f"R-{self._mark(f'repair {told}')[:12]}"

    def held(self, record: str) -> Held | None:
        """A record as it stands now; None when there is none, or it was taken back."""
        found = self._store.read(_sql("repair_stands"), {"record": record, "version": None})
        if not found:
            return None
        stands = Stands(*found[0])
        resource = jsontext.loads(stands.body)
        return (
            None if stands.deleted else Held(record, stands.version, stands.subject or "", stands.known, stands.source, resource, self.held)
        )

    def rows(self) -> list[dict[str, Any]]:
        """All repairs, open ones first. `state` is `open`, `accepted`, `rejected`, `undone`, or what became of it since: `stale` (open,
        and its record moved on), `overtaken` (accepted, and the source has said something else since)."""
        found = []
        for values in self._store.read(_sql("repair_all")):
            row = dict(zip(COLUMNS, values, strict=True))
            row["edits"] = [Edit(**one) for one in jsontext.loads(row["edits"])]
            row["evidence"] = jsontext.loads(row["evidence"])
            newest = row.pop("newest")
            if row["record"] and row["state"] == "open" and newest != row["version"]:
                row["state"] = "stale"
            if row["record"] and row["state"] == "accepted" and newest != row["made"]:
                row["state"] = "overtaken"
            found.append(row)
        return found

    def row(self, name: str) -> dict[str, Any]:
        """One repair. NotFound E360."""
        for row in self.rows():
            if row["repair"] == name:
                return row
        raise NotFound("E360", f"no repair {name}", help="trivet repair list")

    def listed(self) -> str:
        """The query that lists repairs without what stands in records: for whoever reads `repairs` through a lens."""
        return _sql("repair_listed")

    def whose(self, name: str) -> str | None:
        """The person whose record a repair is about, as linked now; None when it is about nobody's."""
        found = self._store.read(_sql("repair_whose"), (name,))
        return found[0][0] if found else None

    def map_row(self, row: Mapping[str, Any]) -> tuple[Choice, Local]:
        """The choice that a proposal of kind `map-code` is, and the local code it is about."""
        before, after = row["edits"][0].before, row["edits"][0].after
        place = (before["source"], before["system"], before["code"])
        return Choice(*place, after["system"], after["code"]), Local(*place, before["display"])

    def add(self, tx: Tx, seq: int, said: Mapping[str, Any]) -> None:
        """The rows of one `repair.found` entry."""
        for one in said["proposals"]:
            edits, evidence = jsontext.dumps(one["edits"]).decode(), jsontext.dumps(one["evidence"]).decode()
            values = (one["id"], seq, one["kind"], one["check"], one["record"], one["version"], one["subject"], edits, evidence)
            tx.execute(_sql("repair_add"), values)

    def made(self, row: Mapping[str, Any], act: str) -> dict[str, Any]:
        """The version that a decision makes, as the entry carries it: `version`, `body`, `deleted`, `said`. Refused when it cannot be
        made."""
        stands = self._stands(row["record"], None)
        if act == "undo":
            if stands.version != row["made"]:
                raise Refused(
                    "E362", "the repaired version was overtaken", where=row["record"], why="a newer version stands; nothing is to be undone"
                )
            before = self._stands(row["record"], row["version"])
            return _told(stands.version + 1, before.body, before.deleted, before.said or before.digest)
        if stands.version != row["version"]:
            raise Refused("E361", "the record is no longer what the proposal saw", where=row["record"], help="trivet repair find")
        if self._store.read(_sql("repair_subjects"), (row["record"],))[0][0] > 1:
            raise Refused("E363", "the record spoke of another person before", where=row["record"], why="whose record it is comes first")
        resource = edited(jsontext.loads(stands.body), row["edits"], row["repair"])
        deleted = sheet(Record(resource, ()), "UTC").deleted
        return _told(stands.version + 1, jsontext.dumps(resource).decode(), deleted, stands.said or stands.digest)

    def _stands(self, record: str, version: int | None) -> Stands:
        rows = self._store.read(_sql("repair_stands"), {"record": record, "version": version})
        if not rows:
            raise NotFound("E230", "no such record version", where=record)
        return Stands(*rows[0])

    def decide(self, tx: Tx, seq: int, said: Mapping[str, Any]) -> dict[str, Any] | None:
        """What one `repair.decided` entry did: the state, and the version where it made one. Gives a Patient record that is to be linked
        anew."""
        made = said.get("made")
        if made is not None:
            last = Stands(*tx.execute(_sql("repair_stands"), {"record": said["record"], "version": None})[0])
            if last.version + 1 != made["version"]:
                raise Refused("E361", "the record is no longer what the proposal saw", where=said["record"], help="trivet repair find")
            body = made["body"].encode()
            name = (said["record"], last.type, last.id, made["version"], last.subject or "", last.valid_at or "")
            tx.execute(
                _sql("record_add"), (*name, seq, last.receipt, last.source, made["deleted"], hashlib.sha256(body).digest(), made["body"])
            )
            tx.execute(_sql("repair_version_add"), (said["record"], made["version"], bytes.fromhex(made["said"])))
            tx.execute(_sql("repair_lineage"), {"since": seq, "receipt": last.receipt, "known": last.known})
        state = {"accept": "accepted", "reject": "rejected", "undo": "undone", "vote": "open"}[said["act"]]
        tx.execute(_sql("repair_decide"), (state, seq, made["version"] if made else None, said["id"]))
        if made is None or not said["record"].startswith("Patient/"):
            return None
        return {"receipt": last.receipt, "resource": jsontext.loads(made["body"])}


def _told(version: int, body: str, deleted: int, said: bytes) -> dict[str, Any]:
    return {"version": version, "body": body, "deleted": deleted, "said": said.hex()}


def _likeness(row: Mapping[str, Any]) -> str:
    """What makes two proposals one to a person who said no: kind, record and what it would become."""
    return jsontext.dumps([row["kind"], row["record"], [[edit.path, edit.after] for edit in row["edits"]]]).decode()
