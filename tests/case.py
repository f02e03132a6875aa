"""A house with one governed decision about a person whose facts came in as lines: every byte of it is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lines import Here, Lines, OnePersonEach
from office_house import NOW, SITE, Model, Shelf, Ward
from trivet.contracts.feature import Contribution, FeatureRow, FeatureValue
from trivet.contracts.ports import Store
from trivet.contracts.prediction import Answer, ModelRef
from trivet.contracts.trace import Entry
from trivet.flows.decide import decide
from trivet.flows.receive import Delivery, receive
from trivet.kernel.clock import FrozenClock
from trivet.kernel.digest import digest, record_id, sha256
from trivet.kernel.jsontext import loads
from trivet.wiring.build import init_home, make_house
from trivet.wiring.settings import read_settings

__all__ = ["PERSON", "Case"]

PERSON = "p-" + record_id("lab", "Patient", "4711")[-8:]
ROWS = "select key, version, body from record_version where type = 'Observation' and subject = ? and known_seq <= ? order by key, version"


class LineFeatures:
    """The newest value of each code of a patient, read from the shelf with the fact behind it; a lactate nobody measured."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.broken = False

    def one(self, view: str, person: str, instant: str, as_of: int) -> FeatureRow:
        """One row: hr, bp, and the absent lactate."""
        ids = (record_id("lab", "Patient", mrn) for mrn in ("4711", "4712"))
        subject = next(f"Patient/{one}" for one in ids if one.endswith(person[2:]))
        rows = ((key, version, loads(body)) for key, version, body in self.store.read(ROWS, (subject, as_of)))
        newest = {resource["code"]["text"]: (key, version, resource) for key, version, resource in rows}
        values = []
        for code in ("hr", "bp"):
            key, version, resource = newest[code]
            values.append(FeatureValue(code, float(resource["valueString"]), "1", (Contribution(key, version, "valueString"),), "", NOW))
        values.append(FeatureValue("lactate", None, "mmol/L", (), "no Observation lactate"))
        return FeatureRow(person, instant, as_of, view, digest(view + ("!" if self.broken else "")), tuple(values))

    def many(self, view: str, cohort: Sequence[tuple[str, str, int]]) -> list[FeatureRow]:
        """The same for many."""
        return [self.one(view, *case) for case in cohort]


class ManifestShelf(Shelf):
    """A registry that also has the manifests."""

    def manifest(self, name: str, version: str) -> Any:
        """The words whose digest names the model."""
        return SimpleNamespace(plain=manifest_of(name))


def manifest_of(name: str) -> dict[str, Any]:
    """What a manifest says about a model by hand."""
    return {"name": name, "files": {"model.bin": sha256(name.encode())}}


class ByHand(Model):
    """A model whose artefact digest is that of its list of files."""

    @property
    def artefact_digest(self) -> str:
        """Of the loaded bytes, now."""
        return digest({"model.bin": sha256(bytes(self.artefact))})


class Case(Ward):
    """A ward whose house is a real home: received lines, a live model, decisions."""

    def __init__(self, folder: Path, *, fresh: bool = True) -> None:
        home = folder / "home"
        if fresh:
            init_home(home, site=SITE, clock=FrozenClock(NOW)).close()
        formats = {"lines": Lines()}
        self.models = {
            name: ByHand(ModelRef(name, "1", digest(manifest_of(name))), bytearray(name.encode())) for name in ("readmit-gb", "lace")
        }
        self.registry = ManifestShelf(list(self.models.values()))
        self.clock = FrozenClock(NOW)
        given: dict[str, Any] = {
            "formats": formats,
            "workshop": Here(formats),
            "linker": OnePersonEach(),
            "release": {"code": "test", "maps": "0" * 64},
            "registry": self.registry,
        }
        self.house = make_house(home, read_settings(home), self.clock, given)
        self.store, self.vault, self.ledger = self.house.store, self.house.vault, self.house.ledger
        self.office, self.gate = self.house.office, self.house.gate
        given["features"] = self.features = LineFeatures(self.store)
        self.house.role.__self__.made["features"] = self.features  # type: ignore[attr-defined]

    def open(self) -> Case:
        """Lines received, people seated, the model live."""
        receive(self.house, [Delivery(b"4711,hr,92\n4711,bp,118\n4712,hr,70\n4712,bp,99\n", "lab", "lines", "ward.lines")])
        self.people()
        self.bring_live("readmit-gb")
        return self

    def ask(self, person: str = PERSON) -> Answer:
        """One decision."""
        return decide(self.house, self.question(person, facts={"age": 70.0}))

    def happened(self, kind: str, seq: int) -> None:
        """Something after the decision."""
        self.store.write(lambda tx: self.ledger.append(tx, [Entry(kind, NOW, refs=(seq,))]))

    def close(self) -> None:
        """End everything."""
        self.house.close()
