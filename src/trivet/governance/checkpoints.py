"""Signed heads of the ledger (C2SP tlog-checkpoint) and the proofs that lean on them.

In: a ledger and a private note key kept outside the database. Out: checkpoints, proofs as text, a static tree of tiles.
Refused: signing a head that does not continue the last signed one, and signing for another log's name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from trivet.contracts.ports import Clock, Store, Tx
from trivet.governance.ledger import MerkleLedger
from trivet.kernel.errors import Fault, Locked, NotFound
from trivet.kernel.merkle import BadProof, check_consistency
from trivet.kernel.note import BadNote, Checkpoint, NoteSigner, TlogProof, open_note, parse_checkpoint
from trivet.kernel.resources import text

__all__ = ["Checkpointer", "SignedHead", "create_signing_key", "read_signing_key"]


def _sql(name: str) -> str:
    return text("trivet.governance", "sql", "ledger", f"{name}.sql")


_LAST, _COVERING, _ALL, _ADD = map(_sql, ("last_checkpoint", "checkpoint_covering", "checkpoints", "add_checkpoint"))


class SignedHead(NamedTuple):
    """A checkpoint as kept: size, root, the signed note, and when it was signed."""

    size: int
    root: bytes
    note: str
    at: str


class Checkpointer:
    """Signs heads, at most one for each size, each continuing the one before."""

    def __init__(self, ledger: MerkleLedger, store: Store, signer: NoteSigner, clock: Clock) -> None:
        self._ledger, self._store, self._clock = ledger, store, clock
        self.signer = signer

    def last(self) -> SignedHead | None:
        """The newest checkpoint, or None before the first."""
        rows = self._store.read(_LAST)
        return SignedHead(*rows[0]) if rows else None

    def all(self) -> list[SignedHead]:
        """Every checkpoint, oldest first."""
        return [SignedHead(*row) for row in self._store.read(_ALL)]

    def sign(self) -> SignedHead:
        """Sign the head as it is now; the last checkpoint when nothing was added since.

        Raises Fault E645 when the tree does not continue the last checkpoint (the log was changed), E646 when that one is not
        ours, NotFound when the log is empty, Locked when other processes keep signing first.
        """
        for _ in range(10):
            last, size = self.last(), self._ledger.size()
            if last is not None and last.size == size:
                self._check(last)
                return last
            if not size:
                raise NotFound("E647", "an empty ledger has no checkpoint", help="trivet receive PATH --source NAME")
            fresh = self._ledger.root_bytes(size)
            if last is not None:
                self._continue(last, size, fresh)
            note = self.signer.sign(Checkpoint(self.signer.name, size, fresh).text)
            head = SignedHead(size, fresh, note, self._clock.now())
            if self._store.write(lambda tx, head=head, last=last: self._add(tx, head, last)):  # type: ignore[misc]
                return head
        raise Locked("E648", "other processes keep signing first", help="try again")

    def covering(self, seq: int) -> SignedHead:
        """The first checkpoint that holds an entry; signs one when there is none yet."""
        if not 0 <= seq < self._ledger.size():
            raise NotFound("E643", f"no ledger entry {seq}", why=f"the ledger has {self._ledger.size()}")
        rows = self._store.read(_COVERING, (seq,))
        return SignedHead(*rows[0]) if rows else self.sign()

    def prove(self, seq: int, head: SignedHead | None = None) -> str:
        """A `.tlog-proof` for one entry: anybody with the public key can check it, without this house."""
        head = head or self.covering(seq)
        return TlogProof(seq, self._ledger.inclusion(seq, head.size), head.note).text

    def _continue(self, last: SignedHead, size: int, fresh: bytes) -> None:
        self._check(last)
        try:
            if size < last.size:
                raise BadProof("entries are missing at the end")
            check_consistency(last.size, size, last.root, fresh, self._ledger.consistency(last.size, size))
        except BadProof as error:
            raise Fault(
                "E645",
                "the ledger does not continue its last checkpoint, nothing was signed",
                where=f"checkpoint {last.size}, head {size}",
                why=str(error),
                help="trivet ledger verify",
            ) from None

    def _check(self, head: SignedHead) -> None:
        try:
            said = parse_checkpoint(open_note(head.note, [self.signer.verifier]))
        except BadNote as error:
            raise Fault("E646", "a kept checkpoint is not ours", where=f"checkpoint {head.size}", why=str(error)) from None
        if said != Checkpoint(self.signer.name, head.size, head.root):
            raise Fault("E646", "a kept checkpoint says something else", where=f"checkpoint {head.size}", help="trivet ledger verify")

    @staticmethod
    def _add(tx: Tx, head: SignedHead, last: SignedHead | None) -> bool:
        """Compare and swap: only while the last checkpoint is still the one that was continued."""
        rows = tx.execute(_LAST)
        if (rows[0][0] if rows else None) != (last.size if last else None):
            return False
        tx.execute(_ADD, tuple(head))
        return True


def create_signing_key(path: Path, name: str) -> NoteSigner:
    """Make the log's key under its origin, in a file of its owner only. Raises Fault when there is one already."""
    signer = NoteSigner(name, os.urandom(32))
    signer.sign("trial\n")  # a name that a note cannot hold is noticed now
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise Fault("E649", "there is a checkpoint key already", where=str(path)) from None
    with os.fdopen(handle, "w") as file:
        file.write(signer.skey + "\n")
        file.flush()
        os.fsync(file.fileno())
    return signer


def read_signing_key(path: Path, origin: str) -> NoteSigner:
    """The log's key. Raises NotFound when there is none, Fault when it is damaged, readable by others, or another log's."""
    try:
        if path.stat().st_mode & 0o077:
            raise Fault("E654", "others may read the checkpoint key", where=str(path), help=f"chmod 600 {path}")
        signer = NoteSigner.parse(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise NotFound("E655", "no checkpoint key", where=str(path), help="restore keys/ from its own backup") from None
    except (BadNote, UnicodeDecodeError):
        raise Fault("E656", "the checkpoint key is damaged", where=str(path)) from None
    if signer.name != origin:
        raise Fault("E657", "the checkpoint key is another log's", where=str(path), why=f"{signer.name}, not {origin}")
    return signer
