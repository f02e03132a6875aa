"""Primitives that a pattern alone can tell to be right: a day that every year has, an id, a time. What does not match may be right too."""

from __future__ import annotations

import re

from trivet.integration.validation.primitives import CLOCK, ID, TIME, ZONE

__all__ = ["SURE"]

DAY = r"(?:19|20)\d\d-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
PART = r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2]))?"
SURE = {
    "date": re.compile(rf"{DAY}|{PART}", re.A).fullmatch,
    "dateTime": re.compile(rf"{DAY}(?:T{TIME}{ZONE})?|{PART}", re.A).fullmatch,
    "instant": re.compile(rf"{DAY}T{TIME}{ZONE}", re.A).fullmatch,
    "id": ID.fullmatch,
    "time": CLOCK.fullmatch,
}
