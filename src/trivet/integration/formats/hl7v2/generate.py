"""Data type maps as straight Python: one function per use of a map, written from its rows and compiled once.

A list of small functions spends most of its time calling; a function without calls does the same several times as fast. Nothing of
a table's text is ever pasted into code: rules, constants and element names enter as values of the namespace, and the only words in
the code are ours. What is generated here does exactly what `compile.Ops` does, which stays for messages that need decoding and is
what a property test compares with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.conditions import binder
from trivet.integration.formats.hl7v2.paths import Target, fits
from trivet.integration.formats.hl7v2.values import Doubt
from trivet.integration.tables import Condition

__all__ = ["Piece", "compose", "lend"]

_WORDS: dict[str, Any] = {"new": tuple.__new__, "Span": Span, "Doubt": Doubt, "fits": fits}
"""What every generated function may use; `compile.py` adds what it owns."""


class Code:
    """Lines of a function, and the values its names stand for."""

    def __init__(self, head: str) -> None:
        self.lines = [head]
        self.names: dict[str, Any] = {**_WORDS, "NULL": '""'}
        self.depth = 1
        self._known: dict[tuple[str, int], str] = {}

    def name(self, value: Any, prefix: str = "K") -> str:
        """A name for a value."""
        key = (prefix, id(value)) if not isinstance(value, str) else (prefix + value, 0)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = f"{prefix}{len(self.names)}"
            self.names[found] = value
        return found

    def add(self, line: str, deeper: int = 0) -> None:
        """One line at the present depth."""
        self.lines.append("    " * (self.depth + deeper) + line)

    def done(self) -> Callable[..., Any]:
        """The function."""
        name = self.lines[0].split("(")[0].removeprefix("def ")
        exec(compile("\n".join(self.lines), f"<{name}>", "exec"), self.names)  # noqa: S102  (our own words only, see above)
        found: Callable[..., Any] = self.names[name]
        return found


class Field:
    """The places in the value that a generated function has to fill: each container is made when something first goes into it."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._containers: dict[tuple[str, str], str] = {}

    def declare(self, targets: list[Target]) -> None:
        """A local for every container that some target needs, all empty to begin with."""
        for target in targets:
            trail = ""
            for key, label, _ in target.steps[:-1]:
                trail += f".{key}" + (f"[{label}]" if label is not None else "")
                self._local(trail)
            key, label, _ = target.steps[-1]
            if label:
                self._local(f"{trail}.{key}[{label}]")
        if self._containers:
            self.code.add(" = ".join(local for local in self._containers.values()) + " = None")
        for (trail, _), local in self._containers.items():  # an element that stands there already (see compile._with_vocabulary)
            if trail == ".coding[1]":
                self.code.add(f"if labels: {local} = out['coding'][0]; p{local} = path + '.coding[0]'")

    def _local(self, trail: str) -> str:
        return self._containers.setdefault((trail, ""), f"e{len(self._containers)}")

    def reach(self, target: Target, upto: int) -> tuple[str, str]:
        """Emit what makes sure that the container of a target exists. Gives the names of the container and of its path."""
        holder, path, trail = "out", "path", ""
        for key, label, url in target.steps[:upto]:
            trail += f".{key}" + (f"[{label}]" if label is not None else "")
            local = self._local(trail)
            name = self.code.name(key, "N")
            self.code.add(f"if {local} is None:")
            if label is None:
                self.code.add(f"{local} = {holder}.get({name})", 1)
                self.code.add(f"if {local} is None: {local} = {holder}[{name}] = {{}}", 1)
                self.code.add(f"p{local} = {path} + {self.code.name('.' + key, 'N')}", 1)
            else:
                self.code.add(f"z = {holder}.get({name})", 1)
                self.code.add(f"if z is None: z = {holder}[{name}] = []", 1)
                made = f"{{'url': {self.code.name(url, 'N')}}}" if url else "{}"
                self.code.add(f"p{local} = {path} + {self.code.name('.' + key + '[%d]', 'N')} % len(z)", 1)
                self.code.add(f"{local} = {made}; z.append({local})", 1)
            holder, path = local, f"p{local}"
        return holder, path

    def put(self, target: Target, value: str, leaf: str, rule: str, once: bool) -> None:
        """Emit the placing of a primitive value with its span. `once` says that nothing else ever goes to that place."""
        holder, path = self.reach(target, len(target.steps) - 1)
        key, label, _ = target.steps[-1]
        name, dotted = self.code.name(key, "N"), self.code.name("." + key, "N")
        span = f"add(new(Span, ({path} + {{}}, {leaf}[0], {leaf}[1], {leaf}[2], {self.code.name(rule, 'R')})))"
        if label == "":
            self.code.add(f"z = {holder}.get({name})")
            self.code.add(f"if z is None: z = {holder}[{name}] = []")
            self.code.add(f"if {value} in z: " + span.format(f"{self.code.name('.' + key + '[%d]', 'N')} % z.index({value})"))
            self.code.add("else: " + span.format(f"{self.code.name('.' + key + '[%d]', 'N')} % len(z)") + f"; z.append({value})")
        elif once:
            self.code.add(f"{holder}[{name}] = {value}; " + span.format(dotted))
        else:
            self.code.add(f"if {holder}.setdefault({name}, {value}) == {value}: " + span.format(dotted))
            self.code.add(f"else: work.superseded.setdefault({leaf}[0], {self.code.name(rule, 'R')})")


class Piece(NamedTuple):
    """One row of a data type map, ready to be written out. `kind` is `leaf`, `constant`, `nested`, `authority` or `call`."""

    kind: str
    component: int
    subcomponent: int
    target: Target | None
    tree: Condition | None
    rule: str
    does: Any
    begin: int = 1


def compose(pieces: list[Piece], segment: str, preset: bool) -> Callable[..., None]:
    """The function `run(work, segment, repetition, path, spans, out, labels)` of a data type map.

    `preset` says that a code map may have filled the first coding before.
    """
    code = Code("def run(work, segment, repetition, path, spans, out, labels=None):")
    code.add("add = spans.append; c = repetition[0]; n = len(c)")
    field = Field(code)
    targets = [piece.target for piece in pieces if piece.target is not None]
    often = Counter(target.text for target in targets)
    for piece in pieces:  # a structure brings parts along, which another row may name alone
        if piece.kind == "nested" and piece.target is not None:
            often.update([target.text for target in targets if target.text.startswith(f"{piece.target.text}.")])
    if preset:
        often.update(target.text for target in targets)
    field.declare(targets)
    for rank in range(1, max((piece.component for piece in pieces), default=0) + 1):
        here = [piece for piece in pieces if piece.component == rank]
        if here:
            code.add(f"if n > {rank - 1}:")
            code.add(f"a = c[{rank - 1}]", 1)
            code.add("if a is not None:", 1)
            code.depth += 2
            _component(code, field, here, often, segment)
            code.depth -= 2
    for piece in pieces:
        if not piece.component:
            _piece(code, field, piece, often, segment, whole=True)
    return code.done()


def _component(code: Code, field: Field, pieces: list[Piece], often: Counter[str], segment: str) -> None:
    """The rows of one component; neighbours that read the same leaf read it once."""
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        if piece.kind != "leaf":
            _piece(code, field, piece, often, segment, whole=False)
            at += 1
            continue
        end = at
        while end < len(pieces) and pieces[end].kind == "leaf" and pieces[end].subcomponent == piece.subcomponent:
            end += 1
        index = piece.subcomponent - 1
        code.add(f"x = a[{index}]" + (f" if len(a) > {index} else None" if index else ""))
        _leaf(code, field, pieces[at:end], often, segment)
        at = end


def _leaf(code: Code, field: Field, pieces: list[Piece], often: Counter[str], segment: str) -> None:
    code.add("if x is not None:")
    code.depth += 1
    code.add("t = x[3]")
    code.add(f"if t == NULL: work.dropped.setdefault(x[0], {code.name('hl7-null', 'R')})")
    code.add(f"elif not t: work.unreadable(x, {code.name(pieces[0].rule, 'R')})")
    code.add("else:")
    code.depth += 1
    for piece in pieces:
        assert piece.target is not None
        shift = _asked(code, piece, segment)
        once = often[piece.target.text] == 1
        if piece.does == "string":
            code.add("v = t.strip()")
            code.add("if v:")
        elif isinstance(piece.does, tuple):
            code.add(f"v = {code.name(piece.does[0])}")
            code.add("if v is not None:")
        else:
            code.add("try:")
            code.add(f"v = {code.name(piece.does)}(work, x)", 1)
            code.add("except Doubt as doubt:")
            target, rule = code.name(piece.target), code.name(piece.rule, "R")
            code.add(f"v = None; keep(work, doubt, x, {rule}, {target}, path + '.', spans, out)", 1)
            code.add("if v is not None:")
        code.depth += 1
        field.put(piece.target, "v", "x", piece.rule, once)
        code.depth -= 1 + shift
    code.depth -= 2


def _asked(code: Code, piece: Piece, segment: str) -> int:
    """Emit the test of a row. Gives how much deeper the code stands now."""
    if piece.tree is None:
        return 0
    code.add(f"if {_expression(code, piece.tree, segment)}:")
    code.depth += 1
    return 1


def _expression(code: Code, tree: Condition, segment: str) -> str:
    if tree[0] == "and":
        return f"({_expression(code, tree[1], segment)} and {_expression(code, tree[2], segment)})"
    if tree[0] == "not":
        return f"(not {_expression(code, tree[1], segment)})"
    place = tree[1]
    if place.startswith("."):
        first, _, second = place[1:].partition(".")
        got = f"text_at(c, {int(first) - 1}, {int(second or 1) - 1})"
    else:
        got = f"{code.name(binder(segment)(place), 'G')}(work, segment, repetition)"
    return got if tree[0] == "present" else f"({got} in {code.name(frozenset(tree[2]))})"


def _text_at(components: list[Any], first: int, second: int) -> str:
    """The text of a subcomponent, "" when there is none."""
    parts = components[first] if first < len(components) else None
    leaf = parts[second] if parts is not None and second < len(parts) else None
    return leaf[3] if leaf is not None else ""


def _piece(code: Code, field: Field, piece: Piece, often: Counter[str], segment: str, whole: bool) -> None:
    """A row that is more than a leaf."""
    shift = _asked(code, piece, segment)
    rule = code.name(piece.rule, "R")
    if piece.kind == "call":
        code.add(f"{code.name(piece.does)}(work, segment, repetition, {'()' if whole else 'a'}, path, spans, out, None)")
    elif piece.kind == "leaf":
        code.add("x = next(repetition.leaves(), None)")
        _leaf(code, field, [piece._replace(tree=None)], often, segment)
    elif piece.kind == "authority":
        _authority(code, field, piece, whole)
    else:
        assert piece.target is not None
        code.add("i = repetition" if whole else f"i = promote(repetition, {piece.component})")
        code.add("s = []")
        code.add(f"v = {code.name(piece.does)}(work, segment, i, '', s)")
        code.add("if v is not None:")
        code.depth += 1
        holder, path = field.reach(piece.target, len(piece.target.steps) - 1)
        key, label, _ = piece.target.steps[-1]
        if label is None:
            code.add(f"if fits({holder}, {code.name(key, 'N')}, v):")
            code.add(f"h = {path} + {code.name('.' + key, 'N')}", 1)
            code.add("spans.extend([new(Span, (h + k[0], k[1], k[2], k[3], k[4])) for k in s])", 1)
            code.add("else:")
            code.add(f"for k in s: work.superseded.setdefault(k[1], {rule})", 1)
        else:
            code.add(f"h = {path} + '.' + {code.name(piece.target.last)}.put({holder}, {{}}, 0, v)")
            code.add("spans.extend([new(Span, (h + k[0], k[1], k[2], k[3], k[4])) for k in s])")
        code.depth -= 1
    code.depth -= shift


def _authority(code: Code, field: Field, piece: Piece, whole: bool) -> None:
    """The system that an HD names, spread over three leaves."""
    assert piece.target is not None
    begin, rule = piece.begin - 1, code.name(piece.rule, "R")
    if whole:
        code.add(f"h = [leaf_at(c, {begin}), leaf_at(c, {begin + 1}), leaf_at(c, {begin + 2})]")
    else:
        code.add(f"h = list(a[{begin}:{begin + 3}]); h += [None] * (3 - len(h))")
    code.add("v = work.settings.authority(*['' if x is None or x[3] == NULL else x[3] for x in h])")
    code.add("if v:")
    code.depth += 1
    holder, path = field.reach(piece.target, len(piece.target.steps) - 1)
    key = piece.target.steps[-1][0]
    code.add(f"y = {holder}.setdefault({code.name(key, 'N')}, v) == v")
    code.add("for x in h:")
    code.add("if x is None: continue", 1)
    code.add(f"if y: add(new(Span, ({path} + {code.name('.' + key, 'N')}, x[0], x[1], x[2], {rule})))", 1)
    code.add(f"else: work.superseded.setdefault(x[0], {rule})", 1)
    code.depth -= 1


def _leaf_at(components: list[Any], index: int) -> Any:
    parts = components[index] if index < len(components) else None
    return parts[0] if parts is not None else None


_WORDS.update(text_at=_text_at, leaf_at=_leaf_at)


def lend(**words: Any) -> None:
    """Let generated functions use these."""
    _WORDS.update(words)
