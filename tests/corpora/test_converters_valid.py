"""What the converters make is FHIR R4 by our own validator: no error in any record of any file that others wrote.

Resources that came in as FHIR are kept as they are, so for those the measure is the input: what is valid coming in is valid going out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.ccda import CcdaFormat
from trivet.integration.formats.dicom import DicomFormat
from trivet.integration.formats.fhir import FhirFormat
from trivet.integration.formats.table import TableFormat
from trivet.integration.formats.x12 import X12Format
from trivet.integration.validation import Validator
from trivet.kernel import jsontext
from trivet.wiring.suites.x12 import files

pytestmark = [pytest.mark.corpora, pytest.mark.long]
BUNDLED = Path(pydicom.__file__).parent / "data"


def made(form: Any, profile: SourceProfile, raws: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Every record of every unit."""
    for raw in raws:
        for unit in form.split(raw):
            for record in form.translate(unit.raw, profile).records:
                yield record.resource


def errors(resources: Iterable[dict[str, Any]]) -> tuple[int, Counter[str]]:
    """How many were judged, and the errors by type, rule and element."""
    judge, count, found = Validator(), 0, Counter[str]()
    for resource in resources:
        count += 1
        found.update(f"{one.rule} {one.expression}: {one.message}" for one in judge.value(resource) if one.is_error)
    return count, found


def test_records_of_documents(corpora: Path) -> None:
    """C-CDA, both sets."""
    paths = [*(corpora / "ccda-one-patient-40-ehrs").rglob("*.xml")]
    paths += (corpora / "hl7v2-and-ccda-to-fhir-pairs/data/SampleData/Ccda").glob("*.ccda")
    raws = (path.read_bytes() for path in paths)
    count, found = errors(made(CcdaFormat(), SourceProfile("ehr", "ccda", zone="America/New_York"), raws))
    assert found == {}
    assert count > 1_000


def test_records_of_payer_transactions(corpora: Path) -> None:
    """X12, valid files and faulty ones."""
    count, found = errors(made(X12Format(), SourceProfile("payer", "x12"), (raw for _, raw in files(corpora / "x12"))))
    assert found == {}
    assert count > 4_000


def test_records_of_tables(corpora: Path) -> None:
    """The CSV files of Synthea by the shipped map."""
    folder = corpora / "synthea-csv-27-patients/seeds/synthea"
    raws = (path.read_bytes() for path in sorted(folder.glob("*.csv")))
    count, found = errors(made(TableFormat(), SourceProfile("synthea", "csv", table="synthea"), raws))
    assert found == {}
    assert count > 5_000


def test_records_of_headers() -> None:
    """DICOM, every file that comes with pydicom."""
    paths = sorted(path for folder in ("test_files", "charset_files") for path in (BUNDLED / folder).rglob("*") if path.is_file())
    raws = (path.read_bytes() for path in paths)
    count, found = errors(made(DicomFormat(), SourceProfile("radiology", "dicom", zone="America/Chicago"), raws))
    assert found == {}
    assert count > 100


def test_records_of_bundles(corpora: Path) -> None:
    """FHIR: a resource that is valid in its bundle is valid as a record; none of Synthea's gains an error on its way."""
    form, profile, count = FhirFormat(), SourceProfile("synthea", "fhir"), 0
    for path in sorted((corpora / "synthea-fhir-r4-bundles").rglob("*.json")):
        raw = path.read_bytes()
        resources = [entry["resource"] for entry in jsontext.loads(raw)["entry"]]
        came, (kept, gone) = errors(resources), errors(made(form, profile, [raw]))
        count += kept
        assert kept >= came[0]
        assert sum(gone.values()) <= sum(came[1].values()), gone
    assert count > 400
