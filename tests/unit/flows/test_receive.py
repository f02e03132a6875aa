"""The way of a message, on the real store and vault, with a small line format whose every byte is known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from lines import FILE, OnePersonEach, opened
from trivet.contracts.envelope import Envelope, FileEnd, Piece, Receipt
from trivet.contracts.house import House
from trivet.flows.fsck import fsck
from trivet.flows.receive import Delivery, accept, accept_each, land_file, process_pending, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Fault
from trivet.kernel.jsontext import loads
from trivet.wiring.build import init_home
from trivet.wiring.shadow import rebuild_home


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A fresh home."""
    init_home(tmp_path / "home", clock=FrozenClock("2026-03-01T00:00:00.000000Z")).close()
    house = opened(tmp_path / "home")
    yield house
    house.close()


def rows(house: House, sql: str) -> list[tuple[Any, ...]]:
    """What stands in the store."""
    return house.store.read(sql)


def test_every_unit_ends_in_exactly_one_state(house: House) -> None:
    """Mapped, ignored and quarantined add up to what was landed, and a unit that breaks the format stops nobody else."""
    tally = receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    assert (tally.landed, tally.repeated) == (6, 0)
    assert tally.states == {"mapped": 3, "ignored": 1, "quarantined": 2}
    assert rows(house, "select count(*) from receipt where state = 'landed'") == [(0,)]
    assert sorted(rows(house, "select code from reject")) == [("E241",), ("E299",)]


def test_a_broken_unit_leaves_no_value_in_its_reason(house: House) -> None:
    """The text of an unforeseen error may hold a patient's value: only its class and place are kept."""
    receive(house, [Delivery(b"!4711\n", "lab", "lines", "f.lines")])
    [(reason,)] = rows(house, "select reason from reject")
    assert "ZeroDivisionError" in reason
    assert "4711" not in reason


def test_the_receipts_number_is_the_ledger_position(house: House) -> None:
    """A receipt can be proven: its number is the position of its raw.received entry, whose commitment opens with its bytes."""
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    for seq, blob in rows(house, "select seq, blob from receipt"):
        entry = house.ledger.entry(seq)
        assert (entry["kind"], entry["notes"]["blob"]) == ("raw.received", blob)
        assert entry["commitments"]["raw"] == house.vault.commit(blob)


def test_receiving_twice_changes_nothing_but_the_deliveries(house: House) -> None:
    """The same bytes from the same source are one receipt and one version, but both deliveries are written down."""
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    before = rows(house, "select * from record_version") + rows(house, "select * from receipt")
    again = receive(house, [Delivery(FILE, "lab", "lines", "copy.lines")])
    assert (again.landed, again.repeated, again.versions) == (0, 6, 0)
    assert rows(house, "select * from record_version") + rows(house, "select * from receipt") == before
    assert rows(house, "select count(*), sum(repeated) from delivery") == [(12, 6)]
    other = receive(house, [Delivery(b"1,hr,80\n", "ward", "lines", "f.lines")])
    assert other.landed == 1


def test_a_file_can_be_put_together_again(house: House) -> None:
    """The pieces of a delivery's units, from the vault, give the delivered bytes."""
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    whole = bytearray(len(FILE))
    for seq, pieces in rows(house, "select receipt, pieces from delivery order by seq, ordinal"):
        [(blob,)] = house.store.read("select blob from receipt where seq = ?", (seq,))
        raw = house.vault.get(blob)
        for offset, length in eval(pieces):
            whole[offset : offset + length], raw = raw[:length], raw[length:]
    assert bytes(whole) == FILE
    assert rows(house, "select bytes, covered, units from file") == [(len(FILE), len(FILE), 6)]


def test_versions_are_added_only_where_something_changed(house: House) -> None:
    """Two values of one fact are two versions, known since their own receipts; the patient said twice is one version."""
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    found = rows(
        house, "select version, known_seq, receipt, valid_at, body from record_version where type = 'Observation' order by key, version"
    )
    bodies = {(version, body[-4:-2]) for version, _, _, _, body in found}
    assert {(1, "80"), (2, "85"), (1, "90")} == bodies
    assert all(known == receipt for _, known, receipt, _, _ in found)
    assert {at for *_, at, _ in found} == {"2026-03-01T14:00:00.000000Z"}
    assert rows(house, "select count(*) from record_version where type = 'Patient'") == [(2,)]


def test_lineage_leads_to_the_bytes(house: House) -> None:
    """Each version names the bytes of its own receipt that made it."""
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    for key, version, receipt, body in rows(house, "select key, version, receipt, body from record_version where type = 'Observation'"):
        [span] = house.shelf.lineage(key, version)
        [(blob,)] = house.store.read("select blob from receipt where seq = ?", (receipt,))
        value = house.vault.get(blob)[span.offset : span.offset + span.length].decode()
        assert f'"valueString":"{value}"' in body


def test_coverage_and_notices_are_counted(house: House) -> None:
    """Elements are counted by place without indices; notices by code, with the receipt to look at."""
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    assert rows(house, "select locator, disposition, elements, receipts from coverage order by locator") == [
        ("LINE", "rejected", 1, 1),
        ("LINE-1", "mapped", 3, 3),
        ("LINE-2", "mapped", 3, 3),
        ("LINE-3", "mapped", 3, 3),
    ]
    assert rows(house, "select kind, code, sum(times) from notice group by 1, 2") == [("unknown-code", "hr", 3)]


def test_a_crash_between_landing_and_settling_loses_nothing(house: House) -> None:
    """What is durable but in flight is taken up by the next call, in order, and only then can anything rest on it."""
    land_file(house, Delivery(FILE, "lab", "lines", "f.lines"))
    assert house.landing.horizon() == 0
    house.close()
    later = opened(Path(house.home))
    tally = process_pending(later)
    assert sum(tally.states.values()) == 6
    assert later.landing.horizon() == later.ledger.size() - 1
    later.close()


def test_how_many_settle_together_changes_nothing_but_the_runs(house: House) -> None:
    """Two at a time, as while messages come in, or all at once: the same end states and records, under more or fewer runs."""
    land_file(house, Delivery(FILE, "lab", "lines", "f.lines"))
    assert process_pending(house, most=lambda: 2).states == {"mapped": 3, "ignored": 1, "quarantined": 2}
    assert len(list(house.ledger.find("norm.run"))) == 3
    few = rows(house, "select key, version, body from record_version order by known_seq, ordinal")
    land_file(house, Delivery(FILE, "icu", "lines", "f.lines"))
    process_pending(house)
    assert len(list(house.ledger.find("norm.run"))) == 4
    assert len(rows(house, "select key from record_version")) == 2 * len(few)


def test_one_message_is_durable_before_its_future_resolves(house: House) -> None:
    """A message from a socket: landed alone, with a delivery of its own, and a repeat names the earlier receipt."""
    envelope = Envelope(b"7,hr,60", "ward", "lines", house.clock.now(), "mllp:engine")
    first, second = accept(house, envelope).result(), accept(house, envelope).result()
    assert (first.state, first.duplicate_of) == ("landed", None)
    assert second.duplicate_of == first.seq
    assert rows(house, "select receipt, repeated, origin from delivery order by seq") == [
        (first.seq, 0, "mllp:engine"),
        (first.seq, 1, "mllp:engine"),
    ]
    assert house.ledger.entry(first.seq)["notes"]["peer"] == "mllp:engine"


def test_messages_landed_together_stand_as_if_each_had_come_alone(house: House) -> None:
    """New ones, one that is known, one that comes twice, one of another source with the same bytes: the same rows as one by one."""

    def envelopes(word: str) -> list[Envelope]:
        at = house.clock.now()
        said = [("ward", "1"), ("ward", "2"), ("ward", "3"), ("ward", "2"), ("icu", "3"), ("ward", "0")]
        return [Envelope(f"{number},{word},60".encode(), source, "lines", at, "mllp:engine") for source, number in said]

    def shape(word: str) -> list[tuple[Any, ...]]:
        columns = "source, format, bytes, state, delivery.origin, pieces, repeated"
        start = len(house.store.read("select seq from receipt"))
        accept(house, Envelope(f"0,{word},60".encode(), "ward", "lines", house.clock.now(), "mllp:engine")).result()
        if word == "hr":
            told = [accept(house, envelope) for envelope in envelopes(word)]
        else:
            told = [Future() for _ in envelopes(word)]
            accept_each(house, list(zip(envelopes(word), told, strict=True)), here=True)
        receipts = [future.result(20) for future in told]
        assert [receipt.duplicate_of is not None for receipt in receipts] == [False, False, False, True, False, True]
        assert [receipts[3].seq, receipts[3].duplicate_of] == [receipts[1].seq] * 2
        found = rows(house, f"select {columns} from delivery join receipt on receipt.seq = delivery.receipt order by delivery.seq")
        return found[len(found) - 7 :] if start else found

    assert shape("hr") == shape("rr")
    process_pending(house)


def test_groups_landed_together_stand_as_if_one_had_come_after_the_other(house: House, tmp_path: Path) -> None:
    """Files and messages of two feeds, new, repeated within a batch, in another feed and in a later batch, whole files sent twice at the
    same moment: landed by the batch they leave the same receipts, deliveries, files, entries and bytes as each by itself."""
    init_home(tmp_path / "other", clock=FrozenClock("2026-03-01T00:00:00.000000Z")).close()
    other, chance = opened(tmp_path / "other"), random.Random(11)
    for batch in range(10):
        at = f"2026-03-01T00:00:0{batch // 2}.000000Z"
        groups = []
        for _ in range(chance.randrange(9)):
            source, alone = chance.choice(["lab", "ward"]), chance.random() < 0.5
            raws = [b"%d,hr,80\n" % chance.randrange(40) for _ in range(chance.randrange(6))]
            if alone:
                groups.append([Envelope(raw, source, "lines", at, "10.0.0.1") for raw in raws])
            else:
                pieces = [(Piece(0, len(raw)),) for raw in raws]
                name = f"{source}-{chance.randrange(2)}.lines"
                groups.append([Envelope(raw, source, "lines", at, name, piece) for raw, piece in zip(raws, pieces, strict=True)])
        files = [
            FileEnd(chance.choice(["lab", "ward"]), f"{chance.randrange(2)}.lines", 8, 8, 1, 0, at) for _ in range(chance.randrange(4))
        ]
        together = house.store.write(lambda tx, groups=groups: house.landing.land_groups(tx, groups))
        each = [other.store.write(lambda tx, group=group: other.landing.land(tx, group)) for group in groups]
        assert [len(group) for group in together] == [len(group) for group in groups]
        for one, alike in zip((one for group in together for one in group), (one for group in each for one in group), strict=True):
            assert (one.source, one.state, one.duplicate_of is None) == (alike.source, alike.state, alike.duplicate_of is None)
            assert house.vault.get(one.blob) == other.vault.get(alike.blob)
            assert house.vault.holders(one.blob) == other.vault.holders(alike.blob)
        positions = house.store.write(lambda tx, files=files: house.landing.close_files(tx, files))
        assert [house.ledger.entry(seq)["kind"] for seq in positions] == ["file.received"] * len(files)
        for file in files:
            other.store.write(lambda tx, file=file: other.landing.close_file(tx, *file))
    told = (
        "select source, format, bytes, context, received_at from receipt",
        "select r.bytes, r.source, ordinal, d.origin, d.received_at, pieces, repeated from delivery d join receipt r on r.seq = d.receipt",
        "select source, origin, bytes, covered, units, repeats, received_at from file",
        "select kind, count(*) from ledger_kind group by kind order by kind",
        "select kind, size, count(*) from blob group by kind, size order by kind, size",
    )
    for sql in told:
        assert sorted(rows(house, sql)) == sorted(rows(other, sql)), sql
    assert rows(house, "select sum(repeated) from delivery")[0][0] > 10
    assert fsck(house)["sound"]
    assert rebuild_home(house, repair=False, report=lambda _: None)["same"]
    other.close()


def test_fresh_messages_landed_together(house: House) -> None:
    """In one commit, in the order in which they were given; each can be proven and read."""
    at = house.clock.now()
    given = [Envelope(f"{number},hr,60".encode(), ("ward", "icu")[number % 2], "lines", at, "mllp:engine") for number in range(300)]
    told: list[Future[Receipt]] = [Future() for _ in given]
    accept_each(house, list(zip(given, told, strict=True)), here=True)
    receipts = [future.result(20) for future in told]
    assert [receipt.seq for receipt in receipts] == sorted(receipt.seq for receipt in receipts)
    for envelope, receipt in zip(given, receipts, strict=True):
        entry = house.ledger.entry(receipt.seq)
        assert house.landing.raw(receipt) == envelope.raw
        assert entry["commitments"]["raw"] == house.vault.commit(receipt.blob)
        assert (entry["notes"]["unit"], entry["notes"]["source"]) == ("message", envelope.source)
        assert house.vault.holders(receipt.blob) == [f"source:{envelope.source}"]


def test_one_message_at_fault_hurts_no_other(house: House) -> None:
    """A peer whose name no ledger entry may hold is refused; those that were to be landed with it are landed, each once."""
    at = house.clock.now()
    given = [Envelope(f"{number},hr,60".encode(), "ward", "lines", at, "mllp:a\x00" if number == 2 else "mllp:a") for number in range(5)]
    told: list[Future[Receipt]] = [Future() for _ in given]
    accept_each(house, list(zip(given, told, strict=True)), here=True)
    with pytest.raises(Fault, match="not a ledger entry"):
        told[2].result(20)
    assert [future.result(20).duplicate_of for place, future in enumerate(told) if place != 2] == [None] * 4
    assert rows(house, "select count(*) from receipt") == [(4,)]
    assert rows(house, "select count(*) from blob where kind = 'raw'") == [(4,)]


def test_a_closed_store_is_an_answer(house: House) -> None:
    """Where nothing can be kept, every sender is told; no future stays open."""
    house.store.close()
    told: list[Future[Receipt]] = [Future(), Future()]
    at = house.clock.now()
    accept_each(house, [(Envelope(b"1,hr,60", "ward", "lines", at, "mllp:a"), future) for future in told], here=True)
    for future in told:
        with pytest.raises(Fault):
            future.result(20)


def test_the_raw_bytes_change_hands_to_the_person(house: House) -> None:
    """Once it is known whose they are, destroying the person's key makes them unreadable; the others stay."""
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines")])
    subjects = rows(house, "select distinct subject from record_version where subject is not null order by receipt")
    person = OnePersonEach().persons(None, [subjects[0][0]])[subjects[0][0]]  # type: ignore[arg-type]
    gone = house.store.write(lambda tx: house.vault.destroy(tx, f"person:{person}"))
    assert gone == 2


def test_a_file_nobody_understands_is_kept(house: House) -> None:
    """An unknown format is landed whole and quarantined: the bytes are there when somebody can read them."""
    tally = receive(house, [Delivery(b"\x00\x01", "odd", "unknown", "odd.bin")])
    assert tally.states == {"quarantined": 1}
    [(blob,)] = rows(house, "select blob from receipt")
    assert house.vault.get(blob) == b"\x00\x01"


def test_what_is_erased_before_it_is_read_holds_nobody_up(house: House) -> None:
    """Bytes in flight whose source's key is destroyed end as quarantined, with the code for it; what came after is settled."""
    land_file(house, Delivery(FILE, "lab", "lines", "f.lines"))
    house.store.write(lambda tx: house.vault.destroy(tx, "source:lab"))
    land_file(house, Delivery(b"7,hr,60\n", "ward", "lines", "g.lines"))
    tally = process_pending(house)
    assert tally.states == {"quarantined": 6, "mapped": 1}
    assert tally.reasons == {"E622": 6}


def test_a_unit_that_no_table_can_hold_is_quarantined_alone(house: House) -> None:
    """Text that is no Unicode in one of many units: that unit is found and quarantined, and all the others are kept."""
    lines = [f"{mrn},hr,80".encode() for mrn in range(40)]
    lines[17] = b"~17,hr,80"
    tally = receive(house, [Delivery(b"\n".join(lines), "lab", "lines", "f.lines")])
    assert tally.states == {"mapped": 39, "quarantined": 1}
    assert rows(house, "select code from reject") == [("E243",)]
    assert rows(house, "select count(*) from record_version where type = 'Observation'") == [(39,)]


def test_a_patients_messages_are_read_in_the_order_of_their_arrival(house: House) -> None:
    """Rule 7: per patient first in, first out, however many chunks and workers; one that cannot be read is skipped with a flag."""
    raw = b"".join(
        b"%d,hr,%d\n" % (number % 7, number) + (b"!boom%d\n" % number if number % 50 == 0 else b"") for number in range(1, 2_500)
    )
    receive(house, [Delivery(raw, "lab", "lines", "many.lines")])
    rows = house.store.read(
        "select key, body, receipt from record_version where type = 'Observation' and source = 'lab' order by key, version"
    )
    for key in {row[0] for row in rows}:
        values = [int(loads(body)["valueString"]) for named, body, _ in rows if named == key]
        receipts = [receipt for named, _, receipt in rows if named == key]
        assert values[-350:] == sorted(values[-350:])
        assert receipts == sorted(receipts)
    assert house.store.read("select count(*) from receipt where state = 'quarantined' and reason = 'E241'")[0][0] >= 49
