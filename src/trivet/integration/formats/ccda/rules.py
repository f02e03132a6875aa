"""The approved tables of C-CDA: which template is which statement, what its elements become, codes, code systems, structure.

Places in `maps/ccda/fields.csv` are a small closed language: `entryRelationship[@typeCode=MFST]/observation[t=22.4.9]/value` steps down
through children, `..` up. A filter is `@name=value`, `t=template` (short for HL7's root), `child` (there is one), `code=value` (of its
`code`), each with `!` in front for the opposite; several stand between commas.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import quote

from trivet.integration.formats.ccda.tree import Node
from trivet.integration.tables import table
from trivet.kernel.errors import Fault

__all__ = ["OID", "UUID", "Kind", "Rule", "Step", "beginnings", "codes", "kind_of", "kinds", "live", "place", "rules", "section_kind"]
__all__ += ["nameless", "select", "structure", "system_uri", "templates"]

OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+", re.A)
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
ROOT = "2.16.840.1.113883.10.20."
# The simple observation of IHE PCC stands under many others, which are named beside it.
UNDER = frozenset(("1.3.6.1.4.1.19376.1.5.3.1.4.13",))
# Templates of CCD and IHE PCC that stand under more special ones, too, and what the section may make of them where they stand alone.
BROAD = {
    "1.28": ("allergy",),
    "1.3.6.1.4.1.19376.1.5.3.1.4.5": ("allergy",),
    "1.24": ("immunization",),
    "1.31": ("vital",),
    "1.32": ("vital-panel",),
}
ANYWHERE = (".", "..", "*")
ALONE = {"observationMedia": "media"}  # what needs no template to be known


class Step(NamedTuple):
    """One step of a place: a tag (`..`, `.`, `*` too) and filters (wanted, sort, name, value)."""

    tag: str
    filters: tuple[tuple[bool, str, str, str], ...]


class Rule(NamedTuple):
    """One row of `fields.csv`: where the value is, how it is read, where it goes. A plain target is one element of the resource."""

    name: str
    target: str
    source: tuple[Step, ...]
    how: str
    argument: str
    must: bool
    many: bool
    plain: bool


class Kind(NamedTuple):
    """One row of `kinds.csv`: the resource type, its element for the patient, for the statements below, and whether mentions are one."""

    name: str
    resource: str
    subject: str
    members: str
    shared: bool


@cache
def place(text: str) -> tuple[Step, ...]:
    """The steps of a place. Raises Fault for what is none."""
    steps = []
    for part in text.split("/"):
        tag, bracket, inside = part.partition("[")
        if not tag or bool(bracket) != inside.endswith("]"):
            raise Fault("E210", "a place in a C-CDA table cannot be read", where=text)
        steps.append(Step(tag, tuple(_filter(one) for one in inside[:-1].split(",")) if bracket else ()))
    return tuple(steps)


def _filter(text: str) -> tuple[bool, str, str, str]:
    wanted = not text.startswith("!")
    name, sign, value = text.removeprefix("!").partition("=")
    if name == "t":
        return wanted, "template", value, ""
    if name == "code":
        return wanted, "code", value, ""
    return (wanted, "attribute", name[1:], value if sign else "*") if name.startswith("@") else (wanted, "child", name, "")


def templates(node: Node) -> list[str]:
    """Roots of the templates of a statement, HL7's own prefix left out."""
    return [child.get("root").removeprefix(ROOT) for child in node.children if child.tag == "templateId"]


def _holds(node: Node, step: Step) -> bool:
    for wanted, sort, name, value in step.filters:
        if sort == "attribute":
            found = bool(node.get(name)) if value == "*" else node.get(name) == value
        elif sort == "template":
            found = name in templates(node)
        elif sort == "code":
            code = node.first("code")
            found = code is not None and code.get("code") == name
        else:
            found = node.first(name) is not None
        if found != wanted:
            return False
    return True


def select(node: Node, steps: tuple[Step, ...], named: dict[str, list[Node]] | None = None) -> list[Node]:
    """Every element at a place, in the order of the document; `named` are the children of the element by name, where these are known."""
    found = [node]
    if named is not None and steps[0].tag not in ANYWHERE:
        first = steps[0]
        found = named.get(first.tag, [])
        if first.filters:
            found = [one for one in found if _holds(one, first)]
        if not found:
            return []
        steps = steps[1:]
    for step in steps:
        tag = step.tag
        if tag == "..":
            found = [one.parent for one in found if one.parent is not None]
        elif tag == "*":
            found = [child for one in found for child in one.children]
        elif tag != ".":
            found = [child for one in found for child in one.children if child.tag == tag]
        if step.filters:
            found = [one for one in found if _holds(one, step)]
        if not found:
            break
    return found


@cache
def rules(entry: str) -> tuple[Rule, ...]:
    """What the elements of a kind of statement become, in the order in which it is tried."""
    return tuple(
        Rule(
            f"ccda/{entry}/{row['target']}",
            row["target"].removesuffix("[]"),
            place(row["source"]),
            row["how"],
            row["argument"],
            row["must"] == "yes",
            row["target"].endswith("[]"),
            re.fullmatch("[A-Za-z]+", row["target"].removesuffix("[]")) is not None,
        )
        for row in table("ccda/fields.csv", "entry", "target", "source", "how", "argument", "must")
        if row["entry"] == entry
    )


@cache
def beginnings(entry: str) -> frozenset[str]:
    """Tags with which the places of an entry's rules begin; of what is related, its name too: `entryRelationship/observation`."""
    return frozenset(_beginning(rule) for rule in rules(entry)) | {"entryRelationship"}


def _beginning(rule: Rule) -> str:
    first, *rest = (step.tag for step in rule.source)
    return f"{first}/{rest[0]}" if first == "entryRelationship" and rest and rest[0] not in ANYWHERE else first


@lru_cache(maxsize=4096)
def live(entry: str, tags: frozenset[str]) -> tuple[tuple[Rule, bool, str], ...]:
    """The rules that have something to look at where an element has children of these names (out of `beginnings`), or that must be met;
    whether there is; and the name of the children that they look at, where their place is no more than that."""
    found = []
    for rule in rules(entry):
        first = rule.source[0]
        here = first.tag in ANYWHERE or _beginning(rule) in tags
        alone = here and len(rule.source) == 1 and first.tag not in ANYWHERE and not first.filters
        if here or rule.must:
            found.append((rule, here, first.tag if alone else ""))
    return tuple(found)


@cache
def kinds() -> dict[str, Kind]:
    """Kinds of statements by name."""
    rows = table("ccda/kinds.csv", "kind", "resource", "subject", "members", "shared")
    return {row["kind"]: Kind(row["kind"], row["resource"], row["subject"], row["members"], row["shared"] == "yes") for row in rows}


@cache
def _entries() -> dict[tuple[str, str], str]:
    return {(row["template"], row["mood"]): row["kind"] for row in table("ccda/entries.csv", "template", "mood", "kind")}


@cache
def _sections() -> dict[str, dict[str, str]]:
    rows = table("ccda/sections.csv", "section", "key", "tag", "kind")
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["key"], {"": row["section"]})[row["tag"]] = row["kind"]
    return found


def section_kind(section: Node | None, tag: str) -> str:
    """The kind that a statement without a known template is in this section, "" when the table does not say."""
    if section is None:
        return ""
    code = section.first("code")
    for key in (code.get("code") if code is not None else "", *templates(section)):
        if key in _sections():
            return _sections()[key].get(tag, "")
    return ""


def _within(node: Node, mood: str) -> str:
    """The mood of a supply and, where it stands in a medication, of that: `INT in EVN`."""
    outer = node.parent.parent if node.parent is not None else None
    return f"{mood} in {outer.get('moodCode')}" if outer is not None and outer.tag == "substanceAdministration" else mood


def kind_of(node: Node, section: Node | None = None) -> str:
    """The kind of a statement by its templates; without a known one, by the section it stands in; "" when no row speaks of it.

    `box` is a statement that only holds others.
    """
    known, mood, found, plain, broad, special = _entries(), node.get("moodCode"), "", "", "", ("",)
    within = _within(node, mood) if node.tag == "supply" else mood
    for template in templates(node):
        here = known.get((template, within)) or known.get((template, mood)) or known.get((template, "")) or ""
        if here and template in UNDER:
            plain = here
        elif here and template in BROAD:
            broad, special = (broad, special) if broad else (here, BROAD[template])
        elif here and here != "box":
            return here
        found = here or found
    if broad:
        told = section_kind(section, node.tag)
        return told if told in special else broad
    if plain:
        return section_kind(section, node.tag) or plain
    return found or section_kind(section, node.tag) or ALONE.get(node.tag, "")


@cache
def codes(name: str) -> dict[str, dict[str, str]]:
    """A code map: source code -> `code`, `system`, `display`."""
    rows = table("ccda/codes.csv", "map", "source", "code", "system", "display")
    found = {row["source"]: {part: row[part] for part in ("system", "code", "display") if row[part]} for row in rows if row["map"] == name}
    if not found:
        raise Fault("E211", "a C-CDA table names a code map that does not exist", where=name)
    return found


@cache
def _systems() -> dict[str, str]:
    shared = {row["alias"]: row["system"] for row in table("terminology/systems.csv", "alias", "system")}
    rows = table("ccda/systems.csv", "oid", "uri")
    return shared | {f"urn:oid:{row['oid']}" if OID.fullmatch(row["oid"]) else row["oid"]: row["uri"] for row in rows}


@lru_cache(maxsize=4096)
def system_uri(root: str) -> str:
    """The URI of an OID or UUID: the standard's own one where there is one; of any other root, its own letters."""
    said = root.strip()
    if OID.fullmatch(said):
        name = f"urn:oid:{said}"
    else:
        name = f"urn:uuid:{said.lower()}" if UUID.fullmatch(said) else quote(said, safe=":/?#[]@!$&'()*+,;=%~-._")
    return _systems().get(name, name)


def nameless(root: str) -> bool:
    """Whether a root alone names nobody: it is a system that gives numbers to many (NPI, SSN), and the number is missing."""
    return OID.fullmatch(root.strip()) is not None and not system_uri(root).startswith("urn:")


@cache
def structure() -> dict[str, tuple[str, str]]:
    """Elements that carry no fact of their own: `tag/@name`, `@name` or `tag/*` -> disposition and rule."""
    return {row["element"]: (row["disposition"], row["rule"]) for row in table("ccda/structure.csv", "element", "disposition", "rule")}
