"""Watching the tables at work on one segment, to learn what they would do with any other of its shape.

The rows run as always, on leaves that notice how they are used. A text that is looked at (a condition, a code map of a binding, a
special data type) is *exact*: what was learned holds for that text only. A text that is handed to a pure function of it and put into
the record is *open*: a `Slot` stands in the record for it, and remembers the function. What the outcome depends on beside (two open
values compared, something asked of another segment) is written down as a test. `forms.py` makes a function of all this. Whatever is
done with a slot that it does not know raises `Opaque`: then nothing is learned, and such segments are read row by row for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.values import Doubt

__all__ = ["Opaque", "Pure", "Slot", "Watch", "WatchedLeaf", "WatchedSegment", "joined", "pick"]

Pure = Callable[[str, Any], Any]
"""A value of a text and of what the feed and the message say (`work.settings`, `work.offset`, `work.zone`); None for no value."""


class Opaque(Exception):
    """Somebody looked into a value that stands for any value."""


class Slot:
    """A value that other segments of the shape have in its place. `code` says how it is made: `("leaf", index, function)`,
    `("id", type, parts)`, `("reference", type, slot)`, `("join", separator, parts)`."""

    __slots__ = ("code", "value", "watch")

    def __init__(self, watch: Watch, code: tuple[Any, ...], value: Any) -> None:
        self.watch, self.code, self.value = watch, code, value

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, (dict, list)):
            return False
        outcome = bool(self.value == (other.value if isinstance(other, Slot) else other))
        self.watch.tests.append(("same", self, other, outcome))
        return outcome

    __hash__ = None  # type: ignore[assignment]

    def _refuse(self, *_: object) -> Any:
        raise Opaque

    __bool__ = __str__ = __format__ = __len__ = __iter__ = __getattr__ = _refuse


class Seen(str):
    """A text that a condition reads: whether it is there says the shape, what it is makes it exact."""

    __slots__ = ("tell",)
    tell: Callable[[bool], None]

    def __bool__(self) -> bool:
        self.tell(False)
        return len(self) > 0

    def __hash__(self) -> int:
        self.tell(True)
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        self.tell(True)
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        self.tell(True)
        return str.__ne__(self, other)


class WatchedLeaf(Leaf):
    """A leaf that notices who reads its text."""

    watch: Watch
    rank: int

    def __getitem__(self, item: Any) -> Any:
        if item == 3:
            self.watch.exact.add(self.rank)
        return tuple.__getitem__(self, item)

    @property
    def text(self) -> str:
        """The text, which is exact from now on."""
        self.watch.exact.add(self.rank)
        return str(tuple.__getitem__(self, 3))

    @property
    def raw(self) -> str:
        """The text, for those who know what they do."""
        return str(tuple.__getitem__(self, 3))

    @property
    def glimpse(self) -> str:
        """The text for a condition."""
        seen = Seen(self.raw)
        seen.tell = lambda exact: self.watch.exact.add(self.rank) if exact else None
        return seen


class WatchedSegment(Segment):
    """A segment whose leaves are watched. `real` is the segment itself."""

    __slots__ = ("real", "watch")

    def __init__(self, real: Segment, watch: Watch) -> None:
        super().__init__(real.script, real.name, real.number, real.start, real.text)
        self.real, self.watch, self.continued = real, watch, real.continued

    def _cut(self, number: int, text: str) -> list[Repetition]:
        return [
            Repetition([tuple(self._watched(leaf) for leaf in parts) if parts is not None else None for parts in one.components], *one[1:])
            for one in super()._cut(number, text)
        ]

    def _watched(self, leaf: Leaf | None) -> Leaf | None:
        if leaf is None:
            return None
        found = WatchedLeaf(*leaf)
        found.watch, found.rank = self.watch, self.watch.index[leaf.offset]
        return found

    def glance(self, number: int, component: int = 1) -> str:
        """The text of a component of the first repetition."""
        found = self.field(number)
        leaf = found[0].leaf(component) if found else None
        return leaf.glimpse if leaf is not None else ""


class Watch:
    """What is learned while rows run on one segment."""

    def __init__(self, segment: Segment, places: list[int], size: int) -> None:
        self.index = {offset: rank for rank, offset in enumerate(places[:size])}
        self.segment = WatchedSegment(segment, self)
        self.exact: set[int] = set()
        self.asks: dict[Callable[..., str], bool] = {}
        self.tests: list[tuple[Any, ...]] = []
        self._slots: dict[Any, Slot] = {}

    def outside(self, get: Callable[..., str], found: str) -> str:
        """What a condition asked of something beside the segment."""
        seen = Seen(found)
        seen.tell = lambda exact: self.asks.__setitem__(get, exact or self.asks.get(get, False))
        return seen

    def slot(self, code: tuple[Any, ...], value: Any) -> Slot:
        """The slot of a code, always the same one."""
        key = tuple(
            tuple(id(part) if isinstance(part, Slot) else part for part in item) if isinstance(item, tuple) else item for item in code
        )
        key = tuple(id(item) if isinstance(item, Slot) else item for item in key)
        return self._slots.setdefault(key, Slot(self, code, value))

    def pick(self, leaf: WatchedLeaf, function: Pure, work: Any) -> Any:
        """An open value of a leaf."""
        try:
            value = function(leaf.raw, work)
        except Doubt:
            self.exact.add(leaf.rank)
            raise
        if value is None:
            self.tests.append(("none", leaf.rank, function, True))
            return None
        return self.slot(("leaf", leaf.rank, function), value)


def pick(work: Any, leaf: Leaf, function: Pure) -> Any:
    """A pure function of a leaf's text: its value, or what stands for it while the segment is watched. Raises what it raises."""
    if work.watch is not None and type(leaf) is WatchedLeaf:
        return work.watch.pick(leaf, function, work)
    return function(leaf[3], work)


def joined(work: Any, separator: str, parts: list[Any]) -> Any:
    """Texts as one text."""
    if work.watch is not None and any(isinstance(part, Slot) for part in parts):
        text = separator.join([part.value if isinstance(part, Slot) else part for part in parts])
        return work.watch.slot(("join", separator, tuple(parts)), text)
    return separator.join(parts)
