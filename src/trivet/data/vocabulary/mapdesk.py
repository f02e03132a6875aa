"""Where a human decides about local codes: the queue with its facts, and accept or reject as a versioned row of the site's map.

In: a decision with who, why and the evidence. Out: one more row at the end of `site/terminology.csv` (nothing there is changed or removed:
of rows with one key the last one holds) and a ledger entry `terminology.map`; the row lies in the vault. Settled records stay as they are
until somebody accepts a `remap`. Refused: no name or reason, a target that is not valid, the same person twice where two are needed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trivet.contracts.ports import Clock, Ledger, Store, Tx, Vault
from trivet.contracts.terminology import Coding
from trivet.contracts.trace import Entry
from trivet.data.terminology import COLUMNS, NOT_MAPS, canonical_system
from trivet.data.units import BadUnit, parse
from trivet.data.vocabulary.embedded import Embedded
from trivet.data.vocabulary.suggest import Local, Memory, Suggester, approvers
from trivet.kernel import jsontext
from trivet.kernel.digest import sha256
from trivet.kernel.errors import Refused, Usage
from trivet.kernel.resources import listing, text

__all__ = ["Choice", "MapDesk"]

FILE = "terminology.csv"
Row = dict[str, str]


class Choice(NamedTuple):
    """What a human decides: a local code of a feed means a target (or not), for values in `unit` or for all."""

    source: str
    system: str
    code: str
    target_system: str
    target_code: str
    unit: str = ""


def sql(name: str) -> str:
    """A statement of this part."""
    return text("trivet.data", "sql", "statements", f"{name}.sql")


class MapDesk:
    """The desk. `terms` judges targets (the router), `embedded` gives suggestions, `query` the facts."""

    def __init__(self, store: Store, vault: Vault, ledger: Ledger, clock: Clock, site: Path, terms: Any, query: Any) -> None:
        self._store, self._vault, self._ledger, self._clock = store, vault, ledger, clock
        self._path, self._terms, self._query = site / FILE, terms, query

    def queue(self, source: str = "") -> list[Local]:
        """Local codes that wait, the most frequent first, with what their values show."""
        values: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
        for row in self._query.ask(sql("local_values"))[1]:
            values.setdefault((row[0], row[1] or "", row[2]), []).append(row[3:])
        found = []
        for feed, system, code, display, types, times, _, _ in self._query.ask(sql("local_queue"))[1]:
            if source in ("", feed):
                seen = values.get((feed, system, code), [])
                units = tuple(unit for unit, *_ in seen if unit)
                numeric, count = sum(row[2] for row in seen), sum(row[1] for row in seen)
                middle = next((row[3] for row in seen if row[3] is not None), None)
                found.append(Local(feed, system, code, display or "", tuple(types or ()), times, units, numeric, count - numeric, middle))
        return found

    def uses(self) -> dict[tuple[str, int], tuple[str, str, str]]:
        """Record version -> the queued local code that it bears."""
        return {(record, version): (feed, system, code) for record, version, feed, system, code in self._query.ask(sql("local_uses"))[1]}

    def in_use(self) -> list[tuple[Any, ...]]:
        """Codings that records bear: system, code, uses, first and last day."""
        found: list[tuple[Any, ...]] = self._query.ask(sql("codes_in_use"))[1]
        return found

    def rows(self) -> list[Row]:
        """The site's rows, oldest first."""
        return list(csv.DictReader(io.StringIO(self._text()))) if self._path.is_file() else []

    def _text(self) -> str:
        return self._path.read_text(encoding="utf-8-sig") if self._path.is_file() else ""

    def memory(self) -> list[Memory]:
        """Rows that are approved now, ours and the site's."""
        shipped = [
            text("trivet.maps", "terminology", name) for name in listing("trivet.maps", "terminology", ".csv") if name not in NOT_MAPS
        ]
        rows = [row for content in shipped for row in csv.DictReader(content.splitlines())] + self.rows()
        return [
            Memory(row["feed"], row["system"], row["code"], row["display"], row["target_system"], row["target_code"], row["approver"])
            for row in in_force(rows).values()
        ]

    def refusals(self) -> dict[tuple[str, ...], str]:
        """Targets that a human rejected for a code, with who and when: they are not suggested again."""
        found: dict[tuple[str, ...], str] = {}
        for row in self.rows():
            key = tuple(row[name] for name in ("feed", "system", "code", "target_system", "target_code"))
            if row["status"] in ("rejected", "retired"):
                found[key] = f"rejected by {row['approver']} on {row['since']}"
            else:
                found.pop(key, None)
        return found

    def suggester(self) -> Suggester:
        """Suggestions over what is loaded and approved."""
        embedded: Embedded = self._terms.embedded
        return Suggester(embedded, self.memory(), self.refusals())

    def decide(self, action: str, choice: Choice, local: Local, *, by: str, reason: str, evidence: Sequence[str] = ()) -> dict[str, Any]:
        """Write one row down: `accept` or `reject`. Gives the row, its ledger position, and how many approvals are still needed."""
        if not by.strip() or not reason.strip():
            raise Usage("E393", "a decision about a code needs who and why", help="--by NAME --reason TEXT")
        if choice.unit:
            try:
                parse(choice.unit)
            except BadUnit as error:
                raise Usage("E394", "the unit of a map row is UCUM", why=str(error)) from None
        display = self._judged(choice) if action == "accept" else ""
        before = self._text()

        def work(tx: Tx) -> tuple[int, Row, int]:
            row, open_votes = self._row(
                action, choice, local, display, by.strip(), f"{reason.strip()} [{'; '.join(evidence) or 'no evidence given'}]"
            )
            content = appended(self._text(), row)
            blob = self._vault.put(tx, jsontext.dumps({"row": row, "action": action, "by": by}), holder="house", kind="terminology.map")
            notes = {"action": action, "status": row["status"], "blob": blob}
            entry = Entry(
                "terminology.map",
                self._clock.now(),
                digests={"map": sha256(content.encode())},
                commitments={"row": self._vault.commit(blob)},
                notes=notes,
            )
            seq = self._ledger.append(tx, [entry])[0].seq
            self._write(content)
            return seq, row, open_votes

        try:
            seq, row, open_votes = self._store.write(work)
        except BaseException:
            if self._text() != before:  # the row without its ledger entry must not stand
                self._write(before)
            raise
        return {"row": row, "ledger": seq, "approvals_missing": open_votes}

    def _judged(self, choice: Choice) -> str:
        """The name of a target that is valid now. Refused for any other."""
        verdict = self._terms.validate(Coding(choice.target_system, choice.target_code))
        if verdict.result != "valid" or verdict.active is False:
            why = ", ".join(verdict.messages) or verdict.result
            raise Refused("E395", "this target is not a valid code", where=choice.target_system, why=why, help="trivet terminology search")
        return str(verdict.display)

    def _row(self, action: str, choice: Choice, local: Local, display: str, by: str, reason: str) -> tuple[Row, int]:
        """The row of a decision, and how many more people must approve."""
        system = canonical_system(choice.target_system)[0]
        key, target = (choice.source, choice.system, choice.code, choice.unit), (system, choice.target_code)
        last, force = newest(self.rows()).get(key, {}), in_force(self.rows()).get(key, {})
        approved = (force.get("target_system"), force.get("target_code")) == target
        waits = last.get("status") == "suggested" and (last["target_system"], last["target_code"]) == target
        made = dict(
            zip(
                COLUMNS,
                (choice.source, choice.system, choice.code, local.display, system, choice.target_code, display, choice.unit),
                strict=False,
            )
        )
        made |= {"since": self._clock.now()[:10], "reason": reason, "approver": by}
        if action == "reject":
            return {**made, "status": "retired" if approved else "rejected"}, 0
        if approved:
            raise Refused("E396", "this row is approved already", where=choice.code, why=f"by {force['approver']}")
        names = last["approver"].split("; ") if waits else []
        if by.casefold() in (name.casefold() for name in names):
            raise Refused("E397", "the second approver is another person", where=choice.code, why=f"{by} approved it already")
        missing = max(approvers(local.types, system) - len(names) - 1, 0)
        return {**made, "approver": "; ".join([*names, by]), "status": "suggested" if missing else "approved"}, missing

    def _write(self, content: str) -> None:
        fresh = self._path.with_suffix(".csv.new")
        fresh.parent.mkdir(exist_ok=True)
        fresh.write_text(content, encoding="utf-8")
        fresh.replace(self._path)


def newest(rows: Iterable[Row]) -> dict[tuple[str, str, str, str], Row]:
    """Of rows with one key the last one."""
    return {(row["feed"], row["system"], row["code"], row.get("unit") or ""): row for row in rows}


def in_force(rows: Iterable[Row]) -> dict[tuple[str, str, str, str], Row]:
    """The approved rows that nobody retired, as translation reads them."""
    found: dict[tuple[str, str, str, str], Row] = {}
    for row in rows:
        key = (row["feed"], row["system"], row["code"], row.get("unit") or "")
        if row["status"] == "approved":
            found[key] = row
        elif row["status"] == "retired":
            found.pop(key, None)
    return found


def appended(content: str, row: Row) -> str:
    """A table with one more row; a table that is not there yet begins with its header."""
    header = next(csv.reader(content.splitlines()), list(COLUMNS))
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", extrasaction="ignore", lineterminator="\n")
    if not content:
        writer.writeheader()
    elif not content.endswith("\n"):
        out.write("\n")
    writer.writerow(row)
    return content + out.getvalue()
