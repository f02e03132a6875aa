"""X12 835: read, check and acknowledge a remittance of 1,000 claims, against pyx12 doing the same; then translate it with lineage.

Both sides check every segment and element against the guide and write a 999. CPU time of this process, best of three. Where pyx12 is
not installed (`pip install pyx12`), only our side is measured, and that is said.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from datetime import datetime

from trivet.contracts.profile import SourceProfile
from trivet.integration.formats.x12 import X12Format
from trivet.integration.formats.x12.acknowledge import acknowledge

CLAIMS = 1000
MOMENT = datetime(2026, 1, 2)  # noqa: DTZ001 (an acknowledgement carries wall time)
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
CLAIM = """CLP*A{n:07d}*1*120.00*80.00*20.00*12*P{n:07d}*11*1~
NM1*QC*1*OKAFOR*ADAEZE****MI*M{n:07d}~
DTM*232*20260101~
SVC*HC:99211*60.00*40.00**1~
DTM*472*20260101~
CAS*CO*45*10.00~
CAS*PR*3*10.00~
AMT*B6*50.00~
SVC*HC:99213*60.00*40.00**1~
DTM*472*20260101~
CAS*CO*45*10.00~
CAS*PR*3*10.00~
AMT*B6*50.00~
"""


def remittance(claims: int) -> bytes:
    """A balanced 835."""
    text = HEAD.format(paid=80 * claims) + "".join(CLAIM.format(n=number) for number in range(claims))
    count = text.count("~") - 2 + 1
    return f"{text}SE*{count}*0001~\nGE*1*1~\nIEA*1*000000001~\n".encode()


def best(work: Callable[[], object]) -> float:
    """Seconds of CPU, the best of three."""
    times = []
    for _ in range(3):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def peer(raw: bytes) -> Callable[[], object] | None:
    """pyx12's reading, checking and acknowledging of the same file."""
    try:
        import pyx12.params
        import pyx12.x12n_document
    except ImportError:
        return None
    logging.disable(logging.CRITICAL)
    return lambda: pyx12.x12n_document.x12n_document(
        param=pyx12.params.params(), src_file=io.StringIO(raw.decode()), fd_997=io.StringIO(), fd_html=None, fd_xmldoc=None
    )


def translate(raw: bytes) -> int:
    """Cut and translate; the number of spans."""
    form, profile = X12Format(), SourceProfile("bench")
    return sum(len(record.spans) for unit in form.split(raw) for record in form.translate(unit.raw, profile).records)


def main() -> None:
    """Print claims per second."""
    raw = remittance(CLAIMS)
    assert b"IK5*A~" in acknowledge(raw, MOMENT, 1)
    ours = best(lambda: acknowledge(raw, MOMENT, 1))
    print(f"read, check, acknowledge: {CLAIMS / ours:,.0f} claims/s ({len(raw) / ours / 1e6:.1f} MB/s)")
    other = peer(raw)
    if other is None:
        print("pyx12: not installed, not measured")
    else:
        theirs = best(other)
        print(f"pyx12, the same: {CLAIMS / theirs:,.0f} claims/s; ours is {theirs / ours:.1f} times as fast")
    spans = translate(raw)
    took = best(lambda: translate(raw))
    print(f"translate with lineage and coverage: {CLAIMS / took:,.0f} claims/s, {spans / CLAIMS:.0f} spans a claim")


if __name__ == "__main__":
    main()
