"""The register of one feed as a document: plain data, for JSON, Markdown and the console alike.

In: `Sums` of a feed and what else is known of it. Out: the documented form (docs/reference/register.md). Refused: a value that came fewer
than `FEW` times, and every value of a field that has more than `LISTED` of them: such a field is not a value set, whatever a table says.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from trivet.contracts.record import DISPOSITIONS
from trivet.data.interfaces.observe import SHAPES
from trivet.data.interfaces.places import grammar, heads
from trivet.data.interfaces.sums import FIELD, Sums
from trivet.kernel import resources

__all__ = ["FEW", "LISTED", "feed_document", "listed", "row_of"]

FEW = 3
LISTED = 200
NOT_SYSTEMS = ("MSH-", "PID-3.", "PID-18.", "PV1-19.", "EVN-")


def row_of(numbers: Sequence[int]) -> dict[str, int]:
    """A field's numbers by name."""
    return dict(zip(FIELD, numbers, strict=True))


def listed(values: Mapping[str, int] | None, elements: int) -> dict[str, Any] | None:
    """A field's value set as it may be shown; None for a field of which no value is kept. `others` counts elements that are not shown."""
    if not values:
        return None
    if len(values) > LISTED:
        return {"distinct": f"more than {LISTED}", "shown": [], "rare": None, "others": elements}
    shown = sorted(((value, count) for value, count in values.items() if count >= FEW), key=lambda item: (-item[1], item[0]))
    return {
        "distinct": len(values),
        "shown": [{"value": value, "elements": count} for value, count in shown],
        "rare": len(values) - len(shown),
        "others": elements - sum(count for _, count in shown),
    }


def feed_document(format: str, sums: Sums, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a feed carries in one format."""
    containers: Counter[str] = Counter()
    for (_, part), counts in sums.parts.items():
        containers[part] += counts[1]
    rejected = rejects_by_field(format, (facts or {}).get("rejects", ()))
    fields = []
    own = [pattern for role, pattern in heads(format) if role == "own"]
    for (part, name), numbers in sorted(sums.fields.items(), key=lambda item: in_order(item[0][1])):
        row = row_of(numbers)
        of = containers[part]
        fields.append(
            {
                "part": part,
                "field": name,
                "filled": row["containers"],
                "of": of,
                "fill_rate": share(row["containers"], of),
                "least": row["least"] if row["containers"] >= of else 0,
                "most": row["most"],
                "elements": row["elements"],
                "shortest": row["shortest"],
                "longest": row["longest"],
                "shapes": {shape: row[shape] for shape in SHAPES if row[shape]},
                "fates": {fate: row[fate] for fate in DISPOSITIONS if row[fate]},
                "rejects": rejected.get(name, 0),
                "own": any(fnmatchcase(name, pattern) for pattern in own),
                "values": listed(sums.values.get(name), row["elements"]),
            }
        )
    return {
        "format": format,
        "units": sum(row[0] for (_, part), row in sums.parts.items() if not part),
        "heads": head_values(format, sums),
        "types": types_of(sums),
        "parts": sorted(
            ({"part": part, "containers": count} for part, count in containers.items() if part), key=lambda row: str(row["part"])
        ),
        "fields": fields,
        "systems": systems_of(format, sums),
        "traffic": traffic_of(facts) if facts is not None else None,
    }


def in_order(name: str) -> tuple[tuple[str, int], ...]:
    """Names with numbers in them in the order people count: `MSH-2` before `MSH-10`."""
    return tuple((word, int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", name))


def share(part: int, whole: int) -> str:
    """A share as decimal text, four places; empty when there is nothing to count."""
    return f"{part / whole:.4f}" if whole else ""


def types_of(sums: Sums) -> list[dict[str, Any]]:
    """Message types with the parts that their units hold."""
    units = {kind: row[0] for (kind, part), row in sums.parts.items() if not part}
    inside: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (kind, part), (with_it, containers, least, most) in sorted(sums.parts.items()):
        if part:
            row = {"part": part, "units": with_it, "share": share(with_it, units[kind]), "containers": containers}
            inside[kind].append(row | {"least": least if with_it == units[kind] else 0, "most": most})
    ordered = sorted(units.items(), key=lambda item: (-item[1], item[0]))
    return [{"type": kind, "units": count, "parts": inside[kind]} for kind, count in ordered]


def head_values(format: str, sums: Sums) -> dict[str, list[dict[str, Any]]]:
    """What the feed says about itself: versions, character sets, senders, receivers, each by field."""
    found: dict[str, list[dict[str, Any]]] = {}
    for role, pattern in heads(format):
        if role in ("type", "own", "code system"):
            continue
        for name in sorted(name for name in sums.values if fnmatchcase(name, pattern)):
            for value, elements in sorted(sums.values[name].items(), key=lambda item: (-item[1], item[0]))[:LISTED]:
                if elements >= FEW or role in ("version", "character set"):
                    found.setdefault(role, []).append({"field": name, "value": value, "elements": elements})
    return found


def systems_of(format: str, sums: Sums) -> list[dict[str, Any]]:
    """Code systems that the feed names, and whether we know them; what we do not know is the sender's own."""
    patterns = [pattern for role, pattern in heads(format) if role == "code system"]
    used: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for name, values in sums.values.items():
        if not name.startswith(NOT_SYSTEMS) and any(fnmatchcase(name, pattern) for pattern in patterns):
            for value, elements in values.items():
                used[value].add(name)
                counts[value] += elements
    rows = [
        {"system": value, "elements": count, "fields": sorted(used[value]), "local": not known_system(value)}
        for value, count in counts.items()
        if count >= FEW
    ]
    return sorted(rows, key=lambda row: (-int(row["local"]), -row["elements"], row["system"]))


@cache
def known_systems() -> tuple[frozenset[str], tuple[str, ...]]:
    """Names and addresses of code systems that the shipped tables know."""
    names, uris = set[str](), set[str]()
    for folder, name in (("terminology", "systems.csv"), ("hl7v2", "coding_systems.csv"), ("ccda", "systems.csv")):
        for row in csv.DictReader(resources.text("trivet.maps", folder, name).splitlines()):
            for value in row.values():
                if isinstance(value, str) and value:
                    (uris if value.startswith(("http", "urn:")) else names).add(value)
    return frozenset(names | uris | {uri.removeprefix("urn:oid:") for uri in uris}), ("http://hl7.org/", "http://terminology.hl7.org/")


def known_system(value: str) -> bool:
    """Is it a code system that others know too? `L`, `99...` and what is in no table is local."""
    names, begins = known_systems()
    if value == "L" or value.startswith("99"):
        return False
    return value in names or value.startswith((*begins, "HL7", "2.16.840.1.113883.5.", "2.16.840.1.113883.12."))


def rejects_by_field(format: str, rejects: Sequence[tuple[str, str, int]]) -> Counter[str]:
    """Rejects counted by field of the feed."""
    known, found = grammar(format), Counter[str]()
    for _, locator, times in rejects:
        if locator:
            found[known[locator].field] += times
    return found


def traffic_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Volumes, silences, repeats, rejects, notices."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    clock: Counter[str] = Counter()
    for hour in facts["hours"]:
        days[hour["hour"][:10]].update({name: count for name, count in hour.items() if name != "hour"})
        clock[hour["hour"][11:13]] += hour["units"]
    codes: Counter[str] = Counter()
    for code, _, times in facts["rejects"]:
        codes[code] += times
    sums = Counter[str]()
    for row in days.values():
        sums.update(row)
    return {
        "units": sums["units"],
        "bytes": sums["bytes"],
        "mapped": sums["mapped"],
        "quarantined": sums["quarantined"],
        "ignored": sums["ignored"],
        "partial": sums["partial"],
        "first_day": min(days, default=""),
        "last_day": max(days, default=""),
        "days": [{"day": day, **row} for day, row in sorted(days.items())],
        "by_hour": {f"{hour:02d}": clock[f"{hour:02d}"] for hour in range(24)},
        "delivered": facts["delivered"],
        "repeated": facts["repeated"],
        "late": facts["checks"].get("event-late"),
        "out_of_order": facts["checks"].get("message-order"),
        "identifier_reused": facts["checks"].get("message-id-reused"),
        "expected_every": facts["expected"],
        "silences": facts["silences"],
        "longest_silences": facts["gaps"],
        "rejects": dict(sorted(codes.items())),
        "notices": [{"kind": kind, "system": system, "codes": codes_, "times": times} for kind, system, codes_, times in facts["notices"]],
    }
