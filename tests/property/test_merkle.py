"""Merkle trees: what is made is accepted, what is changed is refused, against a definition written down plainly."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.kernel import merkle

LEAVES = [hashlib.sha256(b"\0" + str(number).encode()).digest() for number in range(600)]


def plain_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\1" + plain_root(hashes[:k]) + plain_root(hashes[k:])).digest()


def nodes(level: int, index: int) -> bytes:
    """Complete subtrees of the test tree."""
    return merkle.fold(LEAVES[index << level : (index + 1) << level])


sizes = st.integers(min_value=1, max_value=len(LEAVES))


@given(sizes)
def test_roots_are_those_of_the_definition(size: int) -> None:
    """The root from node hashes equals the recursive definition; the empty tree has the hash of nothing."""
    assert merkle.root(size, nodes) == plain_root(LEAVES[:size])
    assert merkle.root(0, nodes) == plain_root([])
    assert merkle.leaf_hash(b"7") == LEAVES[7]


@given(st.data(), sizes)
def test_inclusion_proofs_hold_and_tampered_ones_do_not(data: st.DataObject, size: int) -> None:
    """The proof of every leaf is accepted; a flipped bit, a moved index, another size, a longer or shorter path is not."""
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    root, path = merkle.root(size, nodes), merkle.inclusion(index, size, nodes)
    merkle.check_inclusion(index, size, LEAVES[index], path, root)
    bad = [(index, size, [*path, bytes(32)]), (index + 1, size, path), (index, index, path), (-1, size, path)]
    if path:
        place = data.draw(st.integers(min_value=0, max_value=len(path) - 1))
        changed = list(path)
        changed[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
        bad += [(index, size, changed), (index, size, path[1:]), (index, size, path[:-1]), (index, size, [*path[:-1], path[-1][:31]])]
    for at, count, proof in bad:
        with pytest.raises(merkle.BadProof):
            merkle.check_inclusion(at, count, LEAVES[index], proof, root)


@given(st.data(), sizes)
def test_consistency_proofs_hold_and_tampered_ones_do_not(data: st.DataObject, new: int) -> None:
    """Any older size is proven; a forked history, another root, a flipped bit, a path too long is refused."""
    old = data.draw(st.integers(min_value=1, max_value=new))
    before, after, path = merkle.root(old, nodes), merkle.root(new, nodes), merkle.consistency(old, new, nodes)
    merkle.check_consistency(old, new, before, after, path)
    fork = plain_root([*LEAVES[: old - 1], b"\7" * 32])
    bad = [(fork, after, path), (before, bytes(32), path), (before, after, [*path, bytes(32)])]
    if path:
        place = data.draw(st.integers(min_value=0, max_value=len(path) - 1))
        changed = list(path)
        changed[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
        bad += [(before, after, changed), (before, after, path[:-1])]
    for one, two, proof in bad:
        with pytest.raises(merkle.BadProof):
            merkle.check_consistency(old, new, one, two, proof)


def test_nothing_is_proven_about_nothing() -> None:
    """An empty tree has no leaf and no continuation, whatever the roots are, and none is made."""
    for new in (0, 1, 5):
        for root in (merkle.EMPTY_ROOT, bytes(32)):
            with pytest.raises(merkle.BadProof):
                merkle.check_consistency(0, new, root, root, [])
    with pytest.raises(merkle.BadProof):
        merkle.check_inclusion(0, 0, LEAVES[0], [], merkle.EMPTY_ROOT)
    for make in (lambda: merkle.inclusion(0, 0, nodes), lambda: merkle.consistency(0, 4, nodes), lambda: merkle.consistency(5, 4, nodes)):
        with pytest.raises(ValueError):
            make()
