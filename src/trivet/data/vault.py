"""The vault: encrypted bytes by content address.

In: bytes and who holds them. Out: an address that says nothing (HMAC under a secret of the house), and later the exact
bytes. Each blob has its own random data key and commitment salt; both are wrapped for each holder (`source:NAME`,
`person:ID`, `house`). Destroying a holder's key makes what only that holder could open unreadable for ever, while every
commitment and every ledger proof about it still stands. Whatever is damaged is a Fault, never other bytes.

Sealed with AES-256-GCM. A data key is used once, so its nonce is zero; wraps carry random nonces (NIST SP 800-38D, 8.2.2).
"""

from __future__ import annotations

import hmac
import os
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trivet.contracts.ports import Store, Tx
from trivet.data.keyring import Keyring
from trivet.kernel import jsontext
from trivet.kernel.digest import commitment
from trivet.kernel.errors import Fault, NotFound
from trivet.kernel.resources import text

__all__ = ["SealedVault"]


def _sql(name: str) -> str:
    return text("trivet.data", "sql", "statements", f"vault_{name}.sql")


_FIND, _FOUND, _LAST, _ADD, _REPLACE, _READ, _FORGET = map(_sql, ("find", "found", "last", "add", "replace", "read", "forget"))
_READ_EACH, _WRAPS_EACH = map(_sql, ("read_each", "wraps_each"))
_WRAP, _WRAPS, _UNWRAP, _UNWRAP_ALL, _UNWRAP_HOLDER = map(_sql, ("wrap", "wraps", "unwrap", "unwrap_all", "unwrap_holder"))
_HOLDER, _HOLDER_ADD, _HOLDER_DESTROY, _HOLDERS, _ORPHANS = map(_sql, ("holder", "holder_add", "holder_destroy", "holders", "orphans"))

ZERO = bytes(12)
IN_ROW = 65_536  # sealed bytes above which a blob stands in a file of its own
WORTH_PACKING = 256  # bytes below which compression is not tried
RECENT = 65_536  # commitments of recent puts kept, for the ledger entry written in the same transaction


class SealedVault:
    """`contracts.ports.Vault` over the operational store, a keyring and a folder for large blobs."""

    def __init__(self, store: Store, keyring: Keyring, folder: Path) -> None:
        self._store = store
        self._keys = keyring
        self._folder = folder
        self._recent: OrderedDict[str, str] = OrderedDict()

    def address(self, data: bytes, kind: str = "raw") -> str:
        """Where these bytes stand, or would stand, as this kind of thing: 64 hexadecimal digits."""
        return hmac.digest(self._keys.address_secret, kind.encode() + b"\0" + data, "sha256").hex()

    def put(self, tx: Tx, data: bytes, *, holder: str, kind: str) -> str:
        """Keep bytes for a holder. Putting the same bytes again adds the holder and nothing else."""
        address = self.address(data, kind)
        found = tx.execute(_FIND, (address,))
        if not found:
            self.add(tx, [(address, data)], holder=holder, kind=kind)
            return address
        blob, committed, _, _ = found[0]
        held = self._secret(tx.execute(_WRAPS, (blob,)), address)
        if held is None:  # nobody can open the old one any more: the bytes are new to the house
            tx.execute(_UNWRAP_ALL, (blob,))
            held, row = self._seal(address, data, kind)
            tx.execute(_REPLACE, (*row, blob))
        else:
            self._remember(address, committed)
        self._wrap(tx, blob, address, held, holder)
        return address

    def found(self, tx: Tx, blobs: Sequence[str]) -> set[str]:
        """Which of these addresses the vault knows, erased ones too."""
        if len(blobs) == 1:
            return {blobs[0]} if tx.execute(_FIND, blobs) else set()
        return {address for (address,) in tx.execute(_FOUND, (_list(blobs),))}

    def add(self, tx: Tx, blobs: Sequence[tuple[str, bytes]], *, holder: str, kind: str) -> list[str]:
        """`put` for many, each with its `address`, of which none is known or comes twice. Gives their commitments."""
        key, cipher = self._holding(tx, holder)
        rows, wraps, commitments = [], [], []
        for number, (address, data) in enumerate(blobs, tx.execute(_LAST)[0][0] + 1):
            secret, row = self._seal(address, data, kind)
            rows.append((number, address, *row))
            wraps.append((number, key, wrapped(cipher, secret, address)))
            commitments.append(row[-1])
        tx.executemany(_ADD, rows)
        tx.executemany(_WRAP, wraps)
        return commitments

    def get(self, blob: str) -> bytes:
        """The exact bytes. Raises NotFound (E620 unknown, E622 erased) or Fault (E621 damaged)."""
        return self._unsealed(blob, *self._opened(blob))

    def get_each(self, blobs: Sequence[str]) -> list[bytes | None]:
        """The exact bytes of many, by one look into the store; None for those that are erased. Raises like `get`."""
        held: dict[str, tuple[tuple[Any, ...], list[tuple[Any, ...]]]] = {}
        for row in self._store.read(_READ_EACH, (_list(blobs),)):
            wraps = held.setdefault(row[0], (row[1:8], []))[1]
            wraps += [row[8:]] if row[8] is not None else []
        keys = self._keys.open_each({key_id for _, wraps in held.values() for _, key_id, _, _ in wraps})
        answer: list[bytes | None] = []
        for blob in blobs:
            if blob not in held:
                raise unknown(blob)
            row, wraps = held[blob]
            secret = self._secret(wraps, blob, keys)
            answer.append(None if secret is None or row[4] == "gone" else self._unsealed(blob, row, secret))
        return answer

    def _unsealed(self, blob: str, row: tuple[Any, ...], secret: bytes) -> bytes:
        _, kind, size, codec, place, sealed, _ = row
        if place == "file":
            try:
                sealed = self._file(blob).read_bytes()
            except OSError:
                raise damaged(blob, "its file cannot be read") from None
        try:
            data = AESGCM(secret[:32]).decrypt(ZERO, sealed, blob.encode())
            data = zlib.decompress(data) if codec == "zlib" else data
        except (InvalidTag, zlib.error, TypeError):
            raise damaged(blob, "the seal does not hold") from None
        if len(data) != size or not hmac.compare_digest(self.address(data, kind), blob):
            raise damaged(blob, "the content is not what the address says")
        return data

    def commit(self, blob: str) -> str:
        """The salted commitment to the blob, also right after `put`, before the transaction ends."""
        recent = self._recent.get(blob)
        return recent if recent is not None else str(self._row(blob)[6])

    def opening(self, blob: str) -> bytes:
        """The 32-byte salt that opens the commitment. Raises like `get`."""
        return self._opened(blob)[1][32:]

    def kind(self, blob: str) -> str:
        """What the blob is; the commitment binds it."""
        return str(self._row(blob)[1])

    def holders(self, blob: str) -> list[str]:
        """Who can open it now."""
        return [holder for (holder,) in self._store.read(_HOLDERS, (blob,))]

    def rewrap(self, tx: Tx, blobs: Sequence[str], holder: str) -> None:
        """Hand blobs over from their source or the house to `holder`. Persons who hold one already keep it (a shared blob)."""
        held: dict[str, tuple[int, list[tuple[Any, ...]]]] = {}
        for address, number, *wrap in tx.execute(_WRAPS_EACH, (_list(blobs),)):
            wraps = held.setdefault(address, (number, []))[1]
            wraps += [tuple(wrap)] if wrap[0] is not None else []
        keys = self._keys.open_each({key_id for _, wraps in held.values() for _, key_id, _, _ in wraps})
        own, cipher = self._holding(tx, holder)
        given, taken = [], []
        for address in blobs:
            if address not in held:
                raise unknown(address)
            number, wraps = held[address]
            secret = self._secret(wraps, address, keys)
            if secret is None:
                raise erased(address)
            given.append((number, own, wrapped(cipher, secret, address)))
            taken += [(number, key) for key, _, name, _ in wraps if name != holder and not name.startswith("person:")]
        tx.executemany(_WRAP, given)
        tx.executemany(_UNWRAP, taken)

    def release(self, tx: Tx, blobs: Sequence[str], holder: str) -> None:
        """Take a holder's hold off blobs that others hold too (a link undone). The last holder is refused: use `destroy`."""
        for address in blobs:
            number, wraps = self._wraps(tx, address)
            if len(wraps) == 1 and wraps[0][2] == holder:
                raise Fault("E623", "a blob cannot lose its last holder", where=address[:16], help="rewrap it first, or destroy the holder")
            for key, _, name, _ in wraps:
                if name == holder:
                    tx.execute(_UNWRAP, (number, key))

    def destroy(self, tx: Tx, holder: str) -> int:
        """Make what only `holder` could open unreadable for ever. Gives the number of such blobs.

        The key goes first, and stays gone even if the transaction does not commit: an erasure may be done and not yet
        recorded, never recorded and not done.
        """
        gone = 0
        for key, key_id in tx.execute(_HOLDER, (holder,)):
            orphans = tx.execute(_ORPHANS, (key,))
            self._keys.destroy([key_id])
            tx.execute(_HOLDER_DESTROY, (key,))
            tx.execute(_UNWRAP_HOLDER, (key,))
            for number, address, place in orphans:
                tx.execute(_FORGET, (number,))
                if place == "file":
                    self._file(address).unlink(missing_ok=True)
            gone += len(orphans)
        return gone

    def expire(self, tx: Tx, blobs: Sequence[str]) -> None:
        """Let bytes go whose time is over, whoever holds them: their keys and their content are removed, address and commitment stand."""
        for address in blobs:
            number, _ = self._wraps(tx, address)
            tx.execute(_UNWRAP_ALL, (number,))
            tx.execute(_FORGET, (number,))
            self._file(address).unlink(missing_ok=True)

    def _seal(self, address: str, data: bytes, kind: str) -> tuple[bytes, tuple[Any, ...]]:
        """Encrypt a blob under a new data key and salt; gives its secret (data key + salt) and its row from the kind on."""
        secret = os.urandom(64)
        packed = zlib.compress(data, 1) if len(data) >= WORTH_PACKING else data
        codec = "zlib" if len(packed) < len(data) * 0.9 else "plain"
        sealed: bytes | None = AESGCM(secret[:32]).encrypt(ZERO, packed if codec == "zlib" else data, address.encode())
        committed = commitment(secret[32:], kind, data)
        place = "row"
        if sealed is not None and len(sealed) > IN_ROW:
            self._write_file(address, sealed)
            place, sealed = "file", None
        self._remember(address, committed)
        return secret, (kind, len(data), codec, place, sealed, committed)

    def _holding(self, tx: Tx, holder: str) -> tuple[int, AESGCM]:
        """A holder's key: its number and its cipher. Nobody else can destroy it before this transaction ends."""
        rows = tx.execute(_HOLDER, (holder,))
        cipher = self._keys.open(rows[0][1]) if rows else None
        if cipher is None:  # no key yet, or one that a destruction took away before it could be recorded
            for key, _ in rows:
                tx.execute(_HOLDER_DESTROY, (key,))
            fresh = self._keys.fresh()
            rows = [(tx.execute(_HOLDER_ADD, (holder, fresh.id))[0][0], fresh.id)]
            cipher = fresh.cipher
        return rows[0][0], cipher

    def _wrap(self, tx: Tx, blob: int, address: str, secret: bytes, holder: str) -> None:
        key, cipher = self._holding(tx, holder)
        tx.execute(_WRAP, (blob, key, wrapped(cipher, secret, address)))

    def _secret(self, wraps: Sequence[Sequence[Any]], address: str, keys: Mapping[str, AESGCM | None] | None = None) -> bytes | None:
        """Data key and salt, through any holder whose key still exists; `keys` are those that were opened already."""
        for _, key_id, _, wrap in wraps:
            cipher = self._keys.open(key_id) if keys is None else keys[key_id]
            if cipher is not None:
                try:
                    return cipher.decrypt(wrap[:12], wrap[12:], address.encode())
                except InvalidTag:
                    raise damaged(address, "its key does not open") from None
        return None

    def _remember(self, address: str, committed: str) -> None:
        self._recent[address] = committed
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def _wraps(self, tx: Tx, address: str) -> tuple[int, list[tuple[Any, ...]]]:
        found = tx.execute(_FIND, (address,))
        if not found:
            raise unknown(address)
        return found[0][0], tx.execute(_WRAPS, (found[0][0],))

    def _row(self, address: str) -> tuple[Any, ...]:
        rows = self._store.read(_READ, (address,))
        if not rows:
            raise unknown(address)
        return rows[0]

    def _opened(self, address: str) -> tuple[tuple[Any, ...], bytes]:
        row = self._row(address)
        secret = self._secret(self._store.read(_WRAPS, (row[0],)), address)
        if secret is None or row[4] == "gone":
            raise erased(address)
        return row, secret

    def _file(self, address: str) -> Path:
        return self._folder / address[:2] / address

    def _write_file(self, address: str, sealed: bytes) -> None:
        """File, then its name, durable before the row that speaks of it."""
        path = self._file(address)
        fresh = not path.parent.exists()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".draft")
        try:
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            for folder in (path.parent, self._folder) if fresh else (path.parent,):
                handle = os.open(folder, os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)
        except OSError as error:
            raise Fault(
                "E624", "a large blob could not be written", where=str(path), why=error.strerror or "", help="trivet doctor"
            ) from None


def wrapped(cipher: AESGCM, secret: bytes, address: str) -> bytes:
    """A blob's secret under a holder's key."""
    nonce = os.urandom(12)
    return nonce + cipher.encrypt(nonce, secret, address.encode())


def _list(values: Sequence[str]) -> str:
    return jsontext.dumps(list(values)).decode("utf-8")


def unknown(address: str) -> NotFound:
    """No such blob."""
    return NotFound("E620", "no such blob", where=address[:16])


def erased(address: str) -> NotFound:
    """The blob's holders are destroyed."""
    return NotFound(
        "E622", "the blob is erased", where=address[:16], why="its key is destroyed, or its time is over; commitments and proofs stand"
    )


def damaged(address: str, why: str) -> Fault:
    """The blob is not what was put in."""
    return Fault("E621", "a blob is damaged", where=address[:16], why=why, help="trivet fsck; restore vault and home.db from backup")
