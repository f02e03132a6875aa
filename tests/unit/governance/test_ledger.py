"""The ledger: append-only, in step with the transaction, provable, closed to personal data."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trivet.contracts.trace import Entry
from trivet.data.engines.sqlite import SQLiteStore
from trivet.governance.entry import decode, encode
from trivet.governance.ledger import MerkleLedger
from trivet.kernel.digest import canonical
from trivet.kernel.errors import Fault, NotFound
from trivet.kernel.merkle import check_consistency, check_inclusion, leaf_hash
from trivet.kernel.resources import listing, text

SCHEMA = [
    text("trivet.governance", "sql", "schema", name) for name in listing("trivet.governance", "sql/schema", ".sql") if name[:2] == "01"
]
AT = "2026-03-01T00:00:00.000000Z"


def entry(number: int, kind: str = "raw.received", refs: tuple[int, ...] = ()) -> Entry:
    """Some entry."""
    return Entry(kind, AT, refs, commitments={"raw": f"{number:064x}"}, notes={"source": "lab"})


class Log:
    """A ledger with its store."""

    def __init__(self, folder: Path) -> None:
        self.store = SQLiteStore(folder / "home.db", SCHEMA)
        self.ledger = MerkleLedger(self.store)

    def add(self, *entries: Entry) -> list[int]:
        """Append in one transaction."""
        return [place.seq for place in self.store.write(lambda tx: self.ledger.append(tx, entries))]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A fresh ledger."""
    made = Log(tmp_path)
    yield made
    made.store.close()


def plain_root(bodies: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, over whole bodies, without tiles."""
    import hashlib

    def over(hashes: list[bytes]) -> bytes:
        if len(hashes) < 2:
            return hashes[0] if hashes else hashlib.sha256(b"").digest()
        k = 1
        while k * 2 < len(hashes):
            k *= 2
        return hashlib.sha256(b"\1" + over(hashes[:k]) + over(hashes[k:])).digest()

    return over([hashlib.sha256(b"\0" + body).digest() for body in bodies])


@pytest.mark.parametrize("steps", [[1], [255], [256], [257], [1, 254, 1, 1], [300, 300, 100], [65_536 + 300, 7]])
def test_the_tree_is_the_one_of_the_bodies(log: Log, steps: list[int]) -> None:
    """However entries arrive, across one and two levels of tiles, the root is that of the definition, and proofs hold."""
    for step in steps:
        log.add(*(entry(number) for number in range(step)))
    size = sum(steps)
    assert log.ledger.size() == size
    bodies = [body for _, body in log.ledger.bodies(0, size)]
    assert len(bodies) == size
    root = log.ledger.root_bytes(size)
    if size < 2_000:
        assert root == plain_root(bodies)
    for seq in {0, size // 2, size - 1}:
        check_inclusion(seq, size, leaf_hash(bodies[seq]), log.ledger.inclusion(seq, size), root)
    for old in {1, size // 2 or 1, max(size - 1, 1), size}:
        check_consistency(old, size, log.ledger.root_bytes(old), root, log.ledger.consistency(old, size))


def test_one_by_one_and_all_at_once_give_the_same_tree(tmp_path: Path) -> None:
    """700 entries alone, in one piece, and in pieces that share a commit: one root."""
    roots = set()
    for name in ("alone", "batch", "queued"):
        (tmp_path / name).mkdir()
        log = Log(tmp_path / name)
        entries = [entry(number) for number in range(700)]
        if name == "batch":
            log.add(*entries)
        else:
            append = log.ledger.append
            pieces = [log.store.submit(lambda tx, one=one, append=append: append(tx, [one])) for one in entries]  # type: ignore[misc]
            assert [piece.result()[0].seq for piece in pieces] == list(range(700))
        roots.add(log.ledger.root())
        log.store.close()
    assert len(roots) == 1


def test_what_is_rolled_back_was_never_there(log: Log) -> None:
    """A piece that fails after appending leaves no entry, no gap, no trace in the tree."""
    log.add(entry(0))
    before = log.ledger.root()

    def failing(tx: object) -> None:
        log.ledger.append(tx, [entry(1)])  # type: ignore[arg-type]
        raise KeyError("no")

    with pytest.raises(KeyError):
        log.store.write(failing)
    assert (log.ledger.size(), log.ledger.root()) == (1, before)
    assert log.add(entry(2)) == [1]


def test_entries_are_found_by_kind_and_by_what_rests_on_them(log: Log) -> None:
    """`find` pages through one kind in order; `referring` gives what came later because of an entry."""
    log.add(*(entry(number, "decision" if number % 2 else "raw.received") for number in range(2_500)))
    log.add(entry(1, "display", (1,)), entry(2, "outcome", (1, 2500)))
    assert [seq for seq, _ in log.ledger.find("decision")] == list(range(1, 2_500, 2))
    assert [seq for seq, _ in log.ledger.find("decision", 2_490)] == [2491, 2493, 2495, 2497, 2499]
    assert list(log.ledger.find("grant")) == []
    assert log.ledger.referring(1) == [2500, 2501]
    assert log.ledger.entry(2501)["refs"] == [1, 2500]
    with pytest.raises(NotFound):
        log.ledger.entry(9_999)


def test_an_entry_rests_on_earlier_ones_only(log: Log) -> None:
    """A reference to itself, to the future or below zero is a Fault, and nothing is appended."""
    for ref in (0, 1, -1):
        with pytest.raises(Fault, match="not there yet"):
            log.add(entry(0, refs=(ref,)))
    assert log.ledger.size() == 0


BAD = [
    Entry("Raw", AT),
    Entry("raw received", AT),
    Entry("raw", "yesterday"),
    Entry("raw", "2026-03-01T00:00:00"),
    Entry("raw", AT, digests={"raw": "Smith"}),
    Entry("raw", AT, digests={"raw": "AB" * 32}),
    Entry("raw", AT, commitments={"raw": "ab" * 31}),
    Entry("raw", AT, commitments={"John Smith": "ab" * 32}),
    Entry("raw", AT, notes={"Name": "x"}),
    Entry("raw", AT, notes={"source": "x" * 401}),
    Entry("raw", AT, notes={"source": "line\nbreak"}),
    Entry("raw", AT, notes={"source": "\ud800"}),
    Entry("raw", AT, notes={f"n{number}": "x" * 400 for number in range(200)}),
]


@pytest.mark.parametrize("bad", BAD)
def test_what_could_carry_personal_data_is_refused(log: Log, bad: Entry) -> None:
    """Free text where a digest belongs, long notes, other alphabets in names: refused, and the value is not repeated."""
    with pytest.raises(Fault, match="not a ledger entry") as caught:
        log.add(bad)
    assert "Smith" not in str(caught.value.as_dict())
    assert log.ledger.size() == 0


kinds = st.from_regex(r"[a-z][a-z0-9.-]{0,10}", fullmatch=True)
names = st.from_regex(r"[a-z][a-z0-9_.-]{0,10}", fullmatch=True)
numbers = st.lists(st.integers(0, 2**40), max_size=4)
words = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=("Cs",)), max_size=60)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(kinds, st.dictionaries(names, words, max_size=5), st.dictionaries(names, hashes, max_size=3), numbers)
def test_entry_bytes_are_canonical_json(kind: str, notes: dict[str, str], digests: dict[str, str], refs: list[int]) -> None:
    """The quick encoder writes exactly what RFC 8785 asks for, whatever the words are."""
    body = encode(Entry(kind, AT, tuple(refs), digests, digests, notes))
    assert body == canonical(decode(body))
    assert decode(body)["notes"] == notes


def test_the_tables_refuse_to_be_rewritten(log: Log) -> None:
    """An UPDATE or DELETE by accident is stopped by the database itself."""
    log.add(*(entry(number) for number in range(300)))
    statements = (
        "update ledger_entry set body = x'00' where seq = 1",
        "delete from ledger_entry where seq = 299",
        "update ledger_tile set hashes = zeroblob(8192)",
        "delete from ledger_tile",
        "update ledger_head set n = 10",
    )
    for statement in statements:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            log.store.write(lambda tx, statement=statement: tx.execute(statement))  # type: ignore[misc]


def test_a_damaged_tree_takes_nothing_more(log: Log) -> None:
    """When head, edge and entries do not fit together, the ledger is not writable and appending is a Fault."""
    log.add(*(entry(number) for number in range(600)))
    assert log.ledger.writable()
    log.store.write(lambda tx: tx.execute("update ledger_edge set hashes = substr(hashes, 1, 32)"))
    assert not log.ledger.writable()
    with pytest.raises(Fault, match="edge does not fit"):
        log.add(*(entry(number) for number in range(300)))
    assert log.ledger.size() == 600


def test_a_closed_or_locked_store_is_not_writable(tmp_path: Path) -> None:
    """What cannot be recorded must not be released: the ledger says so before anything runs."""
    store = SQLiteStore(tmp_path / "home.db", SCHEMA, busy_for=0.05)
    ledger = MerkleLedger(store)
    assert ledger.writable()
    other = sqlite3.connect(tmp_path / "home.db", isolation_level=None)
    other.execute("begin immediate")
    assert not ledger.writable()
    other.execute("rollback")
    other.close()
    assert ledger.writable()
    store.close()
    assert not ledger.writable()
