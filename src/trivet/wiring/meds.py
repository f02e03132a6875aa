"""A home as a MEDS dataset. In: a house, a folder, who is left out. Out: a report; the home remembers what it built there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trivet.contracts.house import House
from trivet.contracts.trace import Entry
from trivet.data.meds.build import Body, Build, Person, State, build
from trivet.data.meds.events import Frame
from trivet.kernel import jsontext
from trivet.kernel.digest import digest, sha256
from trivet.kernel.errors import Usage
from trivet.kernel.resources import listing, text
from trivet.wiring.omop import zone_of

__all__ = ["build_meds", "split_of"]

ROWS = 5_000  # records that are held at once


def build_meds(
    house: House,
    folder: Path,
    *,
    zone: str = "UTC",
    shards: int = 4,
    split: tuple[int, int, int] = (80, 10, 10),
    seed: str = "",
    left_out: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The home's current records as a MEDS dataset in a folder, refreshed where persons changed since the last build there.

    Persons who are `left_out` are not in it, and no longer in it if they were.
    """
    state = Path(house.home) / "meds" / f"{sha256(str(folder.resolve()).encode())[:16]}.json"
    files = {name: sha256(text("trivet.maps", "meds", name).encode()) for name in listing("trivet.maps", "meds", ".csv")}
    site, release = house.settings["site"], house.role("release")
    said = Build(site["name"], release["code"], digest(files), zone, house.clock.now(), shards, split, seed)
    report, after = build(persons_of(house, left_out), bodies_of(house), frame_of(house, zone), folder, said, read_state(state))
    if report["change"] != "none":
        write_state(state, after)
        counts = report["persons"]
        notes = {"run": after.run, "change": report["change"], "persons": str(counts["all"]), "converted": str(counts["converted"])}
        notes |= {"removed": str(counts["removed"]), "rules": said.rules}
        house.store.write(lambda tx: house.ledger.append(tx, [Entry("meds.built", house.clock.now(), notes=notes)]))
    return report


def split_of(said: str) -> tuple[int, int, int]:
    """`80,10,10`: the parts of a hundred for train, tuning and held_out. Usage E942 for anything else."""
    parts = said.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts) or sum(map(int, parts)) != 100:
        raise Usage("E942", "a split is three parts of a hundred", why=said, help="--split 80,10,10")
    return int(parts[0]), int(parts[1]), int(parts[2])


def persons_of(house: House, left_out: frozenset[str]) -> dict[str, str]:
    """Every person with a digest of their versions; nobody who is left out."""
    _, rows = house.shelf.query(text("trivet.data", "sql", "meds", "home_persons.sql"))
    return {person: seen for person, seen in sorted(rows) if person not in left_out}


def bodies_of(house: House) -> Any:
    """Gives the records of some persons in one pass, in the order of shards: what does not fit into memory is spilt."""
    import pyarrow as pa

    def fetch(wanted: Sequence[Person]) -> Iterator[Body]:
        if not wanted:
            return
        columns = [[one.person for one in wanted], [one.subject for one in wanted], [one.shard for one in wanted]]
        shape = pa.schema([("person", pa.string()), ("subject", pa.int64()), ("shard", pa.string())])
        engine = house.role("query").prepared(["record_state", "ledger"])
        engine.put("wanted", pa.table([pa.array(one, kept.type) for one, kept in zip(columns, shape, strict=True)], schema=shape))
        for batch in engine.batches(text("trivet.data", "sql", "meds", "home_bodies.sql"), ROWS):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    return fetch


def frame_of(house: House, zone: str) -> Frame:
    """One zone for all instants; medicines and devices that records refer to."""
    _, rows = house.shelf.query(text("trivet.data", "sql", "meds", "home_medications.sql"))
    held = [jsontext.loads(body) for (body,) in rows]
    return Frame(zone_of(zone), ZoneInfo(house.settings["site"]["zone"]), {f"{one['resourceType']}/{one['id']}": one for one in held})


def read_state(file: Path) -> State:
    """What the last build left; an empty state when there is none or it cannot be read: then all is built anew."""
    try:
        said = jsontext.loads(file.read_bytes())
        return State(said["run"], said["inputs"], said["persons"])
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def write_state(file: Path, state: State) -> None:
    """Keep it with the home, readable by its user only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.parent.chmod(0o700)
    beside = file.with_suffix(".part")
    beside.write_bytes(jsontext.dumps({"run": state.run, "inputs": state.inputs, "persons": state.persons}))
    beside.replace(file)
