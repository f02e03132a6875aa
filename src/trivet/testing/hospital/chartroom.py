"""What the other systems of the hospital know: the electronic record, the picture archive, the referring practice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from trivet.testing.hospital.almanac import DAY, HOUR, MINUTE
from trivet.testing.hospital.desk import swapped_date
from trivet.testing.hospital.papers import Papers
from trivet.testing.hospital.person import Registration
from trivet.testing.hospital.tables import Condition, Lab
from trivet.testing.hospital.writers import ccda, dicom, fhir
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = ["film", "finished", "referral", "summary"]

_PRACTICE_TESTS = ("crea", "k", "glu", "hgb", "a1c")


def summary(papers: Papers, at: int, rng: Random) -> None:
    """The person's summary in the electronic record, exported when the record is first known to the house."""
    person, health, almanac = papers.person, papers.health, papers.world.almanac
    recorded = almanac.iso(at - rng.randrange(30, 2500) * DAY)
    kilograms = Decimal(rng.randrange(4800, 12500)) / 100
    resources = [
        fhir.patient(person, person.card, almanac.iso(at - HOUR)),
        *(fhir.condition(person, one, index, recorded) for index, one in enumerate(health.conditions, 1)),
        *(fhir.medication(person, one, index, recorded) for index, one in enumerate(health.drugs, 1)),
        *(fhir.allergy(person, one, index, recorded) for index, one in enumerate(health.allergies, 1)),
        fhir.smoking(person, health.smoker, recorded),
        fhir.weight(person, kilograms.quantize(Decimal("0.01")), recorded),
    ]
    papers.chart.seen("ehr", "EHR", person.ehr, at)
    papers.chart.seen("ehr", "SMH", person.card.mrn, at)
    papers.chart.send("ehr", at, fhir.bundle(f"summary-{person.ehr}", almanac.iso(at), resources), name=f"summary-{person.ehr}")


def finished(papers: Papers, visit: Visit) -> None:
    """A visit that is over, as the electronic record closes it some hours later."""
    if visit.discharged is None:
        return
    person, almanac = papers.person, papers.world.almanac
    at = visit.discharged + papers.rng.randrange(20 * MINUTE, 16 * HOUR)
    updated = almanac.iso(at)
    resource = fhir.encounter(person, visit, almanac.iso(visit.admitted), almanac.iso(visit.discharged), updated)
    papers.chart.row("ehr", at, fhir.line(resource))
    if visit.kind == "I" and visit.reason is not None:
        papers.chart.row("ehr", at, fhir.line(fhir.diagnosis(person, visit, visit.reason, updated)))


def film(papers: Papers, at: int, visit: Visit, card: Registration) -> None:
    """A chest film: header only, under the archive's own patient number."""
    person, almanac = papers.person, papers.world.almanac
    offset = almanac.iso(at)[-6:].replace(":", "")
    accession = f"A{almanac.text(at, '%y%m%d')}{person.number % 1_000_000:06d}{at % 97:02d}"
    _, family, given = visit.doctor
    data = dicom.header(
        study=f"{papers.world.seed}/{visit.number}/{at}",
        date=almanac.text(at, "%Y%m%d"),
        time=almanac.text(at, "%H%M%S"),
        offset=offset,
        accession=accession,
        patient=person.image,
        name=f"{card.family}^{card.given}^{card.middle}".rstrip("^"),
        born=card.born.replace("-", ""),
        sex=card.sex,
        referrer=f"{family}^{given}",
        institution="SOUTHMERE NORTHGATE" if visit.site == "NGH" else "SOUTHMERE",
        description="CHEST 2 VIEWS",
    )
    papers.chart.seen("radiology", "RIS", person.image, at + HOUR)
    papers.chart.send("radiology", at + HOUR, data, name=f"{accession}-1")


def _typical(lab: Lab, level: float) -> str:
    return f"{min(lab.ceiling, max(lab.floor, level)):.{lab.a_decimals}f}"


def referral(papers: Papers, at: int) -> None:
    """The referring practice's document: its own number, its own spelling of the name, its own half of the story."""
    person, health, world = papers.person, papers.health, papers.world
    rng = Random(f"{world.seed}/referral/{person.number}")
    card, truth = person.card, None
    if papers.plan.take("wrong_birth_date"):
        born = swapped_date(card.born)
        truth = papers.chart.truth("wrong_birth_date", {"practice_id": person.practice, "written": born, "right": card.born})
        card = replace(card, born=born)
    given = person.nick if person.nick and rng.random() < 0.3 else card.given
    known: tuple[Condition, ...] = tuple(one for one in health.conditions if rng.random() < 0.85)
    tests = [lab for lab in world.tables.labs if lab.key in _PRACTICE_TESTS and rng.random() < 0.8]
    results = tuple(
        (lab.loinc, lab.loinc_name, _typical(lab, health.levels[lab.key]), lab.a_unit.replace("MG/DL", "mg/dL")) for lab in tests
    )
    told = ccda.Summary(
        key=f"CCD{person.number:07d}{at // DAY}",
        stamp=world.almanac.text(at, "%Y%m%d%H%M") + world.almanac.iso(at)[-6:].replace(":", ""),
        card=card,
        given=given,
        conditions=known,
        drugs=health.drugs,
        allergies=health.allergies,
        results=results,
        smoker=health.smoker,
        doctor=("Lindholm", "Peter"),
    )
    papers.chart.seen("practice", "CFP", person.practice, at)
    papers.chart.send("practice", at, ccda.document(told, person.practice), name=told.key, truth=truth)
