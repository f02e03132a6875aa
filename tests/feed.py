"""A small laboratory feed whose every field is known: what the tests of the register look for."""

from __future__ import annotations

__all__ = ["MARK", "message"]

MARK = "ZZMARKZZ"  # a name that may come out of nowhere


def message(
    number: int, *, unit: str = "mmol/L", extra: str = "", sex: str = "F", results: int = 2, name: str = MARK, day: int = 1
) -> bytes:
    """One result message; its patient, its narrative, its Z-segment and one misused field bear the mark."""
    lines = [
        f"MSH|^~\\&|LAB|NORTH|TRIVET|NORTH|202603{day:02d}0800||ORU^R01^ORU_R01|{number}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||{100000 + number}^^^NORTH^MR~{900000 + number}^^^STATE^SS||{name}^{name}^Q||19310713|{sex}|||"
        f"1 {name} WAY^^{name}^OR^97001||5550177642",
        f"OBR|1||A{number}|GLU^Glucose^99LAB|||202603{day:02d}0730",
        *(f"OBX|{place}|NM|GLU^Glucose^99LAB||{5 + place}.{number % 10}|{unit}|||||F" for place in range(1, results + 1)),
        f"NTE|1||spoke to {name} today",
        f"ZLB|1|{name}|{number}",
    ]
    return ("\r".join([*lines, *([extra] if extra else [])]) + "\r").encode()
