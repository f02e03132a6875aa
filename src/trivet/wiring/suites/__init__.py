"""External conformance suites: one module each, offering `run(corpora: Path) -> SuiteResult`. Named here, loaded when called."""

from __future__ import annotations

import csv
import importlib
import io
from pathlib import Path

from trivet.contracts.suite import SuiteResult
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import text

__all__ = ["SUITES", "exclusions", "run"]

SUITES: dict[str, str] = {
    # suite (the folder's name in the corpora): module of this package
    "fhirpath-r4": "fhirpath_r4",
    "merkle-proofs": "merkle_proofs",
    "canonical-json": "canonical_json",
    "signature-vectors": "signature_vectors",
    "sql-on-fhir-v2": "sql_on_fhir_v2",
    "ucum": "ucum",
    "omop-fhir-omop-ig": "omop_fhir_omop_ig",
    "omop-fhir2omop-cases": "omop_fhir2omop_cases",
    "record-linkage": "record_linkage",
    "hl7v2-fhir-mapping-inventory": "hl7v2_fhir_mapping_inventory",
    "hl7v2-and-ccda-to-fhir-pairs": "hl7v2_and_ccda_to_fhir_pairs",
    "hl7v2-simulated-stream": "hl7v2_simulated_stream",
    "hl7-v2-to-fhir-official-maps": "hl7_v2_to_fhir_official_maps",
    "ccda-one-patient-40-ehrs": "ccda_one_patient_40_ehrs",
    "x12": "x12",
    "interface-engine-exports": "interface_engine_exports",
    "deid-fhir-dicom": "deid_fhir_dicom",
    "fhir-deid-etl-expected": "fhir_deid_etl_expected",
    "fhir-validation-r4": "fhir_validation_r4",
    "pydicom-files": "pydicom_files",
}
SHIPPED = ("pydicom-files",)  # their data come with an installed package


def exclusions(suite: str) -> dict[str, str]:
    """Case -> reason, as `maps/conformance/exclusions.csv` lists them."""
    rows = csv.DictReader(io.StringIO(text("trivet.maps", "conformance", "exclusions.csv")))
    return {row["id"]: row["reason"] for row in rows if row["suite"] == suite}


def run(suite: str, corpora: Path) -> SuiteResult:
    """Run one suite over the folder that holds the corpora. NotFound for an unknown suite or a folder that is not there."""
    if suite not in SUITES:
        raise NotFound("E501", f"no suite named {suite}", why="known suites: " + ", ".join(SUITES), help="trivet conform --list")
    if suite not in SHIPPED and not (corpora / suite).is_dir():
        raise NotFound("E502", f"no data for {suite}", where=str(corpora / suite), help="trivet conform SUITE --corpora DIR")
    result: SuiteResult = importlib.import_module(f"trivet.wiring.suites.{SUITES[suite]}").run(corpora)
    return result.exclude(exclusions(suite))
