"""Rule 9: raw bytes go when their time is over and nobody needs them; what is quarantined, partial, held or under a decision stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from case import Case
from lines import opened
from trivet.contracts.envelope import Envelope
from trivet.contracts.house import House
from trivet.flows.fsck import fsck
from trivet.flows.receive import Delivery, accept, receive
from trivet.flows.reconcile import reconcile
from trivet.flows.retain import retain
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import NotFound, Usage
from trivet.wiring.build import init_home
from trivet.wiring.shadow import rebuild_home

LONG_AGO, NOW = "2024-01-01T00:00:00.000000Z", "2026-03-01T00:00:00.000000Z"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one year of patience, one source under a hold."""
    made = tmp_path / "home"
    init_home(made, clock=FrozenClock(LONG_AGO)).close()
    toml = made / "trivet.toml"
    toml.write_text(toml.read_text() + '\n[retention]\nraw_days = 365\nhold = ["court"]\n')
    return made


def at(home: Path, moment: str) -> House:
    """The home at a moment."""
    house = opened(home)
    house.clock.at = moment  # type: ignore[attr-defined]
    return house


def readable(house: House) -> dict[tuple[str, bytes], str]:
    """Which units still have their bytes: (source, bytes) -> state."""
    found = {}
    for source, blob, state in house.store.read("select source, blob, state from receipt"):
        try:
            found[source, house.vault.get(blob)] = state
        except NotFound:
            continue
    return found


def test_only_what_nobody_needs_is_removed(home: Path) -> None:
    """A plan writes nothing. Accepted, old mapped and ignored units lose their bytes; quarantined, in flight, held and young ones never."""
    house = at(home, LONG_AGO)
    receive(house, [Delivery(b"1,hr,80\n2,hr,90\n# x\n?what\n!boom\n", "lab", "lines", "f.lines")])
    receive(house, [Delivery(b"1,hr,80\n3,hr,70\n", "court", "lines", "c.lines")])
    accept(house, Envelope(b"4,hr,60\n", "lab", "lines", LONG_AGO)).result()
    house.clock.at = NOW  # type: ignore[attr-defined]
    receive(house, [Delivery(b"5,hr,50\n", "lab", "lines", "new.lines")])
    accept(house, Envelope(b"6,hr,40\n", "lab", "lines", LONG_AGO)).result()
    before, size = readable(house), house.ledger.size()
    records = house.store.read("select key, version, body from record_version order by ordinal")
    plan = retain(house, accept=False, report=lambda _: None)
    assert (plan["units"], plan["entries"]) == (3, [])
    assert plan["kept"] == {
        "under a hold": 2,
        "under a decision": 0,
        "of another feed too": 1,
        "in flight": 1,
        "quarantined": 2,
        "partial": 0,
    }
    assert (readable(house), house.ledger.size()) == (before, size)
    done = retain(house, accept=True, report=lambda _: None)
    assert done["units"] == 3
    after = readable(house)
    assert {raw for _, raw in before.keys() - after.keys()} == {b"2,hr,90\n", b"# x\n", b"4,hr,60\n"}
    assert ("lab", b"1,hr,80\n") in after  # the same bytes came from the source under a hold
    assert after["lab", b"?what\n"] == after["lab", b"!boom\n"] == "quarantined"
    assert after["lab", b"6,hr,40\n"] == "landed"
    assert house.store.read("select key, version, body from record_version order by ordinal") == records
    assert house.ledger.entry(done["entries"][0])["kind"] == "retention"
    assert fsck(house)["sound"], fsck(house)
    assert reconcile(house)["balanced"]
    assert retain(house, accept=True, report=lambda _: None)["units"] == 0
    house.close()


def test_a_rebuild_takes_no_record_away_for_which_the_bytes_are_gone(home: Path) -> None:
    """Records whose bytes were removed cannot be made again: a rebuild says so and leaves their tables alone, accepted or not."""
    house = at(home, LONG_AGO)
    receive(house, [Delivery(b"1,hr,80\n2,hr,90\n", "lab", "lines", "f.lines")])
    house.clock.at = NOW  # type: ignore[attr-defined]
    records = house.store.read("select * from record_version")
    assert retain(house, accept=True, report=lambda _: None)["units"] == 2
    answer = rebuild_home(house, repair=True, accept=True, report=lambda _: None, given={"linker": house.linker})
    assert (answer["expired"], answer["repaired"]) == (2, False)
    assert house.store.read("select * from record_version") == records
    house.close()


def test_no_time_no_removal(tmp_path: Path) -> None:
    """Without the setting nothing is ever removed."""
    init_home(tmp_path / "home", clock=FrozenClock(NOW)).close()
    house = opened(tmp_path / "home")
    with pytest.raises(Usage):
        retain(house, accept=True, report=lambda _: None)
    house.close()


def test_what_a_decision_rests_on_stays(tmp_path: Path) -> None:
    """The units behind a decision keep their bytes, however old: it must be explained to the byte."""
    case = Case(tmp_path).open()
    case.ask()
    case.house.settings["retention"].update(raw_days=1)
    case.clock.at = "2030-01-01T00:00:00.000000Z"
    done = retain(case.house, accept=True, report=lambda _: None)
    assert done["kept"]["under a decision"] == 2
    assert done["units"] == 2
    assert {raw for _, raw in readable(case.house)} == {b"4711,hr,92\n", b"4711,bp,118\n"}
    case.close()
