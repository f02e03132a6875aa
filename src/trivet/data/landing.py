"""Keeps what came in, and what became of it.

In: envelopes, inside a transaction that is durable before anybody is told. Out: receipts, whose number is the ledger
position of their `raw.received` entry. Refused: nothing; bytes that nobody understands are kept all the same.
The same bytes from the same source are one receipt, however often they are delivered; every delivery is written down with
its origin and pieces, so that a file can be put together again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from itertools import islice
from typing import Any

from trivet.contracts.envelope import Envelope, FileEnd, Receipt
from trivet.contracts.parcel import Parcel
from trivet.contracts.ports import Ledger, Store, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.data.coverage import coverage_rows
from trivet.data.interfaces import store as interfaces
from trivet.kernel import jsontext
from trivet.kernel.errors import Locked, NotFound
from trivet.kernel.resources import text

__all__ = ["StoreLanding", "holder"]


Name = tuple[str, str]  # source and address: what makes a unit the same


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


_RECEIPT_ADD, _DELIVERY_ADD, _FILE_ADD = map(_sql, ("receipt_add", "delivery_add", "file_add"))


def holder(source: str) -> str:
    """Who holds a unit's bytes until it is known whose they are."""
    return f"source:{source}"


class StoreLanding:
    """`contracts.ports.Landing` over the operational store, the vault and the ledger."""

    def __init__(self, store: Store, vault: Vault, ledger: Ledger) -> None:
        self._store, self._vault, self._ledger = store, vault, ledger

    def land(self, tx: Tx, envelopes: Sequence[Envelope]) -> list[Receipt]:
        """Keep each envelope: blob, ledger entry and receipt, or the receipt it already has.

        A message of its own (no pieces) that is new needs no more than its entry; its `origin` is the peer, a machine's name. What
        comes in files, or again, is written down as a delivery: file names can name people, so they stand in the vault.
        """
        return self.land_groups(tx, [envelopes])[0]

    def land_groups(self, tx: Tx, groups: Sequence[Sequence[Envelope]]) -> list[list[Receipt]]:
        """`land` for several groups in their order, each its own delivery; the entries of all units stand before those of deliveries."""
        envelopes = [envelope for group in groups for envelope in group]
        if not envelopes:
            return [[] for _ in groups]
        addresses = [self._vault.address(envelope.raw) for envelope in envelopes]
        found = self._vault.found(tx, addresses)
        known = self._known(tx, zip(envelopes, addresses, strict=True), found)
        named = iter([(envelope, (envelope.source, address)) for envelope, address in zip(envelopes, addresses, strict=True)])
        fresh: dict[Name, Envelope] = {}
        lone = set[Name]()
        parts: list[tuple[list[tuple[Envelope, Name, bool]], bool]] = []  # units with whether they are new; is each a message of its own?
        for group in groups:
            units = []
            for envelope, name in islice(named, len(group)):
                new = name not in known and name not in fresh
                if new:
                    fresh[name] = envelope
                units.append((envelope, name, new))
            alone = all(new and not envelope.pieces for envelope, _, new in units)
            parts.append((units, alone))
            if alone:
                lone.update(name for _, name, _ in units)
        receipts = self._add(tx, fresh, found, lone)
        answers, deliveries, rows = [], [], []
        for units, alone in parts:
            answer = [receipts[name] if new else repeat(known.get(name) or receipts[name]) for _, name, new in units]
            answers.append(answer)
            if alone:
                rows += [
                    (one.seq, 0, one.seq, env.origin, env.received_at, "[]", 0) for one, (env, _, _) in zip(answer, units, strict=True)
                ]
            elif units:
                deliveries.append([(one.seq, envelope, not new) for one, (envelope, _, new) in zip(answer, units, strict=True)])
        tx.executemany(_DELIVERY_ADD, rows)
        self._deliver(tx, deliveries)
        return answers

    def land_each(self, tx: Tx, envelopes: Sequence[Envelope]) -> list[Receipt]:
        """Keep each envelope as if it had come alone, in order."""
        addresses = [self._vault.address(envelope.raw) for envelope in envelopes]
        found = self._vault.found(tx, addresses)
        if found or len(set(addresses)) < len(addresses) or any(envelope.pieces for envelope in envelopes):
            return [self.land(tx, [envelope])[0] for envelope in envelopes]
        fresh = {(envelope.source, address): envelope for envelope, address in zip(envelopes, addresses, strict=True)}
        receipts = list(self._add(tx, fresh, found, fresh.keys()).values())
        tx.executemany(
            _DELIVERY_ADD,
            [(one.seq, 0, one.seq, env.origin, env.received_at, "[]", 0) for one, env in zip(receipts, envelopes, strict=True)],
        )
        return receipts

    def _known(self, tx: Tx, pairs: Iterable[tuple[Envelope, str]], found: set[str]) -> dict[Name, Receipt]:
        """Receipts of bytes that were landed before. What the vault does not know, nobody has landed."""
        wanted: dict[str, list[str]] = {}
        for envelope, address in pairs:
            if address in found:
                wanted.setdefault(envelope.source, []).append(address)
        known = {}
        for source, addresses in wanted.items():
            for blob, seq, form, state, received_at in tx.execute(_sql("receipt_known"), (source, jsontext.dumps(addresses).decode())):
                known[source, blob] = Receipt(seq, source, form, state, blob, received_at)
        return known

    def _add(self, tx: Tx, fresh: dict[Name, Envelope], found: set[str], lone: Set[Name]) -> dict[Name, Receipt]:
        commitments = self._keep(tx, [(*name, envelope.raw) for name, envelope in fresh.items()], found, "raw")
        entries = []
        for name, envelope in fresh.items():
            source, address = name
            unit = "message" if name in lone else "part"
            notes = {"source": source, "format": envelope.format, "bytes": str(len(envelope.raw)), "blob": address, "unit": unit}
            if envelope.context:
                notes["context"] = str(envelope.context)
            if name in lone:
                notes["peer"] = envelope.origin
            sealed = {"raw": commitments[address]}
            entries.append(Entry("raw.received", envelope.received_at, commitments=sealed, notes=notes))
        positions = self._ledger.append(tx, entries)
        receipts, rows = {}, []
        for (name, envelope), position in zip(fresh.items(), positions, strict=True):
            receipts[name] = Receipt(position.seq, name[0], envelope.format, "landed", name[1], envelope.received_at)
            rows.append((position.seq, name[0], envelope.format, name[1], len(envelope.raw), envelope.context, envelope.received_at))
        tx.executemany(_RECEIPT_ADD, rows)
        return receipts

    def _keep(self, tx: Tx, wanted: Sequence[tuple[str, str, bytes]], found: Set[str], kind: str) -> dict[str, str]:
        """Put bytes (source, address, bytes) into the vault, those it does not know in one go for each source; gives their commitments."""
        commitments: dict[str, str] = {}
        added: dict[str, dict[str, bytes]] = {}
        first: dict[str, str] = {}
        for source, address, data in wanted:
            if address not in found and first.setdefault(address, source) == source:
                added.setdefault(source, {})[address] = data
        for source, blobs in added.items():
            commitments.update(zip(blobs, self._vault.add(tx, list(blobs.items()), holder=holder(source), kind=kind), strict=True))
        for source, address, data in wanted:
            if address not in added.get(source, ()):
                self._vault.put(tx, data, holder=holder(source), kind=kind)
                commitments[address] = self._vault.commit(address)
        return commitments

    def _write_down(self, tx: Tx, kind: str, told: Sequence[tuple[str, str, bytes, dict[str, str]]]) -> list[int]:
        """Manifests (source, when, what, notes) into the vault, and an entry for each. Gives the positions."""
        blob_kind = {"delivery": "delivery", "file.received": "file"}[kind]
        addresses = [self._vault.address(manifest, blob_kind) for _, _, manifest, _ in told]
        wanted = [(source, address, manifest) for address, (source, _, manifest, _) in zip(addresses, told, strict=True)]
        commitments = self._keep(tx, wanted, self._vault.found(tx, addresses), blob_kind)
        entries = [
            Entry(kind, at, commitments={"manifest": commitments[address]}, notes={"source": source, **notes, "blob": address})
            for address, (source, at, _, notes) in zip(addresses, told, strict=True)
        ]
        return [position.seq for position in self._ledger.append(tx, entries)]

    def _deliver(self, tx: Tx, deliveries: Sequence[Sequence[tuple[int, Envelope, bool]]]) -> None:
        """Write down who handed over what, out of which file: in the vault, because file names can name people."""
        if not deliveries:
            return
        told = []
        for lines in deliveries:
            first = lines[0][1]
            units = [[seq, int(again), envelope.origin, envelope.pieces] for seq, envelope, again in lines]
            manifest = jsontext.dumps({"received_at": first.received_at, "units": units})
            notes = {"units": str(len(lines)), "repeats": str(sum(again for _, _, again in lines))}
            told.append((first.source, first.received_at, manifest, notes))
        rows = []
        for seq, lines in zip(self._write_down(tx, "delivery", told), deliveries, strict=True):
            at = lines[0][1].received_at
            for ordinal, (receipt, envelope, again) in enumerate(lines):
                rows.append((seq, ordinal, receipt, envelope.origin, at, jsontext.dumps(envelope.pieces).decode(), int(again)))
        tx.executemany(_DELIVERY_ADD, rows)

    def close_file(self, tx: Tx, source: str, origin: str, size: int, covered: int, units: int, repeats: int, at: str) -> int:
        """Write down that a file was taken in whole: its length, and how many of its bytes the units cover. Gives the position."""
        return self.close_files(tx, [FileEnd(source, origin, size, covered, units, repeats, at)])[0]

    def close_files(self, tx: Tx, files: Sequence[FileEnd]) -> list[int]:
        """The same for several files, in order."""
        if not files:
            return []
        told = []
        for source, origin, size, covered, units, repeats, at in files:
            manifest = jsontext.dumps(
                {"origin": origin, "bytes": size, "covered": covered, "units": units, "repeats": repeats, "received_at": at}
            )
            told.append((source, at, manifest, {"bytes": str(size), "covered": str(covered), "units": str(units)}))
        positions = self._write_down(tx, "file.received", told)
        tx.executemany(_FILE_ADD, [(seq, *file) for seq, file in zip(positions, files, strict=True)])
        return positions

    def pending(self, limit: int, after: int = -1) -> list[Receipt]:
        """Receipts in flight, oldest first, behind position `after`."""
        return [Receipt(*row) for row in self._store.read(_sql("receipt_pending"), (after, limit))]

    def receipt(self, seq: int) -> Receipt:
        """One receipt by its number. NotFound when there is none."""
        rows = self._store.read(_sql("receipt_one"), (seq,))
        if not rows:
            raise NotFound("E220", f"no receipt {seq}", help="trivet query 'select * from messages'")
        return Receipt(*rows[0])

    def raw(self, receipt: Receipt) -> bytes:
        """The exact bytes that came. Raises what the vault raises: erased, damaged."""
        return self._vault.get(receipt.blob)

    def raws(self, receipts: Sequence[Receipt]) -> list[bytes | None]:
        """The same for many; None for those that were erased."""
        return self._vault.get_each([receipt.blob for receipt in receipts])

    def horizon(self) -> int:
        """The last position at or before which nothing is in flight."""
        size = self._ledger.size()
        first = self._store.read(_sql("receipt_first_landed"))[0][0]
        return size - 1 if first is None else min(first, size) - 1

    def claim(self, tx: Tx, receipts: Sequence[Receipt]) -> None:
        """Make sure that these receipts are still in flight. Locked when another process settled one of them meanwhile."""
        wanted = jsontext.dumps([receipt.seq for receipt in receipts]).decode()
        if tx.execute(_sql("receipt_still_landed"), (wanted,))[0][0] != len(receipts):
            raise Locked("E221", "another process settled these receipts", help="nothing is lost; the rest is taken up again")

    def settle(self, tx: Tx, outcomes: Sequence[tuple[Receipt, Parcel]], run: int) -> None:
        """Give each receipt its end state; write down rejects, notices, coverage and traffic."""
        states, rejects, notices = [], [], []
        for receipt, parcel in outcomes:
            states.append((parcel.state, parcel.reason, int(parcel.partial), run, receipt.seq))
            for ordinal, reject in enumerate(parcel.rejects):
                place = (reject.locator, reject.offset, reject.length)
                rejects.append((receipt.seq, ordinal, reject.code, reject.reason, *place, reject.help))
            notices += [(receipt.seq, *notice) for notice in parcel.notices]
        tx.executemany(_sql("receipt_settle"), states)
        tx.executemany(_sql("reject_add"), rejects)
        tx.executemany(_sql("notice_add"), notices)
        tx.executemany(_sql("coverage_add"), coverage_rows(outcomes))
        interfaces.write(tx, outcomes)

    def balance(self) -> dict[str, dict[str, Any]]:
        """Per source: receipts by state, when the last one came (`last_at`), deliveries and how many of them were repeats."""
        names = ("receipts", "mapped", "quarantined", "ignored", "in_flight", "partial", "last_at")
        counts = {source: dict(zip(names, row, strict=True)) for source, *row in self._store.read(_sql("balance_sources"))}
        for source, delivered, repeated in self._store.read(_sql("balance_deliveries")):
            counts[source] |= {"delivered": delivered, "repeated": repeated}
        return counts

    def files(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Per source: files, their bytes and the bytes that units cover; and the files (at most 100) where the two differ."""
        names = ("source", "files", "bytes", "covered", "units")
        sums = [dict(zip(names, row, strict=True)) for row in self._store.read(_sql("balance_files"))]
        off = [
            dict(zip(("seq", "source", "origin", "bytes", "covered"), row, strict=True))
            for row in self._store.read(_sql("balance_files_off"))
        ]
        return sums, off

    def replay_received(self, tx: Tx, seq: int, entry: dict[str, Any]) -> None:
        """The receipt of a `raw.received` entry, again."""
        notes = entry["notes"]
        row = (seq, notes["source"], notes["format"], notes["blob"], int(notes["bytes"]), int(notes.get("context", "0")), entry["at"])
        tx.execute(_RECEIPT_ADD, row)
        if notes["unit"] == "message":
            tx.execute(_DELIVERY_ADD, (seq, 0, seq, notes["peer"], entry["at"], "[]", 0))

    def replay_delivery(self, tx: Tx, seq: int, manifest: bytes) -> None:
        """The rows of a `delivery` entry."""
        said = jsontext.loads(manifest)
        rows = [
            (seq, ordinal, receipt, origin, said["received_at"], jsontext.dumps(pieces).decode(), again)
            for ordinal, (receipt, again, origin, pieces) in enumerate(said["units"])
        ]
        tx.executemany(_DELIVERY_ADD, rows)

    def replay_file(self, tx: Tx, seq: int, source: str, manifest: bytes) -> None:
        """The row of a `file.received` entry."""
        said = jsontext.loads(manifest)
        counts = (said["bytes"], said["covered"], said["units"], said["repeats"])
        tx.execute(_FILE_ADD, (seq, source, said["origin"], *counts, said["received_at"]))


def repeat(receipt: Receipt) -> Receipt:
    """The answer to a repeated delivery: the receipt that the bytes have already."""
    return Receipt(receipt.seq, receipt.source, receipt.format, receipt.state, receipt.blob, receipt.received_at, receipt.seq)
