"""X12 5010 claims (837I, 005010X223A2) and remittances (835, 005010X221A1). CPT and NUBC texts are licensed and not used:
lines carry revenue code numbers and HCPCS level II codes only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trivet.testing.hospital.person import Registration
from trivet.testing.hospital.tables import Insurer

__all__ = ["Claim", "Line", "claim_file", "claim_row", "npi", "remit_file", "remit_row"]

HOSPITAL = ("SOUTHMERE HOSPITAL", "1922334408", "36-5550199")


def npi(number: int) -> str:
    """A ten-digit provider number with its check digit (Luhn over 80840 and the nine digits)."""
    text = f"1{number:08d}"
    total = 24
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return f"{text}{-total % 10}"


@dataclass(frozen=True, slots=True)
class Line:
    """A service line: revenue code, HCPCS code or '', charge, unit (DA days, UN units) and quantity."""

    revenue: str
    hcpcs: str
    charge: Decimal
    unit: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as billing knows it. Dates are `YYYYMMDD`, `admitted` `YYYYMMDDHHMM` or '' for an outpatient visit."""

    control: str
    mrn: str
    member: str
    inpatient: bool
    start: str
    end: str
    admitted: str
    urgency: str
    disposition: str
    diagnoses: tuple[str, ...]
    doctor: tuple[str, str, str]
    lines: tuple[Line, ...]

    @property
    def charge(self) -> Decimal:
        """Total charge (CLM02)."""
        return sum((line.charge for line in self.lines), Decimal("0.00"))


def _name(text: str) -> str:
    return text.upper().replace("*", " ").replace("~", " ").replace(":", " ").replace("'", "")


def claim_row(claim: Claim, card: Registration, insurer: Insurer) -> bytes:
    """The subscriber and claim loops (2000B to 2400) of one claim, without the HL segment that numbers them."""
    key, family, given = claim.doctor
    codes = [code.replace(".", "") for code in claim.diagnoses]
    others = "*".join(f"ABF:{code}" for code in codes[1:9])
    segments = [
        f"SBR*P*18*******{insurer.filing}",
        f"NM1*IL*1*{_name(card.family)}*{_name(card.given)}*{card.middle}***MI*{claim.member}",
        f"N3*{_name(card.street) or 'UNKNOWN'}",
        f"N4*{_name(card.city) or 'SOUTHMERE'}*IL*{card.zip or '60990'}",
        f"DMG*D8*{card.born.replace('-', '')}*{card.sex}",
        f"NM1*PR*2*{_name(insurer.name)}*****PI*{insurer.payer_id}",
        f"CLM*{claim.control}*{claim.charge}***{'11' if claim.inpatient else '13'}:A:1**A*Y*Y",
        f"DTP*434*RD8*{claim.start}-{claim.end}",
        *([f"DTP*435*DT*{claim.admitted}"] if claim.inpatient else []),
        f"CL1*{'1' if claim.urgency == 'E' else '3'}*1*{claim.disposition}",
        *([f"REF*EA*{claim.mrn}"] if claim.mrn else []),
        f"HI*ABK:{codes[0]}",
        *([f"HI*ABJ:{codes[0]}"] if claim.inpatient else []),
        *([f"HI*{others}"] if others else []),
        f"NM1*71*1*{family}*{given}****XX*{npi(int(key))}",
    ]
    for index, line in enumerate(claim.lines, 1):
        procedure = f"HC:{line.hcpcs}" if line.hcpcs else ""
        segments += [
            f"LX*{index}",
            f"SV2*{line.revenue}*{procedure}*{line.charge}*{line.unit}*{line.quantity}",
            f"DTP*472*D8*{claim.start}",
        ]
    return ("~\n".join(segments) + "~\n").encode()


def _envelope(kind: str, version: str, code: str, sender: str, receiver: str, stamp: str, number: int, body: list[str]) -> bytes:
    """ISA/GS/ST around `body`; `stamp` is `YYYYMMDDHHMM`, `number` the control number of all three levels."""
    ends = f"{sender:<15}*ZZ*{receiver:<15}"
    head = [
        f"ISA*00*{'':<10}*00*{'':<10}*ZZ*{ends}*{stamp[2:8]}*{stamp[8:]}*^*00501*{number:09d}*0*P*:",
        f"GS*{code}*{sender}*{receiver}*{stamp[:8]}*{stamp[8:]}*{number}*X*{version}",
        f"ST*{kind}*{number:04d}" + (f"*{version}" if kind == "837" else ""),
    ]
    count = sum(part.count("~") + 1 for part in body) + 2
    tail = [f"SE*{count}*{number:04d}", f"GE*1*{number}", f"IEA*1*{number:09d}"]
    return ("~\n".join(head + body + tail) + "~\n").encode()


def claim_file(rows: list[bytes], stamp: str, number: int) -> bytes:
    """An 837I file of claims from `claim_row`."""
    name, provider, tax = HOSPITAL
    body = [
        f"BHT*0019*00*{number}*{stamp[:8]}*{stamp[8:]}*CH",
        f"NM1*41*2*{name}*****46*SMHBILL",
        "PER*IC*EDI DESK*TE*3125550100",
        "NM1*40*2*CLEARING HOUSE*****46*CLRHSE",
        "HL*1**20*1",
        f"NM1*85*2*{name}*****XX*{provider}",
        "N3*1 HOSPITAL WAY",
        "N4*SOUTHMERE*IL*609900001",
        f"REF*EI*{tax.replace('-', '')}",
    ]
    for index, row in enumerate(rows, 2):
        body += [f"HL*{index}*1*22*0", row.decode()[:-2]]
    return _envelope("837", "005010X223A2", "HC", "SMHBILL", "CLRHSE", stamp, number, body)


def remit_row(
    claim: Claim, card: Registration, insurer: Insurer, *, status: str, charge: Decimal, paid: Decimal, patient: Decimal, key: str
) -> bytes:
    """The claim payment loop (2100) of one claim, with what was taken off: charge - adjustments = paid."""
    share = str(patient) if patient else ""
    place = "11" if claim.inpatient else "13"
    segments = [f"CLP*{claim.control}*{status}*{charge}*{paid}*{share}*{insurer.filing}*{key}*{place}*1"]
    off = charge - paid - patient
    if status == "4":
        segments.append(f"CAS*CO*197*{off}")
    elif off:
        segments.append(f"CAS*CO*45*{off}")
    if patient:
        segments.append(f"CAS*PR*1*{patient}")
    segments.append(f"NM1*QC*1*{_name(card.family)}*{_name(card.given)}****MI*{claim.member}")
    segments += [f"DTM*232*{claim.start}", f"DTM*233*{claim.end}"]
    return ("~\n".join(segments) + "~\n").encode()


def remit_file(rows: list[bytes], insurer: Insurer, stamp: str, number: int) -> bytes:
    """An 835 file of payments from `remit_row`. A row that begins with `!` adds what follows it to the total: a planted error."""
    total = Decimal("0.00")
    body = []
    for row in rows:
        text = row.decode()
        if text.startswith("!"):
            extra, _, text = text[1:].partition("|")
            total += Decimal(extra)
        total += Decimal(text.split("*", 5)[4])
        body.append(text[:-2])
    head = [
        f"BPR*I*{total}*C*ACH*CCP*01*071000505*DA*4400123*1365550101**01*071000013*DA*90817263*{stamp[:8]}",
        f"TRN*1*{insurer.payer_id}{number:09d}*1365550101",
        f"DTM*405*{stamp[:8]}",
        f"N1*PR*{_name(insurer.name)}",
        "N3*PO BOX 1200",
        "N4*SPRINGFIELD*IL*62701",
        f"REF*2U*{insurer.payer_id}",
        "PER*BL*PROVIDER SERVICES*TE*3125550111",
        f"N1*PE*{HOSPITAL[0]}*XX*{HOSPITAL[1]}",
        "LX*1",
    ]
    return _envelope("835", "005010X221A1", "HP", insurer.payer_id, "SMHBILL", stamp, number, head + body)
