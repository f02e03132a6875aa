"""HL7 v2 as a `Format`: sniff, split, translate, write."""

from __future__ import annotations

from collections.abc import Iterator

from trivet.contracts.envelope import Unit
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.hl7v2 import split as splitting
from trivet.integration.formats.hl7v2.batch import judged
from trivet.integration.formats.hl7v2.reader import Message, NotHl7v2, find_header
from trivet.integration.formats.hl7v2.site import site_overlay
from trivet.integration.formats.hl7v2.translate import translate
from trivet.integration.formats.hl7v2.writer import rewrite
from trivet.integration.overlay import under

__all__ = ["Hl7v2Format"]


class Hl7v2Format:
    """HL7 v2.1 to v2.8, pipe-and-hat encoding. Stateless."""

    name = "hl7v2"

    def __init__(self, folder: str = "") -> None:
        """`folder` holds the site's overlay of our tables; `options.maps_dir` of a feed names another one, in its stead."""
        self.folder = folder

    def sniff(self, head: bytes, filename: str) -> bool:
        """A message or batch header at the start of a line, near the beginning."""
        found = find_header(head[:65536])
        return found is not None and not head[: found.start(1)].strip(b" \t\r\n\x0b\x1c\x0c\x00\xef\xbb\xbf")

    def split(self, raw: bytes) -> Iterator[Unit]:
        """One unit per message, batch envelope or stretch of garbage; together they cover `raw`."""
        return splitting.split(raw)

    def translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        """Records with spans, and an account of every element. Never raises for bad bytes."""
        envelope = judged(raw, lambda own: translate(own, profile))
        if envelope is not None:
            return envelope
        folder = str(profile.options.get("maps_dir", "")) or self.folder
        if not folder:
            return translate(raw, profile)
        with under(site_overlay(folder)):
            return translate(raw, profile)

    def write(self, raw: bytes) -> bytes:
        """Every message of a delivery read and put together again: byte-identical. Bytes that are no message stay as they are."""
        return b"".join(_written(one) for one in splitting.own(raw))


def _written(raw: bytes) -> bytes:
    try:
        return rewrite(Message(raw))
    except NotHl7v2:
        return raw
