"""How many messages become FHIR a second, with lineage and coverage, against `hl7v2-fhir-bridge`, which has neither?

    python benchmarks/hl7v2_translate.py [--peers PYTHON] [--seconds 2] [--rounds 3]

As `hl7v2_parse.py`, except that no message is timed twice: patients, doctors and tests come again in the feed, as they do, and what
a translator remembers of them it may use; a message it has met it may not (half of the feed warms up, the other half is timed). The
two do not make the same: of these messages ours makes 19.5 records with 270 spans and an account of 126 elements,
the peer five resources (no results, allergies, diagnoses, insurance, relatives, places); rates per resource are printed beside.
Spans and elements are made when they are first read; `trivet-read` reads all of them.
"""

from __future__ import annotations

import json

from hl7v2_parse import compare

RECORDS = {"trivet-translate": 19.5, "trivet-read": 19.5, "bridge": 5.0}  # of one message of the feed


def main() -> None:
    """Print one JSON object."""
    found = compare("trivet-translate", ["bridge", "trivet-read"], {"bridge": 1}, count=2400, once=True)
    rates = found["messages_per_cpu_second"]
    found.pop("same_answer")
    if "bridge" in rates:
        found["read_over_bridge"] = round(rates["trivet-read"] / rates["bridge"], 2)
    found["resources_per_cpu_second"] = {name: round(rate * RECORDS[name]) for name, rate in rates.items()}
    print(json.dumps({"benchmark": "hl7v2_translate", **found}, indent=2))


if __name__ == "__main__":
    main()
