"""The intake journal: what it took is landed once, in order, whatever happened in between; what it cannot keep it does not take."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.contracts.envelope import Envelope, Receipt
from trivet.contracts.house import House
from trivet.data.intake import IntakeJournal
from trivet.data.intake.slips import LARGEST, PAGE, PAGES, SlipFile, found, lined_up, opened
from trivet.flows.fsck import fsck
from trivet.flows.receive import accept_each, process_pending
from trivet.flows.reconcile import reconcile
from trivet.integration.outbound.mllp import MllpSender
from trivet.kernel.clock import FrozenClock
from trivet.kernel.digest import sha256
from trivet.kernel.errors import Fault
from trivet.wiring.build import init_home, open_home
from trivet.wiring.mllp import open_door
from trivet.wiring.settings import Source, add_source

NOON = FrozenClock("2026-03-01T12:00:00.000000Z")
AT = NOON.now()


def key(salt: bytes) -> bytes:
    """A house's key for these tests."""
    return bytes.fromhex(sha256(b"house" + salt))


def slip_file(folder: Path) -> SlipFile:
    """A journal's file, ready."""
    file = SlipFile(folder / "intake.journal", key)
    file.prepare()
    return file


def test_torn_at_every_byte(tmp_path: Path) -> None:
    """However much of the last slip reached the disk: those before it are whole, it is there or it is not, and nothing is missed."""
    file = slip_file(tmp_path)
    file.write(1, [b"one", b"2" * 5000], None)
    before = file.content()
    file.write(3, [b"three" * 30], 0)
    after = file.content()
    file.close()
    for cut in range(3 * PAGE, 3 * PAGE + 260):
        torn = after[:cut] + before[cut:]
        there = found(torn)
        assert [opened(slip, key) for slip in there] == [b"one", b"2" * 5000] + [b"three" * 30] * (len(there) == 3)
        assert lined_up(there, 0) == (there, [])
        assert len(there) == 3 or cut < 3 * PAGE + 214


def test_torn_on_any_page_of_a_write(tmp_path: Path) -> None:
    """Whichever pages of the last write reached the disk: what is whole in front of it is there, nothing is missed; a gap before a later
    write is."""
    file = slip_file(tmp_path)
    file.write(1, [b"one"], None)
    before = file.content()
    file.write(2, [b"two", b"3" * 5000, b"four"], 0)
    after = file.content()
    file.write(5, [b"five"], 0)
    later = file.content()
    file.close()
    for reached in range(16):
        torn = bytearray(before)
        for page in range(1, 5):
            if reached >> (page - 1) & 1:
                torn[page * PAGE : (page + 1) * PAGE] = after[page * PAGE : (page + 1) * PAGE]
        there, missed = lined_up(found(bytes(torn)), 0)
        assert missed == []
        wanted = [2] * (reached & 1) + [3] * (reached & 7 == 7) + [4] * (reached == 15)
        assert [slip.number for slip in there] == [1, *wanted]
        torn[5 * PAGE : 6 * PAGE] = later[5 * PAGE : 6 * PAGE]
        assert lined_up(found(bytes(torn)), 0)[1] == ([] if reached == 15 else [2 + len(wanted)])


def test_a_slip_that_is_not_the_last_and_is_damaged_is_missed(tmp_path: Path) -> None:
    """Any bit of a slip that another follows: it is no slip any more, its number is missing, and another house's key opens none."""
    file = slip_file(tmp_path)
    file.write(8, [b"x" * 50], None)
    file.write(9, [b"y" * 50], 0)
    whole = file.content()
    file.close()
    for at in (0, 7, 15, 23, 27, 28, 43, 44, 47, 48, 60, 113):
        broken = bytearray(whole)
        broken[at] ^= 1
        assert lined_up(found(bytes(broken), 7), 7) == ([], [8])
    assert [lined_up(found(whole, after), after)[1] for after in (7, 8, 9)] == [[], [], []]
    with pytest.raises(Fault) as raised:
        opened(found(whole)[0], lambda salt: bytes(32))
    assert raised.value.code == "E619"


def test_where_writes_cannot_pass_the_cache_by(tmp_path: Path) -> None:
    """A write that the system does not take past its cache (an odd length) goes through it, durably, and so does everything after it."""
    file = slip_file(tmp_path)
    file._put(b"odd", 0)
    assert file.content().startswith(b"odd")
    for number in range(1, 6):
        assert file.write(number, [b"x" * number], 0 if number > 1 else None) == [number - 1]
    there = found(file.content())
    assert [opened(slip, key) for slip in there] == [b"x" * number for number in range(1, 6)]
    file.blank()
    assert file.content() == bytes(PAGE * PAGES)
    file.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.lists(st.integers(0, LARGEST), min_size=1, max_size=8), st.integers(1, 12)), min_size=1, max_size=60))
def test_what_is_owed_is_never_written_over(tmp_path_factory: pytest.TempPathFactory, steps: list[list[int] | int]) -> None:
    """Slips come, in any size, and are landed, oldest first: all that are owed stand in the file, in turns of it without end; a slip is
    refused only when the free pages do not hold it in one piece."""
    file = slip_file(tmp_path_factory.mktemp("file"))
    owed: deque[tuple[int, int, bytes]] = deque()
    number = 1
    for step in steps:
        if isinstance(step, int):
            for _ in range(min(step, len(owed))):
                owed.popleft()
        else:
            contents = [bytes([number % 251]) * size for size in step]
            pages = file.write(number, contents, owed[0][1] if owed else None)
            need = sum(-(-(size + 64) // PAGE) for size in step)
            assert pages is not None or owed or need > PAGES
            if pages is not None:
                owed += zip(range(number, number + len(contents)), pages, contents, strict=True)
                number += len(contents)
        there = found(file.content(), owed[0][0] - 1 if owed else number - 1)
        assert [(slip.number, opened(slip, key)) for slip in there] == [(one, content) for one, _, content in owed]
    file.close()


def admission(number: int) -> bytes:
    """An update of one patient."""
    return (
        f"MSH|^~\\&|ADT|NORTH|EHR|NORTH|20260301||ADT^A08|M{number}|P|2.5\rEVN|A08|20260301\r"
        f"PID|1||100^^^NORTH^MR||Ode{number:03d}^Ann||1980|F\rPV1|1|I|||||||||||||||||V1\r"
    ).encode()


def envelopes(*numbers: int) -> list[Envelope]:
    """What a door makes of them."""
    return [Envelope(admission(number), "adt", "hl7v2", AT, "mllp:127.0.0.1") for number in numbers]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home with a feed and an open journal."""
    init_home(tmp_path / "home", clock=NOON).close()
    add_source(tmp_path / "home", "adt", Source(format="hl7v2", door="mllp://127.0.0.1:0"))
    house = open_home(tmp_path / "home", clock=NOON)
    assert house.role("intake").open()
    yield house
    house.close()


def journal(house: House) -> IntakeJournal:
    """Its journal."""
    intake: IntakeJournal = house.role("intake")
    return intake


def crashed(house: House, folder: Path) -> Path:
    """The home as a kill would leave it now."""
    shutil.copytree(house.home, folder)
    return folder


def landed(house: House) -> list[bytes]:
    """What has receipts, in their order."""
    return [house.vault.get(blob) for (blob,) in house.store.read("select blob from receipt order by seq")]


def test_whoever_reads_sees_what_was_acknowledged(house: House) -> None:
    """Kept is not landed; a reader in the same process finds it landed, once, and in its order."""
    intake = journal(house)
    assert intake.keep(envelopes(1, 2))
    assert intake.keep(envelopes(3))
    assert intake.owed == 3
    assert landed(house) == [admission(number) for number in (1, 2, 3)]
    assert intake.owed == 0
    assert house.store.read("select through from intake") == [(3,)]


def test_nothing_overtakes(house: House) -> None:
    """What goes to the store behind what was kept is landed behind it, in the same commit, though somebody else's work fails in it."""
    intake = journal(house)
    assert intake.keep(envelopes(1, 2))
    later: Future[Receipt] = Future()
    accept_each(house, [(envelopes(3)[0], later)], first=intake.caught_up)
    assert later.result(10).state == "landed"
    assert intake.keep(envelopes(4))

    def fails(tx: object) -> None:
        raise KeyError("work of others")

    with pytest.raises(KeyError):
        house.store.write(fails)
    assert intake.owed == 0
    assert landed(house) == [admission(number) for number in (1, 2, 3, 4)]


def test_a_crash_before_the_landing(house: House, tmp_path: Path) -> None:
    """What stands in the journal is landed when the home is opened again: once, however often it is opened, and settled in its order."""
    intake = journal(house)
    assert intake.keep(envelopes(*range(20)))
    assert intake.keep(envelopes(20))
    raw = (Path(house.home) / "intake.journal").read_bytes()
    assert b"Ode" not in raw
    assert b"NORTH" not in raw
    dead = crashed(house, tmp_path / "dead")
    for _ in range(2):
        again = open_home(dead, clock=NOON)
        assert landed(again) == [admission(number) for number in range(21)]
        again.close()
    assert found((dead / "intake.journal").read_bytes()) == []
    again = open_home(dead, clock=NOON)
    process_pending(again)
    bodies = again.store.read("select body from record_version where type = 'Patient' order by version")
    assert [f"Ode{number:03d}" in body for number, (body,) in enumerate(bodies)] == [True] * 21
    assert reconcile(again)["balanced"]
    assert fsck(again)["sound"]
    again.close()


def test_a_crash_between_the_landing_and_all_else(house: House, tmp_path: Path) -> None:
    """The slips still stand there, their receipts too: nothing is landed twice, and the next slips are not taken for old ones."""
    intake = journal(house)
    assert intake.keep(envelopes(1, 2))
    house.store.write(lambda tx: None)
    assert len(found((Path(house.home) / "intake.journal").read_bytes())) == 2
    dead = crashed(house, tmp_path / "dead")
    again = open_home(dead, clock=NOON)
    assert again.store.read("select count(*), sum(repeated) from delivery") == [(2, 0)]
    assert journal(again).open()
    assert journal(again).keep(envelopes(3))
    worse = crashed(again, tmp_path / "worse")
    again.close()
    last = open_home(worse, clock=NOON)
    assert landed(last) == [admission(number) for number in (1, 2, 3)]
    assert last.store.read("select count(*), sum(repeated) from delivery") == [(3, 0)]
    last.close()


def test_a_damaged_journal_is_named_and_kept(house: House, tmp_path: Path) -> None:
    """A slip that another one follows does not open: the home can be read, fsck and reconcile say so, no journal is opened over it."""
    assert journal(house).keep(envelopes(1))
    assert journal(house).keep(envelopes(2))
    dead = crashed(house, tmp_path / "dead")
    with (dead / "intake.journal").open("rb+") as file:
        file.seek(100)
        file.write(b"\0\0\0\0")
    before = (dead / "intake.journal").read_bytes()
    again = open_home(dead, clock=NOON)
    told = fsck(again)
    assert not told["sound"]
    assert [one["examples"] for one in told["findings"] if one["check"] == "intake-journal"] == [["slip 1 is missing"]]
    assert told["in_flight"] == 1
    assert not reconcile(again)["balanced"]
    with pytest.raises(Fault) as raised:
        journal(again).open()
    assert raised.value.code == "E619"
    again.close()
    assert (dead / "intake.journal").read_bytes() == before


def test_who_cannot_have_the_journal_does_without(house: House, tmp_path: Path) -> None:
    """Another opening of the same home neither takes the journal nor lands what is in it, but counts it."""
    assert journal(house).keep(envelopes(1, 2))
    other = open_home(Path(house.home), clock=NOON)
    assert not journal(other).open(patience=0)
    assert not journal(other).keep(envelopes(3))
    [line] = reconcile(other)["sources"]
    assert (line["landed"], line["in_journal"]) == (0, 2)
    told = fsck(other)
    assert told["sound"]
    assert told["in_flight"] == 2
    other.close()
    assert landed(house) == [admission(1), admission(2)]


def test_what_cannot_be_landed_stops_what_comes_behind_it(house: House, tmp_path: Path) -> None:
    """The store refuses: what was acknowledged stays in the journal, nothing more is taken, none overtakes it; other work goes on. When
    the store is well again, all of it is landed, in order."""
    intake = journal(house)
    assert intake.keep(envelopes(1, 2))
    sick = sqlite3.connect(Path(house.home) / "home.db", isolation_level=None)
    sick.execute("create trigger sick before insert on receipt begin select raise(abort, 'sick'); end")
    later: Future[Receipt] = Future()
    accept_each(house, [(envelopes(3)[0], later)], first=intake.caught_up)
    assert later.exception(10).code == "E619"  # type: ignore[union-attr]
    assert intake.stuck
    assert not intake.keep(envelopes(4))
    house.store.write(lambda tx: tx.execute("create table other (one integer)"))
    assert house.store.read("select count(*) from receipt") == [(0,)]
    dead = crashed(house, tmp_path / "dead")
    sick.execute("drop trigger sick")
    sick.close()
    later = Future()
    accept_each(house, [(envelopes(3)[0], later)], first=intake.caught_up)
    assert later.result(10).state == "landed"
    assert landed(house) == [admission(number) for number in (1, 2, 3)]
    assert intake.keep(envelopes(5))
    open_home(dead, clock=NOON).close()
    assert len(found((dead / "intake.journal").read_bytes())) == 2


def test_what_it_does_not_take(house: House, tmp_path: Path) -> None:
    """Large or odd messages, a store that another process holds or whose file was moved, a journal whose own file was moved."""
    intake = journal(house)
    assert not intake.keep([Envelope(b"x" * LARGEST, "adt", "hl7v2", AT, "peer")])
    assert not intake.keep([Envelope(b"x", "adt", "hl7v2", AT, "\udc80")])
    holder = sqlite3.connect(Path(house.home) / "home.db", isolation_level=None)
    holder.execute("begin immediate")
    assert not intake.keep(envelopes(1))
    holder.execute("rollback")
    holder.close()
    (Path(house.home) / "home.db").rename(tmp_path / "elsewhere")
    assert not intake.keep(envelopes(1))
    (tmp_path / "elsewhere").rename(Path(house.home) / "home.db")
    assert intake.keep(envelopes(1))
    (Path(house.home) / "intake.journal").rename(tmp_path / "elsewhere")
    assert not intake.keep(envelopes(2))
    assert landed(house) == [admission(1)]


def test_nothing_stays_behind(house: House) -> None:
    """What was landed is taken out of the file when nothing else comes, and when the home is closed."""
    intake = journal(house)
    assert intake.keep(envelopes(1))
    intake.land()
    intake.blank()
    path = Path(house.home) / "intake.journal"
    assert path.read_bytes() == bytes(PAGE * PAGES)
    assert intake.keep(envelopes(2))
    house.close()
    assert path.read_bytes() == bytes(PAGE * PAGES)
    assert os.stat(path).st_mode & 0o077 == 0


def test_back_to_back_through_the_door(house: House) -> None:
    """One sender without a pause: most of its messages pass through the journal, all are landed in their order, repeats are repeats."""
    kept: list[int] = []

    async def talk() -> None:
        door = await open_door(house, "adt", urlsplit("mllp://127.0.0.1:0"), lambda: None)
        sender = MllpSender(door.host, door.port, seconds=20)
        for number in range(200):
            assert (await sender.send(admission(number % 150))).code == "AA"
            kept.append(journal(house).owed)
        await sender.close()
        await door.close()

    asyncio.run(talk())
    assert max(kept) > 1
    assert landed(house) == [admission(number) for number in range(150)]
    [line] = reconcile(house)["sources"]
    assert (line["landed"], line["delivered"], line["repeated"], line["in_journal"]) == (150, 200, 50, 0)
    assert fsck(house)["sound"]
