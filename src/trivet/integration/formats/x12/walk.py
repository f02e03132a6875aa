"""Segments to loops: which loop each one stands in, and what is missing, unexpected or too many.

In: the segments of one transaction set. Out: steps and faults. A segment that fits nowhere keeps the walker where it is; it
is still given the loop that it looks like, so that its content can be read, and its fault says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from trivet.integration.formats.x12.moves import Move, State, book_of, remember
from trivet.integration.formats.x12.structure import Loop, Slot, known_names, names_of
from trivet.integration.formats.x12.tokens import Marks, Segment

__all__ = ["FOREIGN", "LOOP_COUNT", "MISSING", "SEGMENT_COUNT", "SEQUENCE", "UNEXPECTED", "UNKNOWN", "Misfit", "Step", "Walker"]

# AK304 and IK304 (X12.20, data elements 720 and 620): what can be wrong with a segment.
_step = tuple.__new__
UNKNOWN, UNEXPECTED, MISSING, LOOP_COUNT, SEGMENT_COUNT, FOREIGN, SEQUENCE = "1", "2", "3", "4", "5", "6", "7"


class Step(NamedTuple):
    """A segment, the loop it stands in, the loop's running number in this text, and its slot (None where no loop has it: then it is
    read where it stands)."""

    segment: Segment
    loop: str
    instance: int
    slot: Slot | None


class Misfit(NamedTuple):
    """A structural fault: its code, the segment's name, the position in the set (ST is 1), and the segment where it showed."""

    code: str
    name: str
    position: int
    segment: Segment
    loop: str


@dataclass(slots=True)
class Open:
    """An open loop: how far it is read, and how often each child came."""

    loop: Loop
    instance: int
    place: int = 0
    counts: dict[int, int] = field(default_factory=dict)


class Walker:
    """Walks one transaction set."""

    def __init__(self, root: Loop, marks: Marks, persons: Callable[[Slot], bool] = lambda slot: False) -> None:
        self.marks = marks
        self.root = root
        self.persons = persons
        self.stack = [Open(root, 0)]
        self.loose: Open | None = None
        self.instances = 0
        self.steps: list[Step] = []
        self.misfits: list[Misfit] = []
        self.book = book_of(root, marks)
        self.state: State | None = None  # of the stack; None where it has to be found out

    def fork(self) -> Walker:
        """The same state, without the steps that led to it."""
        made = Walker(self.root, self.marks, self.persons)
        made.stack = [Open(level.loop, level.instance, level.place, dict(level.counts)) for level in self.stack]
        made.instances, made.state = self.instances, self.state
        return made

    def walk(self, body: Iterable[Segment], first: int = 2) -> None:
        """Take the segments between ST and SE; `first` is the position of the first one. Empty ones are kept in other units: a person
        stands there."""
        position = first - 1
        last: Segment | None = None
        empty = False
        for position, segment in enumerate(body, first):
            if not segment[0]:
                if last is not None and not empty:
                    self._elsewhere(last, position)
                    empty = True  # several in a row are still the same person's, or the next one's: nothing more is accounted for
                continue
            last, empty = segment, False
            self.take(segment, position)
        if last is not None:
            self.finish(last, position)

    def _elsewhere(self, last: Segment, position: int) -> None:
        """A person's loop is kept in another unit: what should stand before it, and the loop itself, are accounted for."""
        for depth in range(len(self.stack) - 1, -1, -1):
            level = self.stack[depth]
            for child in level.loop.children:
                if isinstance(child, Loop) and self.persons(child.first):
                    for left in reversed(self.stack[depth + 1 :]):
                        self._missing(left, len(left.loop.children) + 1, position, last)
                    self._missing(level, child.place, position, last)
                    del self.stack[depth + 1 :]
                    level.place = child.place
                    level.counts[id(child)] = 1
                    self.state = None
                    return

    def finish(self, last: Segment, position: int) -> None:
        """The set ends here: what is still missing."""
        for level in reversed(self.stack):
            self._missing(level, len(level.loop.children) + 1, position, last)

    def take(self, segment: Segment, position: int) -> None:
        """One segment."""
        name, values = segment[0], segment[4]
        book, state = self.book, self.state
        if state is None:
            state = self.state = book.state(self.stack)
        word: str | None = None
        move = state.plain.get(name)
        if move is None and (test := book.tests.get(name)) is not None:
            word = book.word(values, test)
            move = state.told.get((name, word))
        if move is None:
            self._look(segment, position, state, word)
            return
        depth, opens, counted, place, most, slot, loop, self.state = move
        stack = self.stack
        if len(stack) > depth + 1:
            del stack[depth + 1 :]
        level = stack[depth]
        self.loose = None
        level.place = place
        count = level.counts[counted] = level.counts.get(counted, 0) + 1
        if opens is not None:
            self.instances += 1
            level = Open(opens, self.instances, slot.place, {id(slot): 1})
            stack.append(level)
        if count > most:
            self.misfits.append(Misfit(LOOP_COUNT if opens is not None else SEGMENT_COUNT, name, position, segment, loop))
        self.steps.append(_step(Step, (segment, loop, level.instance, slot)))

    def _look(self, segment: Segment, position: int, before: State, word: str | None) -> None:
        """Look for a segment's place in the structure, and remember a move without fault."""
        for depth in range(len(self.stack) - 1, -1, -1):
            level = self.stack[depth]
            child = self._find(level, segment)
            if child is not None:
                said = len(self.misfits)
                for left in reversed(self.stack[depth + 1 :]):
                    self._missing(left, len(left.loop.children) + 1, position, segment)
                self._missing(level, child.place, position, segment)
                clean = len(self.misfits) == said
                del self.stack[depth + 1 :]
                self.loose = None
                self._enter(level, child, segment, position)
                self.state = self.book.state(self.stack)
                if clean and segment.name in self.book.tests:
                    opens, slot = (child, child.first) if isinstance(child, Loop) else (None, child)
                    move = Move(depth, opens, id(child), child.place, child.most, slot, self.steps[-1].loop, self.state)
                    remember(before, segment.name, word, move)
                return
        self.misfits.append(Misfit(self._unexpected(segment), segment.name, position, segment, self.stack[-1].loop.id))
        self.steps.append(self._guess(segment))

    def _unexpected(self, segment: Segment) -> str:
        """Why a segment fits nowhere: no set has it, this one has not, its place is passed, or it belongs to a loop that is not open."""
        if segment.name not in names_of(self.root):
            return FOREIGN if segment.name in known_names() else UNKNOWN
        for level in self.stack:
            for child in level.loop.children:
                slot = child.first if isinstance(child, Loop) else child
                if child.place < level.place and slot.name == segment.name and slot.takes(segment, self.marks):
                    return SEQUENCE
        return UNEXPECTED

    def _find(self, level: Open, segment: Segment) -> Slot | Loop | None:
        """The child of an open loop, from where it is read on, that this segment is or opens."""
        for child in level.loop.children:
            if child.place < level.place:
                continue
            slot = child.first if isinstance(child, Loop) else child
            if slot.name == segment.name and slot.takes(segment, self.marks):
                opens_itself = child is level.loop.children[0] and level.counts.get(id(child), 0) and level.loop is not self.root
                if not opens_itself or not self._repeats(level):
                    return child
        return None

    def _repeats(self, level: Open) -> bool:
        """Whether another one of the first segment opens the loop anew, instead of standing in it twice."""
        return level.loop.first.most == 1

    def _enter(self, level: Open, child: Slot | Loop, segment: Segment, position: int) -> None:
        level.place = child.place
        count = level.counts[id(child)] = level.counts.get(id(child), 0) + 1
        if isinstance(child, Loop):
            self.instances += 1
            inner = Open(child, self.instances, child.first.place, {id(child.first): 1})
            self.stack.append(inner)
            if count > child.most:
                self.misfits.append(Misfit(LOOP_COUNT, segment.name, position, segment, child.id))
            self.steps.append(Step(segment, child.id, inner.instance, child.first))
        else:
            if count > child.most:
                self.misfits.append(Misfit(SEGMENT_COUNT, segment.name, position, segment, level.loop.id))
            self.steps.append(Step(segment, level.loop.id, level.instance, child))

    def _missing(self, level: Open, place: int, position: int, segment: Segment) -> None:
        """Required children before `place` that never came."""
        for child in level.loop.children:
            if child.place >= place:
                return
            if child.required and not level.counts.get(id(child), 0):
                name = child.first.name if isinstance(child, Loop) else child.name
                where = child.id if isinstance(child, Loop) else level.loop.id
                if not isinstance(child, Slot) or not self._twin(level.loop, child, level):
                    self.misfits.append(Misfit(MISSING, name, position, segment, where))
                    level.counts[id(child)] = 1

    def _twin(self, loop: Loop, child: Slot, level: Open) -> bool:
        """Whether another slot of the same name and place without a test of its own was filled instead."""
        same = [other for other in loop.children if isinstance(other, Slot) and other.name == child.name and other is not child]
        return child.test is None and any(level.counts.get(id(other), 0) for other in same)

    def _guess(self, segment: Segment) -> Step:
        """The loop that an unexpected segment looks like: the one guessed last, else an open one or a child of an open one."""
        tried = [self.loose] if self.loose is not None else []
        for level in [*tried, *reversed(self.stack)]:
            for child in level.loop.children:
                slot = child.first if isinstance(child, Loop) else child
                if slot.name == segment.name and slot.takes(segment, self.marks):
                    if isinstance(child, Loop):
                        self.instances += 1
                        self.loose = Open(child, self.instances)
                        return Step(segment, child.id, self.instances, slot)
                    return Step(segment, level.loop.id, level.instance, slot)
        return self._inside(segment) or Step(segment, self.stack[-1].loop.id, self.stack[-1].instance, None)

    def _inside(self, segment: Segment) -> Step | None:
        """The loop that should have been opened before: a child of an open one that has such a segment."""
        for level in reversed(self.stack[1:]):
            for child in level.loop.children:
                if isinstance(child, Loop):
                    for slot in child.children:
                        if isinstance(slot, Slot) and slot.name == segment.name and slot.takes(segment, self.marks):
                            self.instances += 1
                            self.loose = Open(child, self.instances)
                            return Step(segment, child.id, self.instances, slot)
        return None
