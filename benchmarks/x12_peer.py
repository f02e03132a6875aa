"""One side of the X12 benchmark, run by either Python: reads a remittance again and again.

    python x12_peer.py NAME FILE ROUNDS

NAME is `acknowledge` or `translate` (ours), or `pyx12`. Started by `x12_835.py`, in a process of its own. Prints one JSON object: the best
seconds of processor time after one warm-up; exits with a message when the package is not there or the answer is not what it should be.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

MOMENT = datetime(2026, 1, 2)  # noqa: DTZ001 (an acknowledgement carries wall time)


def acknowledge(raw: bytes) -> Callable[[], int]:
    """Read, check, write the 999. The number of segments that it finds fault with."""
    from trivet.integration.formats.x12.acknowledge import acknowledge as answer

    return lambda: -1 if b"IK5*A~" not in (text := answer(raw, MOMENT, 1)) else text.count(b"IK3")


def translate(raw: bytes) -> Callable[[], int]:
    """Cut and translate; the number of spans."""
    from trivet.contracts.profile import SourceProfile
    from trivet.integration.formats.x12 import X12Format

    form, profile = X12Format(), SourceProfile("bench")
    return lambda: sum(len(record.spans) for unit in form.split(raw) for record in form.translate(unit.raw, profile).records)


def peer(raw: bytes) -> Callable[[], int]:
    """pyx12's reading, checking and acknowledging of the same file; it says that the file is valid."""
    import pyx12.params
    import pyx12.x12n_document

    logging.disable(logging.CRITICAL)
    text = raw.decode()

    def work() -> int:
        valid = pyx12.x12n_document.x12n_document(
            param=pyx12.params.params(), src_file=io.StringIO(text), fd_997=io.StringIO(), fd_html=None, fd_xmldoc=None
        )
        return 0 if valid else -1

    return work


SIDES = {"acknowledge": acknowledge, "translate": translate, "pyx12": peer}


def main() -> None:
    """Measure one side."""
    name, path, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    work = SIDES[name](path.read_bytes())
    told = work()
    if told < 0:
        sys.exit("the remittance is not accepted")
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    print(json.dumps({"seconds": min(times), "spans": told}) if name == "translate" else json.dumps({"seconds": min(times)}))


if __name__ == "__main__":
    main()
