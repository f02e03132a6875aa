"""transparency-dev/merkle: RFC 6962 inclusion and consistency proofs, good and tampered, of trees and of subtrees."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trivet.contracts.suite import SuiteResult
from trivet.kernel.merkle import BadProof, check_consistency, check_inclusion, check_subtree

__all__ = ["run"]

Case = dict[str, Any]


def _path(case: Case) -> list[bytes]:
    return [b64decode(item) for item in case["proof"] or ()]


def _inclusion(case: Case) -> None:
    size = case["end"] if "end" in case else case["treeSize"]
    leaf, root = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
    check_inclusion(case["leafIdx"], size, leaf, _path(case), root, case.get("start", 0))


def _consistency(case: Case) -> None:
    old_root, new_root = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
    check_consistency(case["size1"], case["size2"], old_root, new_root, _path(case))


def _subtree(case: Case) -> None:
    old_root, new_root = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
    check_subtree(case["start"], case["end"], case["size"], old_root, new_root, _path(case))


CHECKS: dict[str, Callable[[Case], None]] = {
    "inclusion": _inclusion,
    "consistency": _consistency,
    "subtreeinclusion": _inclusion,
    "subtreeconsistency": _subtree,
}


def run(corpora: Path) -> SuiteResult:
    """Every case: a good proof must be accepted, a tampered one refused."""
    result = SuiteResult("merkle-proofs")
    folder = corpora / "merkle-proofs" / "testdata"
    refused = 0
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        case = json.loads(path.read_text(encoding="utf-8"))
        check = CHECKS.get(name.split("/")[0])
        if check is None:
            result.excluded[name] = "a kind of proof that this suite's reader does not know"
            continue
        try:
            check(case)
            accepted, why = True, "accepted, though tampered"
        except BadProof as error:
            accepted, why = False, f"refused: {error}"
        refused += not accepted
        if accepted is case["wantErr"]:
            result.failed[name] = why
        else:
            result.passed.append(name)
    result.measures["refused"] = refused
    return result
