"""Writes HL7 v2: back, byte for byte, what was read; and new messages from plain values, with escaping done once and here."""

from __future__ import annotations

from collections.abc import Sequence

from trivet.integration.formats.hl7v2.escapes import Separators, escape
from trivet.integration.formats.hl7v2.reader import Message, Segment

__all__ = ["Field", "compose", "rewrite"]

Field = str | Sequence[str | Sequence[str]]


def rewrite(message: Message) -> bytes:
    """The message put together again from its parsed leaves. What lies between segments is copied from the original."""
    out, at, raw = [], 0, message.raw
    for segment in message.segments:
        out.append(raw[at : segment.start])
        out.append(_segment(segment))
        at = segment.start + len(segment.text)
    out.append(raw[at:])
    return b"".join(out)


def _segment(segment: Segment) -> bytes:
    separators, raw = segment.script.separators, segment.script.raw
    shifted = segment.name in ("MSH", "FHS", "BHS")
    texts: list[bytes] = [segment.name.encode("latin-1")]
    for number in range(1, len(segment.fields)):
        if shifted and number == 1:
            continue
        repetitions = []
        for repetition in segment.field(number):
            components = []
            for parts in repetition.components:
                leaves = (raw[leaf.offset : leaf.offset + leaf.length] if leaf is not None else b"" for leaf in parts or ())
                components.append(separators.subcomponent.encode("latin-1").join(leaves))
            repetitions.append(separators.component.encode("latin-1").join(components))
        texts.append(separators.repetition.encode("latin-1").join(repetitions))
    return separators.field.encode("latin-1").join(texts)


def compose(segments: Sequence[Sequence[Field]], separators: Separators = Separators(), codec: str = "utf-8") -> bytes:
    """A message from plain values: each segment a name and its fields; a field is a text, a list of components, or a list of repetitions.

    `["PID", "1", "", ["123", "", "", "MRN"]]` is one repetition of four components; `[["A", "B"], ["C"]]` are two repetitions.
    In an MSH segment give the fields from MSH-3 on. Values are escaped; segments end with CR. Raises UnicodeEncodeError.
    """
    out = []
    for name, *fields in segments:
        texts = [str(name)]
        if name in ("MSH", "FHS", "BHS"):
            texts.append("".join(separators[1:]))
        texts.extend(_field(field, separators) for field in fields)
        out.append(separators.field.join(texts))
    return ("\r".join(out) + "\r").encode(codec)


def _field(field: Field, separators: Separators) -> str:
    if isinstance(field, str):
        return escape(field, separators)
    repetitions = field if field and not isinstance(field[0], str) else (field,)
    return separators.repetition.join(separators.component.join(escape(str(part), separators) for part in one) for one in repetitions)
