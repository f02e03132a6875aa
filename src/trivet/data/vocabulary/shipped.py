"""What may be shipped, as items of a load: HL7's code systems and value sets of our tables, and ICD-10-CM from an installed package.

ICD-10-CM comes from `simple-icd-10-cm` (code MIT; the classification is a work of the United States government), the optional part
`icd10cm` of this distribution; its data are one release, named in the answers. Refused: ICD-10-CM when the package is not installed.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from xml.etree import ElementTree

from trivet.data.vocabulary.items import Edge, Edition, Entry, Item, Property, Term, ValueSet
from trivet.kernel import jsontext
from trivet.kernel.digest import sha256
from trivet.kernel.errors import NotFound
from trivet.kernel.resources import text

__all__ = ["ICD10CM", "digest_of_tables", "icd10cm", "icd10cm_digest", "shipped", "ucum_version"]

ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
TABLES = ("codesystems.csv", "codes.csv", "bindings.csv")
RELEASE = "4.0.1"


@cache
def ucum_version() -> str:
    """The version that the shipped `ucum-essence.xml` says of itself."""
    root = ElementTree.fromstring(text("trivet.maps", "units", "ucum-essence.xml"))  # noqa: S314  shipped with the package
    return root.get("version", "")


def digest_of_tables() -> str:
    """Digest of the tables that `shipped` reads."""
    return sha256("".join(text("trivet.maps", "fhir", name) for name in TABLES).encode())


def edition_name(system: str) -> str:
    """The version of a shipped system: FHIR's own systems have FHIR's version, the others are those published with it."""
    return RELEASE if system.startswith("http://hl7.org/fhir/") else f"as published with FHIR {RELEASE}"


def shipped() -> Iterator[Item]:
    """HL7's code systems with their codes, then the value sets that bind elements."""
    whole = {"http://hl7.org/fhir/", "http://terminology.hl7.org/"}
    for row in csv.DictReader(text("trivet.maps", "fhir", "codesystems.csv").splitlines()):
        system = row["system"]
        yield Edition(system, edition_name(system), "", row["case_sensitive"] != "false", system.startswith(tuple(whole)))
    for row in csv.DictReader(text("trivet.maps", "fhir", "codes.csv").splitlines()):
        yield Entry(row["system"], row["code"], row["display"])
    includes: dict[str, list[dict[str, object]]] = {}
    for row in csv.DictReader(text("trivet.maps", "fhir", "bindings.csv").splitlines()):
        codes = [{"code": code} for code in row["codes"].split()]
        includes.setdefault(row["valueset"], []).append({"system": row["system"], "concept": codes})
    for url, parts in includes.items():
        body = {"resourceType": "ValueSet", "url": url, "version": RELEASE, "compose": {"include": parts}}
        yield ValueSet(url, RELEASE, jsontext.dumps(body).decode())


def package() -> tuple[object, str]:
    """The module that holds ICD-10-CM, and its release."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reads its files by a call that Python calls deprecated
            import simple_icd_10_cm
    except ImportError:
        raise NotFound(
            "E379", "ICD-10-CM is not installed", why="no package simple-icd-10-cm", help="pip install 'trivet[icd10cm]'"
        ) from None
    names = [entry.name for entry in files("simple_icd_10_cm.data").iterdir() if entry.name.startswith("code-list-")]
    return simple_icd_10_cm, names[0].removeprefix("code-list-").removesuffix(".txt") if names else version("simple-icd-10-cm")


def icd10cm_digest() -> tuple[str, str]:
    """Digest of the package's data, and its release."""
    _, release = package()
    parts = sorted((entry.name, entry.read_bytes()) for entry in files("simple_icd_10_cm.data").iterdir() if entry.is_file())
    return sha256(b"".join(name.encode() + content for name, content in parts)), release


def icd10cm() -> Iterator[Item]:
    """Chapters, blocks and codes with their titles, inclusion terms, parents, and whether they may be billed (leaves only)."""
    module, release = package()
    book: object = module
    yield Edition(ICD10CM, release, "ICD-10-CM", sensitive=False)
    ask = {name: getattr(book, name) for name in ("get_description", "get_parent", "get_inclusion_term", "is_leaf", "is_chapter_or_block")}
    for code in book.get_all_codes(True):  # type: ignore[attr-defined]
        yield Entry(ICD10CM, code, ask["get_description"](code), abstract=ask["is_chapter_or_block"](code))
        yield Property(ICD10CM, code, "billable", "true" if ask["is_leaf"](code) else "false")
        parent = ask["get_parent"](code)
        if parent:
            yield Edge(ICD10CM, code, parent)
        for term in ask["get_inclusion_term"](code):
            yield Term(ICD10CM, code, term, "inclusion")
