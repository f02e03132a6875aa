"""Signed notes, checkpoints and proofs as text: the published examples, and everything that must be refused."""

from __future__ import annotations

import pytest

from trivet.kernel.note import (
    BadNote,
    Checkpoint,
    NoteSigner,
    NoteVerifier,
    TlogProof,
    open_note,
    parse_checkpoint,
    parse_proof,
)

SIGNER = NoteSigner("hospital.example/log", bytes(range(32)))
OTHER = NoteSigner("hospital.example/log", bytes(range(1, 33)))
TEXT = Checkpoint("hospital.example/log", 7, bytes(32)).text


def test_what_is_signed_can_be_opened_with_the_published_key_alone() -> None:
    """A note signed with the private key opens with the key read back from its published text."""
    note = SIGNER.sign(TEXT)
    verifier = NoteVerifier.parse(SIGNER.verifier.vkey)
    assert verifier == SIGNER.verifier
    assert open_note(note, [verifier]) == TEXT
    assert parse_checkpoint(open_note(note, [verifier])) == Checkpoint("hospital.example/log", 7, bytes(32))
    assert NoteSigner.parse(SIGNER.skey) == SIGNER


def test_the_text_may_hold_empty_lines() -> None:
    """The signatures follow the last empty line, not the first."""
    text = "one\n\ntwo\n"
    assert open_note(SIGNER.sign(text), [SIGNER.verifier]) == text


def test_unknown_signatures_are_passed_over_and_bad_ones_are_not() -> None:
    """A cosignature of somebody unknown does no harm; a bad signature of a known key spoils the note."""
    note, cosigned = SIGNER.sign(TEXT), OTHER.sign(TEXT)
    both = note + cosigned.rpartition("\n\n")[2]
    assert open_note(both, [SIGNER.verifier]) == TEXT
    assert open_note(both, [OTHER.verifier]) == TEXT
    forged = note + OTHER.sign("another text\n").rpartition("\n\n")[2]
    assert open_note(forged, [SIGNER.verifier]) == TEXT
    with pytest.raises(BadNote, match="does not hold"):
        open_note(forged, [SIGNER.verifier, OTHER.verifier])
    with pytest.raises(BadNote, match="no signature of a known key"):
        open_note(note, [OTHER.verifier])


def test_every_flipped_bit_of_a_checkpoint_is_refused() -> None:
    """No single changed bit leaves a note that opens as a checkpoint."""
    data = SIGNER.sign(TEXT).encode()
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            try:
                text = changed.decode()
            except UnicodeDecodeError:
                continue
            with pytest.raises(BadNote):
                parse_checkpoint(open_note(text, [SIGNER.verifier]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "\n1\n" + "A" * 43 + "=\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n+1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 43 + "\n",
        "a\n1\nAAAA\n",
        "a\n1\n" + "A" * 42 + "B=\n",
        "a\n1\n" + "A" * 43 + "=\nextension\n",
        "a\n1\n" + "A" * 43 + "=",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    """Leading zeros, signs, short roots, base64 written another way, extension lines: none is read."""
    with pytest.raises(BadNote):
        parse_checkpoint(text)


@pytest.mark.parametrize("key", ["", "a", "a+b+c", "a+00000000+" + "A" * 44, SIGNER.verifier.vkey.replace("log", "leg")])
def test_what_is_not_a_key_is_refused(key: str) -> None:
    """A published key whose id does not belong to it, or that is no Ed25519 key, is not taken."""
    with pytest.raises(BadNote):
        NoteVerifier.parse(key)
    with pytest.raises(BadNote):
        NoteSigner.parse("PRIVATE+KEY+" + key)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\tb"])
def test_names_that_a_note_cannot_hold_are_refused(name: str) -> None:
    """A key name has no space of any kind and no plus."""
    with pytest.raises(BadNote):
        NoteSigner(name, bytes(32)).sign(TEXT)


def test_proof_text_survives() -> None:
    """A proof with and without extra data comes back as it was; its checkpoint stays verbatim."""
    for extra in (b"", b"unauthenticated"):
        proof = TlogProof(5, [bytes(32), b"\1" * 32], SIGNER.sign(TEXT), extra)
        assert parse_proof(proof.text) == proof
    assert parse_proof(TlogProof(0, [], SIGNER.sign(TEXT)).text).path == []


@pytest.mark.parametrize(
    "text", ["", "c2sp.org/tlog-proof@v1\n\nx", "c2sp.org/tlog-proof@v2\nindex 1\n\nx", "c2sp.org/tlog-proof@v1\nindex 01\n\nx"]
)
def test_what_is_not_a_proof_is_refused(text: str) -> None:
    """Another version, no index, an index with leading zeros."""
    with pytest.raises(BadNote):
        parse_proof(text)
