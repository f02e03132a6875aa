"""One release into the library: which bytes, read how, resumed where it broke off.

In: a kind, a path, a release name. Out: what was loaded with the digest of the files, for the ledger. The digest is over names and bytes of
the files in order, so a release that was tampered with is another release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trivet.data.vocabulary.items import Item
from trivet.data.vocabulary.layouts import LAYOUTS
from trivet.data.vocabulary.library import Library
from trivet.data.vocabulary.orderfile import orderfile
from trivet.data.vocabulary.resources import fhir
from trivet.data.vocabulary.shipped import icd10cm, icd10cm_digest
from trivet.kernel.errors import NotFound, Usage

__all__ = ["KINDS", "load"]

KINDS = (*sorted(LAYOUTS), "fhir", "icd10cm")
CHUNK = 1 << 20


def digest_of(paths: list[Path]) -> str:
    """One digest of files, by name and content, read once each."""
    made = hashlib.sha256()
    for path in paths:
        inner = hashlib.sha256()
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                inner.update(piece)
        made.update(f"{path.name} {inner.hexdigest()}\n".encode())
    return made.hexdigest()


def load(library: Library, kind: str, path: Path | None, release: str, at: str) -> dict[str, Any]:
    """Load a release. Usage for an unknown kind or layout, NotFound for a path that is not there."""
    files: list[Path] = []
    items: Iterator[Item]
    if kind == "icd10cm" and path is None:
        digest, named = icd10cm_digest()
        if release not in ("", named):
            why = f"the package that is installed holds {named}"
            raise Usage("E386", "what is to be loaded?", where=f"ICD-10-CM {release}", why=why, help="name the order file of that release")
        items, release, names = icd10cm(), named, ["simple-icd-10-cm"]
    else:
        if kind not in KINDS or path is None:
            raise Usage("E386", "what is to be loaded?", why="one of " + ", ".join(KINDS), help="trivet terminology load snomed FOLDER")
        if not path.exists():
            raise NotFound("E380", "a file of the release is missing", where=str(path), why="no such file or folder")
        files, items = (fhir if kind == "fhir" else orderfile if kind == "icd10cm" else LAYOUTS[kind])(path, release)
        digest, names = digest_of(files), [file.name for file in files]
    done = library.load(items, digest=digest, kind=kind, release=release, files=names, at=at)
    held = library.rows("editions_of", done.load)
    return {
        "kind": kind,
        "release": release,
        "digest": digest,
        "files": names,
        **done._asdict(),
        "editions": [{"system": system, "version": version, "concepts": concepts} for system, version, concepts in held],
    }
