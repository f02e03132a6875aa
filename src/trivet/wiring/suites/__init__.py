"""External conformance suites: one module each, offering `run(corpora: Path) -> SuiteResult`. Named here, loaded when called."""

from __future__ import annotations

import importlib
from pathlib import Path

from trivet.contracts.suite import SuiteResult
from trivet.kernel.errors import NotFound

__all__ = ["SUITES", "run"]

SUITES: dict[str, str] = {
    # suite (the folder's name in the corpora): module of this package
    "merkle-proofs": "merkle_proofs",
    "canonical-json": "canonical_json",
    "signature-vectors": "signature_vectors",
    "ucum": "ucum",
}


def run(suite: str, corpora: Path) -> SuiteResult:
    """Run one suite over the folder that holds the corpora. NotFound for an unknown suite or a folder that is not there."""
    if suite not in SUITES:
        raise NotFound("E501", f"no suite named {suite}", why="known suites: " + ", ".join(SUITES), help="trivet conform --list")
    if not (corpora / suite).is_dir():
        raise NotFound("E502", f"no data for {suite}", where=str(corpora / suite), help="trivet conform SUITE --corpora DIR")
    result: SuiteResult = importlib.import_module(f"trivet.wiring.suites.{SUITES[suite]}").run(corpora)
    return result
