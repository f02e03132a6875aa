"""One side of the HL7 v2 benchmarks, run by either Python: reads messages and gives messages per second of processor time.

    python hl7v2_peer.py NAME MESSAGES.json SECONDS [once]

With `once` no message is timed twice: the first half warms up, the second half is timed.

NAME is `trivet-parse`, `trivet-translate`, `trivet-read`, `hl7`, `hl7kit` or `bridge`.
Started by `hl7v2_parse.py` and `hl7v2_translate.py`, each in a
process of its own and in turns, so that all sides see the same machine. Says `missing` when its package is not there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WANTED = (("MSH", 9, 2), ("MSH", 10, 1), ("PID", 3, 1), ("PID", 5, 1), ("PID", 5, 2), ("PID", 7, 1), ("PV1", 2, 1), ("PV1", 19, 1))


def trivet_parse() -> Callable[[bytes], object]:
    """Eight fields by our reader."""
    from trivet.integration.formats.hl7v2.reader import Message

    def read(raw: bytes) -> list[str]:
        message = Message(raw)
        first = {name: message.named(name)[0] for name in ("MSH", "PID", "PV1")}
        return [first[name].value(field, component) for name, field, component in WANTED]

    return read


def trivet_translate() -> Callable[[bytes], object]:
    """Records with lineage and coverage."""
    from trivet.contracts.profile import SourceProfile
    from trivet.integration.formats.hl7v2 import Hl7v2Format

    form, feed = Hl7v2Format(), SourceProfile("bench", zone="America/Chicago")
    return lambda raw: form.translate(raw, feed)


def trivet_read() -> Callable[[bytes], object]:
    """The same, and every span and every element of the account is made and read."""
    translate = trivet_translate()

    def read(raw: bytes) -> object:
        done: Any = translate(raw)
        return [record.spans for record in done.records], done.elements

    return read


def hl7() -> Callable[[bytes], object]:
    """Eight fields by `hl7` (BSD)."""
    import hl7 as package

    def read(raw: bytes) -> list[str]:
        message = package.parse(raw.decode())
        return [message.extract_field(name, 1, field, 1, component, 1) for name, field, component in WANTED]

    return read


def hl7kit() -> Callable[[bytes], object]:
    """Eight fields by `hl7kit` (Rust, MIT or Apache-2.0)."""
    import hl7kit as package

    paths = [f"{name}-{field}.{component}" for name, field, component in WANTED]

    def read(raw: bytes) -> list[str | None]:
        message = package.parse(raw)
        return [message.get(path) for path in paths]

    return read


def bridge() -> Callable[[bytes], object]:
    """A FHIR bundle by `hl7v2-fhir-bridge` (MIT)."""
    from v2fhir.config import load_config
    from v2fhir.convert import convert
    from v2fhir.hl7.parser import parse_bytes

    config = load_config()
    return lambda raw: convert(parse_bytes(raw), config)


SIDES = {
    "trivet-parse": trivet_parse,
    "trivet-translate": trivet_translate,
    "trivet-read": trivet_read,
    "hl7": hl7,
    "hl7kit": hl7kit,
    "bridge": bridge,
}


def main() -> None:
    """Print one JSON object."""
    name, path, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    try:
        work = SIDES[name]()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    messages = [text.encode() for text in json.loads(path.read_text())]
    sample = work(messages[0])
    once = sys.argv[4:] == ["once"]
    middle = len(messages) // 2 if once else len(messages)
    for raw in messages[:middle]:
        work(raw)
    done, began = 0, time.process_time()
    if once:
        for raw in messages[middle:]:
            work(raw)
            done += 1
    while not once and time.process_time() - began < seconds:
        for raw in messages:
            work(raw)
        done += len(messages)
    rate = done / (time.process_time() - began)
    print(json.dumps({"rate": rate, "sample": sample if isinstance(sample, list) else None}))


if __name__ == "__main__":
    main()
