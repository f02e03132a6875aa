"""Checkpoints, static tiles, full audit: what was signed stays what it was, or it shows."""

from __future__ import annotations

import base64
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trivet.contracts.trace import Entry
from trivet.data.engines.sqlite import SQLiteStore
from trivet.governance.audit import Audit, audit
from trivet.governance.checkpoints import Checkpointer, create_signing_key, read_signing_key
from trivet.governance.ledger import MerkleLedger
from trivet.governance.tiles import export, tile_path
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Fault, NotFound, Refused
from trivet.kernel.merkle import BadProof, check_inclusion, fold, leaf_hash
from trivet.kernel.note import NoteSigner, open_note, parse_checkpoint, parse_proof
from trivet.kernel.resources import listing, text

TABLES = [name for name in listing("trivet.governance", "sql/schema", ".sql") if "_ledger_" in name]
SCHEMA = [text("trivet.governance", "sql", "schema", name) for name in TABLES]
AT = "2026-03-01T00:00:00.000000Z"
SIGNER = NoteSigner("hospital.example/log", bytes(range(32)))


class Log:
    """A ledger with its checkpoints."""

    def __init__(self, folder: Path, signer: NoteSigner = SIGNER) -> None:
        self.path = folder / "home.db"
        self.store = SQLiteStore(self.path, SCHEMA)
        self.ledger = MerkleLedger(self.store)
        self.desk = Checkpointer(self.ledger, self.store, signer, FrozenClock(AT))

    def add(self, count: int, start: int = 0) -> None:
        """Append that many entries."""
        entries = [Entry("raw.received", AT, notes={"bytes": str(number)}) for number in range(start, start + count)]
        self.store.write(lambda tx: self.ledger.append(tx, entries))

    def audit(self, kept: str = "") -> Audit:
        """A full audit with the log's own key."""
        return audit(self.ledger, self.store, self.desk.all(), [SIGNER.verifier], kept)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A fresh log."""
    made = Log(tmp_path)
    yield made
    made.store.close()


def test_checkpoints_follow_each_other_and_are_clean(log: Log) -> None:
    """Signing twice without news gives the same note; each later one continues the one before; the audit finds nothing."""
    with pytest.raises(NotFound, match="empty"):
        log.desk.sign()
    sizes = []
    for count in (1, 255, 1, 400):
        log.add(count)
        head = log.desk.sign()
        assert log.desk.sign() == head
        assert parse_checkpoint(open_note(head.note, [SIGNER.verifier])).size == log.ledger.size()
        sizes.append(head.size)
    assert [head.size for head in log.desk.all()] == sizes
    report = log.audit(log.desk.all()[1].note)
    assert report.problems == []
    assert (report.size, report.signed_size, report.outside, report.checkpoints) == (657, 657, True, 4)
    assert report.root == log.ledger.root()


def test_a_proof_needs_nothing_but_the_public_key(log: Log) -> None:
    """The text of `prove` leads from the entry's bytes to a signed root; for another entry it does not."""
    log.add(300)
    log.desk.sign()
    log.add(300, 300)
    for seq in (0, 255, 299, 300, 599):
        proof = parse_proof(log.desk.prove(seq))
        head = parse_checkpoint(open_note(proof.checkpoint, [SIGNER.verifier]))
        assert head.size == (300 if seq < 300 else 600)
        check_inclusion(seq, head.size, leaf_hash(log.ledger.body(seq)), proof.path, head.root)
        with pytest.raises(BadProof):
            check_inclusion(seq, head.size, leaf_hash(log.ledger.body(seq ^ 1)), proof.path, head.root)
    with pytest.raises(NotFound):
        log.desk.prove(600)


def test_openssl_and_cryptography_verify_a_checkpoint(log: Log, tmp_path: Path) -> None:
    """Two implementations that know nothing of this one accept the signature over the exact text, and refuse a changed one."""
    log.add(10)
    note = log.desk.sign().note
    body, _, line = note.rpartition("\n\n")
    signature = base64.b64decode(line.split(" ")[2])[4:]
    public = Ed25519PublicKey.from_public_bytes(SIGNER.verifier.public)
    public.verify(signature, (body + "\n").encode())
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    (tmp_path / "key.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "signature").write_bytes(signature)
    for content, code in ((body + "\n", 0), (body.replace("\n10\n", "\n11\n") + "\n", 1)):
        (tmp_path / "text").write_text(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "text", "-sigfile", "signature"]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=30).returncode == code


def read_tree(folder: Path) -> tuple[int, list[bytes]]:
    """A reader of C2SP tlog-tiles that shares nothing with the writer but the specification. Gives size and entries."""
    head = parse_checkpoint(open_note((folder / "checkpoint").read_text(), [SIGNER.verifier]))
    entries: list[bytes] = []

    def name(index: int, width: int) -> str:
        digits = f"{index:03d}".rjust(-(-len(f"{index:03d}") // 3) * 3, "0")
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        return "/".join(["x" + group for group in groups[:-1]] + groups[-1:]) + (f".p/{width}" if width < 256 else "")

    level_hashes: list[bytes] = []
    for index in range(-(-head.size // 256)):
        width = min(256, head.size - index * 256)
        data = (folder / "tile/entries" / name(index, width)).read_bytes()
        at = 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 2], "big")
            entries.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        tile = (folder / "tile/0" / name(index, width)).read_bytes()
        assert len(tile) == 32 * width
        level_hashes += [tile[at : at + 32] for at in range(0, len(tile), 32)]
    assert level_hashes == [leaf_hash(entry) for entry in entries]
    level = 0
    while len(level_hashes) >= 256:
        level += 1
        level_hashes = [fold(level_hashes[at : at + 256]) for at in range(0, len(level_hashes) - 255, 256)]
        stored = b""
        for index in range(-(-len(level_hashes) // 256)):
            stored += (folder / f"tile/{level}" / name(index, min(256, len(level_hashes) - index * 256))).read_bytes()
        assert stored == b"".join(level_hashes)
    return head.size, entries


@pytest.mark.parametrize("size", [1, 256, 700])
def test_the_static_tree_is_a_whole_log(log: Log, tmp_path: Path, size: int) -> None:
    """A reader written from the specification alone finds every entry and every tile; exporting again adds only what is new."""
    log.add(size)
    out = tmp_path / "tiles"
    assert export(log.ledger, log.desk.sign(), out) > 0
    assert read_tree(out) == (size, [body for _, body in log.ledger.bodies(0, size)])
    assert export(log.ledger, log.desk.sign(), out) == 1
    log.add(300, size)
    export(log.ledger, log.desk.sign(), out)
    assert read_tree(out)[0] == size + 300


def test_tile_paths_are_those_of_the_specification() -> None:
    """The example of the specification, and a partial tile."""
    assert tile_path("0", 1_234_067, 256) == "tile/0/x001/x234/067"
    assert tile_path("entries", 0, 5) == "tile/entries/000.p/5"


def test_an_export_does_not_mix_logs(log: Log, tmp_path: Path) -> None:
    """A folder with anything else, another log's tree, or a later state of this one is left alone."""
    log.add(3)
    early = log.desk.sign()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    with pytest.raises(Refused):
        export(log.ledger, early, tmp_path / "full")
    log.add(3)
    export(log.ledger, log.desk.sign(), tmp_path / "tiles")
    with pytest.raises(Refused):
        export(log.ledger, early, tmp_path / "tiles")
    (tmp_path / "other").mkdir()
    other = Log(tmp_path / "other", NoteSigner("other.example/log", bytes(32)))
    other.add(10)
    with pytest.raises(Refused):
        export(other.ledger, other.desk.sign(), tmp_path / "tiles")
    other.store.close()


def tamper(path: Path, deed: str) -> None:
    """What somebody with the file and no scruples can do: drop the guards and change rows."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f"drop trigger {name}")
    connection.executescript(deed)
    connection.commit()
    connection.close()


DEEDS = {
    "flip one byte of an entry": "update ledger_entry set body = cast(replace(body, 'raw', 'rav') as blob) where seq = 5",
    "delete an entry in the middle": "delete from ledger_entry where seq = 5",
    "swap two entries": """update ledger_entry set seq = 9999 where seq = 5; update ledger_entry set seq = 5 where seq = 6;
        update ledger_entry set seq = 6 where seq = 9999""",
    "cut off the end": "delete from ledger_entry where seq >= 290; update ledger_head set n = 290",
    "insert an entry at the end without hashing it": """update ledger_head set n = 301;
        insert into ledger_entry select 300, zeroblob(32), body from ledger_entry where seq = 1""",
    "change a full tile": "update ledger_tile set hashes = zeroblob(8192)",
    "change a hash behind the last tile": "update ledger_entry set leaf = zeroblob(32) where seq = 299",
    "change a hash under a tile": "update ledger_entry set leaf = zeroblob(32) where seq = 9",
    "change the edge": "update ledger_edge set hashes = zeroblob(length(hashes)) where level = 1",
    "change a checkpoint's root": "update ledger_checkpoint set root = zeroblob(32)",
    "change a checkpoint's note": "update ledger_checkpoint set note = replace(note, 'hospital', 'hospitel')",
    "hide entries from the index": "delete from ledger_kind where seq = 7",
}


@pytest.mark.parametrize("deed", DEEDS)
def test_tampering_shows(tmp_path: Path, deed: str) -> None:
    """Each deed is found by the audit; none of those that touch the tree gets a new signature on top."""
    log = Log(tmp_path)
    log.add(300)
    log.desk.sign()
    log.store.close()
    tamper(tmp_path / "home.db", DEEDS[deed])
    again = Log(tmp_path)
    assert again.audit().problems != []
    again.store.close()


def rewrite(folder: Path, signer: NoteSigner) -> Log:
    """The worst case: the whole log written anew, without one entry, and signed."""
    folder.mkdir()
    log = Log(folder, signer)
    log.add(299)
    log.desk.sign()
    return log


def test_a_rewritten_log_shows_only_against_what_was_kept_outside(log: Log, tmp_path: Path) -> None:
    """With another key it shows by itself; with the stolen key it shows against a checkpoint kept outside, and only there."""
    log.add(300)
    kept = log.desk.sign().note
    other = rewrite(tmp_path / "other", NoteSigner("hospital.example/log", bytes(32)))
    assert other.audit().problems != []
    other.store.close()
    stolen = rewrite(tmp_path / "stolen", SIGNER)
    assert stolen.audit().problems == []
    assert stolen.audit(kept).problems != []
    stolen.add(50, 1_000)
    assert stolen.audit(kept).problems == ["the checkpoint kept outside does not fit the entries"]
    stolen.store.close()


def test_an_older_copy_of_the_file_shows_against_what_was_kept_outside(log: Log, tmp_path: Path) -> None:
    """Rolling the file back is a valid older log; the newer checkpoint kept outside reaches beyond its end."""
    log.add(10)
    log.desk.sign()
    log.store.scrub()
    (tmp_path / "old").mkdir()
    shutil.copy(log.path, tmp_path / "old/home.db")
    log.add(10)
    kept = log.desk.sign().note
    old = Log(tmp_path / "old")
    assert old.audit().problems == []
    assert old.audit(kept).problems == ["the checkpoint kept outside reaches 20, beyond the end"]
    old.store.close()


def test_nothing_is_signed_over_a_changed_past(tmp_path: Path) -> None:
    """When the tree no longer continues the last checkpoint, or that one is not ours, signing is a Fault."""
    for name, deed, words in (
        ("edge", "change the edge", "does not continue"),
        ("cut", "cut off the end", "does not continue"),
        ("note", "change a checkpoint's note", "not ours"),
        ("root", "change a checkpoint's root", "says something else"),
    ):
        (tmp_path / name).mkdir()
        log = Log(tmp_path / name)
        log.add(300)
        log.desk.sign()
        log.store.close()
        tamper(tmp_path / name / "home.db", DEEDS[deed])
        again = Log(tmp_path / name)
        if name != "cut":
            again.add(10)
        with pytest.raises(Fault, match=words):
            again.desk.sign()
        again.store.close()


def test_the_signing_key_is_private_and_bound_to_its_log(tmp_path: Path) -> None:
    """Made once, readable by its owner only, under one origin; anything else is refused without showing the key."""
    path = tmp_path / "checkpoint.key"
    with pytest.raises(NotFound):
        read_signing_key(path, "a/log")
    made = create_signing_key(path, "a/log")
    assert read_signing_key(path, "a/log") == made
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Fault, match="already"):
        create_signing_key(path, "a/log")
    with pytest.raises(Fault, match="another log"):
        read_signing_key(path, "b/log")
    path.write_text("PRIVATE+KEY+a/log+00000000+AAAA\n")
    with pytest.raises(Fault, match="damaged"):
        read_signing_key(path, "a/log")
    path.chmod(0o644)
    with pytest.raises(Fault, match="others may read"):
        read_signing_key(path, "a/log")
