"""What the sample hospital delivers is what its formats demand; the planted faults are where the truth says."""

from __future__ import annotations

import csv
import io
import json
import tomllib
import xml.etree.ElementTree as ET
from collections import defaultdict
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pydicom
import pytest

from trivet.contracts.profile import SourceProfile
from trivet.data.terminology import CodeMap
from trivet.data.units import Aliases
from trivet.integration.formats.fhir.format import FhirFormat
from trivet.integration.formats.hl7v2.format import Hl7v2Format
from trivet.integration.formats.table import TableFormat
from trivet.integration.formats.x12.format import X12Format
from trivet.kernel import resources
from trivet.kernel.clock import parse_instant
from trivet.testing.hospital import Delivery, generate
from trivet.testing.hospital.chart import SOURCES
from trivet.testing.hospital.tables import load, rows
from trivet.wiring.settings import FILE, read_settings

PACKAGE = "trivet.testing.hospital"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Delivery], list[dict[str, Any]]]:
    """A hospital of 150 persons: deliveries and truth."""
    folder = tmp_path_factory.mktemp("truth")
    deliveries = list(generate(150, 11, out=folder))
    return deliveries, [json.loads(line) for line in (folder / "truth.ndjson").read_text().splitlines()]


def of(hospital: tuple[list[Delivery], list[dict[str, Any]]], source: str) -> list[Delivery]:
    """The deliveries of one source."""
    return [item for item in hospital[0] if item.source == source]


def profile(source: str) -> SourceProfile:
    """The profile of a feed, as the site's settings give it."""
    entry = tomllib.loads(resources.text(PACKAGE, "site", "sources.toml"))["sources"][source]
    return SourceProfile(
        source, entry["format"], entry["zone"], entry["system"], table=entry.get("table", ""), options=entry.get("options", {})
    )


def planted(hospital: tuple[list[Delivery], list[dict[str, Any]]], *kinds: str) -> set[tuple[str, str]]:
    """Source and file of the planted faults of some kinds."""
    return {(fault["where"]["source"], fault["where"]["filename"]) for fault in hospital[1] if fault["kind"] in kinds}


@pytest.mark.parametrize("source", ["adt", "lab", "lab_b", "vitals"])
def test_hl7_messages_translate_where_nothing_was_planted(hospital: tuple[list[Delivery], list[dict[str, Any]]], source: str) -> None:
    """Every message without a planted defect gives records and no rejects through the house's own HL7 v2 format."""
    damaged = planted(hospital, "truncated", "bad_date", "not_a_number")
    format_, feed = Hl7v2Format(), profile(source)
    for item in of(hospital, source)[:400]:
        for unit in format_.split(item.payload):
            translated = format_.translate(unit.raw, feed)
            assert translated.records, item.filename
            assert translated.rejects == () or (source, item.filename) in damaged, (item.filename, translated.rejects)


def test_bad_values_are_rejected_with_their_place(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """A planted NM that is no number is rejected by the format, at an OBX-5."""
    format_ = Hl7v2Format()
    names = planted(hospital, "not_a_number")
    assert names
    for item in hospital[0]:
        if (item.source, item.filename) in names:
            rejects = [
                reject for unit in format_.split(item.payload) for reject in format_.translate(unit.raw, profile(item.source)).rejects
            ]
            assert any(reject.locator.startswith("OBX[") and "-5" in reject.locator for reject in rejects)


def test_fhir_exports_translate(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """Bundles and NDJSON go through the house's FHIR format without a reject, and every resource is about a known person."""
    format_, feed, kinds = FhirFormat(), profile("ehr"), defaultdict(int)
    for item in of(hospital, "ehr"):
        for unit in format_.split(item.payload):
            translated = format_.translate(unit.raw, feed)
            assert not translated.rejects, (item.filename, translated.rejects)
            for record in translated.records:
                kinds[record.resource["resourceType"]] += 1
    assert {"Patient", "Condition", "MedicationRequest", "Observation", "Encounter"} <= set(kinds)
    assert kinds["Patient"] <= 150


def test_decimals_keep_their_zeros(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """A weight of 82.50 kg is delivered with both digits."""
    text = b"".join(item.payload for item in of(hospital, "ehr"))
    assert b'"value":' in text
    assert any(f".{digit}0," in text.decode() for digit in range(1, 10))


def test_documents_and_films_are_readable(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """C-CDA documents are well-formed with a birth time, and films are DICOM objects that pydicom reads."""
    papers = of(hospital, "practice")
    assert papers
    for item in papers:
        root = ET.fromstring(item.payload)
        assert root.find(".//{urn:hl7-org:v3}birthTime") is not None
    for item in of(hospital, "radiology"):
        film = pydicom.dcmread(io.BytesIO(item.payload))
        assert film.AccessionNumber in item.filename
        assert "PixelData" not in film


def segments(payload: bytes) -> list[list[str]]:
    """X12 segments as elements."""
    return [part.strip().split("*") for part in payload.decode().split("~") if part.strip()]


def test_claims_add_up(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """In every 837 the segment count is right and each claim's charge is the sum of its lines."""
    for item in of(hospital, "billing"):
        parts = segments(item.payload)
        inside = parts[next(i for i, part in enumerate(parts) if part[0] == "ST") :]
        assert int(inside[[part[0] for part in inside].index("SE")][1]) == [part[0] for part in inside].index("SE") + 1
        claimed, lines = Decimal(0), Decimal(0)
        for part in parts:
            claimed += Decimal(part[2]) if part[0] == "CLM" else 0
            lines += Decimal(part[3]) if part[0] == "SV2" else 0
        assert claimed == lines


def test_remittances_balance_where_nothing_was_planted(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """Each claim payment is its charge less its adjustments, each file's total the sum of its payments: but for the planted ones."""
    crooked = planted(hospital, "remit_unbalanced")
    assert crooked
    for item in of(hospital, "payer"):
        parts = segments(item.payload)
        paid = charge = off = Decimal(0)
        for part in parts:
            if part[0] == "CLP":
                paid, charge = paid + Decimal(part[4]), charge + Decimal(part[3])
            off += Decimal(part[3]) if part[0] == "CAS" else 0
        assert charge - off == paid
        balanced = Decimal(next(part[2] for part in parts if part[0] == "BPR")) == paid
        assert balanced is (("payer", item.filename) not in crooked)


def test_prices_reconcile_where_nothing_was_planted(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """The charge in a remittance is the charge of its claim, but for the planted ones."""
    claimed = {part[1]: part[2] for item in of(hospital, "billing") for part in segments(item.payload) if part[0] == "CLM"}
    wrong = {fault["detail"]["claim"] for fault in hospital[1] if fault["kind"] == "price_mismatch"}
    answered = {part[1]: part[3] for item in of(hospital, "payer") for part in segments(item.payload) if part[0] == "CLP"}
    assert answered
    assert {key for key, charge in answered.items() if claimed[key] != charge} == wrong


def test_tables_have_their_columns(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """Every CSV file has its header and rows of the same width; the planted row numbers exist."""
    for source in ("beds", "staffing", "appointments"):
        files = of(hospital, source)
        assert files
        widths = {len(row) for item in files for row in csv.reader(io.StringIO(item.payload.decode()))}
        assert len(widths) == 1


@pytest.mark.parametrize("source", ["beds", "staffing", "appointments"])
def test_tables_translate_by_the_sites_maps(hospital: tuple[list[Delivery], list[dict[str, Any]]], source: str) -> None:
    """Rows become records by `site/tables`, none rejected, every cell accounted for."""
    format_, feed, made = TableFormat(str(Path(str(files(PACKAGE))) / "site/tables")), profile(source), 0
    for item in of(hospital, source):
        for unit in format_.split(item.payload):
            translated = format_.translate(unit.raw, feed)
            assert not translated.rejects, (item.filename, translated.rejects)
            assert {element.disposition for element in translated.elements} <= {"mapped", "carried", "dropped"}
            made += len(translated.records)
    assert made


@pytest.mark.parametrize("source", ["billing", "payer"])
def test_x12_translates_and_the_crooked_files_are_noticed(hospital: tuple[list[Delivery], list[dict[str, Any]]], source: str) -> None:
    """Claims and remittances go through the house's X12 format without a reject; exactly the planted files are noticed as unbalanced."""
    format_, feed, noticed = X12Format(), profile(source), set()
    for item in of(hospital, source):
        for unit in format_.split(item.payload):
            translated = format_.translate(unit.raw, feed)
            assert not translated.rejects, (item.filename, translated.rejects)
            noticed |= {(source, item.filename) for notice in translated.notices if notice.kind == "unbalanced"}
    assert noticed == {place for place in planted(hospital, "remit_unbalanced") if place[0] == source}


def test_the_silent_feed_is_the_only_silent_one(hospital: tuple[list[Delivery], list[dict[str, Any]]]) -> None:
    """At today, laboratory B has kept quiet for longer than its interval, and no other feed has."""
    entries = tomllib.loads(resources.text(PACKAGE, "site", "sources.toml"))["sources"]
    size = {"h": 3600, "d": 86400}
    now = parse_instant("2026-06-30T12:00:00Z")
    last = {item.source: parse_instant(item.at) for item in hospital[0]}
    silent = {
        name
        for name, entry in entries.items()
        if "expected_every" in entry
        and (now - last[name]).total_seconds() > int(entry["expected_every"][:-1]) * size[entry["expected_every"][-1]]
    }
    assert silent == {"lab_b"}


def test_the_overlay_is_what_the_house_reads(tmp_path: Path) -> None:
    """sources.toml goes into trivet.toml as it is, terminology.csv and units.csv are accepted by the data room's own readers."""
    (tmp_path / FILE).write_text('[site]\nid = "smh"\nzone = "America/Chicago"\n\n' + resources.text(PACKAGE, "site", "sources.toml"))
    settings = read_settings(tmp_path)
    assert {name: source.format for name, source in settings.sources.items()} == SOURCES
    assert {name for name, source in settings.sources.items() if not source.documented} == {"lab_b", "appointments"}
    codes = CodeMap(resources.text(PACKAGE, "site", "terminology.csv"))
    found = codes.find("lab", "https://southmere.example/lab", "https://southmere.example/codes/lab", "CREA")
    assert found is not None
    assert found.code == "2160-0"
    units = Aliases(resources.text(PACKAGE, "site", "units.csv"))
    for lab in load().labs:
        assert units.find(lab.a_unit) is not None, lab.a_unit
        assert units.find(lab.b_unit) is not None, lab.b_unit


@pytest.mark.parametrize("name", resources.listing(PACKAGE, "tables", ".csv"))
def test_every_row_cites_its_source(name: str) -> None:
    """No figure without a source: every row of every table says where it comes from."""
    table = rows(name)
    assert table
    assert all(row["source"].strip() for row in table)


@pytest.mark.parametrize("name", resources.listing(PACKAGE, "tables", ".toml"))
def test_every_parameter_table_cites_its_source(name: str) -> None:
    """The same for parameters and fault rates."""
    for table in tomllib.loads(resources.text(PACKAGE, "tables", name)).values():
        assert table["source"]
