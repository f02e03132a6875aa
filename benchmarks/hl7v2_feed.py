"""A feed for the HL7 v2 benchmarks: admissions and results of ten segments each, the same for every run.

Patients come again (as they do), numbers, times and values do not: what a cache may remember here it may remember in a hospital.
"""

from __future__ import annotations

import random

__all__ = ["feed"]

FAMILY = ["Ode", "Hart", "Lund", "Nguyen", "Okafor", "Silva", "Kaya", "Moreau", "Novak", "Singh"]
GIVEN = ["Ann", "Lou", "Kim", "Ravi", "Ada", "Jon", "Mia", "Tomas", "Lea", "Omar"]
TESTS = [
    ("718-7", "Hemoglobin", "g/dL", 13),
    ("2823-3", "Potassium", "mmol/L", 4),
    ("2160-0", "Creatinine", "mg/dL", 1),
    ("6690-2", "WBC", "10*3/uL", 7),
]


def patient(rng: random.Random, number: int) -> tuple[str, str, str, str]:
    """PID, PD1, NK1 and the place of one patient."""
    family, given = rng.choice(FAMILY), rng.choice(GIVEN)
    pid = (
        f"PID|1||{100000 + number}^^^NORTH^MR~{rng.randrange(10**8, 10**9)}^^^SSA^SS||{family}^{given}^{rng.choice('ABC')}||"
        f"19{rng.randrange(20, 99)}0{rng.randrange(1, 9)}1{rng.randrange(1, 9)}|{rng.choice('MF')}||2106-3^White^CDCREC|"
        f"{rng.randrange(1, 900)} Main St^^Oak Park^IL^60301^USA^H||^PRN^PH^^1^708^555{rng.randrange(1000, 9999)}|||M||"
        f"{900000 + number}^^^NORTH^AN"
    )
    doctor = rng.randrange(1, 60)
    pd1 = f"PD1||||{doctor}^{FAMILY[doctor % 10]}^{GIVEN[doctor // 6 % 10]}^^^Dr^^^NORTH"
    nk1 = f"NK1|1|{family}^{rng.choice(GIVEN)}|SPO^Spouse^HL70063||^PRN^PH^^1^708^555{rng.randrange(1000, 9999)}"
    place = f"{rng.choice(['ICU', '4E', '4W', 'ED'])}^{rng.randrange(1, 30)}^{rng.choice('AB')}^NORTH"
    return pid, pd1, nk1, place


def feed(count: int, patients: int = 400, seed: int = 7) -> list[bytes]:
    """`count` messages, half admissions, updates and discharges, half results."""
    rng = random.Random(seed)
    pool = [patient(rng, number) for number in range(patients)]
    messages = []
    for number in range(count):
        who = rng.randrange(patients)
        pid, pd1, nk1, place = pool[who]
        at = (
            f"2026{rng.randrange(1, 13):02d}{rng.randrange(1, 28):02d}{rng.randrange(24):02d}{rng.randrange(60):02d}{rng.randrange(60):02d}"
        )
        doctor = rng.randrange(1, 60)
        name = f"{doctor}^{FAMILY[doctor % 10]}^{GIVEN[doctor // 6 % 10]}^^^Dr^^^NORTH"
        pv1 = f"PV1|1|I|{place}|E|||{name}|||MED||||7|||{name}||V{who}{rng.randrange(3)}^^^NORTH^VN" + "|" * 25 + at
        if number % 2:
            event = rng.choice(["A01", "A08", "A08", "A03"])
            lines = [
                f"MSH|^~\\&|ADT|NORTH|EHR|NORTH|{at}||ADT^{event}|M{number}|P|2.5.1",
                f"EVN|{event}|{at}",
                pid,
                pd1,
                nk1,
                pv1,
                "AL1|1|DA|7980^Penicillin^RXNORM|SV|Hives",
                "DG1|1||N17.9^Acute kidney failure^I10|||A",
                f"DG1|2||E11.9^Type 2 diabetes^I10|||{rng.choice('AW')}",
                f"IN1|1|PPO^Preferred|C{rng.randrange(9)}^^^PAYER|Blue Plan|||||||||||||{pid.split('|')[5]}|SEL||||||||||||||||||P{who}",
            ]
        else:
            order = f"ORC|RE|P{number}^EHR|F{number}^LAB||CM||||{at}|||{name}"
            lines = [
                f"MSH|^~\\&|LAB|NORTH|EHR|NORTH|{at}||ORU^R01|M{number}|P|2.5.1",
                pid,
                pv1,
                order,
                f"OBR|1|P{number}^EHR|F{number}^LAB|24331-1^Panel^LN|||{at}|||||||||{name}||||||{at}||LAB|F",
            ]
            for rank, (code, test, unit, middle) in enumerate(TESTS, 1):
                value = round(middle * rng.uniform(0.5, 1.6), 2)
                lines.append(
                    f"OBX|{rank}|NM|{code}^{test}^LN||{value}|{unit}|{middle * 0.8:.1f}-{middle * 1.2:.1f}|{rng.choice('NHL')}|||F|||{at}"
                )
            lines.append("NTE|1||Specimen slightly hemolysed")
        messages.append(("\r".join(lines) + "\r").encode())
    return messages
