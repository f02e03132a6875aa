"""UCUM: codes to exact factors and back. In, texts and numbers; out, exact numbers; refused, what is no unit (`BadUnit`)."""

from __future__ import annotations

from functools import lru_cache

from trivet.kernel.units.ucum import BadUnit, Number, Unit, convert, decimal, display, parse

__all__ = ["BadUnit", "Number", "Unit", "convert", "decimal", "display", "is_unit", "parse"]


@lru_cache(4096)
def is_unit(code: str) -> bool:
    """Whether this is a UCUM code (case-sensitive)."""
    try:
        parse(code)
    except BadUnit:
        return False
    return True
