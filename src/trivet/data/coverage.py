"""The account of what became of a source's elements, added up over many units.

In: settled receipts with their parcels. Out: rows of the coverage table (source, format, locator, disposition, rule, elements, units, the
first receipt).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.parcel import Parcel

__all__ = ["coverage_rows"]


def coverage_rows(outcomes: Sequence[tuple[Receipt, Parcel]]) -> list[tuple[Any, ...]]:
    """Coverage lines of many units, added up. Units of a feed have much the same account, mostly the very same object: counted first."""
    accounts: dict[tuple[str, str, int], list[Any]] = {}
    for receipt, parcel in outcomes:
        found = accounts.setdefault((receipt.source, receipt.format, id(parcel.coverage)), [parcel.coverage, 0, receipt.seq])
        found[1] += 1
        found[2] = min(found[2], receipt.seq)
    sums: dict[tuple[str, ...], list[int]] = {}
    for (source, form, _), (lines, often, first) in accounts.items():
        for locator, disposition, rule, elements in lines:
            sum_ = sums.setdefault((source, form, locator, disposition, rule), [0, 0, first])
            sum_[0], sum_[1] = sum_[0] + elements * often, sum_[1] + often
            sum_[2] = min(sum_[2], first)
    return [(*name, *found) for name, found in sums.items()]
