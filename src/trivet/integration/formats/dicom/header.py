"""The header of a DICOM Part 10 object: its data elements, each with the bytes of its value.

In: the bytes of one object. Out: `Header`. Refused (`BadDicom`, with a byte): what is no Part 10 object or breaks off inside an element.
Pixels are not read: they are one stretch at the end. Values are decoded by pydicom, the places are those of the object itself.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from contextlib import nullcontext
from multiprocessing import parent_process
from typing import Any, NamedTuple

from trivet.kernel.without import without

with without("numpy", "requests") if parent_process() is not None else nullcontext():  # a process of a pool reads headers and no pixels
    import pydicom
    from pydicom.datadict import keyword_for_tag
    from pydicom.errors import BytesLengthException, InvalidDicomError

__all__ = ["ERRORS", "BadDicom", "Header", "Place", "read"]

# The library quotes values in its warnings: none of them may reach a log.
logging.getLogger("pydicom").disabled = True

# What pydicom raises for bytes that are not what they should be.
ERRORS = (
    InvalidDicomError, BytesLengthException, ValueError, TypeError, KeyError, AttributeError, NotImplementedError, OverflowError,
    LookupError, EOFError, OSError, struct.error, zlib.error, RecursionError, MemoryError, AssertionError,
)  # fmt: skip
DEFLATED = "1.2.840.10008.1.2.1.99"
LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
MAGIC = 132


class BadDicom(Exception):
    """Why an object cannot be read, and at which byte."""

    def __init__(self, code: str, why: str, offset: int) -> None:
        super().__init__(why)
        self.code, self.why, self.offset = code, why, offset


class Place(NamedTuple):
    """One data element: its tag as eight digits, its keyword ("" for a private one), its value's bytes, and whether it holds others."""

    tag: str
    keyword: str
    offset: int
    length: int
    sequence: bool
    number: int


class Header(NamedTuple):
    """Data set, places of its non-empty elements and of the file's own head, where the rest begins,
    whether it is deflated (then no place is known), and the SOP class that the file's head names."""

    data: Any
    places: tuple[Place, ...]
    meta: tuple[Place, ...]
    rest: int
    deflated: bool
    stored: str

    def value(self, keyword: str) -> Any:
        """The decoded value of an element. Raises one of `ERRORS`, or a warning's error, for bytes that are no value of its kind."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.data[keyword].value


def read(raw: bytes) -> Header:
    """The header of an object. Raises BadDicom."""
    if raw[128:MAGIC] != b"DICM":
        raise BadDicom("E253", "no DICM mark behind the preamble", min(128, len(raw)))
    file = io.BytesIO(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(file, stop_before_pixels=True, force=False)
            syntax, stored = (str(data.file_meta.get(name, "")) for name in ("TransferSyntaxUID", "MediaStorageSOPClassUID"))
        except ERRORS:
            raise BadDicom("E254", "the data elements cannot be read", min(max(MAGIC, file.tell()), len(raw))) from None
    meta = _places(list(data.file_meta.values()), False, len(raw), raw)
    after = max((place.offset + place.length for place in meta), default=MAGIC)
    if syntax == DEFLATED:
        return Header(data, (), meta, after, True, stored)
    end = min(file.tell(), len(raw))
    implicit = bool(data.original_encoding[0])
    known = [
        _start(element) + element.length for element in data.values() if hasattr(element, "value_tell") and element.length != 0xFFFFFFFF
    ]
    last = max(known, default=len(raw))
    if last < len(raw) < last + 8 and raw[last:].strip(b"\0") and end == len(raw):
        raise BadDicom("E255", "the object breaks off inside an element", last)
    return Header(data, _places(list(data.values()), implicit, end, raw), meta, end, False, stored)


def _start(element: Any) -> int:
    """Where the value begins."""
    return int(element.value_tell if hasattr(element, "value_tell") else element.file_tell or 0)


def _head(element: Any, implicit: bool) -> int:
    """Bytes of tag, VR and length in front of a value."""
    return 12 if not implicit and element.VR in LONG else 8


def _places(elements: list[Any], implicit: bool, end: int, raw: bytes) -> tuple[Place, ...]:
    """Places of the elements that hold something, in the order of the bytes; one that breaks off raises BadDicom."""
    ordered = sorted(elements, key=_start)
    found: list[Place] = []
    for index, element in enumerate(ordered):
        start = _start(element)
        if hasattr(element, "value_tell") and element.length != 0xFFFFFFFF:
            stop = start + element.length
            if stop > len(raw):
                raise BadDicom("E255", "the object breaks off inside an element", min(start, len(raw)))
        else:
            following = ordered[index + 1] if index + 1 < len(ordered) else None
            stop = _start(following) - _head(following, implicit) if following is not None else end
        value = raw[start:stop]
        if not value.strip(b" \0") or stop <= start:
            continue
        padding = len(value) - len(value.rstrip(b"\0 ")) if element.VR not in LONG else 0
        number = int(element.tag)
        sequence = element.VR == "SQ" or (element.VR in (None, "UN") and not hasattr(element, "value_tell"))
        if not found or start >= found[-1].offset + found[-1].length:
            found.append(Place(f"{number:08X}", keyword_for_tag(number), start, stop - start - padding, sequence, number))
    return tuple(found)
