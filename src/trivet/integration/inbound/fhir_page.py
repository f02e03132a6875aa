"""One page of a FHIR server's answer, cut into the resources as the server wrote them, byte for byte.

In: the bytes of a Bundle. Out: entries with their resource's own bytes, the next link, what the server says about the search. The page
around them is transport, as a frame is: what it says (links, totals, scores) is read here and not kept. Refused: what is no Bundle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trivet.contracts.source import Event
from trivet.kernel import jsontext

__all__ = ["Entry", "Page", "outcome", "outcome_codes", "read_page", "wrapped"]

NOTHING = msgspec.Raw()
SEVERITIES = ("fatal", "error", "warning", "information")


class _Meta(msgspec.Struct):
    lastUpdated: str = ""  # noqa: N815
    versionId: str = ""  # noqa: N815


class _Head(msgspec.Struct):
    resourceType: str = ""  # noqa: N815
    id: str = ""
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Entry(msgspec.Struct):
    fullUrl: str = ""  # noqa: N815
    resource: msgspec.Raw = NOTHING
    search: dict[str, Any] = msgspec.field(default_factory=dict)
    request: dict[str, Any] = msgspec.field(default_factory=dict)


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815
    type: str = ""
    total: int | None = None
    link: list[_Link] = msgspec.field(default_factory=list)
    entry: list[msgspec.Raw] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `raw` is the resource's bytes, or the whole entry's where it has none or cannot be read; `key` is `Type/id` or empty."""

    raw: bytes
    key: str = ""
    version: str = ""
    updated: str = ""
    mode: str = ""
    deleted: bool = False
    url: str = ""


@dataclass(slots=True)
class Page:
    """`outcomes` counts what the server says about the search itself, by severity and code."""

    entries: list[Entry] = field(default_factory=list)
    type: str = ""
    total: int | None = None
    links: dict[str, str] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)


def read_page(body: bytes) -> Page | None:
    """A Bundle; None for anything else. An entry that cannot be read stays as it came, for the format to refuse it alone."""
    try:
        bundle = msgspec.json.decode(body, type=_Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if bundle.resourceType != "Bundle":
        return None
    page = Page(type=bundle.type, total=bundle.total, links={link.relation: link.url for link in bundle.link})
    for raw in bundle.entry:
        found = read_entry(bytes(raw).strip())
        if found.key.startswith("OperationOutcome") or found.mode == "outcome":
            page.outcomes.update(outcome_codes(found.raw))
        else:
            page.entries.append(found)
    return page


def read_entry(raw: bytes) -> Entry:
    """One entry of a Bundle."""
    try:
        entry = msgspec.json.decode(raw, type=_Entry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Entry(raw)
    mode = entry.search.get("mode")
    if not bytes(entry.resource):
        method, url = entry.request.get("method"), entry.request.get("url")
        target = url if isinstance(url, str) else entry.fullUrl
        key = "/".join(target.partition("/_history")[0].rsplit("/", 2)[-2:]) if "?" not in target else ""
        return Entry(raw, key, deleted=method == "DELETE", url=entry.fullUrl)
    body = bytes(entry.resource).strip()
    try:
        head = msgspec.json.decode(body, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Entry(body, mode=mode if isinstance(mode, str) else "")
    key = f"{head.resourceType}/{head.id}" if head.id else head.resourceType if head.resourceType == "OperationOutcome" else ""
    said = mode if isinstance(mode, str) else ""
    return Entry(body, key, head.meta.versionId, head.meta.lastUpdated, said, url=entry.fullUrl)


def wrapped(entry: Entry) -> bytes:
    """What is landed for an entry: its resource as it came; for a deletion the entry, in the smallest Bundle that means something."""
    return b'{"resourceType":"Bundle","type":"history","entry":[' + entry.raw + b"]}" if entry.deleted else entry.raw


def outcome_codes(raw: bytes) -> Counter[tuple[str, str]]:
    """Severity and code of each issue of an OperationOutcome: vocabulary, and never its text, which can speak of a person."""
    try:
        found = jsontext.loads(raw)
    except (ValueError, UnicodeDecodeError, RecursionError):
        return Counter({("error", "unreadable"): 1})
    issues = found.get("issue") if isinstance(found, dict) and found.get("resourceType") == "OperationOutcome" else None
    told: Counter[tuple[str, str]] = Counter()
    for issue in issues if isinstance(issues, list) else []:
        if isinstance(issue, dict):
            severity, code = issue.get("severity"), str(issue.get("code", ""))
            plain = code if code.replace("-", "").isalpha() and code.isascii() and len(code) < 40 else "other"
            told[severity if severity in SEVERITIES else "error", plain] += 1
    return told


def outcome(codes: Mapping[tuple[str, str], int], about: str) -> Event:
    """An event for what a server says about a request."""
    said = " ".join(f"{severity}:{code}={times}" for (severity, code), times in sorted(codes.items()))
    return Event("server-outcome", {"about": about, "issues": said})
