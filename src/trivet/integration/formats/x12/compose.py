"""A form's function: what the rows did with one segment, as straight Python, written once and run for all segments of the same form.

In: what each applied row puts where, and what became of each element. Out: `run(filler, party, match, head)`, which does the same for
another segment that the form's expression takes, or does nothing and says False: where a value is not what its place says, or where
the record holds something already. Nothing of a table and nothing of a file is pasted into the code: names, paths and constants enter
as values of the namespace, and what is written are our own words and integers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

from trivet.contracts.record import Element, Span
from trivet.integration.formats.x12 import values
from trivet.integration.formats.x12.slots import steps_of
from trivet.integration.formats.x12.values import Doubt
from trivet.integration.valid import BOUND, FREE
from trivet.integration.valid import WORDS as WORDED

__all__ = ["Clash", "Put", "Run", "compose"]

Run = Callable[..., bool]
EMPTY: dict[str, Any] = {}
NONE: list[Any] = []
AROUND = (("base", "profile.base"), ("zone", "profile.zone"), ("opened", "open"))
ENDS = frozenset({"start", "end"})
_numbers = count()
WORDS: dict[str, Any] = {
    "new": tuple.__new__,
    "Span": Span,
    "Element": Element,
    "Doubt": Doubt,
    "EMPTY": EMPTY,
    "NONE": NONE,
    "number": values.number,
    "whole": values.whole,
    "date": values.date,
    "date_time": values.date_time,
    "parts": values.parts,
    "dotted": values.dotted,
    "procedure_system": values.procedure_system,
}


class Clash(Exception):
    """Rows that no form can stand for: two put something at one place."""


class Put(NamedTuple):
    """One value at one path of one record. `slot` counts the records of the segment. `value` is an expression over `t0`, `t1`, ..., the
    texts of the cells, and over names of the namespace; `cell` is the cell that a span names, -1 for none; `group` parts the labels."""

    slot: int
    path: str
    value: str
    cell: int
    rule: str
    group: int
    over: bool = False  # replaces what stands there


class Tree:
    """A container: its entries by name in order; those of a list by what its label means."""

    def __init__(self) -> None:
        self.names: dict[str, Tree | Leaf | Items] = {}


class Items:
    """A list: entries by label and group, in order."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, int], Tree | Leaf] = {}


class Leaf:
    """A value, and the spans that name its place."""

    def __init__(self, put: Put, order: int) -> None:
        self.put, self.order = put, order


class Code:
    """Lines of the function, the values its names stand for, and the spans that are to be written, by the order of the rows."""

    def __init__(self) -> None:
        self.guards: list[str] = []
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(WORDS)
        self.spans: dict[int, str] = {}
        self.notes: list[str] = []  # of the record at hand: what the validity of the record may depend on
        self.taken = 0
        self._known: dict[tuple[str, Any], str] = {}

    def name(self, value: Any) -> str:
        """A name for a value."""
        key = (type(value).__name__, value)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = f"K{len(self._known)}"
            self.names[found] = value
        return found

    def local(self, letter: str) -> str:
        """A new local name."""
        self.taken += 1
        return f"{letter}{self.taken}"


def lasting(label: str) -> bool:
    """Whether a label means the same for several segments."""
    return label[:1].isdigit() or label.isupper()


def plant(puts: list[Put]) -> dict[int, Tree]:
    """The containers of each record. Raises Clash."""
    roots: dict[int, Tree] = {}
    for order, put in enumerate(puts):
        node = roots.setdefault(put.slot, Tree())
        steps = steps_of(put.path)
        for place, (name, label) in enumerate(steps):
            last = place == len(steps) - 1
            made: Tree | Leaf = Leaf(put, order) if last else Tree()
            if label is None:
                found = node.names.setdefault(name, made)
            else:
                items = node.names.setdefault(name, Items())
                if not isinstance(items, Items):
                    raise Clash
                # A new entry each time; what replaces stands in the entry of the put before.
                key = (label, put.group if label == "@" else order - put.over if label == "" else 0)
                found = items.entries.setdefault(key, made)
            if last and found is not made:
                raise Clash
            if not last:
                if not isinstance(found, Tree):
                    raise Clash
                node = found
    return roots


class Writer:
    """Writes the guards and the placing of one record."""

    def __init__(self, code: Code, slot: int) -> None:
        self.code, self.slot = code, slot

    def held(self, tree: Tree, holder: str, path: str) -> None:
        """A container that may hold something already: first what it must not hold, then what is put into it. `path` names its path, with
        a point at the end; empty for the record itself."""
        code = self.code
        self.note(tree)
        if path and ENDS & tree.names.keys():
            code.lines.append(f"s{self.slot}.ends.append({path})")
        for name, entry in tree.names.items():
            key = code.name(name)
            if isinstance(entry, Leaf):
                if not entry.put.over:
                    code.guards.append(f"if {key} in {holder}: return False")
                code.lines.append(f"{holder}[{key}] = {entry.put.value}")
                self.span(entry, path, name)
            elif isinstance(entry, Tree):
                inner, below = code.local("c"), code.local("p")
                code.guards += [f"{inner} = {holder}.get({key}, EMPTY)", f"if type({inner}) is not dict: return False"]
                code.guards.append(f"{below} = {self.joined(path, name + '.')}")
                code.lines.append(f"if {inner} is EMPTY: {inner} = {holder}[{key}] = {{}}")
                self.held(entry, inner, below)
            else:
                items, where = code.local("l"), code.local("p")
                code.guards += [f"{items} = {holder}.get({key}, NONE)", f"if type({items}) is not list: return False"]
                lasts = any(lasting(label) for label, _ in entry.entries)
                if lasts:
                    code.guards.append(f"{where} = {self.joined(path, name)}")
                code.lines.append(f"if {items} is NONE: {items} = {holder}[{key}] = []")
                self.listed(entry, items, where if lasts else "", path, name)

    def listed(self, entry: Items, items: str, where: str, path: str, name: str) -> None:
        """The entries of a list that may hold something already."""
        code = self.code
        for (label, _), one in entry.entries.items():
            at, below = code.local("i"), code.local("p")
            if label == "0" or lasting(label):
                if isinstance(one, Leaf) or len(entry.entries) > 1:
                    raise Clash
                inner = code.local("c")
                if label == "0":
                    code.guards.append(f"{inner} = {items}[0] if {items} else EMPTY")
                    code.lines.append(f"if {inner} is EMPTY: {inner} = {{}}; {items}.append({inner})")
                    code.guards.append(f"{below} = {self.joined(path, name + '[0].')}")
                else:
                    key, word = code.local("k"), code.name(label)
                    mark = f"(opened.get({word}, 0), -2)" if label[:1].isdigit() else "(instance, -1)"
                    code.guards.append(f"{key} = {where}, ({word}, *{mark})")
                    code.guards.append(f"{at} = s{self.slot}.labels.get({key})")
                    code.notes.append(at)
                    code.guards.append(f"{inner} = EMPTY if {at} is None else {items}[{at}]")
                    code.guards.append(f"{below} = {code.name('%s[%d].')} % ({where}, len({items}) if {at} is None else {at})")
                    code.lines.append(
                        f"if {inner} is EMPTY: s{self.slot}.labels[{key}] = len({items}); {inner} = {{}}; {items}.append({inner})"
                    )
                code.guards.append(f"if type({inner}) is not dict: return False")
                self.held(one, inner, below)
                continue
            spanned = self.spanned(one)
            if spanned:
                code.lines.append(f"{at} = len({items})")
            if isinstance(one, Leaf):
                self.texts(name, one.put.value)
                code.lines.append(f"{items}.append({one.put.value})")
                if spanned:
                    code.spans[one.order] = f"{code.name('%s[%d]')} % ({self.joined(path, name)}, {at})"
            else:
                code.lines.append(f"{items}.append({self.fresh(one, below, '')})")
                if spanned:
                    code.lines.append(f"{below} = {code.name('%s[%d].')} % ({self.joined(path, name)}, {at})")

    def fresh(self, tree: Tree, below: str, path: str) -> str:
        """A container that is new, as an expression; `below` names the path of the new entry of a list, `path` goes on from there."""
        code, parts = self.code, []
        self.note(tree)
        start, end = tree.names.get("start"), tree.names.get("end")
        if isinstance(start, Leaf) and isinstance(end, Leaf):
            code.notes.append(f"{start.put.value}[:10] <= {end.put.value}[:10]")
        for name, entry in tree.names.items():
            if isinstance(entry, Leaf):
                made = entry.put.value
                self.inner(entry, below, f"{path}{name}")
            elif isinstance(entry, Tree):
                made = self.fresh(entry, below, f"{path}{name}.")
            else:
                rows = []
                for place, ((label, _), one) in enumerate(entry.entries.items()):
                    if (lasting(label) and label != "0") or (label == "0" and place):
                        raise Clash
                    if isinstance(one, Leaf):
                        self.texts(name, one.put.value)
                        rows.append(one.put.value)
                        self.inner(one, below, f"{path}{name}[{place}]")
                    else:
                        rows.append(self.fresh(one, below, f"{path}{name}[{place}]."))
                made = f"[{', '.join(rows)}]"
            parts.append(f"{code.name(name)}: {made}")
        return f"{{{', '.join(parts)}}}"

    def note(self, tree: Tree) -> None:
        """What `valid.shape_of` looks at in the values of a container, where they may be others in the next segment."""
        for name, entry in tree.names.items():
            if isinstance(entry, Leaf):
                system = tree.names.get("system")
                fixed = self.code.names.get(system.put.value) if isinstance(system, Leaf) else None
                if name == "code" and not open_for_any(fixed) and not entry.put.value.startswith("C"):
                    self.code.notes.append(entry.put.value)
                else:
                    self.texts(name, entry.put.value)

    def texts(self, name: str, value: str) -> None:
        """The same of one value under a name; constants are known with the form, and the base of a feed with the feed."""
        if value.startswith(("C", "base + C")) and " " not in value.removeprefix("base + "):
            return
        if name in WORDED:
            self.code.notes.append(value)
        elif name in ("code", "valueCode"):
            self.code.notes.append(f"{value} if ' ' in {value} else 0")
        elif name.endswith(("Date", "DateTime")) and not value.startswith("v"):
            self.code.notes.append(f"len({value})")

    def inner(self, leaf: Leaf, below: str, path: str) -> None:
        """The path of a value inside a new entry."""
        if leaf.put.cell >= 0:
            self.code.spans[leaf.order] = f"{below} + {self.code.name(path)}"

    def span(self, leaf: Leaf, path: str, name: str) -> None:
        """The path of a value in a container."""
        if leaf.put.cell >= 0:
            self.code.spans[leaf.order] = self.joined(path, name)

    def spanned(self, one: Tree | Leaf | Items) -> bool:
        """Whether a span names something in there."""
        if isinstance(one, Leaf):
            return one.put.cell >= 0
        return any(map(self.spanned, one.names.values() if isinstance(one, Tree) else one.entries.values()))

    def joined(self, path: str, name: str) -> str:
        """A path and a name, as an expression."""
        return f"{path} + {self.code.name(name)}" if path else self.code.name(name)


def open_for_any(system: Any) -> bool:
    """Whether R4 has no say in the codes of a system that is known beforehand."""
    return isinstance(system, str) and (not system.startswith(BOUND) or system.startswith(FREE))


class Account(NamedTuple):
    """A cell: what its locator ends with, what became of it, by which rule."""

    suffix: str
    disposition: str
    rule: str


def compose(puts: list[Put], slots: list[str], cells: list[Account], heeds: tuple[str, str], names: dict[str, Any], made: list[str]) -> Run:
    """The function of a form. `slots` are the targets of the records, empty for the party; `made` are assignments of converted values;
    `heeds` are the first steps of paths that a filler looks at, and of those it then changes. Raises Clash."""
    code = Code()
    code.names |= names
    roots, heeded = plant(puts), -1
    number = next(_numbers)
    notes: dict[int, list[str]] = {}
    for slot, tree in roots.items():
        seen = tree.names.get(heeds[0])
        if isinstance(seen, Items):
            if heeds[1] in tree.names or len(seen.entries) > 1:
                code.guards.append("if filler.heeding(): return False")
            else:
                heeded = slot
    for slot, tree in roots.items():
        code.guards.append(f"r{slot} = s{slot}.resource")
        code.notes = notes[slot] = []
        Writer(code, slot).held(tree, f"r{slot}", "")
    head = ["def run(filler, party, match, head, instance):"]
    head.append("_, " + ", ".join(f"(a{n}, b{n})" for n in range(len(cells))) + (", = match.regs" if len(cells) == 1 else " = match.regs"))
    if any(f"t{n}" in " ".join([*made, *(put.value for put in puts)]) for n in range(len(cells))):
        head.append(", ".join(f"t{n}" for n in range(len(cells))) + ("," if len(cells) == 1 else "") + " = match.groups()")
    used = " ".join([*made, *code.guards, *code.lines, *(put.value for put in puts)])
    head += [f"{name} = filler.{where}" for name, where in AROUND if name in used]
    if made:
        head += ["try:", *(f"    {line}" for line in made), "except Doubt: return False"]
    for slot, target in enumerate(slots):
        head.append(
            f"s{slot} = filler.near.get({code.name(target)}) or filler.reach({code.name(target)})" if target else f"s{slot} = party"
        )
    head += [f"if s{one} is s{two}: return False" for one in range(len(slots)) for two in range(one)]
    tail = [f"w{n} = head + {code.name(cell.suffix)}" for n, cell in enumerate(cells)]
    for slot, noted in notes.items():
        tail.append(f"s{slot}.trail.append(({', '.join([str(number), *noted])},))")
    for slot in range(len(slots)):
        mine = [(order, put) for order, put in enumerate(puts) if put.slot == slot and put.cell >= 0]
        rows = []
        if heeded == slot:
            said = next((code.spans[order] for order, put in mine if steps_of(put.path)[0][0] == heeds[0]), "")
            if not said:
                raise Clash
            tail.append(f"filler.placed(s{slot}, {said})")
        for order, put in mine:
            path = code.spans[order]
            rows.append(f"new(Span, ({path}, a{put.cell}, b{put.cell} - a{put.cell}, w{put.cell}, {code.name(put.rule)}))")
        if rows:
            tail.append(f"s{slot}.spans += ({', '.join(rows)},)")
    rows = [
        f"new(Element, (w{n}, a{n}, b{n} - a{n}, {code.name(cell.disposition)}, {code.name(cell.rule)}))" for n, cell in enumerate(cells)
    ]
    tail += [f"filler.elements += ({', '.join(rows)},)", "return True"]
    text = "\n    ".join([*head, *code.guards, *code.lines, *tail])
    exec(compile(text, "<x12 form>", "exec"), code.names)  # noqa: S102  (our own words only, see above)
    run: Run = code.names["run"]
    return run
