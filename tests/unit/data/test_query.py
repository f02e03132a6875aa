"""Read-only SQL over what is published: right rows as of any position, out of Parquet and store alike, and no way to do harm."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lines import opened
from trivet.contracts.house import House
from trivet.contracts.trace import Entry
from trivet.data import query as query_module
from trivet.data import segments as segments_module
from trivet.data.query import Query, columns_of
from trivet.data.segments import Segments
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Fault, Usage
from trivet.wiring.build import init_home
from trivet.wiring.rooms import relations

LINKS = """-- columns: subject varchar, person varchar
select distinct subject, 'p-' || substr(subject, -8) from record_version where known_seq <= :as_of"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home with three small files behind each other."""
    init_home(tmp_path / "home", clock=FrozenClock("2026-03-01T00:00:00.000000Z")).close()
    house = opened(tmp_path / "home")
    for number in range(3):
        raw = "".join(f"{mrn},hr,{60 + number + mrn}\n" for mrn in range(10)).encode()
        receive(house, [Delivery(raw, "lab", "lines", f"{number}.lines")])
    yield house
    house.close()


@pytest.fixture
def query(house: House) -> Iterator[Query]:
    """Queries over it, every patient key being a person."""
    folder = Path(house.home) / "shelves"
    made = Query(house.store, Segments(house.store, folder), folder, {**relations(), "link_now": LINKS}, {})
    yield made
    made.close()


def test_every_relation_says_its_columns_and_can_be_read(house: House, query: Query) -> None:
    """The announced columns fit the statement, whatever the rows: an empty relation has types too."""
    for name, sql in relations().items():
        columns, _ = query.ask(f"select * from {name}")
        assert columns == [column for column, _ in columns_of(sql)], name


def test_positions_of_many_instants_are_those_of_each(house: House, query: Query) -> None:
    """The last entry not later than an instant, also where clocks went back; before the first entry there is none."""
    moments = ["2026-03-01T00:00:07", "2026-03-01T00:00:03", "2026-03-01T00:00:09", "2026-03-01T00:00:05", "2026-03-01T00:00:05"]
    entries = [Entry("note", f"{at}.000000Z") for at in moments * 40]
    house.store.write(lambda tx: house.ledger.append(tx, entries))
    told = [(seq, str(house.ledger.entry(seq)["at"])) for seq in range(house.ledger.size())]
    asked = [f"2026-02-28T00:00:{second:02d}.000000Z" for second in (0, 30)] + [f"2026-03-01T00:00:{second:02d}.5Z" for second in range(12)]
    asked += [at for _, at in told]
    each = {at: max((seq for seq, moment in told if moment <= at), default=-1) for at in asked}
    assert query.positions(asked) == each
    assert {at: query.position(at) for at in asked} == each
    assert query.positions([]) == {}


def test_a_query_sees_what_was_known_at_a_position(house: House, query: Query) -> None:
    """At the end of each file its versions are known and no later ones; receipts that came later are not there."""
    ends = [seq for (seq,) in house.store.read("select seq from file order by seq")]
    for number, end in enumerate(ends, 1):
        _, rows = query.ask("select count(*), max(version) from records where type = 'Observation'", as_of=end)
        assert rows == [(10 * number, number)]
        assert query.ask("select count(*) from messages", as_of=end)[1] == [(10 * number,)]
    assert query.ask("select count(*) from records", as_of=-1)[1] == [(0,)]


def test_what_was_read_is_read_again_only_after_a_commit(house: House, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relation is taken out of the store once for many queries of a position, and anew after any commit, also of another program."""
    read, pages = [], house.store.pages
    monkeypatch.setattr(house.store, "pages", lambda sql, *rest: read.append(sql) or pages(sql, *rest))
    wanted = "select count(*) from files"
    assert [query.ask(wanted)[1] for _ in range(3)] == [[(3,)]] * 3
    assert len(read) == 1
    assert query.ask(wanted, as_of=-1)[1] == [(0,)]
    assert query.ask(wanted)[1] == [(3,)]
    assert len(read) == 3, "another position is another answer"
    script = (
        "import sqlite3, sys\n"
        "home = sqlite3.connect(sys.argv[1])\n"
        "home.execute('delete from file where seq = (select min(seq) from file)')\n"
        "home.commit()"
    )
    subprocess.run([sys.executable, "-c", script, str(house.store.path)], check=True)
    assert query.ask(wanted)[1] == [(2,)]


def test_a_receipt_is_in_flight_until_the_position_of_its_run(house: House, query: Query) -> None:
    """The state of a message as of a position is the one that was known then."""
    [(landed, run)] = house.store.read("select seq, run from receipt order by seq limit 1")
    assert query.ask("select state from messages where receipt = ?", landed, [landed])[1] == [("landed",)]
    assert query.ask("select state from messages where receipt = ?", run, [landed])[1] == [("mapped",)]


def test_parquet_and_store_give_the_same(house: House, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever part of the versions stands in files, the relation is the same, row for row."""
    sql = "select * from record_version order by key, version"
    before = query.arrow(sql)
    held = Segments(house.store, Path(house.home) / "shelves")
    for least in (25, 1):
        monkeypatch.setattr(segments_module, "WORTH_A_FILE", least)
        assert held.publish()
        files, tail = held.read()
        assert files
        assert query.arrow(sql).equals(before)
        monkeypatch.setattr(segments_module, "WORTH_A_FILE", 1_000)
        receive(house, [Delivery(f"n{least},z,1\n".encode(), "lab", "lines", "more.lines")])
        before = query.arrow(sql)
        assert held.read()[1].num_rows == tail.num_rows + 2
    held.drop()
    assert held.read()[0] == []
    assert query.arrow(sql).equals(before)


def test_a_lost_file_is_not_missed(house: House, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are a cache: without them the store is read."""
    monkeypatch.setattr(segments_module, "WORTH_A_FILE", 1)
    before = query.arrow("select * from records order by key, version")
    held = Segments(house.store, Path(house.home) / "shelves")
    held.publish()
    for path in (Path(house.home) / "shelves").iterdir():
        path.unlink()
    assert query.arrow("select * from records order by key, version").equals(before)


def test_published_views_read_the_newest_version(house: House, query: Query) -> None:
    """A view named in a query is there with all it rests on."""
    _, rows = query.ask("select count(*), count(distinct person) from observation")
    assert rows == [(10, 10)]


@pytest.mark.parametrize(
    "sql",
    [
        "delete from messages",
        "create table x as select 1",
        "insert into messages select * from messages",
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "copy (select 1) to '/tmp/x.csv'",
        "attach '/tmp/x.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "select 1; select 2",
        "pragma database_list",
        "export database '/tmp/x'",
        "select * from nowhere",
        "selec 1",
        "",
    ],
)
def test_nothing_but_reading(query: Query, sql: str) -> None:
    """Writing, reaching files, loading, changing settings and several statements are refused, and so is what is not SQL."""
    with pytest.raises((Usage, Fault)):
        query.ask(sql)


def test_values_of_a_query_are_bound(query: Query) -> None:
    """A value in a parameter is a value, never SQL."""
    assert query.ask("select count(*) from messages where source = ?", parameters=["lab' or '1'='1"])[1] == [(0,)]


def test_a_file_that_differs_from_the_store_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsck's look at the shelves: right as written, wrong when a version in the store is not what the file says, lost is no loss."""
    monkeypatch.setattr(segments_module, "WORTH_A_FILE", 1)
    held = Segments(house.store, Path(house.home) / "shelves")
    held.publish()
    assert held.check() == []
    house.store.write(lambda tx: tx.execute("update record_version set body = '{}' where ordinal = 3"))
    assert len(held.check()) == 1
    for path in (Path(house.home) / "shelves").iterdir():
        path.unlink()
    assert held.check() == []


def test_a_relation_too_large_to_hold_is_streamed(house: House, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows as held, in joins too, as of any position; what dead processes spilt is gone."""
    asked = "select m.receipt, d.origin from messages as m join deliveries as d on d.receipt = m.receipt order by all"
    ends = [seq for (seq,) in house.store.read("select seq from file order by seq")]
    held = [query.ask(asked, as_of=end) for end in ends]
    left = Path(house.home) / "shelves" / "spill-999999999"
    left.mkdir(parents=True)
    monkeypatch.setattr(query_module, "HELD", 0)
    folder = Path(house.home) / "shelves"
    streaming = Query(house.store, Segments(house.store, folder), folder, {**relations(), "link_now": LINKS}, {})
    assert [streaming.ask(asked, as_of=end) for end in ends] == held
    assert not left.exists()
    streaming.close()
