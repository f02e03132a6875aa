"""A line format whose every byte is known, and the two small stand-ins beside the real store, vault and ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from trivet.contracts.envelope import Piece, Receipt, Unit
from trivet.contracts.house import House
from trivet.contracts.parcel import Parcel, Task
from trivet.contracts.ports import Tx
from trivet.contracts.record import Element, Notice, Record, Span, Translation
from trivet.contracts.trace import Entry
from trivet.kernel.clock import FrozenClock
from trivet.kernel.digest import record_id
from trivet.kernel.errors import Rejected
from trivet.wiring.build import make_house
from trivet.wiring.settings import read_settings
from trivet.wiring.workshop import parcel_of

__all__ = ["FILE", "Louder", "OnePersonEach", "opened"]

FILE = b"1,hr,80\n2,hr,90\n# a remark\n?what\n!boom\n1,hr,85\n"


class Lines:
    """`mrn,code,value` a line. `#...` is ignored on purpose, `?...` cannot be read, `!...` breaks the format itself, and `~...`
    has a notice that is no Unicode."""

    name = "lines"

    def sniff(self, head: bytes, filename: str) -> bool:
        return filename.endswith(".lines")

    def split(self, raw: bytes) -> Iterator[Unit]:
        at = 0
        for line in raw.splitlines(keepends=True):
            yield Unit(line, (Piece(at, len(line)),))
            at += len(line)

    def translate(self, raw: bytes, profile: Any) -> Translation:
        if raw.startswith(b"#"):
            return Translation((), (), ignored="comment")
        if raw.startswith(b"!"):
            raise ZeroDivisionError("4711")
        if raw.startswith(b"?"):
            return Translation((), (Element("LINE[1]", 0, len(raw), "rejected", ""),), (Rejected("E299", "no line"),))
        if raw.startswith(b"~"):
            made = self.translate(raw[1:], profile)
            return made.instead(made.records, (Notice("unknown-code", "urn:local", "\ud800", "LINE[1]-2", 0, 1),))
        mrn, code, value = raw.decode().strip().split(",")
        patient, key = record_id(profile.source, "Patient", mrn), record_id(profile.source, "Observation", mrn, code)
        person = {"resourceType": "Patient", "id": patient, "identifier": [{"system": "urn:x", "value": mrn}]}
        fact = {"resourceType": "Observation", "id": key, "subject": {"reference": f"Patient/{patient}"}}
        fact |= {"effectiveDateTime": "2026-03-01T08:00:00-06:00", "code": {"text": code}, "valueString": value}
        start = len(mrn) + len(code) + 2
        spans = (Span("valueString", start, len(value), "LINE[1]-3", "r"),)
        elements = tuple(Element(f"LINE[1]-{place}", 0, 1, "mapped", "r") for place in (1, 2, 3))
        notices = (Notice("unknown-code", "urn:local", code, "LINE[1]-2", len(mrn) + 1, len(code)),)
        return Translation((Record(person, ()), Record(fact, spans)), elements, notices=notices)

    def write(self, raw: bytes) -> bytes:
        return raw


class Here:
    """The workshop's work at once and in this process, without a normaliser."""

    def __init__(self, formats: dict[str, Any]) -> None:
        self.formats = formats

    def normalise(self, translation: Translation, profile: Any) -> Translation:
        return translation

    def submit(self, tasks: Sequence[Task]) -> Future[list[Parcel]]:
        done: Future[list[Parcel]] = Future()
        done.set_result([parcel_of(task, self.formats, self) for task in tasks])
        return done

    def close(self) -> None:
        pass


class OnePersonEach:
    """Every patient key is a person of its own."""

    replayed = ()

    def link(self, tx: Tx, receipt: Receipt, translation: Translation) -> list[Entry]:
        return []

    def persons(self, tx: Tx, subjects: Sequence[str]) -> dict[str, str]:
        return {subject: "p-" + subject[-8:] for subject in subjects}

    def replay(self, tx: Tx, seq: int, entry: dict[str, Any]) -> None:
        pass


class Louder(Lines):
    """The next release of the format: it reads values in capitals."""

    def translate(self, raw: bytes, profile: Any) -> Translation:
        return super().translate(raw.upper() if raw[:1].isdigit() else raw, profile)


def opened(home: Path, form: Any = None, code: str = "test", *, links: bool = False) -> House:
    """The home with the line format and the two small stand-ins; with `links` the real linker."""
    formats = {"lines": form or Lines()}
    given = {
        "formats": formats,
        "workshop": Here(formats),
        "linker": OnePersonEach(),
        "checkpoints": None,
        "release": {"code": code, "maps": "0" * 64},
    }
    if links:
        del given["linker"]
    return make_house(home, read_settings(home), FrozenClock("2026-03-01T00:00:00.000000Z"), given)
