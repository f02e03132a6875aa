"""What a conversion did not write, and why: counted by reason, never by patient. Nothing is left out silently (f2o-062, f2o-063)."""

from __future__ import annotations

from collections import Counter
from typing import Any

__all__ = ["Account"]


class Account:
    """Counts of one run, or of a part of one."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.joined: Counter[str] = Counter()  # records that went into a row that another record began
        self.excluded: Counter[tuple[str, str, str]] = Counter()  # resource, statement, reason
        self.unmapped: Counter[tuple[str, str, str]] = Counter()  # column, system, code: the queue of codes to map
        self.missing: Counter[tuple[str, str]] = Counter()  # resource, column that must be filled and is not
        self.dangling: Counter[str] = Counter()  # column whose reference leads to no row
        self.cut: Counter[str] = Counter()  # column whose text did not fit
        self.lost: Counter[tuple[str, str]] = Counter()  # resource, element without a place in OMOP

    def add(self, other: Account) -> None:
        """The counts of another part."""
        for name in ("read", "written", "joined", "excluded", "unmapped", "missing", "dangling", "cut", "lost"):
            getattr(self, name).update(getattr(other, name))

    def as_dict(self) -> dict[str, Any]:
        """The documented form, most frequent first."""

        def listed(counter: Counter[Any], *names: str) -> list[dict[str, Any]]:
            rows = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
            return [dict(zip(names, key if isinstance(key, tuple) else (key,), strict=True)) | {"count": count} for key, count in rows]

        return {
            "read": dict(sorted(self.read.items())),
            "written": dict(sorted(self.written.items())),
            "joined": dict(sorted(self.joined.items())),
            "excluded": listed(self.excluded, "resource", "statement", "reason"),
            "unmapped": listed(self.unmapped, "column", "system", "code"),
            "missing": listed(self.missing, "resource", "column"),
            "dangling": listed(self.dangling, "column"),
            "cut": listed(self.cut, "column"),
            "lost": listed(self.lost, "resource", "element"),
        }
