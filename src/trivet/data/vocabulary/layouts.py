"""The releases that an operator licenses, in their own file layouts, one line at a time: SNOMED CT RF2, LOINC, RxNorm RRF, CPT, OMOP.

In: a folder (or one file) as the publisher packed it, and the release. Out: items. Nothing of these ships. A line of another shape is
refused with file and line number; a line that says nothing here (another vocabulary, a licence text) is counted as left out.
Sources: SNOMED CT RF2 specification (component snapshots); LOINC Users' Guide, table `Loinc`; RxNorm technical documentation, sections
12.4 and 12.6; OMOP CDM 5.4, standardized vocabularies.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from trivet.data.vocabulary.items import Edge, Edition, Entry, Item, LeftOut, Linked, Property, Term
from trivet.kernel.errors import NotFound, Usage
from trivet.kernel.resources import text

__all__ = ["LAYOUTS", "Layout", "cpt", "loinc", "omop", "rxnorm", "snomed"]

SCT, LOINC, RXNORM, CPT = (
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://www.ama-assn.org/go/cpt",
)
IS_A, FSN = "116680003", "900000000000003001"
RXNCONSO = 18  # columns, and RXNREL below
RXNREL = 16
CPT_LINE = re.compile(r"([0-9]{4}[0-9A-Z])[\t ,|]+(\S.*)")
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
Layout = Callable[[Path, str], tuple[list[Path], Iterator[Item]]]


def found(folder: Path, pattern: str, needed: bool = True) -> list[Path]:
    """The files of a release whose names fit. NotFound when one that is needed is not there."""
    if folder.is_file():
        return [folder] if needed else []
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and re.fullmatch(pattern, path.name, re.I))
    if needed and not paths:
        raise NotFound(
            "E380", "a file of the release is missing", where=str(folder), why=pattern, help="the folder as the publisher packed it"
        )
    return paths


def rows(path: Path, columns: tuple[str, ...], delimiter: str = "\t", quoted: bool = False) -> Iterator[dict[str, str]]:
    """The lines of a table with a header, as dicts. Usage when the columns that are needed are not there."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise Usage("E381", "not the layout of this release", where=str(path), why="missing columns: " + ", ".join(sorted(missing)))
        for row in reader:
            if None in row or any(value is None for value in row.values()):
                raise Usage("E382", "a line does not fit its header", where=f"{path}:{reader.line_num}")
            yield row


def bars(path: Path, columns: int) -> Iterator[list[str]]:
    """The lines of an RRF file: columns that end with a bar, no header, no quotes."""
    with path.open(encoding="utf-8", newline="") as stream:
        for number, line in enumerate(stream, 1):
            cells = line.rstrip("\r\n").split("|")
            if len(cells) != columns + 1 or cells[-1]:
                raise Usage("E382", "a line does not fit its layout", where=f"{path}:{number}", why=f"{columns} columns, each with its bar")
            yield cells


def day(date: str) -> str:
    """YYYY-MM-DD of YYYYMMDD."""
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 else date


def snomed(folder: Path, release: str) -> tuple[list[Path], Iterator[Item]]:
    """SNOMED CT: snapshots of concepts, descriptions and relationships. The release is a version URI or, for the international edition,
    read from the files' names; the display is the fully specified name."""
    concepts = found(folder, r"x?sct2_Concept_Snapshot_.*\.txt")
    descriptions = found(folder, r"x?sct2_Description_Snapshot.*\.txt")
    relations = found(folder, r"x?sct2_Relationship_Snapshot_.*\.txt")
    named = re.search(r"_INT_(\d{8})\.txt$", concepts[0].name)
    if not release and named is None:
        raise Usage(
            "E383",
            "which edition and release is this?",
            where=concepts[0].name,
            help="--release http://snomed.info/sct/MODULE/version/YYYYMMDD",
        )
    version = release or f"http://snomed.info/sct/900000000000207008/version/{named[1] if named else ''}"

    def items() -> Iterator[Item]:
        yield Edition(SCT, version, "SNOMED CT")
        for path in concepts:
            for row in rows(path, ("id", "effectiveTime", "active", "moduleId", "definitionStatusId")):
                yield Entry(SCT, row["id"], "", active=row["active"] == "1")
                yield Property(SCT, row["id"], "moduleId", row["moduleId"])
                yield Property(SCT, row["id"], "effectiveTime", row["effectiveTime"])
        for path in descriptions:
            for row in rows(path, ("active", "conceptId", "languageCode", "typeId", "term")):
                if row["active"] != "1":
                    yield LeftOut("inactive description")
                    continue
                main = row["typeId"] == FSN and row["languageCode"].startswith("en")
                yield Term(SCT, row["conceptId"], row["term"], "fsn" if row["typeId"] == FSN else "synonym", row["languageCode"], main)
        for path in relations:
            for row in rows(path, ("active", "sourceId", "destinationId", "typeId")):
                if row["active"] != "1":
                    yield LeftOut("inactive relationship")
                elif row["typeId"] == IS_A:
                    yield Edge(SCT, row["sourceId"], row["destinationId"])
                else:
                    yield Property(SCT, row["sourceId"], row["typeId"], row["destinationId"])

    return [*concepts, *descriptions, *relations], items()


def loinc(folder: Path, release: str) -> tuple[list[Path], Iterator[Item]]:
    """LOINC: `Loinc.csv`, with the component hierarchy and `MapTo.csv` where they are. The release must be named."""
    if not release:
        raise Usage("E383", "which release is this?", where="LOINC", help="--release 2.81")
    tables, trees, replaced = (
        found(folder, r"Loinc\.csv"),
        found(folder, r"ComponentHierarchyBySystem\.csv", False),
        found(folder, r"MapTo\.csv", False),
    )
    kept = (
        "COMPONENT",
        "PROPERTY",
        "TIME_ASPCT",
        "SYSTEM",
        "SCALE_TYP",
        "METHOD_TYP",
        "CLASS",
        "STATUS",
        "EXAMPLE_UCUM_UNITS",
        "ORDER_OBS",
    )

    def items() -> Iterator[Item]:
        yield Edition(LOINC, release, "LOINC", sensitive=False)
        for path in tables:
            for row in rows(path, ("LOINC_NUM", "LONG_COMMON_NAME", "STATUS", "COMPONENT", "SYSTEM", "SCALE_TYP"), ",", True):
                code = row["LOINC_NUM"]
                yield Entry(LOINC, code, row["LONG_COMMON_NAME"], active=row["STATUS"] != "DEPRECATED")
                yield from (Term(LOINC, code, row[name], name) for name in ("SHORTNAME", "DisplayName", "CONSUMER_NAME") if row.get(name))
                yield from (Property(LOINC, code, name, row[name]) for name in kept if row.get(name))
        for path in trees:
            for row in rows(path, ("IMMEDIATE_PARENT", "CODE", "CODE_TEXT"), ",", True):
                if row["CODE"].startswith("LP"):
                    yield Entry(LOINC, row["CODE"], row["CODE_TEXT"], abstract=True)
                if row["IMMEDIATE_PARENT"]:
                    yield Edge(LOINC, row["CODE"], row["IMMEDIATE_PARENT"])
        for path in replaced:
            for row in rows(path, ("LOINC", "MAP_TO"), ",", True):
                yield Property(LOINC, row["LOINC"], "MAP_TO", row["MAP_TO"])

    return [*tables, *trees, *replaced], items()


def rxnorm(folder: Path, release: str) -> tuple[list[Path], Iterator[Item]]:
    """RxNorm: atoms of RXNORM itself in `RXNCONSO.RRF`, relations in `RXNREL.RRF`. The release must be named."""
    if not release:
        raise Usage("E383", "which release is this?", where="RxNorm", help="--release 03022026")
    atoms, relations = found(folder, r"RXNCONSO\.RRF"), found(folder, r"RXNREL\.RRF", False)
    side = ("SY", "TMSY", "PSN", "ET")  # names beside the one that says what kind of thing a concept is

    def items() -> Iterator[Item]:
        yield Edition(RXNORM, release, "RxNorm")
        for path in atoms:
            for cells in bars(path, RXNCONSO):
                code, language, source, kind, name, suppressed = cells[0], cells[1], cells[11], cells[12], cells[14], cells[16]
                if source != "RXNORM":
                    yield LeftOut("another vocabulary")
                elif kind in side:
                    yield Term(RXNORM, code, name, kind, language)
                else:
                    yield Entry(RXNORM, code, name, active=suppressed == "N")
                    yield Property(RXNORM, code, "TTY", kind)
        for path in relations:
            for cells in bars(path, RXNREL):
                one, other, relation, source, suppressed = cells[0], cells[4], cells[7], cells[10], cells[14]
                if source != "RXNORM" or not relation or not one or not other or suppressed not in ("N", ""):
                    yield LeftOut("another vocabulary or an atom's relation")
                elif relation == "isa":  # a row reads: the second concept isa the first
                    yield Edge(RXNORM, other, one)
                else:
                    yield Property(RXNORM, other, relation, one)

    return [*atoms, *relations], items()


def cpt(folder: Path, release: str) -> tuple[list[Path], Iterator[Item]]:
    """CPT: a text with one code and its descriptor on a line (`LONGULT.txt` and its like). The release must be named."""
    if not release:
        raise Usage("E383", "which release is this?", where="CPT", help="--release 2026")
    lists = found(folder, r".*\.txt")

    def items() -> Iterator[Item]:
        yield Edition(CPT, release, "CPT")
        for path in lists:
            with path.open(encoding="utf-8-sig", errors="strict") as stream:
                for line in stream:
                    code = CPT_LINE.fullmatch(line.rstrip())
                    yield Entry(CPT, code[1], code[2].strip()) if code else LeftOut("not a code and its descriptor")

    return lists, items()


def omop(folder: Path, release: str) -> tuple[list[Path], Iterator[Item]]:
    """An Athena download: every vocabulary in `CONCEPT.csv`, is-a and maps from `CONCEPT_RELATIONSHIP.csv` and `CONCEPT_ANCESTOR.csv`.
    Versions come from `VOCABULARY.csv`; without it the release must be named."""
    concepts = found(folder, r"CONCEPT\.csv")
    names = found(folder, r"VOCABULARY\.csv", False)
    relations, ancestors = found(folder, r"CONCEPT_RELATIONSHIP\.csv", False), found(folder, r"CONCEPT_ANCESTOR\.csv", False)
    if not release and not names:
        raise Usage("E383", "which release is this?", where="OMOP", why="no VOCABULARY.csv", help="--release v5.0-27-FEB-26")
    systems = {row["vocabulary"]: row["system"] for row in csv.DictReader(text("trivet.maps", "terminology", "omop.csv").splitlines())}

    def items() -> Iterator[Item]:
        versions = {
            row["vocabulary_id"]: row["vocabulary_version"] for path in names for row in rows(path, ("vocabulary_id", "vocabulary_version"))
        }
        seen: set[str] = set()
        for path in concepts:
            needed = (
                "concept_id",
                "concept_name",
                "domain_id",
                "vocabulary_id",
                "concept_code",
                "valid_start_date",
                "valid_end_date",
                "invalid_reason",
            )
            for row in rows(path, needed):
                vocabulary, code = row["vocabulary_id"], row["concept_code"]
                system = systems.get(vocabulary, f"urn:omop:vocabulary:{vocabulary}")
                if system not in seen:
                    seen.add(system)
                    yield Edition(system, versions.get(vocabulary) or release or "unknown", vocabulary, complete=False)
                until = day(row["valid_end_date"])
                yield Entry(
                    system,
                    code,
                    row["concept_name"],
                    active=not row["invalid_reason"],
                    since=day(row["valid_start_date"]),
                    until="" if until.startswith("2099") else until,
                )
                yield Property(system, code, "concept_id", row["concept_id"])
                yield from (
                    Property(system, code, name, row[name])
                    for name in ("domain_id", "concept_class_id", "standard_concept")
                    if row.get(name)
                )
        kinds = {"Is a": "isa", "Maps to": "maps-to"}
        for path in relations:
            for row in rows(path, ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason")):
                kind = kinds.get(row["relationship_id"])
                valid = kind and not row["invalid_reason"] and row["concept_id_1"] != row["concept_id_2"]
                yield Linked(kind, row["concept_id_1"], row["concept_id_2"]) if kind and valid else LeftOut("another relation")
        for path in ancestors:
            for row in rows(path, ("ancestor_concept_id", "descendant_concept_id", "min_levels_of_separation")):
                near = row["min_levels_of_separation"] == "1"
                yield Linked("isa", row["descendant_concept_id"], row["ancestor_concept_id"]) if near else LeftOut("not a direct ancestor")

    return [*concepts, *names, *relations, *ancestors], items()


LAYOUTS: dict[str, Layout] = {"snomed": snomed, "loinc": loinc, "rxnorm": rxnorm, "cpt": cpt, "omop": omop}
