"""The bits of a number: what replay compares. Sixteen hexadecimal digits, big-endian IEEE 754 binary64."""

from __future__ import annotations

import struct

__all__ = ["bits_of", "float_of"]


def bits_of(value: float) -> str:
    """`0.5` -> `3fe0000000000000`."""
    return struct.pack(">d", value).hex()


def float_of(bits: str) -> float:
    """The number behind sixteen hexadecimal digits. Raises ValueError for anything else."""
    data = bytes.fromhex(bits)
    if len(data) != 8 or len(bits) != 16:
        raise ValueError("a double has sixteen hexadecimal digits")
    return float(struct.unpack(">d", data)[0])
