"""Project Wycheproof: Ed25519 by two verifiers (the one that signs checkpoints, and the dependency-free one that ships in every
dossier), HMAC-SHA-256 as used for commitments."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.governance.verify import ed25519
from trivet.kernel.note import NoteVerifier

__all__ = ["run"]

Case = dict[str, Any]


def run(corpora: Path) -> SuiteResult:
    """Every vector: a valid signature or tag must be accepted, an invalid one refused."""
    result = SuiteResult("signature-vectors")
    folder = corpora / "signature-vectors" / "testvectors_v1"
    for group, test in cases(folder / "ed25519_test.json"):
        public, signature, message = (bytes.fromhex(value) for value in (group["publicKey"]["pk"], test["sig"], test["msg"]))
        judge(result, f"ed25519/{test['tcId']}", ed25519(public, signature, message), test, "dependency-free verifier")
        judge(result, f"ed25519-openssl/{test['tcId']}", NoteVerifier("a", public).holds(message, signature), test, "cryptography")
    for group, test in cases(folder / "hmac_sha256_test.json"):
        key, message, tag = (bytes.fromhex(test[name]) for name in ("key", "msg", "tag"))
        made = hmac.new(key, message, hashlib.sha256).digest()[: group["tagSize"] // 8]
        judge(result, f"hmac-sha256/{test['tcId']}", hmac.compare_digest(made, tag), test, "standard library")
    return result


def cases(path: Path) -> Iterator[tuple[Case, Case]]:
    """Each group with each of its tests."""
    for group in json.loads(path.read_text(encoding="utf-8"))["testGroups"]:
        for test in group["tests"]:
            yield group, test


def judge(result: SuiteResult, name: str, accepted: bool, test: Case, by: str) -> None:
    """Write one case down."""
    if accepted is (test["result"] == "valid"):
        result.passed.append(name)
    else:
        result.failed[name] = f"{by} says {'valid' if accepted else 'invalid'}, the vector says {test['result']}"
