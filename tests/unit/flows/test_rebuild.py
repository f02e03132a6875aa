"""Vault and ledger are enough: every projection comes out the same, and what was tampered with is put right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lines import FILE, Louder, OnePersonEach, opened
from trivet.contracts.envelope import Envelope
from trivet.contracts.house import House
from trivet.flows.fsck import fsck
from trivet.flows.receive import Delivery, accept, process_pending, receive
from trivet.flows.reconcile import reconcile
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home
from trivet.wiring.shadow import rebuild_home


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home that took in files, single messages and repeats, in several runs."""
    init_home(tmp_path / "home", clock=FrozenClock("2026-03-01T00:00:00.000000Z")).close()
    house = opened(tmp_path / "home")
    receive(house, [Delivery(FILE, "lab", "lines", "f.lines"), Delivery(FILE + b"9,k,1\n~8,k,1\n", "lab", "lines", "g.lines")])
    for raw in (b"1,hr,99", b"1,hr,99", b"?"):
        accept(house, Envelope(raw, "ward", "lines", house.clock.now())).result()
    process_pending(house)
    yield house
    house.close()


def rebuilt(house: House, repair: bool = True, accept: bool = False) -> dict[str, Any]:
    """A rebuild without talk."""
    return rebuild_home(house, repair=repair, accept=accept, report=lambda _: None, given={"linker": OnePersonEach()})


def test_a_rebuild_gives_the_same_tables(house: House) -> None:
    """Every projection has the same digest, none is trivially empty, and the shadow is gone afterwards."""
    answer = rebuilt(house)
    assert answer["same"], answer["differing"]
    full = {line["table"] for line in answer["tables"] if line["rows"]}
    assert full >= {"receipt", "delivery", "file", "reject", "notice", "coverage", "record_version", "lineage"}
    assert answer["runs_differing"] == []
    assert not list(Path(house.home).glob("rebuild.db*"))


@pytest.mark.parametrize(
    ("table", "damage"),
    [
        ("receipt", "update receipt set state = 'ignored' where state = 'mapped'"),
        ("delivery", "delete from delivery where repeated = 1"),
        ("file", "update file set covered = 0"),
        ("reject", "delete from reject"),
        ("notice", "update notice set times = 7"),
        ("coverage", "delete from coverage"),
        ("record_version", "update record_version set body = '{}' where ordinal = 2"),
        ("lineage", "delete from lineage"),
        ("register_day", "update register_day set sums = json_remove(sums, '$.fields[0]')"),
    ],
)
def test_a_damaged_projection_is_found_and_put_right(house: House, table: str, damage: str) -> None:
    """A change to a table is seen; `repair` brings back what vault and ledger say; without it the table is left alone."""
    house.store.write(lambda tx: tx.execute(damage))
    looked = rebuilt(house, repair=False)
    assert (looked["differing"], looked["repaired"]) == ([table], False)
    assert rebuilt(house)["differing"] == [table]
    assert rebuilt(house)["same"]


def test_fsck_is_clean_and_sees_what_was_done_to_the_tables(house: House) -> None:
    """A sound home has no finding; a lost receipt, a lost version and a lost blob are each named."""
    assert fsck(house)["sound"], fsck(house)
    house.store.write(lambda tx: tx.execute("delete from receipt where seq = (select max(seq) from receipt)"))
    house.store.write(lambda tx: tx.execute("delete from record_version where version = 1"))
    house.store.write(lambda tx: tx.execute("delete from blob_key where blob = 1") and tx.execute("delete from blob where id = 1"))
    named = {found["check"] for found in fsck(house)["findings"] if found["wrong"] and not found["harmless"]}
    assert named >= {"received-without-receipt", "version-gap"}


def test_what_was_erased_stays_erased_and_everything_else_stands(house: House) -> None:
    """After a person's key is destroyed the ledger holds, fsck calls it an erasure, and a rebuild does not fail."""
    subject = house.store.read("select subject from record_version where subject is not null order by ordinal limit 1")[0][0]
    [person] = house.linker.persons(None, [subject]).values()  # type: ignore[arg-type]
    assert house.store.write(lambda tx: house.vault.destroy(tx, f"person:{person}")) > 0
    found = {line["check"]: line["wrong"] for line in fsck(house)["findings"]}
    assert found["blob-erased"] > 0
    assert found["blob-damaged"] == found["blob-lost"] == 0
    answer = rebuilt(house, repair=False)
    assert set(answer["differing"]) <= {"record_version", "lineage", "notice", "coverage", "reject", "register_day"}


def test_reconcile_balances_and_sees_a_lost_receipt(house: House) -> None:
    """Per source the ledger's count equals the sum of end states and the bytes of files those of units; a lost row is off."""
    answer = reconcile(house)
    assert answer["balanced"]
    lab = next(line for line in answer["sources"] if line["source"] == "lab")
    assert (lab["landed"], lab["mapped"], lab["quarantined"], lab["ignored"], lab["repeated"]) == (8, 4, 3, 1, 6)
    house.store.write(lambda tx: tx.execute("delete from receipt where source = 'ward' and state = 'mapped'"))
    answer = reconcile(house)
    assert not answer["balanced"]
    assert [line["off"] for line in answer["sources"]] == [0, 1]


def test_another_release_makes_a_plan_and_changes_nothing(house: House) -> None:
    """Where this release reads old bytes differently, the runs are named, and the tables stay until somebody accepts that."""
    house.close()
    later = opened(Path(house.home), Louder(), "next")
    before = later.store.read("select key, body from record_version order by ordinal")
    answer = rebuilt(later)
    assert (answer["same"], answer["planned"], answer["repaired"]) == (False, True, False)
    assert {run["code"] for run in answer["runs_differing"]} == {"test"}
    assert later.store.read("select key, body from record_version order by ordinal") == before
    assert rebuilt(later, accept=True)["repaired"]
    assert later.store.read("select key, body from record_version order by ordinal") != before
    later.close()
