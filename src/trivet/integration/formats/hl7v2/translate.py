"""One message to records: walks the segments, lets the plan build records, sets the links, and accounts for every element."""

from __future__ import annotations

from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.integration.formats.hl7v2 import location, special
from trivet.integration.formats.hl7v2.account import Account
from trivet.integration.formats.hl7v2.conditions import again
from trivet.integration.formats.hl7v2.forms import Family, Form, bring, family_of, tell, watching
from trivet.integration.formats.hl7v2.identity import Told, named
from trivet.integration.formats.hl7v2.lineage import Items, spans_of
from trivet.integration.formats.hl7v2.paths import Labels, Target
from trivet.integration.formats.hl7v2.plan import Action, Link, Opening, Plan, plan_for
from trivet.integration.formats.hl7v2.reader import Message, NotHl7v2, Repetition, Segment, find_header
from trivet.integration.formats.hl7v2.segments import SegmentMap
from trivet.integration.formats.hl7v2.settle import SETTLED, settle
from trivet.integration.formats.hl7v2.sound import mended, sound
from trivet.integration.formats.hl7v2.values import Bad, Doubt, own_offset
from trivet.integration.formats.hl7v2.work import CARRIED, Builder, Group, Settings, Work
from trivet.integration.overlay import in_force
from trivet.kernel.errors import Rejected

__all__ = ["translate"]

_REGISTERED = (location, special)  # importing them puts their data types where the tables find them

_ENVELOPES = frozenset(("FHS", "BHS", "BTS", "FTS"))
_BESIDE = frozenset(("NTE", "PRT", "CTD"))  # segments that speak of the one before them
_VISIT_LAST = frozenset(("REF", "RRI"))
_OF_VISIT = frozenset(("PV1", "PV2", "NTE", "PRT", "ROL"))
_NOTHING = Repetition([], 0, 0, "")
_SUBJECT = (Link(Target("subject"), "Patient", rule="link/Patient", alone="subject", tail="subject.reference", ending=".reference"),)
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
    if settings.forms:
        message.look()
    if message.segments[0].name in _ENVELOPES:
        return _envelope(message)
    if message.counts.get("MSH", 0) > 1:
        return _refused(raw, "hl7v2-two-messages", "two messages in one unit")
    work = Work(message, settings, profile.source, profile.zone, own_offset(message.moment))
    if message.undeclared:
        header = message.segments[0]
        work.notices.append(Notice("undeclared-charset", "", message.codec, "MSH[1]-18", header.start, len(header.name)))
    if settings.terminated and _cut(message):
        last = message.segments[-1]
        place = f"{last.name}[{last.number}]"
        work.notices.append(Notice("truncated", "", last.name, place, last.start, len(last.text)))
    code, event, _ = work.kind
    plan = plan_for(code, event)
    for segment in _ordered(message.segments, code):
        _take(work, plan, segment)
    for builder in list(work.records.values()):
        if builder.links:
            _link(work, builder)
    done = _finish(work)
    for builder in work.records.values():
        builder.group = None  # groups know their records: without this they would wait for the garbage collector
    return done


def _cut(message: Message) -> bool:
    """Whether the last segment lacks its terminator (HL7 v2.8.2 section 2.5.1: every segment ends with one)."""
    last = message.segments[-1]
    end = last.start + len(last.text)
    return message.raw[end:].lstrip(b" ")[:1] not in (b"\r", b"\n")


def _ordered(segments: list[Segment], code: str) -> list[Segment]:
    """Segments in the order in which they are understood. Referrals (chapter 11) put the visit last; diagnoses and orders rest on it."""
    if code not in _VISIT_LAST:
        return segments
    visit = [segment for segment in segments if segment.name in ("PV1", "PV2")]
    first = next((index for index, segment in enumerate(segments) if segment.name in ("DG1", "PR1", "OBR", "ORC", "OBX")), len(segments))
    if not visit or len(visit) > 2 or segments.index(visit[0]) < first:
        return segments  # what speaks of the visit, a comment or who took part, goes with it
    start = stop = segments.index(visit[0])
    while stop < len(segments) and segments[stop].name in _OF_VISIT:
        stop += 1
    return segments[:first] + segments[start:stop] + segments[first:start] + segments[stop:]


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
    for step in _due(work, plan, segment):
        _act(work, step, segment)
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


class Step:
    """An action that is due, with what was found out for the next segment that is decided alike: `new` and `more` are the forms of
    its maps for a new record and for one with content, `known` the choices of its key. `alone`: one map makes the record, of this
    segment, and what others say (`beside`) comes from segments before it."""

    __slots__ = ("action", "alone", "beside", "family", "known", "maps", "more", "new")

    def __init__(self, action: Action, maps: tuple[SegmentMap, ...], family: Family | None, name: str) -> None:
        self.action, self.maps, self.family = action, maps, family
        self.beside = len(maps) > 1
        self.alone = bool(action.resource) and bool(maps) and maps[0].segment == name
        self.new: list[Form | None] = [None] * len(maps)
        self.more: list[Form | None] = [None] * len(maps)
        self.known: Told | None = None

    def covers(self, family: Family) -> bool:
        """Whether what is kept for that family may be kept here: this one looks at all that it looks at, from now on at least."""
        if self.family is None or again in family.asks:
            return False
        return not self.family.widen(family.indices, family.asks)


def _due(work: Work, plan: Plan, segment: Segment) -> list[Step]:
    """The actions whose condition holds, and the maps of each that have something to say; found once for what decides it."""
    scan = segment.scan
    number, actions = plan.sequel.get((segment.name, work.anchor)) or plan.after(segment.name, work.anchor)
    if scan is None:
        return _holding(work, actions, segment, None)
    family = work.settings.families.get((number, "", scan.shape)) or family_of(work, (number, "", scan.shape))
    found: list[Step] | None = family.forms.get(family.key(work, segment, scan))
    if found is None:
        with watching(work, segment, scan) as watch:
            found = _holding(work, actions, watch.segment, family)
        family.widen(watch.exact, watch.asks)
        family.forms[family.key(work, segment, scan)] = found
    return found


def _holding(work: Work, actions: tuple[Action, ...], segment: Segment, family: Family | None) -> list[Step]:
    found = []
    for action in actions:
        if action.when is None or action.when(work, segment, _NOTHING):
            maps = tuple(one for one in action.maps if one.segment != segment.name or one.speaks(segment))
            if maps or not action.maps or action.bare or action.acts:
                found.append(Step(action, maps, family, segment.name))
    return found


def _act(work: Work, step: Step, segment: Segment) -> None:
    """Make or find the record, and let the segment speak to it."""
    action, name = step.action, segment.name
    if action.mode == "last":
        found = work.group.find(action.label)
        if found is not None:
            labels, found.labels = found.labels, _shared(found.labels)
            work.again = name if name in found.heard else ""
            found.heard += name + " "
            _heard(work, step, segment, found)
            _linked(work, action, found)
            labels.update(_shared(found.labels))
            found.labels = labels
        return
    home = _home(work, action.home) if action.home else work.group
    builder: Builder | None = None
    if action.mode == "own" and (before := home.made.get(action.label)) and name not in before[-1].heard:
        builder = before[-1]  # a second segment of the same name means another record
        builder.heard += name + " "
        _heard(work, step, segment, builder)
    else:
        builder = _made(work, step, segment, home) if step.alone else None
        if builder is None:
            builder = Builder(action.resource or "Nothing", home)
            builder.heard = name + " "
            _heard(work, step, segment, builder)
        if action.resource:
            if len(builder.resource) == 2 and not builder.failed and not action.bare:
                return
            builder = named(work, action.resource, action.mode == "merge", step, segment, builder, home)
            home.made.setdefault(action.label, []).append(builder)
            work.made.setdefault(action.label, []).append(builder)
    if action.prompt:
        _linked(work, action, builder)
    elif action.links and not builder.failed:
        builder.links.append(action.links)


def _made(work: Work, step: Step, segment: Segment, home: Group) -> Builder | None:
    """The new record as the form that is kept with the step tells it; None when there is no such form, or it does not hold."""
    scan = segment.scan
    form = step.new[0]
    if scan is None or form is None:
        return None
    try:
        said = form.run(scan.texts, scan.leaves, work)
    except Doubt:
        return None
    if said is None:
        return None
    builder = Builder(step.action.resource, home, said[1])
    builder.heard = segment.name + " "
    bring(form, work, segment, scan, builder, said[0])
    if step.beside:
        _heard(work, step, segment, builder, 1)
    return builder


def _heard(work: Work, step: Step, segment: Segment, builder: Builder, first: int = 0) -> None:
    """The segment speaks to a record; a value that must be right and is not refuses the record."""
    try:
        _speak(work, step, segment, builder, first)
    except Bad as bad:
        builder.failed = True
        leaf = bad.leaf
        work.rejects.append(Rejected(bad.code, bad.reason, leaf.locator, leaf.offset, leaf.length, help="trivet quarantine show"))
        for other in segment.leaves():
            work.refused[other.offset] = bad.rule


def _linked(work: Work, action: Action, builder: Builder) -> None:
    """References to set: those that cannot wait at once, the others when all is known."""
    if builder.failed:
        return
    for link in action.prompt:
        _refer(link, work.group.find(link.label), builder, 0)
    if action.links:
        builder.links.append(action.links)


def _speak(work: Work, step: Step, segment: Segment, builder: Builder, first: int) -> None:
    """Each map of an action in turn, from the first of them on: by the form that is kept with the step, else as the map finds."""
    for rank, one in enumerate(step.maps[first:] if first else step.maps, first):
        if one.segment != segment.name:
            speaker = work.group.segment(one.segment)
            if speaker is not None:
                one.apply(work, speaker, builder)
            continue
        new = builder.fresh
        kept = step.new if new else step.more
        form = kept[rank]
        scan = segment.scan
        if form is not None and scan is not None and (not new or builder.type == step.action.resource):
            if not tell(form, work, segment, scan, builder):
                one.apply(work, segment, builder)
            continue
        found = one.apply(work, segment, builder)
        if found is not None and step.covers(found[1]) and (not new or builder.type == step.action.resource):
            kept[rank] = found[0]


def _shared(labels: Labels) -> Labels:
    """Labels with a capital hold for the record, whatever segment speaks; others for one segment that comes to a finished record."""
    return {name: index for name, index in labels.items() if name[1][:1].isupper()} if labels else {}


def _link(work: Work, builder: Builder) -> None:
    """Set the references of one record, now that everything around it is known.

    A record of the whole message (an appointment, a referral) may refer into a group, if only one record there can be meant.
    """
    group = builder.group
    if builder.failed or group is None:
        return
    builder.labels.clear()
    nearest, resource, add = group.nearest, builder.resource, builder.spans.append
    for links in builder.links:
        for link in links:
            if link.every:
                for index, target in enumerate(group.made.get(link.label, ())):
                    _refer(link, target, builder, index)
                continue
            found = nearest.get(link.label)
            if found is None and group is work.root:
                made = work.made.get(link.label)
                found = made[0] if made is not None and len(made) == 1 else None
            if found is None:
                continue
            name, called, by = link.alone, found.called, found.by
            if name and name not in resource and called and by is not None and not found.failed and found is not builder:
                resource[name] = {"reference": called}
                add((link.tail, by, link.rule))
            else:
                _refer(link, found, builder, 0)


def _refer(link: Link, target: Builder | None, builder: Builder, index: int) -> None:
    """One reference, with the source element that names its target."""
    if target is None or target.failed or target is builder:
        return
    called = target.called
    if not called:
        called = target.called = f"{target.type}/{target.resource['id']}"
    value: dict[str, Any] = {"reference": called}
    by, resource, name = target.by, builder.resource, link.alone
    if name and name not in resource:
        resource[name] = value
        if by is None:
            builder.loose = True
        else:
            builder.spans.append((link.tail, by, link.rule))
        return
    if link.key:
        value = {link.key: value, **dict(link.constants)}
    path = link.target.put(resource, builder.labels, index, value)
    if path and by is None:
        builder.loose = True
    elif path and by is not None:
        builder.spans.append((path + link.ending, by, link.rule))


def _finish(work: Work) -> Translation:
    """Records that held, and the account of every element."""
    records: list[Record] = []
    items: list[Items] = []
    valid, lenient = True, not work.settings.mend
    for builder in work.records.values():
        if builder.failed:
            for span in spans_of(builder.spans):
                work.refused.setdefault(span.offset, span.rule)
            continue
        if builder.type in SETTLED:
            settle(work, builder)
        spans = builder.spans
        items.append(spans)
        record = Record(builder.resource, spans)
        records.append(record)
        if not lenient and not sound(work, builder, record):
            valid = False
    told = Translation(tuple(records), Account(work, items), tuple(work.rejects), tuple(work.notices))
    return told if valid else mended(told)


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
