"""The ledger: an append-only Merkle tree (RFC 6962) in the operational store, in the tile layout of C2SP tlog-tiles.

In: entries, inside the caller's transaction. Out: their positions. Sequence numbers and the right edge of the tree are read
and advanced in that same transaction, so two processes cannot fork it, and an entry is durable exactly when what it speaks
of is. Refused: entries that could hold personal data, references to what is not there yet, appending to a damaged tree.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from trivet.contracts.ports import Store, Tx
from trivet.contracts.trace import Entry, Position
from trivet.governance.entry import decode, encode
from trivet.kernel.errors import Fault, NotFound, Problem
from trivet.kernel.merkle import EMPTY_ROOT, consistency, fold, inclusion, leaf_hash, root
from trivet.kernel.resources import text

__all__ = ["MerkleLedger"]


def _sql(name: str) -> str:
    return text("trivet.governance", "sql", "ledger", f"{name}.sql")


_HEAD, _ADVANCE, _ADD_ENTRY, _ADD_TILE, _EDGES, _SET_EDGE = map(_sql, ("head", "advance", "add_entry", "add_tile", "edges", "set_edge"))
_ADD_KIND, _ADD_REF, _TILE, _ENTRY, _ENTRIES, _LEAVES = map(_sql, ("add_kind", "add_ref", "tile", "entry", "entries", "leaves"))
_FIND, _REFERRING, _SOUND = map(_sql, ("find", "referring", "sound"))

TILE = 8_192  # bytes: 256 hashes
TILES_KEPT = 512
PAGE = 1_000  # entries read at a time


class MerkleLedger:
    """`contracts.ports.Ledger` over the operational store, with proofs. Checkpoints are `Checkpointer`'s work."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tiles: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def append(self, tx: Tx, entries: Sequence[Entry]) -> list[Position]:
        """Put entries at the end, in order. They are there when the transaction is. Raises Fault E641, E642 or E650."""
        if not entries:
            return []
        bodies = [encode(entry) for entry in entries]
        leaves = [leaf_hash(body) for body in bodies]
        size: int = tx.execute(_ADVANCE, (len(bodies),))[0][0] - len(bodies)
        refs = [(ref, seq) for seq, entry in enumerate(entries, size) for ref in entry.refs if known(ref, seq)]
        tx.executemany(_ADD_ENTRY, list(zip(range(size, size + len(bodies)), leaves, bodies, strict=True)))
        tx.executemany(_ADD_KIND, [(entry.kind, seq) for seq, entry in enumerate(entries, size)])
        if refs:
            tx.executemany(_ADD_REF, refs)
        self._extend(tx, size, size + len(bodies))
        return [Position(seq, leaf.hex()) for seq, leaf in enumerate(leaves, size)]

    def _extend(self, tx: Tx, size: int, new: int) -> None:
        """Write the tiles that are full now, each once; their roots go one level up."""
        first, last = size >> 8, new >> 8
        if first == last:
            return
        hashes = b"".join(leaf for (leaf,) in tx.execute(_LEAVES, (first << 8, last << 8)))
        if len(hashes) != (last - first) * TILE:
            raise Fault("E642", "entries are missing at the ledger's end", where=f"position {first << 8}", help="trivet ledger verify")
        hashes = self._add_tiles(tx, 0, first, hashes)
        edges = {level: (idx, edge) for level, idx, edge in tx.execute(_EDGES)}
        for level in count(1):
            held = size >> (8 * level)
            idx, edge = edges.get(level, (0, b""))
            if len(edge) != held % 256 * 32 or (edge and idx != held >> 8):
                raise Fault("E642", "the ledger's edge does not fit its head", where=f"level {level}", help="trivet ledger verify")
            edge += hashes
            full = len(edge) // TILE
            hashes = self._add_tiles(tx, level, held >> 8, edge[: full * TILE])
            tx.execute(_SET_EDGE, (level, (held >> 8) + full, edge[full * TILE :]))
            if not full:
                return

    @staticmethod
    def _add_tiles(tx: Tx, level: int, idx: int, hashes: bytes) -> bytes:
        """Full tiles of one level from `idx` on; gives their roots."""
        tiles = [hashes[at : at + TILE] for at in range(0, len(hashes), TILE)]
        tx.executemany(_ADD_TILE, [(level, idx + at, tile) for at, tile in enumerate(tiles)])
        return b"".join(fold([tile[at : at + 32] for at in range(0, TILE, 32)]) for tile in tiles)

    def size(self) -> int:
        """How many entries are committed."""
        return int(self._store.read(_HEAD)[0][0])

    def root(self, size: int | None = None) -> str:
        """The tree's root over its first `size` entries, hexadecimal. NotFound beyond the end."""
        return self.root_bytes(self.size() if size is None else size).hex()

    def root_bytes(self, size: int) -> bytes:
        """The same as 32 bytes."""
        self._within(size)
        return root(size, self.nodes) if size else EMPTY_ROOT

    def inclusion(self, seq: int, size: int) -> list[bytes]:
        """The path from an entry to the root of the tree of `size` entries. NotFound when it is not in it."""
        self._within(size)
        if not 0 <= seq < size:
            raise NotFound("E643", f"no entry {seq} among the first {size}", help="trivet ledger verify")
        return inclusion(seq, size, self.nodes)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `new` entries continues that of `old`. NotFound outside the log, or for an empty one."""
        self._within(new)
        if not 0 < old <= new:
            raise NotFound("E643", f"no consistency proof from {old} to {new}", why="nothing continues an empty log")
        return consistency(old, new, self.nodes)

    def nodes(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree, out of its tile."""
        height = level % 8
        first = index << height
        tile = self._tile(level // 8, first >> 8)
        at = (first & 255) * 32
        hashes = [tile[place : place + 32] for place in range(at, at + (32 << height), 32)]
        if len(hashes[-1]) != 32:
            raise Fault("E644", "a tile is too short", where=f"level {level // 8}, tile {first >> 8}", help="trivet ledger verify")
        return fold(hashes)

    def _tile(self, level: int, idx: int) -> bytes:
        held = self._tiles.get((level, idx))
        if held is not None:
            return held
        rows = self._store.read(_TILE, (level, idx))
        if rows:
            tile: bytes = rows[0][0]
        elif level == 0:
            tile = b"".join(leaf for (leaf,) in self._store.read(_LEAVES, (idx << 8, (idx + 1) << 8)))
        else:
            raise Fault("E644", "a tile is missing", where=f"level {level}, tile {idx}", help="trivet ledger verify")
        if len(tile) == TILE:
            self._tiles[level, idx] = tile
            if len(self._tiles) > TILES_KEPT:
                self._tiles.popitem(last=False)
        return tile

    def body(self, seq: int) -> bytes:
        """The exact bytes of an entry. NotFound when there is none."""
        rows = self._store.read(_ENTRY, (seq,))
        if not rows:
            raise NotFound("E643", f"no ledger entry {seq}", why=f"the ledger has {self.size()}")
        body: bytes = rows[0][0]
        return body

    def entry(self, seq: int) -> dict[str, Any]:
        """An entry as plain data. NotFound when there is none."""
        return decode(self.body(seq))

    def bodies(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Positions and exact bytes from `start` up to, not including, `end`."""
        for first in range(start, end, PAGE):
            yield from self._store.read(_ENTRIES, (first, min(first + PAGE, end)))

    def find(self, kind: str, after: int = -1) -> Iterator[tuple[int, dict[str, Any]]]:
        """Entries of one kind behind a position, in order."""
        while True:
            rows = self._store.read(_FIND, (kind, after, PAGE))
            for seq, body in rows:
                yield seq, decode(body)
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def referring(self, seq: int) -> list[int]:
        """Positions of the entries that rest on this one: what was shown, done, corrected afterwards."""
        return [found for (found,) in self._store.read(_REFERRING, (seq,))]

    def writable(self) -> bool:
        """Would an append be taken now? The writer's turn is asked for, and head, entries, edge and checkpoint must fit together.

        True is no promise: only the commit is. A full disk shows there, and what was to be recorded is then not released.
        """
        try:
            head, entries, edge, signed = self._store.write(lambda tx: tx.execute(_SOUND))[0]
        except Problem:
            return False
        return head is not None and head == entries and (head >> 8) % 256 == edge and head >= signed

    def _within(self, size: int) -> None:
        if not 0 <= size <= self.size():
            raise NotFound("E643", f"the ledger does not reach {size}", why=f"it has {self.size()} entries")


def known(ref: int, seq: int) -> bool:
    """An entry rests on earlier ones only. Raises Fault E650 otherwise."""
    if not 0 <= ref < seq:
        raise Fault("E650", "an entry refers to what is not there yet", where=f"position {seq}", why=f"refs {ref}")
    return True
