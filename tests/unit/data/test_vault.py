"""The vault: exact bytes back, nothing readable on disk, erasure for ever, several holders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trivet.contracts.ports import Tx
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.keyring import KEY_SCHEMA, Keyring, create_master, read_master
from trivet.data.vault import SealedVault
from trivet.kernel.digest import commitment
from trivet.kernel.errors import Fault, NotFound
from trivet.kernel.resources import listing, text

SCHEMA = [text("trivet.data", "sql", "schema", name) for name in listing("trivet.data", "sql/schema", ".sql") if name[:4] <= "0005"]
MARK = b"PID|1||4711^^^N||Zzyzx-Canary^Wilhelmina"


class Home:
    """A vault with its parts, opened from a folder."""

    def __init__(self, folder: Path) -> None:
        (folder / "keys").mkdir(exist_ok=True)
        if not (folder / "keys/master.key").exists():
            create_master(folder / "keys/master.key")
        self.folder = folder
        self.store = SQLiteStore(folder / "home.db", SCHEMA)
        self.key_store = SQLiteStore(folder / "keys/keys.db", KEY_SCHEMA)
        self.keys = Keyring(self.key_store, read_master(folder / "keys/master.key"))
        self.vault = SealedVault(self.store, self.keys, folder / "vault")

    def put(self, data: bytes, holder: str = "source:lab", kind: str = "raw") -> str:
        """One blob in a transaction of its own."""
        return self.store.write(lambda tx: self.vault.put(tx, data, holder=holder, kind=kind))

    def close(self) -> None:
        """Close both stores."""
        self.store.close()
        self.key_store.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A fresh vault."""
    made = Home(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("data", [b"", b"x", MARK, MARK * 100, os.urandom(1_000), os.urandom(200_000), MARK * 60_000])
def test_the_exact_bytes_come_back_in_another_process_too(tmp_path: Path, data: bytes) -> None:
    """Small, large, compressible or not: the bytes are the same after closing and opening again."""
    first = Home(tmp_path)
    blob = first.put(data)
    first.close()
    again = Home(tmp_path)
    assert again.vault.get(blob) == data
    assert again.vault.kind(blob) == "raw"
    assert again.vault.commit(blob) == commitment(again.vault.opening(blob), "raw", data)
    again.close()


def test_nothing_readable_is_on_disk_and_every_file_is_private(home: Home) -> None:
    """A marked name is in no file of the home, and nobody else may read what there is."""
    home.put(MARK)
    home.put(MARK + os.urandom(100_000))
    home.store.scrub()
    files = [path for path in home.folder.rglob("*") if path.is_file()]
    assert any(path.parent.parent.name == "vault" for path in files)
    for path in files:
        assert b"Canary" not in path.read_bytes(), path
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_same_bytes_are_kept_once_and_addresses_say_nothing(home: Home, tmp_path: Path) -> None:
    """Same bytes, same address and one row; another house gives another address; a plain hash is nowhere."""
    blob = home.put(MARK)
    assert home.put(MARK, holder="source:other") == blob
    assert home.store.read("select count(*) from blob") == [(1,)]
    assert home.vault.holders(blob) == ["source:lab", "source:other"]
    (tmp_path / "other").mkdir()
    other = Home(tmp_path / "other")
    assert other.vault.address(MARK) != blob
    other.close()


def test_the_same_bytes_as_another_kind_are_another_blob(home: Home) -> None:
    """A commitment binds the kind: somebody who sends us a copy of a decision record does not become its author."""
    one, two = home.put(MARK, kind="decision"), home.put(MARK, kind="raw")
    assert one != two
    assert (home.vault.kind(one), home.vault.kind(two)) == ("decision", "raw")
    assert home.vault.get(one) == home.vault.get(two) == MARK
    assert home.vault.commit(two) == commitment(home.vault.opening(two), "raw", MARK)


def test_the_commitment_is_there_before_the_transaction_ends(home: Home) -> None:
    """A ledger entry in the same transaction can carry it; each house and each blob has its own salt."""

    def work(tx: object) -> tuple[str, str]:
        blob = home.vault.put(tx, MARK, holder="house", kind="raw")  # type: ignore[arg-type]
        return blob, home.vault.commit(blob)

    blob, committed = home.store.write(work)
    home.vault._recent.clear()
    assert home.vault.commit(blob) == committed
    assert len(home.vault.opening(blob)) == 32


def test_a_rolled_back_put_leaves_nothing_that_another_put_trusts(home: Home) -> None:
    """The first put of a new holder fails; the second must not lean on the key or the row that never was."""

    def failing(tx: object) -> None:
        home.vault.put(tx, MARK, holder="person:p-1", kind="raw")  # type: ignore[arg-type]
        raise KeyError("no")

    with pytest.raises(KeyError):
        home.store.write(failing)
    blob = home.put(MARK, holder="person:p-1")
    home.close()
    again = Home(home.folder)
    assert again.vault.get(blob) == MARK
    assert again.vault.commit(blob) == commitment(again.vault.opening(blob), "raw", MARK)
    again.close()


def test_erasure_makes_a_blob_unreadable_even_from_a_backup(home: Home, tmp_path: Path) -> None:
    """After `destroy`, neither the live home nor yesterday's copy of home.db opens the blob; the commitment stands."""
    mine, large = home.put(MARK, "person:p-1"), home.put(os.urandom(100_000), "person:p-1")
    yours = home.put(b"yours", "person:p-2")
    shared = home.put(b"shared", "person:p-1")
    home.store.write(lambda tx: home.vault.rewrap(tx, [shared], "person:p-2"))
    committed = home.vault.commit(mine)
    home.store.scrub()
    backup = (home.folder / "home.db").read_bytes()
    assert home.store.write(lambda tx: home.vault.destroy(tx, "person:p-1")) == 2
    for blob in (mine, large):
        for read in (home.vault.get, home.vault.opening):
            with pytest.raises(NotFound, match="erased"):
                read(blob)
    assert home.vault.commit(mine) == committed
    assert home.vault.get(yours) == b"yours"
    assert home.vault.get(shared) == b"shared"
    assert not any(path.name == large for path in home.folder.rglob("*"))
    home.close()
    (home.folder / "home.db").write_bytes(backup)
    restored = Home(home.folder)
    with pytest.raises(NotFound, match="erased"):
        restored.vault.get(mine)
    restored.close()


def test_what_comes_again_after_an_erasure_is_new(home: Home) -> None:
    """The same bytes for the same person after erasure get a new key and a new salt, and are readable."""
    blob = home.put(MARK, "person:p-1")
    before = home.vault.commit(blob)
    home.store.write(lambda tx: home.vault.destroy(tx, "person:p-1"))
    assert home.put(MARK, "person:p-1") == blob
    assert home.vault.get(blob) == MARK
    assert home.vault.commit(blob) != before


def test_an_erasure_in_another_process_is_seen_at_once(home: Home) -> None:
    """Keys held in memory are not used after somebody else destroyed them, even if that transaction never committed."""
    blob = home.put(MARK, "person:p-1")
    assert home.vault.get(blob) == MARK
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from test_vault import Home\n"
        "home = Home(Path(sys.argv[1]))\n"
        "def work(tx):\n    home.vault.destroy(tx, 'person:p-1'); import os; os._exit(9)\n"
        "home.store.write(work)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(home.folder), str(Path(__file__).parent)], check=False, timeout=60)
    assert done.returncode == 9
    with pytest.raises(NotFound, match="erased"):
        home.vault.get(blob)
    later = home.put(b"later", "person:p-1")
    home.close()
    again = Home(home.folder)
    assert again.vault.get(later) == b"later"
    again.close()


def test_rewrap_hands_over_from_the_source_to_the_person(home: Home) -> None:
    """After rewrapping, the source's end takes nothing away, the person's does; persons share, a source does not."""
    blob = home.put(MARK, "source:lab")
    home.store.write(lambda tx: home.vault.rewrap(tx, [blob], "person:p-1"))
    assert home.vault.holders(blob) == ["person:p-1"]
    home.store.write(lambda tx: home.vault.rewrap(tx, [blob], "person:p-2"))
    assert home.vault.holders(blob) == ["person:p-1", "person:p-2"]
    assert home.store.write(lambda tx: home.vault.destroy(tx, "source:lab")) == 0
    assert home.vault.get(blob) == MARK
    home.store.write(lambda tx: home.vault.release(tx, [blob], "person:p-1"))
    with pytest.raises(Fault, match="last holder"):
        home.store.write(lambda tx: home.vault.release(tx, [blob], "person:p-2"))
    assert home.store.write(lambda tx: home.vault.destroy(tx, "person:p-2")) == 1


def test_many_come_back_as_one_by_one_and_what_is_erased_is_none(home: Home, tmp_path: Path) -> None:
    """Bytes by one look into the store are those of single looks: small, large (a file), of two persons, of one whose key is gone."""
    data = [b"", b"a", b"OBX|1|" * 200, os.urandom(100_000), b"of two", b"of nobody any more"]
    blobs = [home.put(one) for one in data]

    def hand_over(tx: Tx) -> None:
        home.vault.rewrap(tx, blobs[:5], "person:p-1")
        home.vault.rewrap(tx, [blobs[4], blobs[4]], "person:p-2")
        home.vault.rewrap(tx, [blobs[5]], "person:p-3")

    home.store.write(hand_over)
    assert [home.vault.holders(blob) for blob in blobs] == [["person:p-1"]] * 4 + [["person:p-1", "person:p-2"], ["person:p-3"]]
    home.store.write(lambda tx: home.vault.destroy(tx, "person:p-3"))
    home.store.write(lambda tx: home.vault.destroy(tx, "person:p-2"))
    assert home.vault.get_each([*blobs, blobs[0]]) == [*data[:5], None, data[0]]
    assert [home.vault.get(blob) for blob in blobs[:5]] == data[:5]
    assert home.vault.get_each([]) == []
    with pytest.raises(NotFound, match="no such blob"):
        home.vault.get_each([blobs[0], "0" * 64])
    with pytest.raises(NotFound, match="no such blob"):
        home.store.write(lambda tx: home.vault.rewrap(tx, [blobs[0], "0" * 64], "person:p-1"))
    with pytest.raises(NotFound, match="erased"):
        home.store.write(lambda tx: home.vault.rewrap(tx, [blobs[0], blobs[5]], "person:p-1"))


def test_every_flipped_byte_is_noticed(home: Home) -> None:
    """Damage in the sealed bytes, in a wrap or in a file is a Fault, never other bytes."""
    blob, large = home.put(MARK * 3), home.put(os.urandom(100_000))
    sealed = bytearray(home.store.read("select data from blob where address = ?", (blob,))[0][0])
    sealed[len(sealed) // 2] ^= 1
    home.store.write(lambda tx: tx.execute("update blob set data = ? where address = ?", (bytes(sealed), blob)))
    path = home.folder / "vault" / large[:2] / large
    path.write_bytes(path.read_bytes()[:-1])
    for damaged in (blob, large):
        with pytest.raises(Fault, match="damaged"):
            home.vault.get(damaged)
    third = home.put(b"third")
    home.store.write(lambda tx: tx.execute("update blob_key set wrap = zeroblob(92)"))
    with pytest.raises(Fault, match="damaged"):
        home.vault.get(third)


def test_unknown_blobs_and_wrong_master_keys_are_refused(home: Home) -> None:
    """No such address is NotFound; another master key, a short one, or one that others may read is a Fault."""
    with pytest.raises(NotFound, match="no such blob"):
        home.vault.get("00" * 32)
    with pytest.raises(Fault, match="key store is damaged"):
        Keyring(home.key_store, os.urandom(32))
    path = home.folder / "keys/master.key"
    with pytest.raises(Fault, match="already"):
        create_master(path)
    path.chmod(0o640)
    with pytest.raises(Fault, match="others may read"):
        read_master(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Fault, match="damaged"):
        read_master(path)
    with pytest.raises(NotFound):
        read_master(home.folder / "nowhere")
