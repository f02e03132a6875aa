"""Sends HL7 v2 over MLLP and waits for the acknowledgement that belongs to it.

A reply whose MSA-2 is not the message's MSH-10 is never taken for an answer: the connection is closed and the message stays
unsent, because a late answer to an earlier message must not confirm a later one.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple

from trivet.integration.formats.hl7v2.ack import header_of
from trivet.integration.formats.hl7v2.reader import Message, NotHl7v2
from trivet.kernel.errors import Locked

__all__ = ["MllpSender", "Reply"]


class Reply(NamedTuple):
    """An acknowledgement: its code (table 0008), its text and its bytes."""

    code: str
    text: str
    raw: bytes

    @property
    def positive(self) -> bool:
        """The other side has taken the message."""
        return self.code in ("AA", "CA")


class MllpSender:
    """One connection to one listener. Messages go one at a time, each waits for its answer."""

    def __init__(self, host: str, port: int, *, seconds: float = 30.0, tls: ssl.SSLContext | None = None) -> None:
        self.host, self.port, self.seconds, self.tls = host, port, seconds, tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, message: bytes) -> Reply:
        """Send and wait. Raises Locked (nothing is known of the message's fate: send it again) when no fitting answer comes."""
        control = header_of(message).control
        try:
            async with asyncio.timeout(self.seconds):
                reader, writer = await self._open()
                writer.write(b"\x0b" + message + b"\x1c\r")
                await writer.drain()
                raw = await reader.readuntil(b"\x1c")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            await self.close()
            raise Locked("E263", "no acknowledgement", where=f"{self.host}:{self.port}", why=type(error).__name__) from None
        raw = raw.strip(b"\r\n\x0b\x1c")
        try:
            answer = Message(raw)
        except NotHl7v2:
            answer = None
        if answer is None or answer.get("MSA-2").encode("latin-1", "replace") != control:
            await self.close()
            raise Locked("E264", "an acknowledgement of another message", where=f"{self.host}:{self.port}", why="MSA-2 is not MSH-10")
        return Reply(answer.get("MSA-1"), answer.get("MSA-3"), raw)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None:
            await asyncio.sleep(0)  # let the loop hear whether the other side has left meanwhile
            await asyncio.sleep(0)
            if self._streams[0].at_eof():
                await self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port, ssl=self.tls, limit=2**24)
        return self._streams

    async def close(self) -> None:
        """End the connection. The next `send` opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
