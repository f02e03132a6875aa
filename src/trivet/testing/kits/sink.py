"""What every `Sink` must keep, whoever wrote it. A third party runs this over its own sink and a peer that it can tell how to behave:

    kit = SinkKit(open_it, occasion, good, refusing, silent)
    kit.check()

`open_it(url)` makes the sink for an address. `good`, `refusing` and `silent` are addresses of peers: one that takes everything, one
that refuses for the content, one that accepts the connection and never answers. Each `check_*` raises AssertionError that says what
is broken; none of them needs a test framework.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from trivet.contracts.outgoing import Letter, Occasion, Sink
from trivet.kernel.errors import Rejected

__all__ = ["SinkKit"]


def must(holds: object, what: str) -> None:
    """AssertionError with its reason, also where Python runs without assertions."""
    if not holds:
        raise AssertionError(what)


@dataclass(frozen=True, slots=True)
class SinkKit:
    """`occasion` can be said; `nowhere` is an address at which nobody listens; `seconds` is what the sink was told an attempt may take."""

    open_it: Callable[[str], Sink]
    occasion: Occasion
    good: str
    refusing: str
    silent: str
    nowhere: str
    seconds: float

    def check(self) -> None:
        """Everything."""
        self.check_pure()
        self.check_key()
        self.check_unnamed()
        self.check_delivered()
        self.check_refused()
        self.check_failures_are_kept()

    def _letter(self, sink: Sink, attempt: int = 1) -> Letter:
        body = sink.render(self.occasion)
        must(isinstance(body, bytes), "an occasion that can be said gave no bytes")
        assert isinstance(body, bytes)
        return Letter(self.occasion.destination, self.occasion.number, self.occasion.key, attempt, body)

    def check_pure(self) -> None:
        """The same occasion gives the same bytes: again, and in a sink made anew."""
        one, other = self.open_it(self.good), self.open_it(self.good)
        must(one.render(self.occasion) == one.render(self.occasion) == other.render(self.occasion), "the same occasion gives other bytes")
        one.close()
        other.close()

    def check_key(self) -> None:
        """The message names the decision, so that it can be traced from the other side."""
        sink = self.open_it(self.good)
        must(self.occasion.decision.decision_id.encode() in self._letter(sink).body, "the message does not name its decision")
        sink.close()

    def check_unnamed(self) -> None:
        """About somebody whom the destination cannot know the message is rejected, or says nothing about the person at all."""
        sink = self.open_it(self.good)
        nobody = replace(self.occasion, patients=())
        said = sink.render(nobody)
        must(isinstance(said, Rejected) or said == sink.render(self.occasion), "a message names a person whom the records do not")
        sink.close()

    def check_delivered(self) -> None:
        """A peer that takes everything: delivered, twice under one key too, with a reason of ours."""
        sink = self.open_it(self.good)
        for attempt in (1, 2):
            came = sink.send(self._letter(sink, attempt))
            must(came.result == "delivered", f"a good peer, attempt {attempt}: {came.result} {came.reason}")
            must(0 < len(came.reason) <= 40, "no short reason")
        sink.close()

    def check_refused(self) -> None:
        """A refusal for the content is `never`, and what they said is kept."""
        sink = self.open_it(self.refusing)
        came = sink.send(self._letter(sink))
        must(came.result == "never", f"a refusal is {came.result}: it would be sent for ever")
        must(came.reply, "what they said is not kept")
        sink.close()

    def check_failures_are_kept(self) -> None:
        """Nobody there, and no answer: `later`, without an exception, in about the time it was given."""
        for name, url in (("nobody there", self.nowhere), ("no answer", self.silent)):
            sink = self.open_it(url)
            began = time.monotonic()
            came = sink.send(self._letter(sink))
            must(came.result == "later" and not came.tries, f"{name}: {came.result}, {came.tries} tries: a message would be lost")
            must(time.monotonic() - began < self.seconds + 10, f"{name}: it takes far longer than it may")
            sink.close()
