"""One document on its way to records: what was made, what became of every leaf, and the rules of the tables applied to elements.

In: a tree and a profile. A statement becomes a record by the rows of its kind; a value that cannot be is rejected alone, or with the
statement where the row says that it must be there. A negation that no row expresses, and a statement without what it is about,
are rejected whole: saying the opposite, or nothing, would be worse.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile
from typing import Any

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.integration.formats.ccda.places import Same
from trivet.integration.formats.ccda.rules import Kind, Rule, beginnings, kind_of, kinds, live, nameless, select, structure
from trivet.integration.formats.ccda.tree import Leaf, Node, Tree
from trivet.integration.formats.ccda.values import HOW, BadValue, Made
from trivet.integration.valid import settled
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Rejected

__all__ = ["Unusable", "Work"]

Parts = list[tuple[str, Leaf, str]]
CODED = ("codeSystem", "displayName", "codeSystemName", "codeSystemVersion")
NEW = tuple.__new__  # as `tree.LEAF`
TOLD = frozenset((*CODED, "value", "negationInd"))
UNLESS = frozenset(("absent", "group-if-none", "text-concept-if-none"))  # even of a list only where nothing is said yet
GROUPS = ("group", "group-if-none")
AGAIN = frozenset(("practitioner", "organization", "location"))  # of whom no row looks outside of what names them
ORDERED = ("latest", "earliest")  # of several authors: the one who wrote last, the time of the first
SSN = "2.16.840.1.113883.4.1"


class Unusable(Exception):
    """A statement that cannot become a record; `said` is False when it says that it says nothing (nullFlavor)."""

    def __init__(self, why: str, leaf: Leaf | None = None, said: bool = True) -> None:
        super().__init__(why)
        self.why, self.leaf, self.said = why, leaf, said


class Work:
    """Gathers the translation of one document. Use once."""

    def __init__(self, tree: Tree, profile: SourceProfile) -> None:
        self.tree, self.profile, self.zone, self.own, self.named = tree, profile, profile.zone, profile.base, tree.named
        self.records: dict[str, tuple[dict[str, Any], Parts]] = {}
        self.fates: dict[int, tuple[str, str]] = {}
        self.rejects: list[Rejected] = []
        self.notices: list[Notice] = []
        self.patient = ""
        self.roles: set[int] = set()
        self.added: list[tuple[str, int, int]] = []  # to which record, and which of its parts
        self.mentions: dict[Any, tuple[str, tuple[tuple[str, str, int, str], ...], tuple[tuple[int, tuple[str, str]], ...]]] = {}
        self.encounters: frozenset[str] | None = None
        identity = next((_identity(node) for node in tree.root.all("id") if _identity(node)), ())
        self.document: tuple[str, ...] = identity or (tree.root.string(),)

    # what the data types ask for

    def carry(self, leaf: Leaf, rule: str) -> None:
        """A leaf that is kept without being interpreted."""
        self.fates.setdefault(leaf.offset, ("carried", rule))

    def settle(self, leaves: Iterable[Leaf], fate: tuple[str, str]) -> None:
        """Leaves of which nothing was said yet."""
        known = self.fates.setdefault
        for _, offset, _, _ in leaves:
            known(offset, fate)

    def notice(self, kind: str, system: str, code: str, leaf: Leaf) -> None:
        """Something for a person to look at."""
        self.notices.append(Notice(kind, system, code, leaf.locator, leaf.offset, leaf.length))

    # rows to values

    def fill(self, node: Node, entry: str) -> tuple[dict[str, Any], Parts]:
        """What the rows of an entry make of an element. Raises Unusable where a value that must be there is not, or cannot be."""
        value: dict[str, Any] = {}
        parts: Parts = []
        nulls: set[str] = set()
        named: dict[str, list[Node]] = {}
        for child in node.children:
            if child.tag in named:
                named[child.tag].append(child)
            else:
                named[child.tag] = [child]
        tags: Iterable[str] = named
        if "entryRelationship" in named:
            tags = {*named, *(f"entryRelationship/{child.tag}" for one in named["entryRelationship"] for child in one.children)}
        for rule, here, tag in live(entry, beginnings(entry).intersection(tags)):
            name, target, source, how, argument, must, many, plain = rule
            if how == "drop":
                if here:
                    self.drop(select(node, source, named), f"ccda/{argument}")
                continue
            if (not many or how in UNLESS) and (target in value if plain else _taken(value, target)):
                continue
            found = named[tag] if tag else select(node, source, named) if here else []
            if how in ORDERED and len(found) > 1:
                found = sorted(found, key=_time, reverse=how == "latest")
            for one in found:
                try:
                    made = self.make(rule, one)
                except BadValue as error:
                    if must:
                        raise Unusable(error.why, error.leaf) from None
                    self.reject("E247", error.why, error.leaf)
                    nulls.discard(target)
                    continue
                if made is None:
                    if one.get("nullFlavor"):
                        nulls.add(target)
                    continue
                if plain and not many:
                    where, value[target] = target, made.value
                else:
                    where = _put(value, rule, made)
                if where and made.parts:
                    inside: Iterable[Any] = made.parts  # of a group, with the rule that made it
                    if how in GROUPS:
                        parts += [(f"{where}.{path}" if path else where, leaf, by) for path, leaf, by in inside]
                    else:
                        parts += [(f"{where}.{path}" if path else where, leaf, name) for path, leaf in inside]
                if not many:
                    break
            if must and not _taken(value, target):
                raise Unusable(f"no {target}", said=target not in nulls)
        return value, parts

    def make(self, rule: Rule, source: Node) -> Made | None:
        """One value by one row. Raises BadValue."""
        how = rule.how
        if how in GROUPS:
            try:
                value, parts = self.fill(source, rule.argument)
            except Unusable as error:
                if error.leaf is not None or rule.must:
                    raise
                return None
            return Made(value, tuple(parts)) if value else None  # type: ignore[arg-type]
        if how in ("reference", "latest"):
            key = self.mention(rule.argument, source)
            if rule.argument == "practitioner" and source.offset not in self.roles:
                self.role(key, source)
            return Made({"reference": key}) if key else None
        if how == "link":
            return self.link(source, rule.argument)
        if how == "patient":
            return Made({"reference": self.patient})
        return HOW[how](self, source, rule.argument)

    def drop(self, nodes: Iterable[Node], rule: str) -> None:
        """Leaves that a rule names as saying nothing beyond what the record says already."""
        for node in nodes:
            self.settle(node.leaves(), ("dropped", rule))

    def reject(self, code: str, why: str, leaf: Leaf) -> None:
        """One value is not taken."""
        self.fates[leaf.offset] = ("rejected", code)
        self.rejects.append(Rejected(code, why, leaf.locator, leaf.offset, leaf.length))

    # records

    def identify(self, node: Node, resource: str) -> str:
        """The id of a record: from the statement's own identifier, the number of a person not being a social security number."""
        found = [identity for child in node.all("id") if (identity := _identity(child))]
        best = next((one for one in found if one[0] != SSN and one[1]), None) or (found[0] if found else None)
        if best is not None:
            return record_id(self.profile.source, resource, *best)
        return ""

    def statement(self, kind: Kind, node: Node, members: list[str]) -> str:
        """The record of a statement; its key. Raises Unusable."""
        value, parts = self.fill(node, kind.name)
        negated = node.attrs.get("negationInd")
        if negated is not None and negated.text == "true" and all(leaf is not negated for _, leaf, _ in parts):
            raise Unusable("a negation that no row of the table expresses", negated)
        if not value:
            raise Unusable("nothing that a row of the table speaks of", said=False)
        if _taken(value, "value[x]") and value.pop("dataAbsentReason", None) is not None:  # obs-6: what is said is not absent
            parts = self.without(parts, "dataAbsentReason", "ccda/said-all-the-same")
        element, _, wanted = kind.members.partition(":")
        if wanted and (found := [key for key in members if key.startswith(f"{wanted}/")]):
            name, _, inner = element.partition(".")
            value[name] = [{inner: {"reference": key}} if inner else {"reference": key} for key in found]
        if kind.subject and self.patient:
            value[kind.subject] = {"reference": self.patient}
        identity = self.identify(node, kind.resource) or record_id(self.profile.source, kind.resource, *self.document, node.path)
        resource = {"resourceType": kind.resource, "id": identity, **value}
        known = self.records.get(f"{kind.resource}/{identity}")
        if known is not None and known[0] != resource:
            resource["id"] = record_id(self.profile.source, kind.resource, *self.document, node.path)
        return self.add(resource, parts)

    def mention(self, name: str, node: Node) -> str:
        """The record of someone or something that may be named many times; what was said before, word for word, is read once."""
        if name not in AGAIN:
            return self._mention(name, node)
        leaves, here = node.leaves(), len(node.path)
        said = (name, tuple([(leaf.text, leaf.locator[here:]) for leaf in leaves]))
        known, begun = self.mentions.get(said), len(self.added)
        if known is not None:
            key, spans, fates = known
            for whose, path, at, rule in spans:
                held = self.records[whose][1]
                self.added.append((whose, len(held), len(held) + 1))
                held.append((path, leaves[at], rule))
            for at, fate in fates:
                self.fates.setdefault(leaves[at].offset, fate)
            return key
        before = len(self.notices) + len(self.rejects)
        key = self._mention(name, node)
        if len(self.notices) + len(self.rejects) == before:
            place = {leaf.offset: at for at, leaf in enumerate(leaves)}
            parts = [(whose, part) for whose, start, end in self.added[begun:] for part in self.records[whose][1][start:end]]
            told = tuple([(at, self.fates[leaf.offset]) for at, leaf in enumerate(leaves) if leaf.offset in self.fates])
            if all(leaf.offset in place for _, (_, leaf, _) in parts):  # nothing of it is said in the narrative
                self.mentions[said] = (key, tuple([(whose, path, place[leaf.offset], rule) for whose, (path, leaf, rule) in parts]), told)
        return key

    def _mention(self, name: str, node: Node) -> str:
        """One record, whatever a mention adds is added to it."""
        kind = kinds()[name]
        try:
            value, parts = self.fill(node, name)
        except Unusable:
            return ""
        if not value or (kind.resource not in ("Location", "Patient") and value.keys() <= {"status", "subject", "patient"}):
            return ""
        identity = self.identify(node, kind.resource)
        if not identity:
            said = "\x1f".join(sorted({f"{path}={leaf.text}" for path, leaf, _ in parts}))
            identity = record_id(self.profile.source, kind.resource, "said", said or f"{self.document}{node.path}")
        if kind.subject and self.patient:
            value[kind.subject] = {"reference": self.patient}
        for element in ("telecom", "address") if kind.resource == "Organization" else ():  # org-2, org-3: nobody lives there
            for number, one in enumerate(value.get(element, ())):
                if one.get("use") == "home":
                    del one["use"]
                    parts = self.without(parts, f"{element}[{number}].use", "ccda/home-of-an-organization")
        return self.add({"resourceType": kind.resource, "id": identity, **value}, parts)

    def role(self, person: str, node: Node) -> None:
        """The organization for which someone acts, and that they do (C-CDA on FHIR, participations)."""
        self.roles.add(node.offset)
        held = node.first("representedOrganization")
        where = self.mention("organization", held) if held is not None and held.begins < held.ends else ""
        if person and where:
            value, parts = self.fill(node, "practitioner-role")
            said = {"practitioner": {"reference": person}, "organization": {"reference": where}, **value}
            self.add(
                {"resourceType": "PractitionerRole", "id": record_id(self.profile.source, "PractitionerRole", person, where), **said}, parts
            )

    def link(self, node: Node, resource: str) -> Made | None:
        """A reference to an encounter that the document tells elsewhere, by its identifier; to no other."""
        if self.encounters is None:
            told = (
                one
                for one in self.tree.nodes
                if one.tag == "encompassingEncounter" or (one.tag == "encounter" and kind_of(one) == "encounter")
            )
            self.encounters = frozenset(key for one in told if not one.get("nullFlavor") and (key := self.identify(one, "Encounter")))
        key = self.identify(node, resource)
        leaf = next((leaf for child in node.all("id") for name in ("extension", "root") if (leaf := child.attrs.get(name))), None)
        if key not in self.encounters or leaf is None:
            return None
        for child in node.all("id"):
            self.settle(child.leaves(), ("dropped", "ccda/identifier-of-what-is-referred-to"))
        return Made({"reference": f"{resource}/{key}"}, (("reference", leaf),))

    def without(self, parts: Parts, where: str, rule: str) -> Parts:
        """Parts without those of an element that was taken back; their leaves are dropped by the rule."""
        for path, leaf, _ in parts:
            if path.startswith(where):
                self.fates.setdefault(leaf.offset, ("dropped", rule))
        return [part for part in parts if not part[0].startswith(where)]

    def add(self, resource: dict[str, Any], parts: Parts) -> str:
        """Keep a record; what an earlier one of the same key already says is not said twice."""
        key = f"{resource['resourceType']}/{resource['id']}"
        known = self.records.get(key)
        if known is None:
            self.records[key] = (resource, list(parts))
            self.added.append((key, 0, len(parts)))
            return key
        held, spans = known
        begins = len(spans)
        under: dict[str, Parts] = {}
        for part in parts:
            under.setdefault(part[0].partition(".")[0].partition("[")[0], []).append(part)
        for name, value in resource.items():
            moved: dict[str, str] = {}
            if name not in held or held[name] == value:
                held[name] = value
                moved[name] = name
            elif isinstance(value, list) and isinstance(held[name], list):
                for index, item in enumerate(value):
                    if item not in held[name]:
                        held[name].append(item)
                    moved[f"{name}[{index}]"] = f"{name}[{held[name].index(item)}]"
            for path, leaf, rule in under.get(name, ()):
                start = next((one for one in moved if path == one or path.startswith((f"{one}.", f"{one}["))), None)
                if start is not None:
                    spans.append((moved[start] + path[len(start) :], leaf, rule))
                else:
                    self.fates.setdefault(leaf.offset, ("dropped", "ccda/another-mention-differs"))
        self.added.append((key, begins, len(spans)))
        return key

    def refuse(self, node: Node, error: Unusable) -> None:
        """A statement that became no record: rejected with its place, or dropped when it says that nothing is known."""
        if error.said:
            at = error.leaf or Leaf("", node.offset, max(1, node.end - node.offset), node.path)
            self.rejects.append(Rejected("E248", f"the statement is not taken: {error.why}", at.locator, at.offset, at.length))
        else:
            self.notices.append(Notice("no-information", "ccda", node.tag, node.path, node.offset, max(1, node.end - node.offset)))
        fate = ("rejected", "E248") if error.said else ("dropped", "ccda/null-statement")
        self.settle(node.leaves(), fate)

    # the whole

    def translation(self) -> Translation:
        """Records with spans, and every leaf once, in places of the document's own bytes."""
        place, span, fates = self.tree.places.of, self.tree.places.span, self.fates
        same, lead = isinstance(self.tree.places, Same), place(0)
        mapped: dict[str, tuple[str, str]] = {}
        made = []
        for resource, parts in self.records.values():
            spans = []
            for path, (_, at, length, locator), rule in parts:
                offset, size = (at + lead, length) if same else span(at, length)
                spans.append(NEW(Span, (path, offset, size, locator, rule)))
                fate = mapped.get(rule)
                if fate is None:
                    fate = mapped[rule] = ("mapped", rule)
                fates[at] = fate
            made.append(Record(resource, tuple(spans)))
        records, gone, refused, said = settled(made, "ccda")
        if gone:
            kept = {one.offset for record in records for one in record.spans}
            for _, parts in self.records.values():
                for _, leaf, _ in parts:
                    at = place(leaf.offset)
                    if at in gone and at not in kept:
                        fates[leaf.offset] = ("rejected", f"ccda/{gone[at]}")
        elements: list[Element] = []
        add, fate_of = elements.append, fates.get
        for node in self.tree.nodes:
            for name, leaf in node.attrs.items():
                _, at, length, locator = leaf
                if length:
                    fate = fate_of(at) or (self.plain(node, name, leaf) if name in TOLD else None) or _structural(node.tag, name)
                    offset, size = (at + lead, length) if same else span(at, length)
                    add(NEW(Element, (locator, offset, size, *fate)))
            for _, (_, at, length, locator) in node.texts:
                offset, size = (at + lead, length) if same else span(at, length)
                add(NEW(Element, (locator, offset, size, *(fate_of(at) or _structural(node.tag, "")))))
        rejects = tuple(
            Rejected(one.code, one.reason, one.locator, place(one.offset), place(one.offset + one.length) - place(one.offset))
            for one in self.rejects
        )
        notices = tuple(
            one._replace(offset=place(one.offset), length=place(one.offset + one.length) - place(one.offset)) for one in self.notices
        )
        return Translation(tuple(records), tuple(elements), (*rejects, *refused), (*notices, *said))

    def plain(self, node: Node, name: str, leaf: Leaf) -> tuple[str, str] | None:
        """Leaves whose meaning lies in another one: the name of a code that was taken, a pointer into the narrative, no negation."""
        if name in CODED:
            code = node.attrs.get("code")
            taken = code is not None and self.fates.get(code.offset, ("",))[0] in ("mapped", "dropped")
            return ("dropped", "ccda/named-by-its-code") if taken else None
        if node.tag == "reference" and name == "value" and leaf.text.startswith("#"):
            return "carried", "ccda/narrative-reference"
        return ("dropped", "ccda/not-negated") if name == "negationInd" and leaf.text == "false" else None


@lru_cache(maxsize=4096)
def _structural(tag: str, name: str) -> tuple[str, str]:
    if name.partition(":")[0] == "xmlns":
        return "dropped", "ccda/namespace"
    rows = structure()
    return rows.get(f"{tag}/@{name}") or rows.get(f"@{name}") or rows.get(f"{tag}/*") or ("uncovered", "")


def _time(node: Node) -> str:
    """When an author wrote, or the time itself, in the order of time; one without comes last of all either way."""
    time = node if node.tag == "time" or node.parent is None else node.parent.first("time")
    return time.get("value") if time is not None else ""


def _identity(node: Node) -> tuple[str, str] | tuple[()]:
    root, extension = node.get("root").strip(), node.get("extension").strip()
    if not (root or extension) or node.get("nullFlavor") or (not extension and nameless(root)):
        return ()
    return root, extension


def _taken(value: dict[str, Any], target: str) -> bool:
    if target.startswith("_"):  # a reason for absence, where nothing else of the element is there
        stem = "".join(takewhile(str.islower, target[1:]))
        return any(name.lstrip("_").startswith(stem) for name in value)
    base, choice, _ = target.partition("[x]")
    if choice:
        return any(name.startswith(base) and name[len(base) : len(base) + 1].isupper() for name in value)
    held: Any = value
    for name in _steps(base):
        held = held.get(name) if isinstance(held, dict) else None
    return held is not None


@lru_cache(maxsize=4096)
def _steps(target: str) -> tuple[str, ...]:
    return tuple(target.split("."))


def _put(value: dict[str, Any], rule: Rule, made: Made) -> str:
    """Set the value at its target; the path where it stands, "" when it is there already."""
    target = rule.target.replace("[x]", made.suffix)
    *way, last = _steps(target)
    held = value
    for name in way:
        held = held.setdefault(name, {})
    if not rule.many:
        held[last] = made.value
        return target
    items = held.setdefault(last, [])
    if made.value not in items:
        items.append(made.value)
    return f"{target}[{items.index(made.value)}]"
