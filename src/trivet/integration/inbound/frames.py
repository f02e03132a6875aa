"""Frames of MLLP: VT, a message, FS, CR; found in a stream however the network cuts it, with bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Framer", "framed"]

_VT, _FS, _CR = 0x0B, 0x1C, 0x0D
_BEGIN, _END = b"\x0b", b"\x1c\r"


def framed(message: bytes) -> bytes:
    """A message in its frame."""
    return b"\x0b" + message + b"\x1c\r"


@dataclass(slots=True)
class Framer:
    """Cuts a byte stream into frames. Bytes between frames are counted in `noise` and dropped; an oversized frame gives its head when
    it passes the limit, and the rest of it is counted in `passed`."""

    limit: int
    head: int
    noise: int = 0
    inside: bool = False
    overflow: bool = False
    passed: int = 0
    _buffer: bytearray = field(default_factory=bytearray)

    @property
    def buffered(self) -> int:
        """Bytes held for a frame that is not complete."""
        return len(self._buffer)

    def feed(self, data: bytes, limit: int) -> list[tuple[bytes, bool]]:
        """Complete frames as (message, too large). `limit` may be lower than the cap while the budget is short."""
        if not self.inside and data[:1] == _BEGIN and data[-2:] == _END and data.find(_FS) == len(data) - 2 <= min(limit, self.limit):
            return [(data[1:-2], False)]  # one whole frame, as senders mostly hand it over
        frames: list[tuple[bytes, bool]] = []
        at = 0
        while at < len(data):
            if not self.inside:
                start = data.find(_VT, at)
                stop = len(data) if start < 0 else start
                self.noise += sum(byte not in (_CR, 0x0A, _FS) for byte in data[at:stop])
                if start < 0:
                    break
                self.inside, at = True, start + 1
                continue
            end = data.find(_FS, at)
            part = data[at : end if end >= 0 else len(data)]
            if self._overflows(part, min(limit, self.limit)):
                frames.append((bytes(self._buffer), True))
                self._buffer = bytearray()
            at = end + 1 if end >= 0 else len(data)
            if end >= 0:
                if not self.overflow:
                    frames.append((bytes(self._buffer), False))
                self.inside = self.overflow = False
                self.passed = 0
                self._buffer = bytearray()
        return frames

    def _overflows(self, part: bytes, limit: int) -> bool:
        """Keep the part, or pass over it. True once for a frame, when it turns out to be too large: the buffer holds its head."""
        if self.overflow:
            self.passed += len(part)
            return False
        if len(self._buffer) + len(part) <= limit:
            self._buffer += part
            return False
        self.overflow, self.passed = True, len(self._buffer) + len(part)
        self._buffer += part[: max(0, self.head - len(self._buffer))]
        del self._buffer[self.head :]
        return True
