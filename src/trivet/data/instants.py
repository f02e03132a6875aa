"""When was it true: the instant of a FHIR date in its feed's zone. In, FHIR date text; out, UTC instant text; refused, anything else.

A date without a time counts from its first moment in the feed's zone; the record itself keeps the precision it came with.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from trivet.kernel.clock import instant

__all__ = ["lower_bound"]

DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


@lru_cache(maxsize=4096)
def lower_bound(text: str, zone: str) -> str:
    """First instant that a FHIR `date`, `dateTime` or `instant` (R4 section 2.24.0.1) may mean; empty when it is none of them."""
    found = DATE.fullmatch(text)
    try:
        if found:
            year, month, day = found.groups()
            return instant(datetime(int(year), int(month or 1), int(day or 1), tzinfo=ZoneInfo(zone)))
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return instant(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone)))
    except (ValueError, OverflowError):
        return ""
