"""Canonical JSON (RFC 8785) and digests: every content id in the house is made here."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterable
from decimal import Decimal
from json.encoder import encode_basestring as _quoted
from typing import Any

__all__ = ["canonical", "commitment", "digest", "record_id", "sha256"]


def _number(value: float) -> str:
    """ECMAScript Number::toString, as RFC 8785 section 3.2.2.3 asks."""
    if not math.isfinite(value):
        raise ValueError("JSON has no NaN and no infinity")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent)
    count = len(text)
    if count <= point <= 21:
        body = text + "0" * (point - count)
    elif 0 < point <= 21:
        body = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        body = "0." + "0" * -point + text
    else:
        power = point - 1
        body = f"{text[0]}{'.' + text[1:] if count > 1 else ''}e{'+' if power > 0 else '-'}{abs(power)}"
    return ("-" if sign else "") + body


def _sorted(names: Iterable[str]) -> list[str]:
    """Names in the order of their UTF-16 code units (section 3.2.3), which for ASCII is their own."""
    joined = "".join(names)
    return sorted(names) if joined.isascii() else sorted(names, key=lambda name: name.encode("utf-16-be"))


def _write(value: Any, out: list[str]) -> None:
    if value is None:
        out.append("null")
    elif value is True:
        out.append("true")
    elif value is False:
        out.append("false")
    elif isinstance(value, str):
        out.append(_quoted(value))
    elif isinstance(value, int):
        out.append(_number(float(value)) if abs(value) > 2**53 else str(value))
    elif isinstance(value, float):
        out.append(_number(value))
    elif isinstance(value, Decimal):
        out.append(_number(float(value)))
    elif isinstance(value, dict):
        out.append("{")
        for number, key in enumerate(_sorted(value)):
            out.append("," if number else "")
            out.append(_quoted(key) + ":")
            _write(value[key], out)
        out.append("}")
    elif isinstance(value, (list, tuple)):
        out.append("[")
        for number, item in enumerate(value):
            out.append("," if number else "")
            _write(item, out)
        out.append("]")
    else:
        raise TypeError(f"no JSON form for {type(value).__name__}")


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value. Raises ValueError for NaN, TypeError for what JSON cannot hold."""
    out: list[str] = []
    _write(value, out)
    return "".join(out).encode("utf-8")


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value. Never of anything personal: use `commitment` there."""
    return sha256(canonical(value))


def commitment(key: bytes, kind: str, data: bytes) -> str:
    """Salted commitment to personal bytes: HMAC-SHA-256 under a 32-byte random key, hexadecimal.

    Any other key length is refused, because HMAC pads keys and `k` and `k||00` would collide.
    """
    if len(key) != 32:
        raise ValueError("a commitment key has 32 bytes")
    return hmac.digest(key, b"trivet/commit/v1\0" + kind.encode() + b"\0" + data, "sha256").hex()


def record_id(source: str, resource_type: str, *identifiers: str) -> str:
    """Deterministic FHIR id (32 hexadecimal digits) from where a record came from and what it is called there.

    Same source, type and identifiers: same id, on any machine, so that a replay changes nothing.
    """
    joined = "\x1f".join((source, resource_type, *identifiers))
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:32]
