"""X12 835: read, check and acknowledge a remittance of 1,000 claims, against pyx12 doing the same; then translate it with lineage.

    python benchmarks/x12_835.py [--peer PYTHON] [--rounds 5] [--claims 1000]

PYTHON is the interpreter of an environment of the peer's own, `python -m venv peer && peer/bin/pip install pyx12`; without it the peer is
said to be missing. Both sides check every segment and element against the guide and write a 999. Sides run in turns, each in its own
process, one warm-up and then `rounds` times; seconds are of processor time, the best of all. Amounts, codes and days differ from claim to
claim; every seventh claim has three lines.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIDE = Path(__file__).with_name("x12_peer.py")
HEAD = """ISA*00*          *00*          *ZZ*PAYER          *ZZ*PROVIDER       *260101*0900*^*00501*000000001*0*P*:~
GS*HP*PAYER*PROVIDER*20260101*0900*1*X*005010X221A1~
ST*835*0001~
BPR*I*{paid}.00*C*ACH*CCP*01*999999992*DA*123*1930000009**01*999999991*DA*456*20260102~
TRN*1*TRACE1*1930000009~
DTM*405*20260101~
N1*PR*LARCH HEALTH PLAN~
N3*2 LARCH WAY~
N4*SALEM*OR*97301~
PER*BL*CLAIMS*TE*5550111111~
N1*PE*RIVERBEND CLINIC*XX*1234567893~
LX*1~
"""
CLAIM = """CLP*A{n:07d}*1*{charge}.00*{paid}.00*{owed}.00*12*P{n:07d}*11*1~
NM1*QC*1*OKAFOR{n}*ADAEZE****MI*M{n:07d}~
DTM*232*202601{day:02d}~
"""
LINE = """SVC*HC:{code}*{charge}.00*{paid}.00**1~
DTM*472*202601{day:02d}~
CAS*CO*45*10.00~
CAS*PR*3*10.00~
AMT*B6*{allowed}.00~
"""


def claim(number: int) -> tuple[str, int]:
    """One claim payment, and what is paid for it."""
    lines, day, charge = 3 if number % 7 == 6 else 2, 1 + number % 28, 60 + number % 401
    head = CLAIM.format(n=number, charge=lines * charge, paid=lines * (charge - 20), owed=lines * 10, day=day)
    codes = [99201 + (number + line) % 15 for line in range(lines)]
    rows = [LINE.format(code=code, charge=charge, paid=charge - 20, allowed=charge - 10, day=day) for code in codes]
    return head + "".join(rows), lines * (charge - 20)


def remittance(claims: int) -> bytes:
    """A balanced 835."""
    made = [claim(number) for number in range(claims)]
    text = HEAD.format(paid=sum(paid for _, paid in made)) + "".join(one for one, _ in made)
    count = text.count("~") - 2 + 1
    return f"{text}SE*{count}*0001~\nGE*1*1~\nIEA*1*000000001~\n".encode()


def side(python: str, name: str, path: Path, rounds: int) -> dict[str, Any]:
    """One run of one side; `missing` says why there is none."""
    if not python or not Path(python).exists():
        return {"missing": "pyx12: not measured, no Python of the peer: --peer"}
    done = subprocess.run([python, SIDE, name, path, str(rounds)], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"missing": f"{name}: {done.stderr.strip().splitlines()[-1]}"}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def main() -> None:
    """Print claims per second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--claims", type=int, default=1000)
    given = parser.parse_args()
    raw = remittance(given.claims)
    best: dict[str, float] = {}
    missing, spans = "", 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "remittance.835"
        path.write_bytes(raw)
        for _ in range(given.rounds):
            for name in ("acknowledge", "pyx12", "translate"):
                answer = side(given.peer if name == "pyx12" else sys.executable, name, path, 1)
                missing = answer.get("missing", missing)
                if "seconds" in answer:
                    best[name] = min(best.get(name, answer["seconds"]), answer["seconds"])
                    spans = answer.get("spans", spans)
    for name, text in (("acknowledge", "read, check, acknowledge"), ("pyx12", "pyx12, the same"), ("translate", "translate with lineage")):
        if name in best:
            print(f"{text}: {given.claims / best[name]:,.0f} claims/s of processor time ({len(raw) / best[name] / 1e6:.1f} MB/s)")
    print(f"{spans / given.claims:.0f} spans a claim")
    print(missing or f"ours is {best['pyx12'] / best['acknowledge']:.1f} times as fast as pyx12 (wanted: 10)")


if __name__ == "__main__":
    main()
