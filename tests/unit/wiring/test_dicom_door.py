"""The DICOM door and DICOMweb against real peers: pynetdicom's SCU, dcmtk where it is installed, HTTP servers."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, Verification  # type: ignore[attr-defined]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loopback import served
from trivet.contracts.house import House
from trivet.contracts.source import Haul
from trivet.flows.receive import process_pending
from trivet.flows.reconcile import reconcile
from trivet.kernel.errors import Fault, Locked, Usage
from trivet.wiring import sources
from trivet.wiring.suites.pydicom_files import run
from wire_home import polled, wire_home

PIXELS = bytes(range(256)) * 64


def image(number: int = 1, study: str = "1.2.3") -> Dataset:
    """A CT slice with pixels."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, f"{study}.1.{number}"
    made.StudyInstanceUID, made.SeriesInstanceUID = study, f"{study}.1"
    made.PatientID, made.PatientName, made.PatientBirthDate, made.PatientSex = "100", "Ode^Ann", "19800101", "F"
    made.StudyDate, made.StudyTime, made.Modality, made.InstanceNumber = "20260301", "080000", "CT", number
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 128, 128, 8, 8, 7
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.PixelData = PIXELS
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    return made


@contextmanager
def door(folder: Path, **wire: Any) -> Iterator[tuple[House, Any]]:
    """A home with its DICOM door open."""
    house = wire_home(folder, "dicom://127.0.0.1:0/TRIVET", wire, format="dicom")
    opened = sources.listen(house, "feed", sources.make(house, "feed"), lambda: None)  # type: ignore[arg-type]
    try:
        yield house, opened
    finally:
        opened.close()
        house.close()


def send(port: int, *images: Dataset, title: str = "CT1", called: str = "TRIVET") -> list[int]:
    """The statuses that the peer is told; empty when no association comes about."""
    entity = AE(ae_title=title)
    entity.add_requested_context(CTImageStorage, pydicom.uid.ExplicitVRLittleEndian)
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return []
    told = [association.send_c_echo().Status, *(association.send_c_store(one).Status for one in images)]
    association.release()
    return told


def raws(house: House) -> list[bytes]:
    """Every unit."""
    return [house.landing.raw(house.landing.receipt(seq)) for (seq,) in house.store.read("select seq from receipt order by seq")]


def test_objects_land_before_they_are_acknowledged(tmp_path: Path) -> None:
    """C-ECHO and C-STORE succeed; the header is kept as it was sent, the pixels' length and digest stand beside it; the same object
    twice is one unit; records come of it."""
    with door(tmp_path) as (house, opened):
        assert send(opened.port, image(1), image(2), image(1)) == [0, 0, 0, 0]
        kept = raws(house)
        assert len(kept) == 2
        read = pydicom.dcmread(io.BytesIO(kept[0]))
        assert "PixelData" not in read
        assert read.PatientName == "Ode^Ann"
        note = read.file_meta.PrivateInformation.decode()
        element = [b"\xe0\x7f\x10\x00" + kind + b"\0\0" + len(PIXELS).to_bytes(4, "little") + PIXELS for kind in (b"OB", b"OW")]
        assert "bytes=16396" in note
        assert hashlib.sha256(PIXELS).hexdigest() not in note  # the digest is of the whole element, as it was sent
        assert any(hashlib.sha256(one).hexdigest() in note for one in element)
        assert process_pending(house).states["mapped"] == 2
        assert reconcile(house)["balanced"]
        assert not list((tmp_path / "home/incoming").iterdir())


def test_pixels_can_be_kept(tmp_path: Path) -> None:
    """With `pixels = "keep"` the whole object stands in the vault."""
    with door(tmp_path, pixels="keep") as (house, opened):
        assert send(opened.port, image()) == [0, 0]
        assert pydicom.dcmread(io.BytesIO(raws(house)[0])).PixelData == PIXELS


def test_strangers_and_full_disks(tmp_path: Path) -> None:
    """Only named applications come in, under the right title; what cannot be made durable, or is too large, is 0xA700 and never 0x0000."""
    with door(tmp_path / "one", calling=["CT1"], largest_mb=0) as (house, opened):
        assert send(opened.port, image(), title="OTHER") == []
        assert send(opened.port, image(), called="ELSEWHERE") == []
        assert send(opened.port, image()) == [0, 0xA700]
        assert raws(house) == []
    house = wire_home(tmp_path / "two", "dicom://127.0.0.1:0/TRIVET", {}, format="dicom")

    def full(haul: Haul) -> None:
        raise Locked("E616", "the disk is full")

    opened = sources.make(house, "feed").listen(full)  # type: ignore[union-attr]
    try:
        assert send(opened.port, image()) == [0, 0xA700]
    finally:
        opened.close()
        house.close()
    for wrong, code in (("dicom://0.0.0.0:104/TRIVET", "E871"), ("dicom://127.0.0.1/TRIVET", "E870"), ("dicom://127.0.0.1:104/", "E870")):
        house = wire_home(tmp_path / code / wrong[-5:-1], wrong, {}, format="dicom")
        with pytest.raises(Usage) as told:
            sources.make(house, "feed")
        assert told.value.code == code
        house.close()


def test_dcmtk_is_understood(tmp_path: Path) -> None:
    """Another implementation, dcmtk: echo and store. Skips where it is not installed."""
    if shutil.which("storescu") is None:
        pytest.skip("dcmtk is not on this machine: apt-get install dcmtk")
    path = tmp_path / "a.dcm"
    whole = image()
    whole.file_meta.MediaStorageSOPClassUID, whole.file_meta.MediaStorageSOPInstanceUID = whole.SOPClassUID, whole.SOPInstanceUID
    pydicom.dcmwrite(path, whole, enforce_file_format=True)
    with door(tmp_path) as (house, opened):
        for program, more in (("echoscu", []), ("storescu", [str(path)])):
            subprocess.run([program, "-aec", "TRIVET", "127.0.0.1", str(opened.port), *more], check=True, capture_output=True)
        assert len(raws(house)) == 1
        assert process_pending(house).states["mapped"] == 1


def web(studies: dict[str, list[Dataset]], asked: list[str], odd: Any = None) -> Starlette:
    """A DICOMweb server."""

    async def search(request: Request) -> Response:
        asked.append(str(request.url.query))
        if odd is not None:
            return odd  # type: ignore[no-any-return]
        since = request.query_params.get("StudyDate", "").rstrip("-")
        found = [
            {
                "0020000D": {"vr": "UI", "Value": [uid]},
                "00080020": {"vr": "DA", "Value": [held[0].StudyDate]},
                "00201206": {"vr": "IS", "Value": [1]},
                "00201208": {"vr": "IS", "Value": [len(held)]},
            }
            for uid, held in studies.items()
            if held[0].StudyDate >= since
        ]
        start, limit = int(request.query_params.get("offset", "0")), int(request.query_params.get("limit", "100"))
        return JSONResponse(found[start : start + limit], media_type="application/dicom+json") if found[start:] else Response(b"", 204)

    async def metadata(request: Request) -> Response:
        asked.append(request.url.path)
        if request.path_params["uid"] not in studies:
            return Response(status_code=404)
        told = []
        for one in studies[request.path_params["uid"]]:
            del one.PixelData
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                told.append(one.to_json_dict())
            one.PixelData = PIXELS
        return Response(json.dumps(told), media_type="application/dicom+json")

    return Starlette(routes=[Route("/dicomweb/studies", search), Route("/dicomweb/studies/{uid}/metadata", metadata)])


def test_dicomweb(tmp_path: Path) -> None:
    """Studies in pages, the metadata of each once, again only for one that grew, by the same translator as objects that are sent; the
    watermark follows the newest study."""
    studies = {f"1.2.{number}": [image(1, f"1.2.{number}")] for number in range(5)}
    asked: list[str] = []
    with served(web(studies, asked)) as url:
        house = wire_home(tmp_path, f"dicomweb+{url}/dicomweb", {"count": 2}, format="dicom")
        try:
            assert polled(house).landed == 5
            assert house.store.read("select state, count(*) from receipt group by state") == [("mapped", 5)]
            assert {key.split("/")[0] for (key,) in house.store.read("select key from record_version")} == {"Patient", "ImagingStudy"}
            assert house.role("wires").memory("feed").bookmark() == {"since": "20260222"}
            before = len(asked)
            studies["1.2.3"].append(image(2, "1.2.3"))
            catch = polled(house)
            assert (catch.landed, catch.repeated) == (1, 1)
            assert sum("metadata" in one for one in asked[before:]) == 1
            assert "StudyDate=20260222-" in asked[before]
        finally:
            house.close()
    page = JSONResponse([{"0020000D": {"Value": ["1.2"]}}] * 2, media_type="application/dicom+json")
    for number, (odd, code) in enumerate(((Response(b"<html>", media_type="text/html"), "E872"), (page, "E845"))):
        with served(web({}, [], odd)) as url:
            house = wire_home(tmp_path / str(number), f"dicomweb+{url}/dicomweb", {"count": 2}, format="dicom")
            with pytest.raises(Fault) as told:
                polled(house)
            assert told.value.code == code
            house.close()


def test_the_librarys_own_files(tmp_path: Path) -> None:
    """pydicom's bundled files: every readable header read, every broken one quarantined, every element accounted for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run(tmp_path)
    assert result.failed == {}
    assert len(result.passed) > 40
