"""Forms: what a segment map does with every segment of a shape, as one straight function, made from watching it once.

A form is kept for the map, the type of a new record, the shape, and the texts that were looked at. Its function gets the leaves'
texts and gives the finished values (dictionaries as literals, open values in their places), or None when a test of the form does not
hold for these texts; then the rows are run. Spans are a template, filled in when they are read. The only words in the code are ours:
keys, constants, rules and functions enter as values of its namespace (see docs/decisions, "Forms of segments").
Nothing leaves the process, and the memory is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from itertools import count, islice
from operator import itemgetter
from typing import Any, NamedTuple

from trivet.contracts.record import Span
from trivet.integration.formats.hl7v2.compile import naked
from trivet.integration.formats.hl7v2.convert import stripped
from trivet.integration.formats.hl7v2.lineage import Template, leaf_of, spans_of
from trivet.integration.formats.hl7v2.paths import Labels, Target
from trivet.integration.formats.hl7v2.reader import Leaf, Repetition, Segment
from trivet.integration.formats.hl7v2.scan import Scan
from trivet.integration.formats.hl7v2.sound import guard
from trivet.integration.formats.hl7v2.values import Bad, Doubt
from trivet.integration.formats.hl7v2.watch import Opaque, Slot, Watch
from trivet.integration.formats.hl7v2.work import Builder, Marks, Work

__all__ = ["Code", "Family", "Form", "Recorder", "Speaker", "bring", "family_of", "learn", "tell", "token", "watching"]

FORMS = 4_000  # of one feed
TRIES = 3  # forms for the same texts looked at, which differ in their tests
_NOTHING = Repetition([], 0, 0, "")
_ALWAYS = (stripped, naked)  # `texts` of a scan, and none of them is blank
Rows = list[tuple[str, int, str, str]]


class Recorder:
    """Stands where a record with content stands, and writes down what is said to it: what stands there decides what becomes of it."""

    __slots__ = ("puts",)

    def __init__(self) -> None:
        self.puts: list[tuple[Target | None, int, Any, list[Span], str, int, int]] = []

    def say(self, work: Work, target: Target, index: int, value: Any, leaf: Leaf, rule: str) -> None:
        """A value with the leaf behind it."""
        self.puts.append((target, index, value, [Span("", leaf[0], leaf[1], leaf[2], rule)], rule, len(work.superseded), len(work.born)))

    def take(self, work: Work, target: Target, index: int, value: Any, spans: list[Span], rule: str) -> None:
        """A structure with the spans inside it."""
        self.puts.append((target, index, value, spans, rule, len(work.superseded), len(work.born)))

    def absorb(self, work: Work, out: dict[str, Any], spans: list[Span], rule: str) -> None:
        """Parts of the record itself."""
        self.puts.append((None, 0, out, spans, rule, len(work.superseded), len(work.born)))


Speaker = Builder | Recorder


class Put(NamedTuple):
    """What is said to a record with content. `before` was marked before it, and `births` children were born since the put before."""

    target: Target | None
    rank: int
    rows: Template
    rule: str
    before: Marks
    births: int


class Form(NamedTuple):
    """`run` gives ((child id, child), ...) and the record or the values of the puts. A child has its type, its spans, and what was
    marked before it: who is refused later must find what the rows would have marked by then, because the first mark stays."""

    run: Callable[[list[str], list[str], Work], Any]
    template: Template | None
    labels: Labels
    children: tuple[tuple[str, Template, Marks], ...]
    puts: tuple[Put, ...]
    marks: Marks
    doubts: tuple[tuple[Doubt, int, str], ...]
    loose: bool


class Family:
    """The forms of one map and shape. `pick` takes the texts that some form looked at, `asks` what one asked beside the segment."""

    __slots__ = ("asks", "failed", "forms", "indices", "met", "pick")

    def __init__(self) -> None:
        self.indices: frozenset[int] = frozenset()
        self.asks: dict[Callable[..., str], bool] = {}
        self.pick: Callable[[list[str]], Any] = len
        self.forms: dict[Any, Any] = {}
        self.met: set[Any] = set()
        self.failed: dict[Any, int] = {}

    def key(self, work: Work, segment: Segment, scan: Scan) -> Any:
        """What decides between the forms of the family."""
        if not self.asks:
            return self.pick(scan.leaves), work.offset
        key = [self.pick(scan.leaves), work.offset]
        for get, exact in self.asks.items():
            said = get(work, segment, _NOTHING)
            key.append(said if exact else not said)
        return tuple(key)

    def widen(self, exact: Set[int], asks: dict[Callable[..., str], bool]) -> bool:
        """Look at more from now on. False when the family looks at all that anyhow."""
        if exact <= self.indices and all(self.asks.get(get, False) >= wanted and get in self.asks for get, wanted in asks.items()):
            return False
        self.indices |= exact
        for get, wanted in asks.items():
            self.asks[get] = wanted or self.asks.get(get, False)
        self.pick = itemgetter(*sorted(self.indices)) if self.indices else len
        self.forms.clear()
        return True


def tell(form: Form, work: Work, segment: Segment, scan: Scan, builder: Builder) -> bool:
    """Say to a record what the form says of this segment. False when a test of the form does not hold."""
    try:
        said = form.run(scan.texts, scan.leaves, work)
    except Doubt:
        return False
    if said is None:
        return False
    born, made = said
    if form.template is not None:
        builder.resource = made
        bring(form, work, segment, scan, builder, born)
        return True
    _, _, _, children, puts, marks, doubts, loose = form
    waiting = zip(children, born, strict=True)
    resource, labels, add = builder.resource, builder.labels, builder.spans.append
    builder.loose |= loose
    for (target, index, rows, rule, before, births), value in zip(puts, made, strict=True):
        if births:
            _bear(work, scan, islice(waiting, births))
        if target is None:
            if before:
                work.marked.append((scan, before))
            builder.absorb(work, value, spans_of(((rows, scan, ""),)), rule)
            continue
        stands = target.put(resource, labels, index, value)
        if stands:
            add((rows, scan, stands))
        else:
            work.marked.append((scan, (*before, *((False, at, rule) for at, _ in rows.firsts))))
    if born:
        _bear(work, scan, waiting)
    if marks:
        work.marked.append((scan, marks))
    if doubts:
        _doubtful(doubts, work, segment, scan)
    return True


def bring(form: Form, work: Work, segment: Segment, scan: Scan, builder: Builder, born: Any) -> None:
    """What a form brings along with a new record: its spans, the records that its fields gave rise to, what was marked and noticed."""
    _, template, labels, children, _, marks, doubts, _ = form
    builder.spans.append((template, scan, ""))  # type: ignore[arg-type]
    if labels:
        builder.labels = labels.copy()
    if children:
        _bear(work, scan, zip(children, born, strict=True))
    if marks:
        work.marked.append((scan, marks))
    if doubts:
        _doubtful(doubts, work, segment, scan)


def _doubtful(doubts: tuple[tuple[Doubt, int, str], ...], work: Work, segment: Segment, scan: Scan) -> None:
    """Doubtful values are noticed."""
    for doubt, at, rule in doubts:
        work.doubt(doubt, leaf_of((segment, at)), rule)


def _bear(work: Work, scan: Scan, waiting: Iterable[Any]) -> None:
    """Children of a form, in their turn."""
    for (type_, rows, before), (id_, resource) in waiting:
        if before:
            work.marked.append((scan, before))
        work.bear(type_, id_, resource, (rows, scan, ""))


def learn(work: Work, segment: Segment, scan: Scan, type_: str, run: Callable[[Work, Segment, Speaker], None]) -> tuple[Form, Watch] | None:
    """Let a map speak to a record that nobody keeps, and make a form of what it did. None when there can be none."""
    scratch: Speaker = Builder(type_) if type_ else Recorder()
    try:
        with watching(work, segment, scan) as watch:
            run(work, watch.segment, scratch)
            if work.rejects or len(work.refused) != len(work.notices):
                return None
            return _form(watch, scan, work, scratch), watch
    except (Bad, Opaque, TypeError, KeyError):
        return None


@contextmanager
def watching(work: Work, segment: Segment, scan: Scan) -> Iterator[Watch]:
    """Watch what is done with a segment, with the bench's lists set aside."""
    work.settle_marks()
    kept = (work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects, work.born)
    work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects, work.born = {}, {}, {}, {}, [], [], []
    work.watch = watch = Watch(segment, scan.places, len(scan.leaves))
    try:
        yield watch
    finally:
        work.watch = None
        work.records, work.dropped, work.refused, work.superseded, work.notices, work.rejects, work.born = kept


_tokens = count(1)


def token() -> int:
    """A number for something that has families of its own."""
    return next(_tokens)


def family_of(work: Work, name: tuple[int, str, bytes]) -> Family:
    """The family of that name in the memory of the feed."""
    known = work.settings.families
    found = known.get(name)
    if found is None:
        if len(known) >= FORMS:
            known.clear()
        found = known[name] = Family()
    return found


def _form(watch: Watch, scan: Scan, work: Work, scratch: Speaker) -> Form:
    """What was watched, as a form. Raises KeyError when a span is no leaf of the segment."""
    head = len(scan.head)

    def rows(spans: Sequence[Any]) -> Template:
        found: Rows = []
        for path, offset, length, locator, rule in spans_of(spans):
            at = watch.index[offset]
            if length != len(scan.leaves[at]) or locator[:head] != scan.head:
                raise KeyError(locator)
            found.append((path, at, locator[head:], rule))
        return Template(found)

    said = tuple([(False, watch.index[offset], rule) for offset, rule in work.superseded.items()])
    marks = (*((True, watch.index[offset], rule) for offset, rule in work.dropped.items()), *said)
    doubts = []
    for notice, (offset, rule) in zip(work.notices, work.refused.items(), strict=True):
        if notice.offset != offset:
            raise KeyError(notice.locator)
        watch.exact.add(watch.index[offset])
        doubts.append((Doubt(notice.kind, "", notice.system, notice.code), watch.index[offset], rule))
    loose = guard(watch, [builder.resource for builder, _ in work.born], scratch)
    code = Code(watch.exact)
    born = [(builder.resource["id"], builder.resource) for builder, _ in work.born]
    children = tuple((builder.type, rows(builder.spans), said[:before]) for builder, before in work.born)
    if isinstance(scratch, Builder):
        run = code.function(watch, born, scratch.resource)
        return Form(run, rows(scratch.spans), scratch.labels, children, (), marks, tuple(doubts), False)
    puts, older = [], 0
    for target, index, _, spans, rule, before, births in scratch.puts:
        puts.append(Put(target, index, rows(spans), rule, said[:before], births - older))
        older = births
    run = code.function(watch, born, [put[2] for put in scratch.puts])
    return Form(run, None, {}, children, tuple(puts), marks, tuple(doubts), loose)


class Code:
    """The text of a form's function, and the values its names stand for."""

    def __init__(self, exact: set[int]) -> None:
        self.exact = exact
        self.names: dict[str, Any] = {}
        self.lines: list[str] = []
        self._known: dict[Any, str] = {}
        self._slots: dict[int, str] = {}

    def name(self, value: Any) -> str:
        """A name for a constant."""
        key = (type(value), value) if isinstance(value, str) else id(value)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = f"K{len(self.names)}"
            self.names[found] = value
        return found

    def function(self, watch: Watch, born: list[Any], made: Any) -> Callable[[list[str], list[str], Work], Any]:
        """The function that gives the children and what is said to the record."""
        answer = f"return ({self.value(tuple(born))}, {self.value(made)})"
        for kind, first, second, outcome in watch.tests:
            if kind == "none":
                if first not in self.exact:
                    self.lines.append(f"if {self.name(second)}(r[{first:d}], work) is not None: return None")
            elif kind == "alike":
                if not all(self.fixed(one) for one in second):
                    given = ", ".join([self.value(one) for one in second])
                    self.lines.append(f"if {self.name(first)}({given}) != {self.name(outcome)}: return None")
            elif not (self.fixed(first) and self.fixed(second)):
                self.lines.append(f"if {self.value(first)} {'!=' if outcome else '=='} {self.value(second)}: return None")
        self.lines.append(answer)
        return self.done("form", "l, r, work")

    def done(self, name: str, given: str) -> Callable[..., Any]:
        """The function of the lines."""
        body = "\n    ".join([f"def {name}({given}):", *self.lines])
        exec(compile(body, f"<{name}>", "exec"), self.names)  # noqa: S102  (our own words only, see above)
        found: Callable[..., Any] = self.names[name]
        return found

    def value(self, value: Any) -> str:
        """The expression of a value: containers as literals, slots by their variables, everything else by name."""
        if isinstance(value, Slot):
            if self.fixed(value):
                return self.name(value.value)
            return self._slots.get(id(value)) or self._slot(value)
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.name(key)}: {self.value(part)}" for key, part in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join([self.value(part) for part in value]) + "]"
        if isinstance(value, tuple):
            return "(" + "".join([self.value(part) + ", " for part in value]) + ")"
        return self.name(value)

    def fixed(self, value: Any) -> bool:
        """Whether a value is the same whenever the form is used: it comes of a text that was looked at anyhow."""
        return not isinstance(value, Slot) or (value.code[0] == "leaf" and value.code[1] in self.exact)

    def _slot(self, slot: Slot) -> str:
        """Emit what makes a slot, after what it is made of."""
        kind, first, second = slot.code
        test = ""
        if kind == "leaf":
            if second in _ALWAYS:
                return f"l[{first:d}]"
            made = f"{self.name(second)}(r[{first:d}], work)"
            test = "if {} is None: return None"
        elif kind == "id":
            made = f"work.id({', '.join([self.value(part) for part in (first, *second)])})"
        elif kind == "reference":
            made = f"{self.name(first + '/')} + {self.value(second)}"
        else:
            made = f"{self.name(first)}.join([{', '.join([self.value(part) for part in second])}])"
        variable = self._slots[id(slot)] = f"v{len(self._slots)}"
        self.lines.append(f"{variable} = {made}")
        if test:
            self.lines.append(test.format(variable))
        return variable
