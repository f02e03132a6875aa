"""Holder keys: random, wrapped with the master key, kept apart from what they open, destroyable for ever.

In: key ids. Out: 32-byte keys. The key store is a file of its own (`keys/keys.db`), so that a backup of the vault holds
no key, and the keys can have their own short-lived backups. Deleting a key overwrites it in the file.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trivet.contracts.ports import Tx
from trivet.data.engines.sqlite import SQLiteStore
from trivet.kernel.errors import Fault, NotFound
from trivet.kernel.resources import listing, text

__all__ = ["KEY_SCHEMA", "Key", "Keyring", "create_master", "read_master"]

KEY_SCHEMA = tuple(text("trivet.data", "sql", "keys", name) for name in listing("trivet.data", "sql/keys", ".sql") if name[0].isdigit())
_ADD, _ADD_ONCE, _ONE, _DESTROY, _COUNTED, _COUNT = (
    text("trivet.data", "sql", "keys", f"{name}.sql") for name in ("add", "add_once", "one", "destroy", "destructions", "count_destruction")
)

ADDRESS = "address"  # the id of the secret under which the vault makes content addresses
KEPT = 20_000  # opened keys held in memory
SPARES = (4, 32, 256, 1_024)  # keys made ahead in one durable write, growing as they are used up


class Key(NamedTuple):
    """A holder key: its id, which says nothing, and the cipher that wraps with it."""

    id: str
    cipher: AESGCM


def create_master(path: Path) -> None:
    """Write 32 random bytes, readable by the owner only, durable before it returns. Raises Fault when there is one already."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise Fault("E630", "there is a master key already", where=str(path), why="replacing it would lose every blob") from None
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def read_master(path: Path) -> bytes:
    """The master key. Raises NotFound when there is none, Fault when it is not 32 bytes or others may read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise Fault("E631", "others may read the master key", where=str(path), help=f"chmod 600 {path}")
        master = path.read_bytes()
    except FileNotFoundError:
        raise NotFound("E632", "no master key", where=str(path), help="restore keys/ from its own backup") from None
    if len(master) != 32:
        raise Fault("E633", "the master key is damaged", where=str(path), why=f"{len(master)} bytes, not 32")
    return master


class Keyring:
    """Keys by id. `fresh` gives a new durable one, `open` an old one, `destroy` makes old ones unreadable for ever."""

    def __init__(self, store: SQLiteStore, master: bytes) -> None:
        self._store = store
        self._master = AESGCM(master)
        self._opened: OrderedDict[str, AESGCM] = OrderedDict()
        self._destructions = -1
        self._spares: list[tuple[str, bytes]] = []
        self._refills = 0
        self._lock = threading.Lock()
        self.address_secret = self._address_secret()

    def fresh(self) -> Key:
        """A key nobody has used, durable in the key store before it is given away."""
        with self._lock:
            if not self._spares:
                count = SPARES[min(self._refills, len(SPARES) - 1)]
                self._refills += 1
                made = [(secrets.token_hex(16), secrets.token_bytes(32)) for _ in range(count)]
                rows = [(key_id, self._seal(key_id, secret)) for key_id, secret in made]
                self._store.write(lambda tx: tx.executemany(_ADD, rows))
                self._spares = made
            key_id, secret = self._spares.pop()
            return Key(key_id, self._keep(key_id, secret))

    def open(self, key_id: str) -> AESGCM | None:
        """The key's cipher, or None when it is destroyed, in whatever process. Fault when the master key does not open it."""
        return self.open_each((key_id,))[key_id]

    def open_each(self, key_ids: Iterable[str]) -> dict[str, AESGCM | None]:
        """The same for many keys, by id."""
        with self._lock:
            counted = self._store.read(_COUNTED)[0][0]
            if counted != self._destructions:
                self._opened.clear()
                self._destructions = counted
            return {key_id: self._opened.get(key_id) or self._read(key_id) for key_id in key_ids}

    def _read(self, key_id: str) -> AESGCM | None:
        rows = self._store.read(_ONE, (key_id,))
        return self._keep(key_id, self._unseal(key_id, rows[0][0])) if rows else None

    def destroy(self, key_ids: list[str]) -> None:
        """Delete keys: overwritten in the file and in its journal before this returns."""
        with self._lock:

            def work(tx: Tx) -> None:
                tx.executemany(_DESTROY, [(key_id,) for key_id in key_ids])
                tx.execute(_COUNT)

            self._store.write(work)
            self._store.scrub()
            self._opened.clear()

    def _address_secret(self) -> bytes:
        rows = self._store.read(_ONE, (ADDRESS,))
        if not rows:
            made = self._seal(ADDRESS, secrets.token_bytes(32))
            self._store.write(lambda tx: tx.execute(_ADD_ONCE, (ADDRESS, made)))
            rows = self._store.read(_ONE, (ADDRESS,))
        return self._unseal(ADDRESS, rows[0][0])

    def _keep(self, key_id: str, secret: bytes) -> AESGCM:
        cipher = self._opened[key_id] = AESGCM(secret)
        if len(self._opened) > KEPT:
            self._opened.popitem(last=False)
        return cipher

    def _seal(self, key_id: str, secret: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._master.encrypt(nonce, secret, key_id.encode())

    def _unseal(self, key_id: str, wrap: bytes) -> bytes:
        try:
            return self._master.decrypt(wrap[:12], wrap[12:], key_id.encode())
        except InvalidTag:
            why = "the master key does not open it"
            raise Fault("E634", "the key store is damaged", where="keys/keys.db", why=why, help="restore keys/ as a whole") from None
