"""Whether a value of a record can stand for the bytes that its span names: as they are, by a code map, or by the name of a code system.

For conformance kits and suites; translation itself does not need it.
"""

from __future__ import annotations

from functools import cache
from html import unescape
from typing import Any

from trivet.integration.formats.ccda.rules import system_uri
from trivet.integration.tables import table

__all__ = ["stands_for"]

NEGATED = ("not-done", "not-taken", "refuted", "confirmed")  # what negationInd="true" makes of a statement


@cache
def _mapped() -> frozenset[tuple[str, str]]:
    return frozenset((row["source"], row["code"]) for row in table("ccda/codes.csv", "source", "code"))


def stands_for(value: Any, text: str) -> bool:
    """True where the tables turn this text into this value; a plain copy is for the caller to see."""
    words = text.split()
    if not words:
        return False
    plain = unescape(text.strip())
    if isinstance(value, bool):
        return plain in ("true", "false", "1", "0")
    said = str(value)
    root = system_uri(plain)
    if root == said or said == " ".join(plain.split()) or said.endswith(f"/root/{root}"):
        return True
    return any((word, said) in _mapped() for word in (plain, words[0])) or (said in NEGATED and plain == "true")
