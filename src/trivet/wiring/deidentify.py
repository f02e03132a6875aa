"""Files of FHIR resources and DICOM objects to files without their persons, with a report of what was done and who is exposed.

In: JSON, NDJSON or DICOM files and a policy. Out: one file for each input, `report.json`, `rejects.ndjson`. What is no resource or
object is rejected alone. Memory holds one resource and, for the report, one short tuple for each person.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

from trivet.data.deid import Deidentifier, Exposure, RuleSet, read_rules, shipped
from trivet.integration.formats.dicom.deidentify import Subject, deidentify_object, shipped_tag_rules
from trivet.integration.formats.dicom.header import BadDicom
from trivet.kernel import jsontext
from trivet.kernel.errors import Rejected, Usage
from trivet.kernel.fhirpath import Types
from trivet.kernel.resources import text

__all__ = ["deidentify", "make_key", "r4", "read_key"]

SHORTEST = 16  # bytes of a key
DICOM_DATES = {"shifted": "shift", "limited": "keep"}  # any other policy takes dates out of DICOM objects


@cache
def r4() -> Types:
    """FHIR R4's element types."""
    return Types(csv.DictReader(io.StringIO(text("trivet.maps", "fhir", "elements.csv"))))


def make_key(path: Path) -> None:
    """A new key that only its owner can read. Usage E704 when the file is there already: an old key is never written over."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Usage("E704", "the key cannot be made", where=str(path), why=error.strerror or "", help="name another file") from None
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(32))


def read_key(path: Path) -> bytes:
    """The bytes of a key. Usage E704 for one that others can read, or that is too short to be one."""
    try:
        if path.stat().st_mode & 0o077:
            raise Usage("E704", "the key can be read by others", where=str(path), help=f"chmod 600 {path}")
        key = path.read_bytes()
    except OSError as error:
        raise Usage("E704", "the key cannot be read", where=str(path), why=error.strerror or "", help="--new-key FILE") from None
    if len(key) < SHORTEST:
        raise Usage("E704", "the key is too short", where=str(path), why=f"it needs {SHORTEST} bytes or more", help="--new-key FILE")
    return key


def rules_of(policy: str, path: Path | None) -> RuleSet:
    """The rules of a run: a file's, or one of our own policies."""
    return read_rules(path) if path else shipped(policy)


def deidentify(
    paths: Iterable[Path], out: Path, policy: str, rules: Path | None, key: bytes, today: int, *, pixels: bool = False
) -> dict[str, Any]:
    """Do it; gives the report. `today` is the year in which ages are told, `pixels` keeps those of DICOM objects.

    Usage E705 for a folder that holds something already.
    """
    chosen = rules_of(policy, rules)
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise Usage("E705", "the folder for the result is not empty", where=str(out), help="name another folder")
    run = Deidentifier(chosen, r4(), key, today)
    exposure, counts, kinds, rejects = Exposure(), Counter[str](), Counter[str](), 0
    with (out / "rejects.ndjson").open("wb") as refused:
        for number, path in enumerate(sorted(inputs(paths)), 1):
            if is_dicom(path):
                rejects += one_object(path, number, out, Subject(key, DICOM_DATES.get(chosen.name, "remove"), pixels), refused, kinds)
                continue
            with (out / f"{number:04d}.ndjson").open("wb") as target:
                for resource in resources(path, number, refused):
                    if isinstance(resource, Rejected):
                        rejects += 1
                        continue
                    done = run(resource)
                    target.write(jsontext.dumps(done.resource) + b"\n")
                    kinds[str(done.resource["resourceType"])] += 1
                    counts += done.counts
                    exposure.see(done.resource)
    report = {
        "policy": chosen.name,
        "closed": chosen.closed,
        "resources": dict(sorted(kinds.items())),
        "rejects": rejects,
        "rules": [
            {"path": rule.path, "method": rule.method, "class": rule.identifier_class, "why": rule.why, "times": counts[rule.path]}
            for rule in chosen.rules
        ],
        "taken_out_by_no_rule": counts["(no rule)"],
        "exposure": exposure.report(),
    }
    (out / "report.json").write_bytes(jsontext.dumps(report))
    return report


def is_dicom(path: Path) -> bool:
    """Does a file begin as a DICOM Part 10 object does?"""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def one_object(path: Path, number: int, out: Path, subject: Subject, refused: IO[bytes], kinds: Counter[str]) -> int:
    """One DICOM object by our table of tags; 1 when it was rejected."""
    try:
        made, _ = deidentify_object(path.read_bytes(), shipped_tag_rules(), subject)
    except BadDicom as bad:
        refused.write(
            jsontext.dumps({"input": number, "line": 0, "offset": bad.offset, "length": 0, "code": bad.code, "reason": bad.why}) + b"\n"
        )
        return 1
    (out / f"{number:04d}.dcm").write_bytes(made)
    kinds["DICOM object"] += 1
    return 0


def inputs(paths: Iterable[Path]) -> Iterator[Path]:
    """The files, and those of folders. Their names are not carried on: files are named after patients."""
    for path in paths:
        if path.is_dir():
            yield from (found for found in path.rglob("*") if found.suffix in (".json", ".ndjson", ".jsonl", ".dcm"))
        else:
            yield path


def resources(path: Path, number: int, refused: IO[bytes]) -> Iterator[dict[str, Any] | Rejected]:
    """Each resource of a file; what is none is written down with its place, without its content."""
    with path.open("rb") as file:
        pieces = enumerate(file, 1) if path.suffix != ".json" else iter([(1, file.read())])
        at = 0
        for line, raw in pieces:
            if raw.strip():
                found = resource_of(raw, at)
                if isinstance(found, Rejected):
                    row = {"input": number, "line": line, "offset": at, "length": len(raw), "code": found.code, "reason": found.reason}
                    refused.write(jsontext.dumps(row) + b"\n")
                yield found
            at += len(raw)


def resource_of(raw: bytes, at: int) -> dict[str, Any] | Rejected:
    """The resource that stands in some bytes."""
    try:
        held = jsontext.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return Rejected("E706", "not JSON", offset=at, length=len(raw))
    if not isinstance(held, dict) or not isinstance(held.get("resourceType"), str) or not r4().known(held["resourceType"]):
        return Rejected("E706", "no FHIR R4 resource", offset=at, length=len(raw))
    return held
