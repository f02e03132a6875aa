"""Which segments make which records, per kind of message: `messages.csv` and `groups.csv`, compiled once per message type.

A group is a stretch of segments that belong together (one patient, one order, one insurance). A segment that opens a group
closes those of the same level and below. A record is registered in its home group, and its links look for their target in
that group and around it, when the whole message has been read.
"""

from __future__ import annotations

from typing import NamedTuple

from trivet.integration.formats.hl7v2.conditions import binder
from trivet.integration.formats.hl7v2.forms import token
from trivet.integration.formats.hl7v2.identity import Choice, choices
from trivet.integration.formats.hl7v2.paths import Target
from trivet.integration.formats.hl7v2.segments import SegmentMap, known, segment_map
from trivet.integration.overlay import per_overlay
from trivet.integration.tables import Condition, Row, Test, compile_condition, parse, table

__all__ = ["Action", "Link", "Opening", "Plan", "plan_for"]


class Link(NamedTuple):
    """One reference to set: `every` collects all records of the label in the home group, else the nearest one is taken.

    `now` sets it at once, while the labels of the segment hold, instead of at the end of the message.
    `alone` is the element when the target is one element of the record, `tail` then the path of the reference; elsewhere the path
    ends with `ending`.
    With a `key` the target is a structure, the reference one part of it and `constants` the others.
    """

    target: Target
    label: str
    every: bool = False
    now: bool = False
    key: str = ""
    constants: tuple[tuple[str, str], ...] = ()
    rule: str = ""
    alone: str = ""
    tail: str = ""
    ending: str = ""


class Action(NamedTuple):
    """One row of `messages.csv`: what a segment does. References of `prompt` are set at once, of `links` at the end of the message."""

    tree: Condition | None
    when: Test | None
    resource: str
    label: str
    maps: tuple[SegmentMap, ...]
    mode: str
    home: tuple[str, ...]
    key: tuple[Choice, ...]
    links: tuple[Link, ...]
    prompt: tuple[Link, ...]
    bare: bool
    acts: bool
    token: int


class Opening(NamedTuple):
    """A segment begins a group, unless the open group of that name was begun by `unless` and has no such segment yet."""

    group: str
    level: int
    unless: tuple[str, ...]


class Plan:
    """Everything for one kind of message. What a segment does is compiled when the first one is met: few kinds hold many segments."""

    __slots__ = ("_actions", "_rows", "openings", "sequel")

    def __init__(self, openings: dict[str, Opening], rows: dict[str, list[Row]]) -> None:
        self.openings, self._rows = openings, rows
        self._actions: dict[str, tuple[Action, ...]] = {}
        self.sequel: dict[tuple[str, str], tuple[int, tuple[Action, ...]]] = {}

    def knows(self, name: str) -> bool:
        """Does any row speak of this segment?"""
        return name in self._rows

    def actions(self, name: str) -> tuple[Action, ...]:
        """What a segment does, in the order of the rows."""
        found = self._actions.get(name)
        if found is None:
            found = self._actions[name] = tuple(_action(row) for row in self._rows.get(name, ()))
        return found

    def after(self, name: str, anchor: str) -> tuple[int, tuple[Action, ...]]:
        """What a segment does when it stands after another: the actions that are left, with what is left of their conditions; and the
        number under which it is remembered which of them are due."""
        found = self.sequel.get((name, anchor))
        if found is None:
            left = [(action, known(action.tree, "after", anchor) if action.tree else True) for action in self.actions(name)]
            kept = tuple(
                action._replace(when=compile_condition(rest, binder(name)) if isinstance(rest, tuple) else None)
                for action, rest in left
                if rest is not False
            )
            found = self.sequel[name, anchor] = token(), kept
        return found


def _action(row: Row) -> Action:
    tree, links = parse(row["when"]) if row["when"] else None, _links(row["links"])
    return Action(
        tree=tree,
        when=compile_condition(tree, binder(row["segment"])) if tree else None,
        resource=row["resource"],
        label=row["label"] or row["resource"],
        maps=tuple(segment_map(name) for name in row["map"].split()),
        mode=row["mode"].rstrip("!"),
        home=tuple(row["home"].split()),
        key=choices(row["key"], row["segment"]),
        links=tuple(link for link in links if not link.now),
        prompt=tuple(link for link in links if link.now),
        bare=row["mode"].endswith("!"),
        acts="!" in row["links"],
        token=token(),
    )


def _matches(patterns: str, code: str, event: str) -> bool:
    return any(pattern in ("*", code, f"{code}^{event}") for pattern in patterns.split())


def _links(text: str) -> tuple[Link, ...]:
    """`subject=Patient result[]=*Observation link[](other,type=replaces)=MergedPatient`: target, label.

    `*` before the label takes every record of it, `!` before the target sets the reference at once.
    """
    found = []
    for part in text.split():
        target, _, label = part.rpartition("=")
        target, _, rest = target.partition("(")
        key, *constants = rest.rstrip(")").split(",")
        pairs = tuple((name, value) for name, _, value in (one.partition("=") for one in constants))
        name, place = label.lstrip("*"), Target(target.lstrip("!"))
        alone = place.text if place.fixed and len(place.steps) == 1 and not key else ""
        ending = f".{key}.reference" if key else ".reference"
        every, now = label[:1] == "*", target[:1] == "!"
        found.append(Link(place, name, every, now, key, pairs, f"link/{name}", alone, f"{alone}.reference", ending))
    return tuple(found)


@per_overlay
def plan_for(code: str, event: str) -> Plan:
    """The plan for MSH-9.1 and MSH-9.2. A kind of message that no row names gets the rows for every message."""
    openings = {}
    for row in table("hl7v2/groups.csv", "messages", "segment", "group", "level", "unless"):
        if _matches(row["messages"], code, event):
            openings[row["segment"]] = Opening(row["group"], int(row["level"]), tuple(row["unless"].split()))
    spoken: dict[str, list[Row]] = {}
    for row in table(
        "hl7v2/messages.csv", "messages", "but", "segment", "when", "resource", "label", "map", "mode", "home", "key", "links"
    ):
        if _matches(row["messages"], code, event) and not _matches(row["but"], code, event):
            spoken.setdefault(row["segment"], []).append(row)
    return Plan(openings, spoken)
