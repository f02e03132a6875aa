"""The register adds up: the parts of a feed, however it is split and in whatever order, give the register of the whole."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from feed import message
from trivet.contracts.profile import SourceProfile
from trivet.contracts.traffic import Repeat, Seen, Traffic
from trivet.data.interfaces.observe import observe
from trivet.data.interfaces.store import gathered
from trivet.data.interfaces.sums import Sums
from trivet.wiring.formats import load


@cache
def feed() -> tuple[Traffic, ...]:
    """Sixty messages of one feed, with more units of measure than are kept."""
    form = load()["hl7v2"]
    made = []
    for number in range(60):
        raw = message(number, unit=f"u{number % 7}", results=1 + number % 4, extra="NTE|2||more" if number % 5 == 0 else "")
        made.append(observe(raw, form.translate(raw, SourceProfile("lab", format="hl7v2")), "hl7v2"))
    return tuple(made)


@given(st.lists(st.integers(0, 3), min_size=60, max_size=60), st.permutations(range(4)))
def test_a_split_feed_merged_is_the_whole(places: list[int], order: list[int]) -> None:
    """Sums of any four portions, added in any order, are those of the feed."""
    whole = Sums().take(feed())
    portions = [Sums().take([unit for unit, place in zip(feed(), places, strict=True) if place == number]) for number in range(4)]
    merged = Sums()
    for number in order:
        merged.add(portions[number])
    assert (merged.parts, merged.fields, merged.values) == (whole.parts, whole.fields, whole.values)


@given(st.lists(st.integers(0, 3), min_size=60, max_size=60), st.permutations(range(4)))
def test_sums_gathered_by_feed_and_day_are_those_of_the_units(days: list[int], order: list[int]) -> None:
    """What a portion's workers add up and pack has the bytes of the same units' sums, each unit once, in whatever order days are merged."""
    units = [(("lab", "hl7v2", f"2026-03-0{day + 1}"), unit) for day, unit in zip(days, feed(), strict=True)]
    packed = [one.sums for one in gathered(units) if one.sums]
    first = list(dict.fromkeys(days))
    assert packed == [Sums().take(unit for known, unit in zip(days, feed(), strict=True) if known == day).packed() for day in first]
    merged = Sums()
    for number in order:
        for one in packed[number : number + 1]:
            merged.add_packed(one)
    assert merged.trim().packed() == Sums().take(feed()).packed()
    assert Sums().add_packed(packed[0]).trim().packed() == packed[0]


codes = st.lists(st.integers(0, 600).map(str), min_size=1, max_size=900)


@given(codes, st.integers(0, 900))
def test_more_values_than_are_kept(values: list[str], cut: int) -> None:
    """Which values are kept, and their counts, do not depend on where the feed is cut."""

    def unit(value: str) -> Traffic:
        return Traffic("T", (("A", 1),), (Repeat("A", "A-1", 1),), (Seen("A-1", "mapped", "code", len(value), value),))

    whole = Sums().take([unit(value) for value in values])
    one, other = (Sums().take([unit(value) for value in part]) for part in (values[:cut], values[cut:]))
    assert one.add(other).values == whole.values
