"""DICOM: every readable header becomes records, every broken object is quarantined with its place, no element is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pydicom
import pytest

from trivet.contracts.profile import SourceProfile
from trivet.contracts.record import Translation
from trivet.integration.formats.dicom import DicomFormat
from trivet.testing.hospital import generate
from trivet.testing.hospital.writers.dicom import header, uid
from trivet.testing.kits.format import FormatKit, related

PROFILE = SourceProfile("radiology", "dicom", zone="America/Chicago", system="https://site.example/radiology")
FORM = DicomFormat()
BUNDLED = Path(pydicom.__file__).parent / "data"
FILES = sorted(path for folder in ("test_files", "charset_files") for path in (BUNDLED / folder).rglob("*") if path.is_file())
# Files of the package that are no Part 10 objects at all, or whose head is missing or broken on purpose.
BROKEN = {"ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "no_meta.dcm", "rtstruct.dcm"}


def film(**other: str) -> bytes:
    """One chest film."""
    said = {
        "study": "s1", "date": "20240105", "time": "083000", "offset": "-0600", "accession": "A1", "patient": "77", "name": "Ruiz^Ana^M",
        "born": "19610409", "sex": "F", "referrer": "Varga^Ines", "institution": "NORTH", "description": "CHEST 2 VIEWS",
    }  # fmt: skip
    return header(**{**said, **other})


def of(told: Translation, kind: str) -> list[dict[str, Any]]:
    """Resources of a type."""
    return [record.resource for record in told.records if record.resource["resourceType"] == kind]


def kit() -> FormatKit:
    """The format kit; text in another character set than UTF-8 is compared by pydicom's own tests, not here."""
    return FormatKit(FORM, PROFILE, lambda span, value, text: related(span, value, text) or "\ufffd" in text or "\x1b" in text)


def test_a_film_is_a_study_and_a_patient() -> None:
    """UIDs, times with their offset, names and numbers come out as they stand in the object."""
    ((_, told),) = kit().check(film())
    assert told.rejects == ()
    (patient,), (study,) = of(told, "Patient"), of(told, "ImagingStudy")
    assert patient["name"] == [{"family": "Ruiz", "given": ["Ana", "M"]}]
    assert (patient["birthDate"], patient["gender"]) == ("1961-04-09", "female")
    assert patient["identifier"][0]["value"] == "77"
    assert study["subject"] == {"reference": f"Patient/{patient['id']}"}
    assert study["identifier"][0] == {"value": f"urn:oid:{uid('s1')}", "system": "urn:dicom:uid"}
    assert study["started"] == "2024-01-05T08:30:00-06:00"
    assert study["modality"][0]["code"] == "DX"
    assert study["series"][0]["bodySite"]["display"] == "CHEST"
    assert study["referrer"]["display"] == "Varga Ines"
    assert study["identifier"][1]["value"] == "A1"
    assert {element.disposition for element in told.elements} <= {"mapped", "carried", "dropped"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_bundled_files(path: Path) -> None:
    """Every file that comes with pydicom keeps the kit; what pydicom reads gives an account, what it does not is one reject."""
    raw = path.read_bytes()
    for _, told in kit().check(raw):
        if raw[128:132] != b"DICM" or path.name in BROKEN:
            assert told.records == ()
            assert [reject.code for reject in told.rejects] == ["E253"]
        else:
            assert told.ignored or told.records or told.rejects[0].code in ("E255", "E256", "E257")


def test_private_elements_are_carried() -> None:
    """A private element stands in the study's extensions, byte for byte."""
    told = FORM.translate((BUNDLED / "test_files/CT_small.dcm").read_bytes(), PROFILE)
    (study,) = of(told, "ImagingStudy")
    kept = {one["url"].rpartition("/")[2]: one.get("valueString", one.get("valueBase64Binary")) for one in study["extension"]}
    assert kept["00090010"] == "GEMS_IDEN_01"
    assert {element.disposition for element in told.elements} <= {"mapped", "carried", "dropped", "uncovered"}


def test_a_report_keeps_its_text() -> None:
    """The text of a structured report is a document that names its study."""
    told = FORM.translate((BUNDLED / "test_files/reportsi.dcm").read_bytes(), PROFILE)
    (document,) = of(told, "DocumentReference")
    assert document["context"]["related"][0]["reference"] == f"ImagingStudy/{of(told, 'ImagingStudy')[0]['id']}"
    assert document["content"][0]["attachment"]["data"]


def test_instances_do_not_replace_each_other() -> None:
    """Two objects of one study have ids of their own and one study identifier; the same object twice has one id."""
    raw = film()
    other = raw.replace(uid("s1/1/1").encode(), uid("s1/1/2").encode()[: len(uid("s1/1/1"))].ljust(len(uid("s1/1/1")), b"0"))
    first, again, second = (of(FORM.translate(one, PROFILE), "ImagingStudy")[0] for one in (raw, film(), other))
    assert first["id"] == again["id"] != second["id"]
    assert first["identifier"][0] == second["identifier"][0]


@pytest.mark.parametrize(("change", "keyword"), [({"date": "20241399"}, "StudyDate"), ({"born": "1961-4-9"}, "PatientBirthDate")])
def test_a_bad_value_is_rejected_alone(change: dict[str, str], keyword: str) -> None:
    """A date that is none is rejected at its bytes; the study is there without it."""
    raw = film(**change)
    ((_, told),) = kit().check(raw)
    (reject,) = told.rejects
    assert reject.locator == keyword
    assert raw[reject.offset : reject.offset + reject.length].decode() == next(iter(change.values()))
    assert len(of(told, "ImagingStudy")) == 1


@pytest.mark.parametrize("cut", [0, 1, 131, 132, 150, 500, -3])
def test_what_breaks_off_is_quarantined(cut: int) -> None:
    """An object that ends too early gives no record, and a reject with a place inside it."""
    raw = film()[:cut]
    told = FORM.translate(raw, PROFILE)
    assert told.records == () or told.rejects
    if raw:
        assert told.rejects
        assert 0 <= told.rejects[0].offset <= len(raw)


def test_sample_hospital_films_convert() -> None:
    """Every film of the radiology feed gives a patient and a study, with nothing rejected or uncovered."""
    films = [item for item in generate(100, 5) if item.source == "radiology"]
    assert films
    for item in films:
        ((_, told),) = kit().check(item.payload)
        assert told.rejects == (), item.filename
        assert len(told.records) == 2
        assert "uncovered" not in {element.disposition for element in told.elements}


def test_random_damage() -> None:
    """Damaged objects: no exception, no lost byte, each element once, every span true."""
    kit().torture([film(), (BUNDLED / "test_files/reportsi.dcm").read_bytes()], rounds=150, seed=5)


@pytest.mark.long
def test_much_random_damage() -> None:
    """The same over many kinds of objects and for longer."""
    samples = [path.read_bytes() for path in FILES if path.stat().st_size < 20_000]
    for seed in range(8):
        kit().torture(samples, rounds=400, seed=seed)


def test_the_reader_is_loaded_late() -> None:
    """Naming the format does not load pydicom: commands that read no film do not pay for it."""
    code = "import sys, trivet.integration.formats.dicom; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
