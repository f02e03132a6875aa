"""RFC 8785: documents in any form, and the one canonical form each of them has."""

from __future__ import annotations

import json
from pathlib import Path

from trivet.contracts.suite import SuiteResult
from trivet.kernel import jsontext
from trivet.kernel.digest import canonical

__all__ = ["run"]


def run(corpora: Path) -> SuiteResult:
    """Every document, read by the house's own reader and by the standard library's, must give the expected bytes; so must its result."""
    result = SuiteResult("canonical-json")
    folder = corpora / "canonical-json" / "testdata"
    for path in sorted((folder / "input").glob("*.json")):
        expected = bytes.fromhex((folder / "outhex" / f"{path.stem}.txt").read_text(encoding="ascii"))
        text = path.read_text(encoding="utf-8")
        for name, made in (
            (path.stem, canonical(jsontext.loads(text))),
            (f"{path.stem}-floats", canonical(json.loads(text))),
            (f"{path.stem}-again", canonical(jsontext.loads(expected))),
        ):
            if made == expected and expected == (folder / "output" / path.name).read_bytes():
                result.passed.append(name)
            else:
                result.failed[name] = f"{len(made)} bytes that differ from the {len(expected)} expected"
    return result
