"""Suite pydicom-files: the objects that ship with pydicom. Each is read, or quarantined with its place; every element of it is accounted
for, and every lineage span says what it claims. The library itself is the judge of what can be read.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pydicom

from trivet.contracts.profile import SourceProfile
from trivet.contracts.suite import SuiteResult
from trivet.integration.formats.dicom import DicomFormat
from trivet.integration.formats.dicom.header import ERRORS
from trivet.testing.kits.format import FormatKit

__all__ = ["run"]

SUITE = "pydicom-files"
BROKEN = {"E253", "E254", "E255"}
PROFILE = SourceProfile("pydicom", zone="Europe/London")


def files() -> list[Path]:
    """Files that ship inside the installed package: nothing is downloaded."""
    folder = Path(pydicom.__file__).parent / "data"
    every = [path for name in ("test_files", "charset_files") for path in sorted((folder / name).rglob("*"))]
    return [path for path in every if path.is_file() and path.suffix not in (".py", ".pyc")]


def readable(path: Path) -> bool:
    """Does the library read the header, without being forced?"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(len(pydicom.dcmread(path, stop_before_pixels=True)))
        except ERRORS:
            return False


def run(corpora: Path) -> SuiteResult:
    """Every file: what the library reads must give records, what it does not must be a reject with its place."""
    logging.getLogger("pydicom").disabled = True
    result, format = SuiteResult(SUITE), DicomFormat()
    kit = FormatKit(format, PROFILE, related=lambda span, value, text: True)
    counts: dict[str, int] = {"read": 0, "without a study": 0, "quarantined": 0, "ignored": 0}
    for path in files():
        raw, name = path.read_bytes(), path.name if path.name not in result.passed else str(path.parent.name) + "/" + path.name
        try:
            told: list[Any] = [one for _, one in kit.check(raw)]
        except AssertionError as wrong:
            result.failed[name] = str(wrong)[:200]
            continue
        codes = {reject.code for one in told for reject in one.rejects}
        records, ignored = sum(len(one.records) for one in told), any(one.ignored for one in told)
        state = "read" if records else "ignored" if ignored else "quarantined" if codes & BROKEN else "without a study"
        counts[state] += 1
        cut_off = "truncated" in name and "E255" in codes  # the library takes what is left; here an object that breaks off is not taken
        if readable(path) == bool(codes & BROKEN) and not cut_off:
            result.failed[name] = f"the library {'reads it' if readable(path) else 'does not read it'}; here: {state}, {sorted(codes)}"
        else:
            result.passed.append(name)
    result.measures = dict(counts)
    return result
