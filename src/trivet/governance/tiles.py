"""The ledger as static files (C2SP tlog-tiles): any client, mirror or auditor of such logs can work on them.

In: a ledger and a signed head. Out: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`. The checkpoint is
written last, so that a tree that has one is complete. Refused: a folder that holds another log's tree.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from trivet.governance.checkpoints import SignedHead
from trivet.governance.ledger import MerkleLedger
from trivet.kernel.errors import Refused
from trivet.kernel.note import BadNote, parse_checkpoint

__all__ = ["export", "tile_path"]

WIDTH = 256


def export(ledger: MerkleLedger, head: SignedHead, folder: Path) -> int:
    """Write the tree of a signed head; full tiles that are there already are left alone. Gives the number of files written."""
    refuse_other(folder, head)
    written = 0
    level, held = 0, head.size
    while held:
        for idx in range(-(-held // WIDTH)):
            width = min(WIDTH, held - idx * WIDTH)
            written += put(folder / tile_path(str(level), idx, width), partial(hashes, ledger, level, idx, width))
            if level == 0:
                written += put(folder / tile_path("entries", idx, width), partial(bundle, ledger, idx, width))
        level, held = level + 1, held // WIDTH
    draft = folder / "checkpoint.draft"
    draft.write_text(head.note, encoding="utf-8")
    draft.replace(folder / "checkpoint")
    return written + 1


def tile_path(level: str, idx: int, width: int) -> str:
    """`tile/0/x001/x234/067.p/5`: three digits an element, all but the last with an x."""
    parts = [f"{idx % 1000:03d}"]
    while idx := idx // 1000:
        parts.insert(0, f"x{idx % 1000:03d}")
    return f"tile/{level}/" + "/".join(parts) + ("" if width == WIDTH else f".p/{width}")


def put(path: Path, make: Callable[[], bytes]) -> int:
    """Write a file that never changes, unless it is there."""
    if path.exists():
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(make())
    draft.replace(path)
    return 1


def hashes(ledger: MerkleLedger, level: int, idx: int, width: int) -> bytes:
    """The first hashes of a tile."""
    return b"".join(ledger.nodes(8 * level, idx * WIDTH + at) for at in range(width))


def bundle(ledger: MerkleLedger, idx: int, width: int) -> bytes:
    """Entries, each behind its 16-bit length."""
    bodies = (body for _, body in ledger.bodies(idx * WIDTH, idx * WIDTH + width))
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def refuse_other(folder: Path, head: SignedHead) -> None:
    """A folder may hold an earlier state of this log, nothing else."""
    kept = folder / "checkpoint"
    if not kept.exists():
        if folder.exists() and any(folder.iterdir()):
            raise Refused("E651", "the folder holds something else", where=str(folder), help="trivet ledger export --tiles NEW-FOLDER")
        return
    try:
        there = parse_checkpoint(kept.read_text(encoding="utf-8").rpartition("\n\n")[0] + "\n")
        here = parse_checkpoint(head.note.rpartition("\n\n")[0] + "\n")
    except (BadNote, UnicodeDecodeError):
        help_ = "trivet ledger export --tiles NEW-FOLDER"
        raise Refused("E651", "the folder holds a damaged checkpoint", where=str(kept), help=help_) from None
    if there.origin != here.origin or there.size > here.size:
        raise Refused("E651", "the folder holds another log, or a later state of it", where=str(folder))
