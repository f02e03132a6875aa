"""OMOP CDM 5.4 out of files or out of a home. In: paths or a house, a vocabulary, a target. Out: a report. Refused: what is no FHIR."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trivet import __version__
from trivet.contracts.house import House
from trivet.contracts.trace import Entry
from trivet.data.engines.athena import AthenaVocabulary
from trivet.data.omop.build import Build, Records, State, build
from trivet.data.omop.convert import SHARED
from trivet.data.omop.frame import Frame
from trivet.data.omop.rules import Rules, read_rules, shipped_conventions
from trivet.data.omop.targets.duck import DuckTarget, ParquetTarget
from trivet.data.omop.targets.postgres import PostgresTarget
from trivet.data.omop.values import reference_key
from trivet.data.omop.vocabulary import Vocabulary, embedded
from trivet.kernel import jsontext
from trivet.kernel.digest import digest, sha256
from trivet.kernel.errors import DataRejected, NotFound, Rejected, Usage
from trivet.kernel.resources import listing, text

__all__ = ["TARGETS", "build_home", "convert_paths", "refusing_in", "source_of"]

TARGETS = ("parquet", "duckdb", "postgresql")
SUBJECTS = ("subject.reference", "patient.reference", "beneficiary.reference")
REFERRED = ("Medication", "Device")
BUNDLES = ("document", "collection", "message", "transaction", "batch", "searchset")


def convert_paths(
    paths: Sequence[Path],
    out: Path,
    at: str,
    vocabulary: Path | None = None,
    kind: str = "parquet",
    zone: str = "UTC",
    conventions: Sequence[str] = (),
) -> dict[str, Any]:
    """FHIR files to an OMOP database, without a home. Everything is converted; the same files again change nothing but the run's date."""
    records = [record for path in paths for record in read_fhir(path)]
    rules, digested = rules_of(conventions)
    known = vocabulary_of(vocabulary, None)
    try:
        with closing(target_of(kind, str(out))) as target:
            said = Build("converted files", "unknown", __version__, digested, zone, at, tuple(conventions))
            report, _ = build(grouped(records, zone_of(zone)), target, known, rules, said, State())
    finally:
        close_vocabulary(known)
    return report


def build_home(
    house: House,
    kind: str,
    where: str,
    vocabulary: Path | None = None,
    zone: str = "UTC",
    conventions: Sequence[str] = (),
    left_out: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The home's current records as an OMOP database, refreshed where persons changed since the last build of this target.

    Persons who are `left_out` are not in it, and no longer in it if they were.
    """
    rules, digested = rules_of(conventions)
    folder = Path(house.home) / "omop" / sha256(f"{kind} {where}".encode())[:16]
    known = vocabulary_of(vocabulary, Path(house.home) / "omop" / "vocabulary")
    before = read_state(folder)
    site = house.settings["site"]
    try:
        with closing(target_of(kind, where)) as target:
            said = Build(site["name"], site["id"], house.role("release")["code"], digested, zone, house.clock.now(), tuple(conventions))
            report, after = build(of_home(house, zone_of(zone), left_out), target, known, rules, said, before)
    finally:
        close_vocabulary(known)
    if report["change"] != "none":
        write_state(folder, after)
        counts = report["persons"]
        notes = {
            "run": after.run,
            "target": kind,
            "change": report["change"],
            "persons": str(counts["all"]),
            "converted": str(counts["converted"]),
        }
        notes |= {"vocabulary": report["run"]["vocabulary_release"], "rules": digested}
        house.store.write(lambda tx: house.ledger.append(tx, [Entry("omop.built", house.clock.now(), notes=notes)]))
    return report


def source_of(house: House, kind: str, where: str, table: str, key: int) -> list[dict[str, Any]]:
    """The records behind one row of a target that this home built, each with its receipt. NotFound for a row that no build made."""
    state = read_state(Path(house.home) / "omop" / sha256(f"{kind} {where}".encode())[:16])
    found = sorted({resource for name, number, resource, _ in state.sources if name == table and number == key})
    if not found:
        raise NotFound("E918", "no build of this home made that row", where=f"{table} {key}", help="trivet omop build --help")
    sql = text("trivet.data", "sql", "omop", "home_sources.sql")
    columns, rows = house.shelf.query(sql, None, (found,))
    return [dict(zip(columns, row, strict=True)) for row in rows]


def refusing_in(house: House, path: Path, left_out: frozenset[str]) -> int | None:
    """How many of these persons stand in an OMOP database of files that this home built; None when it built none like it."""
    if not path.exists():
        return None
    with closing(target_of("parquet" if path.is_dir() else "duckdb", str(path))) as target:
        run = str(target.last()).removeprefix("trivet run ")
    for file in sorted((Path(house.home) / "omop").glob("*/state.json")):
        state = read_state(file.parent)
        if run and state.run == run:
            return sum(f"Person/{person}" in state.keys for person in left_out)
    return None


def target_of(kind: str, where: str) -> Any:
    """The target of a kind."""
    if kind == "postgresql":
        return PostgresTarget(where)
    return DuckTarget(Path(where)) if kind == "duckdb" else ParquetTarget(Path(where))


def vocabulary_of(folder: Path | None, cache: Path | None) -> Vocabulary:
    """The operator's release, or the few concepts that ship."""
    return embedded() if folder is None else AthenaVocabulary(folder, cache)


def close_vocabulary(vocabulary: Vocabulary) -> None:
    """Give a release's files back."""
    if isinstance(vocabulary, AthenaVocabulary):
        vocabulary.close()


def zone_of(name: str) -> tzinfo:
    """The zone that all instants are converted to. Usage for a zone nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Usage("E919", "no such time zone", why=name, help="--zone America/Chicago") from None


def rules_of(conventions: Sequence[str]) -> tuple[Rules, str]:
    """The rules with conventions laid over (a shipped name, or a CSV file), and the digest of it all."""
    overlays = []
    for name in conventions:
        if f"{name}.csv" in listing("trivet.maps", "omop/conventions", ".csv"):
            overlays.append((name, shipped_conventions(name)))
            continue
        try:
            rows = list(csv.DictReader(Path(name).read_text(encoding="utf-8-sig").splitlines()))
        except (OSError, UnicodeDecodeError) as error:
            why = "shipped: " + ", ".join(one.removesuffix(".csv") for one in listing("trivet.maps", "omop/conventions", ".csv"))
            raise Usage("E920", "the conventions cannot be read", where=name, why=f"{type(error).__name__}; {why}") from None
        if not rows or not {"edge", "target", "how", "from", "with"} <= rows[0].keys():
            raise Usage("E920", "the conventions cannot be read", where=name, why="columns: edge, target, how, from, with")
        overlays.append((name, rows))
    files = {name: sha256(text("trivet.maps", "omop", name).encode()) for name in listing("trivet.maps", "omop", ".csv")}
    return read_rules(overlays), digest({"files": files, "overlays": [rows for _, rows in overlays]})


def read_fhir(path: Path) -> Iterator[dict[str, Any]]:
    """Every resource of a file or folder: single resources, Bundles (f2o-013), NDJSON (f2o-014). References in Bundles are resolved."""
    files = sorted(one for one in path.rglob("*") if one.suffix in (".json", ".ndjson")) if path.is_dir() else [path]
    if not files:
        raise NotFound("E921", "no FHIR files here", where=str(path), why="no file ends with .json or .ndjson")
    for file in files:
        raw = file.read_bytes()
        lines = raw.splitlines() if file.suffix == ".ndjson" else [raw]
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield from _resources(line, f"{file}:{number}")


def _resources(line: bytes, where: str) -> Iterator[dict[str, Any]]:
    try:
        held = jsontext.loads(line)
    except ValueError:
        raise DataRejected(Rejected("E341", "not JSON", where)) from None
    if not isinstance(held, dict) or "resourceType" not in held:
        raise DataRejected(Rejected("E342", "not a FHIR resource", where))
    if held["resourceType"] != "Bundle":
        yield held
        return
    if held.get("type") not in BUNDLES:
        raise DataRejected(
            Rejected("E922", "a Bundle of a type that holds no current resources", where, help="types: " + ", ".join(BUNDLES))
        )
    entries = [entry for entry in held.get("entry", []) if isinstance(entry.get("resource"), dict)]
    names = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in entries
        if "fullUrl" in entry and "id" in entry["resource"]
    }
    for entry in entries:
        yield _renamed(entry["resource"], names)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: names.get(one, one) if key == "reference" and isinstance(one, str) else _renamed(one, names) for key, one in value.items()
        }
    return [_renamed(one, names) for one in value] if isinstance(value, list) else value


def subject_of(record: Mapping[str, Any]) -> str:
    """`Patient/id` that a record is about, or nothing."""
    if record["resourceType"] == "Patient":
        return f"Patient/{record.get('id', '')}"
    for path in SUBJECTS:
        name = path.partition(".")[0]
        said = record.get(name)
        key = reference_key(said.get("reference")) if isinstance(said, dict) else ""
        if key.startswith("Patient/"):
            return key
    return ""


def grouped(records: Sequence[dict[str, Any]], zone: tzinfo) -> Records:
    """Records by person; those of no person are shared."""
    identifiers = _identifiers(records)
    held = [_resolved(record, identifiers) for record in records]
    index = {f"{one['resourceType']}/{one.get('id', '')}": one for one in held if one["resourceType"] in (*SHARED, *REFERRED)}
    persons: dict[str, list[Any]] = {}
    for record in held:
        if record["resourceType"] not in SHARED:
            persons.setdefault(subject_of(record), []).append(record)
    digests = {key: sha256(b"\n".join(sorted(map(jsontext.dumps, rows)))) for key, rows in persons.items()}
    shared = [one for one in held if one["resourceType"] in SHARED]
    return Records(digests, lambda keys: ((key, persons[key]) for key in keys), shared, Frame(zone=zone, local=zone, resources=index))


def _identifiers(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """`Type?identifier=system|value` -> `Type/id` of those who give care: conditional references of transaction Bundles."""
    found = {}
    for record in records:
        if record["resourceType"] in SHARED:
            for one in record.get("identifier", []):
                found[f"{record['resourceType']}?identifier={one.get('system', '')}|{one.get('value', '')}"] = (
                    f"{record['resourceType']}/{record.get('id', '')}"
                )
    return found


def _resolved(record: dict[str, Any], identifiers: Mapping[str, str]) -> dict[str, Any]:
    resolved: dict[str, Any] = _renamed(record, identifiers) if identifiers else record
    return resolved


def of_home(house: House, zone: tzinfo, left_out: frozenset[str] = frozenset()) -> Records:
    """The home's current records by person, with a digest of each person's versions; nobody who is left out."""
    local = ZoneInfo(house.settings["site"]["zone"])

    def ask(name: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return house.shelf.query(text("trivet.data", "sql", "omop", f"{name}.sql"), None, parameters)[1]

    persons = {patient: f"Person/{person}" for patient, person in ask("home_patients") if person not in left_out}
    known = [(person, versions) for person, versions in ask("home_persons") if person not in left_out]
    digests = {f"Person/{person}": sha256(f"{versions}".encode()) for person, versions in known}
    shared = [jsontext.loads(body) for (body,) in ask("home_shared", (list(SHARED),))]
    referred = [jsontext.loads(body) for (body,) in ask("home_shared", (list(REFERRED),))]
    index = {f"{one['resourceType']}/{one['id']}": one for one in (*shared, *referred)}

    def fetch(keys: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
        held: dict[str, list[Any]] = {key: [] for key in keys}
        for person, body in ask("home_bodies", ([key.partition("/")[2] for key in keys],)):
            record = jsontext.loads(body)
            if record["resourceType"] not in SHARED:
                held[f"Person/{person}"].append(record)
        yield from held.items()

    return Records(digests, fetch, shared, Frame(zone=zone, local=local, persons=persons, resources=index))


def read_state(folder: Path) -> State:
    """What the last build of a target left; an empty state when there is none, or when it cannot be read: then all is built anew."""
    try:
        said = jsontext.loads((folder / "state.json").read_bytes())
        state = State(said["run"], said["inputs"], said["persons"], said["keys"], said["homes"], said["shared"], [])
        with (folder / "sources.csv").open(encoding="utf-8", newline="") as file:
            state.sources = [(table, int(key), resource, person) for table, key, resource, person in csv.reader(file)]
    except (OSError, ValueError, KeyError, TypeError):
        return State()
    return state


def write_state(folder: Path, state: State) -> None:
    """Keep it beside the home's own data and outside the OMOP database (f2o-024), readable by the home's user only."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with (folder / "sources.csv.part").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(state.sources)
    said = {name: getattr(state, name) for name in ("run", "inputs", "persons", "keys", "homes", "shared")}
    (folder / "state.json.part").write_bytes(jsontext.dumps(said))
    for name in ("sources.csv", "state.json"):
        (folder / f"{name}.part").replace(folder / name)
