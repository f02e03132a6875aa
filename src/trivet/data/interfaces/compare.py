"""What a feed carries now and did not before, and the other way round, by stated rules.

In: `Sums` of two stretches of time. Out: changes, each with its kind, what it is about and both numbers. A thing that is rare is not called
vanished before it should have been seen `EXPECTED` times; a rate is not called changed on fewer than `ENOUGH` containers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

from trivet.data.interfaces.document import FEW, LISTED, row_of
from trivet.data.interfaces.sums import Sums

__all__ = ["RULES", "changes", "volume_change"]

EXPECTED = 5
ENOUGH = 30
POINTS = 0.10
TIMES = 1.5
RULES = {
    "new-type": "a message type that did not come before",
    "vanished-type": f"a message type that came before, should have come at least {EXPECTED} times by its share, and did not",
    "new-part": "a segment, resource, loop, entry or section that was not there before",
    "vanished-part": f"a part that should have been there at least {EXPECTED} times by its share, and was not",
    "new-field": "a field that was never filled before",
    "vanished-field": f"a field that should have been filled at least {EXPECTED} times by its fill rate, and never was",
    "new-value": f"a code that did not come before and came at least {FEW} times",
    "vanished-value": f"a code that should have come at least {EXPECTED} times by its share, and did not",
    "fill-rate": f"filled {POINTS:.0%} more or less often, on at least {ENOUGH} containers before and after",
    "repeats": "more repeats in one container than ever before",
    "length": f"more than {TIMES} times as long as ever before, on at least {ENOUGH} containers before",
    "volume": f"units a day differ by a factor of {TIMES} and by more than three standard deviations of a Poisson count",
}
Change = dict[str, Any]


def change(kind: str, what: str, before: object, after: object) -> Change:
    """One change."""
    return {"kind": kind, "what": what, "before": before, "after": after}


def changes(before: Sums, after: Sums) -> list[Change]:
    """Every change of structure and values. Nothing when one of the two stretches is empty: then there is nothing to compare."""
    if not before.parts or not after.parts:
        return []
    return [*types(before, after), *fields(before, after), *values(before, after)]


def types(before: Sums, after: Sums) -> Iterator[Change]:
    """Message types and parts."""
    for kind, of in (("type", 0), ("part", 1)):
        was, now = counts(before, of), counts(after, of)
        total_was = sum(counts(before, 0).values())
        total_now = sum(counts(after, 0).values())
        for name in sorted(now.keys() - was.keys()):
            yield change(f"new-{kind}", name, 0, now[name])
        for name in sorted(was.keys() - now.keys()):
            if was[name] / total_was * total_now >= EXPECTED:
                yield change(f"vanished-{kind}", name, was[name], 0)


def counts(sums: Sums, of: int) -> Counter[str]:
    """Units by type (0), or units that hold a part (1)."""
    found: Counter[str] = Counter()
    for name, row in sums.parts.items():
        if bool(name[1]) == bool(of):
            found[name[of]] += row[0]
    return found


def containers(sums: Sums) -> Counter[str]:
    """How many containers of each part there are."""
    found: Counter[str] = Counter()
    for (_, part), row in sums.parts.items():
        found[part] += row[1]
    return found


def fields(before: Sums, after: Sums) -> Iterator[Change]:
    """Fields: new, vanished, filled more or less often, repeated more often, longer."""
    of_was, of_now = containers(before), containers(after)
    for name in sorted(before.fields.keys() | after.fields.keys()):
        part, field = name
        if name not in before.fields:
            yield change("new-field", field, 0, row_of(after.fields[name])["containers"])
            continue
        was = row_of(before.fields[name])
        rate = was["containers"] / of_was[part]
        if name not in after.fields:
            if rate * of_now[part] >= EXPECTED:
                yield change("vanished-field", field, was["containers"], 0)
            continue
        now = row_of(after.fields[name])
        rate_now = now["containers"] / of_now[part]
        if abs(rate_now - rate) >= POINTS and min(of_was[part], of_now[part]) >= ENOUGH:
            yield change("fill-rate", field, f"{rate:.4f}", f"{rate_now:.4f}")
        if now["most"] > was["most"]:
            yield change("repeats", field, was["most"], now["most"])
        if now["longest"] > was["longest"] * TIMES and was["containers"] >= ENOUGH:
            yield change("length", field, was["longest"], now["longest"])


def values(before: Sums, after: Sums) -> Iterator[Change]:
    """Codes of fields that are value sets."""
    for field in sorted(before.values.keys() & after.values.keys()):
        was, now = before.values[field], after.values[field]
        if len(was) > LISTED or len(now) > LISTED:
            continue
        total_was, total_now = sum(was.values()), sum(now.values())
        for value in sorted(now.keys() - was.keys()):
            if now[value] >= FEW:
                yield change("new-value", f"{field} = {value}", 0, now[value])
        for value in sorted(was.keys() - now.keys()):
            if was[value] >= FEW and was[value] / total_was * total_now >= EXPECTED:
                yield change("vanished-value", f"{field} = {value}", was[value], 0)


def volume_change(before: Mapping[str, int], after: Mapping[str, int], days_before: int, days_after: int) -> list[Change]:
    """Units a day, over all days of both stretches, the silent ones too."""
    if not days_before or not days_after or not sum(before.values()):
        return []
    was, now = sum(before.values()) / days_before, sum(after.values()) / days_after
    differs = abs(now - was) > 3 * sqrt(was / days_after + was / days_before)
    if differs and (now >= was * TIMES or now * TIMES <= was):
        return [change("volume", "units a day", f"{was:.1f}", f"{now:.1f}")]
    return []
