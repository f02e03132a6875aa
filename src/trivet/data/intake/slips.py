"""The file of the intake journal: slips, sealed and numbered, written in place into pages that stand already.

In: bytes. Out: the same bytes after a crash, or the knowledge that the last of them never became durable. Every slip begins on a page of
its own, so that no write touches a page on which another slip stands; it is never spread over the file's end. The file has one size
for ever and its pages were written when it was made: a slip costs one durable write that changes nothing but content.
Refused: a slip for which there is no room. A file in which a slip is missing although a later write is there is damaged (E619).

A slip: mark, number, number of the first slip of the same write, length, salt, CRC-32 (ISO 3309) of all of it, then AES-256-GCM of the
content. The salt belongs to one opening of the file, the number grows for ever: a nonce under a key is used once (NIST SP 800-38D, 8.2.1).
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trivet.kernel.errors import Fault

__all__ = ["LARGEST", "PAGE", "PAGES", "Slip", "SlipFile", "found", "lined_up", "opened"]

PAGE = 4_096
PAGES = 256
LARGEST = 32_768  # bytes of one slip's content
MARK = b"trvslip1"
HEAD = struct.Struct(">8sQQI16s")
CRC = struct.Struct(">I")
START = HEAD.size + CRC.size
TAG = 16  # bytes that sealing adds


class Slip(NamedTuple):
    """One slip as it stands in the file: its number, that of the first one of its write, its salt, its sealed content."""

    number: int
    first: int
    salt: bytes
    sealed: bytes


def found(data: bytes, after: int = 0) -> list[Slip]:
    """Every whole slip in a journal's bytes that has a number above `after`, by number. What is torn is none."""
    slips = {}
    for at in range(0, len(data), PAGE):
        if not data.startswith(MARK, at) or len(data) - at < START:
            continue
        _, number, first, length, salt = HEAD.unpack_from(data, at)
        end = at + START + length
        if number <= after or length > LARGEST + TAG or end > len(data):
            continue
        sealed = data[at + START : end]
        if CRC.unpack_from(data, at + HEAD.size)[0] == zlib.crc32(sealed, zlib.crc32(data[at : at + HEAD.size])):
            slips[number] = Slip(number, first, salt, sealed)
    return [slips[number] for number in sorted(slips)]


def lined_up(slips: Sequence[Slip], after: int) -> tuple[list[Slip], list[int]]:
    """Those that stand there without a gap from `after` on, and the number that is missing because a later write is there: a write begins
    when the one before it is durable. What is torn of the last write was never acknowledged: it is not there, and not missed."""
    for place, slip in enumerate(slips):
        expected = after + 1 + place
        if slip.number != expected:
            return list(slips[:place]), [expected] if slips[-1].first > expected else []
    return list(slips), []


def opened(slip: Slip, key: Callable[[bytes], bytes]) -> bytes:
    """A slip's content. Fault E619 when it is not what was written, or another house's."""
    head = HEAD.pack(MARK, slip.number, slip.first, len(slip.sealed), slip.salt)
    try:
        return AESGCM(key(slip.salt)).decrypt(nonce(slip.number), slip.sealed, head)
    except InvalidTag:
        raise damaged(f"slip {slip.number} does not open") from None


def nonce(number: int) -> bytes:
    """The nonce of a slip under its salt's key."""
    return number.to_bytes(12, "big")


def damaged(why: str, where: str = "intake.journal") -> Fault:
    """The journal is not what was written."""
    return Fault("E619", "the intake journal is damaged", where=where, why=why, help="trivet fsck")


class SlipFile:
    """One opening of the file. One thread writes. `wanted` names the oldest page that must not be written over, None for an empty file."""

    def __init__(self, path: Path, key: Callable[[bytes], bytes]) -> None:
        self.path = path
        self.salt = os.urandom(16)
        self._cipher = AESGCM(key(self.salt))
        self._handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._direct: int | None = None
        self._space = memoryview(mmap.mmap(-1, PAGE * PAGES))  # begins on a page, as such writes must
        mine = os.fstat(self._handle)
        self._place = (mine.st_dev, mine.st_ino)
        self._tail = 0
        self._used = 0  # pages from the first on that may hold something

    @property
    def handle(self) -> int:
        """The file's descriptor, for its lock."""
        return self._handle

    def content(self) -> bytes:
        """All that stands in it."""
        return os.pread(self._handle, PAGE * PAGES, 0)

    def prepare(self) -> None:
        """Write every page, and make file and name durable: afterwards nothing of it changes but content. OSError when it cannot be."""
        if os.fstat(self._handle).st_size != PAGE * PAGES:
            os.ftruncate(self._handle, 0)
        put(self._handle, bytes(PAGE * PAGES), 0)
        os.fsync(self._handle)
        self._direct = self._direct or direct(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._tail = self._used = 0

    def standing(self) -> bool:
        """Does this file still stand under its name?"""
        try:
            there = os.stat(self.path)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == self._place

    def write(self, first: int, contents: Sequence[bytes], wanted: int | None) -> list[int] | None:
        """Put slips behind one another, durable when this returns. Gives the page of each; None when there is no room. OSError when the
        disk fails: then nothing is known of them."""
        pages, parts, at = [], [], 0
        for number, content in enumerate(contents, first):
            head = HEAD.pack(MARK, number, first, len(content) + TAG, self.salt)
            sealed = self._cipher.encrypt(nonce(number), content, head)
            whole = head + CRC.pack(zlib.crc32(sealed, zlib.crc32(head))) + sealed
            size = -(-len(whole) // PAGE)
            pages.append(at)
            parts.append(whole.ljust(size * PAGE, b"\0"))
            at += size
        place = self._free(at, wanted)
        if place is None:
            return None
        self._put(b"".join(parts), place * PAGE)
        self._tail = place + at
        self._used = max(self._used, self._tail)
        return [place + page for page in pages]

    def _free(self, size: int, wanted: int | None) -> int | None:
        """The first of so many pages that are free, one behind the other."""
        if wanted is None:
            return 0 if size <= PAGES else None
        if self._tail > wanted:
            if self._tail + size <= PAGES:
                return self._tail
            return 0 if size < wanted else None
        return self._tail if self._tail + size < wanted else None

    def blank(self) -> None:
        """Take away what was landed, durably. OSError when the disk fails."""
        if self._used:
            self._put(bytes(self._used * PAGE), 0)
            self._used = self._tail = 0

    def _put(self, data: bytes, at: int) -> None:
        """Write whole pages in place, durable when this returns; past the system's cache where the file system can do that, which spares
        a call and a copy."""
        if self._direct is not None:
            self._space[: len(data)] = data
            try:
                put(self._direct, self._space[: len(data)], at)
                return
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
            os.close(self._direct)
            self._direct = None
        put(self._handle, data, at)
        os.fdatasync(self._handle)

    def close(self) -> None:
        """Close; the lock goes with it."""
        if self._direct is not None:
            os.close(self._direct)
        self._space.release()
        os.close(self._handle)


def put(handle: int, data: bytes | memoryview, at: int) -> None:
    """Write all of it in place, or raise OSError."""
    while data:
        done = os.pwrite(handle, data, at)
        data, at = data[done:], at + done


def direct(path: Path) -> int | None:
    """The file, for writes that are durable when they return and pass the cache by; None where there is no such thing."""
    try:
        return os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_DSYNC | os.O_CLOEXEC)
    except (OSError, AttributeError):
        return None
