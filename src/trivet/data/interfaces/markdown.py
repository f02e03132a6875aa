"""The register as Markdown: the document that nobody ever wrote for this interface.

In: a document or a difference as plain data. Out: lines. Nothing is added here that is not in the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["changes_markdown", "difference_markdown", "document_markdown", "format_markdown", "table"]

ROWS = 60  # values of one field that a page shows


def cell(value: Any) -> str:
    """One cell: no bar and no line end breaks the table."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("\r", " ")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A table; nothing when there are no rows."""
    held = list(rows)
    if held:
        yield "| " + " | ".join(columns) + " |"
        yield "|" + "---|" * len(columns)
        yield from ("| " + " | ".join(cell(value) for value in row) + " |" for row in held)
        yield ""


def percent(rate: str) -> str:
    """A share as people read it."""
    return f"{float(rate) * 100:.1f} %" if rate else "not known"


def document_markdown(document: Mapping[str, Any]) -> Iterator[str]:
    """The whole register of one feed."""
    span = " to ".join(filter(None, (document["since"], document["until"]))) or "all days"
    yield f"# Interface register: {document['source']}"
    yield ""
    yield f"Written by the traffic itself, {span}; as of ledger position {document['as_of']}, {document['made_at'][:16]}Z. Days are UTC."
    yield ""
    contract = ", ".join(f"{file['file']} ({file['digest'][:12]})" for file in document["contract"]) or "none"
    expected = f"every {document['expected_every']} s" if document["expected_every"] else "nothing is expected"
    owner = document["owner"] if document["owner"] not in ("", "unknown") else "**nobody**"
    yield from table(
        ("", ""),
        [
            ("Owner", owner),
            ("Documented", "yes" if document["documented"] else "**no**"),
            ("Vendor", document["vendor"] or "not known"),
            ("Door", document["door"] or "files"),
            ("Expected", expected),
            ("Contract", contract),
            ("Tests (samples in site/tests)", document["tests"] or "none"),
        ],
    )
    if not document["formats"]:
        yield "Nothing has come from this source."
        yield ""
    for form in document["formats"]:
        yield from format_markdown(form)
    yield "## Drift: the last seven days against the 28 before"
    yield ""
    yield from changes_markdown(document["drift"])


def format_markdown(form: Mapping[str, Any], level: int = 2) -> Iterator[str]:
    """What a feed carries in one format."""
    mark = "#" * level
    yield f"{mark} {form['format']}: {form['units']:,} units understood"
    yield ""
    for role, rows in sorted(form["heads"].items()):
        yield f"- {role}: " + ", ".join(f"`{row['value']}` ({row['field']}, {row['elements']:,})" for row in rows[:12])
    if form["heads"]:
        yield ""
    if form["traffic"] is not None:
        yield from traffic_markdown(form["traffic"], mark + "#")
    yield f"{mark}# Message types"
    yield ""
    for kind in form["types"]:
        yield f"**{kind['type'] or 'without a type'}**: {kind['units']:,} units"
        yield ""
        rows = [(part["part"], percent(part["share"]), f"{part['least']}..{part['most']}", part["containers"]) for part in kind["parts"]]
        yield from table(("part", "in units", "in one unit", "in all"), rows)
    if form["systems"]:
        yield f"{mark}# Code systems"
        yield ""
        rows = [
            (row["system"], "local" if row["local"] else "known", row["elements"], ", ".join(row["fields"][:6])) for row in form["systems"]
        ]
        yield from table(("system", "", "elements", "fields"), rows)
    yield f"{mark}# Fields"
    yield ""
    yield from table(("field", "filled", "repeats", "length", "shape", "fate", "rejects"), [field_row(field) for field in form["fields"]])
    coded = [field for field in form["fields"] if field["values"]]
    if coded:
        yield f"{mark}# Value sets"
        yield ""
        yield from table(("field", "codes", "values (times)"), [values_row(field) for field in coded])


def field_row(field: Mapping[str, Any]) -> Sequence[Any]:
    """One line of the table of fields."""
    total = sum(field["shapes"].values())
    shapes = ", ".join(
        shape if count == total else f"{shape} {100 * count / total:.0f} %"
        for shape, count in sorted(field["shapes"].items(), key=by_count)
    )
    fates = ", ".join(
        fate if count == total else f"{fate} {100 * count / total:.0f} %" for fate, count in sorted(field["fates"].items(), key=by_count)
    )
    length = f"{field['shortest']}" if field["shortest"] == field["longest"] else f"{field['shortest']}..{field['longest']}"
    name = f"{field['field']} (own)" if field["own"] else field["field"]
    return name, percent(field["fill_rate"]), f"{field['least']}..{field['most']}", length, shapes, fates, field["rejects"] or ""


def by_count(item: tuple[str, int]) -> tuple[int, str]:
    """Most frequent first."""
    return -item[1], item[0]


def values_row(field: Mapping[str, Any]) -> Sequence[Any]:
    """One line of the table of value sets."""
    held = field["values"]
    shown = ", ".join(f"`{row['value']}` ({row['elements']:,})" for row in held["shown"][:ROWS])
    more = len(held["shown"]) - ROWS
    notes = [f"and {more} more"] if more > 0 else []
    notes += [f"{held['rare']} seen fewer than 3 times"] if held["rare"] else []
    notes += ["not a value set: too many"] if held["rare"] is None else []
    return field["field"], held["distinct"], "; ".join([*([shown] if shown else []), *notes])


def traffic_markdown(traffic: Mapping[str, Any], mark: str) -> Iterator[str]:
    """Volumes, silence, repeats, rejects."""
    yield f"{mark} Traffic"
    yield ""
    silences = traffic["silences"]
    days = len(traffic["days"])
    hours = " ".join(f"{hour}:{count}" for hour, count in traffic["by_hour"].items() if count)
    rows: list[tuple[str, Any]] = [
        ("Units", f"{traffic['units']:,} on {days} days ({traffic['first_day']} to {traffic['last_day']}), {traffic['bytes']:,} bytes"),
        ("States", ", ".join(f"{name} {traffic[name]:,}" for name in ("mapped", "partial", "quarantined", "ignored"))),
        ("By hour of the day (UTC)", hours or "none"),
        ("Deliveries", f"{traffic['delivered']:,}, of them repeats {traffic['repeated']:,}"),
        ("Late, out of order", f"{told(traffic['late'])}, {told(traffic['out_of_order'])}"),
        ("Silences longer than expected", "nothing is expected" if silences is None else f"{silences['count']}"),
    ]
    rows += [("Longest silence", f"{gap['seconds']:,} s from {gap['from'][:16]}Z") for gap in traffic["longest_silences"][:1]]
    rows += [(f"Rejected: {code}", times) for code, times in traffic["rejects"].items()]
    rows += [
        (f"Noticed: {note['kind']} {note['system']}".rstrip(), f"{note['times']} ({note['codes']} codes)")
        for note in traffic["notices"][:20]
    ]
    yield from table(("", ""), rows)


def told(count: int | None) -> str:
    """A count of the last run of the checks; they keep the first hundred rows."""
    return "none told" if count is None else f"{count} or more" if count >= 100 else str(count)


def changes_markdown(found: Mapping[str, Any]) -> Iterator[str]:
    """Changes between two stretches of time, with the rules behind them."""
    one, other = found["before"], found["after"]
    since = f"{one['since']} to {one['until']}" if one["since"] else f"up to {one['until']}"
    yield f"Before: {since}, {one['units']:,} units. After: {other['since']} to {other['until']}, {other['units']:,} units."
    yield ""
    if found["reason"]:
        yield f"No comparison: {found['reason']}."
        yield ""
    elif not found["changes"]:
        yield "Nothing changed by the rules."
        yield ""
    yield from table(
        ("change", "what", "before", "after"), [[row[name] for name in ("kind", "what", "before", "after")] for row in found["changes"]]
    )
    for kind, rule in found["rules"].items():
        yield f"- *{kind}*: {rule}"
    if found["rules"]:
        yield ""


def difference_markdown(found: Mapping[str, Any]) -> Iterator[str]:
    """The difference of a feed between two days."""
    yield f"# Interface register: {found['source']}, what changed"
    yield ""
    yield from changes_markdown(found)
