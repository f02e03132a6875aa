"""What a site says about one feed: enough to translate it, and nothing about what its values mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["SourceProfile"]


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """Handed to `Format.translate`. `source` names the feed and is part of every record id; `zone` is the IANA zone of
    times that carry no offset; `system` is the base URI under which the feed's own identifiers and local codes live
    (`{system}/mrn`, `{system}/code/lab`); `table` names the table map for CSV feeds; `maps_digest` is the digest of the
    map release and overlays in force; `options` are the format's own settings."""

    source: str
    format: str = "auto"
    zone: str = "UTC"
    system: str = ""
    table: str = ""
    maps_digest: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The URI under which this feed's own identifiers and local codes live."""
        return self.system or f"urn:trivet:source:{self.source}"
