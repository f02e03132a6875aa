"""How values are shown: clinical dates, shares with their counts, masked names, statuses in word and shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from trivet.kernel.clock import parse_instant

__all__ = ["FILTERS", "plain"]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STATUS = {
    "good": {
        "pass",
        "mapped",
        "scored",
        "live",
        "active",
        "delivered",
        "held",
        "verified",
        "certain",
        "equal",
        "documented",
        "filled",
        "yes",
        "realised",
    },
    "warn": {
        "fallback",
        "partial",
        "possible",
        "probable",
        "shadow",
        "waiting",
        "requested",
        "suggested",
        "unproven",
        "ageing",
        "undocumented",
        "not-applicable",
        "not-run",
        "insufficient",
        "vote",
    },
    "bad": {
        "fail",
        "dead",
        "quarantined",
        "withheld",
        "suspended",
        "failed",
        "refused",
        "vacant",
        "silent",
        "expired",
        "error",
        "rejected",
        "harmful",
        "no",
    },
}


def date(value: str) -> str:
    """Clinical short form, 09-Sep-2026, whatever the reader's region (NHS Common User Interface, D+Ta-0002 and 0010)."""
    if not value:
        return "Not Known"
    year, month, day = [*value[:10].split("-"), "", ""][:3]
    return "-".join(part for part in (day, MONTHS[int(month) - 1] if month else "", year) if part)


def moment(value: str, zone: str = "UTC") -> Markup:
    """24-hour time in the site's zone, the UTC text behind it for whoever asks."""
    if not value:
        return Markup("Not Known")
    local: datetime = parse_instant(value).astimezone(ZoneInfo(zone))
    shown = f"{local:%d}-{MONTHS[local.month - 1]}-{local:%Y %H:%M}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value, value, shown)


def share(part: int, whole: int) -> str:
    """A share with its counts: `99.2 % (50,792 of 51,204)`; nothing to count is said, not shown as 0."""
    return f"{100 * part / whole:.1f} % ({part:,} of {whole:,})" if whole else "nothing to count"


def badge(word: str) -> Markup:
    """A status as word, shape and colour."""
    kind = next((kind for kind, words in STATUS.items() if str(word).split(" ")[0] in words), "idle")
    return Markup('<span class="badge {}">{}</span>').format(kind, word)


def count(value: float | int | Decimal | None) -> str:
    """A number with separators; None is "not measured", never 0."""
    if value is None:
        return "not measured"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def short(value: str, length: int = 10) -> str:
    """The first characters of a digest."""
    return value[:length] + "…" if len(value) > length else value


def mask(value: str) -> Markup:
    """A hidden value: announced as hidden, so that it cannot be mistaken for a missing one."""
    return Markup('<span class="hidden-value" title="hidden">{}<span class="skip"> hidden</span></span>').format(
        "•" * min(max(len(value), 3), 9)
    )


def plain(value: Any) -> Any:
    """Data for `.json`: markup as its text, everything else as it is."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Markup):
        return value.striptags()
    return value


def told(value: int | None) -> str:
    """What the newest run of the checks tells; they keep the first hundred rows."""
    return "none told" if value is None else f"{value} or more" if value >= 100 else f"{value}"


FILTERS: dict[str, Callable[..., Any]] = {
    "date": date,
    "moment": moment,
    "badge": badge,
    "count": count,
    "short": short,
    "mask": mask,
    "share": share,
    "told": told,
}
