"""Which bytes are covered: against a plain set of positions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trivet.kernel.cover import Cover

PIECES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=30)


@given(PIECES)
def test_cover_agrees_with_a_set_of_positions(pieces: list[tuple[int, int]]) -> None:
    """However stretches overlap and in whatever order, covered bytes and gaps are those of the set."""
    cover = Cover()
    cover.add(pieces)
    positions = {at for offset, length in pieces for at in range(offset, offset + length)}
    assert cover.covered() == len(positions)
    gaps = {at for offset, length in cover.gaps(100) for at in range(offset, offset + length)}
    assert gaps == set(range(100)) - positions
