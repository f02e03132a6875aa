"""The file that holds code systems: loads in pieces that survive a stop, read by edition.

In: items of a release, in their order. Out: rows. A load that was broken off goes on behind its last committed piece when the same bytes
come again; until it is whole nobody is answered from it. A newer load of the same kind and system does not remove the older version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from trivet.contracts.ports import Tx
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.vocabulary.items import Edge, Edition, Entry, Item, LeftOut, Link, Linked, Property, Term, ValueSet
from trivet.kernel.errors import Fault
from trivet.kernel.resources import listing, text

__all__ = ["Held", "Library", "Loaded"]

PIECE = 20_000  # items in one commit
FOLDER = "sql/vocabulary"


class Held(NamedTuple):
    """An edition that can be asked."""

    id: int
    system: str
    version: str
    name: str
    sensitive: bool
    complete: bool
    kind: str
    release: str
    digest: str


class Loaded(NamedTuple):
    """What a load did: `resumed` items were there already, `same` says that the very same load was whole before."""

    load: int
    items: int
    resumed: int
    left_out: int
    same: bool


def statement(name: str) -> str:
    """A statement of this part."""
    return text("trivet.data", "sql", "vocabulary", f"{name}.sql")


class Library:
    """Code systems in one SQLite file."""

    def __init__(self, path: Path) -> None:
        schema = [text("trivet.data", "sql", "vocabulary", "schema", name) for name in listing("trivet.data", f"{FOLDER}/schema", ".sql")]
        self._store = SQLiteStore(path, schema)

    def close(self) -> None:
        """Give the file back."""
        self._store.close()

    def rows(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a named statement."""
        return self._store.read(statement(name), parameters)

    def editions(self) -> list[Held]:
        """What can be asked, oldest load first."""
        return [Held(*row[:4], *(bool(flag) for flag in row[4:6]), *row[6:]) for row in self.rows("editions")]

    def load(
        self, items: Iterable[Item], *, digest: str, kind: str, release: str, files: Sequence[str], at: str, only: bool = False
    ) -> Loaded:
        """Take a release in. `only`: the kind has one load, this one replaces those before it."""
        found = self.rows("load_find", digest, kind, release)
        if found and found[0][1] == "ready":
            return Loaded(found[0][0], found[0][2], found[0][2], found[0][3], True)
        number, done, left = self._begin(found, digest, kind, release, files, at)
        started, editions = done, dict(self.rows("edition_of_load", number))
        stream = iter(items)
        if sum(1 for _ in islice(stream, done)) < done:
            raise Fault(
                "E370", "the files are shorter than what was loaded of them", why=f"{done} items are in", help="load them again whole"
            )
        while piece := list(islice(stream, PIECE)):
            done += len(piece)
            left += sum(isinstance(item, LeftOut) for item in piece)
            self._store.write(Piece(number, piece, editions, done, left).keep)
        self._store.write(lambda tx: finish(tx, number, kind if only else ""))
        return Loaded(number, done, started, left, False)

    def _begin(
        self, found: list[tuple[Any, ...]], digest: str, kind: str, release: str, files: Sequence[str], at: str
    ) -> tuple[int, int, int]:
        if found:
            return found[0][0], found[0][2], found[0][3]
        values = (digest, kind, release, "\n".join(files), at)
        number: int = self._store.write(lambda tx: tx.execute(statement("load_begin"), values))[0][0]
        return number, 0, 0


def finish(tx: Tx, number: int, kind: str) -> None:
    """The load is whole: it answers from now on, in place of the others of its kind when it is the only one."""
    tx.execute(statement("load_ready"), (number,))
    if kind:
        tx.execute(statement("load_retire"), (kind, number))


class Piece:
    """Some items of a load, kept in one transaction."""

    def __init__(self, load: int, items: Sequence[Item], editions: dict[str, int], done: int, left: int) -> None:
        self.load, self.items, self.editions, self.done, self.left = load, items, editions, done, left

    def keep(self, tx: Tx) -> None:
        """Write them down, editions first, names after the concepts they name."""
        for item in self.of(Edition):
            values = (self.load, item.system, item.version, item.name, int(item.sensitive), int(item.complete))
            self.editions[item.system] = tx.execute(statement("edition_begin"), values)[0][0]
        for name, rows in self.statements(self.editions):
            tx.executemany(statement(name), rows)
        tx.execute(statement("load_advance"), (self.done, self.left, self.load))

    def of(self, kind: type[Any]) -> Iterator[Any]:
        """The items of a kind."""
        return (item for item in self.items if isinstance(item, kind))

    def statements(self, at: Mapping[str, int]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """Each statement with its rows."""
        entries = list(self.of(Entry))
        yield "concept_add", [(at[one.system], one.code, one.display, one.active, one.abstract, one.since, one.until) for one in entries]
        yield "term_add", [(at[one.system], one.code, one.display, "display", "en") for one in entries if one.display]
        yield "concept_name", [(one.text, at[one.system], one.code) for one in self.of(Term) if one.main]
        yield "term_add", [(at[one.system], one.code, one.text, one.use, one.language) for one in self.of(Term)]
        yield "property_add", [(at[one.system], one.code, one.name, one.value) for one in self.of(Property)]
        yield "edge_add", [(at[one.system], one.child, one.parent) for one in self.of(Edge)]
        numbers = list(self.of(Linked))
        yield "edge_by_number", [(one.target, one.source, self.load) for one in numbers if one.relation == "isa"]
        yield "mapped_by_number", [(one.source, one.target, self.load) for one in numbers if one.relation == "maps-to"]
        yield "mapped_add", [(self.load, *one) for one in self.of(Link)]
        yield "valueset_add", [(self.load, *one) for one in self.of(ValueSet)]
