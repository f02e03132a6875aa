"""Numbers out of the running home: a statement over published relations in, its rows out. Nothing is typed in.

Each statement starts from one JSON parameter, `given`: now, the site, the seats and requirements of the policy. One that
cannot run gives a reason, never a zero that was not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from trivet.governance.policy import Policy
from trivet.kernel.clock import instant, parse_instant
from trivet.kernel.errors import Fault, NotFound, Usage
from trivet.kernel.jsontext import dumps
from trivet.kernel.resources import listing, text

__all__ = ["Meter", "Query", "Unmeasured", "given", "statements"]

Query = Callable[[str, int | None, Sequence[Any]], tuple[list[str], list[tuple[Any, ...]]]]


class Unmeasured(Exception):
    """There is no number, and this is why."""


def statements(folder: str) -> tuple[str, ...]:
    """Names of the shipped statements of a folder."""
    return tuple(name.removesuffix(".sql") for name in listing("trivet.governance", f"sql/{folder}", ".sql"))


def given(policy: Policy, now: str, site: str) -> dict[str, Any]:
    """What a statement may know beside the relations."""
    requirements = [
        {"id": one.id, "min_kind": one.min_kind, "per_site": one.per_site, "applies_to": one.applies_to}
        for one in policy.requirements.values()
    ]
    return {
        "now": now,
        "day_ago": _before(now, 1),
        "month_ago": _before(now, 30),
        "in_a_month": _before(now, -30),
        "site": site,
        "seats": list(policy.seats),
        "duties": list(policy.duties),
        "uses": list(policy.uses),
        "requirements": requirements,
    }


class Meter:
    """Runs the shipped statements of one home. `query` is the shelf's: read-only SQL over published relations."""

    def __init__(self, query: Query, known: dict[str, Any], as_of: int) -> None:
        self._query, self._given, self.as_of = query, dumps(known).decode("utf-8"), as_of

    def rows(self, folder: str, name: str) -> list[dict[str, Any]]:
        """The rows of one statement. Raises Unmeasured when it is not there or cannot run."""
        if name not in statements(folder):
            raise Unmeasured("this release does not measure it yet")
        try:
            columns, rows = self._query(text("trivet.governance", "sql", folder, f"{name}.sql"), None, (self._given,))
        except (Usage, NotFound, Fault) as problem:
            raise Unmeasured(f"{problem.code} {problem.what}: {problem.why}") from None
        except KeyError as name:
            raise Unmeasured(f"nothing publishes {name}") from None
        return [dict(zip(columns, row, strict=True)) for row in rows]


def _before(now: str, days: int) -> str:
    return instant(parse_instant(now) - timedelta(days=days))
