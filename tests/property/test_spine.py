"""Random histories of deliveries: nothing is lost, a replay changes nothing, and what was known then is what was known then."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lines import opened
from trivet.contracts.house import House
from trivet.data import segments
from trivet.flows.fsck import fsck
from trivet.flows.receive import Delivery, land_file, process_pending, receive
from trivet.flows.reconcile import reconcile
from trivet.kernel.clock import FrozenClock
from trivet.wiring.build import init_home
from trivet.wiring.shadow import rebuild_home

NOW = "2026-03-01T00:00:00.000000Z"
MRN = st.sampled_from(["1", "2", "3"])
LINE = st.one_of(
    st.builds(lambda mrn, code, value: f"{mrn},{code},{value}".encode(), MRN, st.sampled_from(["hr", "k"]), st.integers(0, 9)),
    st.sampled_from([b"# remark", b"?unreadable", b"!broken", b"", b"\xff\x00,a,b", b"9,9"]),
)
FILE = st.lists(LINE, max_size=8).map(b"\n".join)
HISTORY = st.lists(st.tuples(st.sampled_from(["lab", "ward"]), FILE, st.booleans()), min_size=1, max_size=6)
SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def fresh() -> Iterator[House]:
    """A home of its own, in memory where that is possible: power cuts are tested elsewhere."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        home = Path(folder) / "home"
        init_home(home, clock=FrozenClock(NOW)).close()
        house = opened(home, links=True)
        try:
            yield house
        finally:
            house.close()


def play(house: House, history: list[tuple[str, bytes, bool]]) -> None:
    """Take the files in; some are only landed at first, as if the process had died before settling."""
    for number, (source, raw, settle) in enumerate(history):
        delivery = Delivery(raw, source, "lines", f"{number}.lines")
        if settle:
            receive(house, [delivery])
        else:
            land_file(house, delivery)
    process_pending(house)


def everything(house: House) -> list[tuple[Any, ...]]:
    """All record versions and receipts."""
    versions = house.store.read("select * from record_version order by ordinal")
    return versions + house.store.read("select * from receipt order by seq") + house.store.read("select * from link order by id")


@SOME
@given(HISTORY)
def test_nothing_is_lost(history: list[tuple[str, bytes, bool]]) -> None:
    """Whatever comes in, the sums balance, every file can be put together again, fsck finds nothing, and a rebuild is the same."""
    with fresh() as house:
        play(house, history)
        assert reconcile(house)["balanced"]
        assert fsck(house)["sound"]
        for number, (_, raw, _) in enumerate(history):
            whole = bytearray(len(raw))
            rows = "select receipt.blob, delivery.pieces from delivery join receipt on receipt.seq = delivery.receipt where origin = ?"
            for blob, pieces in house.store.read(rows, (f"{number}.lines",)):
                unit = house.vault.get(blob)
                for offset, length in json.loads(pieces):
                    whole[offset : offset + length], unit = unit[:length], unit[length:]
            assert bytes(whole) == raw
        assert rebuild_home(house, repair=False, report=lambda _: None)["same"]


@SOME
@given(HISTORY)
def test_a_replay_changes_nothing(history: list[tuple[str, bytes, bool]]) -> None:
    """The whole history a second time adds no receipt, no version and no link."""
    with fresh() as house:
        play(house, history)
        before = everything(house)
        play(house, history)
        assert everything(house) == before


@SOME
@given(HISTORY, st.booleans())
def test_what_was_known_then_is_known_for_ever(history: list[tuple[str, bytes, bool]], filed: bool) -> None:
    """A slice taken at a position is the same later, whatever came since, and the shelves give the same as the store."""
    was, segments.WORTH_A_FILE = segments.WORTH_A_FILE, 1 if filed else 10**9
    try:
        with fresh() as house:
            taken: dict[tuple[str, int], list[dict[str, Any]]] = {}
            for number in range(len(history)):
                play(house, history[number : number + 1])
                as_of = house.landing.horizon()
                for (person,) in house.store.read("select distinct person from link"):
                    taken[person, as_of] = house.shelf.slice(person, as_of)
            for (person, as_of), known in taken.items():
                assert house.shelf.slice(person, as_of) == known
                whole = house.shelf.versions(None, as_of).to_pylist()
                keys = {row["key"] for row in whole if row["person"] == person}
                bulk = sorted((row for row in whole if row["key"] in keys), key=lambda row: (row["known_seq"], row["key"], row["version"]))
                assert house.shelf.versions(person, as_of).to_pylist() == bulk
                newest = {row["key"]: row for row in bulk}
                mine = [row for row in newest.values() if row["person"] == person and not row["deleted"]]
                assert sorted((row["key"], row["version"]) for row in mine) == [(row["key"], row["version"]) for row in known]
    finally:
        segments.WORTH_A_FILE = was
