"""DICOM as a `Format`: one Part 10 object is one unit; its header is read, its pixels are not."""

from __future__ import annotations

from collections.abc import Iterator

from trivet.contracts.envelope import Piece, Unit
from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Element, Translation
from trivet.kernel.errors import Rejected

__all__ = ["DicomFormat"]

MARK, DIRECTORY = b"DICM", "1.2.840.10008.1.3.10"


class DicomFormat:
    """DICOM Part 10 objects (PS3.10) of any transfer syntax, to FHIR R4 ImagingStudy. The reader is loaded with the first object."""

    name = "dicom"

    def sniff(self, head: bytes, filename: str) -> bool:
        """The mark behind the preamble."""
        return head[128:132] == MARK

    def split(self, raw: bytes) -> Iterator[Unit]:
        """The object, whole."""
        if raw:
            yield Unit(bytes(raw), (Piece(0, len(raw)),))

    def translate(self, raw: bytes, profile: SourceProfile) -> Translation:
        """Records of an object; a directory of objects is ignored by name; one that cannot be read is one reject with its place."""
        from trivet.integration.formats.dicom.header import BadDicom, read
        from trivet.integration.formats.dicom.study import Study
        from trivet.integration.valid import proven

        if not raw.strip():
            return Translation((), (), (), ignored="dicom/empty")
        try:
            header = read(raw)
        except BadDicom as error:
            whole = Element("/", 0, len(raw), "rejected", error.code)
            place = Rejected(error.code, error.why, f"byte {error.offset}", error.offset, min(1, len(raw) - error.offset))
            return Translation((), (whole,), (place,))
        if header.stored == DIRECTORY:
            return Translation((), (Element("/", 0, len(raw), "dropped", "dicom/directory"),), (), ignored="dicom/directory")
        return proven(Study(raw, header, profile).translation(), "dicom")

    def write(self, raw: bytes) -> bytes:
        """The same bytes: objects are kept, never written again."""
        return bytes(raw)
