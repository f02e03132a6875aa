"""The bench on which one message is translated: settings of the feed, records being built, groups, and what was noticed.

Everything here lives for one call of `translate`, `Settings` for one feed. Nothing is shared between messages but caches.
"""

from __future__ import annotations

import re
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Notice, Span
from trivet.integration.formats.hl7v2.lineage import Bulk, By, Items, leaf_of, spans_of
from trivet.integration.formats.hl7v2.paths import Labels, Target
from trivet.integration.formats.hl7v2.reader import Leaf, Message, Segment
from trivet.integration.formats.hl7v2.scan import Scan
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.formats.hl7v2.watch import Slot, Watch
from trivet.integration.tables import table
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Rejected

__all__ = ["CARRIED", "Builder", "Group", "Marks", "Settings", "Work", "settle_marks", "uri_of"]


CARRIED: set[str] = set()
"""Rules that keep a value word for word, without interpreting it."""


_new = tuple.__new__  # a named tuple without its Python-level constructor


class Settings:
    """What the profile says, looked up once per feed.

    `options`: `authorities` {assigning authority: system URI}, `code_systems` {coding system: URI}, `identifier_system` and
    `code_system` (patterns with {base} and {name} for those that nobody listed), `charset` (for feeds with an empty MSH-18),
    `patient_types` (identifier types of PID-3 that name the patient, best first), `dialect` (words that `option.NAME` conditions test),
    `mend` (false: what R4 forbids stays, for a comparison with a converter that writes bare names where R4 asks for URIs),
    `forms` (false: every segment is read row by row, see `forms.py`; slow, and the same), `terminated` (true: every message of the feed
    ends with its terminator; one that does not was cut off, and is noticed as `truncated`).
    """

    __slots__ = (
        "_coded",
        "_named",
        "authorities",
        "base",
        "charset",
        "code_pattern",
        "families",
        "forms",
        "id_pattern",
        "ids",
        "mend",
        "options",
        "patient_types",
        "sound",
        "terminated",
    )

    def __init__(self, profile: SourceProfile) -> None:
        options = profile.options
        self.base, self.options = profile.base, options
        self.authorities: dict[str, str] = dict(options.get("authorities", {}))
        self.id_pattern: str = options.get("identifier_system", "{base}/id/{name}")
        self.code_pattern: str = options.get("code_system", "{base}/code/{name}")
        self.charset: str = options.get("charset", "")
        self.patient_types: tuple[str, ...] = tuple(options.get("patient_types", ("MR", "PI", "PT", "PN", "")))
        self._coded: dict[str, str] = {row["name"]: row["uri"] for row in table("hl7v2/coding_systems.csv", "name", "uri")}
        self._coded.update(options.get("code_systems", {}))
        self._named: dict[tuple[str, str, str], str] = {}
        self.forms = bool(options.get("forms", True))
        self.mend = bool(options.get("mend", True))
        self.terminated = bool(options.get("terminated", False))
        self.families: dict[Any, Any] = {}
        self.ids: dict[tuple[str, ...], str] = {}
        self.sound: set[Any] = set()

    def code_system(self, name: str) -> str:
        """The URI of a coding system's name (table 0396); HL7's own tables by number; anything else under the feed's base."""
        found = self._coded.get(name)
        if found is None:
            bare = name.strip()
            if bare[:3] == "HL7" and bare[3:7].isdigit():
                found = f"http://terminology.hl7.org/CodeSystem/v2-{bare[3:7]}"
            else:
                found = uri_of(bare, "") or self.code_pattern.format(base=self.base, name=_slug(bare) or "local")
            self._coded[name] = found
        return found

    def authority(self, namespace: str, universal: str, kind: str) -> str:
        """The system of identifiers that an HD names: the site's own table first, then the universal id, then the feed's base."""
        key = (namespace, universal, kind)
        found = self._named.get(key)
        if found is None:
            found = self._named[key] = self._authority(namespace.strip(), universal.strip(), kind.strip().upper())
        return found

    def _authority(self, namespace: str, universal: str, kind: str) -> str:
        for name in (namespace, universal):
            if name and name in self.authorities:
                return self.authorities[name]
        if namespace and self.options.get("namespace_first"):
            return self.id_pattern.format(base=self.base, name=_slug(namespace))
        found = uri_of(universal, kind)
        if found:
            return found
        name = namespace or universal
        return self.id_pattern.format(base=self.base, name=_slug(name)) if name else ""


_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URI = re.compile(r"(https?://|urn:[a-z0-9][a-z0-9-]{0,31}:)[!-~]+", re.IGNORECASE)


def uri_of(universal: str, kind: str) -> str:
    """A universal id as a URI, by its type of table 0301 in capitals; "" when it is not what its type says, or its type has no URI."""
    if kind in ("ISO", "") and _OID.fullmatch(universal):
        return f"urn:oid:{universal}"
    if kind in ("UUID", "GUID") and _UUID.fullmatch(universal):
        return f"urn:uuid:{universal.lower()}"
    return universal if _URI.fullmatch(universal) else ""


def _slug(name: str) -> str:
    """A name as the last part of a URI: letters, digits, dot and hyphen."""
    return "-".join("".join(char if char.isalnum() or char in ".-_" else " " for char in name).split())


class Group:
    """A stretch of the message that belongs together: the whole, one patient, one order, one insurance, ..."""

    __slots__ = ("_nearest", "level", "made", "name", "parent", "segments")

    def __init__(self, name: str, level: int, parent: Group | None) -> None:
        self.name, self.level, self.parent = name, level, parent
        self.made: dict[str, list[Builder]] = {}
        self.segments: dict[str, Segment] = {}
        self._nearest: dict[str, Builder] | None = None

    @property
    def nearest(self) -> dict[str, Builder]:
        """The latest record of every label in this group or around it, once all are made."""
        found = self._nearest
        if found is None:
            around = self.parent.nearest if self.parent is not None else {}
            found = self._nearest = {**around, **{label: made[-1] for label, made in self.made.items()}} if self.made else around
        return found

    def find(self, label: str) -> Builder | None:
        """The latest record of that label in this group or around it."""
        group: Group | None = self
        while group is not None:
            made = group.made.get(label)
            if made:
                return made[-1]
            group = group.parent
        return None

    def segment(self, name: str) -> Segment | None:
        """The latest segment of that name in this group or around it."""
        group: Group | None = self
        while group is not None:
            found = group.segments.get(name)
            if found is not None:
                return found
            group = group.parent
        return None


class Builder:
    """A record while it is being built. `by` is the source element that names it, `called` what a reference to it says, `failed` that it
    must be refused, `heard` which segments came to it, `loose` that its spans do not say what it is made of (see `sound.py`)."""

    __slots__ = ("by", "called", "failed", "group", "heard", "labels", "links", "loose", "resource", "spans", "type")

    def __init__(self, type_: str, group: Group | None = None, resource: dict[str, Any] | None = None) -> None:
        self.type, self.group = type_, group
        self.resource: dict[str, Any] = {"resourceType": type_, "id": ""} if resource is None else resource
        self.spans = Items()
        self.labels: Labels = {}
        self.by: By | None = None
        self.links: list[Any] = []
        self.failed = self.loose = False
        self.heard = self.called = ""

    @property
    def leaf(self) -> Leaf | None:
        """The source element that names it."""
        by = self.by
        return leaf_of(by) if by is not None else None

    @property
    def fresh(self) -> bool:
        """Whether nothing was said to it yet, and nobody named it."""
        resource = self.resource
        return len(resource) == 2 and not resource["id"] and not self.spans and not self.labels

    def say(self, work: Work, target: Target, index: int, value: Any, leaf: Leaf, rule: str) -> None:
        """Put a value, with the leaf behind it."""
        self.loose = True
        stands = target.put(self.resource, self.labels, index, value)
        if stands:
            self.spans.append(_new(Span, (stands, leaf[0], leaf[1], leaf[2], rule)))
        else:
            work.superseded.setdefault(leaf[0], rule)

    def take(self, work: Work, target: Target, index: int, value: Any, spans: list[Span], rule: str) -> None:
        """Put a structure, with the spans inside it (their paths begin where the structure stands)."""
        self.loose = True
        stands = target.put(self.resource, self.labels, index, value)
        if stands:
            self.spans.extend(_new(Span, (stands + span[0], *span[1:])) for span in spans)
        else:
            for span in spans:
                work.superseded.setdefault(span[1], rule)

    def absorb(self, work: Work, out: dict[str, Any], spans: list[Span], rule: str) -> None:
        """Make the parts of a structure parts of the record itself; lists grow, a value that is there already stays."""
        self.loose = True
        moved: dict[str, str] = {}
        for name, value in out.items():
            have = self.resource.get(name)
            if have is None:
                self.resource[name] = value
            elif isinstance(have, list) and isinstance(value, list):
                for index, item in enumerate(value):
                    at = have.index(item) if item in have else len(have)
                    if at == len(have):
                        have.append(item)
                    moved[f"{name}[{index}]"] = f"{name}[{at}]"
            elif isinstance(have, dict) and isinstance(value, dict):
                for part, inner in value.items():
                    if have.setdefault(part, inner) != inner:
                        moved[f"{name}.{part}"] = ""
            elif have != value:
                moved[name] = ""
        for span in spans:
            head = span.path.split(".", 1)[0]
            inner = ".".join(part.partition("[")[0] for part in span.path.split(".", 2)[:2])
            to = moved.get(head, head) if moved.get(inner) is None else ""
            if to:
                self.spans.append(span if to == head else span._replace(path=to + span.path[len(head) :]))
            else:
                work.settle_marks()
                work.superseded.setdefault(span.offset, rule)

    def add(self, work: Work, resource: dict[str, Any], spans: Items) -> None:
        """What another mention of the same record says."""
        if resource == self.resource and not any(type(part) is list and len(part) > 1 for part in resource.values()):
            self.spans += spans
            return
        own = {name: value for name, value in resource.items() if name not in ("resourceType", "id")}
        loose = self.loose or resource != self.resource
        self.absorb(work, own, spans_of(spans), "same-record-other-value")
        self.loose = loose


Marks = tuple[tuple[bool, int, str], ...]
"""(dropped or superseded, index of the leaf, rule), as a form has them."""


def settle_marks(marked: list[tuple[Scan, Marks]], dropped: dict[int, str], superseded: dict[int, str]) -> None:
    """Marks of forms by the offset of their leaf; what stands there was said before."""
    for scan, marks in marked:
        places = scan.places
        for is_dropped, at, rule in marks:
            (dropped if is_dropped else superseded).setdefault(places[at], rule)
    marked.clear()


class Work:
    """One message on the bench."""

    __slots__ = (
        "again",
        "anchor",
        "born",
        "dropped",
        "group",
        "kind",
        "made",
        "marked",
        "message",
        "notices",
        "offset",
        "records",
        "refused",
        "rejects",
        "root",
        "sender",
        "settings",
        "source",
        "superseded",
        "watch",
        "zone",
    )

    def __init__(self, message: Message, settings: Settings, source: str, zone: str, offset: str) -> None:
        self.message, self.settings, self.source, self.zone, self.offset = message, settings, source, zone, offset
        self.kind = message.kind
        self.root = self.group = Group("message", 0, None)
        self.made: dict[str, list[Builder]] = {}
        self.records: dict[tuple[str, str], Builder] = {}
        self.anchor = self.again = ""
        self.sender: tuple[str, str, str] | None = None  # and control id, once somebody asked
        self.watch: Watch | None = None
        self.born: list[tuple[Builder, int]] = []  # while a segment is watched, with how many leaves were superseded before
        self.notices: list[Notice] = []
        self.rejects: list[Rejected] = []
        self.dropped: dict[int, str] = {}
        self.refused: dict[int, str] = {}
        self.superseded: dict[int, str] = {}
        self.marked: list[tuple[Scan, Marks]] = []  # by forms, not yet in the tables above

    def id(self, type_: str, *parts: str) -> str:
        """The deterministic id of a record of this feed."""
        if self.watch is not None and any(isinstance(part, Slot) for part in parts):
            plain = [part.value if isinstance(part, Slot) else part for part in parts]
            return self.watch.slot(("id", type_, parts), record_id(self.source, type_, *plain))  # type: ignore[return-value]
        key = (self.source, type_, *parts)
        known = self.settings.ids
        found = known.get(key)
        if found is None:
            if len(known) > 50000:
                known.clear()
            found = known[key] = record_id(*key)
        return found

    def settle_marks(self) -> None:
        """Put what forms marked where rows put it, before rows run again."""
        settle_marks(self.marked, self.dropped, self.superseded)

    def doubt(self, error: Doubt, leaf: Leaf, rule: str) -> None:
        """An optional value that is not what it should be: noticed, kept out, and accounted for as rejected."""
        if leaf.offset not in self.refused:
            self.notices.append(Notice(error.kind, error.system, error.code, leaf.locator, leaf.offset, leaf.length))
            self.refused[leaf.offset] = rule

    def unreadable(self, leaf: Leaf, rule: str) -> None:
        """A value whose bytes are not in the message's character set."""
        self.notices.append(Notice("undecodable", "", "", leaf.locator, leaf.offset, leaf.length))
        self.rejects.append(
            Rejected("hl7v2-unreadable", leaf.bad or "unreadable", leaf.locator, leaf.offset, leaf.length, help="declare the character set")
        )
        self.refused.setdefault(leaf.offset, rule)

    def reference(self, type_: str, id_: str) -> str:
        """What a reference to a record says."""
        if isinstance(id_, Slot):
            return id_.watch.slot(("reference", type_, id_), f"{type_}/{id_.value}")
        return f"{type_}/{id_}"

    def merge(self, builder: Builder) -> Builder:
        """The record under its id: a new one, or the earlier one with what the new one adds. Spans follow their values."""
        key = (builder.type, builder.resource["id"])
        known = self.records.get(key)
        if known is None:
            self.records[key] = builder
            return builder
        if known.by is None:  # nothing but a field has named it yet: what names it here stands behind references to it
            known.by = builder.by
        known.loose |= builder.loose
        known.add(self, builder.resource, builder.spans)
        return known

    def born_of(self, builder: Builder) -> None:
        """A record that a field gives rise to, or one more mention of one that is there."""
        if self.watch is not None:
            self.born.append((builder, len(self.superseded)))
            return
        builder.by = None
        self.merge(builder)

    def bear(self, type_: str, id_: str, resource: dict[str, Any], spans: Bulk) -> None:
        """The same, told by a form."""
        known = self.records.get((type_, id_))
        if known is None:
            builder = self.records[type_, id_] = Builder(type_, None, resource)
            builder.spans.append(spans)
        else:
            known.add(self, resource, Items((spans,)))
