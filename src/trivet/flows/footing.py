"""What a feature value stands on: record versions, the units they were read from, and the bytes.

In: a feature value as it was recorded. Out: plain data, each fact with its spans and the text that stands there, and a word
for how far down it reaches: `bytes`, `absence` (nothing was there, and that is recorded), `erased`, `unresolved`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from trivet.contracts.feature import Contribution, FeatureValue
from trivet.contracts.house import House
from trivet.contracts.record import Span
from trivet.contracts.repair import TAG
from trivet.contracts.trail import ReceiptTrace, Trail, VersionTrace
from trivet.kernel.errors import NotFound
from trivet.kernel.ieee754 import bits_of

__all__ = ["Ground", "element", "matching"]

INDEX = re.compile(r"\[\d+\]")
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
SHOWN = 400  # bytes of a span shown


class Ground:
    """Reads record versions, receipts and raw units once each, for one story."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._trail: Trail = house.role("trail")
        self.versions: dict[tuple[str, int], VersionTrace] = {}
        self.receipts: dict[int, ReceiptTrace] = {}
        self.raw: dict[int, bytes | None] = {}

    def feature(self, value: FeatureValue) -> dict[str, Any]:
        """One feature with everything under it."""
        facts = [self.fact(contribution) for contribution in value.contributions]
        states = {fact["state"] for fact in facts}
        worst = next((word for word in ("unresolved", "erased", "bytes") if word in states), "")
        return {
            "name": value.name,
            "value": value.value,
            "bits": None if value.value is None else bits_of(value.value),
            "unit": value.unit,
            "newest_at": value.newest_at,
            "absence": value.absence,
            "state": worst or ("absence" if value.absence else "unresolved"),
            "facts": facts,
        }

    def fact(self, given: Contribution) -> dict[str, Any]:
        """One record element: what it says, where it came from, which bytes."""
        told: dict[str, Any] = {"record": given.record, "version": given.version, "path": given.path, "state": "unresolved", "spans": []}
        try:
            version = self.version(given.record, given.version)
        except NotFound as missing:
            return told | {"why": missing.code}
        receipt = self.receipt(version.receipt)
        told |= {
            "value": element(version.resource, given.path),
            "source": version.source,
            "known_seq": version.known_seq,
            "valid_at": version.valid_at,
            "receipt": version.receipt,
            "format": receipt.receipt.format,
            "received_at": receipt.receipt.received_at,
        }
        repairs = [tag["code"] for tag in (version.resource.get("meta") or {}).get("tag", []) if tag.get("system") == TAG]
        if repairs:  # a person changed what the bytes say; `trivet repair show` says who and what
            told["repairs"] = repairs
        spans = matching(version.spans, given.path)
        if not spans:
            return told | {"why": "no-span"}
        raw = self.unit(version.receipt)
        told["spans"] = [shown(span, raw) for span in spans]
        return told | {"state": "erased" if raw is None else "bytes"}

    def version(self, key: str, version: int) -> VersionTrace:
        """A record version, once."""
        if (key, version) not in self.versions:
            self.versions[key, version] = self._trail.version(key, version)
        return self.versions[key, version]

    def receipt(self, seq: int) -> ReceiptTrace:
        """A receipt, once."""
        if seq not in self.receipts:
            self.receipts[seq] = self._trail.receipt(seq)
        return self.receipts[seq]

    def unit(self, seq: int) -> bytes | None:
        """A raw unit, once; None when it is erased."""
        if seq not in self.raw:
            try:
                self.raw[seq] = self._house.vault.get(self.receipt(seq).receipt.blob)
            except NotFound:
                self.raw[seq] = None
        return self.raw[seq]


def matching(spans: Sequence[Span], path: str) -> list[Span]:
    """The spans behind an element: its own; else those inside it; else the smallest that holds it; indices may be left out."""
    for name in (str, bare):
        wanted = name(path)
        own = [span for span in spans if name(span.path) == wanted]
        if own:
            return own
        inside = [span for span in spans if name(span.path).startswith((wanted + ".", wanted + "["))]
        if inside:
            return inside
        around = [span for span in spans if wanted.startswith((name(span.path) + ".", name(span.path) + "[")) or not span.path]
        if around:
            longest = max(len(span.path) for span in around)
            return [span for span in around if len(span.path) == longest]
    return []


def bare(path: str) -> str:
    """A path without its indices."""
    return INDEX.sub("", path)


def element(resource: Any, path: str) -> Any:
    """The value at a path; a list of values where the path leaves an index out; None when there is nothing."""
    found = [resource]
    many = False
    for name, index in STEP.findall(path):
        following: list[Any] = []
        for value in found:
            if index:
                following += value[int(index) : int(index) + 1] if isinstance(value, list) else []
                continue
            items = value if isinstance(value, list) else [value]
            many = many or len(items) > 1
            following += [item[name] for item in items if isinstance(item, dict) and name in item]
        found = following
    return found if many and len(found) > 1 else found[0] if found else None


def shown(span: Span, raw: bytes | None) -> dict[str, Any]:
    """A span with the text that stands there, as far as it is shown."""
    data = None if raw is None else raw[span.offset : span.offset + span.length]
    text = None if data is None else data[:SHOWN].decode("utf-8", "replace")
    return {**span._asdict(), "text": text}
