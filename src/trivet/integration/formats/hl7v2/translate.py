"""One message to records: walks the segments, lets the plan build records, sets the links, and accounts for every element."""

from __future__ import annotations

from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.integration.formats.hl7v2 import location, special
from trivet.integration.formats.hl7v2.account import Account
from trivet.integration.formats.hl7v2.forms import family_of, watching
from trivet.integration.formats.hl7v2.identity import named
from trivet.integration.formats.hl7v2.lineage import Items, spans_of
from trivet.integration.formats.hl7v2.paths import Labels, Target
from trivet.integration.formats.hl7v2.plan import Action, Link, Opening, Plan, plan_for
from trivet.integration.formats.hl7v2.reader import Message, NotHl7v2, Repetition, Segment, find_header
from trivet.integration.formats.hl7v2.segments import SegmentMap
from trivet.integration.formats.hl7v2.settle import settle
from trivet.integration.formats.hl7v2.values import Bad, own_offset
from trivet.integration.formats.hl7v2.work import CARRIED, Builder, Group, Settings, Work
from trivet.integration.overlay import in_force
from trivet.kernel.errors import Rejected

__all__ = ["translate"]

_REGISTERED = (location, special)  # importing them puts their data types where the tables find them

_ENVELOPES = frozenset(("FHS", "BHS", "BTS", "FTS"))
_BESIDE = frozenset(("NTE", "PRT", "CTD"))  # segments that speak of the one before them
_VISIT_LAST = frozenset(("REF", "RRI"))
_NOTHING = Repetition([], 0, 0, "")
_SUBJECT = (Link(Target("subject"), "Patient"),)
_settings: dict[str, Settings] = {}
_new = tuple.__new__


def _settings_for(profile: SourceProfile) -> Settings:
    site = in_force()
    key = f"{profile.source}\0{profile.base}\0{profile.zone}\0{profile.options!r}\0{site.digest if site is not None else ''}"
    found = _settings.get(key)
    if found is None:
        if len(_settings) > 256:
            _settings.clear()
        found = _settings[key] = Settings(profile)
    return found


def translate(raw: bytes, profile: SourceProfile) -> Translation:
    """Records, spans, elements, rejects and notices of one message. Pure; never raises for bad bytes."""
    settings = _settings_for(profile)
    try:
        message = Message(raw, settings.charset)
    except NotHl7v2:
        return _refused(raw, "hl7v2-no-header", "no MSH segment in these bytes")
    if not settings.forms:
        message.script.standard = False
    if message.segments[0].name in _ENVELOPES:
        return _envelope(message)
    if len(message.named("MSH")) > 1:
        return _refused(raw, "hl7v2-two-messages", "two messages in one unit")
    code, event, _ = message.kind
    work = Work(message, settings, profile.source, profile.zone, own_offset(message.segments[0].value(7)))
    if message.undeclared:
        header = message.segments[0]
        work.notices.append(Notice("undeclared-charset", "", message.codec, "MSH[1]-18", header.start, len(header.name)))
    plan = plan_for(code, event)
    for segment in _ordered(message.segments, code):
        _take(work, plan, segment)
    for builder in list(work.records.values()):
        _link(work, builder)
    done = _finish(work)
    for builder in work.records.values():
        builder.group = None  # groups know their records: without this they would wait for the garbage collector
    return done


def _ordered(segments: list[Segment], code: str) -> list[Segment]:
    """Segments in the order in which they are understood. Referrals (chapter 11) put the visit last; diagnoses and orders rest on it."""
    if code not in _VISIT_LAST:
        return segments
    visit = [segment for segment in segments if segment.name in ("PV1", "PV2")]
    first = next((index for index, segment in enumerate(segments) if segment.name in ("DG1", "PR1", "OBR", "ORC", "OBX")), len(segments))
    if not visit or len(visit) > 2 or segments.index(visit[0]) < first:
        return segments
    rest = [segment for segment in segments if segment not in visit]
    return rest[:first] + visit + rest[first:]


def _take(work: Work, plan: Plan, segment: Segment) -> None:
    """One segment: open its group, run its actions."""
    name = segment.name
    opening = plan.openings.get(name)
    if opening is not None:
        _open(work, opening, name)
    work.group.segments[name] = segment
    if segment.continued:
        work.notices.append(Notice("line-break-in-segment", "", name, f"{name}[{segment.number}]", segment.start, len(segment.text)))
    if name[0] == "Z" and not plan.knows(name):
        _carry(work, segment)
    for action, maps in _due(work, plan, segment):
        _act(work, action, maps, segment)
    if name not in _BESIDE:
        work.anchor = name


def _carry(work: Work, segment: Segment) -> None:
    """A segment that only the site knows: kept with the patient leaf by leaf, uninterpreted, and noticed."""
    name = segment.name
    work.notices.append(Notice("z-segment", "", name, f"{name}[{segment.number}]", segment.start, len(segment.text)))
    home = _home(work, ("patient",))
    base, rule = work.settings.base, f"carry/{name}"
    builder = Builder("Basic", home)
    builder.resource["id"] = work.id("Basic", *(work.message.segments[0].value(number) for number in (3, 4, 10)), name, str(segment.number))
    builder.resource["code"] = {"coding": [{"system": f"{base}/code/segment", "code": name}]}
    extensions: list[dict[str, str]] = []
    for leaf in segment.leaves():
        if leaf.bad:
            work.unreadable(leaf, rule)
        elif leaf.text != '""' and not leaf.text.isspace():
            builder.spans.append(Span(f"extension[{len(extensions)}].valueString", leaf.offset, leaf.length, leaf.locator, rule))
            place = leaf.locator.partition("-")[2].replace("[1]", "").replace("[", "-").replace("]", "")
            extensions.append({"url": f"{base}/segment/{name}-{place}", "valueString": leaf.text})
    if not extensions:
        return
    builder.resource["extension"] = extensions
    CARRIED.add(rule)
    work.records["Basic", builder.resource["id"]] = builder
    builder.links.append(_SUBJECT)


def _open(work: Work, opening: Opening, name: str) -> None:
    group = work.group
    while group.level > opening.level and group.parent is not None:
        group = group.parent
    if group.level == opening.level and group.parent is not None:
        if group.name == opening.group and name not in group.segments and any(other in group.segments for other in opening.unless):
            work.group = group
            return
        group = group.parent
        while group.level >= opening.level and group.parent is not None:
            group = group.parent
    work.group = Group(opening.group, opening.level, group)


def _home(work: Work, names: tuple[str, ...]) -> Group:
    """The innermost open group of the first of these names that is open, else the whole message."""
    for name in names:
        group: Group | None = work.group
        while group is not None:
            if group.name == name:
                return group
            group = group.parent
    return work.root if names else work.group


def _due(work: Work, plan: Plan, segment: Segment) -> list[tuple[Action, tuple[SegmentMap, ...]]]:
    """The actions whose condition holds, and the maps of each that have something to say; found once for what decides it."""
    scan = segment.scan
    actions = plan.after(segment.name, work.anchor)
    if scan is None:
        return _holding(work, actions, segment)
    family = family_of(work, (plan.tokens[segment.name, work.anchor], "", scan.shape))
    found = family.forms.get(family.key(work, segment, scan))
    if found is None:
        with watching(work, segment, scan) as watch:
            found = _holding(work, actions, watch.segment)
        family.widen(watch.exact, watch.asks)
        family.forms[family.key(work, segment, scan)] = found
    return found


def _holding(work: Work, actions: tuple[Action, ...], segment: Segment) -> list[tuple[Action, tuple[SegmentMap, ...]]]:
    found = []
    for action in actions:
        if action.when is None or action.when(work, segment, _NOTHING):
            maps = tuple(one for one in action.maps if one.segment != segment.name or one.speaks(segment))
            if maps or not action.maps or action.bare or action.acts:
                found.append((action, maps))
    return found


def _act(work: Work, action: Action, maps: tuple[SegmentMap, ...], segment: Segment) -> None:
    """Make or find the record, and let the segment speak to it."""
    home = _home(work, action.home)
    builder: Builder | None = None
    if action.mode == "last":
        builder = work.group.find(action.label)
        if builder is None:
            return
    elif action.mode == "own" and (before := home.made.get(action.label)) and segment.name not in before[-1].heard:
        builder = before[-1]  # a second segment of the same name means another record
    fresh = builder is None
    labels: Labels | None = None
    if builder is None:
        builder = Builder(action.resource or "Nothing", home)
    elif action.mode == "last":
        labels = builder.labels
        builder.labels = _shared(labels)
        work.again = segment.name if segment.name in builder.heard else ""
    builder.heard += segment.name + " "
    try:
        for one in maps:
            speaker = segment if one.segment == segment.name else work.group.segment(one.segment)
            if speaker is not None:
                one.apply(work, speaker, builder)
    except Bad as bad:
        builder.failed = True
        leaf = bad.leaf
        work.rejects.append(Rejected(bad.code, bad.reason, leaf.locator, leaf.offset, leaf.length, help="trivet quarantine show"))
        for other in segment.leaves():
            work.refused[other.offset] = bad.rule
    if fresh and action.resource:
        if len(builder.resource) == 2 and not builder.failed and not action.bare:
            return
        made = named(work, action.resource, action.mode == "merge", action.token, action.key, segment, builder, home)
        home.made.setdefault(action.label, []).append(made)
        work.made.setdefault(action.label, []).append(made)
        builder = made
    if action.links and builder.failed is False:
        for link in action.links:
            if link.now:
                _refer(link, work.group.find(link.label), builder, 0)
        builder.links.append(action.links)
    if labels is not None:
        labels.update(_shared(builder.labels))
        builder.labels = labels


def _shared(labels: Labels) -> Labels:
    """Labels with a capital hold for the record, whatever segment speaks; others for one segment that comes to a finished record."""
    return {name: index for name, index in labels.items() if name[1][:1].isupper()} if labels else {}


def _link(work: Work, builder: Builder) -> None:
    """Set the references of one record, now that everything around it is known.

    A record of the whole message (an appointment, a referral) may refer into a group, if only one record there can be meant.
    """
    if builder.failed or not builder.links or builder.group is None:
        return
    builder.labels.clear()
    for links in builder.links:
        for link in links:
            if link.now:
                continue
            targets: list[Builder] | list[Builder | None]
            targets = builder.group.made.get(link.label, []) if link.every else [builder.group.find(link.label)]
            if targets == [None] and builder.group is work.root and len(made := work.made.get(link.label, ())) == 1:
                targets = list(made)
            for index, target in enumerate(targets):
                _refer(link, target, builder, index)


def _refer(link: Link, target: Builder | None, builder: Builder, index: int) -> None:
    """One reference, with the source element that names its target."""
    if target is None or target.failed or target is builder:
        return
    value: dict[str, Any] = {"reference": f"{target.type}/{target.resource['id']}"}
    if link.key:
        value = {link.key: value, **dict(link.constants)}
    path = link.target.put(builder.resource, builder.labels, index, value)
    leaf = target.leaf
    if path and leaf is not None:
        at = f"{path}.{link.key}.reference" if link.key else f"{path}.reference"
        builder.spans.append(Span(at, leaf.offset, leaf.length, leaf.locator, f"link/{link.label}"))


def _finish(work: Work) -> Translation:
    """Records that held, and the account of every element."""
    records: list[Record] = []
    items: list[Items] = []
    for builder in work.records.values():
        if builder.failed:
            for span in spans_of(builder.spans):
                work.refused.setdefault(span.offset, span.rule)
            continue
        settle(work, builder)
        items.append(builder.spans)
        records.append(builder.record())
    account = Account(work.message.segments, items, work.refused, work.dropped, work.superseded)
    return Translation(tuple(records), account, tuple(work.rejects), tuple(work.notices))


def _envelope(message: Message) -> Translation:
    """A batch or file header or trailer: read, accounted for, and ignored by rule, because it says nothing of a patient."""
    rule = "batch-envelope"
    leaves = [leaf for segment in message.segments for leaf in segment.leaves()]
    elements = tuple(_new(Element, (leaf[2], leaf[0], leaf[1], "dropped", rule)) for leaf in leaves)
    return Translation((), elements, ignored=f"hl7v2.{rule}")


def _refused(raw: bytes, code: str, reason: str) -> Translation:
    """Nothing could be read: one element over all the bytes, rejected."""
    found = find_header(raw)
    start = found.start(1) if found is not None else 0
    locator = "MSH[1]" if found is not None else ""
    element = Element(locator or "?", start, len(raw) - start, "rejected", code)
    rejected = Rejected(code, reason, locator, start, len(raw) - start, help="look at the unit: trivet quarantine show")
    return Translation((), (element,) if raw else (), (rejected,))
