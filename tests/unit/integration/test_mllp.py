"""MLLP: frames however the network cuts them, answers only for what is durable, and no peer that can hurt another."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trivet.integration.formats.hl7v2.ack import acknowledgement, answers, header_of
from trivet.integration.inbound.mllp import Framer, MllpLimits, MllpListener, framed, tls_context
from trivet.integration.outbound.mllp import MllpSender
from trivet.kernel.clock import FrozenClock
from trivet.kernel.errors import Locked

CLOCK = FrozenClock("2026-03-01T07:55:00.000000Z")


def message(control: str = "M1", extra: str = "", size: int = 0) -> bytes:
    """An admission with this control id; `extra` follows MSH-12, `size` pads it."""
    return f"MSH|^~\\&|A|B|C|D|2026||ADT^A01|{control}|P|2.5{extra}\rPID|1||7^^^B\rNTE|1||{'x' * size}\r".encode()


class Keeper:
    """A real store for these tests: keeps messages, and can be told to fail or to wait."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.heads: list[bytes] = []
        self.broken = False
        self.held: list[Future[int]] | None = None

    def land(self, raw: bytes, origin: str) -> Future[int]:
        """Durable at once, later, or never."""
        future: Future[int] = Future()
        if self.broken:
            future.set_exception(OSError("no space left"))
            return future
        self.kept.append(raw)
        if self.held is None:
            future.set_result(len(self.kept))
        else:
            self.held.append(future)
        return future

    def refuse(self, head: bytes, origin: str) -> Future[int]:
        """Keep the head of what was too large."""
        self.heads.append(head)
        future: Future[int] = Future()
        future.set_result(0)
        return future


Talk = Callable[[MllpListener, Keeper], Awaitable[Any]]


def with_listener(talk: Talk, limits: MllpLimits | None = None, tls: ssl.SSLContext | None = None) -> Any:
    """Open a listener on the loopback, talk to it, close it."""

    async def run() -> Any:
        keeper = Keeper()
        listener = MllpListener("adt", keeper.land, keeper.refuse, clock=CLOCK, limits=limits, tls=tls)
        await listener.open("127.0.0.1", 0)
        try:
            async with asyncio.timeout(30):
                return await talk(listener, keeper)
        finally:
            await listener.close()

    return asyncio.run(run())


async def answer(reader: asyncio.StreamReader) -> list[bytes]:
    """The MSA segment of the next answer, as fields."""
    raw = await reader.readuntil(b"\x1c\r")
    return next(line for line in raw.split(b"\r") if line.startswith(b"MSA")).split(b"|")


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_frames_are_found_however_they_arrive(size: int) -> None:
    """One byte at a time or many frames at once: the same messages, noise in between is counted and dropped."""
    stream = b"noise" + framed(message("1")) + b"\r\n" + framed(message("2")) + b"zz" + framed(message("3"))
    framer, found = Framer(2**20, 2**10), []
    for at in range(0, len(stream), size):
        found += framer.feed(stream[at : at + size], 2**20)
    assert found == [(message(name), False) for name in "123"]
    assert framer.noise == 7
    assert framer.buffered == 0


def test_an_endless_frame_keeps_its_head_only() -> None:
    """Memory does not grow with a frame that is larger than the cap: its head comes once, when the cap is passed; then the next frame."""
    framer = Framer(1000, 100)
    framer.feed(b"\x0b" + b"h" * 50, 1000)
    found = []
    for _ in range(1000):
        found += framer.feed(b"x" * 4096, 1000)
        assert framer.buffered <= 1000
    assert found == [(b"h" * 50 + b"x" * 50, True)]
    assert framer.passed == 50 + 1000 * 4096
    assert framer.feed(b"\x1c\r" + framed(b"next"), 1000) == [(b"next", False)]
    assert framer.passed == 0


def test_a_frame_without_end_ends_its_connection() -> None:
    """The sender hears no at the cap, the connection is closed behind the answer, and another sender is not disturbed."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(b"\x0b" + message("endless"))
        other = MllpSender(listener.host, listener.port)
        for number in range(40):
            writer.write(b"x" * 1000)
            await writer.drain()
            assert (await other.send(message(f"m{number}"))).positive
        assert (await answer(reader))[1:3] == [b"AR", b"endless"]
        assert await reader.read() == b""
        assert len(keeper.heads) == 1
        await other.close()
        writer.close()

    with_listener(talk, MllpLimits(frame=1000, head=200, endless=20_000, write_seconds=1.0))


def test_acknowledged_after_it_is_kept_and_not_before() -> None:
    """No answer goes out while the store has not said that the message is durable."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        keeper.held = []
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(framed(message("one")))
        while not keeper.held:
            await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.2)
        keeper.held[0].set_result(1)
        assert (await answer(reader))[1:3] == [b"AA", b"one"]
        writer.close()

    with_listener(talk)


def test_answers_come_in_order() -> None:
    """Many messages in one packet are answered one by one in the order in which they came, whatever the store did first."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        keeper.held = []
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(b"".join(framed(message(str(number))) for number in range(5)))
        while len(keeper.held) < 5:
            await asyncio.sleep(0.01)
        for future in reversed(keeper.held):
            future.set_result(1)
        assert [(await answer(reader))[2] for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
        writer.close()

    with_listener(talk)


@pytest.mark.parametrize(("extra", "code"), [("", b"AR"), ("|||AL|NE", b"CR")])
def test_a_failing_store_is_a_negative_answer(extra: str, code: bytes) -> None:
    """A full disk never becomes a positive acknowledgement, in either mode; when it is well again, the message gets in."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        keeper.broken = True
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(framed(message("one", extra)))
        assert (await answer(reader))[1:3] == [code, b"one"]
        keeper.broken = False
        writer.write(framed(message("one", extra)))
        assert (await answer(reader))[1][1:] == b"A"
        assert keeper.kept == [message("one", extra)]
        writer.close()

    with_listener(talk)


def test_what_is_too_large_is_refused_and_its_head_kept() -> None:
    """A frame above the cap gets a negative answer; the connection goes on with the next message."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(framed(message("big", size=5000)) + framed(message("ok")))
        assert (await answer(reader))[1:3] == [b"AR", b"big"]
        assert (await answer(reader))[1:3] == [b"AA", b"ok"]
        assert keeper.kept == [message("ok")]
        assert keeper.heads == [message("big", size=5000)[:200]]
        writer.close()

    with_listener(talk, MllpLimits(frame=1000, head=200))


def test_garbage_is_kept_and_refused() -> None:
    """Bytes that are no message are landed for quarantine and answered negatively, not thrown away."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(framed(b"\xff\xfe not hl7"))
        assert (await answer(reader))[1:3] == [b"AR", b""]
        assert keeper.kept == [b"\xff\xfe not hl7"]
        writer.close()

    with_listener(talk)


def test_a_peer_that_does_not_read_is_left() -> None:
    """A sender that never reads its answers does not stop others, and what it sent is kept."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        _, deaf = await asyncio.open_connection(listener.host, listener.port, limit=2**10)
        deaf.transport.pause_reading()  # type: ignore[attr-defined]
        other = MllpSender(listener.host, listener.port)
        for number in range(20):
            deaf.write(framed(message(f"deaf{number}", size=100)))
            assert (await other.send(message(f"m{number}"))).positive
        await other.close()
        deaf.close()

    with_listener(talk, MllpLimits(write_seconds=0.5))


def test_a_frame_that_does_not_end() -> None:
    """A sender that stops in the middle of a frame is disconnected after its time; the half message is not a message."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(framed(message("1"))[:-10])
        assert await reader.read() == b""
        assert keeper.kept == []
        assert listener.buffered == 0
        writer.close()

    with_listener(talk, MllpLimits(frame_seconds=0.2))


def test_a_thousand_connections() -> None:
    """A thousand senders at once, each gets its own answer."""

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        async def one(number: int) -> bool:
            sender = MllpSender(listener.host, listener.port, seconds=25)
            reply = await sender.send(message(f"c{number}"))
            await sender.close()
            return reply.positive

        assert all(await asyncio.gather(*(one(number) for number in range(1000))))
        assert len(keeper.kept) == 1000

    with_listener(talk)


def test_modes_of_acknowledgement() -> None:
    """Original mode by default; MSH-15 and MSH-16 ask for accept and application codes, in the cases they name."""
    cases = {
        "": {"accepted": ("AA",), "error": ("AE",), "rejected": ("AR",)},
        "|||AL|AL": {"accepted": ("CA", "AA"), "error": ("CE",), "rejected": ("CR",)},
        "|||AL|NE": {"accepted": ("CA",), "rejected": ("CR",)},
        "|||NE|AL": {"accepted": ("AA",), "rejected": ()},
        "|||ER|NE": {"accepted": (), "rejected": ("CR",)},
        "|||SU|SU": {"accepted": ("CA", "AA"), "rejected": ()},
    }
    for extra, expected in cases.items():
        header = header_of(message("1", extra))
        for outcome, codes in expected.items():
            assert answers(header, outcome) == codes, (extra, outcome)


def test_an_answer_carries_no_segment_of_the_sender() -> None:
    """Control characters in echoed fields are cut out, sender and receiver change places, the version is echoed."""
    raw = message("X\x0bMSA^AA^other\x1c", "").replace(b"|B|", b"|B\x00|")
    answer_ = acknowledgement(header_of(raw), "AR", control="1", at=CLOCK.now(), text="a|b\rMSA|AA", error="207")
    lines = answer_.rstrip(b"\r").split(b"\r")
    assert [line[:3] for line in lines] == [b"MSH", b"MSA", b"ERR"]
    assert lines[0].split(b"|")[2:6] == [b"C", b"D", b"A", b"B"]
    assert lines[0].split(b"|")[11] == b"2.5"
    assert not any(byte < 0x20 and byte != 0x0D for byte in answer_)


def test_a_reply_to_another_message_is_no_answer() -> None:
    """A sender never takes the acknowledgement of another message for its own."""

    async def talk() -> None:
        async def wrong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\x1c")
            writer.write(framed(b"MSH|^~\\&|A|B|C|D|2026||ACK|9|P|2.5\rMSA|AA|another\r"))
            writer.close()

        server = await asyncio.start_server(wrong, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Locked, match="another message"):
            await MllpSender("127.0.0.1", port, seconds=5).send(message("mine"))
        server.close()

    asyncio.run(talk())


def certificates(folder: Path, peer: str = "lab") -> dict[str, Path]:
    """An authority, a server and a client certificate, made here."""

    def issue(name: str, issuer: tuple[x509.Name, Any] | None) -> tuple[x509.Name, Any]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, peer if name == "lab" else name)])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(issuer[0] if issuer else subject, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        builder = builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
        signed = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        (folder / f"{name}.key").write_bytes(pem)
        return subject, key

    authority = issue("authority", None)
    issue("server", authority)
    issue("lab", authority)
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize(("name", "origin"), [("lab", "mllp:lab"), ("ward\r3\x7f", "mllp:ward?3?")])
def test_mutual_tls(tmp_path: Path, name: str, origin: str) -> None:
    """With a client authority only its peers come in, and the name in the certificate is the origin, in signs that the ledger takes."""
    files = certificates(tmp_path, name)
    server = tls_context(str(files["server.pem"]), str(files["server.key"]), str(files["authority.pem"]))
    known = ssl.create_default_context(cafile=str(files["authority.pem"]))
    known.check_hostname = False
    stranger = ssl.create_default_context(cafile=str(files["authority.pem"]))
    stranger.check_hostname = False
    known.load_cert_chain(str(files["lab.pem"]), str(files["lab.key"]))
    origins: list[str] = []

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        land = listener.land
        listener.land = lambda raw, origin: (origins.append(origin), land(raw, origin))[1]
        sender = MllpSender(listener.host, listener.port, tls=known)
        assert (await sender.send(message("1"))).positive
        await sender.close()
        with pytest.raises(Locked):
            await MllpSender(listener.host, listener.port, seconds=5, tls=stranger).send(message("2"))
        assert keeper.kept == [message("1")]

    with_listener(talk, tls=server)
    assert origins == [origin]


def test_a_control_id_that_comes_again() -> None:
    """Rule 6: the same message again is acknowledged again; the same control id with other content is kept too, and said."""
    said: list[str] = []

    async def talk(listener: MllpListener, keeper: Keeper) -> None:
        listener.report = said.append
        sender = MllpSender(listener.host, listener.port)
        for raw in (message("1"), message("1"), message("1", size=3)):
            assert (await sender.send(raw)).code == "AA"
        assert keeper.kept == [message("1"), message("1"), message("1", size=3)]
        assert listener.counts["reused_control_ids"] == 1
        await sender.close()

    with_listener(talk)
    assert said == ["adt: a control id came again with other content"]
