"""Builds or refreshes a MEDS dataset: only persons whose records changed are converted again; the same again changes nothing.

In: digests of persons, their records in the order of shards, a folder, what the last build left. Out: a report and what the next build
needs. A folder that does not hold what the last build left is built anew. What is written becomes visible at the end; a build that was
broken off leaves a folder without `metadata/dataset.json`, which is no dataset. Standard: Medical Event Data Standard 0.4.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivet.data.meds import shards
from trivet.data.meds.events import Frame, events
from trivet.data.omop.values import row_key
from trivet.kernel import jsontext
from trivet.kernel.digest import digest
from trivet.kernel.errors import Fault, Usage
from trivet.kernel.resources import text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MEDS", "Build", "Person", "State", "build", "subject_of"]

MEDS = "0.4.1"
SPLITS = ("train", "tuning", "held_out")
DATASET = Path("metadata", "dataset.json")
OURS = {"code_modifier_columns": ["unit"], "other_extension_columns": ["known_time", "code_display"]}
Body = tuple[str, int, str, str]
"""Shard, subject, body, instant since which it is known: ordered by shard and subject."""


@dataclass(frozen=True, slots=True)
class Person:
    """Where a person's events go."""

    person: str
    subject: int
    shard: str


@dataclass(frozen=True, slots=True)
class Build:
    """Who builds. `split` are the parts of a hundred for train, tuning and held_out; `shards` how many files each has."""

    name: str
    software: str
    rules: str
    zone: str
    at: str
    shards: int = 4
    split: tuple[int, int, int] = (80, 10, 10)
    seed: str = ""


@dataclass(slots=True)
class State:
    """What a build leaves for the next: its run, what it rested on, and the digest of each person's records."""

    run: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)


def subject_of(person: str) -> int:
    """The subject_id of a person: the key that the person has in our OMOP."""
    return row_key(f"Person/{person}")


def check(persons: Iterable[str], folder: Path) -> None:
    """Usage E941 for a folder that holds something else, Fault E940 when two persons have one key: a collision is never a merge."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / "metadata").is_dir())):
        raise Usage(
            "E941", "the folder holds something else", where=str(folder), why="no MEDS dataset", help="trivet meds --out NEW-FOLDER"
        )
    held = [subject_of(one) for one in persons]
    if len(set(held)) != len(held):
        raise Fault("E940", "two persons have one subject_id", why="their keys collide", help="trivet doctor")


def place(person: str, said: Build) -> Person:
    """Split and shard of a person, by a hash of the subject alone: nobody moves because others came."""
    subject = subject_of(person)
    drawn = int.from_bytes(hashlib.sha256(f"{said.seed} {subject}".encode()).digest()[:8], "big") % 100
    split = SPLITS[(drawn >= said.split[0]) + (drawn >= said.split[0] + said.split[1])]
    return Person(person, subject, f"{split}/{subject % said.shards}")


def build(
    persons: Mapping[str, str], fetch: Callable[[Sequence[Person]], Iterable[Body]], frame: Frame, folder: Path, said: Build, before: State
) -> tuple[dict[str, Any], State]:
    """The report, and the state after it. Nothing is written when the folder already holds just this."""
    check(persons, folder)
    inputs = {"rules": said.rules, "software": said.software, "zone": said.zone, "seed": said.seed, "meds": MEDS}
    inputs |= {"shards": str(said.shards), "split": ",".join(map(str, said.split))}
    run = digest({"inputs": inputs, "persons": dict(persons)})
    whole = before.inputs != inputs or not before.run or _run_in(folder) != before.run
    if not whole and run == before.run:
        counts = {"all": len(persons), "converted": 0, "removed": 0}
        return {"run": run, "change": "none", "persons": counts}, before
    changed = [place(one, said) for one, seen in persons.items() if whole or before.persons.get(one) != seen]
    gone = [] if whole else [place(one, said) for one in before.persons.keys() - persons.keys()]
    report: dict[str, Any] = {"run": run, "change": "whole" if whole else "part"}
    report["persons"] = {"all": len(persons), "converted": len(changed), "removed": len(gone)}
    counts, without = Counter[str](), Counter[tuple[str, str]]()
    (folder / "metadata").mkdir(parents=True, exist_ok=True)
    parts = folder / ".part"
    shutil.rmtree(parts, ignore_errors=True)
    staying: dict[str, set[int]] = {one.shard: set() for one in (*changed, *gone)}
    converted = {one.person for one in changed}
    for one in (place(name, said) for name in persons if name not in converted):
        if one.shard in staying:
            staying[one.shard].add(one.subject)
    fresh = _fresh(fetch(sorted(changed, key=lambda one: (one.shard, one.subject))), frame, without, counts)
    waiting = next(fresh, None)
    for shard in sorted(staying):
        last = folder / "data" / f"{shard}.parquet"
        own = list[tuple[int, Any]]()
        if waiting is not None and waiting[0] == shard:
            made, waiting = waiting[1], None
            shards.write(parts / f"{shard}.parquet", last, staying[shard], made)
            waiting = next(fresh, None)
        else:
            shards.write(parts / f"{shard}.parquet", last, staying[shard], own)
    _exchange(folder, parts, sorted(staying), whole=whole)
    _metadata(folder, persons, said, run)
    report["events"] = dict(sorted(counts.items()))
    report["without"] = [{"resource": kind, "reason": why, "count": times} for (kind, why), times in sorted(without.items())]
    return report, State(run, inputs, dict(persons))


def _fresh(
    bodies: Iterable[Body], frame: Frame, without: Counter[tuple[str, str]], counts: Counter[str]
) -> Iterator[tuple[str, Iterator[tuple[int, pa.Table]]]]:
    """Shard by shard the tables of its changed persons; each shard must be used up before the next is asked for."""
    for shard, held in groupby(bodies, key=lambda body: body[0]):
        yield shard, _tables(held, frame, without, counts)


def _tables(
    bodies: Iterable[Body], frame: Frame, without: Counter[tuple[str, str]], counts: Counter[str]
) -> Iterator[tuple[int, pa.Table]]:
    for subject, held in groupby(bodies, key=lambda body: body[1]):
        made = events(((jsontext.loads(body), known) for _, _, body, known in held), frame)
        without.update(made.without)
        counts.update(_kind(row.code) for row in made.rows)
        if made.rows:
            yield subject, shards.table(subject, made.rows)


def _kind(code: str) -> str:
    """What a code is of, for the count: its event, or its vocabulary."""
    head, found, _ = code.partition("//")
    return head if found and not head.endswith(":") else code.rpartition("/")[0] or code


def _exchange(folder: Path, parts: Path, names: Sequence[str], *, whole: bool) -> None:
    """Put the new files in place of the old. Meanwhile the folder says of itself that it is no dataset."""
    (folder / DATASET).unlink(missing_ok=True)
    data = folder / "data"
    for file in [file for split in SPLITS for file in (data / split).glob("*.parquet")] if whole else []:
        file.unlink()
    for name in names:
        fresh, held = parts / f"{name}.parquet", data / f"{name}.parquet"
        held.parent.mkdir(parents=True, exist_ok=True)
        if fresh.is_file():
            fresh.replace(held)
        else:
            held.unlink(missing_ok=True)
    shutil.rmtree(parts, ignore_errors=True)


def _metadata(folder: Path, persons: Iterable[str], said: Build, run: str) -> None:
    """Codes, splits and, last of all, what the dataset is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from trivet.data.engines.duck import DuckEngine

    files = sorted(str(path.resolve()) for path in (folder / "data").rglob("*.parquet"))
    shape = [pa.field("code", pa.string(), nullable=False), ("description", pa.string()), ("parent_codes", pa.list_(pa.string()))]
    engine = DuckEngine(folders=[str(folder.resolve())], spill=str((folder / ".spill").resolve()))
    try:
        if files:
            engine.parquet("events", files)
        else:
            engine.put("events", shards.schema().empty_table())
        codes = engine.run(text("trivet.data", "sql", "meds", "codes.sql"))
    finally:
        engine.close()
        shutil.rmtree(folder / ".spill", ignore_errors=True)
    codes = codes.cast(pa.schema([*shape, ("events", pa.int64()), ("subjects", pa.int64())]))
    pq.write_table(codes, folder / "metadata" / "codes.parquet")
    placed = sorted((one.subject, one.shard.partition("/")[0]) for one in (place(person, said) for person in persons))
    splits = pa.schema([pa.field("subject_id", pa.int64(), nullable=False), pa.field("split", pa.string(), nullable=False)])
    columns = [[one for one, _ in placed], [split for _, split in placed]]
    pq.write_table(pa.table(columns, schema=splits), folder / "metadata" / "subject_splits.parquet")
    told: dict[str, Any] = {"dataset_name": said.name, "dataset_version": run, "etl_name": "trivet", "etl_version": said.software}
    told |= {"meds_version": MEDS, "created_at": said.at, **OURS}
    beside = folder / "metadata" / ".dataset.json.part"
    beside.write_bytes(jsontext.dumps(told))
    beside.replace(folder / DATASET)


def _run_in(folder: Path) -> str:
    try:
        return str(jsontext.loads((folder / DATASET).read_bytes())["dataset_version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
