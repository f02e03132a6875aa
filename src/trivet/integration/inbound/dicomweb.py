"""DICOMweb (PS3.18), asked: QIDO-RS finds studies since a day, WADO-RS tells the metadata of those that are new or grew.

In: a server, a bookmark. Out: hauls of one study, each instance as a Part 10 header made of its DICOM JSON, whose digest stands in the
file meta; so one translator reads what comes by every way. No pixels are asked for. QIDO knows no "changed since": the watermark is the
newest study's day less an overlap, and a study in that window is asked for again when its numbers of series and instances changed.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec
import pydicom
from pydicom import config as pydicom_config
from pydicom.dataset import Dataset, FileMetaDataset

from trivet.contracts.source import Event, Haul, Memory, Message, Setting, Wire
from trivet.integration.formats.dicom.header import ERRORS
from trivet.integration.inbound import fetch, smart
from trivet.integration.inbound.dicom import with_note
from trivet.integration.inbound.fetch import Answer, Fetcher
from trivet.integration.inbound.fhir_rest import base_of, told
from trivet.kernel import jsontext
from trivet.kernel.digest import sha256
from trivet.kernel.errors import Fault

__all__ = ["DicomWeb", "part10"]

ACCEPT = "application/dicom+json"
EXPLICIT = "1.2.840.10008.1.2.1"
KINDS = ("application/dicom+json", "application/json")
STUDY, DAY, SERIES, INSTANCES = "0020000D", "00080020", "00201206", "00201208"


class DicomWeb:
    """`contracts.source.Source` for `dicomweb+https://HOST/BASE`."""

    settings: ClassVar[Mapping[str, Setting]] = {
        "since": Setting("text", "", "the first day of the first poll (YYYYMMDD); everything, if not given"),
        "overlap": Setting("span", 7 * 86_400, "how far behind the newest study a poll begins: for studies that come late, or grow"),
        "count": Setting("whole", 100, "studies on a page (`limit`)"),
        "parameters": Setting("table", {}, "more search parameters, such as ModalitiesInStudy = \"CT\""),
        **fetch.SETTINGS,
        **smart.SETTINGS,
    }  # fmt: skip

    def __init__(self, wire: Wire) -> None:
        self.wire, self.asked = wire, wire.settings
        base = base_of(wire.door)
        self.server = Fetcher(base, fetch.limits(self.asked), now=wire.now, sleep=wire.sleep, bearer=smart.bearer(wire, base))

    def probe(self) -> str:
        """One study, or none."""
        return f"QIDO-RS answers, {'studies' if self.read(self.server.get(f'{self.server.base}/studies?limit=1', ACCEPT)) else 'no study'}"

    def pull(self, memory: Memory) -> Iterator[Haul]:
        """Studies in pages; the metadata of each that is new or grew."""
        since = memory.bookmark().get("since", self.asked["since"])
        offset, newest, seen = 0, "", set[str]()
        while True:
            asked = {**self.asked["parameters"], **({"StudyDate": f"{since}-"} if since else {})}
            asked |= {"limit": str(self.asked["count"]), "offset": str(offset)}
            page = self.read(self.server.get(f"{self.server.base}/studies?{urlencode(asked)}", ACCEPT))
            studies = [(first(study, STUDY), study) for study in page]
            fresh = [(uid, study) for uid, study in studies if uid and uid not in seen]
            if studies and not fresh:
                raise Fault("E845", "the server's pages go round", where=self.server.host, why="the same studies come again")
            for uid, study in fresh:
                seen.add(uid)
                newest = max(newest, first(study, DAY))
                yield from self.study(memory, uid, f"{first(study, SERIES)}/{first(study, INSTANCES)}")
            offset += len(page)
            if len(page) < self.asked["count"]:
                break
        yield Haul(bookmark={"since": self.later(since, newest)})

    def later(self, since: str, newest: str) -> str:
        """The next watermark: the newest day that is not in the future, less the overlap, never before the last one."""
        try:
            day = min(datetime.strptime(newest, "%Y%m%d"), datetime.fromtimestamp(self.wire.now()))  # noqa: DTZ006, DTZ007
        except ValueError:
            return since
        return max(since, (day - timedelta(seconds=self.asked["overlap"])).strftime("%Y%m%d"))

    def study(self, memory: Memory, uid: str, mark: str) -> Iterator[Haul]:
        """The instances of a study whose numbers changed; of every one where the server does not count."""
        name = memory.name(uid)
        if mark != "/" and memory.known([name]).get(name, ("",))[0] == mark:
            return
        answer = self.server.get(f"{self.server.base}/studies/{quote(uid)}/metadata", ACCEPT)
        if answer.status in (404, 410):  # it went between the search and now: nothing can be had of it, and the others go on
            yield Haul(events=(Event("study-gone", {"about": "metadata"}),), names=((name, mark),))
            return
        messages = [Message(part10(raw), "dicom", f"dicomweb:{self.server.host}") for raw in self.raws(answer)]
        yield Haul(messages=messages, names=((name, mark),))

    def raws(self, answer: Answer) -> list[bytes]:
        """The JSON objects of an answer, byte for byte."""
        self.read(answer)
        return [bytes(raw).strip() for raw in msgspec.json.decode(answer.body, type=list[msgspec.Raw])] if answer.body.strip() else []

    def read(self, answer: Answer) -> list[dict[str, Any]]:
        """The objects of an answer."""
        if answer.status == 204 or (answer.status == 200 and not answer.body.strip()):
            return []
        if answer.status != 200:
            raise told(answer, self.server.host, "DICOMweb")
        try:
            found = jsontext.loads(answer.body) if answer.kind in KINDS else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise Fault("E872", "the answer is not DICOM JSON", where=self.server.host, why="expected a list of objects")
        return found


def first(found: dict[str, Any], tag: str) -> str:
    """The first value of an element of DICOM JSON, as text."""
    element = found.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""


def part10(raw: bytes) -> bytes:
    """A Part 10 header out of one instance's DICOM JSON (PS3.18 annex F); the JSON itself where none can be made, to be quarantined."""
    try:
        with pydicom_config.disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library quotes values in its warnings
            data = Dataset.from_json(raw.decode("utf-8"), bulk_data_uri_handler=lambda *_: None)
            for group in (0x0002, 0x7FE0):
                for tag in [element.tag for element in data if element.tag.group == group]:
                    del data[tag]
            data.SpecificCharacterSet = "ISO_IR 192"
            meta = FileMetaDataset()
            meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
            meta.TransferSyntaxUID = EXPLICIT
            meta.ImplementationClassUID = pydicom.uid.PYDICOM_IMPLEMENTATION_UID
            head = with_note(meta, f"dicomweb json bytes={len(raw)} sha256={sha256(raw)}")
            out = io.BytesIO()
            pydicom.dcmwrite(out, data, implicit_vr=False, little_endian=True, enforce_file_format=False)
            return head + out.getvalue()
    except ERRORS:
        return raw
