"""FHIR files to OMOP databases without a home: forms of input, vocabulary releases, what a run says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from omop_records import CONCEPTS, RELATIONS, patient, record, result, visit
from trivet.data.engines.athena import AthenaVocabulary
from trivet.kernel.errors import DataRejected, NotFound, Usage
from trivet.wiring.dqd import run_checks
from trivet.wiring.omop import convert_paths

AT = "2026-03-01T00:00:00.000000Z"
RECORDS = [
    patient(),
    record("Practitioner", "d", identifier=[{"system": "urn:s", "value": "9"}]),
    visit(participant=[{"individual": {"reference": "Practitioner/d"}}]),
    result(encounter={"reference": "Encounter/v"}, performer=[{"reference": "Practitioner/d"}]),
]


def athena(folder: Path) -> Path:
    """A release of our own concepts in Athena's form: tabs, no quotes, dates without dashes."""
    folder.mkdir()
    head = "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code"
    head += " valid_start_date valid_end_date invalid_reason"
    rows = [[one.id, f'{one.name} "x"', *one[2:7], "19700101", "20991231", one.invalid] for one in CONCEPTS]
    (folder / "CONCEPT.csv").write_text("\n".join("\t".join(map(str, row)) for row in [head.split(), *rows]) + "\n")
    head = "concept_id_1 concept_id_2 relationship_id valid_start_date valid_end_date invalid_reason"
    mapped = [[*one, "19700101", "20991231", ""] for one in RELATIONS] + [[201, 102, "Maps to", "19700101", "20991231", "D"]]
    (folder / "CONCEPT_RELATIONSHIP.csv").write_text("\n".join("\t".join(map(str, row)) for row in [head.split(), *mapped]) + "\n")
    head = "vocabulary_id vocabulary_name vocabulary_reference vocabulary_version vocabulary_concept_id"
    (folder / "VOCABULARY.csv").write_text("\t".join(head.split()) + "\nNone\tOMOP\tOMOP\tv5.0 27-FEB-26\t44819096\n")
    return folder


def written(folder: Path, name: str, said: Any) -> Path:
    """A file."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(said if isinstance(said, str) else json.dumps(said))
    return path


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """A table of a folder."""
    return pq.read_table(folder / f"{name}.parquet").to_pylist()


def test_bundles_and_single_resources_and_lines_give_the_same_rows(tmp_path: Path) -> None:
    """A collection Bundle, one with urn:uuid and conditional references, single files and NDJSON: byte for byte the same tables."""
    urn = {f"{one['resourceType']}/{one['id']}": f"urn:uuid:{number}" for number, one in enumerate(RECORDS)}
    moved = json.loads(json.dumps(RECORDS))
    for one in moved:
        for said in [one.get("subject"), one.get("encounter")]:
            if said:
                said["reference"] = urn[said["reference"]]
    moved[3]["performer"][0]["reference"] = "Practitioner?identifier=urn:s|9"
    entries = [{"fullUrl": urn[f"{one['resourceType']}/{one['id']}"], "resource": one} for one in moved]
    forms = {
        "collection": written(
            tmp_path / "a", "b.json", {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in RECORDS]}
        ),
        "transaction": written(tmp_path / "b", "t.json", {"resourceType": "Bundle", "type": "transaction", "entry": entries}),
        "single": tmp_path / "c",
        "lines": written(tmp_path / "d", "all.ndjson", "\n".join(map(json.dumps, RECORDS))),
    }
    for number, one in enumerate(RECORDS):
        written(tmp_path / "c", f"{number}.json", one)
    made = {}
    for name, path in forms.items():
        convert_paths([path], tmp_path / f"out-{name}", AT)
        made[name] = {file.name: file.read_bytes() for file in sorted((tmp_path / f"out-{name}").iterdir()) if file.stem != "cdm_source"}
    assert made["collection"] == made["transaction"] == made["single"] == made["lines"]
    [row] = rows(tmp_path / "out-lines", "measurement")
    assert row["provider_id"] == rows(tmp_path / "out-lines", "provider")[0]["provider_id"]


def test_what_is_no_fhir_is_refused(tmp_path: Path) -> None:
    """A broken file, a file of something else, a Bundle of history, an empty folder: each is an error that names the file."""
    for said in ("{", "[]", '{"resourceType": "Bundle", "type": "history"}'):
        with pytest.raises(DataRejected) as caught:
            convert_paths([written(tmp_path / "x", "x.json", said)], tmp_path / "out", AT)
        assert "x.json" in caught.value.where
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound):
        convert_paths([tmp_path / "empty"], tmp_path / "out", AT)


def test_a_release_as_athena_hands_it_out_is_used(tmp_path: Path) -> None:
    """Concepts, valid relations only, the release's name; kept as Parquet and made anew when a file changes; published with the rows."""
    folder = athena(tmp_path / "athena")
    held = AthenaVocabulary(folder, tmp_path / "cache")
    held.prepare({("ICD10CM", "X10"), ("SNOMED", "nowhere")})
    billed = held.find("ICD10CM", "X10")
    assert billed is not None
    assert [one.id for one in held.standards(billed)] == [101]
    assert (held.find("SNOMED", "nowhere"), held.release) == (None, "v5.0 27-FEB-26")
    held.close()
    before = sorted(path.name for path in (tmp_path / "cache").iterdir())
    AthenaVocabulary(folder, tmp_path / "cache").close()
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == before
    convert_paths([written(tmp_path / "in", "all.ndjson", "\n".join(map(json.dumps, RECORDS)))], tmp_path / "out", AT, folder)
    [row] = rows(tmp_path / "out", "measurement")
    assert (row["measurement_concept_id"], row["unit_concept_id"]) == (301, 501)
    assert {one["concept_id"] for one in rows(tmp_path / "out", "concept")} == {one.id for one in CONCEPTS}
    (folder / "CONCEPT_RELATIONSHIP.csv").unlink()
    with pytest.raises(NotFound):
        AthenaVocabulary(folder)


def test_a_run_says_what_it_was_made_with(tmp_path: Path) -> None:
    """CDM version, vocabulary release, guide, software, rules, zone and time, in the report and in cdm_source; which tables are filled."""
    said = written(tmp_path / "in", "all.ndjson", "\n".join(map(json.dumps, RECORDS)))
    report = convert_paths([said], tmp_path / "out", AT, zone="America/Chicago")
    run = report["run"]
    assert (run["cdm_version"], run["zone"], run["at"]) == ("5.4", "America/Chicago", AT)
    assert "FHIR to OMOP" in run["guide"]
    assert run["vocabulary_release"].startswith("embedded")
    assert report["tables"]["filled"] == ["measurement", "observation_period", "person", "provider", "visit_occurrence"]
    assert "drug_era" in report["tables"]["never"]
    [source] = rows(tmp_path / "out", "cdm_source")
    assert source["cdm_etl_reference"] == f"trivet run {run['id']}"
    again = convert_paths([said], tmp_path / "out2", AT, zone="America/Chicago")
    assert again["run"]["id"] == run["id"]
    with pytest.raises(Usage):
        convert_paths([said], tmp_path / "out3", AT, zone="Nowhere/Land")


@pytest.mark.long
def test_a_duckdb_file_holds_the_same_and_passes_the_structure_checks(tmp_path: Path) -> None:
    """The same rows in a DuckDB file; OHDSI's checks of its structure find nothing that speaks against the rows."""
    said = written(tmp_path / "in", "all.ndjson", "\n".join(map(json.dumps, RECORDS)))
    folder = athena(tmp_path / "athena")
    convert_paths([said], tmp_path / "out", AT, folder)
    convert_paths([said], tmp_path / "omop.duckdb", AT, folder, kind="duckdb")
    held = duckdb.connect(str(tmp_path / "omop.duckdb"), read_only=True)
    assert held.execute("select count(*) from measurement").fetchall() == [(1,)]
    held.close()
    clinical = {"person", "visit_occurrence", "measurement", "provider", "observation_period"}
    for path in (tmp_path / "out", tmp_path / "omop.duckdb"):
        answer = run_checks(path, "2026-03-01")
        wrong = {row["id"] for row in answer["results"] if row["stage"] == "structure" and row["verdict"] in ("fail", "error")}
        # The release of this test has concepts of its own only, so keys into it lead nowhere.
        assert {name for name in wrong if any(table in name for table in clinical) and not name.endswith("concept_id")} == set()


def test_conventions_of_a_site_are_laid_over_ours(tmp_path: Path) -> None:
    """A CSV file of one row changes one value, and the run's rules with it; a file without the columns is refused."""
    said = written(tmp_path / "in", "all.ndjson", "\n".join(map(json.dumps, RECORDS)))
    mine = written(tmp_path / "own", "mine.csv", "edge,target,how,from,with\nObservation,@type,setting,,32817\n")
    plain = convert_paths([said], tmp_path / "out", AT)
    own = convert_paths([said], tmp_path / "own-out", AT, conventions=[str(mine)])
    assert rows(tmp_path / "own-out", "measurement")[0]["measurement_type_concept_id"] == 32817
    assert own["run"]["rules"] != plain["run"]["rules"]
    for wrong in (str(tmp_path / "none.csv"), str(written(tmp_path / "own", "bad.csv", "a,b\n1,2\n"))):
        with pytest.raises(Usage):
            convert_paths([said], tmp_path / "o", AT, conventions=[wrong])
