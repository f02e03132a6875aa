"""The external suites that speak about proofs, digests and signatures: all of them, none excluded."""

from __future__ import annotations

from pathlib import Path

import pytest

from trivet.wiring import suites


@pytest.mark.corpora
@pytest.mark.parametrize(("suite", "cases"), [("merkle-proofs", 518), ("canonical-json", 18), ("signature-vectors", 476)])
def test_every_case_comes_out_as_its_authors_say(suite: str, cases: int, corpora: Path) -> None:
    """Good ones accepted, tampered ones refused; 482 of the Merkle cases are tampered."""
    result = suites.run(suite, corpora)
    assert result.failed == {}
    assert result.excluded == {}
    assert len(result.passed) == cases
    if suite == "merkle-proofs":
        assert result.measures == {"refused": 482}
