"""Messages translated per second and format, against reading and cutting up the same bytes in the same run.

    python benchmarks/translate.py [--seconds 2]

HL7 v2, FHIR and X12 are written here, each about a different patient. The peer reads the file and splits it at the format's own
separators (for FHIR: parses the JSON) and does nothing with the parts: nobody can translate faster than that. One process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from trivet.contracts.ports import Format
from trivet.contracts.profile import SourceProfile
from trivet.wiring.formats import get, load

CLAIM = Path(__file__).resolve().parent.parent / "tests/golden/x12/claims_837p.edi"


def hl7(number: int) -> str:
    """A result of one patient."""
    rows = [f"OBX|{row}|NM|{code}||{number % 90 + row}|mg/dL|||||F" for row, code in enumerate(("718-7", "2160-0", "2951-2"), 1)]
    head = f"MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260301080000||ORU^R01^ORU_R01|M{number}|P|2.5.1"
    person = f"PID|1||{number:06d}^^^NORTH^MR||Example{number}^Ann||19500101|F"
    return "\r".join([head, person, "OBR|1|||24323-8^Panel^LN|||20260301", *rows]) + "\r"


def fhir(number: int) -> str:
    """A patient with one result."""
    patient = {"resourceType": "Patient", "id": f"p{number}", "identifier": [{"system": "urn:mrn", "value": str(number)}]}
    result = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "subject": {"reference": f"Patient/p{number}"}}
    result |= {"code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}, "valueQuantity": {"value": number / 10}}
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}, {"resource": result}]})


def peers() -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Format -> its bytes and the bare cutting up of them."""
    return {
        "hl7v2": (
            "".join(hl7(number) for number in range(500)).encode(),
            lambda raw: [line.split(b"|") for line in raw.split(b"\r")],
        ),
        "fhir": ("\n".join(fhir(number) for number in range(500)).encode(), lambda raw: [json.loads(line) for line in raw.splitlines()]),
        "x12": (CLAIM.read_bytes() * 50, lambda raw: [part.split(b"*") for part in raw.split(b"~")]),
    }


def times(work: Callable[[], int], seconds: float) -> float:
    """Units per second, over at least one round."""
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds or not done:
        done += work()
    return done / (time.perf_counter() - started)


def translated(format: Format, path: Path) -> int:
    """Units of one file, cut and translated."""
    units: Iterator[object] = iter(format.split(path.read_bytes()))
    count = 0
    for count, unit in enumerate(units, 1):  # noqa: B007
        format.translate(unit.raw, SourceProfile("bench", format.name))  # type: ignore[attr-defined]
    return count


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2)
    given = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (raw, cut) in peers().items():
            path = Path(folder) / name
            path.write_bytes(raw)
            format = get(load(), name)
            units = translated(format, path)

            def bare(path: Path = path, cut: Callable[[bytes], object] = cut, units: int = units) -> int:
                cut(path.read_bytes())
                return units

            ours = times(lambda format=format, path=path: translated(format, path), given.seconds)  # type: ignore[misc]
            peer = times(bare, given.seconds / 2)
            rows[name] = {
                "units": units,
                "bytes": len(raw),
                "units_per_second": round(ours),
                "read_and_split_per_second": round(peer),
                "slower_by": round(peer / ours, 1),
            }
    print(json.dumps({"benchmark": "translate", "formats": rows}, indent=2))


if __name__ == "__main__":
    main()
