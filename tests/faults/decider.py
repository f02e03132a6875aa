"""A process to be killed: decides one question after another, and says each released answer aloud.

    python decider.py FOLDER FIRST

Every line on standard output is one answer that left the house: decision id and ledger position.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from office_house import Ward
from trivet.flows.decide import decide, decide_many


def main() -> None:
    """Decide until killed, alone and in cohorts by turns."""
    ward = Ward(Path(sys.argv[1]))
    number = int(sys.argv[2])
    while True:
        cohort = [ward.question(f"p-{(number + place) % 13}") for place in range(number % 4 * 5)]
        answers = decide_many(ward.house, cohort) if cohort else [decide(ward.house, ward.question())]
        for answer in answers:
            os.write(1, f"{answer.decision_id} {answer.seq} {answer.outcome}\n".encode())
        number += 1


if __name__ == "__main__":
    main()
