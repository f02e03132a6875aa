"""Trivet: the foundation that a health system puts under its AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from trivet.wiring.sdk import Home

__all__ = ["__version__", "open"]

__version__ = "0.1.0"


def open(home: str | Path, *, purpose: str = "", role: str = "", reason: str = "", actor: str = "") -> Home:
    """A home for reading from Python: `with trivet.open("my-home", role="data_scientist", purpose="HRESCH") as home:`.

    Role, purpose and consent decide what comes back, and every read of a person is on record (docs/reference/sdk.md).
    """
    from trivet.wiring.sdk import open_door

    return open_door(home, purpose=purpose, role=role, reason=reason, actor=actor)
