"""Forms of segments: what the rows taught about one segment, told to all others of the same form by a function.

In: a segment of a loop. Out: whether a form has told it. A form is an expression and a function (`compose.py`): the expression takes the
segments with the same elements, components and repetitions filled and the same texts wherever a condition or a selector looks; the function
does what the rows did. What no form takes is told by the rows, and what comes again becomes a form. Values that a form cannot take as
they are (not of ASCII, blanks in front, a number or a date that is doubtful) are left to the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from trivet.integration.formats.x12.compose import Account, Clash, Put, Run, compose
from trivet.integration.formats.x12.convert import CURRENCY, MAPS, SYSTEMS
from trivet.integration.formats.x12.rules import Cells, Place, Rule, code_map
from trivet.integration.formats.x12.tokens import Marks, Segment

__all__ = ["Applied", "Form", "Forms", "Trace", "forms_of"]

BOOKS, FORMS, TOTAL, SEEN = 16, 48, 1024, 8192  # books in memory, forms of one place, forms of a book, what is counted until it is one
AGAIN, ENOUGH = 2, 16  # from when on, and how often, it is tried to make a form of what the rows have told
Where = tuple[str, str, str, int]


class Applied(NamedTuple):
    """A row that was applied: to which record (the party, or a target), from which cell, in which group."""

    party: bool
    rule: Rule
    key: int | None
    begin: int
    group: int


class Trace:
    """What the rows did with one segment; `plain` is False where a value was doubtful or its place taken."""

    __slots__ = ("applied", "exact", "plain")

    def __init__(self) -> None:
        self.applied: list[Applied] = []
        self.exact: set[int] = set()
        self.plain = True

    def looked(self, places: Iterable[Place], begin: int) -> None:
        """A condition looked at the text of these cells."""
        self.exact.update([place.at(begin) for place in places])


class Form(NamedTuple):
    """An expression and what to do with what it takes."""

    fullmatch: Callable[[str, int, int], re.Match[str] | None]
    run: Run
    written: str


class Forms:
    """The forms of one kind of set for one set of separators, by loop, name of the segment, kind of its party and number of elements."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        signs = "".join(sign for sign in (marks.element, marks.component, marks.repetition, marks.terminator) if sign)
        # A separator among the signs of numbers and dates would be taken for one of them.
        self.able = not set(signs) & set("-.") and signs.isascii()
        able = "".join(re.escape(chr(sign)) for sign in range(33, 127) if chr(sign) not in signs)
        self.text = f"([{able}]+(?: +[{able}]+)*)" if " " not in signs else f"([{able}]+)"
        self.known: dict[Where, list[Form]] = {}
        self.total = 0
        self._seen: dict[Any, int] = {}

    def learn(
        self, where: Where, segment: Segment, text: str, cells: Cells, trace: Trace, fates: list[tuple[str, str]], heeds: tuple[str, str]
    ) -> None:
        """The rows have told a segment: make a form of it, if it comes again."""
        if not (self.able and trace.plain and cells):
            return
        for row in trace.applied:
            trace.exact |= _looks(row, cells)
        lengths = tuple([len(cells[row.key][1]) for row in trace.applied if row.key is not None and row.rule.how in DATED])
        key = where, tuple(cells), tuple([cells[one][1] for one in sorted(trace.exact) if one in cells]), lengths
        times = self._seen.get(key, 0) + 1
        if len(self._seen) >= SEEN:
            self._seen.clear()
        self._seen[key] = times
        if not AGAIN <= times <= ENOUGH:
            return
        known = self.known.setdefault(where, [])
        if len(known) >= FORMS:
            return
        try:
            form = self._form(segment, cells, trace, fates, heeds)
        except Clash:
            self._seen[key] = ENOUGH
            return
        if form.fullmatch(text, segment.start, segment.end) is not None and all(form.written != other.written for other in known):
            if self.total >= TOTAL:
                self.known.clear()
                self._seen.clear()
                self.total, known = 0, self.known.setdefault(where, [])
            self.total += 1
            known.append(form)

    def _form(self, segment: Segment, cells: Cells, trace: Trace, fates: list[tuple[str, str]], heeds: tuple[str, str]) -> Form:
        maker = Maker(cells, trace)
        for row in trace.applied:
            maker.row(row)
        head = len(next(iter(cells.values()))[3].partition("]-")[0]) + 2
        accounts = [Account(cell[3][head:], *fate) for cell, fate in zip(cells.values(), fates, strict=True)]
        run = compose(maker.puts, maker.slots, accounts, heeds, maker.names, maker.made)
        written = self._written(segment, cells, trace, maker)
        return Form(re.compile(written).fullmatch, run, written)

    def _written(self, segment: Segment, cells: Cells, trace: Trace, maker: Maker) -> str:
        """The expression: separators and exact texts as they stand, any other text as a group of its kind."""
        at, parts = segment.start, []
        whole = self.marks.element.join(segment.values)
        for key, (offset, _, length, _) in cells.items():
            parts.append(re.escape(whole[at - segment.start : offset - segment.start]))
            text = whole[offset - segment.start : offset - segment.start + length]
            parts.append(f"({re.escape(text)})" if key in trace.exact else maker.kinds.get(key) or self.text)
            at = offset + length
        parts.append(re.escape(whole[at - segment.start :]))
        return "".join(parts)


# Of a size and length upon which no rule of R4 depends (see `valid.shape_of`).
NUMBER, WHOLE = r"(-?(?:[0-9]{1,12}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}))", "([1-9][0-9]{0,8})"
EXACT = frozenset([*MAPS, "yesno", "intconst"])
DATED = frozenset(["date", "datep", "period", "timing", "serviced", "datetime", "begin"])


def _looks(row: Applied, cells: Cells) -> set[int]:
    """The cells whose text says how the value of a row is written, or is looked up."""
    found = {row.key} if row.rule.how in EXACT and row.key is not None else set()
    return found | {row.rule.other.at(row.begin)} if row.rule.other is not None else found


class Maker:
    """The puts of a segment's rows, as expressions of its texts. Use once."""

    def __init__(self, cells: Cells, trace: Trace) -> None:
        self.cells, self.trace = cells, trace
        self.ranks = {key: rank for rank, key in enumerate(cells)}
        self.puts: list[Put] = []
        self.slots: list[str] = []
        self.names: dict[str, Any] = {}
        self.made: list[str] = []
        self.kinds: dict[int, str] = {}  # how an open text is written, by cell

    def row(self, row: Applied) -> None:
        """One row. Raises Clash where no form can stand for it."""
        rule = row.rule
        target = "" if row.party else rule.target
        if target not in self.slots:
            self.slots.append(target)
        made = _constant(self, row) if row.key is None or row.key in self.trace.exact else None
        if made is None and row.key is not None:
            made = _open(self, row, self.cells[row.key][1], f"t{self.ranks[row.key]}")
        if made is None:
            raise Clash
        rank = self.ranks[row.key] if row.key is not None else -1
        for path, value, spanned, over in made:
            self.puts.append(Put(self.slots.index(target), path, value, rank if spanned else -1, rule.id, row.group, over))

    def constant(self, value: Any) -> str:
        """A name for a value that is always the same."""
        name = f"C{len(self.names)}"
        self.names[name] = value
        return name

    def value(self, expression: str) -> str:
        """A name for a converted value; converting may find it doubtful."""
        name = f"v{len(self.made)}"
        self.made.append(f"{name} = {expression}")
        return name

    def kind(self, key: int | None, written: str) -> None:
        """How an open text must be written."""
        if key is not None and self.kinds.setdefault(key, written) != written:
            raise Clash

    def other(self, row: Applied) -> str:
        """The text of the other cell of a row."""
        found = self.cells.get(row.rule.other.at(row.begin)) if row.rule.other is not None else None
        return found[1] if found is not None else ""


Made = list[tuple[str, str, bool, bool]]


def _constant(maker: Maker, row: Applied) -> Made | None:
    """What a row puts that has no cell, or one of an exact text; None where that is not simple."""
    rule, how = row.rule, row.rule.how
    text = rule.constant if row.key is None else maker.cells[row.key][1]
    if how == "text":
        return [(rule.path, maker.constant(text.strip()), True, False)] if text.strip() else []
    if how == "base":
        return [(rule.path, f"base + {maker.constant('/' + text)}", True, False)]
    if how == "idsystem":
        return [(rule.path, f"base + {maker.constant('/x12/' + text.strip())}", True, False)]
    if how in SYSTEMS:
        return _coded(maker, rule, maker.constant(text))
    if how == "intconst":
        return [(rule.path, maker.constant(int(text)), True, False)]
    if how == "yesno":
        return [(rule.path, maker.constant(text == "Y"), True, False)]
    if how in MAPS:
        known = code_map(*MAPS[how])[text]
        value = int(known) if known.isdigit() and rule.path == "order" else known
        return [(rule.path, maker.constant(value), True, False)] if known else []
    return None


def _coded(maker: Maker, rule: Rule, value: str) -> Made:
    if not rule.path.endswith(".code"):
        raise Clash
    system = rule.path.removesuffix(".code") + ".system"
    return [(rule.path, value, True, False), (system, maker.constant(SYSTEMS[rule.how]), False, True)]


def _open(maker: Maker, row: Applied, text: str, name: str) -> Made | None:
    """What a row puts of a text that may be another one; None where no form can say it."""
    rule, how, path = row.rule, row.rule.how, row.rule.path
    if how == "text":
        return [(path, name, True, False)]
    if how == "idsystem":
        return [(path, f"base + {maker.constant('/x12/')} + {name}", True, False)]
    if how in SYSTEMS:
        return _coded(maker, rule, name)
    if how in ("decimal", "money"):
        maker.kind(row.key, NUMBER)
        value = maker.value(f"number({name})")
        currency = path.removesuffix(".value") + ".currency"
        return [(path, value, True, False), *([(currency, maker.constant(CURRENCY), False, False)] if how == "money" else [])]
    if how == "int":
        maker.kind(row.key, WHOLE)
        return [(path, maker.value(f"whole({name})"), True, False)]
    if how == "icd":
        return [(path, f"dotted({name}, {maker.constant(code_map('icd', 'system')[maker.other(row)])})", True, False)]
    if how == "hcpcs":
        return [(path, f"procedure_system({name})", False, False)]
    return _dated(maker, row, text, name)


def _dated(maker: Maker, row: Applied, text: str, name: str) -> Made | None:
    """Dates and periods, of the same number of digits as here."""
    how, path, form, dashed = row.rule.how, row.rule.path, maker.other(row), "-" in text
    maker.kind(row.key, f"({'-'.join(f'[0-9]{{{len(part)}}}' for part in text.split('-'))})")
    if how == "date":
        return None if dashed else [(path, maker.value(f"date({name})"), True, False)]
    if how == "datetime":
        clock = form[:6] if len(form[:6]) in (4, 6) else ""
        return [(path, maker.value(f"date_time({name} + {maker.constant(clock)}, zone)"), True, False)]
    if how == "datep":
        value = f"date_time({name}, zone)" if form == "DT" else f"parts({name})[0]"
        return [(path, maker.value(value), True, False)]
    if how in ("timing", "serviced") and not dashed:
        if form == "TM":
            return None
        if form == "DT":
            return [(f"{path}Period.start", maker.value(f"date_time({name}, zone)"), True, False)]
        return [(f"{path}Date", maker.value(f"date({name})"), True, False)]
    if how in ("timing", "serviced", "period", "begin"):
        period = maker.value(f"parts({name})")
        stem = f"{path}Period" if how in ("timing", "serviced") else path
        start, end = (f"{stem}.start", f"{period}[0]", True, False), (f"{stem}.end", f"{period}[1]", True, False)
        return [start, end] if dashed or how == "period" else [start]
    return None


_books: dict[tuple[str, Marks], Forms] = {}


def forms_of(name: str, marks: Marks) -> Forms:
    """The forms of a set; the oldest ones are forgotten."""
    found = _books.get((name, marks))
    if found is None:
        while len(_books) >= BOOKS:
            _books.pop(next(iter(_books)), None)
        found = _books[name, marks] = Forms(marks)
    return found
