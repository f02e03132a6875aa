"""Resources, DICOM objects, rule configurations and their targets of an anonymizer, run through ours by the same configurations."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from pathlib import Path

import pydicom

from trivet.contracts.suite import SuiteResult
from trivet.data.deid import Deidentifier, read_rules, shipped
from trivet.integration.formats.dicom.deidentify import DicomRules, Subject, deidentify_object, read_tag_rules, shipped_tag_rules
from trivet.kernel.jsontext import loads
from trivet.wiring.deidentify import r4
from trivet.wiring.suites.deidentified import Differences

__all__ = ["run"]

KEY = b"123"  # the keys that the configurations name
SHARED = "common-config"
CONFIGURATIONS = {
    "bundle-substitute": "substitute-multiple",
    "contained-substitute": "substitute-multiple",
    "patient-generalize": "generalize-patient-config",
    "patient-no-partial": "common-no-partial-config",
    "patient-substitute-complex": "substitute-complex",
    "patient-substitute-conflict-rules": "substitute-conflict-rules",
    "patient-substitute-multiple": "substitute-multiple",
    "patient-substitute-multiple-2": "substitute-multiple-2",
    "patient-substitute-primitive": "substitute-primitive",
}
OBJECTS = (("I341", "I341-newConfig", "newConfig"), ("privateTag", "privateTagRemoved", "privateTagConfig"))
BY_PROFILE = ("I341", "I290", "privateTag")  # made under a configuration that is not in the set
REDACTED = {
    "bundle": "bundle-basic",
    "contained-in-bundle": "contained-in-bundle",
    "contained": "contained-basic",
    "patient": "patient-basic",
}


def run(corpora: Path) -> SuiteResult:
    """Every pair of a resource and its target."""
    held = Differences(SuiteResult("deid-fhir-dicom"))
    shared = next((corpora / "deid-fhir-dicom" / "FHIR" / "src").glob("*.Shared.FunctionalTests"))
    resources, rules = shared / "TestResources", shared / "Configurations"

    def read(path: Path) -> dict[str, object]:
        found: dict[str, object] = loads(path.read_bytes().decode("utf-8-sig"))
        return found

    def hold(case: str, given: Path, target: Path, configuration: str) -> None:
        run = Deidentifier(read_rules(rules / f"{configuration}.json"), r4(), KEY, 2026)
        held.hold(case, read(target), run(read(given)).resource)

    for target in sorted(resources.glob("*-target.json")):
        case = target.stem.removesuffix("-target")
        if case.endswith("-redact-all"):
            hold(case, resources / f"{REDACTED[case.removesuffix('-redact-all')]}.json", target, "redact-all-config")
        elif (resources / f"{case}.json").is_file():
            hold(case, resources / f"{case}.json", target, CONFIGURATIONS.get(case, SHARED))
    for empty in sorted(resources.glob("*-empty.json")):
        hold(empty.stem, empty, empty, "redact-all-config")
    own = Deidentifier(shipped("shifted"), r4(), KEY, 2026)
    for target in sorted((resources / "R4OnlyResource").glob("*-target.json")):
        given = target.with_name(target.name.replace("-target", ""))
        held.hold(f"R4OnlyResource/{given.stem}", read(target), own(read(given)).resource)
    objects(corpora, held)
    return held.finish()


def objects(corpora: Path, held: Differences) -> None:
    """Every pair of a DICOM object and its target."""
    folder = next((corpora / "deid-fhir-dicom" / "DICOM" / "src").iterdir())

    def hold(case: str, given: str, target: str, rules: DicomRules) -> None:
        out, _ = deidentify_object((folder / "DicomFiles" / f"{given}.dcm").read_bytes(), rules, Subject(KEY, dates="shift"))
        held.compare(f"DICOM/{case}", elements((folder / "DicomResults" / f"{target}.dcm").read_bytes()), elements(out))

    for given, target, configuration in OBJECTS:
        path = folder / "TestConfigs" / f"{configuration}.json"
        hold(target, given, target, read_tag_rules(path.read_text("utf-8-sig"), path.name))
    for given in BY_PROFILE:
        hold(f"{given}-by-profile", given, given, shipped_tag_rules())


def elements(raw: bytes) -> Counter[tuple[str, str]]:
    """Every data element of an object as (tag, value), the inside of sequences with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.dcmread(io.BytesIO(raw))
        return Counter((str(element.tag), str(data[element.tag].to_json_dict(None, 0).get("Value", ""))) for element in data)
