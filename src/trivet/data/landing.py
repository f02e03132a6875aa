"""Keeps what came in, and what became of it.

In: envelopes, inside a transaction that is durable before anybody is told. Out: receipts, whose number is the ledger
position of their `raw.received` entry. Refused: nothing; bytes that nobody understands are kept all the same.
The same bytes from the same source are one receipt, however often they are delivered; every delivery is written down with
its origin and pieces, so that a file can be put together again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trivet.contracts.envelope import Envelope, Receipt
from trivet.contracts.parcel import Parcel
from trivet.contracts.ports import Ledger, Store, Tx, Vault
from trivet.contracts.trace import Entry
from trivet.data.interfaces import store as interfaces
from trivet.kernel import jsontext
from trivet.kernel.errors import Locked, NotFound
from trivet.kernel.resources import text

__all__ = ["StoreLanding", "holder"]


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"{name}.sql")


_RECEIPT_ADD, _DELIVERY_ADD = map(_sql, ("receipt_add", "delivery_add"))


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
        if not envelopes:
            return []
        addresses = [self._vault.address(envelope.raw) for envelope in envelopes]
        found = self._vault.found(tx, addresses)
        known = self._known(tx, zip(envelopes, addresses, strict=True), found)
        alone = not any(envelope.pieces for envelope in envelopes)
        fresh: dict[tuple[str, str], Envelope] = {}
        for envelope, address in zip(envelopes, addresses, strict=True):
            if (envelope.source, address) not in known:
                fresh.setdefault((envelope.source, address), envelope)
        alone = alone and len(fresh) == len(envelopes)
        receipts = self._add(tx, fresh, found, alone)
        answers, lines, seen = [], [], set[tuple[str, str]]()
        for envelope, address in zip(envelopes, addresses, strict=True):
            name = (envelope.source, address)
            first = name in receipts and name not in seen
            seen.add(name)
            receipt = receipts[name] if first else repeat(known.get(name) or receipts[name])
            answers.append(receipt)
            lines.append((receipt.seq, envelope, not first))
        if alone:
            rows = [(seq, 0, seq, envelope.origin, envelope.received_at, "[]", 0) for seq, envelope, _ in lines]
            tx.executemany(_DELIVERY_ADD, rows)
        elif lines:
            self._deliver(tx, lines)
        return answers

    def land_each(self, tx: Tx, envelopes: Sequence[Envelope]) -> list[Receipt]:
        """Keep each envelope as if it had come alone, in order."""
        addresses = [self._vault.address(envelope.raw) for envelope in envelopes]
        found = self._vault.found(tx, addresses)
        if found or len(set(addresses)) < len(addresses) or any(envelope.pieces for envelope in envelopes):
            return [self.land(tx, [envelope])[0] for envelope in envelopes]
        fresh = {(envelope.source, address): envelope for envelope, address in zip(envelopes, addresses, strict=True)}
        receipts = list(self._add(tx, fresh, found, True).values())
        tx.executemany(
            _DELIVERY_ADD,
            [(one.seq, 0, one.seq, env.origin, env.received_at, "[]", 0) for one, env in zip(receipts, envelopes, strict=True)],
        )
        return receipts

    def _known(self, tx: Tx, pairs: Iterable[tuple[Envelope, str]], found: set[str]) -> dict[tuple[str, str], Receipt]:
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

    def _add(self, tx: Tx, fresh: dict[tuple[str, str], Envelope], found: set[str], alone: bool) -> dict[tuple[str, str], Receipt]:
        commitments = self._keep(tx, fresh, found)
        unit = "message" if alone else "part"
        entries = []
        for (source, address), envelope in fresh.items():
            notes = {"source": source, "format": envelope.format, "bytes": str(len(envelope.raw)), "blob": address, "unit": unit}
            if envelope.context:
                notes["context"] = str(envelope.context)
            if alone:
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

    def _keep(self, tx: Tx, fresh: dict[tuple[str, str], Envelope], found: set[str]) -> dict[str, str]:
        """Put the bytes into the vault, those it does not know in one go for each source; gives their commitments."""
        commitments: dict[str, str] = {}
        added: dict[str, dict[str, bytes]] = {}
        for (source, address), envelope in fresh.items():
            if address not in found and not any(address in blobs for blobs in added.values()):
                added.setdefault(source, {})[address] = envelope.raw
        for source, blobs in added.items():
            commitments.update(zip(blobs, self._vault.add(tx, list(blobs.items()), holder=holder(source), kind="raw"), strict=True))
        for (source, address), envelope in fresh.items():
            if address not in added.get(source, ()):
                self._vault.put(tx, envelope.raw, holder=holder(source), kind="raw")
                commitments[address] = self._vault.commit(address)
        return commitments

    def _deliver(self, tx: Tx, lines: Sequence[tuple[int, Envelope, bool]]) -> None:
        """Write down who handed over what, out of which file: in the vault, because file names can name people."""
        first = lines[0][1]
        units = [[seq, int(again), envelope.origin, envelope.pieces] for seq, envelope, again in lines]
        manifest = jsontext.dumps({"received_at": first.received_at, "units": units})
        blob = self._vault.put(tx, manifest, holder=holder(first.source), kind="delivery")
        notes = {"source": first.source, "units": str(len(lines)), "repeats": str(sum(again for _, _, again in lines)), "blob": blob}
        entry = Entry("delivery", first.received_at, commitments={"manifest": self._vault.commit(blob)}, notes=notes)
        self.replay_delivery(tx, self._ledger.append(tx, [entry])[0].seq, manifest)

    def close_file(self, tx: Tx, source: str, origin: str, size: int, covered: int, units: int, repeats: int, at: str) -> int:
        """Write down that a file was taken in whole: its length, and how many of its bytes the units cover. Gives the position."""
        manifest = jsontext.dumps(
            {"origin": origin, "bytes": size, "covered": covered, "units": units, "repeats": repeats, "received_at": at}
        )
        blob = self._vault.put(tx, manifest, holder=holder(source), kind="file")
        notes = {"source": source, "bytes": str(size), "covered": str(covered), "units": str(units), "blob": blob}
        entry = Entry("file.received", at, commitments={"manifest": self._vault.commit(blob)}, notes=notes)
        seq = self._ledger.append(tx, [entry])[0].seq
        self.replay_file(tx, seq, source, manifest)
        return seq

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
        tx.execute(_sql("file_add"), (seq, source, said["origin"], *counts, said["received_at"]))


def repeat(receipt: Receipt) -> Receipt:
    """The answer to a repeated delivery: the receipt that the bytes have already."""
    return Receipt(receipt.seq, receipt.source, receipt.format, receipt.state, receipt.blob, receipt.received_at, receipt.seq)


def coverage_rows(outcomes: Sequence[tuple[Receipt, Parcel]]) -> list[tuple[Any, ...]]:
    """Coverage lines of many units, added up. Units of a feed have much the same account, mostly the very same object: counted first."""
    accounts: dict[tuple[str, str, int], list[Any]] = {}
    for receipt, parcel in outcomes:
        found = accounts.setdefault((receipt.source, receipt.format, id(parcel.coverage)), [parcel.coverage, 0, receipt.seq])
        found[1] += 1
        found[2] = min(found[2], receipt.seq)
    sums: dict[tuple[str, ...], list[int]] = {}
    for (source, form, _), (lines, often, first) in accounts.items():
        for locator, disposition, rule, elements in lines:
            sum_ = sums.setdefault((source, form, locator, disposition, rule), [0, 0, first])
            sum_[0], sum_[1] = sum_[0] + elements * often, sum_[1] + often
            sum_[2] = min(sum_[2], first)
    return [(*name, *found) for name, found in sums.items()]
