"""Wires under faults: a DICOM door whose house is killed, servers that stall or trickle, TLS that does not hold."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage  # type: ignore[attr-defined]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from fhir_server import FHIR, FhirServer
from loopback import served
from trivet.flows.fsck import fsck
from trivet.flows.receive import process_pending
from trivet.flows.reconcile import reconcile
from trivet.kernel.errors import Fault, Locked
from trivet.wiring.build import open_home
from wire_home import polled, wire_home

ROUNDS = int(os.environ.get("TRIVET_ROUNDS", "20"))
DOOR = """
import sys, time
from pathlib import Path
from trivet.wiring.build import open_home
from trivet.wiring import sources
house = open_home(Path(sys.argv[1]))
opened = sources.listen(house, "feed", sources.make(house, "feed"), lambda: None)
print(opened.port, flush=True)
time.sleep(600)
"""


def image(number: int) -> Dataset:
    """An object with pixels."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, f"1.2.3.1.{number}"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.PatientID, made.Modality = "1.2.3", "1.2.3.1", "100", "CT"
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 64, 64, 8, 8, 7
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.PixelData = bytes(4096)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    return made


@pytest.mark.long
def test_a_killed_dicom_door_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """kill -9 at random moments while objects are sent: every object that was answered 0x0000 is in the vault."""
    home = Path(wire_home(tmp_path, "dicom://127.0.0.1:0/TRIVET", {}, format="dicom").home)
    chance, acknowledged, number = random.Random(3), list[str](), 0
    for _ in range(ROUNDS):
        with subprocess.Popen([sys.executable, "-c", DOOR, str(home)], stdout=subprocess.PIPE, text=True) as door:
            assert door.stdout is not None
            port = int(door.stdout.readline())
            entity = AE(ae_title="CT1")
            entity.add_requested_context(CTImageStorage, pydicom.uid.ExplicitVRLittleEndian)
            association = entity.associate("127.0.0.1", port, ae_title="TRIVET")
            dies_at = time.monotonic() + chance.random()
            while association.is_established and time.monotonic() < dies_at:
                number += 1
                if association.send_c_store(image(number)).get("Status") == 0:
                    acknowledged.append(f"1.2.3.1.{number}")
            door.send_signal(signal.SIGKILL)
            association.abort()
    assert len(acknowledged) > ROUNDS
    house = open_home(home)
    try:
        kept = b"".join(house.landing.raw(house.landing.receipt(seq)) for (seq,) in house.store.read("select seq from receipt"))
        assert [uid for uid in acknowledged if f"{uid}\0".encode() not in kept and uid.encode() not in kept] == []
        process_pending(house)
        assert fsck(house)["sound"]
        assert reconcile(house)["balanced"]
    finally:
        house.close()


async def stalled(request: Request) -> StreamingResponse:
    """Says a little and then nothing, or ever less."""
    pause = 30.0 if "Patient" in request.url.path else 0.3

    async def parts() -> Any:
        yield b'{"resourceType":"Bundle",'
        for _ in range(100):
            await asyncio.sleep(pause)
            yield b" "

    return StreamingResponse(parts(), media_type=FHIR)


@pytest.mark.parametrize("kind", ["Patient", "Observation"])
def test_a_server_that_stalls_or_trickles(tmp_path: Path, kind: str) -> None:
    """Silence ends after the time-out, a trickle after the deadline: E823, and nothing is landed."""
    with served(Starlette(routes=[Route("/{path:path}", stalled)])) as url:
        house = wire_home(tmp_path, f"fhir+{url}/fhir", {"types": [kind], "tries": 1, "timeout": "1s", "deadline": "2s"})
        try:
            began = time.monotonic()
            with pytest.raises(Locked) as told:
                polled(house)
            assert told.value.code == "E823"
            assert time.monotonic() - began < 25
            assert house.store.read("select count(*) from receipt") == [(0,)]
        finally:
            house.close()


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that signs itself, for 127.0.0.1, and its key."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now, day = datetime.now(UTC), timedelta(days=1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


def test_tls_is_always_checked(tmp_path: Path) -> None:
    """A server whose authority nobody named is E825, another authority too; the named one is taken."""
    ours, key = certificate(tmp_path, "ours")
    other, _ = certificate(tmp_path, "other")
    there = FhirServer()
    there.put("Patient", "p1")
    with served(there.app(), ssl_certfile=str(ours), ssl_keyfile=str(key)) as url:
        for number, authority in enumerate(("", str(other))):
            house = wire_home(tmp_path / str(number), f"fhir+{url}/fhir", {"types": ["Patient"], "authority": authority})
            with pytest.raises(Fault) as told:
                polled(house)
            assert told.value.code == "E825"
            house.close()
        house = wire_home(tmp_path / "good", f"fhir+{url}/fhir", {"types": ["Patient"], "authority": str(ours)})
        assert polled(house).landed == 1
        house.close()
