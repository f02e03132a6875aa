"""Time. Every instant in Trivet comes from a `Clock` handed in by wiring; nothing reads the wall by itself.

An instant is stored as text, RFC 3339 in UTC with microseconds and `Z`, so that text order is time order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["FrozenClock", "SystemClock", "instant", "parse_instant"]


def instant(moment: datetime) -> str:
    """Text of an aware datetime: `2026-03-01T07:55:00.000000Z`. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """The aware datetime of an RFC 3339 text. Raises ValueError for anything else, a missing zone included."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"no zone in {text!r}")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> str:
        """This moment, as instant text."""
        return datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"  # `instant`, for a moment that is in UTC already


@dataclass(slots=True)
class FrozenClock:
    """A clock that stands still until it is told otherwise: for tests, and for a synthetic hospital's "today"."""

    at: str
    step: Callable[[str], str] | None = None

    def now(self) -> str:
        """The moment that was set last."""
        if self.step is not None:
            self.at = self.step(self.at)
        return self.at
