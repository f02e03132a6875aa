"""Exact JSON: what comes in as `1.10` goes out as `1.10`.

Numbers with a fraction or an exponent become `decimal.Decimal` (which keeps trailing zeros), whole numbers `int`.
Floats are refused on the way out: a binary float in a record would be an invented digit.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

__all__ = ["dumps", "loads"]

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def loads(text: bytes | str) -> Any:
    """Parse one JSON document. Raises ValueError (with the byte position in its text) when it is not JSON."""
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def dumps(value: Any) -> bytes:
    """UTF-8 JSON, compact, keys in the order given, decimals by their digits."""
    return _encoder.encode(value)
