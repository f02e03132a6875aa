"""C-CDA as a `Format`: one document is one unit."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from trivet.contracts.envelope import Piece, Unit
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Translation
from trivet.integration.formats.ccda.document import document
from trivet.integration.formats.ccda.places import BadXml
from trivet.integration.formats.ccda.reader import parse
from trivet.integration.formats.ccda.work import Work
from trivet.kernel.errors import Rejected

__all__ = ["CcdaFormat"]


@contextmanager
def uncollected() -> Iterator[None]:
    """No cyclic garbage collection inside: a tree is made at once and of bounded size, and walking it again and again would take half
    of the time and free nothing. The tree is taken apart at the end (`Tree.release`), so it leaves nothing to collect."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class CcdaFormat:
    """HL7 CDA R2 documents under C-CDA R1.1, R2.1 or CCD templates (HL7 C-CDA on FHIR guide, FHIR R4)."""

    name = "ccda"

    def sniff(self, head: bytes, filename: str) -> bool:
        """XML whose root is a ClinicalDocument, in an encoding of one or two bytes."""
        plain = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").lstrip()
        return plain.startswith(b"<") and b"ClinicalDocument" in plain

    def split(self, raw: bytes) -> Iterator[Unit]:
        """The document, whole."""
        if raw:
            yield Unit(bytes(raw), (Piece(0, len(raw)),))

    def translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        """Records of a document; one that cannot be read is one reject with its place."""
        with uncollected():
            return self._translate(raw, profile)

    def _translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        try:
            tree = parse(raw)
            if tree.root.tag != "ClinicalDocument":
                raise BadXml("E249", "the root is no ClinicalDocument", min(tree.places.of(tree.root.offset), max(0, len(raw) - 1)))
        except BadXml as error:
            if not raw.strip():
                return Translation((), (), (), ignored="ccda/empty")
            whole = Element("/", 0, len(raw), "rejected", error.code)
            place = min(error.offset, len(raw))
            return Translation((), (whole,), (Rejected(error.code, error.why, f"byte {place}", place, min(1, len(raw) - place)),))
        work = Work(tree, profile)
        document(work, raw)
        told = work.translation()
        tree.release()
        return told

    def write(self, raw: bytes) -> bytes:
        """The same bytes: documents are kept, never written again."""
        return bytes(raw)
