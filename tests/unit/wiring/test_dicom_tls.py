"""C-STORE over TLS on a real socket: only peers with a certificate of the named authority come in, nothing is said in the clear, and a
structured report that comes this way keeps its words."""

from __future__ import annotations

import base64
import io
import json
import socket
import ssl
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pynetdicom import AE
from pynetdicom.sop_class import ComprehensiveSRStorage, CTImageStorage, Verification  # type: ignore[attr-defined]
from tests.unit.integration.test_mllp import certificates
from tests.unit.wiring.test_dicom_door import door, image, raws

from trivet.flows.receive import process_pending
from trivet.kernel.errors import Usage


def sent(port: int, context: ssl.SSLContext | None, *objects: Dataset) -> list[int]:
    """What the peer is told for an echo and each object; empty when no association comes about."""
    entity = AE(ae_title="CT1")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    for kind in (CTImageStorage, ComprehensiveSRStorage, Verification):
        entity.add_requested_context(kind, pydicom.uid.ExplicitVRLittleEndian)
    more: dict[str, Any] = {"tls_args": (context, "localhost")} if context is not None else {}
    association = entity.associate("127.0.0.1", port, ae_title="TRIVET", **more)
    if not association.is_established:
        return []
    told = [association.send_c_echo().Status, *(association.send_c_store(one).Status for one in objects)]
    association.release()
    return told


def trusting(files: dict[str, Path], name: str = "") -> ssl.SSLContext:
    """A peer that knows the authority, with its own certificate where it has one."""
    made = ssl.create_default_context(cafile=str(files["authority.pem"]))
    if name:
        made.load_cert_chain(files[f"{name}.pem"], files[f"{name}.key"])
    return made


def concept(meaning: str) -> Sequence:
    """A coded name."""
    one = Dataset()
    one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning = meaning.upper()[:16], "99TEST", meaning
    return Sequence([one])


def item(kind: str, name: str, **more: Any) -> Dataset:
    """A content item."""
    one = Dataset()
    one.RelationshipType, one.ValueType, one.ConceptNameCodeSequence = "CONTAINS", kind, concept(name)
    for keyword, value in more.items():
        setattr(one, keyword, value)
    return one


def report() -> Dataset:
    """A structured report: text, a measurement with its unit, a code, a person, a date, one inside another."""
    made = image(9)
    made.SOPClassUID = ComprehensiveSRStorage
    made.Modality = "SR"
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel", "PhotometricInterpretation"):
        delattr(made, keyword)
    del made.PixelRepresentation, made.PixelData
    measured, unit = Dataset(), concept("millimetre")
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "4.50", unit
    findings = item("CONTAINER", "Findings", ContinuityOfContent="SEPARATE")
    findings.ContentSequence = Sequence(
        [
            item("TEXT", "Finding", TextValue="A small nodule in the left upper lobe."),
            item("NUM", "Diameter", MeasuredValueSequence=Sequence([measured])),
            item("CODE", "Impression", ConceptCodeSequence=concept("Probably benign")),
        ]
    )
    made.ValueType, made.ContinuityOfContent, made.ConceptNameCodeSequence = "CONTAINER", "SEPARATE", concept("Chest report")
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    read = item("PNAME", "Read by", PersonName="Silva^Rosa")
    made.ContentSequence = Sequence([read, item("DATE", "Read on", Date="20260301"), findings])
    return made


def test_objects_come_in_over_tls_from_known_peers_only(tmp_path: Path) -> None:
    """With a certificate of the authority: 0x0000 and durable. Without one, or without TLS: no association, nothing lands."""
    files = certificates(tmp_path)
    tls = {"tls_certificate": str(files["server.pem"]), "tls_key": str(files["server.key"])}
    with door(tmp_path, **tls, tls_client_authority=str(files["authority.pem"])) as (house, opened):
        assert sent(opened.port, None, image()) == []
        assert sent(opened.port, trusting(files), image()) == []
        assert raws(house) == []
        old = trusting(files, "lab")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert sent(opened.port, trusting(files, "lab"), image(1), image(2)) == [0, 0, 0]
        assert sent(opened.port, old, image(3)) == [0, 0]
        assert len(raws(house)) == 3
        assert pydicom.dcmread(io.BytesIO(raws(house)[0])).PatientName == "Ode^Ann"
        assert process_pending(house).states["mapped"] == 3


def test_without_a_client_authority_tls_hides_and_anybody_named_may_send(tmp_path: Path) -> None:
    """The server shows a certificate that the peer can check; a peer that trusts another authority breaks off; plain bytes get no
    answer, and peers that say nothing keep nobody out."""
    files = certificates(tmp_path)
    with door(tmp_path, tls_certificate=str(files["server.pem"]), tls_key=str(files["server.key"])) as (house, opened):
        assert sent(opened.port, trusting(files), image()) == [0, 0]
        assert sent(opened.port, ssl.create_default_context(), image(2)) == []
        with socket.create_connection(("127.0.0.1", opened.port), 5) as plain, ExitStack() as silent:
            plain.sendall(b"\x01\x00\x00\x00\x00\x10" + b"\0" * 16)
            plain.settimeout(10)
            with suppress(ConnectionError):
                assert b"TRIVET" not in plain.recv(64)
            for _ in range(3):  # peers that connect and say nothing keep nobody out
                silent.enter_context(socket.create_connection(("127.0.0.1", opened.port), 5))
            assert sent(opened.port, trusting(files), image(3)) == [0, 0]
        assert len(raws(house)) == 2


def test_a_report_that_comes_over_tls_keeps_its_words(tmp_path: Path) -> None:
    """Every item of the report stands in the document's text, in order, under its heading, numbers as they were written."""
    files = certificates(tmp_path)
    with door(tmp_path, tls_certificate=str(files["server.pem"]), tls_key=str(files["server.key"])) as (house, opened):
        assert sent(opened.port, trusting(files), report()) == [0, 0]
        assert process_pending(house).states["mapped"] == 1
        _, rows = house.shelf.query("select body from records where type = 'DocumentReference'")
        document = json.loads(rows[0][0])
        text = base64.b64decode(document["content"][0]["attachment"]["data"]).decode()
        assert text.splitlines() == [
            "Chest report",
            "  Read by: Silva^Rosa",
            "  Read on: 20260301",
            "  Findings",
            "    Finding: A small nodule in the left upper lobe.",
            "    Diameter: 4.50 millimetre",
            "    Impression: Probably benign",
        ]
        assert document["context"]["related"][0]["reference"].startswith("ImagingStudy/")


def test_a_certificate_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """The door does not open without TLS instead."""
    with pytest.raises(Usage) as told, door(tmp_path, tls_certificate=str(tmp_path / "none.pem")):
        pass
    assert told.value.code == "E828"
