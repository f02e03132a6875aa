"""Binds what proves the ledger: signing key, checkpoints, export, audit.

In: a house. Out: the `Checkpointer` (role `checkpoints`) and the answers of `trivet ledger`. Refused: a home that signed
before and has lost its key; a new key would be another log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.kernel.errors import NotFound
from trivet.kernel.note import BadNote, NoteVerifier

__all__ = [
    "archivist",
    "checkpoints",
    "docket",
    "export_tiles",
    "prove_entry",
    "prove_growth",
    "sign_head",
    "trail",
    "verify_dossier",
    "verify_ledger",
]


def checkpoints(house: House) -> Any:
    """Who signs heads. The key is made at the first use of a home that never signed."""
    from trivet.governance.checkpoints import Checkpointer, create_signing_key, read_signing_key

    path, origin = Path(house.home) / "keys" / "checkpoint.key", house.settings["ledger"]["origin"]
    try:
        signer = read_signing_key(path, origin)
    except NotFound:
        if house.store.read(_last()):
            raise
        signer = create_signing_key(path, origin)
    return Checkpointer(house.role("ledger"), house.store, signer, house.clock)


def _last() -> str:
    from trivet.kernel.resources import text

    return text("trivet.governance", "sql", "ledger", "last_checkpoint.sql")


def sign_head(house: House) -> dict[str, Any]:
    """Sign the head, or give the checkpoint that covers it already."""
    desk = house.role("checkpoints")
    return head_as_dict(desk.sign(), desk)


def head_as_dict(head: Any, desk: Any) -> dict[str, Any]:
    """The documented JSON form of a checkpoint, with the public key that opens it."""
    verifier = desk.signer.verifier
    return {
        "origin": verifier.name,
        "size": head.size,
        "root": head.root.hex(),
        "note": head.note,
        "at": head.at,
        "vkey": verifier.vkey,
        "public_key": verifier.public.hex(),
    }


def prove_entry(house: House, seq: int) -> dict[str, Any]:
    """An entry's exact bytes and the text that proves it."""
    desk, ledger = house.role("checkpoints"), house.role("ledger")
    head = desk.covering(seq)
    proof = desk.prove(seq, head)
    return {
        "seq": seq,
        "body": ledger.body(seq).decode("utf-8"),
        "entry": ledger.entry(seq),
        "proof": proof,
        "size": head.size,
        "vkey": desk.signer.verifier.vkey,
    }


def prove_growth(house: House, old: int, new: int | None) -> dict[str, Any]:
    """The proof that the log of `new` entries continues that of `old`."""
    ledger = house.role("ledger")
    size = ledger.size() if new is None else new
    path = ledger.consistency(old, size)
    return {"old": old, "new": size, "old_root": ledger.root(old), "new_root": ledger.root(size), "path": [item.hex() for item in path]}


def export_tiles(house: House, folder: Path) -> dict[str, Any]:
    """The static tree of the newest head, in a folder."""
    from trivet.governance.tiles import export

    desk = house.role("checkpoints")
    head = desk.sign()
    return {"out": str(folder), "files": export(house.role("ledger"), head, folder), **head_as_dict(head, desk)}


def verify_ledger(house: House, kept: str = "", vkeys: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read and hash the whole ledger; `kept` is a checkpoint from outside, `vkeys` further keys to believe."""
    from trivet.governance.audit import audit

    desk = house.role("checkpoints")
    try:
        keys = [desk.signer.verifier, *(NoteVerifier.parse(vkey) for vkey in vkeys)]
    except BadNote as error:
        raise NotFound("E652", "not a public key", why=str(error), help="trivet ledger checkpoint --json") from None
    return audit(house.role("ledger"), house.store, desk.all(), keys, kept).as_dict()


def trail(house: House) -> Any:
    """The way back from records to bytes."""
    from trivet.data.trail import StoreTrail

    return StoreTrail(house.store)


def docket(house: House) -> Any:
    """Where decisions stand."""
    from trivet.governance.docket import StoreDocket

    return StoreDocket(house.store)


def archivist(house: House) -> Any:
    """Who seals dossiers."""
    from trivet.governance.dossier import Archivist

    return Archivist(house.role("ledger"), house.store, house.role("checkpoints"), house.clock)


def verify_dossier(data: bytes, vkeys: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Every link of an archive, by the script that dossiers carry."""
    from trivet.governance.verify import verify

    return [line._asdict() for line in verify(data, list(vkeys))]
