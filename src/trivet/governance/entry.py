"""The bytes of a ledger entry: canonical JSON (RFC 8785) of a closed shape, at most 65,535 of them.

In: an `Entry`. Out: the bytes that are hashed, kept and never written again. Refused: whatever could carry a person's data:
digests and commitments are 64 hexadecimal digits, notes are short words, names come from a small alphabet.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from trivet.contracts.trace import Entry
from trivet.kernel.errors import Fault

__all__ = ["decode", "encode"]

LONGEST = 65_535  # C2SP tlog-tiles: entries have a 16-bit length
VERSION = 1
KIND = re.compile(r"[a-z][a-z0-9.-]{0,39}").fullmatch
NAME = re.compile(r"[a-z][a-z0-9_.-]{0,39}").fullmatch
HASH = re.compile(r"[0-9a-f]{64}").fullmatch
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z").fullmatch
NOTE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,400}").fullmatch

# for this shape (ASCII names, text, small whole numbers) sorted msgspec output is RFC 8785; a property test holds it to that
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(dict[str, Any])


def encode(entry: Entry) -> bytes:
    """The entry's bytes. Raises Fault E641, naming the field and never its value."""
    if not KIND(entry.kind):
        raise refused(entry, "kind")
    if not INSTANT(entry.at):
        raise refused(entry, "at")
    for field, values in (("digests", entry.digests), ("commitments", entry.commitments)):
        for name, value in values.items():
            if not NAME(name) or not HASH(value):
                raise refused(entry, field)
    for name, value in entry.notes.items():
        if not NAME(name) or not NOTE(value):
            raise refused(entry, "notes")
    body = _encoder.encode(
        {
            "at": entry.at,
            "commitments": entry.commitments,
            "digests": entry.digests,
            "kind": entry.kind,
            "notes": entry.notes,
            "refs": entry.refs,
            "v": VERSION,
        }
    )
    if len(body) > LONGEST:
        raise refused(entry, "length")
    return body


def decode(body: bytes) -> dict[str, Any]:
    """The entry as plain data: kind, at, refs, digests, commitments, notes, v."""
    return _decoder.decode(body)


def refused(entry: Entry, field: str) -> Fault:
    """What is wrong with the entry, without repeating it."""
    kind = entry.kind if KIND(entry.kind) else "?"
    why = f"its {field} does not have the form that keeps personal data out"
    return Fault("E641", "not a ledger entry", where=kind, why=why, help="docs/reference/ledger.md")
