"""The money of a visit: the claim some days later, and the payer's answer some weeks after that."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from trivet.testing.hospital.almanac import DAY, HOUR
from trivet.testing.hospital.papers import Papers
from trivet.testing.hospital.person import Registration
from trivet.testing.hospital.writers import x12
from trivet.testing.hospital.writers.hl7 import Visit

__all__ = ["bill"]

_CENT = Decimal("0.01")


def _money(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def _lines(visit: Visit, days: int, ed_charge: float, rng: Random) -> tuple[x12.Line, ...]:
    if visit.kind == "E" or visit.reason is None:
        return (
            x12.Line("0450", "", _money(ed_charge * rng.uniform(0.7, 1.6)), "UN", 1),
            x12.Line("0300", "", _money(rng.uniform(90, 480)), "UN", rng.randrange(1, 6)),
        )
    daily = visit.reason.charge_per_day
    return (
        x12.Line("0120", "", _money(daily * 0.48 * days), "DA", days),
        x12.Line("0250", "", _money(daily * rng.uniform(0.1, 0.3) * days), "UN", days),
        x12.Line("0300", "", _money(daily * rng.uniform(0.08, 0.2) * days), "UN", 2 * days),
        x12.Line("0360", "", _money(daily * rng.uniform(0.6, 2.0)), "UN", 1)
        if visit.reason.service == "SUR"
        else x12.Line("0320", "", _money(rng.uniform(180, 900)), "UN", 1),
    )


def bill(papers: Papers, visit: Visit, card: Registration) -> None:
    """Claim and remittance of a finished visit; nothing where there is no payer. Refused claims are remembered: they matter later."""
    insurer, world, rng = papers.person.insurer, papers.world, papers.rng
    if not insurer.payer_id or visit.discharged is None or visit.reason is None:
        return
    figures, almanac, main = world.figures("money"), world.almanac, papers.desk.main
    days = max(1, almanac.day(visit.discharged) - almanac.day(visit.admitted))
    written = main if card.family == "UNKNOWN" else card
    claim = x12.Claim(
        control=visit.number,
        mrn=card.mrn if rng.random() < 0.5 else "",
        member=papers.person.member,
        inpatient=visit.kind == "I",
        start=almanac.text(visit.admitted, "%Y%m%d"),
        end=almanac.text(visit.discharged, "%Y%m%d"),
        admitted=almanac.text(visit.admitted, "%Y%m%d%H%M"),
        urgency=visit.urgency,
        disposition=visit.disposition,
        diagnoses=(visit.reason.icd10, *(code for code, _ in visit.secondary)),
        doctor=visit.doctor,
        lines=_lines(visit, days, figures["ed_charge"], rng),
    )
    at = visit.discharged + int(rng.expovariate(1 / figures["claim_after_days"]) * DAY) + 6 * HOUR
    papers.chart.seen("billing", "MI", claim.member, at)
    if claim.mrn:
        papers.chart.seen("billing", "SMH", claim.mrn, at)
    papers.chart.row("billing", at, x12.claim_row(claim, written, insurer))
    _remit(papers, claim, at)


def _remit(papers: Papers, claim: x12.Claim, sent: int) -> None:
    insurer, rng, figures = papers.person.insurer, papers.rng, papers.world.figures("money")
    at = sent + int(rng.expovariate(1 / (figures["remit_after_days"] - 5)) * DAY) + 5 * DAY
    refused, share, whole = rng.random() < insurer.denied, rng.uniform(0.92, 1.08), rng.random() < 0.6
    charge, paid, patient = claim.charge, Decimal("0.00"), Decimal("0.00")
    truth = None
    if papers.plan.take("price_mismatch"):
        charge = (charge * Decimal("0.9")).quantize(_CENT)
        truth = papers.chart.truth("price_mismatch", {"claim": claim.control, "claimed": str(claim.charge), "in_remittance": str(charge)})
    if refused:
        papers.denied.append(at)
    else:
        allowed = (charge * _money(insurer.allowed * share)).quantize(_CENT)
        patient = Decimal("0.00") if whole else min(Decimal("1632.00"), (allowed / 5).quantize(_CENT))
        paid = allowed - patient
    key = f"{insurer.payer_id}{at // HOUR % 1_000_000:06d}{papers.person.number % 100_000:05d}"
    row = x12.remit_row(
        claim, papers.person.card, insurer, status="4" if refused else "1", charge=charge, paid=paid, patient=patient, key=key
    )
    if truth is None and papers.plan.take("remit_unbalanced"):
        row = b"!125.00|" + row
        truth = papers.chart.truth("remit_unbalanced", {"claim": claim.control, "difference": "125.00"})
    papers.chart.seen("payer", "MI", claim.member, at)
    papers.chart.row("payer", at, row, truth=truth, name=insurer.key)
