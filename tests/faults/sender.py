"""A process to be killed: decides and delivers at the same time.

    python sender.py FOLDER MLLP-PORT HTTP-PORT FIRST

Every line on standard output is one decision that is durable; what is delivered, the peers at the ports know.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outgoing_ward import KEY, SYSTEM, Yard
from trivet.flows.decide import decide_many
from trivet.integration.outbound.tables import Destination

DESTINATIONS = (Destination("ehr", ("*",), True), Destination("app", ("*",), True))


def main() -> None:
    """Decide until killed, in small cohorts; two couriers deliver meanwhile."""
    yard = Yard(Path(sys.argv[1]), DESTINATIONS)
    first = int(sys.argv[4])
    couriers = [
        yard.courier("ehr", "hl7v2", f"mllp://127.0.0.1:{sys.argv[2]}", patient_system=SYSTEM),
        yard.courier("app", "webhook", f"http://127.0.0.1:{sys.argv[3]}/", key=KEY),
    ]
    for courier in couriers:
        threading.Thread(target=courier.run, daemon=True).start()
    while True:
        for answer in decide_many(yard.house, [yard.question(f"p-{(first + place) % 13}") for place in range(4)]):
            os.write(1, f"{answer.decision_id} {answer.seq}\n".encode())
        first += 4


if __name__ == "__main__":
    main()
