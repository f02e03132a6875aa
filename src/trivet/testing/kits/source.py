"""What every `Source` must keep, whoever wrote it. A third party runs this over its own source and a peer it controls:

    kit = SourceKit(open_it, expected)       # open_it() makes the source anew, as after a crash
    kit.check()

`expected` are the units that the peer has (of files: their bytes). `acknowledged()` gives what the peer was told so far, where it is told
anything. Each `check_*` raises AssertionError that says what is broken; none of them needs a test framework. The kit plays the house: it
dies between any two hauls, before and after a haul is durable, and looks whether anything is lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trivet.contracts.source import Haul, Source

__all__ = ["KitMemory", "SourceKit"]

KINDS = ("text", "flag", "whole", "span", "names", "table")
MOST = 64 << 20  # bytes of one haul
LONGEST = 100_000  # hauls of one pull


def must(holds: object, what: str) -> None:
    """AssertionError with its reason, also where Python runs without assertions."""
    if not holds:
        raise AssertionError(what)


@dataclass
class KitMemory:
    """`contracts.source.Memory`, and what is durable: units in order, names, the bookmark."""

    units: list[bytes] = field(default_factory=list)
    held: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    place: str = "{}"

    def bookmark(self) -> dict[str, Any]:
        """Where to go on from."""
        found: dict[str, Any] = json.loads(self.place)
        return found

    def name(self, text: str) -> str:
        """A digest of a text."""
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def known(self, names: Sequence[str]) -> dict[str, tuple[str, int, int]]:
        """What is known of names."""
        return {name: self.held[name] for name in names if name in self.held}

    def names(self) -> Iterator[tuple[str, int]]:
        """Names that are there."""
        yield from [(name, receipt) for name, (mark, receipt, _) in sorted(self.held.items()) if mark]

    def raw(self, receipt: int) -> bytes | None:
        """The bytes of a receipt."""
        return self.units[receipt] if receipt >= 0 else None

    def keep(self, haul: Haul) -> None:
        """Make a haul durable, all of it or, when it cannot be, nothing."""
        place = self.place if haul.bookmark is None else json.dumps(haul.bookmark)
        named = [(file.known, file.mark, -1) for file in haul.files if file.known] + [(name, mark, -1) for name, mark in haul.names]
        self.units += [file.raw for file in haul.files]
        for message in haul.messages:
            self.units.append(message.raw)
            if message.name:
                named.append((message.name, message.mark, len(self.units) - 1))
        for name, mark, receipt in named:
            before = self.held.get(name, ("", 0, 0))
            self.held[name] = (mark, receipt, before[2] + (mark != before[0]))
        for name in haul.gone:
            before = self.held.get(name, ("", 0, 0))
            self.held[name] = ("", before[1], before[2] + 1)
        self.place = place


@dataclass(frozen=True, slots=True)
class SourceKit:
    """`open_it` makes the source anew; `expected` are the units the peer has; `deaths` how many places of death are tried."""

    open_it: Callable[[], Source]
    expected: Collection[bytes]
    acknowledged: Callable[[], int] | None = None
    deaths: int = 12

    def check(self) -> None:
        """Everything."""
        self.check_settings()
        self.check_dies_anywhere()
        self.check_lands_everything()

    def check_settings(self) -> None:
        """Settings are of known kinds and say what they mean; the peer can be tried."""
        source = self.open_it()
        for name, setting in source.settings.items():
            must(setting.kind in KINDS, f"{name}: {setting.kind} is no kind of setting")
            must(setting.meaning, f"{name} does not say what it means")
        must(isinstance(source.probe(), str), "probe says nothing")

    def check_lands_everything(self) -> None:
        """A whole pull brings all there is; nothing is acknowledged before it is durable; the next pull brings nothing new."""
        memory = KitMemory()
        hauls, number = self.open_it().pull(memory), 0
        before = self.acknowledged() if self.acknowledged else 0
        for number, haul in enumerate(hauls):
            self.check_haul(haul)
            after = self.acknowledged() if self.acknowledged else 0
            durable = len(memory.units)
            must(after - before <= durable, f"haul {number} was acknowledged before it was durable")
            memory.keep(haul)
            must(number < LONGEST, "a pull without an end")
        must(set(self.expected) <= set(memory.units), f"{len(set(self.expected) - set(memory.units))} units are lost")
        known = set(memory.units)
        for haul in self.open_it().pull(memory):
            fresh = {message.raw for message in haul.messages} | {file.raw for file in haul.files}
            must(fresh <= known, "a second pull brings as new what was there")
            memory.keep(haul)

    def check_dies_anywhere(self) -> None:
        """Killed between any two hauls, before and after the last one is durable, and made anew: nothing is lost. The peer is only asked
        for what a first pull left, so run this against a peer that keeps what it is not told to forget."""
        for death in range(self.deaths):
            for durable in (False, True):
                memory = KitMemory()
                ended = self._until(memory, death, durable)
                for haul in self.open_it().pull(memory):
                    memory.keep(haul)
                lost = set(self.expected) - set(memory.units)
                must(not lost, f"{len(lost)} units are lost when it dies {'after' if durable else 'before'} haul {death} is durable")
            if ended:
                return

    def _until(self, memory: KitMemory, death: int, durable: bool) -> bool:
        """Pull up to a death. True when the pull had ended before."""
        hauls = self.open_it().pull(memory)
        for number, haul in enumerate(hauls):
            if number == death:
                if durable:
                    memory.keep(haul)
                getattr(hauls, "close", lambda: None)()
                return False
            memory.keep(haul)
        return True

    def check_haul(self, haul: Haul) -> None:
        """A haul is bounded, its bookmark is JSON, its events and origins are short words."""
        size = sum(len(message.raw) for message in haul.messages)
        must(size <= MOST, f"a haul of {size} bytes")
        if haul.bookmark is not None:
            must(json.loads(json.dumps(haul.bookmark)) == haul.bookmark, "a bookmark that JSON changes")
        for message in haul.messages:
            must(message.raw and message.format and message.origin, "a message without bytes, format or origin")
            must(0 <= message.context <= len(message.raw), "a context that is longer than the message")
        for event in haul.events:
            must(
                event.kind and all(isinstance(word, str) and len(word) <= 2000 for word in event.words.values()),
                f"event {event.kind}: words are short texts",
            )
