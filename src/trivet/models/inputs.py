"""From a feature row to the numbers a model takes, or a rejection that names the field. Never a guess, never a value in a message.

In: the manifest's inputs and a row. Out: one float for each input in the manifest's order (NaN where the model itself can deal
with missing values), and the names of those that were missing. Refused, as `Rejected`: another view, an input that is not there or
there twice, another unit, not a number, outside the hard range, too old, missing where nothing may stand in for it.
"""

from __future__ import annotations

import math
from datetime import datetime

from trivet.contracts.feature import FeatureRow, FeatureValue
from trivet.kernel.clock import parse_instant
from trivet.kernel.errors import Rejected
from trivet.models.manifest import Input, Manifest

__all__ = ["Taken", "take"]

Taken = tuple[tuple[float, ...], tuple[str, ...]]


def take(manifest: Manifest, row: FeatureRow) -> Taken | Rejected:
    """The numbers and the names of missing ones; or why this row cannot be scored."""
    if row.view != manifest.view or (manifest.view_digest and row.view_digest != manifest.view_digest):
        return Rejected("wrong-view", f"the model was made for another definition of {manifest.view}", "view", help="trivet promote")
    held: dict[str, FeatureValue] = {}
    for value in row.values:
        if value.name in held:
            return Rejected("duplicate-input", "stands twice in the row", value.name)
        held[value.name] = value
    numbers, missing = [], []
    at = parse_instant(row.instant)
    for one in manifest.inputs:
        if one.name not in held:
            return Rejected("unknown-input", "is not in the row", one.name)
        number = _number(one, held[one.name], at)
        if isinstance(number, Rejected):
            return number
        if number is None:
            missing.append(one.name)
            if one.missing == "reject":
                return Rejected("missing", "is not known, and the model may not be asked without it", one.name)
            number = math.nan if one.missing == "native" else one.instead
        numbers.append(math.nan if number is None else number)
    return tuple(numbers), tuple(missing)


def _number(one: Input, value: FeatureValue, at: datetime) -> float | Rejected | None:
    """The checked number of one input, None when it is missing."""
    if value.unit != one.unit:
        return Rejected("wrong-unit", f"is not in {one.unit}", one.name)
    if value.value is None:
        return None
    if isinstance(value.value, bool) or not isinstance(value.value, (int, float)):
        return Rejected("wrong-type", "is not a number", one.name)
    number = float(value.value)
    if not math.isfinite(number):
        return Rejected("wrong-type", "is not a finite number", one.name)
    if not one.hard[0] <= number <= one.hard[1]:
        return Rejected("out-of-range", f"lies outside {one.hard[0]:g} to {one.hard[1]:g} {one.unit}".rstrip(), one.name)
    if one.max_age:
        if not value.newest_at:
            return Rejected("undated", "has no time, and only a recent one may be used", one.name)
        age = (at - parse_instant(value.newest_at)).total_seconds()
        if not 0 <= age <= one.max_age:
            return Rejected("stale", f"is older than {one.max_age // 3600} hours, or from the future", one.name)
    return number
