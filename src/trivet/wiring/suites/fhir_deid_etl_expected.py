"""Inputs and outputs of an ETL that de-identifies bulk FHIR: our policy `limited` over the same inputs, under the same key."""

from __future__ import annotations

from pathlib import Path

from trivet.contracts.suite import SuiteResult
from trivet.data.deid import Deidentifier, shipped
from trivet.kernel.jsontext import loads
from trivet.wiring.deidentify import r4
from trivet.wiring.suites.deidentified import Differences

__all__ = ["run"]

KEY = bytes.fromhex("1234")  # the salt under which the expected ids were made
SALT = b"1234"


def run(corpora: Path) -> SuiteResult:
    """Every resource of `deid`, and every one of `simple` that has no codebook of its own."""
    held = Differences(SuiteResult("fhir-deid-etl-expected"))
    folder = corpora / "fhir-deid-etl-expected" / "tests" / "data"
    run = Deidentifier(shipped("limited"), r4(), KEY, 2026, labels=False)
    for path in sorted((folder / "deid" / "input").glob("*.json")):
        wanted = loads((folder / "deid" / "output" / path.name).read_bytes())
        held.hold(f"deid/{path.stem}", wanted, run(loads(path.read_bytes())).resource)
    salted = Deidentifier(shipped("limited"), r4(), SALT, 2026, labels=False)
    for path in sorted((folder / "simple" / "input").glob("*.ndjson")):
        table = folder / "simple" / "output" / path.stem.lower()
        outputs = [loads(line) for file in sorted(table.glob("*.ndjson")) for line in file.read_bytes().splitlines() if line.strip()]
        inputs = [loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        if not outputs:
            continue
        made = [salted(one).resource for one in inputs]
        for wanted in outputs:
            twin = next((one for one in made if one.get("id") == wanted.get("id")), None)
            if twin is not None:
                held.hold(f"simple/{path.stem}/{str(wanted['id'])[:8]}", wanted, twin)
    return held.finish()
