"""A DICOM Storage SCP (PS3.4 annex B) and Verification SCP: objects that are sent here land before they are acknowledged.

In: associations of known applications. Out: one unit for each object, its encoded data set as it was sent, behind file meta of ours.
0x0000 only when it is durable; 0xA700 when it cannot be (disk full, store down, too large). Pixels are not kept unless the settings say so:
their length and digest stand in the file meta, under the rule `dicom/pixels`. Refused: applications that nobody named.
An object on its way stands in a file of the home, not in memory.
"""

from __future__ import annotations

import hashlib
import io
import logging
import socket
import ssl
import tempfile
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pydicom
from pydicom.filewriter import write_file_meta_info
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, _config, dimse_messages, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from trivet.contracts.source import Haul, Message, Setting, Wire
from trivet.integration.formats.dicom.header import ERRORS
from trivet.kernel.errors import Problem, Usage

__all__ = ["CREATOR", "DicomListener", "without_pixels"]

logging.getLogger("pynetdicom").disabled = True  # it writes data sets into its log

OK, FULL = 0x0000, 0xA700
PIXELS = (b"\xe0\x7f\x10\x00", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00", b"\x7f\xe0\x00\x10", b"\x7f\xe0\x00\x08", b"\x7f\xe0\x00\x09")
DEFLATED = "1.2.840.10008.1.2.1.99"
CREATOR = "2.25.206143372013105811834019325017512094611"  # names the private information that we add to file meta (PS3.10 section 7.1)
CHUNK = 1 << 20


class DicomListener:
    """`contracts.source.Listener` for `dicom://HOST:PORT/AETITLE`."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "calling": Setting("names", (), "AE titles that may send; must be given where the door stands open to other machines"),
        "pixels": Setting("text", "drop", "`drop` pixels and keep their digest, or `keep` them"),
        "largest_mb": Setting("whole", 2048, "the largest object, in MiB"),
        "associations": Setting("whole", 16, "associations at once"),
        "timeout": Setting("span", 60, "how long a peer may say nothing"),
        "tls_certificate": Setting("text", "", "PEM file, for TLS"),
        "tls_key": Setting("text", "", "PEM file with its key"),
        "tls_client_authority": Setting("text", "", "PEM file: only peers with a certificate of this authority"),
    }

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, wire.settings
        parts = urlsplit(wire.door)
        self.host, self.title = parts.hostname or "", parts.path.strip("/")
        try:
            self.port = parts.port
        except ValueError:
            self.port = None
        if not self.host or self.port is None or not 0 < len(self.title) <= 16 or self.asked["pixels"] not in ("drop", "keep"):
            why = "expected dicom://HOST:PORT/AETITLE, and pixels drop or keep"
            raise Usage("E870", "a DICOM door that cannot be opened", why=why, help='door = "dicom://127.0.0.1:11112/TRIVET"')
        if not self.asked["calling"] and not (self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"):
            raise Usage("E871", "a DICOM door that anybody may use", why="no AE titles are named", help='calling = ["CT1", "PACS"]')

    def probe(self) -> str:
        """Whether the port can be opened, or is open."""
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as tried:
            tried.settimeout(3)
            found = tried.connect_ex((self.host, self.port or 0))
        return f"{self.title} is listening" if found == 0 else "closed; trivet up opens it"

    def listen(self, land: Callable[[Haul], None]) -> Opened:
        """Open the door."""
        incoming = Path(self.wire.home) / "incoming"
        incoming.mkdir(exist_ok=True, mode=0o700)
        for left in incoming.glob("*.dcm"):
            left.unlink()  # what a crash left was never acknowledged
        _config.STORE_RECV_CHUNKED_DATASET = True
        _config.UNRESTRICTED_STORAGE_SERVICE = True
        # Objects on their way hold patients' data: they stand in the home, not in the machine's folder for everybody.
        setattr(dimse_messages, "NamedTemporaryFile", partial(tempfile.NamedTemporaryFile, dir=incoming))  # noqa: B010
        entity = AE(ae_title=self.title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(self.asked["calling"])
        entity.maximum_associations = self.asked["associations"]
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = self.asked["timeout"]
        entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax or "", ALL_TRANSFER_SYNTAXES)
        handlers = [(evt.EVT_C_STORE, partial(self.stored, land=land)), (evt.EVT_C_ECHO, lambda event: OK)]
        try:
            where: Any = (self.host, self.port or 0)
            server = entity.start_server(where, block=False, evt_handlers=handlers, ssl_context=self._tls())  # type: ignore[arg-type]
        except OSError as error:
            raise Problem(
                "E142", "a door cannot be opened", where=self.wire.source, why=error.strerror or "", help="trivet doctor"
            ) from None
        return Opened(server, entity)

    def _tls(self) -> ssl.SSLContext | None:
        if not self.asked["tls_certificate"]:
            return None
        made = Unhurried(ssl.PROTOCOL_TLS_SERVER)
        made.patience = float(self.asked["timeout"])
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            made.load_cert_chain(self.asked["tls_certificate"], self.asked["tls_key"] or None)
            if self.asked["tls_client_authority"]:
                made.verify_mode = ssl.CERT_REQUIRED
                made.load_verify_locations(self.asked["tls_client_authority"])
        except (OSError, ssl.SSLError):
            raise Usage("E828", "a certificate or its key cannot be read", where=self.asked["tls_certificate"]) from None
        return made

    def stored(self, event: Any, land: Callable[[Haul], None]) -> int:
        """One C-STORE: the status that the peer is told."""
        path = Path(event.dataset_path)
        try:
            if path.stat().st_size > self.asked["largest_mb"] << 20:
                return FULL
            raw = without_pixels(path) if self.asked["pixels"] == "drop" else path.read_bytes()
            peer = "".join(one for one in str(event.assoc.requestor.ae_title) if one.isalnum() or one in "-_.")[:16]
            land(Haul(messages=(Message(raw, "dicom", f"dicom:{peer}"),)))
        except (Problem, OSError, MemoryError):
            return FULL
        return OK


class Unhurried(ssl.SSLContext):
    """A context whose handshakes happen when an association's own thread first reads: the library would wait for each one before it takes
    the next peer, and one that says nothing would keep everybody out."""

    patience = 60.0

    def wrap_socket(self, sock: socket.socket, *args: Any, **more: Any) -> ssl.SSLSocket:
        """The connection, not yet shaken hands over; a peer that says nothing in between loses it."""
        sock.settimeout(self.patience)
        return super().wrap_socket(sock, *args, **{**more, "do_handshake_on_connect": False})


class Opened:
    """`contracts.source.Listening`."""

    def __init__(self, server: Any, entity: Any) -> None:
        self.server, self.entity = server, entity
        host, port = server.server_address[:2]
        self.address, self.port = f"{host}:{port}", int(port)

    def close(self) -> None:
        """No new association; those that are open are ended."""
        self.server.shutdown()
        self.entity.shutdown()


def without_pixels(path: Path) -> bytes:
    """An object up to its pixels, with their length and digest in its file meta; the whole object where there are none, or where they
    cannot be told apart."""
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library quotes values in its warnings
            found = pydicom.dcmread(file, stop_before_pixels=True, force=False)
            at = file.tell()
            file.seek(at)
            first = file.read(4)
            if first not in PIXELS or found.file_meta.TransferSyntaxUID == DEFLATED:
                return path.read_bytes()
            sum_of, size = hashlib.sha256(first), len(first)
            while chunk := file.read(CHUNK):
                sum_of.update(chunk)
                size += len(chunk)
            file.seek(0)
            head = file.read(at)
    except ERRORS:
        return path.read_bytes()
    begin = 144 + int(found.file_meta.FileMetaInformationGroupLength)
    return with_note(found.file_meta, f"dicom/pixels bytes={size} sha256={sum_of.hexdigest()}") + head[begin:]


def with_note(meta: Any, note: str) -> bytes:
    """Preamble and file meta with a note of ours."""
    meta.PrivateInformationCreatorUID = CREATOR
    meta.PrivateInformation = note.encode() + b" " * (len(note) % 2)
    out = io.BytesIO()
    out.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(out, meta)
    return out.getvalue()
