"""Batches: whether what was read is what the envelopes of HL7 v2 (chapter 2.10.3) say: BTS-1 messages, FTS-1 batches, no trailer missing.

A trailer's unit begins with the names of everything that it closes (`BHSMSHMSHBTS|2`), a header's ends with its trailer's name: so a
unit can be judged by itself, wherever it is translated again. Messages are units of their own and go on, whatever their batch says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from trivet.contracts.record import Element, Translation
from trivet.integration.formats.hl7v2.reader import Message, NotHl7v2
from trivet.kernel.errors import Rejected

__all__ = ["Envelope", "closed", "judged", "parts"]

TRAILER = {b"BHS": b"BTS", b"FHS": b"FTS"}
HEADER = {trailer: header for header, trailer in TRAILER.items()}
CLOSING = re.compile(rb"((?:MSH|BHS|BTS|FHS)*)(BTS|FTS)(?=[^A-Za-z0-9]|\Z)")
ENVELOPE = re.compile(rb"[\s\x0b]*(?:\xef\xbb\xbf)?(?:FHS|BHS|BTS|FTS)(?:[^A-Za-z0-9]|\Z)")
OPENING = re.compile(rb"\s*(BHS|FHS)[^A-Za-z0-9]")


@dataclass(slots=True)
class Envelope:
    """A header or trailer of a delivery: the names that its unit needs beside its own bytes, as places of three bytes."""

    before: list[int] = field(default_factory=list)
    after: int = -1


def closed(names: Iterable[tuple[bytes, int]]) -> dict[int, Envelope]:
    """Envelopes by place, from the names of the units of a delivery in order and their places."""
    found: dict[int, Envelope] = {}
    opened: list[tuple[bytes, int, list[int]]] = []
    loose: list[int] = []  # messages outside of every batch
    for name, at in names:
        if name in TRAILER:
            found[at] = Envelope()
            opened.append((name, at, [at]))
        elif name in HEADER:
            wanted = HEADER[name]
            depth = next((place for place in range(len(opened) - 1, -1, -1) if opened[place][0] == wanted), -1)
            if name == b"BTS" and any(kind == b"FHS" for kind, _, _ in opened[depth + 1 :]):
                depth = -1  # a batch does not reach over the beginning of a file
            if depth < 0:
                found[at] = Envelope(loose if name == b"BTS" else [])
                loose = []
                continue
            inside = [place for _, _, places in opened[depth:] for place in places]
            found[opened[depth][1]].after = at
            found[at] = Envelope(inside)
            del opened[depth:]
            if opened and opened[-1][0] == b"FHS":
                opened[-1][2].extend(place for place in (inside[0], at))
            elif opened:
                opened[-1][2].extend([*inside, at])
        elif opened and opened[-1][0] == b"BHS":
            opened[-1][2].append(at)
        elif name == b"MSH":
            loose.append(at)
    return found


def parts(raw: bytes) -> tuple[bytes, int, int]:
    """The names before a trailer or the one behind a header, and where the envelope itself begins and ends."""
    found = CLOSING.match(raw)
    if found is not None and found[1]:
        return found[1], len(found[1]), len(raw)
    opening = OPENING.match(raw)
    if opening is not None and raw.endswith(TRAILER[opening[1]]) and raw[-4:-3] in (b"\r", b"\n"):
        return raw[-3:], 0, len(raw) - 3
    return b"", 0, len(raw)


def judged(raw: bytes, told: Callable[[bytes], Translation]) -> Translation | None:
    """What an envelope's unit says, with what it gets wrong; None when these bytes are no envelope. `told` translates its own bytes."""
    names, begin, end = parts(raw)
    if not names and not ENVELOPE.match(raw):
        return None
    own = raw[begin:end]
    try:
        segments = Message(own).segments
    except NotHl7v2:
        return None
    segment = segments[0]
    kind = segment.name.encode()
    if any(one.name == "MSH" for one in segments):
        code, why = "hl7v2-two-messages", "a batch that was not cut into its messages"
        whole = Element(f"{segment.name}[1]", 0, len(raw), "rejected", code)
        return Translation((), (whole,), (Rejected(code, why, f"{segment.name}[1]", 0, len(raw)),))
    done = told(own)
    moved = tuple(element._replace(offset=element.offset + begin) for element in done.elements)
    at = begin + segment.start
    if kind in TRAILER:
        rejects = [] if names else [_missing(TRAILER[kind], at, "the file may be cut off", segment.name)]
    else:
        listed = [names[place : place + 3] for place in range(0, len(names), 3)]
        rejects = [] if listed[:1] == [HEADER[kind]] else [_missing(HEADER[kind], at, "nothing opens what ends here", segment.name)]
        stated = segment.value(1)
        if stated.strip() and stated.strip() not in {str(number) for number in _counts(kind, listed)}:
            what = "messages of the batch" if kind == b"BTS" else "batches of the file"
            why = f"{segment.name}-1 is not the number of {what} that were read"
            rejects.append(Rejected(f"hl7v2-{segment.name.lower()}-count", why, f"{segment.name}[1]-1", at + 4, len(stated)))
    return Translation(done.records, moved, (*done.rejects, *rejects), done.notices, "" if rejects else done.ignored)


def _missing(name: bytes, at: int, more: str, where: str) -> Rejected:
    word = name.decode()
    return Rejected(f"hl7v2-{word.lower()}-missing", f"{word} is missing: {more}", f"{where}[1]", at, len(where))


def _counts(kind: bytes, listed: list[bytes]) -> set[int]:
    """The numbers that are right. A batch in a batch may count the inner one's messages; a file without batches has none or one."""
    if kind == b"FTS":
        return {listed.count(b"BHS")} if b"BHS" in listed else {0, 1}
    depth, own = 0, 0
    for name in listed[1:] if listed[:1] == [b"BHS"] else listed:
        depth += (name == b"BHS") - (name == b"BTS")
        own += name == b"MSH" and depth == 0
    return {own, listed.count(b"MSH")}
