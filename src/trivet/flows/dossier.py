"""Everything about one decision in one archive that can be verified without this house.

In: a decision id and what to leave out (`raw`: the units and the values of facts; `record`: the record and its lineage). Out:
the archive's bytes and what it holds. Making it is recorded in the ledger: it is a disclosure. Refused: an unknown part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivet.contracts.decision import DecisionRecord
from trivet.contracts.house import House
from trivet.contracts.trail import DecisionPlace
from trivet.flows.account_for import read_decision
from trivet.flows.footing import Ground
from trivet.kernel.digest import canonical, sha256
from trivet.kernel.errors import NotFound, Usage

__all__ = ["PARTS", "dossier"]

PARTS = ("raw", "record")
FACT = ("record", "version", "path", "value", "receipt", "source", "format", "received_at")


def dossier(house: House, name: str, without: Sequence[str] = ()) -> dict[str, Any]:
    """`data` (the archive), `decision_id`, `seq` (of the seal), `manifest` (its digest), `vkey`, `entries`, `units`, `withheld`."""
    unknown = sorted(set(without) - set(PARTS))
    if unknown:
        raise Usage("E663", f"a dossier has no part {unknown[0]}", why="parts: " + ", ".join(PARTS), help="trivet dossier ID --without raw")
    place, record = read_decision(house, name)
    ground = Ground(house)
    lineage = trace(ground, record)
    entries = {place.seq, *denials(house, place), *after(house, place), *ground.receipts}
    entries |= {one.run for one in ground.receipts.values() if one.run is not None}
    parts, openings = dict[str, bytes](), list[dict[str, Any]]()
    entries |= authority(house, place, record, parts)
    erased = tuple(f"unit {seq}: erased" for seq in ground.receipts if ground.unit(seq) is None)
    if "raw" not in without and "record" not in without:
        units(house, ground, parts, openings)
    if "record" not in without:
        parts["decision.json"] = house.vault.get(place.blob)
        openings.append(opening(house, place.seq, "record", place.blob))
        if "raw" in without:
            lineage["facts"] = [fact | {"value": None} for fact in lineage["facts"]]
        parts["lineage.json"] = canonical(lineage)
    parts["openings.json"] = canonical(openings)
    model(house, record, parts)
    sealed = house.role("archivist").seal(place.decision_id, place.seq, parts, entries, (*sorted(without), *erased))
    return {
        "decision_id": place.decision_id,
        "seq": sealed.seq,
        "manifest": sealed.manifest,
        "vkey": sealed.vkey,
        "entries": len(entries) + 1,
        "units": len(ground.receipts),
        "withheld": [*sorted(without), *erased],
        "data": sealed.data,
    }


def trace(ground: Ground, record: DecisionRecord) -> dict[str, Any]:
    """Features, the facts under each, the bytes under those: facts are named by number, each once."""
    facts, numbers, rows = list[dict[str, Any]](), dict[tuple[str, int, str], int](), []
    for value in record.features.values if record.features is not None else ():
        told = ground.feature(value)
        for fact in told["facts"]:
            name = (fact["record"], fact["version"], fact["path"])
            if name not in numbers:
                numbers[name] = len(facts)
                spans = [{word: span[word] for word in ("offset", "length", "locator", "rule")} for span in fact["spans"]]
                kept = {
                    word: fact.get(word) for word in ("record", "version", "path", "value", "receipt", "source", "format", "received_at")
                }
                facts.append(kept | {"spans": spans, "state": fact["state"]})
        under = [numbers[fact["record"], fact["version"], fact["path"]] for fact in told["facts"]]
        rows.append({"name": value.name, "bits": told["bits"], "unit": value.unit, "absence": value.absence, "facts": under})
    return {"features": rows, "facts": facts}


def units(house: House, ground: Ground, parts: dict[str, bytes], openings: list[dict[str, Any]]) -> None:
    """The raw units with the salts that open their commitments; an erased one is left out."""
    for seq, receipt in ground.receipts.items():
        data = ground.unit(seq)
        if data is not None:
            parts[f"raw/{seq}"] = data
            openings.append(opening(house, seq, "raw", receipt.receipt.blob))


def opening(house: House, seq: int, field: str, blob: str) -> dict[str, Any]:
    """What opens one commitment of one entry."""
    return {"seq": seq, "field": field, "salt": house.vault.opening(blob).hex()}


def denials(house: House, place: DecisionPlace) -> set[int]:
    """The models that were asked and did not answer: their entries follow the decision's."""
    found, seq = set[int](), place.seq + 1
    while seq < house.ledger.size():
        entry = house.ledger.entry(seq)
        if entry["kind"] != "denial" or entry["notes"].get("id") != place.decision_id:
            break
        found.add(seq)
        seq += 1
    return found


def after(house: House, place: DecisionPlace) -> set[int]:
    """What rests on the decision: shown, done, come of it, replayed."""
    return set(house.ledger.referring(place.seq))


def authority(house: House, place: DecisionPlace, record: DecisionRecord, parts: dict[str, bytes]) -> set[int]:
    """The acts of governance the decision rests on, with their words; these hold no patient's data."""
    seqs = set(house.ledger.entry(place.seq)["refs"])
    if record.model is not None:
        release = house.office.state().by_digest(record.model.digest)
        seqs |= {release.seq} if release is not None and release.seq >= 0 else set()
    for seq in seqs:
        entry = house.ledger.entry(seq)
        if "payload" in entry["digests"]:
            try:
                parts[f"authority/{seq}.json"] = house.vault.get(entry["notes"]["blob"])
            except NotFound:
                continue
    return seqs


def model(house: House, record: DecisionRecord, parts: dict[str, bytes]) -> None:
    """The manifest whose digest names the model, when the registry still has it; it names the digests of the model's files."""
    if record.model is None:
        return
    try:
        data = canonical(house.registry.manifest(record.model.name, record.model.version).plain)
    except NotFound:
        return
    if sha256(data) == record.model.digest:
        parts["model/manifest.json"] = data
