"""How fast is a message read and eight fields taken from it, against `hl7` (pure Python) and `hl7kit` (Rust)?

    python benchmarks/hl7v2_parse.py [--peers PYTHON] [--seconds 2] [--rounds 3]

PYTHON is the interpreter of an environment of the peers' own, `python -m venv peers && peers/bin/pip install hl7 hl7kit
hl7v2-fhir-bridge`; without it the peers are said to be missing. Sides run in turns, each in its own process; rates are messages per
second of processor time, the best of the rounds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hl7v2_feed import feed

__all__ = ["compare", "main"]

SIDE = Path(__file__).with_name("hl7v2_peer.py")


def side(python: str, name: str, messages: Path, seconds: float, once: bool) -> dict[str, Any]:
    """One run of one side; `missing` says why there is no rate."""
    if not python or not Path(python).exists():
        return {"missing": "no Python of the peers: --peers"}
    done = subprocess.run(
        [python, SIDE, name, messages, str(seconds), *(["once"] if once else [])], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"missing": done.stderr.strip().splitlines()[-1]}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def compare(ours: str, peers: list[str], wanted: dict[str, float], count: int = 400, once: bool = False) -> dict[str, Any]:
    """Best rates of our side and the peers', and ours over each of theirs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", default="")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    best: dict[str, float] = {}
    said: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        messages = Path(folder) / "messages.json"
        texts = [raw.decode().replace("ADT^A03", "ADT^A08").replace("|A03|", "|A08|") for raw in feed(count)]  # a peer knows no A03
        messages.write_text(json.dumps(texts))
        for _ in range(given.rounds):
            for name in (ours, *peers):
                answer = side(sys.executable if name.startswith("trivet") else given.peers, name, messages, given.seconds, once)
                if "rate" in answer:
                    best[name] = max(best.get(name, 0.0), answer["rate"])
                    said[name] = answer["sample"]
                else:
                    said[name] = answer["missing"]
    return {
        "messages_per_cpu_second": {name: round(rate) for name, rate in best.items()},
        "ours_over": {name: round(best[ours] / best[name], 2) for name in peers if name in best},
        "wanted": wanted,
        "missing": {name: said[name] for name in peers if name not in best},
        "same_answer": [name for name in peers if name in best and said[name] == said[ours]],
    }


def main() -> None:
    """Print one JSON object."""
    print(json.dumps({"benchmark": "hl7v2_parse", **compare("trivet-parse", ["hl7", "hl7kit"], {"hl7": 8, "hl7kit": 0.5})}, indent=2))


if __name__ == "__main__":
    main()
