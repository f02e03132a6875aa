"""Moves of a walker that were seen before: from which state, by which segment, to which child of which loop.

In: the open loops of a walker, and a segment. Out: the move that the walk over the structure would make, or none; then the walk is made,
and remembered if it was without fault. A state is all that the walk looks at: the open loops, how far each is read and which of its
children came; how often they came is counted by the walker itself, and compared with what the structure allows each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from trivet.integration.formats.x12.patterns import Patterns
from trivet.integration.formats.x12.structure import Loop, Slot
from trivet.integration.formats.x12.tokens import Marks

__all__ = ["Book", "Move", "State", "book_of", "books"]

BOOKS, STATES, MOVES = 32, 4096, 512  # books in memory, states of a book, moves from a state
Asked = tuple[str, str]


class Level(Protocol):
    """An open loop of a walker."""

    loop: Loop
    place: int
    counts: dict[int, int]


class Move(NamedTuple):
    """Leave the loops deeper than `depth`; there a child at `place` is next, `counted` by its id, at most `most` times: a loop `opens`,
    or a segment. `slot` is the segment's place, `loop` the loop it then stands in."""

    depth: int
    opens: Loop | None
    counted: int
    place: int
    most: int
    slot: Slot
    loop: str
    after: State


class State:
    """Where a walker stands, and the moves from there: by the segment's name, or by its name and the text that tells its places apart."""

    __slots__ = ("plain", "told")

    def __init__(self) -> None:
        self.plain: dict[str, Move] = {}
        self.told: dict[Asked, Move] = {}


class Book:
    """States and moves of one structure for one set of separators. `tests`: what tells the places of a segment apart, by its name;
    a name whose places are told apart by several elements is not here, and its moves are not remembered."""

    def __init__(self, root: Loop, marks: Marks) -> None:
        self.root, self.marks, self.patterns = root, marks, Patterns(marks)
        self.tests: dict[str, tuple[int, int] | None] = {}
        found: dict[str, set[tuple[int, int]]] = {}
        for slot in _slots(root):
            found.setdefault(slot.name, set()).update([slot.test[:2]] if slot.test is not None else [])
        for name, tests in found.items():
            if len(tests) < 2:
                self.tests[name] = next(iter(tests), None)
        self._states: dict[tuple[tuple[int, int, frozenset[int]], ...], State] = {}

    def state(self, levels: Iterable[Level]) -> State:
        """The state of a walker with these open loops."""
        key = tuple([(id(one.loop), one.place, frozenset([child for child, count in one.counts.items() if count])) for one in levels])
        found = self._states.get(key)
        if found is None:
            if len(self._states) >= STATES:
                self._states.clear()
            found = self._states[key] = State()
        return found

    def word(self, values: list[str], test: tuple[int, int]) -> str:
        """The text that a place is told by, as `Slot.takes` reads it; empty when there is none."""
        element, component = test
        if element >= len(values):
            return ""
        text, marks = values[element], self.marks
        if marks.repetition and marks.repetition in text:
            text = text.split(marks.repetition, 1)[0]
        if marks.component in text:
            parts = text.split(marks.component)
            return parts[component].strip() if component < len(parts) else ""
        return "" if component else text.strip()


def remember(state: State, name: str, word: str | None, move: Move) -> None:
    """Keep a move."""
    if word is None:
        state.plain[name] = move
    elif len(state.told) < MOVES:
        state.told[name, word] = move


def _slots(loop: Loop) -> Iterable[Slot]:
    for child in loop.children:
        if isinstance(child, Loop):
            yield from _slots(child)
        else:
            yield child


books: dict[tuple[int, Marks], Book] = {}


def book_of(root: Loop, marks: Marks) -> Book:
    """The book of a structure; the oldest ones are forgotten."""
    found = books.get((id(root), marks))
    if found is None or found.root is not root:
        while len(books) >= BOOKS:
            books.pop(next(iter(books)), None)
        found = books[id(root), marks] = Book(root, marks)
    return found
