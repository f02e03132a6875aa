"""Small releases in the exact file layouts of their publishers, with invented content: SNOMED CT RF2, LOINC, RxNorm, CPT, OMOP, FHIR."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["cpt", "fhir", "icd10cm", "loinc", "omop", "rxnorm", "snomed"]


def put(folder: Path, name: str, *lines: str) -> Path:
    """A file with Windows line ends, as RF2 has them."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode())
    return path


def tabs(*rows: str) -> list[str]:
    """Lines with tabs where a bar stands."""
    return [row.replace("|", "\t") for row in rows]


def snomed(folder: Path, release: str = "20260101") -> Path:
    """Disease over disorder of heart, lung and both; one retired concept."""
    module, core = "900000000000207008", "900000000000074008"
    concepts = [
        f"{code}|20020131|{active}|{module}|{core}" for code, active in (("10", 1), ("20", 1), ("21", 1), ("30", 1), ("40", 1), ("99", 0))
    ]
    names = [
        ("1", "10", "Disease (disorder)", True),
        ("2", "20", "Disorder of heart (disorder)", True),
        ("3", "21", "Disorder of lung (disorder)", True),
        ("4", "30", "Cardiopulmonary disorder (disorder)", True),
        ("5", "30", 'Heart "and" lung trouble', False),
        ("6", "40", "Old heart disorder (disorder)", True),
        ("7", "99", "Retired thing (disorder)", True),
    ]
    kinds = {True: "900000000000003001", False: "900000000000013009"}
    described = [f"{n}|20020131|1|{module}|{code}|en|{kinds[fsn]}|{name}|900000000000448009" for n, code, name, fsn in names]
    described.append(f"8|20020131|0|{module}|20|en|{kinds[False]}|Gone name|900000000000448009")
    links = [("20", "10", 1), ("21", "10", 1), ("30", "20", 1), ("30", "21", 1), ("40", "20", 1), ("40", "21", 0)]
    inferred = "900000000000011006|900000000000451002"
    related = [f"{n}|20020131|{on}|{module}|{one}|{two}|0|116680003|{inferred}" for n, (one, two, on) in enumerate(links)]
    related.append(f"90|20020131|1|{module}|20|30000|1|363698007|{inferred}")
    terms = folder / "Snapshot" / "Terminology"
    tail = f"INT_{release}.txt"
    put(terms, f"sct2_Concept_Snapshot_{tail}", *tabs("id|effectiveTime|active|moduleId|definitionStatusId", *concepts))
    head = "id|effectiveTime|active|moduleId|conceptId|languageCode|typeId|term|caseSignificanceId"
    put(terms, f"sct2_Description_Snapshot-en_{tail}", *tabs(head, *described))
    head = "id|effectiveTime|active|moduleId|sourceId|destinationId|relationshipGroup|typeId|characteristicTypeId|modifierId"
    put(terms, f"sct2_Relationship_Snapshot_{tail}", *tabs(head, *related))
    return folder


LOINC = (
    ("9001-1", "Creatinine", "MCnc", "Ser/Plas", "Qn", "CHEM", "ACTIVE", "mg/dL", "Creatinine [Mass/volume] in Serum or Plasma", "Creat"),
    ("9002-9", "Creatinine", "SCnc", "Ser/Plas", "Qn", "CHEM", "ACTIVE", "umol/L", "Creatinine [Moles/volume] in Serum or Plasma", "Creat"),
    ("9003-7", "Creatinine", "MCnc", "Urine", "Qn", "CHEM", "ACTIVE", "mg/dL", "Creatinine [Mass/volume] in Urine", "Creat Ur-mCnc"),
    ("9004-5", "Color", "Type", "Urine", "Nom", "UA", "ACTIVE", "", "Color of Urine", "Color Ur"),
    ("9005-2", "Potassium", "SCnc", "Ser/Plas", "Qn", "CHEM", "ACTIVE", "mmol/L", "Potassium [Moles/volume] in Serum", "Potassium"),
    ("9006-0", "Potassium", "SCnc", "Bld", "Qn", "CHEM", "DEPRECATED", "mmol/L", "Potassium old", "K old"),
)  # fmt: skip


def loinc(folder: Path) -> Path:
    """Creatinine in serum by mass and by substance, in urine, a colour, potassium, and a deprecated one with its successor."""
    head = (
        '"LOINC_NUM","COMPONENT","PROPERTY","TIME_ASPCT","SYSTEM","SCALE_TYP","METHOD_TYP","CLASS","VersionLastChanged","CHNG_TYPE",'
        '"DefinitionDescription","STATUS","CONSUMER_NAME","CLASSTYPE","SHORTNAME","ORDER_OBS","LONG_COMMON_NAME","EXAMPLE_UCUM_UNITS","DisplayName"'
    )
    rows = [
        f'"{code}","{part}","{kind}","Pt","{where}","{scale}","","{group}","2.81","MIN","","{state}","",1,"{short}","Both","{name}","{unit}",""'
        for code, part, kind, where, scale, group, state, unit, name, short in LOINC
    ]
    put(folder / "LoincTable", "Loinc.csv", head, *rows)
    put(folder / "LoincTable", "MapTo.csv", '"LOINC","MAP_TO","COMMENT"', '"9006-0","9005-2",""')
    tree = (
        "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT",
        ",1,,LP1-1,Chemistry",
        "LP1-1,1,LP1-1,LP2-2,Creatinine",
        "LP1-1.LP2-2,1,LP2-2,9001-1,Creat",
    )
    put(folder / "AccessoryFiles" / "ComponentHierarchyBySystem", "ComponentHierarchyBySystem.csv", *tree)
    return folder


def rxnorm(folder: Path) -> Path:
    """An ingredient, a clinical drug of it with a synonym, an obsolete one, an atom of another vocabulary."""
    rows = [
        ("5001", "RXNORM", "IN", "examplin", "N"),
        ("5002", "RXNORM", "SCD", "examplin 10 MG Oral Tablet", "N"),
        ("5002", "RXNORM", "PSN", "examplin 10 mg tablet", "N"),
        ("5003", "RXNORM", "SCD", "examplin 20 MG Oral Tablet", "O"),
        ("5001", "MTHSPL", "SU", "EXAMPLIN", "N"),
    ]
    lines = []
    for number, (code, source, kind, name, suppressed) in enumerate(rows):
        cells = [code, "ENG", "", "", "", "", "", str(number), "", code, "", source, kind, code, name, "", suppressed, "4096"]
        lines.append("|".join(cells) + "|")
    put(folder / "rrf", "RXNCONSO.RRF", *lines)
    relations = [("5001", "5002", "has_ingredient"), ("5002", "5001", "ingredient_of")]
    said = [
        "|".join([one, "", "CUI", "RO", two, "", "CUI", relation, str(number), "", "RXNORM", "RXNORM", "", "", "", "4096"]) + "|"
        for number, (one, two, relation) in enumerate(relations)
    ]
    put(folder / "rrf", "RXNREL.RRF", *said)
    return folder


def cpt(folder: Path) -> Path:
    """A licence text, then code and descriptor."""
    return put(
        folder, "LONGULT.txt", "Copyright of somebody", "", "00001\tInvented anesthesia", "0001T\tInvented device", "99998 Invented visit"
    ).parent


def icd10cm(folder: Path) -> Path:
    """An order file: a heading, what stands under it, a code with placeholders, a title of old letters, another heading."""
    said = (
        ("A00", "0", "Invented fever", "Invented fever"),
        ("A000", "1", "Invented fever, first", "Invented fever, first"),
        ("A001", "0", "Invented fever, scnd", "Invented fever, second"),
        ("A001XA1", "1", "Invented fever, scnd, x", "Invented fever, second, somewhere"),
        ("B99", "1", "M\u00e9ni\u00e8re's invented", "M\u00e9ni\u00e8re's invented disease"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{number:05d} {code:7} {flag} {short:60} {title}\r\n" for number, (code, flag, short, title) in enumerate(said, 1)]
    (folder / "icd10cm-order-2026.txt").write_bytes("".join(lines).encode("cp1252"))
    return folder


def omop(folder: Path) -> Path:
    """Two vocabularies: a source code that maps to a standard one, a parent, and a code that ended."""
    head = "concept_id|concept_name|domain_id|vocabulary_id|concept_class_id|standard_concept|concept_code"
    head += "|valid_start_date|valid_end_date|invalid_reason"
    rows = (
        "1|Disease|Condition|SNOMED|Disorder|S|10|20020131|20991231|",
        "2|Disorder of heart|Condition|SNOMED|Disorder|S|20|20020131|20991231|",
        "3|Invented heart trouble|Condition|ICD10CM|3-char billing code||I99|20151001|20991231|",
        "4|Ended trouble|Condition|ICD10CM|3-char billing code||I98|20151001|20200930|D",
        "5|House thing|Observation|House|Thing||H1|19700101|20991231|",
    )
    put(folder, "CONCEPT.csv", *tabs(head, *rows))
    put(
        folder,
        "VOCABULARY.csv",
        *tabs("vocabulary_id|vocabulary_name|vocabulary_version", "SNOMED|SNOMED|2026-01-01", "ICD10CM|ICD|FY2026", "House|House|"),
    )
    head = "concept_id_1|concept_id_2|relationship_id|valid_start_date|valid_end_date|invalid_reason"
    rows = (
        "3|2|Maps to|20151001|20991231|",
        "2|2|Maps to|20020131|20991231|",
        "2|1|Is a|20020131|20991231|",
        "1|2|Subsumes|20020131|20991231|",
    )
    put(folder, "CONCEPT_RELATIONSHIP.csv", *tabs(head, *rows))
    head = "ancestor_concept_id|descendant_concept_id|min_levels_of_separation|max_levels_of_separation"
    put(folder, "CONCEPT_ANCESTOR.csv", *tabs(head, "1|1|0|0", "1|2|1|1"))
    return folder


HOUSE = "http://house.example/wards"


def fhir(folder: Path, version: str = "1") -> Path:
    """A code system with a hierarchy, value sets over it, and a map."""
    dates = {"code": "effectiveDate", "valueDateTime": "2020-01-01"}, {"code": "retirementDate", "valueDateTime": "2024-06-30"}
    concepts = [
        {
            "code": "bed",
            "display": "Bed",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [
                {"code": "icu", "display": "Intensive care bed", "designation": [{"language": "de", "value": "Intensivbett"}]},
                {"code": "ward", "display": "Ward bed", "property": [{"code": "size", "valueInteger": 2}]},
                {"code": "cot", "display": "Cot", "property": [{"code": "status", "valueCode": "retired"}, *dates]},
            ],
        },
        {"code": "room", "display": "Room"},
    ]
    system = {
        "resourceType": "CodeSystem",
        "url": HOUSE,
        "version": version,
        "status": "active",
        "content": "complete",
        "concept": concepts,
    }

    def valueset(name: str, **compose: object) -> dict[str, object]:
        return {"resourceType": "ValueSet", "url": f"http://house.example/vs/{name}", "version": "1", "compose": compose}

    def rule(name: str, op: str, value: str) -> dict[str, object]:
        return {"system": HOUSE, "filter": [{"property": name, "op": op, "value": value}]}

    sets = [
        valueset("is-a", include=[rule("concept", "is-a", "bed")]),
        valueset("below", include=[rule("concept", "descendent-of", "bed")]),
        valueset("equal", include=[rule("size", "=", "2")]),
        valueset("regex", include=[rule("code", "regex", "[ci].*")]),
        valueset("exists", include=[rule("size", "exists", "true")]),
        valueset("minus", include=[rule("concept", "descendent-of", "bed")], exclude=[{"system": HOUSE, "concept": [{"code": "ward"}]}]),
        valueset("active", inactive=False, include=[rule("concept", "descendent-of", "bed")]),
        valueset("both", include=[{"valueSet": ["http://house.example/vs/below", "http://house.example/vs/regex"]}]),
        valueset("odd", include=[rule("concept", "generalizes", "icu")]),
        valueset("self", include=[{"valueSet": ["http://house.example/vs/self"]}]),
        valueset("units", include=[{"system": "http://unitsofmeasure.org"}]),
        valueset("missing", include=[{"system": "http://nowhere.example"}]),
    ]
    element = {"code": "icu", "target": [{"code": "309904001", "display": "Intensive care unit", "equivalence": "wider"}]}
    none = {"code": "room", "target": [{"equivalence": "unmatched"}]}
    group = {"source": HOUSE, "target": "http://snomed.info/sct", "element": [element, none]}
    concept_map = {"resourceType": "ConceptMap", "url": "http://house.example/map", "version": "7", "group": [group]}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in (system, *sets, concept_map)]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "house.json").write_text(json.dumps(bundle))
    return folder
