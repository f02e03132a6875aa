"""How each role gets its implementation, from the data and integration rooms.

In: the house that asks. Out: the one implementation. Refused: a home without its keys.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trivet import __version__
from trivet.contracts.house import House
from trivet.contracts.ports import Format, Normaliser
from trivet.contracts.trace import Entry
from trivet.kernel.clock import instant
from trivet.kernel.digest import sha256
from trivet.kernel.errors import Refused, Usage
from trivet.kernel.resources import listing, text

__all__ = ["found", "moment", "position", "refuse_change_of_nature", "schema"]

ROOMS = ("data", "governance", "models", "integration")


def schema() -> list[str]:
    """Every room's tables, one statement each, in order."""
    statements = []
    for room in ROOMS:
        package = f"trivet.{room}"
        if files(package).joinpath("sql", "schema").is_dir():
            statements += [text(package, "sql", "schema", name) for name in listing(package, "sql/schema", ".sql")]
    return statements


def store(house: House) -> Any:
    """The operational database, with every room's tables."""
    from trivet.data.engines.sqlite import SQLiteStore

    return SQLiteStore(Path(house.home) / "home.db", schema())


def key_store(house: House) -> Any:
    """The keys' own database, apart from what they open."""
    from trivet.data.engines.sqlite import SQLiteStore
    from trivet.data.keyring import KEY_SCHEMA

    return SQLiteStore(Path(house.home) / "keys" / "keys.db", KEY_SCHEMA)


def vault(house: House) -> Any:
    """The vault over store and keys."""
    from trivet.data.keyring import Keyring, read_master
    from trivet.data.vault import SealedVault

    master = read_master(Path(house.home) / "keys" / "master.key")
    return SealedVault(house.store, Keyring(house.role("key_store"), master), Path(house.home) / "vault")


def ledger(house: House) -> Any:
    """The Merkle ledger over the store."""
    from trivet.governance.ledger import MerkleLedger

    return MerkleLedger(house.store)


def landing(house: House) -> Any:
    """What came in."""
    from trivet.data.landing import StoreLanding

    return StoreLanding(house.store, house.vault, house.ledger)


def wires(house: House) -> Any:
    """What is remembered of the wires."""
    from trivet.data.wires import StoreWires

    return StoreWires(house.store, house.vault, house.landing)


def revisions(house: House) -> Any:
    """Record versions against a new reading."""
    from trivet.data.revision import StoreRevisions

    return StoreRevisions(house.store)


def retention(house: House) -> Any:
    """Raw bytes whose time is over."""
    from trivet.data.retention import StoreRetention

    return StoreRetention(house.store, house.vault)


def segments(house: House) -> Any:
    """Record versions as Parquet files."""
    from trivet.data.segments import Segments

    return Segments(house.store, Path(house.home) / "shelves")


def relations() -> dict[str, str]:
    """What every room publishes out of its tables, one statement each, by name."""
    found = {}
    for room in ROOMS:
        package = f"trivet.{room}"
        if files(package).joinpath("sql", "relations").is_dir():
            for name in listing(package, "sql/relations", ".sql"):
                found[name.removesuffix(".sql")] = text(package, "sql", "relations", name)
    return found


def query(house: House) -> Any:
    """Read-only SQL over everything that is published."""
    from trivet.data.query import Query

    return Query(house.store, house.role("segments"), Path(house.home) / "shelves", relations(), {"sources": partial(sources, house)})


def sources(house: House) -> Any:
    """The register of feeds as a relation."""
    import pyarrow

    names = ("format", "zone", "system", "table", "owner", "documented", "expected_every", "door", "vendor")
    kinds = {"documented": pyarrow.bool_(), "expected_every": pyarrow.int64()}
    shape = pyarrow.schema([("source", pyarrow.string()), *((name, kinds.get(name, pyarrow.string())) for name in names)])
    rows = [{"source": source, **{name: entry[name] for name in names}} for source, entry in sorted(house.settings["sources"].items())]
    return pyarrow.Table.from_pylist(rows, schema=shape)


def tables(house: House) -> Any:
    """Whole tables: their digest, and putting one in place of another."""
    from trivet.data.tables import StoreTables

    return StoreTables()


def audit(house: House) -> Any:
    """What fsck asks the store."""
    from trivet.data.audit import StoreAudit

    return StoreAudit(house.store)


def shelf(house: House) -> Any:
    """Record versions."""
    from trivet.data.shelf import StoreShelf

    return StoreShelf(house.store, house.role("segments"), house.role("query"))


def position(house: House, text: str | None) -> int | None:
    """The ledger position that `SEQ` or an instant (RFC 3339, or a date in the site's zone) means. Usage for anything else."""
    if text is None or text.isdigit():
        return None if text is None else int(text)
    found: int = house.role("query").position(moment(house, text))
    return found


def moment(house: House, text: str) -> str:
    """Instant text of an RFC 3339 instant, or of a date in the site's zone; empty for nothing. Usage for anything else."""
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Usage("E131", "not a ledger position, an instant or a date", why=text, help="--as-of 2026-03-01T08:00:00Z") from None
    return instant(found if found.tzinfo else found.replace(tzinfo=ZoneInfo(house.settings["site"]["zone"])))


def linker(house: House) -> Any:
    """Who is who."""
    from trivet.data.identity import StoreLinker

    return StoreLinker(house.store, house.vault)


def normaliser(house: House) -> Normaliser:
    """Codes and units, with the site's overlays."""
    from trivet.wiring.workshop import make_normaliser

    return make_normaliser(house.home)


def checks(house: House) -> Any:
    """Quality checks."""
    from trivet.data.quality import ShelfChecks

    def lives() -> Any:
        """Nothing is known of codes where nothing was ever loaded."""
        return house.role("terminology").embedded.lives() if (Path(house.home) / "terminology.db").exists() else ((), ())

    return ShelfChecks(house.store, house.vault, house.ledger, house.role("query"), house.clock, Path(house.home) / "site", lives)


def formats(house: House) -> dict[str, Format]:
    """Formats by name."""
    from trivet.wiring.workshop import make_formats

    return make_formats(house.settings["plugins"], house.home)


def workshop(house: House) -> Any:
    """Translate, normalise, pack: with one process for each core but at most eight, unless the settings say otherwise."""
    from trivet.wiring.workshop import PoolWorkshop

    workers = house.settings["receive"]["workers"] or min(os.cpu_count() or 1, 8)
    return PoolWorkshop(dict(house.formats), house.normaliser, workers, (house.settings["plugins"], house.home))


@cache
def shipped(suffixes: tuple[str, ...], package: str) -> str:
    """Digest of the files that ship in a package, by their names and content."""
    made = hashlib.sha256()
    root = Path(str(files(package)))
    for path in sorted(root.rglob("*")):
        if path.suffix in suffixes and "__pycache__" not in path.parts:
            made.update(f"{path.relative_to(root).as_posix()} {sha256(path.read_bytes())}\n".encode())
    return made.hexdigest()


def release(house: House) -> dict[str, str]:
    """What makes records out of bytes here: the code's version and digest, and the digest of maps with the site's overlays."""
    overlays = hashlib.sha256(shipped((".csv", ".toml", ".yaml", ".json", ".txt", ".xml"), "trivet.maps").encode())
    site = Path(house.home) / "site"
    for path in sorted(site.rglob("*")) if site.is_dir() else ():
        if path.is_file():
            overlays.update(f"{path.relative_to(site).as_posix()} {sha256(path.read_bytes())}\n".encode())
    code = shipped((".py", ".sql"), "trivet")
    return {"code": f"{__version__}+{code[:16]}", "maps": overlays.hexdigest()}


def found(house: House) -> None:
    """The first acts of a new home: its master key, its tables, and ledger entry 0, which says for ever whether it is synthetic."""
    from trivet.data.keyring import create_master

    create_master(Path(house.home) / "keys" / "master.key")
    notes = {"site": house.settings["site"]["id"], "synthetic": str(house.settings["home"]["synthetic"]).lower()}
    house.store.write(lambda tx: house.ledger.append(tx, [Entry("home", house.clock.now(), notes=notes)]))


def refuse_change_of_nature(house: House) -> None:
    """Refused when the settings call a home synthetic that was founded real, or the other way round."""
    said = house.ledger.entry(0)["notes"]["synthetic"] == "true"
    if said != house.settings["home"]["synthetic"]:
        raise Refused(
            "E123",
            "this home changed its nature",
            where=house.home,
            why=f"it was founded with synthetic = {str(said).lower()}, and that is for ever",
            help="trivet init ANOTHER-FOLDER",
        )
