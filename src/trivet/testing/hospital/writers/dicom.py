"""DICOM Part 10 objects with a header and no pixels: what a picture archive says about one chest film. Explicit VR, little endian."""

from __future__ import annotations

import struct
from hashlib import sha256

__all__ = ["header", "uid"]

_LONG = {"OB", "OW", "SQ", "UN", "UT"}
_TRANSFER = "1.2.840.10008.1.2.1"
_STORAGE = "1.2.840.10008.5.1.4.1.1.1.1"  # Digital X-Ray Image Storage - For Presentation


def uid(text: str) -> str:
    """A UID under 2.25 (PS3.5 annex B.2) made from a text."""
    return f"2.25.{int.from_bytes(sha256(text.encode()).digest()[:15], 'big')}"


def _element(group: int, element: int, kind: str, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if kind in ("UI", "OB") else b" "
    head = struct.pack("<HH", group, element) + kind.encode()
    return head + (struct.pack("<HI", 0, len(value)) if kind in _LONG else struct.pack("<H", len(value))) + value


def header(
    *,
    study: str,
    date: str,
    time: str,
    offset: str,
    accession: str,
    patient: str,
    name: str,
    born: str,
    sex: str,
    referrer: str,
    institution: str,
    description: str,
) -> bytes:
    """One object of a study; `name` and `referrer` are person names (PN, components separated by `^`), dates `YYYYMMDD`."""
    study_uid, instance = uid(study), uid(f"{study}/1/1")
    rows: list[tuple[int, int, str, str]] = [
        (0x0008, 0x0005, "CS", "ISO_IR 192"),
        (0x0008, 0x0016, "UI", _STORAGE),
        (0x0008, 0x0018, "UI", instance),
        (0x0008, 0x0020, "DA", date),
        (0x0008, 0x0030, "TM", time),
        (0x0008, 0x0050, "SH", accession),
        (0x0008, 0x0060, "CS", "DX"),
        (0x0008, 0x0070, "LO", "RayStore"),
        (0x0008, 0x0080, "LO", institution),
        (0x0008, 0x0090, "PN", referrer),
        (0x0008, 0x0201, "SH", offset),
        (0x0008, 0x1030, "LO", description),
        (0x0010, 0x0010, "PN", name),
        (0x0010, 0x0020, "LO", patient),
        (0x0010, 0x0021, "LO", "RIS"),
        (0x0010, 0x0030, "DA", born),
        (0x0010, 0x0040, "CS", sex),
        (0x0018, 0x0015, "CS", "CHEST"),
        (0x0020, 0x000D, "UI", study_uid),
        (0x0020, 0x000E, "UI", uid(f"{study}/1")),
        (0x0020, 0x0010, "SH", accession),
        (0x0020, 0x0011, "IS", "1"),
        (0x0020, 0x0013, "IS", "1"),
    ]
    meta = b"".join(
        (
            _element(0x0002, 0x0001, "OB", b"\0\1"),
            _element(0x0002, 0x0002, "UI", _STORAGE.encode()),
            _element(0x0002, 0x0003, "UI", instance.encode()),
            _element(0x0002, 0x0010, "UI", _TRANSFER.encode()),
            _element(0x0002, 0x0012, "UI", uid("trivet sample hospital").encode()),
        )
    )
    body = b"".join(_element(group, element, kind, value.encode()) for group, element, kind, value in rows)
    return b"\0" * 128 + b"DICM" + _element(0x0002, 0x0000, "UL", struct.pack("<I", len(meta))) + meta + body
