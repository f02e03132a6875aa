"""Old bytes read by new maps: a plan that writes nothing, versions that are known from then on, and no change where nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lines import Lines, opened
from trivet.contracts.house import House
from trivet.contracts.record import Record, Translation
from trivet.contracts.revision import Chosen
from trivet.flows.fsck import fsck
from trivet.flows.receive import Delivery, receive
from trivet.flows.reconcile import reconcile
from trivet.flows.remap import remap
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home
from trivet.wiring.shadow import rebuild_home

TABLES = ("receipt", "record_version", "lineage", "lineage_again", "reject", "notice", "coverage", "link", "link_event")


class Mended(Lines):
    """The next maps: heart rates are read with their unit, blood pressures are left out, and what began with `?` is understood."""

    def translate(self, raw: bytes, profile: Any) -> Translation:
        if raw.startswith(b"?"):
            return super().translate(b"7,temp,38\n", profile)
        made = super().translate(raw, profile)
        if raw.startswith((b"#", b"!")):
            return made
        person, fact = made.records
        if fact.resource["code"]["text"] == "bp":
            return made.instead((person,), made.notices)
        value = {"valueString": fact.resource["valueString"] + " bpm"} if fact.resource["code"]["text"] == "hr" else {}
        return made.instead((person, Record({**fact.resource, **value}, fact.spans)), made.notices)


class Blind(Lines):
    """Maps that a mistake went into: nothing can be read."""

    def translate(self, raw: bytes, profile: Any) -> Translation:
        return super().translate(b"?" + raw, profile)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two readings of one heart rate, a blood pressure, a temperature, and a line that nobody understood."""
    made = tmp_path / "home"
    init_home(made, clock=FrozenClock("2026-03-01T00:00:00.000000Z")).close()
    house = opened(made, links=True)
    receive(house, [Delivery(b"1,hr,80\n1,bp,120\n2,temp,37\n# x\n?what\n", "lab", "lines", "f.lines")])
    receive(house, [Delivery(b"1,hr,85\n", "lab", "lines", "g.lines"), Delivery(b"9,hr,60\n", "ward", "lines", "h.lines")])
    house.close()
    return made


@pytest.fixture
def mended(home: Path) -> Iterator[House]:
    """The same home under new maps."""
    house = opened(home, Mended(), "next", links=True)
    yield house
    house.close()


def read(house: House, chosen: Chosen = Chosen(), accept: bool = False) -> dict[str, Any]:
    """A plan or its acceptance."""
    return remap(house, chosen, accept=accept, report=lambda _: None)


def rows(house: House) -> dict[str, list[Any]]:
    """All that a remap may touch."""
    return {table: house.store.read(f"select * from {table}") for table in TABLES}


def test_nothing_changes_where_nothing_changed(home: Path) -> None:
    """Rule 11 and rule 6: under the same maps a plan is empty, and accepting it writes nothing, not even into the ledger."""
    house = opened(home, links=True)
    before, size = rows(house), house.ledger.size()
    for accept in (False, True):
        told = read(house, accept=accept)
        assert (told["same"], told["accepted"], told["units"]) == (True, False, 7)
    assert (rows(house), house.ledger.size()) == (before, size)
    house.close()


def test_a_plan_says_what_would_change_and_writes_nothing(mended: House) -> None:
    """Rule 11: per record the kind of change and the elements, per unit the new end state; superseded readings stay superseded."""
    before, size = rows(mended), mended.ledger.size()
    told = read(mended)
    assert (told["same"], told["accepted"]) == (False, False)
    assert told["states"] == {"quarantined to mapped": 1}
    assert (told["changed"], told["new"], told["gone"], told["overtaken"], told["worse"]) == (2, 2, 1, 1, 0)
    assert {change["elements"] for change in told["changes"] if change["kind"] == "changed"} == {("valueString",)}
    assert (rows(mended), mended.ledger.size()) == (before, size)
    assert read(mended, Chosen(source="ward"))["changed"] == 1
    assert read(mended, Chosen(state="quarantined"))["new"] == 2
    assert read(mended, Chosen(read_by="next"))["units"] == 0
    assert read(mended, Chosen(read_by="test"))["units"] == 7
    assert read(mended, Chosen(since="2026-03-02"))["units"] == 0


def test_what_is_accepted_is_known_from_then_on(mended: House) -> None:
    """New versions with their own lineage; what was known before reads as before; the sums hold; once more is no change."""
    horizon = mended.landing.horizon()
    old = mended.store.read("select key, version, body from record_version order by key, version")
    spans = {(key, version): mended.shelf.lineage(key, version) for key, version, _ in old}
    told = read(mended, accept=True)
    [run] = told["runs"]
    assert mended.ledger.entry(run)["kind"] == "norm.rerun"
    fresh = mended.store.read("select key, version, known_seq, deleted, body from record_version where known_seq > ?", (horizon,))
    assert {row[2] for row in fresh} == {run}
    assert sum(row[3] for row in fresh) == 1
    assert sorted(row[4].count("bpm") for row in fresh) == [0, 0, 0, 1, 1]
    assert [row for row in mended.store.read("select key, version, body from record_version order by key, version") if row in old] == old
    assert {name: mended.shelf.lineage(*name) for name in spans} == spans
    for key, version, _, deleted, _ in fresh:
        assert deleted or key.startswith("Patient") or mended.shelf.lineage(key, version)
    assert fsck(mended)["sound"], fsck(mended)
    assert reconcile(mended)["balanced"]
    assert mended.store.read("select state, count(*) from receipt group by state") == [("ignored", 1), ("mapped", 6)]
    assert read(mended)["same"]
    assert read(mended, accept=True)["runs"] == []


def test_later_links_do_not_reach_back(mended: House) -> None:
    """A patient who is only known since the second reading is linked since then, not since the unit came in."""
    [run] = read(mended, Chosen(state="quarantined"), accept=True)["runs"]
    assert mended.store.read("select count(*) from link where known_seq = ?", (run,)) == [(1,)]
    assert mended.store.read("select state, run from receipt where run = ?", (run,)) == [("mapped", run)]
    assert mended.store.read("select count(*) from reject where code = 'E299'") == [(0,)]


def test_maps_that_read_less_take_nothing_away(home: Path) -> None:
    """Units that could be read and cannot any more are counted and left as they are."""
    house = opened(home, Blind(), "broken", links=True)
    before = rows(house)
    told = read(house, accept=True)
    assert (told["worse"], told["same"], told["gone"]) == (6, True, 0)
    assert rows(house) == before
    house.close()


def test_erased_units_are_counted_and_nothing_else(mended: House) -> None:
    """What was erased cannot be read again; the rest can."""
    [(person,)] = mended.store.read(
        "select distinct person from link where subject in (select subject from record_version where source = 'ward')"
    )
    assert mended.store.write(lambda tx: mended.vault.destroy(tx, f"person:{person}")) > 0
    told = read(mended, accept=True)
    assert (told["erased"], told["changed"]) == (1, 1)


def test_a_rebuild_does_it_again(mended: House) -> None:
    """A rebuild goes through the second reading at its place, and what comes of it fits together."""
    read(mended, accept=True)
    answer = rebuild_home(mended, repair=True, accept=True, report=lambda _: None)
    assert answer["planned"]
    assert fsck(mended)["sound"], fsck(mended)
    assert reconcile(mended)["balanced"]
    assert read(mended)["same"]
