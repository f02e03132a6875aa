"""Technical debt, found by detectors over the running home and priced by the site's rates.

In: a meter and the tables of kinds and rates. Out: items with principal (hours once) and interest (measured events a month by
minutes each), and a list of detectors that could not run. A detector that cannot run is told, never counted as "no debt".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trivet.contracts.figure import DebtItem
from trivet.governance.measured import Meter, Unmeasured
from trivet.governance.policy import read_table

__all__ = ["debt"]

CENT = Decimal("0.01")


def debt(meter: Meter, overlay: Mapping[str, str] | None = None) -> dict[str, Any]:
    """`items` (dearest first), `unmeasured` (detector -> reason), totals by currency, and by kind with their counts."""
    rates = {row["role"]: row for row in read_table("value", "rates.csv", overlay)}
    items: list[DebtItem] = []
    unmeasured: dict[str, str] = {}
    for kind in read_table("debt", "kinds.csv", overlay):
        try:
            rows = meter.rows("debts", kind["kind"])
        except Unmeasured as why:
            unmeasured[kind["kind"]] = str(why)
            continue
        items += [_item(kind, rates[kind["role"]], row) for row in rows]
    items.sort(key=lambda item: (-Decimal(item.interest), -Decimal(item.principal), item.kind, item.asset))
    return {
        "items": items,
        "unmeasured": unmeasured,
        "totals": _totals(items, lambda item: item.currency),
        "kinds": _totals(items, lambda item: item.kind),
        "as_of": meter.as_of,
    }


def _item(kind: Mapping[str, str], rate: Mapping[str, str], row: Mapping[str, Any]) -> DebtItem:
    per_hour, events = Decimal(rate["rate_per_hour"]), Decimal(str(row["events_per_month"] or 0))
    hours = Decimal(kind["hours_each"])
    return DebtItem(
        kind=kind["kind"],
        title=kind["title"],
        asset=str(row["asset"]),
        detail=str(row["detail"]),
        hours=str(hours),
        principal=str((hours * per_hour).quantize(CENT)),
        events_per_month=str(events),
        interest=str((events * Decimal(kind["minutes_per_event"]) / 60 * per_hour).quantize(CENT)),
        currency=rate["currency"],
        rate_source=f"{rate['role']}: {rate['rate_per_hour']} {rate['currency']} an hour ({rate['source']})",
        decisions=None if row["decisions"] is None else int(row["decisions"]),
        since=str(row["since"] or ""),
        remedy=kind["remedy"],
        rows=(dict(row),),
    )


def _totals(items: list[DebtItem], key: Any) -> dict[str, dict[str, str]]:
    totals: dict[str, dict[str, Decimal]] = {}
    for item in items:
        held = totals.setdefault(key(item), {"items": Decimal(0), "principal": Decimal(0), "interest": Decimal(0)})
        held["items"] += 1
        held["principal"] += Decimal(item.principal)
        held["interest"] += Decimal(item.interest)
    return {name: {part: str(value) for part, value in held.items()} for name, held in totals.items()}
