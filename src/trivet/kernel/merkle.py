"""Merkle trees as in RFC 6962 section 2.1 and RFC 9162 section 2.1: roots, proofs made, proofs checked.

Making reads node hashes through a function `nodes(level, index)`: the hash of the complete subtree over the leaves
`index * 2**level` to `(index + 1) * 2**level`. Checking raises `BadProof` for everything that is not exactly a proof:
a wrong length, a hash that is not 32 bytes, a tree or subtree of no leaves (nothing can be proven about nothing).

Subtrees `[start, end)` follow draft-ietf-plants-merkle-tree-certs: `start` is a multiple of the power of two that
`end - start` rounds up to. A plain consistency proof is the one for the subtree `[0, old)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

__all__ = [
    "EMPTY_ROOT",
    "BadProof",
    "check_consistency",
    "check_inclusion",
    "check_subtree",
    "consistency",
    "fold",
    "inclusion",
    "leaf_hash",
    "node_hash",
    "root",
]

Nodes = Callable[[int, int], bytes]
EMPTY_ROOT = sha256(b"").digest()


class BadProof(ValueError):
    """What was handed over does not prove what it says."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf: SHA-256(0x00, entry)."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01, left, right)."""
    return sha256(b"\1" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root of the complete tree over these hashes; their number is a power of two."""
    row = list(hashes)
    while len(row) > 1:
        row = [sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
    return row[0]


def root(size: int, nodes: Nodes) -> bytes:
    """Root of the tree over the first `size` leaves."""
    return _range(0, size, nodes) if size else EMPTY_ROOT


def inclusion(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Path from leaf `index` to the root of the tree of `size` leaves, sibling first. Raises ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(middle, high, nodes))
            high = middle
        else:
            path.append(_range(low, middle, nodes))
            low = middle
    return path[::-1]


def consistency(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """Proof that the tree of `new` leaves continues the tree of `old` leaves. Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old - low != high - low:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range(middle, high, nodes))
            high = middle
        else:
            path.append(_range(low, middle, nodes))
            low, whole = middle, False
    if not whole:
        path.append(_range(low, high, nodes))
    return path[::-1]


def check_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], expected: bytes, start: int = 0) -> None:
    """Is the leaf hash at `index` in the tree of `size` leaves with this root? With `start`: in the subtree `[start, size)`."""
    if start:
        _subtree(start, size)
        index, size = index - start, size - start
    if not 0 <= index < size:
        raise BadProof("the leaf is outside the tree")
    _hashes(leaf, expected, *path)
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise BadProof("the path is too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise BadProof("the path is too short")
    if found != expected:
        raise BadProof("the path leads to another root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Does the tree of `new` leaves continue the tree of `old` leaves? Nothing continues an empty tree: that is refused."""
    if old < 1:
        raise BadProof("a tree of no leaves proves nothing")
    check_subtree(0, old, new, old_root, new_root, path)


def check_subtree(start: int, end: int, size: int, subtree_root: bytes, tree_root: bytes, path: Sequence[bytes]) -> None:
    """Is the subtree `[start, end)` part of the tree of `size` leaves? An empty one is part of any tree that reaches so far."""
    if start == end and 0 <= start <= size:
        if path or subtree_root != EMPTY_ROOT:
            raise BadProof("not the empty subtree")
        return
    _subtree(start, end)
    if end > size:
        raise BadProof("the older tree is larger")
    _hashes(*path)
    first, at, last = start, end - 1, size - 1
    to_the_edge = at == last
    while first != at and (to_the_edge or at & 1):
        first, at, last = first >> 1, at >> 1, last >> 1
    rest = list(path)
    if first != at and not rest:
        raise BadProof("the proof is too short")
    seed = subtree_root if first == at else rest.pop(0)
    _climb((first, at, last), seed, rest, subtree_root, tree_root)


def _climb(place: tuple[int, int, int], seed: bytes, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    first, at, last = place
    old_found = new_found = seed
    for sibling in path:
        if last == 0:
            raise BadProof("the proof is too long")
        if at & 1 or at == last:
            if first < at:
                old_found = node_hash(sibling, old_found)
            new_found = node_hash(sibling, new_found)
            while at and not at & 1:
                first, at, last = first >> 1, at >> 1, last >> 1
        else:
            new_found = node_hash(new_found, sibling)
        first, at, last = first >> 1, at >> 1, last >> 1
    if last:
        raise BadProof("the proof is too short")
    if old_found != old_root or new_found != new_root:
        raise BadProof("the proof leads to other roots")


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _range(low: int, high: int, nodes: Nodes) -> bytes:
    """Root over the leaves `low` to `high`, where `low` is where such a range begins in a tree."""
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes(level, low >> level)
    middle = low + _split(count)
    return node_hash(_range(low, middle, nodes), _range(middle, high, nodes))


def _subtree(start: int, end: int) -> None:
    if not 0 <= start < end:
        raise BadProof("a tree of no leaves proves nothing")
    if start % (1 << (end - start - 1).bit_length()):
        raise BadProof("not a subtree")


def _hashes(*values: bytes) -> None:
    if any(len(value) != 32 for value in values):
        raise BadProof("a hash has 32 bytes")
