"""Shadow work: never in the way, never lost silently, never able to hurt."""

from __future__ import annotations

import threading

from trivet.models.shadow import ShadowDesk


def test_work_is_done_and_counted() -> None:
    """What is taken is done, in order."""
    desk, seen = ShadowDesk(), list[int]()
    for number in range(20):
        assert desk(lambda number=number: seen.append(number))
    desk.drain()
    assert seen == list(range(20))
    assert (desk.done, desk.dropped, desk.failed) == (20, 0, 0)
    desk.close()


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    """A slow challenger fills the queue; the caller is told at once and never waits."""
    desk, gate = ShadowDesk(room=2), threading.Event()
    assert desk(lambda: gate.wait(10) and None)
    taken = [desk(lambda: None) for _ in range(10)]
    assert taken.count(False) == desk.dropped >= 7
    gate.set()
    desk.drain()
    assert desk.done == 11 - desk.dropped
    desk.close()


def test_a_crash_is_counted_and_the_next_runs() -> None:
    """A challenger that raises ends neither the thread nor the count."""
    desk, seen = ShadowDesk(), list[str]()

    def crash() -> None:
        raise ZeroDivisionError

    desk(crash)
    desk(lambda: seen.append("after"))
    desk.drain()
    assert (seen, desk.failed, desk.done) == (["after"], 1, 1)
    desk.close()
    desk.close()
