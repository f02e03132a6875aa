"""Shadow work: models that run beside the live one and whose answers never leave. In, a piece of work; out, nothing anybody waits for.

A bounded queue and one thread: the live answer is never held up, and what does not fit is dropped and counted, not piled up.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

__all__ = ["ShadowDesk"]


class ShadowDesk:
    """Callable that takes work for later. `dropped`, `done` and `failed` count; `drain` waits until the queue is empty."""

    def __init__(self, room: int = 256) -> None:
        self.dropped, self.done, self.failed = 0, 0, 0
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(room)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def __call__(self, work: Callable[[], None]) -> bool:
        """Take one piece of work; False when there was no room for it."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def drain(self) -> None:
        """Wait until everything taken so far is done."""
        self._queue.join()

    def close(self) -> None:
        """Finish what was taken, and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
                self.done += 1
            except Exception:  # a challenger's crash is counted; it must neither end this thread nor reach the live answer
                self.failed += 1
            finally:
                self._queue.task_done()
        self._queue.task_done()
