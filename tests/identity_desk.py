"""A desk at which one patient after another registers: a store with a linker, and the persons and doubts that come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivet.contracts.envelope import Receipt
from trivet.contracts.record import Record, Translation
from trivet.data.engines.sqlite import SQLiteStore
from trivet.data.identity import StoreLinker
from trivet.data.identity.register import Register
from trivet.data.identity.stewardship import apply
from trivet.kernel import jsontext
from trivet.kernel.digest import sha256
from trivet.kernel.resources import listing, text

__all__ = ["AT", "FULL", "Desk", "patient"]

AT = "2026-03-01T08:00:00.000000Z"


class Seal:
    """A keyed address for bytes."""

    def address(self, data: bytes) -> str:
        return sha256(b"test" + data)


class Desk:
    """A store with a linker, fed one patient at a time."""

    def __init__(self, path: Path) -> None:
        names = listing("trivet.data", "sql/schema", ".sql")
        self.store = SQLiteStore(path, [text("trivet.data", "sql", "schema", name) for name in names])
        self.linker = StoreLinker(self.store, Seal())
        self.seq = 0
        self.entries: list[Any] = []

    def take(self, source: str, *resources: dict[str, Any]) -> None:
        """One receipt with these records."""
        self.seq += 1
        receipt = Receipt(self.seq, source, "hl7v2", "landed", "b", AT)
        people = Translation(tuple(Record(resource, ()) for resource in resources), ())
        self.entries += self.store.write(lambda tx: self.linker.link(tx, receipt, people))

    def decide(self, **decision: Any) -> None:
        """A human's decision."""
        self.seq += 1
        said = jsontext.dumps({"other": "", "actor": "steward", "reason": "test"} | decision)
        self.store.write(lambda tx: apply(Register(tx), self.seq, AT, said))

    def person(self, name: str) -> str:
        """The person of a record."""
        return self.persons()[f"Patient/{name}"]

    def persons(self) -> dict[str, str]:
        """Everybody's person now."""
        return dict(self.store.read("select subject, person from link where until_seq is null order by subject"))

    def reviews(self, state: str = "open") -> list[tuple[int, str, str]]:
        """Doubts: number, kind, rule."""
        return list(self.store.read("select id, kind, rule from link_review where state = ? order by id", (state,)))


def patient(
    name: str,
    family: str = "Ramirez",
    given: str = "Elena",
    born: str = "1961-04-17",
    sex: str = "female",
    *,
    mrn: str = "",
    phone: str = "",
    street: str = "",
    place: str = "60601",
    **more: Any,
) -> dict[str, Any]:
    """A Patient resource as a format would give it."""
    resource: dict[str, Any] = {"resourceType": "Patient", "id": name}
    if family or given:
        resource["name"] = [{"family": family, "given": [given]}]
    resource |= {"birthDate": born} if born else {}
    resource |= {"gender": sex} if sex else {}
    if mrn:
        resource["identifier"] = [{"system": "urn:smh:mrn", "value": mrn, "type": {"coding": [{"code": "MR"}]}}]
    if phone:
        resource["telecom"] = [{"system": "phone", "value": phone}]
    if street:
        resource["address"] = [{"line": [street], "postalCode": place}]
    return resource | more


FULL: dict[str, Any] = {"phone": "(312) 555-0142", "street": "12 Oak Street"}
