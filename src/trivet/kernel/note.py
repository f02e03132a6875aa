"""Signed notes, checkpoints and proofs as text: C2SP signed-note, tlog-checkpoint and tlog-proof, with Ed25519 (type 0x01).

In: text and keys. Out: text that any C2SP client reads. Refused with `BadNote`: whatever is not exactly in the format,
a note without a good signature of a known key, a note with a bad one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["BadNote", "Checkpoint", "NoteSigner", "NoteVerifier", "TlogProof", "open_note", "parse_checkpoint", "parse_proof"]

ED25519 = b"\1"
PROOF_HEAD = "c2sp.org/tlog-proof@v1"
SIGNATURES = 64  # most signature lines read
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class BadNote(ValueError):
    """The text is not in the format, or no known key signed it."""


def unbase64(text: str, length: int | None = None) -> bytes:
    """Standard base64, padded, nothing around it, one way to write each value only."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64") from None
    if base64.b64encode(data).decode() != text or (length is not None and len(data) != length):
        raise BadNote("not the base64 of a value of its length")
    return data


def number(text: str) -> int:
    """A decimal without leading zeros."""
    if not NUMBER.fullmatch(text):
        raise BadNote("not a decimal number")
    return int(text)


def good_name(name: str) -> str:
    """A key name: not empty, no space, no plus."""
    if not name or "+" in name or any(sign.isspace() for sign in name) or CONTROL.search(name):
        raise BadNote("not a key name")
    return name


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that tell keys of one name apart."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A known key: its name and 32 public bytes."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> NoteVerifier:
        """From `name+id+base64`. Raises BadNote when the id does not belong to the key, or the kind is another."""
        name, _, rest = vkey.partition("+")
        known, _, encoded = rest.partition("+")
        data = unbase64(encoded, 33)
        if data[:1] != ED25519:
            raise BadNote("not an Ed25519 key")
        if key_id(good_name(name), data[1:]).hex() != known:
            raise BadNote("the key's id is not its own")
        return cls(name, data[1:])

    @property
    def vkey(self) -> str:
        """How the key is published."""
        return f"{self.name}+{key_id(self.name, self.public).hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Did this key sign these bytes?"""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A private key: its name and 32 secret bytes."""

    name: str
    seed: bytes

    @classmethod
    def parse(cls, skey: str) -> NoteSigner:
        """From `PRIVATE+KEY+name+id+base64`. Raises BadNote, without ever repeating the key."""
        parts = skey.strip().split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise BadNote("not a private note key")
        data = unbase64(parts[4], 33)
        signer = cls(good_name(parts[2]), data[1:])
        if data[:1] != ED25519 or key_id(signer.name, signer.verifier.public).hex() != parts[3]:
            raise BadNote("the key's id is not its own")
        return signer

    @property
    def skey(self) -> str:
        """How the key is kept in its file."""
        known = key_id(self.name, self.verifier.public).hex()
        return f"PRIVATE+KEY+{self.name}+{known}+{base64.b64encode(ED25519 + self.seed).decode()}"

    @property
    def verifier(self) -> NoteVerifier:
        """The public side."""
        return NoteVerifier(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signed note. Raises BadNote for text that a note cannot hold."""
        good_text(text)
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        line = base64.b64encode(key_id(self.name, self.verifier.public) + signature).decode()
        return f"{text}\n\u2014 {good_name(self.name)} {line}\n"


def good_text(text: str) -> None:
    """Raise BadNote unless this can be the text of a note."""
    if not text.endswith("\n") or CONTROL.search(text):
        raise BadNote("a note's text ends with a newline and has no control characters")


def open_note(note: str, verifiers: Iterable[NoteVerifier]) -> str:
    """The text of a note that at least one of these keys signed, and none of them falsely."""
    known = {(one.name, key_id(one.name, one.public)): one for one in verifiers}
    head, gap, tail = note.rpartition("\n\n")
    text = head + "\n"
    if not gap or not tail.endswith("\n"):
        raise BadNote("no signatures")
    good_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES:
        raise BadNote("too many signatures")
    good = 0
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        data = unbase64(encoded)
        if dash != "\u2014" or len(data) < 5:
            raise BadNote("not a signature line")
        verifier = known.get((good_name(name), data[:4]))
        if verifier is None:
            continue
        if not verifier.holds(text.encode(), data[4:]):
            raise BadNote(f"the signature of {name} does not hold")
        good += 1
    if not good:
        raise BadNote("no signature of a known key")
    return text


class Checkpoint(NamedTuple):
    """A tree head: whose log, how many entries, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The head in a note text. Extension lines, which nobody can audit, are refused."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise BadNote("not a checkpoint of three lines")
    return Checkpoint(lines[0], number(lines[1]), unbase64(lines[2], 32))


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An offline proof: which entry, the path to the root, and the signed checkpoint, verbatim. `extra` is not authenticated."""

    index: int
    path: Sequence[bytes]
    checkpoint: str
    extra: bytes = b""

    @property
    def text(self) -> str:
        """The text of a `.tlog-proof` file."""
        extra = [f"extra {base64.b64encode(self.extra).decode()}"] if self.extra else []
        lines = [PROOF_HEAD, *extra, f"index {self.index}", *(base64.b64encode(item).decode() for item in self.path)]
        return "\n".join(lines) + "\n\n" + self.checkpoint


def parse_proof(text: str) -> TlogProof:
    """Read a `.tlog-proof` file. Whether it proves anything is for `merkle.check_inclusion` and `open_note` to say."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != PROOF_HEAD or not lines:
        raise BadNote("not a tlog proof")
    extra = unbase64(lines.pop(0)[6:]) if lines[0].startswith("extra ") else b""
    if not lines or not lines[0].startswith("index "):
        raise BadNote("no index")
    index = number(lines.pop(0)[6:])
    if len(lines) > 63:
        raise BadNote("the path is too long")
    return TlogProof(index, [unbase64(line, 32) for line in lines], checkpoint, extra)
