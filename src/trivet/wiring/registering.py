"""The interface register of a home: what settings, traffic and checks say about a feed, put together.

In: a house, a source, days. Out: the document (docs/reference/register.md) and the difference between two days. Refused: a source that
nobody knows, a day that is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from trivet.contracts.house import House
from trivet.data.interfaces.compare import RULES, changes, volume_change
from trivet.data.interfaces.document import feed_document
from trivet.data.interfaces.markdown import difference_markdown, document_markdown
from trivet.data.interfaces.store import ALWAYS, StoreRegister
from trivet.data.interfaces.sums import Sums
from trivet.kernel.digest import sha256
from trivet.kernel.errors import NotFound, Usage
from trivet.kernel.resources import text

__all__ = ["InterfaceRegister", "day_of", "difference_markdown", "document_markdown", "register"]

WEEK, MONTH = 7, 28


def register(house: House) -> InterfaceRegister:
    """The register of a home."""
    return InterfaceRegister(house)


def day_of(said: str, otherwise: str) -> str:
    """A day as `YYYY-MM-DD`. Usage for anything else."""
    if not said:
        return otherwise
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise Usage("E800", "a day is written YYYY-MM-DD", why=said, help="trivet register SOURCE --since 2026-03-01") from None


def before(day: str, days: int) -> str:
    """So many days earlier."""
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


class InterfaceRegister:
    """Reads; what it says changes only with what came in."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._store = StoreRegister(house.store)

    def sources(self) -> list[str]:
        """Every feed that the settings name or that ever delivered."""
        return sorted({*self._house.settings["sources"], *self._house.landing.balance()})

    def listing(self) -> list[dict[str, Any]]:
        """One line for each interface: what it is, how much came, how far it is documented."""
        return [*(self._line(source) for source in self.sources()), *self._described()]

    def _described(self) -> list[dict[str, Any]]:
        """What exports of interface engines describe."""
        columns, rows = self._house.shelf.query(text("trivet.wiring", "sql", "interfaces_described.sql"))
        made = []
        for row in rows:
            one = dict(zip(columns, row, strict=True))
            kind = f"{one['engine']} {one['version']} {one['kind']}"
            known = {"name": one["interface"], "origin": "export", "formats": kind, "units": None, "fields": None, "owner": "unknown"}
            made.append({**known, "documented": one["described"], "contract": "", "tests": 0, "findings": one["findings"]})
        return made

    def _line(self, source: str) -> dict[str, Any]:
        said = self._said(source)
        formats = self._store.formats(source)
        sums = [self._store.sums(source, form, *ALWAYS) for form in formats]
        counts = {"units": sum(_units(one) for one in sums), "fields": sum(len(one.fields) for one in sums)}
        contract = ", ".join(file["file"] for file in said["contract"])
        names = {"name": source, "origin": "traffic", "formats": ", ".join(formats), **counts, "owner": said["owner"]}
        return {**names, "documented": said["documented"], "contract": contract, "tests": said["tests"], "findings": None}

    def document(self, source: str, since: str = "", until: str = "") -> dict[str, Any]:
        """The register of one feed between two days, both included; of all days when none is given."""
        first, last = day_of(since, ALWAYS[0]), day_of(until, ALWAYS[1])
        said = self._said(source)
        expected = said["expected_every"] or 0
        formats = []
        for form in self._store.formats(source):
            facts = self._store.facts(source, form, first, last, expected)
            formats.append(feed_document(form, self._store.sums(source, form, first, last), facts))
        return {
            "source": source,
            "origin": "traffic",
            "since": since,
            "until": until,
            "made_at": self._house.clock.now(),
            "as_of": self._house.ledger.size() - 1,
            **said,
            "formats": formats,
            "drift": self.drift(source, last if until else self._house.clock.now()[:10]),
        }

    def _said(self, source: str) -> dict[str, Any]:
        """What the site says about the feed: settings, contract and tests. NotFound for a feed that nobody knows."""
        known = self._house.settings["sources"].get(source)
        if known is None and not self._store.formats(source):
            raise NotFound("E801", f"no source named {source}", why="known: " + ", ".join(self.sources()), help="trivet register")
        entry = known or {}
        site = Path(self._house.home) / "site"
        contracts = _named(site / "contracts", source)
        return {
            "owner": entry.get("owner", "unknown"),
            "documented": bool(entry.get("documented", False)),
            "vendor": entry.get("vendor", ""),
            "door": entry.get("door", "").partition("?")[0],
            "zone": entry.get("zone", ""),
            "expected_every": entry.get("expected_every", 0),
            "contract": [{"file": path.name, "digest": sha256(path.read_bytes())} for path in contracts],
            "tests": len(list((site / "tests" / source).glob("*"))) if (site / "tests" / source).is_dir() else 0,
        }

    def drift(self, source: str, until: str) -> dict[str, Any]:
        """The last seven days against the 28 days before them."""
        until = until if until != ALWAYS[1] else self._house.clock.now()[:10]
        start = before(until, WEEK - 1)
        return self._compared(source, (before(start, MONTH), before(start, 1)), (start, until), (MONTH, WEEK))

    def difference(self, source: str, since: str, until: str) -> dict[str, Any]:
        """Everything that came up to a day against what came after it, up to another."""
        if not since or not until:
            raise Usage("E802", "a difference needs two days", help="trivet register SOURCE --since DAY --until DAY --diff")
        first, last = day_of(since, ""), day_of(until, "")
        if first >= last:
            raise Usage("E803", "the first day of a difference is not before the second", why=f"{first}, {last}")
        self._said(source)
        days = (date.fromisoformat(last) - date.fromisoformat(first)).days
        found = self._compared(source, (ALWAYS[0], first), (before(first, -1), last), (0, days))
        return {"source": source, "since": since, "until": until, "made_at": self._house.clock.now(), **found}

    def _compared(self, source: str, one: tuple[str, str], other: tuple[str, str], days: tuple[int, int]) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        units = [0, 0]
        for form in self._store.formats(source):
            was, now = self._store.sums(source, form, *one), self._store.sums(source, form, *other)
            units[0], units[1] = units[0] + _units(was), units[1] + _units(now)
            counted = [self._days(source, form, *span) for span in (one, other)]
            length = days[0] or (len(counted[0]) and _span(counted[0], one[1]))
            moved = volume_change(counted[0], counted[1], length, days[1])
            found += [{"format": form, **row} for row in (*changes(was, now), *moved)]
        reason = "" if all(units) else "nothing came in the earlier stretch" if not units[0] else "nothing came in the later stretch"
        kinds = sorted({row["kind"] for row in found})
        return {
            "before": {"since": one[0] if one[0] != ALWAYS[0] else "", "until": one[1], "units": units[0]},
            "after": {"since": other[0], "until": other[1], "units": units[1]},
            "reason": reason,
            "changes": found,
            "rules": {kind: RULES[kind] for kind in kinds},
        }

    def _days(self, source: str, form: str, since: str, until: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for hour in self._store.hours(source, form, since, until):
            counts[hour["hour"][:10]] += hour["units"]
        return dict(counts)


def _units(sums: Sums) -> int:
    return sum(row[0] for (_, part), row in sums.parts.items() if not part)


def _span(days: Iterable[str], until: str) -> int:
    """Days from the first one that is there to the last one that is asked for."""
    return (date.fromisoformat(until) - date.fromisoformat(min(days, default=until))).days + 1


def _named(folder: Path, source: str) -> list[Path]:
    """Files called after a source, whatever their ending."""
    return sorted(path for path in folder.glob("*") if path.is_file() and path.stem == source) if folder.is_dir() else []
