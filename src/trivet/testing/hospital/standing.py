"""Faults that stand in a feed or a map rather than in one message, and the test patient who keeps a feed alive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivet.testing.hospital.almanac import DAY, HOUR
from trivet.testing.hospital.chart import Piece
from trivet.testing.hospital.person import Registration, make
from trivet.testing.hospital.tables import rows
from trivet.testing.hospital.world import World
from trivet.testing.hospital.writers import hl7

__all__ = ["keepalives", "truths"]

SYSTEMS = {
    "lab": "https://southmere.example/codes/lab",
    "lab_b": "https://southmere.example/codes/northgate-lab",
    "vitals": "https://southmere.example/codes/vitals",
}
ORDERED = (*(("lab", code) for code, _ in hl7.PANELS.values()), ("lab_b", "900"), ("vitals", "VS"))  # panels: nobody has mapped them
_CARD = Registration("9999999", "ZZTEST", "LAB", "", "1970-01-01", "M", "", "", "", "")


def keepalives(world: World) -> Iterator[Piece]:
    """Results of a test patient, every few hours in the last weeks before the anchor, from laboratory B."""
    if not world.faults:
        return
    table = world.tables.faults["test_patient"]
    step = int(str(table["every_hours"])) * HOUR
    at = world.anchor - int(str(table["days"])) * DAY
    labs = [lab for lab in world.tables.labs if lab.key in ("na", "k")]
    count = 0
    while at <= world.now:
        count += 1
        control = f"LABBQC{count:06d}"
        results = [(lab, f"{lab.mean:.{lab.b_decimals}f}", lab.b_unit) for lab in labs]
        text = hl7.lab_b(control, at, at - 600, f"QC{count:06d}", results, None, _CARD, world.almanac)
        yield Piece(at, -1, count, False, "lab_b", f"{control}.hl7", text.encode(), "")
        at += step


def _fault(world: World, kind: str, source: str, filename: str = "", **rest: Any) -> dict[str, Any]:
    return {"kind": kind, "source": source, "filename": filename, "expected": world.tables.faults[kind]["expected"], **rest}


def truths(world: World, patients: int) -> Iterator[dict[str, Any]]:
    """The standing faults, for the truth."""
    if not world.faults:
        return
    silent = world.tables.faults["silent_feed"]
    yield _fault(world, "silent_feed", str(silent["feed"]), detail={"hours": silent["hours"]})
    if world.anchor - int(str(world.tables.faults["test_patient"]["days"])) * DAY <= world.now:  # a shorter history ends before them
        yield _fault(world, "test_patient", "lab_b", detail={"mrn": _CARD.mrn, "name": "ZZTEST LAB"})
    for source, segment in (("adt", "ZBE"), ("adt", "ZSM"), ("lab_b", "ZLB")):
        yield _fault(world, "z_segment", source, detail={"segment": segment})
    yield from _maps(world)
    for number in range(patients):
        yield from _relations(world, number)


def _maps(world: World) -> Iterator[dict[str, Any]]:
    mapped = {(row["system"], row["code"]) for row in rows("terminology.csv", "site") if row["status"] == "approved"}
    loinc = {lab.a_code: lab.loinc for lab in world.tables.labs} | {lab.b_code: lab.loinc for lab in world.tables.labs}
    for number, row in enumerate(rows("terminology.csv", "site"), 1):
        if row["code"] in loinc and row["target_code"] != loinc[row["code"]]:
            detail = {"system": row["system"], "code": row["code"], "mapped_to": row["target_code"], "right": loinc[row["code"]]}
            yield _fault(world, "mapping_error", "site", "terminology.csv", row=number, detail=detail)
    for lab in world.tables.labs:
        for source, system, code in (("lab", SYSTEMS["lab"], lab.a_code), ("lab_b", SYSTEMS["lab_b"], lab.b_code)):
            if (system, code) not in mapped:
                yield _fault(world, "code_unmapped", source, detail={"system": system, "code": code, "right": lab.loinc})
                mapped.add((system, code))
    for source, code in ORDERED:
        if (SYSTEMS[source], code) not in mapped:
            yield _fault(world, "code_unmapped", source, detail={"system": SYSTEMS[source], "code": code, "right": None})


def _relations(world: World, number: int) -> Iterator[dict[str, Any]]:
    spread = world.figures("population")
    if number == 0:
        return
    twin = number % int(spread["twin_every"]) == 5
    if not twin and number % int(spread["household_every"]) != 3:
        return
    one, other = (make(world.seed, index, world.tables, world.first) for index in (number - 1, number))
    yield _fault(world, "twins" if twin else "shared_contact", "persons", detail={"persons": [one.key, other.key]}, person=other.key)
