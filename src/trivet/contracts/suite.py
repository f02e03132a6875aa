"""What a conformance suite reports: N passed of M, with exclusions as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["SuiteResult"]


@dataclass(slots=True)
class SuiteResult:
    """`passed`, `failed` and `excluded` hold case ids; failures and exclusions carry a reason. `measures` holds numbers (recall, ...)."""

    suite: str
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)

    def exclude(self, reasons: dict[str, str]) -> SuiteResult:
        """Move failures with a written reason to the exclusions. An exclusion that passes stays passed, so that it is noticed."""
        for case, reason in reasons.items():
            if case in self.failed:
                self.excluded[case] = f"{reason} (found: {self.failed.pop(case)})"
        return self

    def as_dict(self) -> dict[str, Any]:
        """The documented JSON form."""
        return {
            "suite": self.suite,
            "total": len(self.passed) + len(self.failed) + len(self.excluded),
            "passed": len(self.passed),
            "failed": [{"id": key, "reason": why} for key, why in self.failed.items()],
            "excluded": [{"id": key, "reason": why} for key, why in self.excluded.items()],
            "measures": self.measures,
        }
